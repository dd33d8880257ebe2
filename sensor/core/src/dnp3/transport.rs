//! Transport function: application fragments out of link frames' user data (IEEE 1815-2012, clause 8).

use tagout_engine::AnomalyKind;

use crate::finding::{Finding, Term};
use crate::store::copy;

/// Octets of the longest fragment that every device accepts, unless it is configured otherwise.
pub const DEFAULT_MAX_FRAGMENT: usize = 2048;

const FIN: u8 = 0x80;
const FIR: u8 = 0x40;
const SEQUENCE: u8 = 0x3f;

/// A link frame's user data: one transport header octet and a piece of a fragment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment<'a> {
    /// The transport header: FIN, FIR and a sequence number of six bits.
    pub header: u8,
    /// The piece of the fragment.
    pub data: &'a [u8],
}

impl<'a> Segment<'a> {
    /// The segment in a frame's user data; `None` if there is not even a header.
    pub const fn parse(user_data: &'a [u8]) -> Option<Self> {
        match user_data.split_first() {
            Some((header, data)) => Some(Self { header: *header, data }),
            None => None,
        }
    }

    /// FIN: the last segment of its fragment.
    pub const fn fin(self) -> bool {
        self.header & FIN != 0
    }

    /// FIR: the first segment of its fragment.
    pub const fn fir(self) -> bool {
        self.header & FIR != 0
    }

    /// The sequence number, 0 to 63.
    pub const fn sequence(self) -> u8 {
        self.header & SEQUENCE
    }

    /// Octets of the piece.
    fn len(self) -> u32 {
        u32::try_from(self.data.len()).unwrap_or(u32::MAX)
    }

    /// True when the segment is a whole fragment by itself, so that no buffer is needed to assemble it.
    pub const fn is_whole(self) -> bool {
        self.fir() && self.fin()
    }
}

/// Where one sender's fragment stands. Keep one for each pair of link addresses and direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Assembler {
    /// A first segment was seen, and the last one was not.
    active: bool,
    /// Header and data length of the segment that was taken last.
    last: Option<(u8, u32)>,
    /// Octets of the fragment in the buffer.
    len: u16,
}

/// What a segment brought about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step<'a> {
    /// How far the fragment is.
    pub progress: Progress<'a>,
    /// What was given up on the way.
    pub loss: Option<Loss>,
}

/// How far a fragment is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress<'a> {
    /// The whole fragment: within the segment if that was whole by itself, else within the buffer.
    Complete(&'a [u8]),
    /// The segment was taken, and more are due.
    More,
    /// The segment added nothing: it repeats the one before it, or it is lost.
    Nothing,
}

/// Octets of fragments that were given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Loss {
    /// Why.
    pub reason: LossReason,
    /// How many octets, transport headers not counted.
    pub bytes: u32,
}

/// Why octets were given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LossReason {
    /// A segment that is not the first of its fragment, and none before it.
    NoStart,
    /// A segment whose sequence number does not follow.
    Sequence,
    /// A fragment that was unfinished when a new one began.
    Restarted,
    /// A fragment, up to and with the segment that is beyond the buffer's end.
    TooLong,
    /// A segment without data.
    Empty,
}

impl Loss {
    /// What was wrong, for a report.
    pub fn finding(self) -> Finding {
        let finding = Finding::new(AnomalyKind::Dnp3Transport, self.bytes as usize);
        let words =
            |field, at, expected, found| finding.at(field, at).because(Term::Words(expected), Term::Words(found));
        match self.reason {
            LossReason::NoStart => finding.at("FIR", 0).because(Term::Number(1), Term::Number(0)),
            LossReason::Sequence => words("sequence", 0, "the number behind that of the segment before", "another"),
            LossReason::Restarted => words("FIR", 0, "the rest of the fragment before", "another fragment's start"),
            LossReason::TooLong => words("data", 1, "no more than fits the longest fragment", "more"),
            LossReason::Empty => words("data", 1, "an octet or more", "none"),
        }
    }
}

impl Assembler {
    /// An assembler that has seen nothing yet.
    pub const fn new() -> Self {
        Self { active: false, last: None, len: 0 }
    }

    /// True while a fragment is unfinished: the buffer holds its beginning and must be lent again.
    pub const fn is_active(&self) -> bool {
        self.active
    }

