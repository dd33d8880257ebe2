//! The time from a server, as a client of SNTP (RFC 4330) in the format of NTP version 4 (RFC 5905).

use crate::board::SECOND;

/// A message without extensions.
pub(crate) const MESSAGE: usize = 48;

const VERSION: u8 = 4;
const MODE_CLIENT: u8 = 3;
const MODE_SERVER: u8 = 4;
/// The server's own clock is not set (RFC 4330, 4: leap indicator).
const UNSYNCHRONISED: u8 = 3;
/// Primary and secondary servers; 0 is a "kiss of death".
const STRATA: core::ops::RangeInclusive<u8> = 1..=15;

const ORIGIN: usize = 24;
const RECEIVE: usize = 32;
const TRANSMIT: usize = 40;

/// Between two questions once the time is known.
const POLL: u64 = 1_024 * SECOND;
/// Between two questions while it is not: doubled from the first to the last.
const RETRY: (u64, u64) = (4 * SECOND, 256 * SECOND);
/// An answer that took longer says too little.
const SLOWEST: u64 = 4 * SECOND;
/// From 1900 to 1970, and from 2036 to 1970: NTP's seconds begin anew in 2036 (RFC 4330, 3).
const UNIX_EPOCH: u64 = 2_208_988_800;
const ERA: u64 = 1 << 32;

/// The client. It keeps no clock: `now` is the board's, in nanoseconds since its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sntp {
    /// The question that is not answered yet: what it is known by, and when it was sent.
    asked: Option<(u64, u64)>,
    due: u64,
    retry: u64,
    seed: u64,
}

impl Sntp {
    /// A client that asks at once. Whoever does not know `seed` cannot answer in the server's place without seeing the
    /// question.
    pub(crate) const fn new(seed: u64) -> Self {
        Self { asked: None, due: 0, retry: RETRY.0, seed }
    }

    /// The question to send, once it is time for one.
    pub(crate) fn ask(&mut self, now: u64) -> Option<[u8; MESSAGE]> {
        if now < self.due {
            return None;
        }
        self.due = now.saturating_add(self.retry);
        self.retry = self.retry.saturating_mul(2).min(RETRY.1);
        self.seed = mixed(self.seed.wrapping_add(now));
        self.asked = Some((self.seed, now));
        let mut message = [0; MESSAGE];
        if let Some(first) = message.first_mut() {
            *first = VERSION << 3 | MODE_CLIENT;
        }
        if let Some(transmit) = message.last_chunk_mut() {
            *transmit = self.seed.to_be_bytes();
        }
        Some(message)
    }

    /// Takes what the server answered: when the board started, in nanoseconds since the Unix epoch. None where the message
    /// is no answer to the question, or its sender does not know the time.
    pub(crate) fn answer(&mut self, message: &[u8], now: u64) -> Option<u64> {
        let (origin, sent) = self.asked?;
        let &[first, stratum, ..] = message else { return None };
        if first & 7 != MODE_SERVER || word(message, ORIGIN)? != origin {
            return None;
        }
        self.asked = None;
        let (received, transmitted) = (word(message, RECEIVE)?, word(message, TRANSMIT)?);
        let took = now.checked_sub(sent)?;
        if first >> 6 == UNSYNCHRONISED || !STRATA.contains(&stratum) || transmitted == 0 || took > SLOWEST {
            return None;
        }
        let (received, transmitted) = (unix_ns(received)?, unix_ns(transmitted)?);
        let between = received.saturating_add(transmitted.checked_sub(received)? / 2);
        let start = between.checked_sub(sent.saturating_add(took / 2))?;
        (self.retry, self.due) = (RETRY.0, now.saturating_add(POLL));
        Some(start)
    }
}

/// The timestamp at `place`.
fn word(message: &[u8], place: usize) -> Option<u64> {
    message.get(place..)?.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// An NTP timestamp, seconds and their 2^32ths, in nanoseconds since the Unix epoch.
fn unix_ns(timestamp: u64) -> Option<u64> {
    let (seconds, fraction) = (timestamp >> 32, timestamp & 0xffff_ffff);
    let seconds = if seconds & 0x8000_0000 == 0 { seconds.saturating_add(ERA) } else { seconds };
    let ns = fraction.wrapping_mul(SECOND) >> 32;
    seconds.checked_sub(UNIX_EPOCH)?.checked_mul(SECOND)?.checked_add(ns)
}

/// SplitMix64: spreads what differs over all bits.
const fn mixed(seed: u64) -> u64 {
    let seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used)]
