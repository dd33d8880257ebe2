//! The latest responses of a flow, to know a second one to the same request.

use tagout_engine::Timestamp;

/// As many responses as may come before the second one.
const KEPT: usize = 4;
/// Keys come round again; a response as old as this is another's.
const FORGOTTEN_MS: u32 = 5_000;

/// The latest responses of a flow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answers {
    kept: [Answer; KEPT],
    next: usize,
    /// The numbers of DNP3 requests that were given up lately: an answer to one is late.
    missed: u32,
}

#[derive(Clone, Copy, Debug)]
struct Answer {
    key: u64,
    /// Tells its bytes from others.
    digest: u32,
    /// What its sender had acknowledged.
    ack: u32,
    at: Timestamp,
}

impl Answers {
    pub(crate) const NONE: Self =
        Self { kept: [Answer { key: 0, digest: 0, ack: 0, at: Timestamp(0) }; KEPT], next: 0, missed: 0 };

    /// Remembers the response to the request with this key.
    pub(crate) fn note(&mut self, key: u64, ack: u32, at: Timestamp, digest: u32) {
        if let Some(answer) = self.kept.get_mut(self.next) {
            *answer = Answer { key, digest, ack, at };
        }
        self.next = self.next.wrapping_add(1) % KEPT;
    }

    /// Takes note of a DNP3 request that is waited for no longer.
    pub(crate) const fn miss(&mut self, key: u64) {
        self.missed |= number(key);
    }

    /// Whether a DNP3 request with this key was given up and its number not used since.
    pub(crate) const fn missed(&self, key: u64) -> bool {
        self.missed & number(key) != 0
    }

    /// Takes note that the number of this key is used again.
    pub(crate) const fn renew(&mut self, key: u64) {
        self.missed &= !number(key);
    }

    /// What was acknowledged with the response before the latest of those that acknowledged something else than `ack`;
    /// `None` if none is known. What a device acknowledges with one response it may answer with the next.
    pub(crate) fn acked_before(&self, ack: u32) -> Option<u32> {
        let latest = self.acked_latest(|other| other != ack)?;
        self.acked_latest(|other| other != ack && other != latest)
    }

    fn acked_latest(&self, is_meant: impl Fn(u32) -> bool) -> Option<u32> {
        let meant = self.kept.iter().filter(|answer| is_meant(answer.ack) && answer.at != Timestamp(0));
        meant.max_by_key(|answer| answer.at).map(|answer| answer.ack)
    }

    /// Whether this request was answered already, with other bytes, and nothing came to its receiver since.
    pub(crate) fn contradicts(&self, key: u64, ack: u32, at: Timestamp, digest: u32) -> bool {
        let same = |answer: &&Answer| answer.key == key && answer.ack == ack && answer.at.plus_ms(FORGOTTEN_MS) > at;
        let mut answers = self.kept.iter().filter(same).peekable();
        answers.peek().is_some() && !answers.any(|answer| answer.digest == digest)
    }
}

/// The bit of a DNP3 message's number, the lowest five bits of its key.
const fn number(key: u64) -> u32 {
    1_u32.wrapping_shl((key & 0x1f) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_acknowledged_before_is_that_of_the_response_before_the_latest() {
        let mut answers = Answers::NONE;
        (1..=3).for_each(|ack| answers.note(ack.into(), ack, Timestamp(ack.into()), 1));
        assert_eq!([1, 3, 4].map(|ack| answers.acked_before(ack)), [Some(2), Some(1), Some(2)]);
    }

    #[test]
    fn a_second_response_contradicts_the_first_unless_it_repeats_it() {
        let at = |second: u64| Timestamp(second.saturating_mul(1_000_000_000));
        let mut answers = Answers::NONE;
        answers.note(7, 1, at(10), 1);
        assert_eq!([1, 2].map(|ack| answers.acked_before(ack)), [None, None]);
        assert!(answers.contradicts(7, 1, at(11), 2));
        assert!(!answers.contradicts(7, 1, at(11), 1), "a repetition");
        assert!(!answers.contradicts(8, 1, at(11), 2), "of another request");
        assert!(!answers.contradicts(7, 2, at(11), 2), "of a request that was not seen");
        assert!(!answers.contradicts(7, 1, at(16), 2), "the key has come round");
        (0..4).for_each(|key| answers.note(key, 1, at(11), 1));
        assert!(!answers.contradicts(7, 1, at(11), 2), "forgotten");
    }
}
