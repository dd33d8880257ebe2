//! From the tree of a condition to code: names resolved, types checked.

mod compare;
mod functions;

use tagout_engine::condition::{DEPTH, LIST, LONGEST};
use tagout_engine::image::OCTETS;
use tagout_engine::{Field, FieldType, Op, Stage};

use super::Faults;
use super::draft::{Draft, Line, Operand};
use super::tree::{Binary, Expr, Literal, Node, Range};
use super::words;
use crate::resolve::Names;
use crate::suggest::did_you_mean;

/// Code for the tree; `None` with all errors reported.
pub(super) fn lower(tree: &Expr, names: &Names<'_>, allowed: &[Stage], faults: &mut Faults<'_, '_>) -> Option<Draft> {
    let mut lowering = Lowering { names, allowed, faults, draft: Draft::default(), depth: 0, deepest: 0, whole: true };
    let kind = lowering.whole(tree, "a condition");
    if kind.is_some() {
        lowering.keep_short();
        lowering.check_whole(tree);
    }
    let Lowering { draft, whole, .. } = lowering;
    faults.unless_any(draft).filter(|_| whole)
}

/// What a part of a condition is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Type {
    Number,
    /// A number of seconds.
    Duration,
    Flag,
    Text,
    Bytes,
    Address,
}

impl Type {
    const fn name(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Duration => "a duration",
            Self::Flag => "true or false",
            Self::Text => "a text",
            Self::Bytes => "bytes",
            Self::Address => "an IP address",
        }
    }
}

impl From<FieldType> for Type {
    fn from(kind: FieldType) -> Self {
        match kind {
            FieldType::Number => Self::Number,
            FieldType::Flag => Self::Flag,
            FieldType::Text => Self::Text,
            FieldType::Bytes => Self::Bytes,
            FieldType::Address => Self::Address,
        }
    }
}

struct Lowering<'l, 'n, 'c, 'f> {
    names: &'l Names<'n>,
    allowed: &'l [Stage],
    faults: &'l mut Faults<'c, 'f>,
    draft: Draft,
    /// How deep the stack is, and was at most.
    depth: usize,
    deepest: usize,
    /// False after a part that is wrong for a reason told elsewhere.
    whole: bool,
}