mod tests {
    use super::*;

    /// 2026-02-03 04:05:06.25 UTC in NTP's and Unix's form.
    const NTP: u64 = 0xed2b_47d2_4000_0000;
    const UNIX: u64 = (0xed2b_47d2 - UNIX_EPOCH) * SECOND + SECOND / 4;

    /// The server's answer to `question`, received and sent at `NTP`.
    fn answered(question: &[u8; MESSAGE]) -> [u8; MESSAGE] {
        let mut answer = [0; MESSAGE];
        (answer[0], answer[1]) = (VERSION << 3 | MODE_SERVER, 2);
        answer[ORIGIN..RECEIVE].copy_from_slice(&question[TRANSMIT..]);
        answer[RECEIVE..TRANSMIT].copy_from_slice(&NTP.to_be_bytes());
        answer[TRANSMIT..].copy_from_slice(&NTP.to_be_bytes());
        answer
    }

    #[test]
    fn the_answer_counts_for_the_middle_between_question_and_answer() {
        let mut client = Sntp::new(7);
        let question = client.ask(10 * SECOND).unwrap();
        assert_eq!(question[0], 0x23);
        assert_eq!(client.answer(&answered(&question), 12 * SECOND), Some(UNIX - 11 * SECOND));
        assert_eq!(client.ask(12 * SECOND + POLL - 1), None);
        assert!(client.ask(12 * SECOND + POLL).is_some());
    }

    #[test]
    fn what_is_no_answer_to_the_question_changes_nothing() {
        let mut client = Sntp::new(7);
        let question = client.ask(0).unwrap();
        let mut forged = answered(&question);
        forged[ORIGIN] ^= 1;
        assert_eq!(client.answer(&forged, 1), None);
        assert_eq!(client.answer(&question, 1), None, "its own question");
        assert_eq!(client.answer(&answered(&question)[..47], 1), None);
        assert!(client.answer(&answered(&question), 1).is_none(), "spent by the message that was cut");
    }

    #[test]
    fn an_answer_counts_once() {
        let mut client = Sntp::new(7);
        let question = client.ask(0).unwrap();
        assert!(client.answer(&answered(&question), 1).is_some());
        assert_eq!(client.answer(&answered(&question), 1), None);
    }

    #[test]
    fn who_does_not_know_the_time_is_not_believed() {
        type Spoil = fn(&mut [u8; MESSAGE]);
        let cases: [(&str, Spoil); 5] = [
            ("unsynchronised", |answer| answer[0] |= 0xc0),
            ("kiss of death", |answer| answer[1] = 0),
            ("stratum 16", |answer| answer[1] = 16),
            ("no time", |answer| answer[TRANSMIT..].fill(0)),
            ("sent before it was received", |answer| answer[TRANSMIT + 3] -= 1),
        ];
        for (name, spoil) in cases {
            let mut client = Sntp::new(7);
            let mut answer = answered(&client.ask(0).unwrap());
            spoil(&mut answer);
            assert_eq!(client.answer(&answer, 1), None, "{name}");
        }
        let mut client = Sntp::new(7);
        let question = client.ask(0).unwrap();
        assert_eq!(client.answer(&answered(&question), SLOWEST + 1), None, "too slow");
    }

    #[test]
    fn questions_without_an_answer_become_rarer() {
        let mut client = Sntp::new(7);
        let mut asked = [0; 9];
        for at in &mut asked {
            *at = client.due / SECOND;
            assert!(client.ask(client.due).is_some());
        }
        assert_eq!(asked, [0, 4, 12, 28, 60, 124, 252, 508, 764]);
    }

    #[test]
    fn seconds_begin_anew_in_2036() {
        assert_eq!(unix_ns(0), Some((ERA - UNIX_EPOCH) * SECOND));
        assert_eq!(unix_ns(UNIX_EPOCH << 32), Some(0));
    }
}
