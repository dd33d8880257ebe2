//! Messages as collectors take them: RFC 5424, in a datagram or behind their length (RFC 6587, 3.4.1).

use core::fmt::Write;

use heapless::{String, Vec};
use tagout_core::Timestamp;

use crate::settings::Transport;

/// The longest text of a message.
pub(crate) const TEXT_LEN: usize = 900;
/// The longest message with its header and length.
pub(crate) const MESSAGE_LEN: usize = 1_100;
/// The longest message as it is kept until it is sent.
pub(crate) const KEPT_LEN: usize = TEXT_LEN + KEPT_HEAD;
/// Time, and severity with a bit for a clock that was set.
const KEPT_HEAD: usize = 9;
const IS_SET: u8 = 0x80;
/// Facility "log audit" (RFC 5424, 6.2.1).
const FACILITY: u8 = 13;

/// What a message tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Message<'a> {
    /// When it happened.
    pub(crate) time: Timestamp,
    /// False while that is counted from the start of the gateway.
    pub(crate) is_set: bool,
    /// 0 emergency to 7 debug (RFC 5424, 6.2.1).
    pub(crate) severity: u8,
    /// The text.
    pub(crate) text: &'a [u8],
}

impl<'a> Message<'a> {
    /// The message as it is kept until it is sent.
    pub(crate) fn kept(&self) -> Vec<u8, KEPT_LEN> {
        let mut kept = Vec::new();
        let flag = if self.is_set { IS_SET } else { 0 };
        // There is room: a text that is too long is cut.
        let _ = kept.extend_from_slice(&self.time.0.to_le_bytes());
        let _ = kept.push(self.severity & 7 | flag);
        let _ = kept.extend_from_slice(self.text.get(..TEXT_LEN).unwrap_or(self.text));
        kept
    }

    /// The message that was kept.
    pub(crate) fn of_kept(kept: &'a [u8]) -> Option<Self> {
        let (time, rest) = kept.split_first_chunk()?;
        let (flags, text) = rest.split_first()?;
        let time = Timestamp(u64::from_le_bytes(*time));
        Some(Self { time, is_set: flags & IS_SET != 0, severity: flags & 7, text })
    }

    /// The message with its header, as `transport` carries it; `number` is that of an alert.
    pub(crate) fn written(&self, host: &str, number: Option<u32>, transport: Transport) -> Vec<u8, MESSAGE_LEN> {
        let mut header: String<160> = String::new();
        let priority = FACILITY.saturating_mul(8).saturating_add(self.severity);
        // Host names have at most 64 characters, so that all of it fits.
        let _ = write!(header, "<{priority}>1 - {} tagout - alert [", if host.is_empty() { "-" } else { host });
        let _ = match number {
            Some(number) => write!(header, "meta sequenceId=\"{number}\"]["),
            None => Ok(()),
        };
        let _ = write!(header, "timeQuality tzKnown=\"1\" isSynced=\"{}\"] ", u8::from(self.is_set));
        let mut message = Vec::new();
        if transport == Transport::Tcp {
            let len = header.len().saturating_add(self.text.len());
            let _ = write!(message, "{len} ");
        }
        let _ = message.extend_from_slice(header.as_bytes());
        let _ = message.extend_from_slice(self.text);
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: Message<'static> =
        Message { time: Timestamp(0x0102_0304_0506_0708), is_set: true, severity: 2, text: b"CEF:0|x" };

    #[test]
    fn what_is_kept_comes_back() {
        assert_eq!(Message::of_kept(&MESSAGE.kept()), Some(MESSAGE));
        assert_eq!(Message::of_kept(&[0; 8]), None);
        let long = Message { text: &[b'x'; TEXT_LEN + 1], is_set: false, ..MESSAGE };
        assert_eq!(Message::of_kept(&long.kept()).map(|kept| (kept.text.len(), kept.is_set)), Some((TEXT_LEN, false)));
    }

    #[test]
    fn a_message_stands_behind_its_length_on_a_stream() {
        let datagram = MESSAGE.written("gate-1", Some(7), Transport::Udp);
        let expected: &[u8] =
            b"<106>1 - gate-1 tagout - alert [meta sequenceId=\"7\"][timeQuality tzKnown=\"1\" isSynced=\"1\"] CEF:0|x";
        assert_eq!(datagram, expected);
        let stream = MESSAGE.written("gate-1", Some(7), Transport::Tcp);
        assert_eq!(stream.strip_prefix(b"98 "), Some(expected), "{} bytes", expected.len());
    }
}
