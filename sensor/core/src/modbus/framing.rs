//! How Modbus PDUs are parted on their way, and telling one framing from another.

use tagout_engine::AnomalyKind;

use super::function::{self, Length};
use super::{Direction, EXCEPTION_BIT, ascii, mbap, rtu};
use crate::finding::Finding;
use crate::scan::Scan;

/// What stands around a PDU.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Framing {
    /// The MBAP header, over TCP and UDP (TCP 3.1.3).
    Mbap,
    /// RTU: unit before, CRC behind (SL 2.5.1).
    Rtu,
    /// ASCII: RTU's content as hexadecimal digits between delimiters, with an LRC (SL 2.5.2).
    Ascii,
}

impl Framing {
    /// Every framing.
    pub const ALL: [Self; 3] = [Self::Mbap, Self::Rtu, Self::Ascii];

    /// The framing as records and configurations write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mbap => "mbap",
            Self::Rtu => "rtu",
            Self::Ascii => "ascii",
        }
    }
}

/// A unit of any framing, read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Adu<'a> {
    /// Transaction id, which only MBAP has.
    pub transaction_id: Option<u16>,
    /// Unit id.
    pub unit: u8,
    /// The PDU, from its function code on; at least one byte.
    pub pdu: &'a [u8],
}

impl<'a> Adu<'a> {
    /// Reads the bytes that were found to be a unit of this framing; `buffer` takes what ASCII's digits stand for.
    pub fn parse(framing: Framing, bytes: &'a [u8], buffer: &'a mut [u8; ascii::MAX_CONTENT]) -> Option<Self> {
        let bare = |(unit, pdu)| Self { transaction_id: None, unit, pdu };
        match framing {
            Framing::Mbap => mbap::Adu::parse(bytes).map(|adu| Self {
                transaction_id: Some(adu.transaction_id),
                unit: adu.unit,
                pdu: adu.pdu,
            }),
            Framing::Rtu => rtu::parse(bytes).map(bare),
            Framing::Ascii => ascii::parse(bytes, buffer).map(bare),
        }
    }
}

/// What stands at the start of `bytes`, which go this way; `None` where both ways share a line, as MBAP never does. How far
/// damage goes is left to [`behind_damage`].
#[inline]
pub(crate) fn read(
    framing: Framing,
    bytes: &[u8],
    direction: Option<Direction>,
    synced: bool,
) -> Result<Scan, AnomalyKind> {
    match framing {
        Framing::Mbap => mbap::read(bytes, direction.unwrap_or(Direction::Request), synced).map(|(scan, _)| scan),
        Framing::Rtu => rtu::read(bytes, direction, synced),
        Framing::Ascii => ascii::read(bytes),
    }
}

/// What stands at the start of `bytes` in MBAP, and whether its function bears that out.
#[inline]
pub(crate) fn read_mbap(bytes: &[u8], direction: Direction, synced: bool) -> Result<(Scan, bool), AnomalyKind> {
    mbap::read(bytes, direction, synced)
}

/// The whole unit at the start of `bytes` in another framing than `own`, with its length. Unless one must begin there
/// (`synced`), an RTU frame whose length only its CRC tells is none.
#[cold]
pub(crate) fn in_another(
    own: Framing,
    bytes: &[u8],
    direction: Option<Direction>,
    synced: bool,
) -> Option<(Framing, usize)> {
    let others = Framing::ALL.into_iter().filter(|framing| *framing != own);
    others.into_iter().find_map(|framing| {
        let len = match framing {
            Framing::Rtu if !synced => rtu::closed_whole(bytes, direction)?,
            _ => whole(framing, bytes, direction)?,
        };
        Some((framing, len))
    })
}

/// How many bytes it takes to know the ASCII frame that begins with `bytes`, or, where one must begin there (`synced`), the
/// RTU frame.
pub(crate) fn begun_in_another(bytes: &[u8], direction: Option<Direction>, synced: bool) -> Option<usize> {
    ascii::begun(bytes).or_else(|| if synced { rtu::begun(bytes, direction) } else { None })
}

