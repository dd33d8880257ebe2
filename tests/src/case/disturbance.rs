use serde::Deserialize;

use crate::dialogue::{Kind, Numbering, Turn, frame_unit, turn};
use crate::generate::disturb::{self, Select, Spot};
use crate::generate::{Deception, Message, Segment, Side, flags};
use crate::plant::Protocol;

/// One thing that goes wrong, as case files write it.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", deny_unknown_fields, rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the functions of the generator document the fields")]
pub enum Disturbance {
    /// Stray bytes in the stream, before byte `offset` of a message.
    InsertBytes { at: Spot, offset: usize, bytes: Vec<u8> },
    /// Other bytes in a message.
    Patch { at: Spot, offset: usize, bytes: Vec<u8> },
    /// The header CRC of a DNP3 message made to fit what was patched.
    RenewHeaderCrc { at: Spot },
    /// A message of which only the first bytes are ever sent.
    Shorten { at: Spot, length: usize },
    /// A message written later.
    DelayMessage { at: Spot, by_ms: u64 },
    /// A message written twice.
    RepeatMessage { at: Spot, after_ms: u64 },
    /// Segments that the mirror loses.
    Drop { at: Select },
    /// Segments with such a flag that the mirror loses.
    DropMarked { flags: Marked },
    /// Segments that arrive twice.
    Duplicate { at: Select, after_us: u64 },
    /// Segments cut into smaller ones.
    Split { at: Select, size: usize },
    /// Segments that arrive in the opposite order.
    Reverse { at: Select },
    /// Segments that arrive a few places later, over and over.
    Shuffle { at: Select, steps: Vec<usize> },
    /// Segments that arrive later.
    Delay { at: Select, by_us: u64 },
    /// A second segment for the same place in the stream, with what a turn of kind `with` would have said there.
    Overlap { at: Select, with: Kind, offset: usize, after_us: i64, deception: Option<Deception> },
    /// A session that is older than the sensor.
    CutStart { at: Select },
    /// A mirror of one direction.
    Only { from: Side },
    /// IP fragments.
    Fragment { at: Select, size: usize, reversed: bool },
    /// A segment that none of the hosts sent, `sequence` bytes away from the chosen one and just before it.
    Inject { at: Select, sequence: i32, flags: Injected, bytes: Vec<u8> },
    /// Keep-alive probes before a segment, with or without a byte of old data.
    KeepAlive { at: Select, count: usize, with_byte: bool },
    /// A capture that keeps only the first bytes of each frame.
    SnapLength { length: usize },
}

/// Segments without data that a mirror can lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Marked {
    /// Those that open a connection.
    Syn,
    /// Those that close one.
    Fin,
}

impl Marked {
    fn flags(self) -> u8 {
        match self {
            Self::Syn => flags::SYN,
            Self::Fin => flags::FIN,
        }
    }
}

/// What an injected segment claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Injected {
    /// The start of a connection.
    Syn,
    /// The end of one.
    Rst,
    /// Data.
    Data,
}

impl Injected {
    fn flags(self) -> u8 {
        match self {
            Self::Syn => flags::SYN,
            Self::Rst => flags::RST,
            Self::Data => flags::PSH | flags::ACK,
        }
    }
}

impl Disturbance {
    /// Applies what concerns messages, before they are carried.
    pub(super) fn apply_to_messages(&self, messages: &mut Vec<Message>) {
        match self {
            Self::InsertBytes { at, offset, bytes } => disturb::insert_bytes(messages, *at, *offset, bytes),
            Self::Patch { at, offset, bytes } => disturb::patch(messages, *at, *offset, bytes),
            Self::RenewHeaderCrc { at } => disturb::renew_header_crc(messages, *at),
            Self::Shorten { at, length } => disturb::shorten(messages, *at, *length),
            Self::DelayMessage { at, by_ms } => disturb::delay_message(messages, *at, by_ms * 1000),
            Self::RepeatMessage { at, after_ms } => disturb::repeat_message(messages, *at, after_ms * 1000),
            _ => {}
        }
    }

    /// Applies what concerns the segments that carry the messages.
    pub(super) fn apply_to_segments(&self, segments: &mut Vec<Segment>, context: &Context<'_>) {
        match self {
            Self::Drop { at } => disturb::drop(segments, *at),
            Self::DropMarked { flags } => disturb::drop_marked(segments, flags.flags()),
            Self::Duplicate { at, after_us } => disturb::duplicate(segments, *at, *after_us),
            Self::Split { at, size } => disturb::cut(segments, *at, &[*size]),
            Self::Reverse { at } => disturb::reverse(segments, *at),
            Self::Shuffle { at, steps } => disturb::shuffle(segments, *at, steps),
            Self::Delay { at, by_us } => disturb::delay(segments, *at, *by_us),
            Self::Overlap { at, with, offset, after_us, deception } => {
                disturb::overlap(segments, *at, *offset, &context.reading(*at, *with), *after_us, *deception);
            }
            Self::CutStart { at } => disturb::cut_start(segments, *at),
            Self::Only { from } => disturb::only(segments, *from),
            Self::Fragment { at, size, reversed } => disturb::fragment(segments, *at, *size, *reversed),
            Self::Inject { at, sequence, flags, bytes } => {
                disturb::inject(segments, *at, *sequence, flags.flags(), bytes);
            }
            Self::KeepAlive { at, count, with_byte } => disturb::keep_alive(segments, *at, *count, *with_byte),
            _ => {}
        }
    }
}

/// What the segments carry.
pub(super) struct Context<'a> {
    pub(super) protocol: Protocol,
    pub(super) numbering: &'a Numbering,
    pub(super) messages: &'a [Message],
}

impl Context<'_> {
    /// The bytes that a turn of another kind would have put in the place of the chosen request.
    fn reading(&self, at: Select, with: Kind) -> Vec<u8> {
        let index = at.turn.expect("an overlap chooses a turn");
        let other: Turn = turn(self.protocol, with, index, self.numbering);
        let original = self.messages.iter().find(|message| message.turn == index && message.from == Side::Client);
        let mut transport_sequence = original.expect("the turn has a request").bytes[10] & 0x3f;
        let request = other.request.as_deref().expect("the other reading is a request");
        frame_unit(self.protocol, &other, Side::Client, request, &mut transport_sequence)
    }
}
