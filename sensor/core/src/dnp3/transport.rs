//! Transport function: application fragments out of link frames' user data (IEEE 1815-2012, clause 8).

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
        let (Some(place), Ok(len)) = (buffer.get_mut(start..end), u16::try_from(end)) else {
            return refuse(LossReason::TooLong, self.abandon().saturating_add(segment.len()));
        };
        place.copy_from_slice(segment.data);
        *self = Self { active: !segment.fin(), last: Some((segment.header, segment.len())), len };
        let progress =
            if self.active { Progress::More } else { Progress::Complete(buffer.get(..end).unwrap_or_default()) };
        Step { progress, loss }
    }
}

fn refuse<'a>(reason: LossReason, bytes: u32) -> Step<'a> {
    Step { progress: Progress::Nothing, loss: Some(Loss { reason, bytes }) }
}
