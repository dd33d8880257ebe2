//! Conditions over the fields of an exchange and the process image: straight code for a small stack machine.
//!
//! Every instruction takes its operands off the stack and puts one value on it. There are no jumps, so the cost of a
//! condition is at most that of its instructions, whatever it is asked about. Both sides of `&&`, `||` and `? :` are
//! evaluated, but where it only matters whether the whole is true: then the first of several `&&` that is not ends it. What
//! is unknown is a value like any other, by the three-valued logic of Kleene.

mod check;
mod evaluate;
mod op;

pub(crate) use check::check;
pub use op::{HIGHEST_BIT, Op};

use zerocopy::little_endian::{F64, U16};

use crate::image::{self, Instruction, NO_CONDITION, Text};
use crate::{Fact, Facts, Field, PointId, Policy, ProcessImage, SourceInfo, Stage, Timestamp};

/// The deepest that the stack of a condition gets.
pub const DEPTH: usize = 16;
/// The most instructions of a condition.
pub const LONGEST: usize = 256;
/// The most elements of a list after `in`.
pub const LIST: usize = 256;

/// Index of a condition in the policy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct ConditionId(pub u16);

impl ConditionId {
    /// The condition that a record names, if it names one.
    pub fn named(id: U16) -> Option<Self> {
        (id != NO_CONDITION).then(|| Self(id.get()))
    }
}

/// Whether a condition holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Something that decides it is not known.
    Unknown,
}

/// What a condition is asked about.
#[derive(Clone, Copy)]
pub struct Scene<'e, 's> {
    /// The time from which ages count.
    pub now: Timestamp,
    /// The fields of the exchange or anomaly.
    pub facts: &'e dyn Facts,
    /// The points.
    pub process: &'e ProcessImage<'s>,
}

/// One step of an evaluation: a part of the condition and its value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Step<'e> {
    /// The part as the policy writes it.
    pub text: &'e str,
    /// Where it begins in the condition's text, in bytes.
    pub start: u16,
    /// What it does.
    pub op: Op,
    /// What came out.
    pub value: Fact<'e>,
}

/// A condition of the policy.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ConditionInfo<'a> {
    /// As the policy writes it.
    pub text: &'a str,
    /// Where it stands; the first place if there are several.
    pub source: SourceInfo<'a>,
}

/// All conditions of a policy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code<'a> {
    pub(crate) conditions: &'a [image::Condition],
    pub(crate) instructions: &'a [Instruction],
    pub(crate) numbers: &'a [F64],
    pub(crate) texts: &'a [Text],
    pub(crate) octets: &'a [image::Octets],
    pub(crate) networks: &'a [image::Network],
}

impl<'a> Code<'a> {
    pub(crate) const EMPTY: Self =
        Self { conditions: &[], instructions: &[], numbers: &[], texts: &[], octets: &[], networks: &[] };

    fn of(&self, id: ConditionId) -> &'a [Instruction] {
        self.conditions.get(usize::from(id.0)).map(|condition| condition.code.of(self.instructions)).unwrap_or_default()
    }
}

impl<'a> Policy<'a> {
    /// Whether a condition holds; unknown for a number that is not this policy's.
    ///
    /// A point counts only while it is good and not stale: otherwise its value and rate are unknown, while its age,
    /// quality and commanded value stay what they are.
    pub fn holds(&self, id: ConditionId, scene: &Scene<'_, '_>) -> Truth {
        evaluate::evaluate(self, self.code.of(id), scene, false, |_, _| {})
    }

    /// Whether a condition [holds](Self::holds), which is often clear before all of it was looked at.
    pub fn is_true(&self, id: ConditionId, scene: &Scene<'_, '_>) -> bool {
        evaluate::evaluate(self, self.code.of(id), scene, true, |_, _| {}) == Truth::True
    }

    /// Like [`holds`](Self::holds), and tells each part of the condition with its value: operands before what is made
    /// of them, the whole last.
    pub fn trace<'e>(&self, id: ConditionId, scene: &Scene<'e, '_>, mut tell: impl FnMut(Step<'e>)) -> Truth
    where
        'a: 'e,
    {
        let text = self.condition_info(id).map(|info| info.text).unwrap_or_default();
        evaluate::evaluate(self, self.code.of(id), scene, false, |instruction, value| {
            let Some(op) = Op::from_number(instruction.op) else { return };
            let (start, end) = (instruction.start.get(), instruction.end.get());
            let text = text.get(usize::from(start)..usize::from(end)).unwrap_or_default();
            tell(Step { text, start, op, value });
        })
    }

    /// Describes a condition; `None` for a number that is not this policy's.
    pub fn condition_info(&self, id: ConditionId) -> Option<ConditionInfo<'a>> {
        let condition = self.code.conditions.get(usize::from(id.0))?;
        Some(ConditionInfo { text: self.text(condition.text), source: self.source(condition.source) })
    }

    /// Whether a condition asks for nothing but what fields of [`Stage::Request`] tell.
    pub(crate) fn is_told_by_request(&self, id: ConditionId) -> bool {
        let asks_for_points =
            |instruction: &Instruction| Op::from_number(instruction.op).is_none_or(Op::asks_for_a_point);
        !self.code.of(id).iter().any(asks_for_points)
            && self.condition_fields(id).all(|field| field.stage() == Stage::Request)
    }

    /// The fields that a condition asks for, as often as it does.
    pub fn condition_fields(&self, id: ConditionId) -> impl Iterator<Item = Field> + use<'a> {
        let fields = self.code.of(id).iter().filter(|instruction| Op::from_number(instruction.op) == Some(Op::Field));
        fields.filter_map(|instruction| Field::from_number(u8::try_from(instruction.operand.first.get()).ok()?))
    }

    /// The points that a condition asks for, as often as it does.
    pub fn condition_points(&self, id: ConditionId) -> impl Iterator<Item = PointId> + use<'a> {
        let points = self
            .code
            .of(id)
            .iter()
            .filter(|instruction| Op::from_number(instruction.op).is_some_and(Op::asks_for_a_point));
        points.map(|instruction| PointId(instruction.operand.first.get()))
    }

    /// The points that the condition of a rule asks for, each once, by its first place.
    pub(crate) fn involved(&self, rule: &image::Rule) -> impl Iterator<Item = PointId> + use<'a> {
        let policy = *self;
        let points = move |id: ConditionId| policy.condition_points(id);
        let when = ConditionId::named(rule.when);
        let all = when.into_iter().flat_map(points).enumerate();
        all.filter(move |(place, point)| when.into_iter().flat_map(points).take(*place).all(|before| before != *point))
            .map(|(_, point)| point)
    }

    /// How many conditions it has; their numbers start at 0.
    pub const fn condition_count(&self) -> usize {
        self.code.conditions.len()
    }
}
