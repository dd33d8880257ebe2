//! The devices that a condition names as those it is about.

use std::collections::BTreeSet;

use tagout_engine::Field;

use super::tree::{Binary, Expr, Literal, Node};

/// The names of which one must be the device's for the condition to hold; `None` if it may hold for any device.
pub(super) fn needed(condition: &Expr) -> Option<BTreeSet<String>> {
    match &condition.node {
        Node::Binary(Binary::And, left, right) => match (needed(left), needed(right)) {
            (Some(left), Some(right)) => Some(left.intersection(&right).cloned().collect()),
            (left, right) => left.or(right),
        },
        Node::Binary(Binary::Or, left, right) => Some(needed(left)?.union(&needed(right)?).cloned().collect()),
        Node::Binary(Binary::Equal, left, right) if is_device(left) => text(right).map(|name| BTreeSet::from([name])),
        Node::Binary(Binary::Equal, left, right) if is_device(right) => text(left).map(|name| BTreeSet::from([name])),
        Node::In(of, elements) if is_device(of) => elements.iter().map(text).collect(),
        _ => None,
    }
}

fn is_device(expr: &Expr) -> bool {
    matches!(&expr.node, Node::Field(name) if name == Field::Device.name())
}

fn text(expr: &Expr) -> Option<String> {
    match &expr.node {
        Node::Literal(Literal::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::tree::Name;

    fn expr(node: Node) -> Expr {
        Expr { at: 0..0, node }
    }

    fn on(names: &[&str]) -> Expr {
        let elements = names.iter().map(|name| expr(Node::Literal(Literal::Text((*name).to_owned())))).collect();
        expr(Node::In(Box::new(expr(Node::Field("device".to_owned()))), elements))
    }

    fn anything() -> Expr {
        expr(Node::Call(Name { at: 0..0, text: "known".to_owned() }, Vec::new()))
    }

    fn both(binary: Binary, left: Expr, right: Expr) -> Option<Vec<String>> {
        needed(&expr(Node::Binary(binary, Box::new(left), Box::new(right)))).map(|names| names.into_iter().collect())
    }

    #[test]
    fn a_condition_needs_the_devices_that_all_its_ways_to_hold_name() {
        let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(both(Binary::And, on(&["a", "b"]), on(&["b", "c"])), names(&["b"]));
        assert_eq!(both(Binary::And, anything(), on(&["b"])), names(&["b"]));
        assert_eq!(both(Binary::Or, on(&["a"]), on(&["b"])), names(&["a", "b"]));
        assert_eq!(both(Binary::Or, on(&["a"]), anything()), None);
        assert_eq!(needed(&expr(Node::Not(Box::new(on(&["a"]))))), None);
    }
}