impl<'n> Lowering<'_, 'n, '_, '_> {
    /// Appends an instruction that takes so many values off the stack.
    fn emit(&mut self, op: Op, takes: usize, operand: Operand, at: &Range) {
        self.depth = self.depth.saturating_sub(takes) + 1;
        self.deepest = self.deepest.max(self.depth);
        self.draft.lines.push(Line { op, operand, at: at.clone() });
    }

    fn check_whole(&mut self, tree: &Expr) {
        if self.deepest > DEPTH {
            let draft = self.faults.error(tree.at.clone(), "too deeply nested a condition");
            draft.label(format!("it takes {} values at once, {DEPTH} are possible", self.deepest));
        }
        if self.draft.lines.len() > LONGEST {
            let draft = self.faults.error(tree.at.clone(), "too long a condition");
            draft.label(format!("it takes {} instructions, {LONGEST} are possible", self.draft.lines.len()));
        }
        let asks = |line: &Line| line.op == Op::Field || line.op.asks_for_a_point();
        if !self.draft.lines.iter().any(asks) {
            let draft = self.faults.warning(tree.at.clone(), "a condition that asks for nothing");
            draft.label("it is always the same");
        }
    }

    /// Leaves out, where the code is too long with them, the instructions that only spare work.
    fn keep_short(&mut self) {
        if self.draft.lines.len() > LONGEST {
            self.draft.lines.retain(|line| line.op != Op::Require);
        }
    }

    /// Lowers a condition of whose `&&` each must hold, and says behind each that it must.
    fn whole(&mut self, expr: &Expr, whom: &str) -> Option<Type> {
        let Node::Binary(Binary::And, left, right) = &expr.node else { return self.operand(expr, &[Type::Flag], whom) };
        let first = self.whole(left, "`&&`");
        self.emit(Op::Require, 1, Operand::NONE, &left.at);
        let kinds = (first, self.whole(right, "`&&`"));
        let (Some(kind), Some(_)) = kinds else { return None };
        self.emit(Op::And, 2, Operand::NONE, &expr.at);
        Some(kind)
    }

    /// Lowers a part that must be of one of these types, for `whom`.
    fn operand(&mut self, expr: &Expr, expected: &[Type], whom: &str) -> Option<Type> {
        let kind = self.expr(expr)?;
        if expected.contains(&kind) {
            return Some(kind);
        }
        let expected: Vec<_> = expected.iter().map(|kind| kind.name()).collect();
        let draft = self
            .faults
            .error(expr.at.clone(), format!("{whom} takes {}, found {}", expected.join(" or "), kind.name()));
        draft.expected(expected.join(" or "));
        if kind == Type::Number && expected == [Type::Flag.name()] {
            draft.help("compare it, for example with `== 1`".to_owned());
        }
        None
    }

    fn expr(&mut self, expr: &Expr) -> Option<Type> {
        match &expr.node {
            Node::Literal(literal) => self.literal(literal, &expr.at),
            Node::Field(name) => self.field(name, &expr.at),
            Node::Call(name, arguments) => self.call(name, arguments, &expr.at),
            Node::Property(of, name) => self.property(of, name, &expr.at),
            Node::Method(of, name, arguments) => self.method(of, name, arguments, &expr.at),
            Node::Not(of) => {
                let kind = self.operand(of, &[Type::Flag], "`!`")?;
                self.emit(Op::Not, 1, Operand::NONE, &expr.at);
                Some(kind)
            }
            Node::Negate(of) => {
                let kind = self.operand(of, &[Type::Number, Type::Duration], "`-`")?;
                self.emit(Op::Negate, 1, Operand::NONE, &expr.at);
                Some(kind)
            }
            Node::Binary(operator, left, right) => self.binary(*operator, left, right, &expr.at),
            Node::In(of, elements) => self.list(of, elements, &expr.at),
            Node::Choose(parts) => self.choose(parts, &expr.at),
        }
    }

    fn literal(&mut self, literal: &Literal, at: &Range) -> Option<Type> {
        let (op, operand, kind) = match literal {
            Literal::Number(number) => (Op::Number, Operand::Numbers(vec![*number]), Type::Number),
            Literal::Duration(seconds) => (Op::Number, Operand::Numbers(vec![*seconds]), Type::Duration),
            Literal::Flag(flag) => (Op::Flag, Operand::Index((*flag).into()), Type::Flag),
            Literal::Text(text) => (Op::Text, Operand::Texts(vec![text.clone()]), Type::Text),
            Literal::Bytes(bytes) => (Op::Octets, Operand::Octets(vec![self.fitting(bytes, at)?]), Type::Bytes),
        };
        self.emit(op, 0, operand, at);
        Some(kind)
    }

    /// Bytes, if they are not too many.
    fn fitting(&mut self, bytes: &[u8], at: &Range) -> Option<Vec<u8>> {
        if bytes.len() > OCTETS {
            let draft = self.faults.error(at.clone(), format!("{} bytes", bytes.len()));
            draft.expected(format!("at most {OCTETS}"));
            return None;
        }
        Some(bytes.to_vec())
    }

    fn field(&mut self, name: &str, at: &Range) -> Option<Type> {
        let Some(field) = Field::from_name(name) else {
            let names = || Field::ALL.iter().map(|field| field.name());
            let point = self.names.path(name).map(|path| format!("a point is written `point(\"{path}\")`"));
            let related = || names().find(|known| known.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')));
            let help = point
                .or_else(|| did_you_mean(name, names()))
                .or_else(|| Some(format!("did you mean `{}`?", related()?)))
                .or_else(|| self.names.has(name).then(|| format!("a text has quotes: `\"{name}\"`")));
            self.faults.error(at.clone(), format!("unknown field `{name}`")).help(help);
            return None;
        };
        if !self.allowed.contains(&field.stage()) {
            let draft = self.faults.error(at.clone(), format!("`{name}` cannot be asked here"));
            draft.label(format!("it is known {}", when(field.stage())));
            return None;
        }
        self.emit(Op::Field, 0, Operand::Index(field.number().into()), at);
        Some(field.kind().into())
    }

    fn binary(&mut self, operator: Binary, left: &Expr, right: &Expr, at: &Range) -> Option<Type> {
        match operator {
            Binary::And | Binary::Or => {
                let whom = format!("`{}`", operator.symbol());
                let kinds = (self.operand(left, &[Type::Flag], &whom), self.operand(right, &[Type::Flag], &whom));
                let (Some(kind), Some(_)) = kinds else { return None };
                self.emit(if operator == Binary::And { Op::And } else { Op::Or }, 2, Operand::NONE, at);
                Some(kind)
            }
            Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide => {
                self.arithmetic(operator, left, right, at)
            }
            _ => self.comparison(operator, left, right, at),
        }
    }

    fn arithmetic(&mut self, operator: Binary, left: &Expr, right: &Expr, at: &Range) -> Option<Type> {
        let (whom, kinds) = (format!("`{}`", operator.symbol()), [Type::Number, Type::Duration]);
        let kinds = (self.operand(left, &kinds, &whom), self.operand(right, &kinds, &whom));
        let (Some(first), Some(second)) = kinds else { return None };
        let (op, kind) = match (operator, first, second) {
            (Binary::Add, _, _) => (Op::Add, Some(first).filter(|_| first == second)),
            (Binary::Subtract, _, _) => (Op::Subtract, Some(first).filter(|_| first == second)),
            (Binary::Multiply, Type::Duration, Type::Duration) => (Op::Multiply, None),
            (Binary::Multiply, Type::Number, _) => (Op::Multiply, Some(second)),
            (Binary::Multiply, _, _) => (Op::Multiply, Some(first)),
            (_, Type::Duration, Type::Duration) => (Op::Divide, Some(Type::Number)),
            (_, Type::Number, Type::Duration) => (Op::Divide, None),
            _ => (Op::Divide, Some(first)),
        };
        if op == Op::Divide && matches!(right.node, Node::Literal(Literal::Number(0.0) | Literal::Duration(0.0))) {
            self.faults.error(right.at.clone(), "a division by 0").label("its result is never known");
            return None;
        }
        if kind.is_none() {
            let message = format!("{whom} of {} and {}", first.name(), second.name());
            self.faults.error(at.clone(), message).help(compare::unit_hint(left, right));
        }
        self.emit(op, 2, Operand::NONE, at);
        kind
    }

    fn list(&mut self, of: &Expr, elements: &[Expr], at: &Range) -> Option<Type> {
        let kind = self.expr(of);
        self.countable("elements", elements.len(), at)?;
        let kind = kind?;
        let constants: Vec<_> = elements.iter().map(|element| self.element(kind, element)).collect();
        let constants: Option<Vec<_>> = constants.into_iter().collect();
        let constants = constants?;
        elements.iter().for_each(|element| self.check_word(of, element));
        let (op, operand) = gathered(constants)?;
        self.emit(op, 1, operand, at);
        Some(Type::Flag)
    }

    /// Checks that a list is not empty, and no longer than the engine takes.
    fn countable(&mut self, what: &str, count: usize, at: &Range) -> Option<()> {
        if !(1..=LIST).contains(&count) {
            let draft = self.faults.error(at.clone(), format!("a list of {count} {what}"));
            draft.expected(format!("1 to {LIST} {what}"));
            return None;
        }
        Some(())
    }

    /// A constant of the type that the list is asked for.
    fn element(&mut self, wanted: Type, element: &Expr) -> Option<Literal> {
        let found = constant(element);
        let fits = matches!(
            (wanted, &found),
            (Type::Number, Some(Literal::Number(_)))
                | (Type::Duration, Some(Literal::Duration(_)))
                | (Type::Text, Some(Literal::Text(_)))
                | (Type::Bytes, Some(Literal::Bytes(_)))
        );
        if !fits {
            let draft = self.faults.error(element.at.clone(), "this cannot be an element here");
            draft.expected(format!("{} as a literal", wanted.name())).help(compare::hint(wanted, found.as_ref()));
            return None;
        }
        if let Some(Literal::Bytes(bytes)) = &found {
            self.fitting(bytes, &element.at)?;
        }
        found
    }

    fn choose(&mut self, parts: &[Expr; 3], at: &Range) -> Option<Type> {
        let [condition, first, second] = parts;
        let flag = self.operand(condition, &[Type::Flag], "`?`");
        let kinds = (self.expr(first), self.expr(second));
        let (Some(_), Some(kind), Some(other)) = (flag, kinds.0, kinds.1) else { return None };
        if kind != other {
            let message = format!("`? :` chooses between {} and {}", kind.name(), other.name());
            self.faults.error(second.at.clone(), message).expected(kind.name());
            return None;
        }
        self.emit(Op::Choose, 3, Operand::NONE, at);
        Some(kind)
    }

    /// Checks a text that is compared with what can have only certain values.
    fn check_word(&mut self, asked: &Expr, with: &Expr) {
        let Node::Literal(Literal::Text(found)) = &with.node else { return };
        let (what, words) = match &asked.node {
            Node::Field(name) => {
                (name.as_str(), Field::from_name(name).and_then(|field| words::of_field(field, self.names)))
            }
            Node::Property(_, name) if name.text == "quality" => ("quality", Some(words::QUALITIES.to_vec())),
            _ => return,
        };
        let Some(words) = words.filter(|words| !words.contains(&found.as_str())) else { return };
        let draft = self.faults.error(with.at.clone(), format!("`{what}` is never `{found}`"));
        if words.is_empty() {
            draft.label("the policy names none");
        } else {
            draft.one_of(found, &words);
        }
    }
}

