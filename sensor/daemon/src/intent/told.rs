//! What a feed of declarations delivered and when, as lines of JSON: what `replay --intents` reads.

use serde::Deserialize;
use tagout_core::Timestamp;
use tagout_core::engine::IntentFinding;

use super::claims::Claims;
use super::{Declaration, Instant, Keys, Refusal, Source};
use crate::record::octets;

/// Something that a feed delivered.
#[derive(Clone, Debug)]
pub enum Told {
    /// A declaration that is believed.
    Declared(Box<Declaration>),
    /// One that is not, as far as it can be told what it says.
    Disbelieved {
        /// Whom it names.
        actor: Option<String>,
        /// What it says.
        declaration: Option<Box<Declaration>>,
        /// Why.
        finding: IntentFinding,
        /// When it was delivered.
        received: Timestamp,
    },
    /// A sign of life.
    Alive(Timestamp),
}

impl Told {
    /// When it was delivered.
    pub fn received(&self) -> Timestamp {
        match self {
            Self::Declared(declaration) => declaration.received,
            Self::Disbelieved { received, .. } => *received,
            Self::Alive(at) => *at,
        }
    }

    /// Reads a line: an object with `received`, and either `alive: true`, or `jws` with a signed intent, or `intent` with the
    /// claims of one that was checked and what is known of where they come from.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(line: &str, keys: &Keys) -> Result<Self, String> {
        let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
        match &line.jws {
            Some(jws) => Self::signed(jws.as_bytes(), line.received.0, keys).map_err(|refusal| refusal.to_string()),
            None => line.told(),
        }
    }
}

impl Told {
    /// What becomes of a signed intent that came at this time.
    ///
    /// # Errors
    /// What is wrong with one that nobody needs to be told of: it was never signed, is not as it should be, or comes too late.
    pub fn signed(jws: &[u8], received: Timestamp, keys: &Keys) -> Result<Self, Refusal> {
        match keys.verify(jws, received) {
            Ok(verified) => Ok(Self::Declared(Box::new(verified.declare(received)))),
            Err(refusal) => Self::refused(refusal, received),
        }
    }

    /// What becomes of what was refused at this time.
    ///
    /// # Errors
    /// The same, if nobody needs to be told of it.
    fn refused(refusal: Refusal, received: Timestamp) -> Result<Self, Refusal> {
        let Some(finding) = refusal.finding() else { return Err(refusal) };
        let actor = if let Refusal::NotForActor { actor, .. } = refusal { Some(actor) } else { None };
        Ok(Self::Disbelieved { actor, declaration: None, finding, received })
    }

    /// Why it is not believed, if it is not.
    pub(super) fn disbelieved_as(&self) -> Option<IntentFinding> {
        if let Self::Disbelieved { finding, .. } = self { Some(*finding) } else { None }
    }

    /// The same, delivered no later than this.
    #[must_use]
    pub fn known_by(mut self, now: Timestamp) -> Self {
        let received = match &mut self {
            Self::Declared(declaration) => &mut declaration.received,
            Self::Disbelieved { received, .. } | Self::Alive(received) => received,
        };
        *received = now.min(*received);
        self
    }

    /// What becomes of a declaration that is not believed for this reason.
    pub(super) fn disbelieved(declaration: Box<Declaration>, finding: IntentFinding) -> Self {
        let (actor, received) = (Some(declaration.actor.clone()), declaration.received);
        Self::Disbelieved { actor, declaration: Some(declaration), finding, received }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    received: Instant,
    #[serde(default)]
    alive: bool,
    /// A signed intent, in the compact form.
    jws: Option<String>,
    intent: Option<serde_json::Value>,
    /// Id of the key that it is signed with; left out for a span.
    key: Option<String>,
    refused: Option<String>,
    tool: Option<String>,
    span_id: Option<String>,
    client: Option<String>,
}

impl Line {
    fn told(self) -> Result<Told, String> {
        let Some(intent) = self.intent else {
            return if self.alive {
                Ok(Told::Alive(self.received.0))
            } else {
                Err("none of `intent`, `jws` and `alive`".into())
            };
        };
        let claims = Claims::read(intent.to_string().as_bytes())?;
        let source = match self.key {
            Some(key) => Source::Signed { key, approver: claims.approver.clone() },
            None => Source::Span,
        };
        let mut declaration = claims.declare(source, self.received.0);
        (declaration.tool, declaration.client) = (self.tool, self.client);
        declaration.span_id = self.span_id.as_deref().map(span_id).transpose()?;
        let declaration = Box::new(declaration);
        match self.refused.as_deref() {
            None => Ok(Told::Declared(declaration)),
            Some("bad-signature") => Ok(Told::disbelieved(declaration, IntentFinding::BadSignature)),
            Some("unknown-key") => Ok(Told::disbelieved(declaration, IntentFinding::UnknownKey)),
            Some(other) => Err(format!("refused is `bad-signature` or `unknown-key`, not `{other}`")),
        }
    }
}

/// A span's id (W3C Trace Context, section 3.2.2.4).
fn span_id(text: &str) -> Result<[u8; 8], String> {
    octets(text).ok_or_else(|| format!("span_id `{text}` is not 16 hexadecimal digits"))
}
