use tagout_engine::Op;
use tagout_engine::condition::HIGHEST_BIT;

use super::{Lowering, Type};
use crate::condition::draft::Operand;
use crate::condition::tree::{Expr, Literal, Name, Node, Range};
use crate::parse::network_of;
use crate::suggest::did_you_mean;

const FUNCTIONS: [&str; 3] = ["point", "known", "in_cidr"];
const METHODS: [&str; 5] = ["startsWith", "endsWith", "contains", "size", "bit"];
const PROPERTIES: [&str; 4] = ["age", "quality", "rate", "commanded"];

impl Lowering<'_, '_, '_, '_> {
    pub(super) fn call(&mut self, name: &Name, arguments: &[Expr], at: &Range) -> Option<Type> {
        match name.text.as_str() {
            "point" => {
                let point = self.point(name, arguments)?;
                self.emit(Op::Reported, 0, Operand::Index(point), at);
                Some(Type::Number)
            }
            "known" => {
                let [of] = arguments else { return self.miscounted(name, "one value, such as `known(command.value)`") };
                self.expr(of)?;
                self.emit(Op::Known, 1, Operand::NONE, at);
                Some(Type::Flag)
            }
            "in_cidr" => self.in_cidr(name, arguments, at),
            _ => self.unknown("function", name, &FUNCTIONS, &METHODS),
        }
    }

    /// What is asked of a point behind a dot.
    pub(super) fn property(&mut self, of: &Expr, name: &Name, at: &Range) -> Option<Type> {
        let Some((call, arguments)) = point_call(of) else {
            if METHODS.contains(&name.text.as_str()) {
                self.faults
                    .error(name.at.clone(), format!("`{}` without arguments", name.text))
                    .expected("`(…)` behind it");
            } else {
                let draft = self.faults.error(name.at.clone(), format!("nothing has `.{}` here", name.text));
                draft.label("only a point such as `point(\"plc1.level\")` has such parts");
            }
            return None;
        };
        let (op, kind) = match name.text.as_str() {
            "age" => (Op::Age, Type::Duration),
            "quality" => (Op::Quality, Type::Text),
            "rate" => (Op::Rate, Type::Number),
            "commanded" => (Op::Commanded, Type::Number),
            _ => return self.unknown("part of a point", name, &PROPERTIES, &METHODS),
        };
        let point = self.point(call, arguments)?;
        self.emit(op, 0, Operand::Index(point), at);
        Some(kind)
    }

    pub(super) fn method(&mut self, of: &Expr, name: &Name, arguments: &[Expr], at: &Range) -> Option<Type> {
        let op = match name.text.as_str() {
            "startsWith" => Op::StartsWith,
            "endsWith" => Op::EndsWith,
            "contains" => Op::Contains,
            "size" => return self.size(of, name, arguments, at),
            "bit" => return self.bit(of, name, arguments, at),
            _ => return self.unknown("test", name, &METHODS, &PROPERTIES),
        };
        let [part] = arguments else { return self.miscounted(name, "one text or bytes") };
        let whom = format!("`{}`", name.text);
        let kind = self.operand(of, &[Type::Text, Type::Bytes], &whom);
        let part = match kind {
            Some(kind) => self.operand(part, &[kind], &whom),
            None => self.expr(part),
        };
        kind.and(part)?;
        self.emit(op, 2, Operand::NONE, at);
        Some(Type::Flag)
    }

    fn size(&mut self, of: &Expr, name: &Name, arguments: &[Expr], at: &Range) -> Option<Type> {
        self.operand(of, &[Type::Bytes], "`size`")?;
        let [] = arguments else { return self.miscounted(name, "nothing") };
        self.emit(Op::Size, 1, Operand::NONE, at);
        Some(Type::Number)
    }

    fn bit(&mut self, of: &Expr, name: &Name, arguments: &[Expr], at: &Range) -> Option<Type> {
        self.operand(of, &[Type::Number], "`bit`")?;
        let number = match arguments {
            [Expr { node: Node::Literal(Literal::Number(number)), .. }] => *number,
            _ => return self.miscounted(name, "the number of a bit, such as `dnp3.iin.bit(7)`"),
        };
        let Some(bit) = (0..=HIGHEST_BIT).find(|bit| f64::from(*bit) == number) else {
            return self.miscounted(name, &format!("a whole number from 0 to {HIGHEST_BIT}"));
        };
        self.emit(Op::Bit, 1, Operand::Index(bit), at);
        Some(Type::Flag)
    }

    fn in_cidr(&mut self, name: &Name, arguments: &[Expr], at: &Range) -> Option<Type> {
        const USAGE: &str = "an address and networks, such as `in_cidr(client.ip, \"10.0.0.0/24\")`";
        let [address, networks @ ..] = arguments else { return self.miscounted(name, USAGE) };
        if networks.is_empty() {
            return self.miscounted(name, USAGE);
        }
        self.countable("networks", networks.len(), at)?;
        let kind = self.operand(address, &[Type::Address], "`in_cidr`");
        let networks: Vec<_> = networks.iter().map(|network| self.network(network)).collect();
        let networks: Option<Vec<_>> = networks.into_iter().collect();
        self.emit(Op::InNetworks, 1, Operand::Networks(networks?), at);
        kind.map(|_| Type::Flag)
    }

    fn network(&mut self, network: &Expr) -> Option<crate::model::Network> {
        let Node::Literal(Literal::Text(text)) = &network.node else {
            self.faults.error(network.at.clone(), "no network").expected("a text such as \"10.0.0.0/24\"");
            return None;
        };
        let span = self.faults.origin.span(network.at.clone());
        let found = network_of(text, span, self.faults.report);
        self.whole &= found.is_some();
        found
    }

    /// The number of the point that `point(…)` names.
    fn point(&mut self, name: &Name, arguments: &[Expr]) -> Option<u32> {
        let [Expr { at, node: Node::Literal(Literal::Text(path)) }] = arguments else {
            return self.miscounted(name, "a device and a point, such as `point(\"plc1.level\")`");
        };
        let found = self.names.point(path);
        if found.is_none() {
            let known = self.names.point_paths();
            let draft = self.faults.error(at.clone(), format!("unknown point `{path}`"));
            draft.expected("a device and its point, such as `\"plc1.level\"`");
            draft.help(did_you_mean(path, known.iter().map(String::as_str)));
        }
        let point = found.flatten();
        self.whole &= point.is_some();
        point
    }

    fn miscounted<T>(&mut self, name: &Name, expected: &str) -> Option<T> {
        let message = format!("wrong arguments of `{}`", name.text);
        self.faults.error(name.at.clone(), message).expected(expected);
        None
    }

    /// `others` are names that are right in another place.
    fn unknown<T>(&mut self, what: &str, name: &Name, right: &[&str], others: &[&str]) -> Option<T> {
        let draft = self.faults.error(name.at.clone(), format!("unknown {what} `{}`", name.text));
        draft.one_of(&name.text, right);
        if METHODS.contains(&name.text.as_str()) && others.contains(&name.text.as_str()) {
            draft.help(format!("it is written behind a value: `command.point.{}(…)`", name.text));
        }
        None
    }
}

/// The name and the arguments of `point(…)`.
fn point_call(expr: &Expr) -> Option<(&Name, &[Expr])> {
    match &expr.node {
        Node::Call(name, arguments) if name.text == "point" => Some((name, arguments)),
        _ => None,
    }
}
