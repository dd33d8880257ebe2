//! The configuration file of `tagout run`.

mod capture;
mod ports;
mod text;
mod writers;

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::de::Deserializer;
use serde::{Deserialize, de};
use tagout_core::wire::TUNNEL_PORTS;
use tagout_core::{Config as SensorConfig, Folding, MAX_PORTS};

use crate::Failure;
use crate::capture::live::Prefilter;
use crate::delivery::config::{DestinationTable, SpoolTable};
use crate::evidence;
use crate::intent::FeedTable;
use crate::management;
use crate::memory::Limits as Tables;
use crate::output::Collector;
use crate::sandbox;
use crate::store;
pub use capture::{Capture, Source};
pub use ports::Ports;
pub(crate) use text::{one_or_many, read_toml};

/// What `tagout run` does. Everything has a default but the interface.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where frames come from.
    pub capture: Capture,
    /// Which server ports carry which protocol.
    pub ports: Ports,
    /// What is permitted.
    pub policy: Policy,
    /// Where records go.
    pub output: Output,
    /// Who gets alerts, each until it has them.
    pub destination: Vec<DestinationTable>,
    /// What waits for them.
    pub spool: SpoolTable,
    /// The packets behind alerts.
    pub evidence: evidence::Options,
    /// What this machine's people look into.
    pub store: store::Options,
    /// Where declarations come from.
    pub intents: FeedTable,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// How much to take.
    pub limits: Limits,
    /// What is given up once it watches.
    pub sandbox: sandbox::Options,
    /// Who may ask how the daemon does.
    pub management: management::Options,
}

/// `[policy]`: what is permitted. Paths are relative to the configuration file.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Policy files and folders of them.
    #[serde(deserialize_with = "one_or_many")]
    pub files: Vec<PathBuf>,
    /// Whether the detections that tagout brings along are in force.
    pub default_rules: bool,
    /// The public half of the site's key: only files that it signed are taken (`tagout seal`).
    pub key: Option<PathBuf>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { files: Vec::new(), default_rules: true, key: None }
    }
}

/// `[output]`: where records go; `-` is standard output. Paths are relative to the configuration file.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// One line an alert.
    pub alerts: Option<PathBuf>,
    /// One line an exchange, anomaly or heartbeat, and the statistics.
    pub events: Option<PathBuf>,
    /// Syslog collectors, as `udp://HOST:PORT`, `tcp://HOST:PORT` or `tls://HOST:PORT`: destinations in short.
    #[serde(deserialize_with = "collectors")]
    pub syslog: Vec<Collector>,
    /// A repeated poll that changes nothing is written once in this many seconds, with a count; 0 writes every exchange.
    pub repeat_interval_s: u32,
    /// An alert that repeats another within this many seconds is counted instead of given; 0 gives every alert.
    pub fold_interval_s: u32,
    /// More alerts of one cause than this are counted instead of given.
    pub alerts_per_minute: u16,
    /// Seconds from one heartbeat to the next; 0 for none.
    pub heartbeat_s: u32,
}

impl Default for Output {
    fn default() -> Self {
        Self {
            alerts: None,
            events: None,
            syslog: Vec::new(),
            repeat_interval_s: 60,
            fold_interval_s: 60,
            alerts_per_minute: 60,
            heartbeat_s: 300,
        }
    }
}

/// `[timeouts]`: how long to wait for what.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// After this long a request counts as unanswered.
    pub response_ms: u32,
    /// An alert waits this long for the device's response.
    pub alert_hold_ms: u32,
    /// After this long a hole in a TCP stream is given up.
    pub gap_ms: u32,
}

impl Default for Timeouts {
    fn default() -> Self {
        let sensor = SensorConfig::default();
        Self {
            response_ms: sensor.response_timeout_ms,
            alert_hold_ms: sensor.alert_hold_ms,
            gap_ms: sensor.gap_timeout_ms,
        }
    }
}

