//! An alert in the ArcSight Common Event Format, version 0.
//!
//! `CEF:0|tagout|tagout|VERSION|SIGNATURE ID|SIGNATURE|SEVERITY|EXTENSION`, where the extension is `key=value` pairs between
//! spaces. A line takes at most [`CEF_MOST`] bytes: fields that do not fit are left out whole, the most important come
//! first, and the sentence that comes last (`msg`) is cut.

use core::fmt::{self, Display, Write};
use core::net::IpAddr;

use tagout_engine::{Action, AnomalyKind, Severity, Timestamp};

use super::address::Address;
use super::deed::Place;
use super::line::{Escaped, Line, length};
use super::measure::Number;
use super::{Subject, Verdict};
use crate::counters::Counters;
use crate::record::{Alert, AlertId, Host, Outcome, Path, Protocol, Repeats, Transport};

/// What a line takes at most, in bytes: a syslog message that carries it takes [`super::SYSLOG_MOST`].
pub const CEF_MOST: usize = 875;
/// What the signature takes of it at most.
const SIGNATURE_MOST: usize = 200;
/// What other fields leave of it for the sentence.
pub const CEF_SENTENCE_LEAST: usize = 64;
const NANOS_PER_MS: u64 = 1_000_000;

/// Writes an alert, with what it is about, as one line of CEF, without a line feed.
///
/// # Errors
/// What `into` fails with.
#[inline(never)]
pub fn cef(into: &mut impl Write, alert: &Alert<'_>, subject: &Subject<'_>) -> fmt::Result {
    let mut line = Line { into, left: CEF_MOST };
    header(&mut line, subject.signature_id(), &subject.signature(), subject.severity())?;
    let mut extension = Extension::behind(line);
    extension.identity(alert);
    extension.parties(subject);
    extension.deed(alert, subject);
    extension.names(subject);
    extension.repeats(alert.repeats);
    extension.references(alert, subject);
    extension.sentence(&subject.why())
}

/// Something that a sensor tells of itself.
#[derive(Clone, Copy, Debug)]
pub struct SensorEvent<'a> {
    /// When it happened.
    pub time: Timestamp,
    /// Its identity.
    pub id: AlertId,
    /// What it belongs to.
    pub incident: AlertId,
    /// Id of its signature.
    pub signature_id: u32,
    /// What it is, in a few words.
    pub signature: &'a str,
    /// Its category.
    pub category: &'a str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, in one word.
    pub name: &'a str,
    /// The interface that it is about.
    pub interface: Option<&'a str>,
    /// How much it is about.
    pub count: Option<u64>,
    /// The whole in a sentence or two.
    pub why: &'a str,
}

/// Writes what a sensor tells of itself, as [`cef`] does an alert.
///
/// # Errors
/// What `into` fails with.
pub fn sensor_cef(into: &mut impl Write, event: &SensorEvent<'_>) -> fmt::Result {
    let mut line = Line { into, left: CEF_MOST };
    header(&mut line, event.signature_id, &event.signature, event.severity)?;
    let mut extension = Extension::behind(line);
    extension.add("rt", &milliseconds(event.time));
    extension.add("externalId", &event.id);
    extension.text("deviceInboundInterface", event.interface);
    extension.add("reason", &event.name);
    extension.add("cat", &event.category);
    if let Some(count) = event.count {
        extension.add("cnt", &count);
    }
    extension.add_labelled("cs6", "incident", &event.incident);
    extension.sentence(&event.why)
}

/// What a sensor tells of itself every so often.
#[derive(Clone, Copy)]
pub struct Heartbeat<'a> {
    /// When it is told.
    pub time: Timestamp,
    /// Its identity.
    pub id: AlertId,
    /// The sensor's name.
    pub host: &'a str,
    /// What is told by numbers and words, the most important first, under the names that gateways use too.
    pub fields: &'a [(&'a str, &'a dyn Display)],
    /// What the sensor counted: what is zero is left out.
    pub counters: &'a Counters,
    /// The whole in a sentence or two.
    pub why: &'a str,
}

