use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::client::Client;
use super::{Denied, Receipts};
use crate::intent::feed::{Desk, Full, Source as FeedSource};
use crate::intent::spans::{self, Call, Declared, Servers, Spans};
use crate::intent::{Declaration, Refusal, Source, Told, lines};
use crate::record::Stamp;

/// How a request of OTLP is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Protobuf,
    Json,
}

/// Reads what was sent, and hands on to the sensor what is believed of it.
pub(super) struct Intake {
    desk: Mutex<Desk>,
    spans: Option<Mutex<Spans>>,
    receipts: Arc<Receipts>,
}

/// What became of spans.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Exported {
    /// Calls that command and are not as they should be.
    pub(super) rejected: u64,
    /// What is wrong with the first.
    pub(super) why: Option<String>,
}

/// What became of signed intents.
#[derive(Serialize, Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Delivered {
    pub(super) taken: u64,
    /// The first of those that were not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) refused: Vec<Refused>,
    /// All lines up to this one were read; there was no room for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) no_room_from_line: Option<u64>,
}

/// A signed intent that was not taken.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub(super) struct Refused {
    line: u64,
    why: String,
}

/// How many refusals are told to whoever sent them.
const MOST_TOLD: usize = 16;
const NO_ROOM: &str = "no room for more declarations: come again";

impl Intake {
    pub(super) fn new(desk: Desk, spans: Option<Spans>, receipts: Arc<Receipts>) -> Self {
        Self { desk: Mutex::new(desk), spans: spans.map(Mutex::new), receipts }
    }

    /// Goes by these servers' tools from now on.
    pub(super) fn go_by(&self, servers: Servers) {
        if let Some(spans) = &self.spans {
            spans.lock().unwrap_or_else(PoisonError::into_inner).go_by(servers);
        }
    }

    /// Takes spans of a request of OTLP. What a client tells of others is not remembered, or it could keep back what they tell.
    pub(super) fn export(&self, client: &Client, request: &[u8], form: Form) -> Result<Exported, Denied> {
        let Some(spans) = &self.spans else {
            return Err(Denied::NotFound("spans mean nothing here: [intents] names no `servers`"));
        };
        let calls = match form {
            Form::Protobuf => spans::from_protobuf(request),
            Form::Json => spans::from_json(request),
        };
        let mut exported = Exported::default();
        let mut others = BTreeSet::new();
        let mut spans = spans.lock().unwrap_or_else(PoisonError::into_inner);
        for call in calls.map_err(Denied::Malformed)? {
            let declared = match spans.read(&call) {
                Ok(Some(declared)) => declared,
                Ok(None) => continue,
                Err(why) => {
                    exported.reject(&call, &why, &self.receipts);
                    continue;
                }
            };
            if let Err(refusal) = client.speaks_for(&declared.claims.actor) {
                exported.reject(&call, &refusal.to_string(), &self.receipts);
                if others.insert(declared.claims.actor.clone()) {
                    self.disbelieve(client, declared, refusal)?;
                }
            } else if let Some(declared) = spans.admit(&call, declared) {
                self.declare(client, declared).inspect_err(|_| spans.forget_last())?;
            }
        }
        if client.may_tell() {
            self.desk().live_if_room(FeedSource::Listener);
        }
        Ok(exported)
    }

    /// Takes signed intents: the request is one, or has one in each line.
    pub(super) fn deliver(&self, client: &Client, mut request: &[u8], is_one: bool) -> Result<Delivered, Denied> {
        let mut delivered = Delivered::default();
        if is_one {
            self.take(client, Ok(request), 1, &mut delivered);
        }
        let mut number = 0;
        while !is_one && delivered.no_room_from_line.is_none() {
            let line = lines::next(&mut request, &mut number).map_err(|error| Denied::Malformed(error.to_string()))?;
            let Some(line) = line else { break };
            self.take(client, line.as_deref().map_err(Clone::clone), number, &mut delivered);
        }
        if delivered.is_whole() && client.may_tell() {
            self.desk().live_if_room(FeedSource::Listener);
        }
        Ok(delivered)
    }

    fn take(&self, client: &Client, line: Result<&[u8], Refusal>, number: u64, delivered: &mut Delivered) {
        let mut desk = self.desk();
        let admitted = desk.verify(line).and_then(|told| admit(client, told, &mut desk));
        let (told, refused) = match admitted {
            Ok(told) => {
                let refused = told.disbelieved_as();
                (Some(told), refused.map(|finding| finding.name().to_owned()))
            }
            Err(refusal) => (None, Some(refusal.to_string())),
        };
        if told.is_some_and(|told| desk.offer(told).is_err()) {
            delivered.no_room_from_line = Some(number);
            return;
        }
        self.receipts.declare(u64::from(refused.is_none()), u64::from(refused.is_some()));
        match refused {
            None => delivered.taken += 1,
            Some(why) if delivered.refused.len() < MOST_TOLD => delivered.refused.push(Refused { line: number, why }),
            Some(_) => {}
        }
    }