    /// Gives the unfinished fragment up, and tells how many octets that costs.
    pub fn abandon(&mut self) -> u32 {
        let lost = if self.active { u32::from(self.len) } else { 0 };
        *self = Self::new();
        lost
    }

    /// Takes the next segment. `buffer` must be the same one as long as [`is_active`](Self::is_active); for a
    /// [whole](Segment::is_whole) segment it may be empty. Its length, of which no more than 65535 count, is the limit
    /// of a fragment.
    ///
    /// A segment out of sequence costs only itself: some receivers give up the fragment with it, others wait for the
    /// segment that follows, and a command that one of them would execute must not be missed.
    pub fn push<'a>(&mut self, segment: Segment<'a>, buffer: &'a mut [u8]) -> Step<'a> {
        if segment.data.is_empty() {
            return refuse(LossReason::Empty, 0);
        }
        if self.repeats(segment, buffer) {
            return Step { progress: Progress::Nothing, loss: None };
        }
        if segment.fir() {
            return self.start(segment, buffer);
        }
        if !self.active {
            return refuse(LossReason::NoStart, segment.len());
        }
        if !self.is_next(segment) {
            return refuse(LossReason::Sequence, segment.len());
        }
        self.append(segment, buffer, None)
    }

    /// Whether the segment is the one before it once more. The octets of a fragment that is complete are gone; of its
    /// last segment, header and length are compared. A whole segment is never a repetition but a fragment of its own.
    fn repeats(&self, segment: Segment<'_>, buffer: &[u8]) -> bool {
        if segment.is_whole() || self.last != Some((segment.header, segment.len())) {
            return false;
        }
        let kept = buffer.get(..usize::from(self.len)).unwrap_or_default();
        !self.active || kept.ends_with(segment.data)
    }

    /// Any sequence number may be a fragment's first.
    fn start<'a>(&mut self, segment: Segment<'a>, buffer: &'a mut [u8]) -> Step<'a> {
        let lost = self.abandon();
        let loss = (lost > 0).then_some(Loss { reason: LossReason::Restarted, bytes: lost });
        if segment.is_whole() {
            return Step { progress: Progress::Complete(segment.data), loss };
        }
        self.append(segment, buffer, loss)
    }

    fn is_next(&self, segment: Segment<'_>) -> bool {
        self.last.is_some_and(|(header, _)| header.wrapping_add(1) & SEQUENCE == segment.sequence())
    }

    fn append<'a>(&mut self, segment: Segment<'a>, buffer: &'a mut [u8], loss: Option<Loss>) -> Step<'a> {
        let start = usize::from(self.len);
        let end = start.saturating_add(segment.data.len());
        let place = buffer.get_mut(start..).and_then(|free| free.get_mut(..segment.data.len()));
        let (Some(place), Ok(len)) = (place, u16::try_from(end)) else {
            return refuse(LossReason::TooLong, self.abandon().saturating_add(segment.len()));
        };
        copy(place, segment.data);
        *self = Self { active: !segment.fin(), last: Some((segment.header, segment.len())), len };
        let progress =
            if self.active { Progress::More } else { Progress::Complete(buffer.get(..end).unwrap_or_default()) };
        Step { progress, loss }
    }
}