/// When the fields of a stage are known.
const fn when(stage: Stage) -> &'static str {
    match stage {
        Stage::Request => "of every exchange",
        Stage::Item => "of each point or address that a command touches",
        Stage::Response => "with the response",
        Stage::Anomaly => "of an anomaly",
        Stage::Process => "of a process event",
        Stage::Cadence => "of what departs from a cadence",
    }
}

/// A literal, or the negative of one.
fn constant(expr: &Expr) -> Option<Literal> {
    match &expr.node {
        Node::Literal(literal) => Some(literal.clone()),
        Node::Negate(of) => match constant(of)? {
            Literal::Number(number) => Some(Literal::Number(-number)),
            Literal::Duration(seconds) => Some(Literal::Duration(-seconds)),
            _ => None,
        },
        _ => None,
    }
}

/// The elements of a list, all of one type, and what asks whether a value is among them.
fn gathered(constants: Vec<Literal>) -> Option<(Op, Operand)> {
    let (mut numbers, mut texts, mut octets) = (Vec::new(), Vec::new(), Vec::new());
    for constant in constants {
        match constant {
            Literal::Number(number) | Literal::Duration(number) => numbers.push(number),
            Literal::Text(text) => texts.push(text),
            Literal::Bytes(bytes) => octets.push(bytes),
            Literal::Flag(_) => return None,
        }
    }
    Some(if !numbers.is_empty() {
        (Op::InNumbers, Operand::Numbers(numbers))
    } else if !texts.is_empty() {
        (Op::InTexts, Operand::Texts(texts))
    } else {
        (Op::InOctets, Operand::Octets(octets))
    })
}
