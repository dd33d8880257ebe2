//! The frames of the update protocol, for both of its ends.
//!
//! A frame is the length of what follows it (two octets, little-endian), one octet that names its kind, and a body.

mod status;

pub use status::Status;

use heapless::Vec;

use crate::refusal::Refusal;

/// Octets of a package in one frame at most; all but the last chunk carry as many.
pub const CHUNK: usize = 1024;
/// Octets of the longest frame.
pub const FRAME: usize = 2 + 1 + 4 + CHUNK;
/// Milliseconds without an octet after which the gateway closes a connection.
pub const IDLE_MS: u32 = 15_000;

/// What is asked of a gateway.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request<'a> {
    /// How are you?
    Status,
    /// The start of a package, [`Signed`](crate::Signed).
    Offer(&'a [u8]),
    /// More of the package that was offered.
    Chunk {
        /// Where it belongs: octets behind the start.
        at: u32,
        /// At least one, at most [`CHUNK`].
        octets: &'a [u8],
    },
    /// Check the package and keep it.
    Commit,
}

/// What a gateway answers.
#[allow(clippy::large_enum_variant, reason = "there is no heap to put the status on")]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// How it is.
    Status(Status),
    /// It has written so many octets behind the start of the package.
    Received(u32),
    /// The package of this version was checked and kept, and comes into force with the next start.
    Committed(u64),
    /// The package of this version, the very one, is in force.
    InForce(u64),
    /// It keeps what it has, and closes the connection.
    Refused(Refusal),
}

mod kind {
    pub(super) const STATUS: u8 = 0x01;
    pub(super) const OFFER: u8 = 0x02;
    pub(super) const CHUNK: u8 = 0x03;
    pub(super) const COMMIT: u8 = 0x04;
    pub(super) const ANSWERS: u8 = 0x80;
    pub(super) const STATUS_IS: u8 = ANSWERS | STATUS;
    pub(super) const RECEIVED: u8 = ANSWERS | CHUNK;
    pub(super) const COMMITTED: u8 = ANSWERS | COMMIT;
    pub(super) const IN_FORCE: u8 = 0x85;
    pub(super) const REFUSED: u8 = 0xff;
}

/// A frame as it travels, or a part of one.
pub type Frame = Vec<u8, FRAME>;

impl<'a> Request<'a> {
    /// Takes the kind and the body of a frame.
    pub fn read(frame: &'a [u8]) -> Option<Self> {
        let (kind, body) = frame.split_first()?;
        match *kind {
            kind::STATUS if body.is_empty() => Some(Self::Status),
            kind::OFFER => Some(Self::Offer(body)),
            kind::CHUNK => {
                let (at, octets) = body.split_first_chunk()?;
                (1..=CHUNK).contains(&octets.len()).then_some(Self::Chunk { at: u32::from_le_bytes(*at), octets })
            }
            kind::COMMIT if body.is_empty() => Some(Self::Commit),
            _ => None,
        }
    }

    /// Writes the whole frame; `None` if its body is longer than a frame can be.
    pub fn frame(&self) -> Option<Frame> {
        let mut frame = Frame::new();
        match self {
            Self::Status => add(&mut frame, kind::STATUS, &[]),
            Self::Offer(start) => add(&mut frame, kind::OFFER, &[start]),
            Self::Chunk { at, octets } => add(&mut frame, kind::CHUNK, &[&at.to_le_bytes(), octets]),
            Self::Commit => add(&mut frame, kind::COMMIT, &[]),
        }?;
        Some(frame)
    }
}

impl Answer {
    /// Takes the kind and the body of a frame.
    pub fn read(frame: &[u8]) -> Option<Self> {
        let (kind, body) = frame.split_first()?;
        let version = || body.try_into().ok().map(u64::from_le_bytes);
        match *kind {
            kind::STATUS_IS => Status::read(body).map(Self::Status),
            kind::RECEIVED => body.try_into().ok().map(u32::from_le_bytes).map(Self::Received),
            kind::COMMITTED => version().map(Self::Committed),
            kind::IN_FORCE => version().map(Self::InForce),
            kind::REFUSED => Refusal::from_code(*body.first()?).map(Self::Refused),
            _ => None,
        }
    }

    /// Adds the whole frame to `out`; `None` if there is no room for it.
    pub fn add_to<const N: usize>(&self, out: &mut Vec<u8, N>) -> Option<()> {
        match self {
            Self::Status(status) => add(out, kind::STATUS_IS, &[&status.write()?]),
            Self::Received(at) => add(out, kind::RECEIVED, &[&at.to_le_bytes()]),
            Self::Committed(version) => add(out, kind::COMMITTED, &[&version.to_le_bytes()]),
            Self::InForce(version) => add(out, kind::IN_FORCE, &[&version.to_le_bytes()]),
            Self::Refused(refusal) => add(out, kind::REFUSED, &[&[*refusal as u8]]),
        }
    }
}

/// Adds a frame to `out`, all of it or nothing.
fn add<const N: usize>(out: &mut Vec<u8, N>, kind: u8, body: &[&[u8]]) -> Option<()> {
    let len = body.iter().map(|part| part.len()).fold(1_usize, usize::saturating_add);
    let whole = out.len().checked_add(2)?.checked_add(len)?;
    if whole > N {
        return None;
    }
    out.extend_from_slice(&u16::try_from(len).ok()?.to_le_bytes()).ok()?;
    out.push(kind).ok()?;
    body.iter().try_for_each(|part| out.extend_from_slice(part)).ok()
}

/// Puts frames together from what a connection brings.
#[derive(Debug, Default)]
pub struct Assembly(Frame);

impl Assembly {
    /// Nothing of a frame yet.
    pub const fn new() -> Self {
        Self(Frame::new())
    }

    /// Takes octets off the start of `bytes` until a frame is whole; that stays until the next call. An error is a frame
    /// that is empty or longer than the longest.
    pub fn take(&mut self, bytes: &mut &[u8]) -> Result<Option<&[u8]>, Refusal> {
        if self.wanted()? == 0 {
            self.0.clear();
        }
        while !bytes.is_empty() {
            let (octets, rest) = bytes.split_at_checked(self.wanted()?.min(bytes.len())).unwrap_or((bytes, &[]));
            self.0.extend_from_slice(octets).map_err(|_| Refusal::Frame)?;
            *bytes = rest;
            if self.wanted()? == 0 {
                return Ok(self.0.get(2..));
            }
        }
        Ok(None)
    }

    /// How many octets are missing that can be told yet.
    fn wanted(&self) -> Result<usize, Refusal> {
        let Some((len, body)) = self.0.split_first_chunk() else { return Ok(2_usize.saturating_sub(self.0.len())) };
        let len = usize::from(u16::from_le_bytes(*len));
        if len == 0 || len > FRAME.saturating_sub(2) { Err(Refusal::Frame) } else { Ok(len.saturating_sub(body.len())) }
    }

    /// Forgets what a connection left unfinished.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
