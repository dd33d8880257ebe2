use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::http::{Answer, Client, ProxyTable};
use super::{Destination, Message, Sent, Trouble, host_name};
use crate::Failure;
use crate::delivery::config::TlsTable;
use crate::secret::Place;

/// How long the indexer may take to acknowledge events before they are sent again.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(200);
/// Codes of answers with 400 that are about how sensor or collector are set up: incorrect index (7), data channel missing (10) or
/// invalid (11), acknowledgement disabled (14), token in the query (16). Splunk, "Troubleshoot HTTP Event Collector".
const SETTINGS: [u64; 5] = [7, 10, 11, 14, 16];

/// `[destination.splunk]`: Splunk's HTTP Event Collector.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub(in crate::delivery) struct SplunkTable {
    /// Where it is, as `https://splunk.example:8088`.
    pub(in crate::delivery) url: String,
    /// File that holds the token.
    pub(in crate::delivery) token_file: Place,
    /// The index, if not the token's own.
    pub(in crate::delivery) index: Option<String>,
    /// The source type.
    #[serde(default = "default_sourcetype")]
    pub(in crate::delivery) sourcetype: String,
    /// How the server is trusted, and how it trusts the sensor.
    pub(in crate::delivery) tls: Option<TlsTable>,
    /// Who passes requests on to it.
    pub(in crate::delivery) proxy: Option<ProxyTable>,
}

fn default_sourcetype() -> String {
    "tagout".to_owned()
}

/// Has an event when the indexer acknowledges it, where the token asks for acknowledgement; else when the collector answers
/// with 200, which is when it stands in its queue.
pub(in crate::delivery) struct Splunk {
    client: Client,
    /// What every event carries.
    common: Map<String, Value>,
}

impl Splunk {
    pub(in crate::delivery) fn open(table: &SplunkTable) -> Result<Self, Failure> {
        let token = table.token_file.read()?;
        let client = Client::open(&table.url, table.tls.as_ref(), table.proxy.as_ref())?
            .with_header("Authorization", format!("Splunk {}", token.text()))
            .with_header("X-Splunk-Request-Channel", channel()?);
        let mut common = Map::new();
        let host = host_name();
        if !host.is_empty() {
            common.insert("host".to_owned(), host.into());
        }
        common.insert("source".to_owned(), "tagout".into());
        common.insert("sourcetype".to_owned(), table.sourcetype.clone().into());
        if let Some(index) = &table.index {
            common.insert("index".to_owned(), index.clone().into());
        }
        Ok(Self { client, common })
    }

    fn event(&self, message: &Message) -> String {
        let mut event = self.common.clone();
        let time = message.notice.time.0;
        event.insert("time".to_owned(), format!("{}.{:09}", time / 1_000_000_000, time % 1_000_000_000).into());
        let text = serde_json::from_str(&message.text).unwrap_or_else(|_| Value::from(message.text.as_str()));
        event.insert("event".to_owned(), text);
        Value::from(event).to_string()
    }

    /// Takes an answer that is no success for what it is: not every 400 is about the events.
    fn refusal(&self, answer: &Answer) -> Trouble {
        match field(answer, "/code").and_then(|code| code.as_u64()) {
            Some(code) if SETTINGS.contains(&code) => self.client.unwilling(answer),
            _ => self.client.refusal(answer),
        }
    }

    /// Waits until the indexer has what was sent under this number.
    fn wait_for(&self, id: u64) -> Result<(), Trouble> {
        let deadline = Instant::now() + PATIENCE;
        let question = json!({"acks": [id]}).to_string();
        while Instant::now() < deadline {
            let answer = self.client.post("/services/collector/ack", &[], &question)?;
            if !answer.status.is_success() {
                return Err(self.client.unwilling(&answer));
            }
            if field(&answer, &format!("/acks/{id}")).and_then(|has| has.as_bool()) == Some(true) {
                return Ok(());
            }
            thread::sleep(LOOK);
        }
        Err(Trouble::Later("the indexer acknowledges nothing".to_owned()))
    }
}

/// A random UUID (RFC 9562, 5.4), by which the server tells clients apart.
fn channel() -> Result<String, Failure> {
    let cannot = |error| Failure::Io(format!("no random numbers: {error}"));
    let number = (u128::from(getrandom::u64().map_err(cannot)?) << 64) | u128::from(getrandom::u64().map_err(cannot)?);
    let number = number & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let text = format!("{number:032x}");
    Ok(format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]))
}

fn field(answer: &Answer, path: &str) -> Option<Value> {
    serde_json::from_str::<Value>(&answer.body).ok()?.pointer(path).cloned()
}

impl Destination for Splunk {
    fn most(&self) -> usize {
        64
    }

    fn send(&mut self, messages: &[Message]) -> Result<Sent, Trouble> {
        let body: String = messages.iter().map(|message| self.event(message) + "\n").collect();
        let answer = self.client.post("/services/collector/event", &[], &body)?;
        if !answer.status.is_success() {
            // Which of several it means is not sure, so that each goes by itself before one is given up.
            return match (self.refusal(&answer), messages) {
                (Trouble::Refused(_), [_, _, ..]) => self.send(&messages[..1]),
                (trouble, _) => Err(trouble),
            };
        }
        if let Some(id) = field(&answer, "/ackId").and_then(|id| id.as_u64()) {
            self.wait_for(id)?;
        }
        Ok(Sent::all(messages.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_a_random_uuid() {
        let (one, other) = (channel().unwrap(), channel().unwrap());
        assert_ne!(one, other);
        let parts: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(one.as_bytes()[14], b'4', "{one}");
        assert!(b"89ab".contains(&one.as_bytes()[19]), "{one}");
    }
}