/// Writes a heartbeat, as [`cef`] does an alert. Signature id, name and severity are those of a gateway's heartbeat.
///
/// # Errors
/// What `into` fails with.
pub fn heartbeat_cef(into: &mut impl Write, heartbeat: &Heartbeat<'_>) -> fmt::Result {
    let mut line = Line { into, left: CEF_MOST };
    let version = env!("CARGO_PKG_VERSION");
    line.whole(&format_args!("CEF:0|tagout|tagout|{version}|heartbeat|Heartbeat|0|"), plain)?;
    let mut extension = Extension::behind(line);
    extension.add("rt", &milliseconds(heartbeat.time));
    extension.add("externalId", &heartbeat.id);
    extension.add("dvchost", &heartbeat.host);
    for (key, value) in heartbeat.fields {
        extension.add(key, value);
    }
    let counted = heartbeat.counters.iter().filter(|(_, count)| *count > 0);
    for (counter, count) in counted {
        extension.add(counter.name(), &count);
    }
    extension.sentence(&heartbeat.why)
}

fn header(line: &mut Line<'_>, id: u32, signature: &dyn Display, alarm: Severity) -> fmt::Result {
    let version = env!("CARGO_PKG_VERSION");
    line.whole(&format_args!("CEF:0|tagout|tagout|{version}|{id}|"), plain)?;
    line.cut(signature, in_header, SIGNATURE_MOST)?;
    line.whole(&format_args!("|{}|", severity(alarm)), plain)?;
    Ok(())
}

/// CEF's measure of severity: 0 to 3 is low, up to 6 medium, up to 8 high.
const fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::High => 8,
        Severity::Medium => 5,
        Severity::Low => 3,
        Severity::Informational => 1,
    }
}

/// The fields behind the header. Once one could not be written, nothing more is.
struct Extension<'w> {
    line: Line<'w>,
    between: &'static str,
    written: fmt::Result,
}

impl<'w> Extension<'w> {
    const fn behind(line: Line<'w>) -> Self {
        Self { line, between: "", written: Ok(()) }
    }

    fn identity(&mut self, alert: &Alert<'_>) {
        self.add("rt", &milliseconds(alert.time));
        self.add("externalId", &alert.id);
    }

    /// Who sent it to whom; a serial line has no addresses, and what was on no wire was sent by nobody.
    fn parties(&mut self, subject: &Subject<'_>) {
        if subject.path.leads_nowhere() {
            return;
        }
        let Path { transport, client, server, .. } = subject.path;
        let (sender, receiver) = if subject.from_client { (client, server) } else { (server, client) };
        if transport == Transport::Serial {
            self.add("deviceInboundInterface", &Place::of(server, transport));
        } else {
            let has_ports = transport != Transport::Link;
            self.host(sender, has_ports, ["src", "spt", "c6a2", "Source IPv6 Address"]);
            self.host(receiver, has_ports, ["dst", "dpt", "c6a3", "Destination IPv6 Address"]);
        }
        self.add("proto", &subject.path.carrier());
    }

    fn host(&mut self, host: Host, has_ports: bool, [v4, port, v6, label]: [&str; 4]) {
        match host.ip {
            IpAddr::V4(_) => self.add(v4, &Address(host.ip)),
            IpAddr::V6(_) => self.add_labelled(v6, label, &Address(host.ip)),
        }
        if has_ports {
            self.add(port, &host.port);
        }
    }

    /// What was done, what became of it, and what is wrong with it.
    fn deed(&mut self, alert: &Alert<'_>, subject: &Subject<'_>) {
        self.text("app", alert.protocol.map(Protocol::name));
        self.text("act", subject.action.map(Action::name));
        self.text("outcome", subject.outcome().map(Outcome::name));
        self.text("reason", reason(subject));
        self.text("cat", Some(subject.category()));
    }

    /// What the policy calls those that are involved, and the value.
    fn names(&mut self, subject: &Subject<'_>) {
        self.labelled_text("cs1", "actor", subject.actor.map(|actor| actor.name));
        self.labelled_text("cs2", "device", subject.device.map(|device| device.name));
        match (subject.point, subject.place) {
            (Some(point), _) => self.add_labelled("cs3", "point", &point.name),
            (None, Some((space, address))) => {
                self.add_labelled("cs3", "point", &format_args!("{} {address}", space.name()));
            }
            (None, None) => {}
        }
        if let Some(value) = subject.value.filter(|value| value.is_finite()) {
            self.add_labelled("cfp1", "value", &Number(value));
            self.labelled_text("flexString1", "unit", subject.unit_of_measure());
        }
    }

