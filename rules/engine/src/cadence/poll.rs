use core::fmt;
use core::hash::Hasher;

use crate::{Action, Space, StableHasher};

/// One thing that a request asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Asked {
    /// Addresses in a row.
    Span {
        /// What they count.
        space: Space,
        /// The first.
        address: u32,
        /// How many.
        count: u32,
    },
    /// Objects of a group and variation: all of them, so many, or those from an index on.
    Objects {
        /// The group.
        group: u8,
        /// The variation.
        variation: u8,
        /// The first index.
        first: Option<u32>,
        /// How many.
        count: Option<u32>,
    },
    /// Nothing but a function.
    Function {
        /// Its code.
        code: u8,
        /// What tells requests of it apart; 0 if nothing does.
        sub: u16,
    },
}

/// The objects that stand for the classes of a station: class 0 first.
const CLASSES: u8 = 60;

impl Asked {
    /// The kind and three numbers, so that no two are alike.
    const fn numbers(self) -> [u64; 4] {
        const fn known(number: Option<u32>) -> u64 {
            match number {
                Some(number) => (number as u64).wrapping_add(1),
                None => 0,
            }
        }
        match self {
            Self::Span { space, address, count } => [0, space as u64, address as u64, count as u64],
            Self::Objects { group, variation, first, count } => {
                [1, (group as u64) << 8 | variation as u64, known(first), known(count)]
            }
            Self::Function { code, sub } => [2, code as u64, sub as u64, 0],
        }
    }

    /// All events or static values of a class, 0 to 3.
    pub const fn class(number: u8) -> Self {
        Self::Objects { group: CLASSES, variation: number.wrapping_add(1), first: None, count: None }
    }
}

/// As policies write it: `holding-register 0..9`, `class 1`, `group 30 variation 2 0..7`, `function 8 sub 10`.
impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Span { space, address, count } => {
                write!(f, "{} {address}", space.name())?;
                last(f, address, count)
            }
            Self::Objects { group: CLASSES, variation: variation @ 1..=4, first: None, count: None } => {
                write!(f, "class {}", variation.wrapping_sub(1))
            }
            Self::Objects { group, variation, first, count } => {
                write!(f, "group {group} variation {variation}")?;
                match (first, count) {
                    (Some(first), count) => {
                        write!(f, " {first}")?;
                        last(f, first, count.unwrap_or(1))
                    }
                    (None, Some(count)) => write!(f, " count {count}"),
                    (None, None) => Ok(()),
                }
            }
            Self::Function { code, sub: 0 } => write!(f, "function {code}"),
            Self::Function { code, sub } => write!(f, "function {code} sub {sub}"),
        }
    }
}

fn last(f: &mut fmt::Formatter<'_>, first: u32, count: u32) -> fmt::Result {
    match count {
        0 | 1 => Ok(()),
        _ => write!(f, "..{}", first.saturating_add(count).saturating_sub(1)),
    }
}

/// What tells polls apart: what is done, and to what. Two that differ have the same key once in 2⁶⁴.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PollKey(pub u64);

impl PollKey {
    /// The key of a request that does this to these.
    pub fn of(action: Action, asked: &mut dyn Iterator<Item = Asked>) -> Self {
        let mut hasher = StableHasher::default();
        hasher.write(&[action.number()]);
        for asked in asked {
            for number in asked.numbers() {
                hasher.write(&number.to_le_bytes());
            }
        }
        Self(hasher.finish())
    }
}
