use super::super::asks::OF_RESPONSES;
use super::super::choices::Choices;
use super::super::expression::{Ask, Expression};
use super::super::model::{Invariant, Point};

const COMPARISONS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];
const ARITHMETIC: [&str; 4] = ["+", "-", "*", "/"];

/// What a condition may ask for.
pub(super) struct Grammar {
    numbers: Vec<&'static str>,
    texts: Vec<&'static str>,
    flags: Vec<&'static str>,
    /// Device and name.
    points: Vec<(usize, &'static str)>,
}

impl Grammar {
    /// What invariants may ask for: points alone.
    pub(super) fn of_points(points: &[Point]) -> Self {
        let points = points.iter().map(|point| (point.device, point.name)).collect();
        Self { numbers: Vec::new(), texts: Vec::new(), flags: Vec::new(), points }
    }

    /// What is known of every request.
    fn of_requests(points: &[Point]) -> Self {
        Self {
            numbers: vec!["modbus.function", "modbus.address", "modbus.quantity"],
            texts: vec!["actor", "actor.kind", "device", "action", "verdict"],
            flags: vec!["is_command"],
            ..Self::of_points(points)
        }
    }

    fn with_items(mut self) -> Self {
        self.numbers.extend(["command.address", "command.value", "command.previous", "command.change", "command.run"]);
        self.numbers.extend(["command.since_ms", "command.place"]);
        self.texts.extend(["command.point", "command.space", "command.actor_before"]);
        self.flags.push("command.reversal");
        self
    }

    fn with_events(mut self) -> Self {
        self.numbers.extend(["process.value", "process.limit"]);
        self.texts.extend(["process.event", "process.point"]);
        self
    }

    /// Of requests, and sometimes of items or responses.
    pub(super) fn of_exchanges(c: &mut Choices<'_>, points: &[Point]) -> Self {
        let mut grammar = Self::of_requests(points);
        if c.chance(50) {
            grammar = grammar.with_items();
        }
        if c.chance(20) {
            grammar.numbers.extend(["modbus.exception", "latency_ms"]);
            grammar.texts.push("outcome");
        }
        grammar
    }

    pub(super) fn of_events(points: &[Point]) -> Self {
        Self::of_requests(points).with_events()
    }

    /// Everything but what only a response tells: what is suppressed is decided before one comes.
    pub(super) fn of_suppressions(points: &[Point]) -> Self {
        let grammar = Self::of_requests(points).with_items().with_events();
        debug_assert!(OF_RESPONSES.iter().all(|name| !grammar.numbers.contains(name)));
        grammar
    }

    /// A field to count the values of.
    pub(super) fn field(&self, c: &mut Choices<'_>) -> &'static str {
        let all: Vec<_> = [&self.numbers[..], &self.texts, &self.flags].concat();
        c.one(&all)
    }

    /// The fields of a key.
    pub(super) fn key(&self, c: &mut Choices<'_>) -> Vec<&'static str> {
        let mut fields = c.several(1, 2, |c| self.field(c));
        fields.dedup();
        fields
    }

    /// Something that holds or does not, of at most this depth.
    pub(super) fn flag(&self, c: &mut Choices<'_>, depth: usize) -> Expression {
        let kinds = if depth == 0 { 7 } else { 12 };
        match c.below(kinds) {
            0 | 1 => self.comparison(c, depth),
            2 => self.word(c),
            3 => self.one_of(c),
            4 => self.asked(c, &self.flags).unwrap_or(Expression::Flag(true)),
            5 => self.rare(c),
            6 => self.age(c),
            7 | 8 => Expression::binary("&&", self.flag(c, depth - 1), self.flag(c, depth - 1)),
            9 => Expression::binary("||", self.flag(c, depth - 1), self.flag(c, depth - 1)),
            10 => Expression::Not(Box::new(self.flag(c, depth - 1))),
            _ => {
                let parts = [self.flag(c, depth - 1), self.flag(c, depth - 1), self.flag(c, depth - 1)];
                Expression::Choose(Box::new(parts))
            }
        }
    }

    fn asked(&self, c: &mut Choices<'_>, fields: &[&'static str]) -> Option<Expression> {
        (!fields.is_empty()).then(|| Expression::of(Ask::Field(c.one(fields))))
    }

    fn point(&self, c: &mut Choices<'_>, properties: &[&'static str]) -> Expression {
        let (device, name) = c.one(&self.points);
        Expression::of(Ask::Point { device, name, property: c.one(properties) })
    }

