//! In which settings a condition may be true, as far as that is plain from the fields that it asks for: one of another
//! protocol is unknown, and what depends on it is not true.

use tagout_engine::{ActorKind, Field, Setting};

use super::tree::{Binary, Expr, Literal, Node};

/// Every setting.
pub(crate) const ALL: u16 = Setting::ANY.bits();

/// The settings in which a condition may be true.
pub(super) fn of(condition: &Expr) -> u16 {
    match &condition.node {
        Node::Binary(Binary::And, left, right) => of(left) & of(right),
        Node::Binary(Binary::Or, left, right) => of(left) | of(right),
        Node::Binary(Binary::Equal, left, right) => {
            known(condition) & named(left, [&**right]) & named(right, [&**left])
        }
        Node::In(of, elements) => known(condition) & named(of, elements),
        _ => known(condition),
    }
}

/// The settings in which a field is known.
pub(crate) fn of_field(field: Field) -> u16 {
    match field {
        Field::Actor | Field::ActorKind => Setting::PROTOCOLS.and(Setting::ACTORS).bits(),
        field if field.name().starts_with("modbus.") => Setting::MODBUS.and(Setting::ANYBODY).bits(),
        field if field.name().starts_with("dnp3.") => Setting::DNP3.and(Setting::ANYBODY).bits(),
        _ => ALL,
    }
}

/// The settings in which an expression may have a value.
fn known(expr: &Expr) -> u16 {
    match &expr.node {
        Node::Field(name) => Field::from_name(name).map_or(ALL, of_field),
        // One side alone may decide these.
        Node::Binary(Binary::And | Binary::Or, left, right) => known(left) | known(right),
        Node::Binary(_, left, right) => known(left) & known(right),
        Node::Not(of) | Node::Negate(of) | Node::In(of, _) => known(of),
        Node::Method(of, _, arguments) => arguments.iter().fold(known(of), |settings, one| settings & known(one)),
        Node::Literal(_) | Node::Call(..) | Node::Property(..) | Node::Choose(_) => ALL,
    }
}

/// The settings in which a field is one of these, where that is plain.
fn named<'e>(field: &Expr, values: impl IntoIterator<Item = &'e Expr>) -> u16 {
    let setting = match &field.node {
        Node::Field(name) if name == Field::Protocol.name() => of_protocol,
        Node::Field(name) if name == Field::ActorKind.name() => of_kind,
        _ => return ALL,
    };
    let of_value = |value: &Expr| match &value.node {
        Node::Literal(Literal::Text(text)) => setting(text),
        _ => ALL,
    };
    values.into_iter().fold(0, |settings, value| settings | of_value(value))
}

fn of_protocol(name: &str) -> u16 {
    match name {
        "modbus" => Setting::MODBUS.and(Setting::ANYBODY).bits(),
        "dnp3" => Setting::DNP3.and(Setting::ANYBODY).bits(),
        _ => ALL,
    }
}

fn of_kind(name: &str) -> u16 {
    let kind = ActorKind::ALL.iter().find(|kind| kind.name() == name);
    kind.map_or(ALL, |kind| Setting::PROTOCOLS.and(Setting::of_kind(Some(*kind))).bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str) -> Box<Expr> {
        boxed(Node::Field(name.to_owned()))
    }

    fn text(text: &str) -> Box<Expr> {
        boxed(Node::Literal(Literal::Text(text.to_owned())))
    }

    fn boxed(node: Node) -> Box<Expr> {
        Box::new(Expr { at: 0..0, node })
    }

    fn binary(binary: Binary, left: Box<Expr>, right: Box<Expr>) -> Box<Expr> {
        boxed(Node::Binary(binary, left, right))
    }

    #[test]
    fn a_condition_is_true_only_where_its_fields_are_known() {
        let modbus = Setting::MODBUS.and(Setting::ANYBODY).bits();
        let agents = Setting::PROTOCOLS.and(Setting::of_kind(Some(ActorKind::AiAgent))).bits();
        let address = || binary(Binary::AtLeast, field("modbus.address"), boxed(Node::Literal(Literal::Number(3.0))));
        let is_agent = || binary(Binary::Equal, text("ai-agent"), field("actor.kind"));
        assert_eq!(of(&address()), modbus);
        assert_eq!(of(&is_agent()), agents);
        assert_eq!(of(&boxed(Node::Not(is_agent()))), Setting::PROTOCOLS.and(Setting::ACTORS).bits());
        assert_eq!(of(&boxed(Node::Not(address()))), modbus);
        assert_eq!(of(&binary(Binary::And, is_agent(), address())), modbus & agents);
        assert_eq!(of(&binary(Binary::Or, is_agent(), address())), modbus | agents);
        assert_eq!(of(&boxed(Node::In(field("protocol"), vec![*text("modbus")]))), modbus);
        assert_eq!(of(&binary(Binary::Unequal, field("protocol"), text("modbus"))), ALL);
        let name = super::super::tree::Name { at: 0..0, text: "known".to_owned() };
        assert_eq!(of(&boxed(Node::Not(boxed(Node::Call(name, vec![*field("dnp3.function")]))))), ALL);
    }
}
