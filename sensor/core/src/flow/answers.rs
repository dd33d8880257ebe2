//! The latest responses of a flow, to know a second one to the same request.

use core::hash::Hasher;

use siphasher::sip::SipHasher13;
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
}

#[derive(Clone, Copy, Debug)]
struct Answer {
    key: u64,
    digest: u64,
    /// What its sender had acknowledged.
    ack: u32,
    at: Timestamp,
}

impl Answers {
    pub(crate) const NONE: Self =
        Self { kept: [Answer { key: 0, digest: 0, ack: 0, at: Timestamp(0) }; KEPT], next: 0 };

    /// Remembers the response to the request with this key.
    pub(crate) fn note(&mut self, key: u64, ack: u32, at: Timestamp, bytes: &[u8]) {
        if let Some(answer) = self.kept.get_mut(self.next) {
            *answer = Answer { key, digest: digest(bytes), ack, at };
        }
        self.next = self.next.wrapping_add(1) % KEPT;
    }

    /// Whether this request was answered already, with other bytes, and nothing came to its receiver since.
    pub(crate) fn contradicts(&self, key: u64, ack: u32, at: Timestamp, bytes: &[u8]) -> bool {
        let same = |answer: &&Answer| answer.key == key && answer.ack == ack && answer.at.plus_ms(FORGOTTEN_MS) > at;
        let mut answers = self.kept.iter().filter(same).peekable();
        answers.peek().is_some() && !answers.any(|answer| answer.digest == digest(bytes))
    }
}

/// Tells responses apart, also those of somebody who looks for two that it takes for one.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_response_contradicts_the_first_unless_it_repeats_it() {
        let at = |second: u64| Timestamp(second.saturating_mul(1_000_000_000));
        let mut answers = Answers::NONE;
        answers.note(7, 1, at(10), b"one");
        assert!(answers.contradicts(7, 1, at(11), b"two"));
        assert!(!answers.contradicts(7, 1, at(11), b"one"), "a repetition");
        assert!(!answers.contradicts(8, 1, at(11), b"two"), "of another request");
        assert!(!answers.contradicts(7, 2, at(11), b"two"), "of a request that was not seen");
        assert!(!answers.contradicts(7, 1, at(16), b"two"), "the key has come round");
        (0..4).for_each(|key| answers.note(key, 1, at(11), b"one"));
        assert!(!answers.contradicts(7, 1, at(11), b"two"), "forgotten");
    }
}