    /// A number that is asked for.
    fn number(&self, c: &mut Choices<'_>) -> Expression {
        if self.numbers.is_empty() || c.chance(40) {
            return self.point(c, &["", "", "", "commanded", "rate"]);
        }
        Expression::of(Ask::Field(c.one(&self.numbers)))
    }

    fn comparison(&self, c: &mut Choices<'_>, depth: usize) -> Expression {
        let operator = c.one(&COMPARISONS);
        let mut left = self.number(c);
        if depth > 0 && c.chance(30) {
            let other = if c.chance(50) { self.number(c) } else { Expression::Number(1 + c.below(40) as i64) };
            left = Expression::binary(c.one(&ARITHMETIC), left, other);
        }
        if c.chance(10) {
            left = Expression::Negate(Box::new(left));
        }
        let right = if c.chance(20) { self.number(c) } else { literal(c) };
        Expression::binary(operator, left, right)
    }

    /// A text that is one word, or the same as another.
    fn word(&self, c: &mut Choices<'_>) -> Expression {
        let Some(field) = self.asked(c, &self.texts) else {
            return Expression::binary("==", self.point(c, &["quality"]), Expression::Text(c.one(&["good", "bad"])));
        };
        let operator = c.one(&["==", "==", "!="]);
        if self.texts.contains(&"command.actor_before") && c.chance(15) {
            let [actor, before] = ["actor", "command.actor_before"].map(|name| Expression::of(Ask::Field(name)));
            return Expression::binary(operator, actor, before);
        }
        let Expression::Ask(Ask::Field(name)) = field else { return field };
        Expression::binary(operator, field, Expression::Text(c.one(words(name))))
    }

    fn one_of(&self, c: &mut Choices<'_>) -> Expression {
        if self.texts.is_empty() || c.chance(50) {
            let elements = c.several(1, 3, literal);
            return Expression::In(Box::new(self.number(c)), elements);
        }
        let name = c.one(&self.texts);
        let elements = c.several(1, 2, |c| Expression::Text(c.one(words(name))));
        Expression::In(Box::new(Expression::of(Ask::Field(name))), elements)
    }

    /// How long ago a point was reported.
    fn age(&self, c: &mut Choices<'_>) -> Expression {
        let (operator, ms) = (c.one(&COMPARISONS), c.one(&[125, 1_000, 2_500, 10_000]));
        Expression::binary(operator, self.point(c, &["age"]), Expression::Duration(ms))
    }

    fn rare(&self, c: &mut Choices<'_>) -> Expression {
        let number = Box::new(self.number(c));
        match c.below(5) {
            1 => Expression::Bit(number, c.below(4) as u32),
            2 if !self.texts.is_empty() => {
                let name = c.one(&self.texts);
                let word = c.one(words(name));
                let (head, tail) = word.split_at(word.len() / 2);
                let (test, part) =
                    c.one(&[("startsWith", head), ("endsWith", tail), ("contains", head), ("contains", tail)]);
                Expression::Test(test, Box::new(Expression::of(Ask::Field(name))), part)
            }
            3 if !self.texts.is_empty() => Expression::MacStarts([2, 0, 0, 0, 0, 1][..1 + c.below(6)].to_vec()),
            4 if !self.texts.is_empty() => Expression::InNetwork(c.one(&[32, 31, 30, 24])),
            _ => Expression::Known(number),
        }
    }
}

fn literal(c: &mut Choices<'_>) -> Expression {
    Expression::Number(c.one(&[0, 10, 20, 30, 50, 5, 3, -10, -20, 120]))
}

/// Every word that a text may be.
fn words(field: &str) -> &'static [&'static str] {
    match field {
        "actor" | "command.actor_before" => &["agent", "panel"],
        "actor.kind" => &["ai-agent", "hmi"],
        "device" => &["plc1", "plc2"],
        "action" => &["read", "write", "identify"],
        "verdict" => &["permitted", "unexpected", "unjudged"],
        "outcome" => &["answered", "refused", "unanswered"],
        "command.point" | "process.point" => &["level", "speed", "flow", "pump", "inlet"],
        "command.space" => &["holding-register", "coil", "input-register"],
        _ => &["out-of-range", "jump", "mismatch", "frozen", "bad-quality"],
    }
}

impl Invariant {
    /// One that asks for nothing is no invariant.
    pub(super) fn asks_for_points(&self) -> bool {
        self.must.asks().iter().any(|ask| matches!(ask, Ask::Point { .. }))
    }
}