/// The other framing than `own` in which `bytes` are whole units from the first to the last, if there is one, and
/// whether they cannot be what `own` has begun.
#[cold]
pub(crate) fn all_in_another(own: Framing, bytes: &[u8], direction: Option<Direction>) -> Option<(Framing, bool)> {
    let (framing, _) = in_another(own, bytes, direction, false)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        rest = rest.get(whole(framing, rest, direction)?..)?;
    }
    let began_own = match own {
        Framing::Mbap => mbap::is_plausible(bytes, direction?),
        Framing::Rtu => rtu::begun(bytes, direction).is_some(),
        Framing::Ascii => false,
    };
    Some((framing, !began_own))
}

/// True when the unit of which `held` is the beginning was never finished, since the segment that follows is whole units
/// by itself, of this framing or of another.
pub(crate) fn restarts(own: Framing, held: &[u8], segment: &[u8], direction: Direction, synced: bool) -> bool {
    match own {
        Framing::Mbap => {
            !synced && mbap::fills(segment)
                || mbap::restarts(held, segment, direction)
                || !mbap::is_confirmed(held, direction) && all_in_another(own, segment, Some(direction)).is_some()
        }
        Framing::Rtu | Framing::Ascii => {
            !completes(own, held, segment, direction)
                && (is_all(own, segment, Some(direction)) || all_in_another(own, segment, Some(direction)).is_some())
        }
    }
}

/// True when the segment begins with the rest of the unit that `held` begins.
fn completes(framing: Framing, held: &[u8], segment: &[u8], direction: Direction) -> bool {
    let mut joined = [0; ascii::MAX_FRAME];
    let places = joined.iter_mut().zip(held.iter().chain(segment));
    let len = places.map(|(place, byte)| *place = *byte).count();
    whole(framing, joined.get(..len).unwrap_or_default(), Some(direction)).is_some_and(|whole| whole > held.len())
}

/// True when `bytes` are whole units from the first to the last.
pub(crate) fn is_all(framing: Framing, bytes: &[u8], direction: Option<Direction>) -> bool {
    let mut rest = bytes;
    while let Some(len) = whole(framing, rest, direction) {
        rest = rest.get(len..).unwrap_or_default();
    }
    rest.is_empty()
}

/// The length of the whole unit at the start of `bytes`, where the framing's own checks bear it out.
pub(crate) fn whole(framing: Framing, bytes: &[u8], direction: Option<Direction>) -> Option<usize> {
    match framing {
        Framing::Mbap => mbap::whole(bytes, direction?),
        Framing::Rtu => rtu::whole(bytes, direction),
        Framing::Ascii => ascii::whole(bytes),
    }
}

/// How many bytes to pass over where the unit at the start is damaged or was cut short.
pub(crate) fn behind_damage(framing: Framing, bytes: &[u8], direction: Option<Direction>) -> usize {
    match framing {
        Framing::Mbap => mbap::behind_damage(bytes, direction.unwrap_or(Direction::Request)),
        Framing::Rtu => rtu::behind_damage(bytes, direction),
        Framing::Ascii => ascii::behind_damage(bytes),
    }
}

/// What exactly is wrong with bytes that are no unit.
pub(crate) fn explain(framing: Framing, kind: AnomalyKind, bytes: &[u8], direction: Option<Direction>) -> Finding {
    match framing {
        Framing::Mbap => mbap::explain(kind, bytes, direction.unwrap_or(Direction::Request)),
        Framing::Rtu => rtu::explain(kind, bytes, direction),
        Framing::Ascii => ascii::explain(kind, bytes),
    }
}

/// The kind of anomaly that a unit is which was cut short.
pub(crate) const fn cut_short(framing: Framing) -> AnomalyKind {
    match framing {
        Framing::Mbap => AnomalyKind::ModbusLength,
        Framing::Rtu => AnomalyKind::ModbusRtuCrc,
        Framing::Ascii => AnomalyKind::ModbusAsciiLrc,
    }
}

/// Whether a PDU may be a request, and whether it may be a response, by its length.
pub(crate) fn ways(pdu: &[u8]) -> (bool, bool) {
    let fits = |direction| match function::length(pdu, direction) {
        Length::Exact(len) => len == pdu.len(),
        Length::Needs(_) => false,
        Length::Open => true,
    };
    let refuses = pdu.first().is_some_and(|code| code & EXCEPTION_BIT != 0);
    (!refuses && fits(Direction::Request), fits(Direction::Response))
}