    /// How often an earlier alert was repeated, and from when to when.
    fn repeats(&mut self, repeats: Option<Repeats>) {
        let Some(Repeats { count, first, last, .. }) = repeats else { return };
        self.add("cnt", &count);
        self.add("start", &milliseconds(first));
        self.add("end", &milliseconds(last));
    }

    /// What helps to follow it up.
    fn references(&mut self, alert: &Alert<'_>, subject: &Subject<'_>) {
        self.labelled_text("cs4", "technique", subject.technique().map(|technique| technique.id));
        if let Some(source) = subject.decided_by() {
            self.add_labelled("cs5", "policy", &format_args!("{}:{}", source.file, source.line));
        }
        self.add_labelled("cs6", "incident", &alert.incident);
        if let Some(station) = subject.station {
            self.add_labelled("cn1", "station", &station);
        }
        if let Some(code) = subject.answer.and_then(|answer| answer.refusal?.code) {
            self.add_labelled("cn2", "refusal", &code);
        }
        let Path { client, server, .. } = subject.path;
        if let Some(mac) = if subject.from_client { client.mac } else { server.mac } {
            self.add("smac", &mac);
        }
    }

    /// As much of the sentence as fits; tells whether everything could be written.
    fn sentence(mut self, why: &dyn Display) -> fmt::Result {
        self.written?;
        let between = self.between;
        self.line.whole(&format_args!("{between}msg="), plain)?;
        self.line.cut(why, in_value, usize::MAX)
    }

    fn text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.add(key, &value);
        }
    }

    fn labelled_text(&mut self, key: &str, label: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.add_labelled(key, label, &value);
        }
    }

    fn add(&mut self, key: &str, value: &dyn Display) {
        let between = self.between;
        self.put(&format_args!("{between}{key}="), value);
    }

    /// Adds a field for whose meaning CEF has no key.
    fn add_labelled(&mut self, key: &str, label: &str, value: &dyn Display) {
        let between = self.between;
        self.put(&format_args!("{between}{key}Label={label} {key}="), value);
    }

    fn put(&mut self, key: &dyn Display, value: &dyn Display) {
        if self.written.is_ok() {
            self.written = self.put_if_it_fits(key, value);
        }
    }

    /// Adds a field if it fits beside the beginning of the sentence.
    fn put_if_it_fits(&mut self, key: &dyn Display, value: &dyn Display) -> fmt::Result {
        let needed = length(key, plain)?.saturating_add(length(value, in_value)?);
        if needed.saturating_add(CEF_SENTENCE_LEAST) > self.line.left {
            return Ok(());
        }
        self.line.whole(key, plain)?;
        self.line.whole(value, in_value)?;
        self.between = " ";
        Ok(())
    }
}

/// What is wrong, in a word.
fn reason(subject: &Subject<'_>) -> Option<&'static str> {
    match subject.verdict {
        Verdict::Violation { reason, .. } => return Some(reason.name()),
        Verdict::Intent(finding, _) => return Some(finding.name()),
        Verdict::Rule(_) => {}
    }
    let happening = subject.happening.map(|happening| happening.news.event.name());
    let departed = subject.departed.map(|departed| departed.departure.event.name());
    happening.or(departed).or(subject.anomaly.map(AnomalyKind::name))
}

/// Milliseconds since 1970.
const fn milliseconds(time: Timestamp) -> u64 {
    time.0 / NANOS_PER_MS
}

fn plain(character: char) -> Escaped {
    Escaped::Plain(character)
}

/// Header fields are parted by bars, and are of one line.
fn in_header(character: char) -> Escaped {
    match character {
        '\\' | '|' => Escaped::Behind(character),
        character if character.is_control() => Escaped::Plain(' '),
        character => Escaped::Plain(character),
    }
}

/// Values of the extension end where the next key has its equals sign.
fn in_value(character: char) -> Escaped {
    match character {
        '\\' | '=' => Escaped::Behind(character),
        '\n' => Escaped::Behind('n'),
        '\r' => Escaped::Behind('r'),
        character if character.is_control() => Escaped::Plain(' '),
        character => Escaped::Plain(character),
    }
}
