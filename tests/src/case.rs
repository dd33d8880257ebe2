//! Disturbance cases as files: what is said, what goes wrong, and what the sensor still owes.

mod build;
mod disturbance;
mod expectation;

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;

use crate::binary;
use crate::dialogue::Kind;
use crate::generate::Transport;
use crate::plant::Protocol;

pub use build::{Scene, Speaker};
pub use disturbance::Disturbance;
pub use expectation::dangers;

/// A case file. Each runs for every protocol it names, over every [`Lan`](crate::plant::Lan).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    /// What goes wrong and what must hold nevertheless, for people.
    pub about: String,
    /// The protocols that it can happen to.
    #[serde(default = "all_protocols")]
    pub protocols: Vec<Protocol>,
    /// What is said.
    #[serde(default)]
    pub dialogue: Dialogue,
    /// What goes wrong, in this order.
    #[serde(default)]
    pub disturbances: Vec<Disturbance>,
    /// What the sensor owes.
    #[serde(default)]
    pub expect: Expect,
    /// Where Modbus differs.
    #[serde(default)]
    pub modbus: Variation,
    /// Where DNP3 differs.
    #[serde(default)]
    pub dnp3: Variation,
}

/// What a protocol adds to a case: further disturbances, and an expectation in place of the common one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Variation {
    /// Behind the common ones.
    #[serde(default)]
    pub disturbances: Vec<Disturbance>,
    /// Instead of the common one.
    pub expect: Option<Expect>,
}

/// What is said: `turns` turns of one kind and, in the end, the dangerous command.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Dialogue {
    /// How many turns come before the dangerous command.
    pub turns: usize,
    /// In place of a number of turns: as many as carry this many MiB in each direction.
    pub mib: Option<usize>,
    /// What they say.
    pub kind: Kind,
    /// Turns, by number, that say something else.
    pub special: BTreeMap<String, Kind>,
    /// What carries it.
    pub transport: Transport,
    /// The server's port; the protocol's own by default.
    pub port: Option<u16>,
    /// The client's port; `server` stands for the server's.
    pub client_port: Option<ClientPort>,
    /// Milliseconds from one request, or bundle of requests, to the next.
    pub interval_ms: u64,
    /// Requests that are written at once.
    pub pipelined: usize,
    /// Greatest TCP payload of a segment.
    pub segment_bytes: usize,
    /// First sequence numbers of client and server.
    pub sequence: [u32; 2],
    /// How many unit ids, or outstations, are addressed in turn; the dangerous command goes to the first.
    pub units: u16,
    /// Transaction id, or application sequence number, of all turns.
    pub constant_label: Option<u16>,
    /// The turn before which the connection is closed and opened again between the same ports.
    pub reopened_at: Option<usize>,
    /// Other clients that poll the same server at the same time.
    pub other_clients: u8,
    /// Connections of other hosts that open, say one thing and fall silent, halfway through.
    pub idle_flows: u16,
}

/// The client's port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientPort {
    /// The same as the server's.
    Server,
}

/// What the sensor owes; everything that is not named here must be reported as it was meant.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expect {
    /// Turns by number, `a-b` for a range, `danger` for the last: which records they leave. `answered`, `refused`,
    /// `unanswered`, `unrequested`, `no-response-due`: one record with that outcome; `missing`: none; `any`:
    /// whatever; `a+b`: both; `a|b`: one or the other.
    pub turns: BTreeMap<String, String>,
    /// What the turns not named leave, in place of what was meant.
    pub others: Option<String>,
    /// Kinds of anomaly, each at least once and no others; `a|b`: one or the other; `kind?`: perhaps.
    pub anomalies: Vec<String>,
    /// Alerts for the dangerous command.
    pub alerts: usize,
    /// Alerts for the other dangerous command, which a disturbance hides.
    pub other_alerts: usize,
}

impl Default for Dialogue {
    fn default() -> Self {
        Self {
            turns: 16,
            mib: None,
            kind: Kind::Mixed,
            special: BTreeMap::new(),
            transport: Transport::Tcp,
            port: None,
            client_port: None,
            interval_ms: 1000,
            pipelined: 1,
            segment_bytes: 1400,
            sequence: [1_000_000, 2_000_000],
            units: 1,
            constant_label: None,
            reopened_at: None,
            other_clients: 0,
            idle_flows: 0,
        }
    }
}

impl Default for Expect {
    fn default() -> Self {
        Self { turns: BTreeMap::new(), others: None, anomalies: Vec::new(), alerts: 1, other_alerts: 0 }
    }
}

impl Case {
    /// Reads a case file.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Every case of `cases/disturbances` with the name of its file, in the order of these.
    ///
    /// # Panics
    /// If one cannot be read.
    pub fn all() -> Vec<(String, Self)> {
        let folder = binary::workspace().join("tests/cases/disturbances");
        let entries = fs::read_dir(&folder).expect("the cases are there");
        let names = entries.map(|entry| entry.expect("a file").file_name().into_string().expect("a name"));
        let mut names: Vec<String> = names.filter(|name| name != "policy.toml").collect();
        names.sort();
        let read = |name: &str| fs::read_to_string(folder.join(name)).expect("a case can be read");
        names.into_iter().map(|name| (name.clone(), Self::parse(&read(&name)).expect("a case"))).collect()
    }

    fn variation(&self, protocol: Protocol) -> &Variation {
        match protocol {
            Protocol::Modbus => &self.modbus,
            Protocol::Dnp3 => &self.dnp3,
        }
    }
}

fn all_protocols() -> Vec<Protocol> {
    Protocol::ALL.to_vec()
}
