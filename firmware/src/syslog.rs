//! Messages as collectors take them: RFC 5424, in a datagram or behind their length (RFC 6587, 3.4.1).

use core::fmt::{self, Write};

use heapless::{String, Vec};
use tagout_core::Timestamp;
use tagout_core::engine::Severity;
use tagout_core::words::{CEF_MOST, Facility, SYSLOG_MOST, SyslogHeader, Topic, syslog};

use crate::settings::Transport;

/// The longest text of a message.
pub(crate) const TEXT_LEN: usize = CEF_MOST;
/// The longest message behind its length, which takes four digits and a space.
pub(crate) const MESSAGE_LEN: usize = SYSLOG_MOST + 5;
/// The longest message as it is kept until it is sent.
pub(crate) const KEPT_LEN: usize = TEXT_LEN + KEPT_HEAD;
/// Time, and severity with two flags.
const KEPT_HEAD: usize = 9;
const IS_SET: u8 = 0x80;
const IS_ALERT: u8 = 0x40;
/// Where collectors file what gateways send.
const FACILITY: Facility = Facility::Local(0);

/// What stands before the text of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    /// When it happened; `None` as long as nobody told the gateway what time it is.
    pub(crate) time: Option<Timestamp>,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// What it is about.
    pub(crate) topic: Topic,
}

/// A message as it is kept until it is sent: the header in a few bytes, then the text.
pub(crate) struct Kept(Vec<u8, KEPT_LEN>);

impl Kept {
    /// A message whose text is to be written to it, which fails where there is no room for the text.
    pub(crate) fn new(header: Header) -> Self {
        let Header { time, severity, topic } = header;
        let set = if time.is_some() { IS_SET } else { 0 };
        let alert = if topic == Topic::Alert { IS_ALERT } else { 0 };
        let mut kept = Self(Vec::new());
        // There is room for the longest text behind these.
        let _ = kept.0.extend_from_slice(&time.unwrap_or_default().0.to_le_bytes());
        let _ = kept.0.push(severity as u8 | set | alert);
        kept
    }

    /// The message as bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Write for Kept {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes()).map_err(|_| fmt::Error)
    }
}

/// What a message tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Message<'a> {
    /// What stands before the text.
    pub(crate) header: Header,
    /// The text.
    pub(crate) text: &'a str,
}

impl<'a> Message<'a> {
    /// The message that was kept, as far as it can be read: whatever flash holds, delivery goes on behind it.
    pub(crate) fn of_kept(kept: &'a [u8]) -> Self {
        let (time, rest) = kept.split_first_chunk().unwrap_or((&[0; 8], &[]));
        let (flags, text) = rest.split_first().unwrap_or((&0, &[]));
        let time = Timestamp(u64::from_le_bytes(*time));
        let header = Header {
            time: (flags & IS_SET != 0).then_some(time),
            severity: Severity::from_number(flags & 7).unwrap_or(Severity::Informational),
            topic: if flags & IS_ALERT == 0 { Topic::Sensor } else { Topic::Alert },
        };
        Self { header, text: readable(text) }
    }

    /// The message with its header, as `transport` carries it; `number` is that of one that is kept.
    pub(crate) fn written(&self, host: &str, number: Option<u32>, transport: Transport) -> Vec<u8, MESSAGE_LEN> {
        let Header { time, severity, topic } = self.header;
        let header = SyslogHeader { facility: FACILITY, severity, topic, time, host, number };
        let mut written: String<SYSLOG_MOST> = String::new();
        let mut message = Vec::new();
        // There is room for the longest text behind the longest header, and for four digits.
        let _ = syslog(&mut written, &header, self.text);
        let _ = match transport {
            Transport::Tcp => write!(message, "{} ", written.len()),
            Transport::Udp => Ok(()),
        };
        let _ = message.extend_from_slice(written.as_bytes());
        message
    }
}

/// The text that bytes begin with.
fn readable(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_else(|fault| readable(bytes.get(..fault.valid_up_to()).unwrap_or_default()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    extern crate std;

    use super::*;

    const HEADER: Header =
        Header { time: Some(Timestamp(1_709_251_199_123_456_789)), severity: Severity::High, topic: Topic::Alert };
    const MESSAGE: Message<'static> = Message { header: HEADER, text: "CEF:0|x" };

    #[test]
    fn what_is_kept_comes_back() {
        for header in [HEADER, Header { time: None, severity: Severity::Low, topic: Topic::Sensor }] {
            let mut kept = Kept::new(header);
            kept.write_str("CEF:0|x").unwrap();
            assert_eq!(Message::of_kept(kept.bytes()), Message { header, ..MESSAGE });
        }
    }

    #[test]
    fn what_cannot_be_read_is_passed_over() {
        assert_eq!(Message::of_kept(&[0; 8]).text, "");
        let mut kept = Kept::new(HEADER);
        kept.write_str("CEF:0|x").unwrap();
        let torn = [kept.bytes(), &[0xff, b'y']].concat();
        assert_eq!(Message::of_kept(&torn), MESSAGE);
    }

    #[test]
    fn the_longest_text_is_kept_and_a_longer_one_is_not() {
        let mut kept = Kept::new(HEADER);
        assert!((0..TEXT_LEN).all(|_| kept.write_char('x').is_ok()));
        assert!(kept.write_char('x').is_err());
    }

    #[test]
    fn a_message_stands_behind_its_length_on_a_stream() {
        let datagram = MESSAGE.written("gate-1", Some(7), Transport::Udp);
        let expected: &[u8] =
            b"<130>1 2024-02-29T23:59:59.123456Z gate-1 tagout - alert [meta sequenceId=\"7\"] CEF:0|x";
        assert_eq!(datagram, expected);
        let stream = MESSAGE.written("gate-1", Some(7), Transport::Tcp);
        assert_eq!(stream.strip_prefix(b"86 "), Some(expected), "{} bytes", expected.len());
    }
}
