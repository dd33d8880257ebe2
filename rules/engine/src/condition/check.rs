use super::op::{HIGHEST_BIT, Op};
use super::{Code, DEPTH, LIST, LONGEST};
use crate::image::{Extent, Instruction};
use crate::{Field, FieldType};

/// Whether a condition's code never runs its stack dry or over, asks only for what is there, applies every op to its
/// types, and leaves one flag. `points` is how many points there are, `text` the condition's.
pub(crate) fn check(
    code: &Code<'_>,
    instructions: &[Instruction],
    points: usize,
    text: &str,
) -> Result<(), &'static str> {
    require(instructions.len() <= LONGEST, "its code is too long")?;
    let mut stack = Types { types: [FieldType::Number; DEPTH], depth: 0 };
    for instruction in instructions {
        let part = text.get(usize::from(instruction.start.get())..usize::from(instruction.end.get()));
        require(part.is_some(), "an instruction stands outside its text")?;
        let op = Op::from_number(instruction.op).ok_or("an unknown instruction")?;
        check_operand(code, op, &instruction.operand, points)?;
        let result = apply(op, &instruction.operand, &mut stack)?;
        stack.push(result)?;
    }
    require(stack.depth == 1 && stack.pop()? == FieldType::Flag, "its code does not end with one flag")
}

/// The types of what is on the stack.
struct Types {
    types: [FieldType; DEPTH],
    depth: usize,
}

const TYPE: &str = "an instruction does not fit the types of its operands";

impl Types {
    fn push(&mut self, kind: FieldType) -> Result<(), &'static str> {
        *self.types.get_mut(self.depth).ok_or("its stack is too deep")? = kind;
        self.depth = self.depth.saturating_add(1);
        Ok(())
    }

    fn pop(&mut self) -> Result<FieldType, &'static str> {
        self.depth = self.depth.checked_sub(1).ok_or("an instruction lacks operands")?;
        self.types.get(self.depth).copied().ok_or(TYPE)
    }

    fn expect(&mut self, kind: FieldType) -> Result<(), &'static str> {
        require(self.pop()? == kind, TYPE)
    }

    /// Two of the same type.
    fn pair(&mut self) -> Result<FieldType, &'static str> {
        let kind = self.pop()?;
        self.expect(kind)?;
        Ok(kind)
    }
}

/// Whether what the operand names exists. Only lists have more than one element, and what is no constant has none.
fn check_operand(code: &Code<'_>, op: Op, operand: &Extent, points: usize) -> Result<(), &'static str> {
    let (index, count) = (operand.first.get(), operand.count.get() as usize);
    let listed = match op {
        Op::Number | Op::Text | Op::Octets => count == 1,
        Op::InNumbers | Op::InTexts | Op::InOctets | Op::InNetworks => (1..=LIST).contains(&count),
        _ => count == 0,
    };
    let exists = match op {
        Op::Number | Op::InNumbers => operand.of(code.numbers).len() == count,
        Op::Text | Op::InTexts => operand.of(code.texts).len() == count,
        Op::Octets | Op::InOctets => operand.of(code.octets).len() == count,
        Op::InNetworks => operand.of(code.networks).len() == count,
        Op::Flag => index <= 1,
        Op::Bit => index <= HIGHEST_BIT,
        Op::Field => field(index).is_some(),
        _ if op.asks_for_a_point() => (index as usize) < points,
        _ => index == 0,
    };
    require(listed && exists, "an instruction asks for what does not exist")
}

fn field(number: u32) -> Option<Field> {
    u8::try_from(number).ok().and_then(Field::from_number)
}

/// Takes the operands' types off the stack; the type of the result.
fn apply(op: Op, operand: &Extent, stack: &mut Types) -> Result<FieldType, &'static str> {
    let result = match op {
        Op::Number | Op::Reported | Op::Age | Op::Rate | Op::Commanded => FieldType::Number,
        Op::Flag => FieldType::Flag,
        Op::Text | Op::Quality => FieldType::Text,
        Op::Octets => FieldType::Bytes,
        Op::Field => field(operand.first.get()).ok_or(TYPE)?.kind(),
        Op::Negate => one(stack, FieldType::Number, FieldType::Number)?,
        Op::Not | Op::Require => one(stack, FieldType::Flag, FieldType::Flag)?,
        Op::Known => stack.pop().map(|_| FieldType::Flag)?,
        Op::Size => one(stack, FieldType::Bytes, FieldType::Number)?,
        Op::Bit | Op::InNumbers => one(stack, FieldType::Number, FieldType::Flag)?,
        Op::InTexts => one(stack, FieldType::Text, FieldType::Flag)?,
        Op::InOctets => one(stack, FieldType::Bytes, FieldType::Flag)?,
        Op::InNetworks => one(stack, FieldType::Address, FieldType::Flag)?,
        Op::Add | Op::Subtract | Op::Multiply | Op::Divide => two(stack, FieldType::Number, FieldType::Number)?,
        Op::Equal | Op::Unequal => stack.pair().map(|_| FieldType::Flag)?,
        Op::Less | Op::AtMost | Op::Greater | Op::AtLeast => two(stack, FieldType::Number, FieldType::Flag)?,
        Op::And | Op::Or => two(stack, FieldType::Flag, FieldType::Flag)?,
        Op::StartsWith | Op::EndsWith | Op::Contains => octets(stack)?,
        Op::Choose => {
            let kind = stack.pair()?;
            one(stack, FieldType::Flag, kind)?
        }
    };
    Ok(result)
}

fn one(stack: &mut Types, operand: FieldType, result: FieldType) -> Result<FieldType, &'static str> {
    stack.expect(operand).map(|()| result)
}

fn two(stack: &mut Types, operands: FieldType, result: FieldType) -> Result<FieldType, &'static str> {
    require(stack.pair()? == operands, TYPE).map(|()| result)
}

fn octets(stack: &mut Types) -> Result<FieldType, &'static str> {
    let kind = stack.pair()?;
    require(matches!(kind, FieldType::Text | FieldType::Bytes), TYPE).map(|()| FieldType::Flag)
}

fn require(holds: bool, why: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(why) }
}
