//! Syslog messages (RFC 5424).

use core::fmt::{self, Display, Write};

use tagout_engine::{Severity, Timestamp};

use super::Utc;

/// What a message with a text of [`super::CEF_MOST`] bytes takes at most, in bytes. Every receiver has to take 480, and
/// should take 2,048.
pub const SYSLOG_MOST: usize = 1_024;
/// How much of a host's name is told, in bytes: the longest label of a domain name.
pub const HOST_MOST: usize = 63;
/// Marks UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Where a message belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Facility {
    /// Security and authorization messages: facility 4.
    Security,
    /// `local0` to `local7`; a greater number stands for 7.
    Local(u8),
}

/// What a message is about; RFC 5424's MSGID.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Topic {
    /// An alert.
    Alert,
    /// Something that happened in the plant and is no alert.
    Event,
    /// The sensor itself.
    Sensor,
}

/// What stands before the text of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SyslogHeader<'a> {
    /// Where it belongs.
    pub facility: Facility,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub topic: Topic,
    /// When that was; `None` where the sensor's clock was never set.
    pub time: Option<Timestamp>,
    /// Who sends it; what RFC 5424 does not take of the name is left out.
    pub host: &'a str,
    /// Its number among those that this host sends; `None` for one that nobody misses.
    pub number: Option<u32>,
}

impl Topic {
    const fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Event => "event",
            Self::Sensor => "sensor",
        }
    }
}

impl Facility {
    fn code(self) -> u8 {
        match self {
            Self::Security => 4,
            Self::Local(number) => number.min(7) | 16,
        }
    }
}

/// Syslog's measure of severity: 2 is critical, 4 a warning, 5 a notice, 6 informational.
const fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::High => 2,
        Severity::Medium => 4,
        Severity::Low => 5,
        Severity::Informational => 6,
    }
}

/// Writes a whole message, with the mark that tells of UTF-8 where the text is not just ASCII.
///
/// # Errors
/// What `into` fails with.
pub fn syslog(into: &mut impl Write, header: &SyslogHeader<'_>, text: &str) -> fmt::Result {
    let SyslogHeader { facility, severity: alert, topic, time, host, number } = *header;
    let priority = u16::from(facility.code()).wrapping_shl(3) | u16::from(severity(alert));
    write!(into, "<{priority}>1 ")?;
    match time {
        Some(time) => write!(into, "{}Z", Utc(time))?,
        None => into.write_char('-')?,
    }
    write!(into, " {} tagout - {} ", HostName(host), topic.name())?;
    match number {
        Some(number) => write!(into, "[meta sequenceId=\"{number}\"] ")?,
        None => into.write_str("- ")?,
    }
    if !text.is_ascii() {
        into.write_char(BYTE_ORDER_MARK)?;
    }
    into.write_str(text)
}

/// A name of at most [`HOST_MOST`] printable ASCII characters; `-` for none.
struct HostName<'a>(&'a str);

impl Display for HostName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars().filter(char::is_ascii_graphic).take(HOST_MOST).peekable();
        if characters.peek().is_none() {
            return f.write_str("-");
        }
        characters.try_for_each(|character| f.write_char(character))
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    extern crate std;

    use std::string::String;

    use super::super::CEF_MOST;
    use super::*;

    fn message(facility: Facility, severity: Severity, host: &str, number: u32, text: &str) -> String {
        let mut message = String::new();
        let time = Some(Timestamp(1_709_251_199_123_456_789));
        let header = SyslogHeader { facility, severity, topic: Topic::Alert, time, host, number: Some(number) };
        syslog(&mut message, &header, text).expect("a string takes it");
        message
    }

    #[test]
    fn what_is_not_known_is_a_dash() {
        let (facility, severity) = (Facility::Local(0), Severity::Informational);
        let header = SyslogHeader { facility, severity, topic: Topic::Sensor, time: None, host: "", number: None };
        let mut message = String::new();
        syslog(&mut message, &header, "x").expect("a string takes it");
        assert_eq!(message, "<134>1 - - tagout - sensor - x");
    }

    #[test]
    fn the_header_is_that_of_rfc_5424() {
        assert_eq!(
            message(Facility::Local(0), Severity::High, "gateway-7", 12, "CEF:0|"),
            "<130>1 2024-02-29T23:59:59.123456Z gateway-7 tagout - alert [meta sequenceId=\"12\"] CEF:0|"
        );
        assert!(message(Facility::Security, Severity::Informational, "g", 1, "x").starts_with("<38>1 "));
        assert!(message(Facility::Local(9), Severity::Low, "g", 1, "x").starts_with("<189>1 "));
        assert!(message(Facility::Local(7), Severity::Medium, "g", 1, "°").ends_with("] \u{feff}°"));
    }

    #[test]
    fn names_that_syslog_does_not_take_are_made_to_fit() {
        assert!(message(Facility::Local(0), Severity::Low, "", 1, "x").contains("Z - tagout"));
        assert!(message(Facility::Local(0), Severity::Low, "gate way\n°", 1, "x").contains("Z gateway tagout"));
    }

    #[test]
    fn the_longest_message_fits() {
        let text = "°".repeat(CEF_MOST / 2) + "x";
        let message = message(Facility::Local(7), Severity::High, &"h".repeat(300), u32::MAX, &text);
        assert_eq!(message.len() + "sensor".len() - "alert".len(), SYSLOG_MOST);
    }
}
