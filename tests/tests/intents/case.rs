//! Cases as data: what is said on the wire, and what is declared.

use std::fs;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tagout_tests::dialogue::{Turn, frame_unit};
use tagout_tests::generate::{Capture, Message, Network, Session, Side, Transport};
use tagout_tests::plant::{AGENT, DEVICE, Lan, MASTER, Protocol};

use super::folder;

/// A case: times are in milliseconds since the start of its capture.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// What happens.
    pub(super) name: String,
    /// What is sent.
    #[serde(default)]
    pub(super) commands: Vec<Exchange>,
    /// What is declared: claims of a signed intent, with what is known of where they come from. Times are milliseconds.
    #[serde(default)]
    pub(super) declared: Vec<Map<String, Value>>,
    /// Signs of life of the feed.
    #[serde(default)]
    pub(super) alive: Vec<u64>,
    /// What `[intents]` says beside the plant's policy.
    #[serde(default)]
    pub(super) waits: String,
    /// More of the policy.
    #[serde(default)]
    pub(super) policy: String,
    /// Every TCP segment of the client comes again.
    #[serde(default)]
    pub(super) retransmitted: bool,
    /// How well each command is covered, in the order of the wire.
    pub(super) grades: Option<Vec<String>>,
    /// What is found, in the order in which it is told.
    pub(super) findings: Vec<String>,
    /// How many alerts of permits there are.
    #[serde(default)]
    pub(super) violations: usize,
    /// What the alerts say, among other things.
    #[serde(default)]
    pub(super) says: Vec<String>,
}

/// A request and its response.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    at: u64,
    /// Last octet of the client's address.
    #[serde(default = "agent")]
    client: u8,
    /// A PDU in hexadecimal.
    modbus: Option<String>,
    /// A fragment in hexadecimal.
    dnp3: Option<String>,
    #[serde(default = "one")]
    unit: u16,
    /// Transaction id; the place in the list if left out.
    transaction: Option<u16>,
    #[serde(default)]
    reply: Reply,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Reply {
    #[default]
    Success,
    Refusal,
    None,
}

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

const fn agent() -> u8 {
    AGENT
}

const fn one() -> u16 {
    1
}

/// All cases of the folder.
pub(super) fn cases() -> Vec<Case> {
    let files = fs::read_dir(folder()).expect("the folder of cases").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = files.filter(|path| !path.ends_with("plant.toml")).collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).expect("a file of cases");
        toml::from_str::<Cases>(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())).case
    };
    files.iter().flat_map(read).collect()
}

impl Case {
    pub(super) fn policy(&self) -> String {
        let plant = fs::read_to_string(folder().join("plant.toml")).expect("the plant");
        let waits = format!("skew = \"500 ms\"\n{}", self.waits);
        format!("{}\n{}", plant.replace("skew = \"500 ms\"", &waits), self.policy)
    }

    /// What is said, as frames.
    pub(super) fn capture(&self) -> Capture {
        let mut capture = Capture::default();
        for protocol in Protocol::ALL {
            let mut clients: Vec<_> = self.commands.iter().map(|one| one.client).collect();
            clients.sort_unstable();
            clients.dedup();
            for client in clients {
                if let Some(session) = self.session(protocol, client) {
                    capture.add(&session, &Network::default());
                }
            }
        }
        capture
    }

