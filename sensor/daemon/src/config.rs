//! The configuration file of `tagout run`.

use std::fmt;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, de};
use tagout_core::modbus::Framing;
use tagout_core::{Config as SensorConfig, Folding, MAX_PORTS, Protocol};

use crate::Failure;
use crate::capture::live::Prefilter;
use crate::delivery::config::{DestinationTable, SpoolTable};
use crate::evidence;
use crate::memory::Limits as Tables;
use crate::near::nearest;
use crate::output::Collector;
use crate::sandbox;

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
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// How much to take.
    pub limits: Limits,
    /// What is given up once it watches.
    pub sandbox: sandbox::Options,
}

/// `[capture]`: where frames come from.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct Capture {
    /// Interfaces, by name or address; frames of all of them make one capture.
    #[serde(deserialize_with = "one_or_many")]
    pub interface: Vec<String>,
    /// Bytes kept of each frame.
    pub snaplen: u32,
    /// What reads them.
    pub source: Source,
    /// Size of the kernel's buffer for each interface.
    pub buffer_mib: u32,
    /// libpcap filter; frames that it rejects are neither seen nor counted.
    pub bpf: Option<String>,
    /// Whether the kernel drops TCP and UDP packets from and to ports that no plant protocol is expected on. They are neither
    /// seen nor counted then. A filter of one's own takes its place.
    pub prefilter: bool,
    /// Whether to take frames that are not addressed to this machine, as on a mirror port.
    pub promiscuous: bool,
    /// Whether to take each frame as it comes rather than within a millisecond. Costs buffer space and time.
    pub immediate: bool,
    /// An interface that is up and gives nothing for so many seconds is told of; 0 tells of none.
    pub silence_s: u32,
    /// A frame of one interface waits so long for an earlier one of another.
    pub merge_ms: u32,
    /// The only processor that the thread that captures runs on, from 0.
    pub cpu: Option<usize>,
}

impl Default for Capture {
    fn default() -> Self {
        Self {
            interface: Vec::new(),
            snaplen: 65_535,
            source: Source::default(),
            buffer_mib: 64,
            bpf: None,
            prefilter: true,
            promiscuous: true,
            immediate: false,
            silence_s: 60,
            merge_ms: 10,
            cpu: None,
        }
    }
}

/// What reads interfaces.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// libpcap, which compiles filters.
    #[cfg(feature = "libpcap")]
    #[default]
    Libpcap,
    /// Packet sockets of Linux, without a library.
    #[cfg_attr(not(feature = "libpcap"), default)]
    AfPacket,
}

/// `[ports]`: server ports, in place of the protocols' own.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct Ports {
    /// Ports that carry Modbus; the first unit of a connection tells how it is framed.
    pub modbus: Vec<u16>,
    /// Ports that carry Modbus in RTU frames.
    #[serde(rename = "modbus-rtu")]
    pub modbus_rtu: Vec<u16>,
    /// Ports that carry Modbus in ASCII frames.
    #[serde(rename = "modbus-ascii")]
    pub modbus_ascii: Vec<u16>,
    /// Ports that carry DNP3.
    pub dnp3: Vec<u16>,
}

impl Ports {
    /// Every port with what it carries, and how Modbus is framed there if that is fixed.
    fn carried(&self) -> impl Iterator<Item = (u16, Protocol, Option<Framing>)> {
        let of = |ports: &'_ [u16], protocol, framing| {
            ports.iter().map(|port| (*port, protocol, framing)).collect::<Vec<_>>()
        };
        [
            of(&self.modbus, Protocol::Modbus, None),
            of(&self.modbus_rtu, Protocol::Modbus, Some(Framing::Rtu)),
            of(&self.modbus_ascii, Protocol::Modbus, Some(Framing::Ascii)),
            of(&self.dnp3, Protocol::Dnp3, None),
        ]
        .into_iter()
        .flatten()
    }
}