fn refuse<'a>(reason: LossReason, bytes: u32) -> Step<'a> {
    Step { progress: Progress::Nothing, loss: Some(Loss { reason, bytes }) }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::unwrap_used)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use proptest::collection::vec as any_vec;
    use proptest::prelude::*;

    use super::super::encode::segments;
    use super::*;

    struct Bench {
        assembler: Assembler,
        buffer: [u8; 300],
    }

    impl Bench {
        fn new() -> Self {
            Self { assembler: Assembler::new(), buffer: [0; 300] }
        }

        fn push(&mut self, user_data: &[u8]) -> (Option<Vec<u8>>, Option<(LossReason, u32)>) {
            let step = self.assembler.push(Segment::parse(user_data).unwrap(), &mut self.buffer);
            let fragment = match step.progress {
                Progress::Complete(fragment) => Some(fragment.to_vec()),
                Progress::More | Progress::Nothing => None,
            };
            (fragment, step.loss.map(|loss| (loss.reason, loss.bytes)))
        }
    }

    const FIR: u8 = 0x40;
    const FIN: u8 = 0x80;

    #[test]
    fn a_whole_segment_needs_no_buffer() {
        let segment = Segment::parse(&[FIR | FIN | 5, 1, 2]).unwrap();
        assert!(segment.is_whole());
        let mut assembler = Assembler::new();
        let step = assembler.push(segment, &mut []);
        assert_eq!(step, Step { progress: Progress::Complete(&[1, 2]), loss: None });
        assert!(!assembler.is_active());
    }

    #[test]
    fn a_whole_segment_is_a_fragment_each_time() {
        let mut bench = Bench::new();
        for _ in 0..2 {
            assert_eq!(bench.push(&[FIR | FIN | 5, 1, 2]), (Some(Vec::from([1, 2])), None));
        }
    }

    #[test]
    fn a_new_fragment_ends_the_unfinished_one() {
        let mut bench = Bench::new();
        bench.push(&[FIR, 1, 2, 3]);
        assert_eq!(bench.push(&[FIR | FIN | 9, 4]), (Some(Vec::from([4])), Some((LossReason::Restarted, 3))));
        assert_eq!(bench.push(&[FIN | 1, 5]), (None, Some((LossReason::NoStart, 1))));
    }

    #[test]
    fn repetitions_change_nothing() {
        let mut bench = Bench::new();
        for _ in 0..2 {
            assert_eq!(bench.push(&[FIR | 63, 1]), (None, None));
        }
        assert_eq!(bench.push(&[0, 2]), (None, None));
        assert_eq!(bench.push(&[0, 2]), (None, None));
        assert_eq!(bench.push(&[FIN | 1, 3]), (Some(Vec::from([1, 2, 3])), None));
        assert_eq!(bench.push(&[FIN | 1, 3]), (None, None));
    }

    #[test]
    fn a_segment_out_of_sequence_costs_itself() {
        let mut bench = Bench::new();
        bench.push(&[FIR, 1]);
        assert_eq!(bench.push(&[7, 9, 9]), (None, Some((LossReason::Sequence, 2))));
        assert_eq!(bench.push(&[0, 8]), (None, Some((LossReason::Sequence, 1))));
        assert_eq!(bench.push(&[1]), (None, Some((LossReason::Empty, 0))));
        assert_eq!(bench.push(&[FIN | 1, 2]), (Some(Vec::from([1, 2])), None));
    }

    #[test]
    fn a_fragment_beyond_the_buffer_is_given_up() {
        let mut bench = Bench::new();
        bench.push(&[&[FIR][..], &[1; 200]].concat());
        assert_eq!(bench.push(&[&[1][..], &[1; 101]].concat()), (None, Some((LossReason::TooLong, 301))));
        assert!(!bench.assembler.is_active());
        assert_eq!(bench.push(&[FIN | 2, 1]), (None, Some((LossReason::NoStart, 1))));
    }

    proptest! {
        #[test]
        fn assembles_what_was_cut(
            fragments in any_vec((any_vec(any::<u8>(), 1..300), 1_usize..250, 0_u8..64), 1..6)
        ) {
            let mut bench = Bench::new();
            for (fragment, len, first) in fragments {
                let mut done = None;
                for segment in segments(&fragment, len, first) {
                    let (complete, loss) = bench.push(&segment);
                    prop_assert_eq!(loss, None);
                    done = complete;
                }
                prop_assert_eq!(done, Some(fragment));
            }
        }

        #[test]
        fn accounts_for_every_octet(
            parts in any_vec((any::<u8>(), any_vec(any::<u8>(), 0..120)), 0..40)
        ) {
            let mut bench = Bench::new();
            let (mut given, mut got, mut repeated) = (0, 0, 0);
            for (header, data) in &parts {
                let before = bench.assembler;
                let (fragment, loss) = bench.push(&[&[*header][..], data].concat());
                given += data.len();
                got += fragment.map_or(0, |fragment| fragment.len()) + loss.map_or(0, |(_, bytes)| bytes as usize);
                let nothing = bench.assembler == before && loss.is_none() && header & 0xc0 != 0xc0;
                repeated += if nothing { data.len() } else { 0 };
            }
            prop_assert_eq!(given, got + repeated + bench.assembler.abandon() as usize);
        }
    }
}