/// `[limits]`: how much to take.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of the longest DNP3 fragment.
    pub dnp3_fragment_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { dnp3_fragment_bytes: Tables::default().fragment_bytes }
    }
}

/// Every device can take a fragment of one link frame; no sender needs more than the greatest size that can be negotiated.
const DNP3_FRAGMENT_BYTES: RangeInclusive<usize> = 249..=65_535;

impl Config {
    /// Reads a configuration file; its relative paths are made relative to where it lies.
    ///
    /// # Errors
    /// When it cannot be read or is wrong: with file, line and column, what is wrong, and the nearest right key.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path).map_err(|error| Failure::input(path, &error))?;
        let mut config = Self::parse(&path.display().to_string(), &text).map_err(Failure::Usage)?;
        config.policy.files.iter_mut().for_each(|file| *file = beside(path, file));
        for output in [&mut config.output.alerts, &mut config.output.events].into_iter().flatten() {
            if output != Path::new("-") {
                *output = beside(path, output);
            }
        }
        let places = [&mut config.evidence.directory, &mut config.spool.directory, &mut config.store.path];
        for place in places.into_iter().chain([&mut config.policy.key]) {
            place.iter_mut().for_each(|place| *place = beside(path, place));
        }
        config.intents.place_paths(|file| beside(path, file));
        config.destination.iter_mut().for_each(|destination| destination.place_paths(|file| beside(path, file)));
        Ok(config)
    }

    /// Reads the text of a configuration file called `name`.
    ///
    /// # Errors
    /// The text of an error message for people.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let config = read_toml(name, text)?;
        writers::refuse_shared(name, text)?;
        Ok(config)
    }

    /// Refuses files that the command line has written to beside a destination.
    ///
    /// # Errors
    /// The file.
    pub(crate) fn refuse_shared_files(&self) -> Result<(), Failure> {
        writers::refuse_shared_by(self)
    }

    /// The packets that the kernel is to hand over, if not all.
    pub fn prefilter(&self) -> Option<Prefilter> {
        let is_wanted = self.capture.prefilter && self.capture.bpf.is_none();
        let ports = self.ports.carried().map(|(port, ..)| port).chain(TUNNEL_PORTS);
        is_wanted.then(|| Prefilter::new(ports.collect()))
    }

    /// Every destination, with the collectors that are told in short.
    pub fn destinations(&self) -> Vec<DestinationTable> {
        let collectors = self.output.syslog.iter().cloned().map(DestinationTable::syslog);
        self.destination.iter().cloned().chain(collectors).collect()
    }

    /// What the sensor needs to know of it.
    ///
    /// # Errors
    /// When there are too many ports, or one port is to carry both protocols.
    pub fn sensor(&self) -> Result<SensorConfig, Failure> {
        let mut sensor = SensorConfig {
            response_timeout_ms: self.timeouts.response_ms,
            alert_hold_ms: self.timeouts.alert_hold_ms,
            gap_timeout_ms: self.timeouts.gap_ms,
            folding: Folding {
                interval_ms: self.output.fold_interval_s.saturating_mul(1_000),
                alerts_a_minute: self.output.alerts_per_minute,
            },
            // Unknown to whoever sends the packets, so that no flood of chosen addresses can fill one bucket.
            hash_seed: RandomState::new().hash_one(()),
            ..SensorConfig::default()
        };
        sensor.ports.clear();
        for (port, protocol, framing) in self.ports.carried() {
            if let Some(framing) = framing {
                let fixed = sensor.framing(port).is_some_and(|fixed| fixed != framing);
                if fixed || sensor.framings.push((port, framing)).is_err() {
                    return Err(Failure::Usage(format!("port {port} cannot carry both RTU and ASCII")));
                }
            }
            match sensor.protocol(port) {
                Some(known) if known == protocol => {}
                Some(_) => return Err(Failure::Usage(format!("port {port} cannot carry both Modbus and DNP3"))),
                None => sensor
                    .ports
                    .push((port, protocol))
                    .map_err(|_| Failure::Usage(format!("there can be {MAX_PORTS} ports at most")))?,
            }
        }
        Ok(sensor)
    }
}