    /// Hands on that somebody told of others.
    fn disbelieve(&self, client: &Client, declared: Declared, refusal: Refusal) -> Result<(), Denied> {
        let mut desk = self.desk();
        let told = desk.disbelieve(words(client, declared), refusal);
        told.map_or(Ok(()), |told| desk.offer(told)).map_err(|Full| Denied::Busy(NO_ROOM))
    }

    /// Hands on what a span declares.
    fn declare(&self, client: &Client, declared: Declared) -> Result<(), Denied> {
        let offered = self.desk().offer(Told::Declared(words(client, declared)));
        offered.map_err(|Full| Denied::Busy(NO_ROOM))?;
        self.receipts.declare(1, 0);
        Ok(())
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What becomes of a signed intent that a client sent.
fn admit(client: &Client, told: Told, desk: &mut Desk) -> Result<Told, Refusal> {
    let Told::Declared(mut declaration) = told else { return Ok(told) };
    declaration.client = client.name().map(str::to_owned);
    match client.speaks_for(&declaration.actor) {
        Ok(()) => Ok(Told::Declared(declaration)),
        Err(refusal) => desk.disbelieve(declaration, refusal),
    }
}

/// What a client's span declares, as of now: its own times are of another clock.
fn words(client: &Client, declared: Declared) -> Box<Declaration> {
    let mut declaration = declared.claims.declare(Source::Span, Stamp::now().0);
    declaration.client = client.name().map(str::to_owned);
    (declaration.tool, declaration.span_id) = (Some(declared.tool), Some(declared.span_id));
    Box::new(declaration)
}

impl Exported {
    fn reject(&mut self, call: &Call, why: &str, receipts: &Receipts) {
        self.rejected += 1;
        self.why.get_or_insert_with(|| format!("{}: {why}", call.tool));
        receipts.declare(0, 1);
    }
}

impl Delivered {
    /// Whether nothing was refused, and there was room for all.
    pub(super) fn is_whole(&self) -> bool {
        self.refused.is_empty() && self.no_room_from_line.is_none()
    }
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use std::sync::mpsc::{Receiver, sync_channel};

    use super::*;
    use crate::intent::Keys;
    use crate::intent::feed::Pulse;
    use crate::intent::receive::ClientTable;

    const SERVERS: &str = "[[servers]]\nmapping = \"labmcp-modbus\"\nactor = \"planner\"\ndevice = \"plc1\"\n";
    const CALL: &[u8] = br#"{"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "0000000000000001", "parentSpanId": "", "name": "tools/call write_coil",
        "startTimeUnixNano": "1768478400000000000", "endTimeUnixNano": "1768478401000000000", "kind": 3,
        "attributes": [{"key": "mcp.method.name", "value": {"stringValue": "tools/call"}}]}]}]}]}"#;

    fn intake() -> (Intake, Receiver<Told>) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("servers.toml");
        std::fs::write(&file, SERVERS).expect("a file");
        let spans = Spans::new(Servers::read(&file).unwrap_or_else(|_| panic!("servers")));
        let (to, told) = sync_channel(8);
        let desk =
            Desk::new(Arc::new(Mutex::new(Keys::default())), to, Arc::new(Pulse::of(Vec::new())), Arc::default());
        (Intake::new(desk, Some(spans), Arc::default()), told)
    }

    #[test]
    fn what_a_client_tells_of_others_is_told_of_and_keeps_nothing_back() {
        let (intake, told) = intake();
        let stranger = Client::of(b"no certificate", &[ClientTable::default()]);
        for (client, rejected) in [(&stranger, 1), (&Client::default(), 0), (&stranger, 1)] {
            let exported = intake.export(client, CALL, Form::Json).expect("a request");
            assert_eq!(exported.rejected, rejected);
        }
        let told: Vec<Told> = told.try_iter().collect();
        let [Told::Disbelieved { declaration: Some(of_others), .. }, Told::Declared(own), Told::Disbelieved { .. }] =
            &told[..]
        else {
            panic!("{told:?}")
        };
        assert_eq!((of_others.client.as_deref(), own.client.as_deref()), (stranger.name(), None));
        assert_eq!((&of_others.id, &of_others.tool), (&own.id, &Some("write_coil".to_owned())));
    }
}
