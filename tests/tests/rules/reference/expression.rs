//! Conditions as trees: how they are written, and what they say.

use std::net::Ipv4Addr;

/// The value of a part of a condition. Texts are names and words, all of which are known beforehand.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Value {
    Unknown,
    /// Durations are in seconds.
    Number(f64),
    Flag(bool),
    Text(&'static str),
    Bytes([u8; 6]),
    Address(Ipv4Addr),
}

impl Value {
    /// What is known, or else unknown; a number that is none is not known.
    pub(super) fn of<T>(known: Option<T>, value: impl FnOnce(T) -> Self) -> Self {
        match known.map_or(Self::Unknown, value) {
            Self::Number(number) if number.is_nan() => Self::Unknown,
            other => other,
        }
    }

    fn number(self) -> Option<f64> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    fn flag(self) -> Option<bool> {
        if let Self::Flag(flag) = self { Some(flag) } else { None }
    }
}

/// What is asked of the plant.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Ask {
    /// A field by its name.
    Field(&'static str),
    /// `.property` of a point of a device; its value if that is empty.
    Point { device: usize, name: &'static str, property: &'static str },
}

#[derive(Clone, Debug)]
pub(super) enum Expression {
    /// In tenths.
    Number(i64),
    /// In milliseconds.
    Duration(u64),
    Flag(bool),
    Text(&'static str),
    Ask(Ask),
    Not(Box<Expression>),
    Negate(Box<Expression>),
    /// With the operator as it is written.
    Binary(&'static str, Box<Expression>, Box<Expression>),
    /// Elements are literals.
    In(Box<Expression>, Vec<Expression>),
    Choose(Box<[Expression; 3]>),
    Known(Box<Expression>),
    Bit(Box<Expression>, u32),
    /// `startsWith`, `endsWith` or `contains` of two texts.
    Test(&'static str, Box<Expression>, &'static str),
    /// `client.mac` starts with these.
    MacStarts(Vec<u8>),
    /// `client.ip` in a network: how many bits of 10.0.0.2 count.
    InNetwork(u32),
}

/// What binds tighter is greater.
fn precedence(operator: &str) -> u8 {
    match operator {
        "||" => 1,
        "&&" => 2,
        "+" | "-" => 4,
        "*" | "/" => 5,
        _ => 3,
    }
}

const CHOICE: u8 = 0;
const UNARY: u8 = 6;
const POSTFIX: u8 = 7;
const NETWORK: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

pub(super) fn tenths(value: i64) -> String {
    format!("{}{}.{}", if value < 0 { "-" } else { "" }, value.abs() / 10, value.abs() % 10)
}

impl Expression {
    pub(super) fn of(ask: Ask) -> Self {
        Self::Ask(ask)
    }

    pub(super) fn binary(operator: &'static str, left: Self, right: Self) -> Self {
        Self::Binary(operator, Box::new(left), Box::new(right))
    }

    /// As a policy writes it, in single quotes.
    pub(super) fn text(&self) -> String {
        self.within(CHOICE)
    }

    /// In parentheses where it does not bind as tightly as it has to.
    fn within(&self, least: u8) -> String {
        let (binds, text) = match self {
            Self::Number(value) if *value < 0 => (UNARY, tenths(*value)),
            Self::Number(value) => (POSTFIX, tenths(*value)),
            Self::Duration(ms) => (POSTFIX, format!("{ms}ms")),
            Self::Flag(flag) => (POSTFIX, flag.to_string()),
            Self::Text(text) => (POSTFIX, format!("\"{text}\"")),
            Self::Ask(Ask::Field(name)) => (POSTFIX, (*name).to_owned()),
            Self::Ask(Ask::Point { device, name, property }) => {
                let dot = if property.is_empty() { "" } else { "." };
                (POSTFIX, format!("point(\"plc{}.{name}\"){dot}{property}", device + 1))
            }
            Self::Not(of) => (UNARY, format!("!{}", of.within(UNARY))),
            Self::Negate(of) => (UNARY, format!("-{}", of.within(UNARY))),
            Self::Binary(operator, left, right) => {
                let own = precedence(operator);
                // What stands right of an operator of the same group is not taken by it.
                (own, format!("{} {operator} {}", left.within(own), right.within(own + 1)))
            }
            Self::In(of, elements) => {
                let elements: Vec<_> = elements.iter().map(Self::text).collect();
                (precedence("in"), format!("{} in [{}]", of.within(precedence("in")), elements.join(", ")))
            }
            Self::Choose(parts) => {
                let [condition, first, second] = &**parts;
                (CHOICE, format!("{} ? {} : {}", condition.within(CHOICE + 1), first.text(), second.text()))
            }
            Self::Known(of) => (POSTFIX, format!("known({})", of.text())),
            Self::Bit(of, bit) => (POSTFIX, format!("{}.bit({bit})", of.within(POSTFIX))),
            Self::Test(test, of, part) => (POSTFIX, format!("{}.{test}(\"{part}\")", of.within(POSTFIX))),
            Self::MacStarts(bytes) => {
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                (POSTFIX, format!("client.mac.startsWith(x\"{hex}\")"))
            }
            Self::InNetwork(bits) => (POSTFIX, format!("in_cidr(client.ip, \"{}/{bits}\")", network(*bits, NETWORK))),
        };
        if binds < least { format!("({text})") } else { text }
    }

    /// Everything that is asked for.
    pub(super) fn asks(&self) -> Vec<Ask> {
        match self {
            Self::Number(_) | Self::Duration(_) | Self::Flag(_) | Self::Text(_) => Vec::new(),
            Self::Ask(ask) => vec![*ask],
            Self::Not(of)
            | Self::Negate(of)
            | Self::Known(of)
            | Self::In(of, _)
            | Self::Bit(of, _)
            | Self::Test(_, of, _) => of.asks(),
            Self::Binary(_, left, right) => [left.asks(), right.asks()].concat(),
            Self::Choose(parts) => parts.iter().flat_map(Self::asks).collect(),
            Self::MacStarts(_) => vec![Ask::Field("client.mac")],
            Self::InNetwork(_) => vec![Ask::Field("client.ip")],
        }
    }

    /// Whether it is known to hold.
    pub(super) fn holds(&self, tell: &dyn Fn(Ask) -> Value) -> bool {
        self.value(tell) == Value::Flag(true)
    }

    pub(super) fn value(&self, tell: &dyn Fn(Ask) -> Value) -> Value {
        match self {
            Self::Number(tenths) => Value::Number(*tenths as f64 / 10.0),
            Self::Duration(ms) => Value::Number(*ms as f64 / 1_000.0),
            Self::Flag(flag) => Value::Flag(*flag),
            Self::Text(text) => Value::Text(text),
            Self::Ask(ask) => tell(*ask),
            Self::Not(of) => Value::of(of.value(tell).flag(), |flag| Value::Flag(!flag)),
            Self::Negate(of) => Value::of(of.value(tell).number(), |number| Value::Number(-number)),
            Self::Binary(operator, left, right) => binary(operator, left.value(tell), right.value(tell)),
            Self::In(of, elements) => match of.value(tell) {
                Value::Unknown => Value::Unknown,
                known => Value::Flag(elements.iter().any(|element| element.value(tell) == known)),
            },
            Self::Choose(parts) => match parts[0].value(tell) {
                Value::Flag(true) => parts[1].value(tell),
                Value::Flag(false) => parts[2].value(tell),
                _ => Value::Unknown,
            },
            Self::Known(of) => Value::Flag(of.value(tell) != Value::Unknown),
            Self::Bit(of, bit) => {
                let whole = of.value(tell).number().filter(|number| *number >= 0.0 && number.fract() == 0.0);
                Value::of(whole, |number| Value::Flag(number as u64 >> bit & 1 == 1))
            }
            Self::Test(test, of, part) => match of.value(tell) {
                Value::Text(text) => Value::Flag(match *test {
                    "startsWith" => text.starts_with(part),
                    "endsWith" => text.ends_with(part),
                    _ => text.contains(part),
                }),
                _ => Value::Unknown,
            },
            Self::MacStarts(bytes) => match tell(Ask::Field("client.mac")) {
                Value::Bytes(mac) => Value::Flag(mac.starts_with(bytes)),
                _ => Value::Unknown,
            },
            Self::InNetwork(bits) => match tell(Ask::Field("client.ip")) {
                Value::Address(ip) => Value::Flag(network(*bits, ip) == network(*bits, NETWORK)),
                _ => Value::Unknown,
            },
        }
    }
}

/// An address of which only so many bits count.
fn network(bits: u32, ip: Ipv4Addr) -> Ipv4Addr {
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    Ipv4Addr::from_bits(ip.to_bits() & mask)
}

fn binary(operator: &str, left: Value, right: Value) -> Value {
    let flags = (left.flag(), right.flag());
    match operator {
        "&&" if flags.0 == Some(false) || flags.1 == Some(false) => return Value::Flag(false),
        "||" if flags.0 == Some(true) || flags.1 == Some(true) => return Value::Flag(true),
        _ => {}
    }
    if left == Value::Unknown || right == Value::Unknown {
        return Value::Unknown;
    }
    let (a, b) = (left.number().unwrap_or(f64::NAN), right.number().unwrap_or(f64::NAN));
    match operator {
        "&&" => Value::Flag(true),
        "||" => Value::Flag(false),
        "==" => Value::Flag(left == right),
        "!=" => Value::Flag(left != right),
        "<" => Value::Flag(a < b),
        "<=" => Value::Flag(a <= b),
        ">" => Value::Flag(a > b),
        ">=" => Value::Flag(a >= b),
        "/" => Value::of(Some(b).filter(|b| *b != 0.0), |b| Value::Number(a / b)),
        "+" => Value::of(Some(a + b), Value::Number),
        "-" => Value::of(Some(a - b), Value::Number),
        _ => Value::of(Some(a * b), Value::Number),
    }
}
