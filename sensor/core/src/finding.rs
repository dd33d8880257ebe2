use core::net::IpAddr;

use tagout_engine::{AnomalyKind, Mac};

/// What was wrong with traffic, where, and what would have been right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The kind of anomaly.
    pub kind: AnomalyKind,
    /// The field that was wrong, in the words of its specification; empty where it is the unit as a whole.
    pub field: &'static str,
    /// Where that field stands, in octets from the first byte of the layer's unit.
    pub offset: u32,
    /// What would have been right.
    pub expected: Term,
    /// What was there.
    pub found: Term,
    /// How many bytes it cost.
    pub bytes: u32,
}

/// One side of a finding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Term {
    /// Nothing that a few words could say.
    Unstated,
    /// A number.
    Number(u32),
    /// A number between two, both included.
    Between(u32, u32),
    /// A MAC address.
    Mac(Mac),
    /// An IP address.
    Ip(IpAddr),
    /// Words.
    Words(&'static str),
}

impl Finding {
    /// A finding about a unit of this many bytes as a whole.
    pub const fn new(kind: AnomalyKind, bytes: usize) -> Self {
        Self { kind, field: "", offset: 0, expected: Term::Unstated, found: Term::Unstated, bytes: bytes as u32 }
    }

    /// The same, about a field at this offset.
    pub const fn at(self, field: &'static str, offset: usize) -> Self {
        Self { field, offset: offset as u32, ..self }
    }

    /// The same, with what would have been right and what was there.
    pub const fn because(self, expected: Term, found: Term) -> Self {
        Self { expected, found, ..self }
    }
}

impl From<Option<u32>> for Term {
    fn from(number: Option<u32>) -> Self {
        number.map_or(Self::Unstated, Self::Number)
    }
}