impl Default for Ports {
    fn default() -> Self {
        Self { modbus: vec![502], modbus_rtu: Vec::new(), modbus_ascii: Vec::new(), dnp3: vec![20_000] }
    }
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
}

impl Default for Policy {
    fn default() -> Self {
        Self { files: Vec::new(), default_rules: true }
    }
}

/// `[output]`: where records go; `-` is standard output. Paths are relative to the configuration file.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// One line an alert.
    pub alerts: Option<PathBuf>,
    /// One line an exchange or anomaly, and the statistics.
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
        for directory in [&mut config.evidence.directory, &mut config.spool.directory].into_iter().flatten() {
            *directory = beside(path, directory);
        }
        config.destination.iter_mut().for_each(|destination| destination.place_paths(|file| beside(path, file)));
        Ok(config)
    }

    /// Reads the text of a configuration file called `name`.
    ///
    /// # Errors
    /// The text of an error message for people.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        read_toml(name, text)
    }

    /// The packets that the kernel is to hand over, if not all.
    pub fn prefilter(&self) -> Option<Prefilter> {
        let is_wanted = self.capture.prefilter && self.capture.bpf.is_none();
        is_wanted.then(|| Prefilter::new(self.ports.carried().map(|(port, ..)| port).collect()))
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

fn beside(config: &Path, file: &Path) -> PathBuf {
    config.parent().unwrap_or(Path::new("")).join(file)
}

/// Takes the text of a TOML file called `name`.
///
/// # Errors
/// The text of an error message for people, with line and column.
pub(crate) fn read_toml<T: de::DeserializeOwned>(name: &str, text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| describe(name, text, &error))
}

/// The error as `file:line:column: error: what`, with the line that it is about.
fn describe(name: &str, text: &str, error: &toml::de::Error) -> String {
    let message = explain(error.message());
    let Some(span) = error.span() else { return format!("{name}: {message}") };
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before[start..].chars().count() + 1;
    let shown = text[start..].lines().next().unwrap_or_default();
    let marked = text.get(span).and_then(|marked| marked.lines().next()).map_or(1, |marked| marked.chars().count());
    let marker = format!("{}{}", " ".repeat(column - 1), "^".repeat(marked.max(1)));
    let gutter = " ".repeat(line.to_string().len());
    format!("{name}:{line}:{column}: {message}\n{gutter} |\n{line} | {shown}\n{gutter} | {marker}")
}

/// serde's message, with the nearest key where one is unknown.
fn explain(message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field ") else { return message.trim_end().to_owned() };
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let found = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.collect();
    match nearest(found, &known) {
        Some(near) => format!("unknown key `{found}`; did you mean `{near}`?"),
        None => format!("unknown key `{found}`; here stand {}", known.join(", ")),
    }
}

/// Takes collectors by their names.
fn collectors<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Collector>, D::Error> {
    let names: Vec<String> = one_or_many(from)?;
    names.iter().map(|name| name.parse().map_err(de::Error::custom)).collect()
}

/// Takes a list, or a single text as a list of one.
fn one_or_many<'de, D: Deserializer<'de>, T: From<String> + Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    struct OneOrMany<T>(PhantomData<T>);

    impl<'de, T: From<String> + Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or a list of texts")
        }

        fn visit_str<E: de::Error>(self, one: &str) -> Result<Self::Value, E> {
            Ok(vec![one.to_owned().into()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, many: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(many))
        }
    }

    from.deserialize_any(OneOrMany(PhantomData))
}

#[cfg(test)]
mod tests {
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
            [evidence]
            directory = "evidence"
            before = 8
            after = 2
            after_ms = 500
            ring_mib = 4
            ring_packets = 1000
            most_mib = 64
            [limits]
            dnp3_fragment_bytes = 4096
            [timeouts]
            response_ms = 5000
            alert_hold_ms = 100
            gap_ms = 200
            [sandbox]
            mode = "required"
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
        assert_eq!((config.evidence.before, config.evidence.most_mib), (8, 64));
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