    fn session(&self, protocol: Protocol, client: u8) -> Option<Session> {
        let of = |one: &&Exchange| one.client == client && one.dnp3.is_some() == (protocol == Protocol::Dnp3);
        let (mut messages, mut sequences) = (Vec::new(), [0_u8; 2]);
        for (index, one) in self.commands.iter().filter(of).enumerate() {
            let turn = one.turn(protocol, index as u16);
            let sides = [(Side::Client, &turn.request, one.at), (Side::Server, &turn.response, one.at + 5)];
            for (from, unit, at) in sides {
                let Some(unit) = unit else { continue };
                let bytes = frame_unit(protocol, &turn, from, unit, &mut sequences[from as usize]);
                messages.push(Message { turn: index, from, at_us: at * 1_000, bytes });
            }
        }
        messages.sort_by_key(|message| message.at_us);
        let port = protocol.default_port();
        let ends = (Lan::Ipv4.endpoint(client, 40_000 + u16::from(client)), Lan::Ipv4.endpoint(DEVICE, port));
        let mut session = Session::new(ends.0, ends.1, Transport::Tcp);
        session.play(&messages, [1, 1]);
        if self.retransmitted {
            let payload = session.segments.iter().filter(|one| one.from == Side::Client && !one.payload.is_empty());
            let again: Vec<_> = payload.cloned().collect();
            session.segments.extend(again.into_iter().map(|mut one| {
                one.at_us += 1_000;
                one
            }));
            session.segments.sort_by_key(|one| one.at_us);
        }
        (!messages.is_empty()).then_some(session)
    }

    /// What is declared, as lines for `--intents`.
    pub(super) fn intents(&self) -> String {
        let alive = self.alive.iter().map(|at| json!({ "received": time(*at), "alive": true }));
        let lines = self.declared.iter().enumerate().map(|(number, one)| line(number, one)).chain(alive);
        lines.map(|line| format!("{line}\n")).collect()
    }
}

impl Exchange {
    fn turn(&self, protocol: Protocol, index: u16) -> Turn {
        let text = self.modbus.as_ref().or(self.dnp3.as_ref()).expect("a request");
        let request = octets(text);
        let response = match (protocol, self.reply) {
            (_, Reply::None) => None,
            (Protocol::Modbus, Reply::Refusal) => Some(vec![request[0] | 0x80, 4]),
            (Protocol::Modbus, Reply::Success) => Some(accepted(&request)),
            // IIN2.2: a parameter is wrong.
            (Protocol::Dnp3, Reply::Refusal) => Some([&[0xC0 | request[0] & 0x0F, 0x81, 0, 4], &request[2..]].concat()),
            (Protocol::Dnp3, Reply::Success) => Some([&[0xC0 | request[0] & 0x0F, 0x81, 0, 0], &request[2..]].concat()),
        };
        let unit = if protocol == Protocol::Modbus { self.unit } else { 10 };
        let label = self.transaction.unwrap_or(index);
        Turn { unit, master: MASTER, label, request: Some(request), response, outcome: "" }
    }
}

/// The response to a request that changes something, or that reads one register.
fn accepted(request: &[u8]) -> Vec<u8> {
    match request[0] {
        3 => vec![3, 2, 0, 0],
        15 | 16 => request[..5].to_vec(),
        _ => request.to_vec(),
    }
}

fn octets(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal")).collect()
}

/// A declaration as a line. Its own id, actor and times are filled in where the case leaves them out.
fn line(number: usize, declared: &Map<String, Value>) -> Value {
    let mut claims = declared.clone();
    let mut outer = Map::new();
    for key in ["key", "tool", "span_id", "client", "refused"] {
        if let Some(value) = claims.remove(key) {
            outer.insert(key.to_owned(), value);
        }
    }
    let mut at = |key: &str, usual: u64| claims.remove(key).map_or(usual, |at| at.as_u64().expect("milliseconds"));
    let received = at("received", 0);
    let (from, until) = (at("from", received), at("until", received + 60_000));
    outer.insert("received".to_owned(), time(received).into());
    claims.insert("not_before".to_owned(), time(from).into());
    claims.insert("expires".to_owned(), time(until).into());
    claims.entry("id").or_insert_with(|| format!("intent-{number}").into());
    claims.entry("actor").or_insert_with(|| "agent".into());
    outer.insert("intent".to_owned(), claims.into());
    outer.into()
}

/// A time of the capture as RFC 3339 writes it.
fn time(ms: u64) -> String {
    let (second, ms) = (ms / 1_000, ms % 1_000);
    format!("2026-01-01T{:02}:{:02}:{:02}.{ms:03}Z", second / 3_600, second / 60 % 60, second % 60)
}
