use tagout_engine::Op;

use super::{Lowering, Type};
use crate::condition::draft::Operand;
use crate::condition::tree::{Binary, Expr, Literal, Node, Range};

impl Lowering<'_, '_, '_, '_> {
    pub(super) fn comparison(&mut self, operator: Binary, left: &Expr, right: &Expr, at: &Range) -> Option<Type> {
        let (Some(first), Some(second)) = (self.expr(left), self.expr(right)) else { return None };
        let (op, ordered) = op(operator)?;
        let orders = |kind: Type| !ordered || matches!(kind, Type::Number | Type::Duration);
        if first != second {
            let message = format!("`{}` of {} and {}", operator.symbol(), first.name(), second.name());
            let hint = chained(operator, left).or_else(|| mismatch(left, first, right, second));
            self.faults.error(right.at.clone(), message).expected(first.name()).help(hint);
            return None;
        }
        if !orders(first) {
            let message = format!("`{}` of {}", operator.symbol(), first.name());
            self.faults.error(at.clone(), message).label("only numbers and durations have an order");
            return None;
        }
        self.check_word(left, right);
        self.check_word(right, left);
        self.emit(op, 2, Operand::NONE, at);
        Some(Type::Flag)
    }
}

/// The op of a comparison, and whether it asks for an order.
const fn op(operator: Binary) -> Option<(Op, bool)> {
    match operator {
        Binary::Equal => Some((Op::Equal, false)),
        Binary::Unequal => Some((Op::Unequal, false)),
        Binary::Less => Some((Op::Less, true)),
        Binary::AtMost => Some((Op::AtMost, true)),
        Binary::Greater => Some((Op::Greater, true)),
        Binary::AtLeast => Some((Op::AtLeast, true)),
        _ => None,
    }
}

/// What to write instead of `a < b < c`.
fn chained(operator: Binary, left: &Expr) -> Option<String> {
    match &left.node {
        Node::Binary(first, ..) if op(*first).is_some() => {
            Some(format!("write `a {} b && b {} c`", first.symbol(), operator.symbol()))
        }
        _ => None,
    }
}

fn mismatch(left: &Expr, first: Type, right: &Expr, second: Type) -> Option<String> {
    unit_hint(left, right)
        .or_else(|| hint(first, literal(right)))
        .or_else(|| hint(second, literal(left)))
        .or_else(|| bit_hint(first, second))
}

const fn literal(expr: &Expr) -> Option<&Literal> {
    match &expr.node {
        Node::Literal(literal) => Some(literal),
        _ => None,
    }
}

fn bit_hint(first: Type, second: Type) -> Option<String> {
    let bit = matches!((first, second), (Type::Number, Type::Flag) | (Type::Flag, Type::Number));
    bit.then(|| "a point of one bit is the number 1 or 0".to_owned())
}

/// How a literal of another type is written so that it can be compared with what is wanted.
pub(super) fn hint(wanted: Type, found: Option<&Literal>) -> Option<String> {
    match (wanted, found) {
        (Type::Address, Some(Literal::Text(text))) => {
            Some(format!("addresses are compared by `in_cidr(client.ip, \"{text}\")`"))
        }
        (Type::Address, _) => Some("addresses are compared by `in_cidr(client.ip, \"10.0.0.0/24\")`".to_owned()),
        (Type::Bytes, Some(Literal::Text(_))) => Some("bytes are written `b\"…\"`, or in hex `x\"…\"`".to_owned()),
        (Type::Duration, Some(Literal::Number(number))) => Some(format!("a duration has a unit: `{number}s`")),
        (Type::Text, Some(Literal::Number(number))) => Some(format!("a text has quotes: `\"{number}\"`")),
        _ => None,
    }
}

/// What to do about a field of milliseconds beside a duration.
pub(super) fn unit_hint(left: &Expr, right: &Expr) -> Option<String> {
    let name = [left, right].into_iter().find_map(|side| match &side.node {
        Node::Field(name) if name.ends_with("_ms") => Some(name),
        _ => None,
    })?;
    Some(format!("`{name}` is a number of milliseconds"))
}
