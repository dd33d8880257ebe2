use tagout_engine::{Field, Op};

use super::tree::Range;
use crate::model::Network;

/// The code of a condition whose constants have no numbers yet.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) lines: Vec<Line>,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) op: Op,
    pub(super) operand: Operand,
    pub(super) at: Range,
}

#[derive(Debug)]
pub(super) enum Operand {
    /// The number of a field, point or bit; 1 or 0 for a flag; 0 for nothing.
    Index(u32),
    Numbers(Vec<f64>),
    Texts(Vec<String>),
    Octets(Vec<Vec<u8>>),
    Networks(Vec<Network>),
}

impl Operand {
    pub(super) const NONE: Self = Self::Index(0);
}

impl Draft {
    /// Each field that it asks for, once.
    pub(super) fn fields(&self) -> Vec<Field> {
        let number = |line: &Line| match (line.op, &line.operand) {
            (Op::Field, Operand::Index(number)) => u8::try_from(*number).ok(),
            _ => None,
        };
        once(self.lines.iter().filter_map(number).filter_map(Field::from_number))
    }

    /// The number of each point that it asks for, once.
    pub(super) fn points(&self) -> Vec<u32> {
        let number = |line: &Line| match (line.op.asks_for_a_point(), &line.operand) {
            (true, Operand::Index(number)) => Some(*number),
            _ => None,
        };
        once(self.lines.iter().filter_map(number))
    }
}

fn once<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<_> = all.collect();
    all.sort_unstable();
    all.dedup();
    all
}