impl Config {
    /// A folder that outlives the process: that of the spool, or else of the local store.
    pub(crate) fn lasting_folder(&self) -> Option<&Path> {
        self.spool.directory.as_deref().or_else(|| self.store.path.as_deref().map(folder))
    }

    /// The sizes of the sensor's tables.
    ///
    /// # Errors
    /// When a limit is out of its bounds.
    pub fn tables(&self) -> Result<Tables, Failure> {
        let fragment_bytes = self.limits.dnp3_fragment_bytes;
        if !DNP3_FRAGMENT_BYTES.contains(&fragment_bytes) {
            let (least, most) = (DNP3_FRAGMENT_BYTES.start(), DNP3_FRAGMENT_BYTES.end());
            return Err(Failure::Usage(format!(
                "limits.dnp3_fragment_bytes is {fragment_bytes}; it must be {least} to {most}"
            )));
        }
        Ok(Tables { fragment_bytes, ..Tables::default() })
    }
}

/// The folder that a file is in.
pub(crate) fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

fn beside(config: &Path, file: &Path) -> PathBuf {
    config.parent().unwrap_or(Path::new("")).join(file)
}

/// Takes collectors by their names.
fn collectors<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Collector>, D::Error> {
    let names: Vec<String> = one_or_many(from)?;
    names.iter().map(|name| name.parse().map_err(de::Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use tagout_core::Protocol;
    use tagout_core::modbus::Framing;

    use super::*;

    fn error(text: &str) -> String {
        Config::parse("tagout.toml", text).unwrap_err()
    }

    #[test]
    fn everything_can_be_configured() {
        let config = Config::parse(
            "tagout.toml",
            r#"
            [capture]
            interface = ["eth1", "eth2"]
            snaplen = 2048
            source = "af-packet"
            buffer_mib = 128
            bpf = "tcp port 502"
            prefilter = false
            promiscuous = false
            immediate = true
            silence_s = 30
            merge_ms = 5
            cpu = 3
            [ports]
            modbus = [502, 15020]
            modbus-rtu = [4001]
            modbus-ascii = [4002]
            dnp3 = []
            [policy]
            files = "site.toml"
            default_rules = false
            [output]
            alerts = "alerts.jsonl"
            events = "-"
            syslog = "udp://192.0.2.9"
            repeat_interval_s = 0
            heartbeat_s = 60
            [evidence]
            directory = "evidence"
            before = 8
            after = 2
            after_ms = 500
            ring_mib = 4
            ring_packets = 1000
            most_mib = 64
            [store]
            path = "store/tagout.redb"
            most_mib = 16
            most_days = 7
            [limits]
            dnp3_fragment_bytes = 4096
            [timeouts]
            response_ms = 5000
            alert_hold_ms = 100
            gap_ms = 200
            [sandbox]
            mode = "required"
            [management]
            listen = "127.0.0.1:9465"
            "#,
        )
        .unwrap();
        assert_eq!(config.capture.interface, ["eth1", "eth2"]);
        assert_eq!(config.capture.source, Source::AfPacket);
        assert_eq!(config.policy.files, [Path::new("site.toml")]);
        let sensor = config.sensor().unwrap();
        assert_eq!(sensor.protocol(15020), Some(Protocol::Modbus));
        assert_eq!(sensor.protocol(20_000), None);
        assert_eq!((sensor.protocol(4001), sensor.framing(4001)), (Some(Protocol::Modbus), Some(Framing::Rtu)));
        assert_eq!((sensor.framing(4002), sensor.framing(502)), (Some(Framing::Ascii), None));
        assert_eq!(sensor.response_timeout_ms, 5_000);
        assert_eq!(config.output.syslog, ["udp://192.0.2.9:514".parse().unwrap()]);
        assert_eq!((config.output.repeat_interval_s, config.sandbox.mode), (0, sandbox::Mode::Required));
        assert_eq!((config.output.heartbeat_s, Config::default().output.heartbeat_s), (60, 300));
        assert_eq!((config.evidence.before, config.evidence.most_mib), (8, 64));
        let store = store::Options { path: Some("store/tagout.redb".into()), most_mib: 16, most_days: 7 };
        assert_eq!(config.store, store);
        assert_eq!(config.tables().unwrap(), Tables { fragment_bytes: 4_096, ..Tables::default() });
    }

    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(Config::parse("tagout.toml", "").unwrap(), Config::default());
        assert_eq!(Config::default().sensor().unwrap().protocol(502), Some(Protocol::Modbus));
    }

    #[test]
    fn an_unknown_key_is_told_with_its_neighbour() {
        assert_eq!(
            error("[capture]\ninterface = \"eth1\"\nbuffer_mb = 8\n"),
            "tagout.toml:3:1: unknown key `buffer_mb`; did you mean `buffer_mib`?\n  \
             |\n3 | buffer_mb = 8\n  | ^^^^^^^^^"
        );
    }

    #[test]
    fn an_unknown_table_is_told_with_all_there_are() {
        let first = error("[siem]\n");
        assert!(first.starts_with("tagout.toml:1:2: unknown key `siem`; here stand capture, ports, policy"), "{first}");
    }

    #[test]
    fn a_wrong_type_is_told_with_the_expected_one() {
        assert_eq!(
            error("[capture]\nsnaplen = \"all\"\n"),
            "tagout.toml:2:11: invalid type: string \"all\", expected u32\n  |\n2 | snaplen = \"all\"\n  |           ^^^^^"
        );
        let interface = error("[capture]\ninterface = 7\n");
        assert!(interface.contains("tagout.toml:2:13: invalid type: integer `7`, expected a text or a list of texts"));
    }

    #[test]
    fn a_wrong_collector_is_told_with_its_place() {
        let said = error("[output]\nsyslog = [\"192.0.2.9\"]\n");
        assert!(said.starts_with("tagout.toml:2:10: `192.0.2.9` names no collector; write udp://"), "{said}");
    }

    #[test]
    fn broken_syntax_is_told_with_its_place() {
        assert!(error("[capture\n").starts_with("tagout.toml:1:9: "), "{}", error("[capture\n"));
    }

    #[test]
    fn a_fragment_limit_has_bounds() {
        let limited = |bytes| Config { limits: Limits { dnp3_fragment_bytes: bytes }, ..Config::default() };
        for bytes in [249, 2_048, 65_535] {
            assert_eq!(limited(bytes).tables().unwrap().fragment_bytes, bytes);
        }
        for bytes in [0, 248, 65_536] {
            let message = limited(bytes).tables().unwrap_err().message().map(str::to_owned);
            let expected = format!("limits.dnp3_fragment_bytes is {bytes}; it must be 249 to 65535");
            assert_eq!(message, Some(expected));
        }
    }

    #[test]
    fn a_port_carries_one_protocol() {
        let config = Config::parse("tagout.toml", "[ports]\nmodbus = [502, 20000]\n").unwrap();
        let message = config.sensor().unwrap_err().message().map(str::to_owned);
        assert_eq!(message.as_deref(), Some("port 20000 cannot carry both Modbus and DNP3"));
        let config = Config::parse("tagout.toml", "[ports]\nmodbus-rtu = [4001]\nmodbus-ascii = [4001]\n").unwrap();
        let message = config.sensor().unwrap_err().message().map(str::to_owned);
        assert_eq!(message.as_deref(), Some("port 4001 cannot carry both RTU and ASCII"));
    }
}
