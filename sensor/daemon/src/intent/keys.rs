use ed25519_dalek::VerifyingKey;
use tagout_core::Timestamp;
use tagout_core::engine::{ActorId, IntentKeyInfo, Policy};

use super::jws::Jws;
use super::{Claims, Declaration, Instant, Refusal, Source};
use crate::Failure;

/// A key that signs intents.
#[derive(Clone, PartialEq, Debug)]
pub struct Key {
    /// Its id, as headers name it.
    pub id: String,
    /// Its public half.
    pub public: VerifyingKey,
    /// For whom it signs: names of actors in the policy.
    pub actors: Vec<String>,
    /// The human who approves with it; `None` for a key of an actor.
    pub approver: Option<String>,
    /// First time at which it is valid.
    pub not_before: Timestamp,
    /// First time at which it is not any more.
    pub expires: Timestamp,
    /// From then on it may be in the hands of somebody else.
    pub revoked: Option<Timestamp>,
}

/// Every key that signs intents.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Keys {
    keys: Vec<Key>,
    skew_ms: u32,
}

/// A signed intent that was taken.
#[derive(Clone, PartialEq, Debug)]
pub struct Verified {
    /// Id of the key.
    pub key: String,
    /// The human whose key it is.
    pub approver: Option<String>,
    /// What is declared.
    pub claims: Claims,
}

impl Keys {
    /// These keys. Clocks of those who sign may be off by so many milliseconds.
    pub const fn new(keys: Vec<Key>, skew_ms: u32) -> Self {
        Self { keys, skew_ms }
    }

    /// The keys that a policy declares, and how far it lets clocks be off.
    ///
    /// # Errors
    /// When one of them is no point of the curve.
    pub fn of(policy: &Policy<'_>) -> Result<Self, Failure> {
        let keys = policy.intent_keys().map(|key| Key::of(&key, policy)).collect::<Result<_, _>>()?;
        Ok(Self::new(keys, policy.intent_waits().skew_ms))
    }

    /// Reads a signed intent that came at this time. Nothing of it is believed before its signature is checked.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn verify(&self, text: &[u8], received: Timestamp) -> Result<Verified, Refusal> {
        let jws = Jws::read(text)?;
        let key = self.key(&jws.key)?;
        let payload = jws.payload(&key.public)?;
        key.check(received)?;
        let claims = Claims::read(payload).map_err(|what| Refusal::Claims { key: key.id.clone(), what })?;
        key.speaks(&claims)?;
        if received >= claims.expires.0.plus_ms(self.skew_ms) {
            return Err(Refusal::Expired { id: claims.id, expires: claims.expires });
        }
        Ok(Verified { key: key.id.clone(), approver: key.approver.clone(), claims })
    }

    /// The human whose key this is, if it may declare for an actor at that time.
    ///
    /// # Errors
    /// Why it may not.
    pub fn vouch(&self, key: &str, actor: &str, at: Timestamp) -> Result<Option<String>, Refusal> {
        let key = self.key(key)?;
        key.check(at)?;
        key.speaks_for(actor)?;
        Ok(key.approver.clone())
    }

    fn key(&self, id: &str) -> Result<&Key, Refusal> {
        self.keys.iter().find(|key| key.id == id).ok_or_else(|| Refusal::UnknownKey(id.to_owned()))
    }
}

impl Key {
    fn of(info: &IntentKeyInfo<'_>, policy: &Policy<'_>) -> Result<Self, Failure> {
        let public = VerifyingKey::from_bytes(info.public)
            .map_err(|_| Failure::Usage(format!("{}: key {:?} is no Ed25519 public key", info.source, info.id)))?;
        let actors = (0..policy.actor_count()).filter_map(|number| u16::try_from(number).ok().map(ActorId));
        let actors = actors.filter(|actor| info.speaks_for(*actor)).filter_map(|actor| policy.actor_info(actor));
        Ok(Self {
            id: info.id.to_owned(),
            public,
            actors: actors.map(|actor| actor.name.to_owned()).collect(),
            approver: info.approver.map(str::to_owned),
            not_before: info.not_before,
            expires: info.expires,
            revoked: info.revoked,
        })
    }

    /// Whether it is valid at that time.
    fn check(&self, at: Timestamp) -> Result<(), Refusal> {
        if let Some(from) = self.revoked.filter(|from| at >= *from) {
            return Err(Refusal::Revoked { key: self.id.clone(), from: Instant(from) });
        }
        if at < self.not_before || at >= self.expires {
            let [not_before, expires] = [self.not_before, self.expires].map(Instant);
            return Err(Refusal::KeyNotValid { key: self.id.clone(), not_before, expires });
        }
        Ok(())
    }

    fn speaks_for(&self, actor: &str) -> Result<(), Refusal> {
        if self.actors.iter().any(|known| known == actor) {
            return Ok(());
        }
        Err(Refusal::NotForActor { key: self.id.clone(), actor: actor.to_owned() })
    }

    /// Whether it may sign such claims.
    fn speaks(&self, claims: &Claims) -> Result<(), Refusal> {
        self.speaks_for(&claims.actor)?;
        match &claims.approver {
            Some(approver) if self.approver.as_ref() != Some(approver) => {
                Err(Refusal::NotOfApprover { key: self.id.clone(), approver: approver.clone() })
            }
            _ => Ok(()),
        }
    }
}

impl Verified {
    /// What it declares, known at this time.
    pub fn declare(self, received: Timestamp) -> Declaration {
        self.claims.declare(Source::Signed { key: self.key, approver: self.approver }, received)
    }
}
