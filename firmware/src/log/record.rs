use tagout_core::engine::image::CRC;
use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// What a record says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Kind {
    /// The sector was begun; the number is its place in the order of all that ever were.
    Start = 1,
    /// A message, which is the body.
    Message = 2,
    /// Every message up to the number may go.
    Acknowledgement = 3,
}

/// The start of a record. It is written before the body, in words of its own: when power fails within it nothing of the
/// body is there, and when it fails later the length tells where the next record is.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Head {
    kind: u8,
    reserved: u8,
    len: U16,
    number: U32,
    body: U32,
    crc: U32,
}

/// Octets of a head.
pub(super) const HEAD: u32 = 16;
const _: () = assert!(size_of::<Head>() == HEAD as usize, "a head fills its words");

impl Head {
    /// The head of a record whose body is in two parts; `None` if that is too long.
    pub(super) fn new(kind: Kind, number: u32, body: [&[u8]; 2]) -> Option<Self> {
        let mut sum = CRC.digest();
        body.iter().for_each(|part| sum.update(part));
        let len = body.iter().map(|part| part.len()).fold(0, usize::saturating_add);
        let len = U16::new(u16::try_from(len).ok()?);
        let (body, number) = (U32::new(sum.finalize()), U32::new(number));
        let mut head = Self { kind: kind as u8, reserved: 0, len, number, body, crc: U32::ZERO };
        head.crc.set(head.checksum());
        Some(head)
    }

    /// The head at the start of `octets`, if there is a whole one.
    pub(super) fn read(octets: &[u8]) -> Option<Self> {
        let (head, _) = Self::read_from_prefix(octets).ok()?;
        (head.crc.get() == head.checksum() && head.kind().is_some()).then_some(head)
    }

    fn checksum(&self) -> u32 {
        CRC.checksum(self.as_bytes().split_last_chunk::<4>().map_or(&[], |(covered, _)| covered))
    }

    pub(super) const fn kind(&self) -> Option<Kind> {
        match self.kind {
            1 => Some(Kind::Start),
            2 => Some(Kind::Message),
            3 => Some(Kind::Acknowledgement),
            _ => None,
        }
    }

    pub(super) const fn number(&self) -> u32 {
        self.number.get()
    }

    /// Octets of the body.
    pub(super) const fn len(&self) -> u16 {
        self.len.get()
    }

    /// The checksum of the body.
    pub(super) const fn body(&self) -> u32 {
        self.body.get()
    }
}
