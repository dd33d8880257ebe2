use core::net::IpAddr;

use zerocopy::little_endian::F64;

use super::op::{HIGHEST_BIT, Op};
use super::{DEPTH, Scene, Truth};
use crate::image::{Instruction, Network, Octets, Text};
use crate::{Fact, Field, PointId, Policy, Report};

/// What rounding may have added to a fraction, as a part of it: some of double precision goes where one is the difference of others.
const ROUNDING: f64 = 1e-12;
/// From here on what single precision holds is whole.
const WHOLE: f64 = 8_388_608.0;

/// Runs verified code: to its end, or with `decided` only until it is clear that it is not true. `visit` sees what each
/// instruction puts on the stack.
pub(super) fn evaluate<'e>(
    policy: &Policy<'e>,
    code: &[Instruction],
    scene: &Scene<'e, '_>,
    decided: bool,
    visit: impl FnMut(&Instruction, Fact<'e>),
) -> Truth {
    let first = if decided { first_comparisons(policy, code, scene) } else { None };
    match first {
        Some((flag, rest)) if rest.is_empty() || (flag != Fact::Flag(true) && is(rest, Op::Require)) => truth(flag),
        Some((flag, rest)) => run(policy, rest, scene, (Some(flag), decided), visit),
        None => run(policy, code, scene, (None, decided), visit),
    }
}

/// What the comparisons come to that most conditions begin with, each of which has to be true, and the code behind the last
/// that was looked at. Most conditions are decided by them, with no need for a stack.
fn first_comparisons<'e, 'c>(
    policy: &Policy<'e>,
    code: &'c [Instruction],
    scene: &Scene<'e, '_>,
) -> Option<(Fact<'e>, &'c [Instruction])> {
    let (mut flag, mut rest) = comparison(policy, code, scene)?;
    while flag == Fact::Flag(true)
        && is(rest, Op::Require)
        && let Some((next, behind)) = rest.split_first().and_then(|(_, rest)| comparison(policy, rest, scene))
        && is(behind, Op::And)
    {
        (flag, rest) = (next, behind.split_first().map_or(behind, |(_, rest)| rest));
    }
    Some((flag, rest))
}

/// Whether the next instruction is this.
fn is(code: &[Instruction], op: Op) -> bool {
    code.first().is_some_and(|next| next.op == op.number())
}

/// Runs code on a stack on which `first` lies.
#[inline(never)]
fn run<'e>(
    policy: &Policy<'e>,
    code: &[Instruction],
    scene: &Scene<'e, '_>,
    (first, decided): (Option<Fact<'e>>, bool),
    mut visit: impl FnMut(&Instruction, Fact<'e>),
) -> Truth {
    let mut stack = Stack { values: [Fact::Unknown; DEPTH], depth: 0 };
    first.into_iter().for_each(|first| stack.push(first));
    let mut rest = code;
    while let Some((instruction, after)) = rest.split_first() {
        if decided && let Some((flag, after)) = comparison(policy, rest, scene) {
            stack.push(flag);
            rest = after;
            continue;
        }
        rest = after;
        if instruction.op == Op::Require.number() {
            if decided && stack.top() != Fact::Flag(true) {
                break;
            }
            continue;
        }
        let value = value(policy, instruction, scene, &mut stack);
        visit(instruction, value);
        stack.push(value);
    }
    truth(stack.pop())
}

fn truth(flag: Fact<'_>) -> Truth {
    match flag {
        Fact::Flag(true) => Truth::True,
        Fact::Flag(false) => Truth::False,
        _ => Truth::Unknown,
    }
}

/// What a field compared with a literal or with another field comes to, or looked for in a list, as most conditions begin, and
/// the code behind it; with no detour over the stack.
fn comparison<'e, 'c>(
    policy: &Policy<'e>,
    code: &'c [Instruction],
    scene: &Scene<'e, '_>,
) -> Option<(Fact<'e>, &'c [Instruction])> {
    let [asked, other, after @ ..] = code else { return None };
    if asked.op != Op::Field.number() {
        return None;
    }
    let of = |instruction: &Instruction| field(instruction.operand.first.get(), scene);
    let other_op = Op::from_number(other.op)?;
    match other_op {
        Op::InNumbers => return Some((in_numbers(of(asked), other.operand.of(policy.code.numbers)), after)),
        Op::InTexts => return Some((in_texts(of(asked), other.operand.of(policy.code.texts), policy), after)),
        Op::Number | Op::Text | Op::Field => {}
        _ => return None,
    }
    let (how, after) = after.split_first()?;
    let how = Op::from_number(how.op).filter(|op| op.compares())?;
    let other = if other_op == Op::Field { of(other) } else { literal(policy, other) };
    Some((compared(how, (of(asked), other)), after))
}

/// Loading has checked that it neither overflows nor runs dry.
struct Stack<'e> {
    values: [Fact<'e>; DEPTH],
    depth: usize,
}

impl<'e> Stack<'e> {
    fn push(&mut self, value: Fact<'e>) {
        if let Some(top) = self.values.get_mut(self.depth) {
            *top = value;
            self.depth = self.depth.saturating_add(1);
        }
    }

    fn pop(&mut self) -> Fact<'e> {
        let top = self.top();
        self.depth = self.depth.saturating_sub(1);
        top
    }

    fn top(&self) -> Fact<'e> {
        self.values.get(self.depth.saturating_sub(1)).copied().unwrap_or(Fact::Unknown)
    }

    /// The two on top, the lower first.
    fn pair(&mut self) -> (Fact<'e>, Fact<'e>) {
        let right = self.pop();
        (self.pop(), right)
    }
}

fn value<'e>(policy: &Policy<'e>, instruction: &Instruction, scene: &Scene<'e, '_>, stack: &mut Stack<'e>) -> Fact<'e> {
    let Some(op) = Op::from_number(instruction.op) else { return Fact::Unknown };
    let (operand, code) = (&instruction.operand, &policy.code);
    let index = operand.first.get();
    match op {
        Op::Number | Op::Text => literal(policy, instruction),
        Op::Flag => Fact::Flag(index != 0),
        Op::Octets => Fact::of(code.octets.get(index as usize), |octets| Fact::Bytes(octets.get())),
        Op::Field => field(index, scene),
        Op::Reported | Op::Age | Op::Quality | Op::Rate | Op::Commanded => point(op, PointId(index), policy, scene),
        Op::Require => stack.pop(),
        Op::Negate => Fact::of(number(stack.pop()), |number| Fact::Number(-number)),
        Op::Not => Fact::of(flag(stack.pop()), |flag| Fact::Flag(!flag)),
        Op::Known => Fact::Flag(stack.pop() != Fact::Unknown),
        Op::Size => Fact::of(octets(stack.pop()), |octets| Fact::Number(octets.len() as f64)),
        Op::Bit => bit(stack.pop(), index),
        Op::Add => calculate(stack.pair(), |left, right| left + right),
        Op::Subtract => calculate(stack.pair(), |left, right| left - right),
        Op::Multiply => calculate(stack.pair(), |left, right| left * right),
        Op::Divide => calculate(stack.pair(), |left, right| if right == 0.0 { f64::NAN } else { left / right }),
        Op::Equal | Op::Unequal | Op::Less | Op::AtMost | Op::Greater | Op::AtLeast => compared(op, stack.pair()),
        Op::And => decided(stack.pair(), false),
        Op::Or => decided(stack.pair(), true),
        Op::Choose => choose(stack),
        Op::StartsWith => test(stack.pair(), <[u8]>::starts_with),
        Op::EndsWith => test(stack.pair(), <[u8]>::ends_with),
        Op::Contains => test(stack.pair(), contains),
        Op::InNumbers => in_numbers(stack.pop(), operand.of(code.numbers)),
        Op::InTexts => in_texts(stack.pop(), operand.of(code.texts), policy),
        Op::InOctets => in_octets(stack.pop(), operand.of(code.octets)),
        Op::InNetworks => in_networks(stack.pop(), operand.of(code.networks)),
    }
}

/// The number or text that an instruction puts on the stack.
fn literal<'e>(policy: &Policy<'e>, instruction: &Instruction) -> Fact<'e> {
    let (index, code) = (instruction.operand.first.get() as usize, &policy.code);
    if instruction.op == Op::Number.number() {
        Fact::of(code.numbers.get(index), |number| Fact::Number(number.get()))
    } else {
        Fact::of(code.texts.get(index), |text| Fact::Text(policy.text(*text)))
    }
}

/// A field's value; one of another type than the field's would be as good as none.
fn field<'e>(number: u32, scene: &Scene<'e, '_>) -> Fact<'e> {
    let field = u8::try_from(number).ok().and_then(Field::from_number);
    let fact = field.map_or(Fact::Unknown, |field| scene.facts.fact(field));
    match fact {
        Fact::Number(value) => number_of(value),
        other => other,
    }
}

fn point<'e>(op: Op, id: PointId, policy: &Policy<'_>, scene: &Scene<'e, '_>) -> Fact<'e> {
    let state = scene.process.get(id);
    let age_ns = |report: &Report| scene.now.0.saturating_sub(report.at.0);
    let trusted = || state.reported.filter(|report| report.good && !policy.is_stale(id, report.at, scene.now));
    match op {
        Op::Reported => Fact::of(trusted(), |report| number_of(report.value)),
        Op::Rate => Fact::of(trusted().and_then(|report| report.rate()), number_of),
        Op::Age => Fact::of(state.reported, |report| Fact::Number(age_ns(&report) as f64 / 1e9)),
        Op::Quality => Fact::of(state.reported, |report| Fact::Text(if report.good { "good" } else { "bad" })),
        _ => Fact::of(state.commanded, |order| number_of(order.value)),
    }
}

fn number_of<'e>(number: f64) -> Fact<'e> {
    if number.is_nan() { Fact::Unknown } else { Fact::Number(number) }
}

const fn number(fact: Fact<'_>) -> Option<f64> {
    match fact {
        Fact::Number(number) => Some(number),
        _ => None,
    }
}

const fn flag(fact: Fact<'_>) -> Option<bool> {
    match fact {
        Fact::Flag(flag) => Some(flag),
        _ => None,
    }
}

const fn octets(fact: Fact<'_>) -> Option<&[u8]> {
    match fact {
        Fact::Text(text) => Some(text.as_bytes()),
        Fact::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

fn calculate<'e>((left, right): (Fact<'_>, Fact<'_>), result: impl FnOnce(f64, f64) -> f64) -> Fact<'e> {
    Fact::of(number(left).zip(number(right)), |(left, right)| number_of(result(left, right)))
}

fn compared<'e>(op: Op, pair: (Fact<'_>, Fact<'_>)) -> Fact<'e> {
    if let (Fact::Number(left), Fact::Number(right)) = pair {
        let are_same = are_same(left, right);
        return Fact::Flag(match op {
            Op::Equal => are_same,
            Op::Unequal => !are_same,
            Op::Less => left < right && !are_same,
            Op::AtMost => left < right || are_same,
            Op::Greater => left > right && !are_same,
            _ => left > right || are_same,
        });
    }
    match op {
        Op::Equal => known_pair(pair, |left, right| left == right),
        Op::Unequal => known_pair(pair, |left, right| left != right),
        _ => Fact::Unknown,
    }
}

/// Whether two numbers are the same as far as their precision goes: of a fraction, the last digits are those of binary arithmetic,
/// and one that single precision holds was told in single precision.
fn are_same(left: f64, right: f64) -> bool {
    let (is_equal, magnitude) = (left == right, right.abs());
    if is_equal || magnitude >= WHOLE {
        return is_equal;
    }
    let is_single = |single: f32, number: f64| f64::from(single) == number;
    let (a, b) = (left as f32, right as f32);
    (left - right).abs() <= magnitude * ROUNDING || a == b && (is_single(a, left) || is_single(b, right))
}

fn known_pair<'e>((left, right): (Fact<'_>, Fact<'_>), result: impl FnOnce(Fact<'_>, Fact<'_>) -> bool) -> Fact<'e> {
    if left == Fact::Unknown || right == Fact::Unknown { Fact::Unknown } else { Fact::Flag(result(left, right)) }
}

/// Two flags of which one that is `decisive` decides.
fn decided<'e>((left, right): (Fact<'_>, Fact<'_>), decisive: bool) -> Fact<'e> {
    match (flag(left), flag(right)) {
        (Some(flag), _) | (_, Some(flag)) if flag == decisive => Fact::Flag(decisive),
        (Some(_), Some(_)) => Fact::Flag(!decisive),
        _ => Fact::Unknown,
    }
}

fn choose<'e>(stack: &mut Stack<'e>) -> Fact<'e> {
    let (first, second) = stack.pair();
    Fact::of(flag(stack.pop()), |flag| if flag { first } else { second })
}

fn bit<'e>(fact: Fact<'_>, bit: u32) -> Fact<'e> {
    const TOO_LARGE: f64 = 9_007_199_254_740_992.0;
    let whole = number(fact).filter(|number| (0.0..TOO_LARGE).contains(number));
    let whole = whole.map(|number| (number, number as u64)).filter(|(number, whole)| *whole as f64 == *number);
    Fact::of(whole, |(_, whole)| Fact::Flag(whole.wrapping_shr(bit.min(HIGHEST_BIT)) & 1 == 1))
}

fn test<'e>((whole, part): (Fact<'_>, Fact<'_>), result: impl FnOnce(&[u8], &[u8]) -> bool) -> Fact<'e> {
    Fact::of(octets(whole).zip(octets(part)), |(whole, part)| Fact::Flag(result(whole, part)))
}

fn contains(whole: &[u8], part: &[u8]) -> bool {
    part.is_empty() || whole.windows(part.len()).any(|window| window == part)
}

fn in_numbers<'e>(fact: Fact<'_>, list: &[F64]) -> Fact<'e> {
    Fact::of(number(fact), |number| Fact::Flag(list.iter().any(|one| are_same(number, one.get()))))
}

fn in_texts<'e>(fact: Fact<'_>, list: &[Text], policy: &Policy<'_>) -> Fact<'e> {
    Fact::of(octets(fact), |text| Fact::Flag(list.iter().any(|one| policy.text(*one).as_bytes() == text)))
}

fn in_octets<'e>(fact: Fact<'_>, list: &[Octets]) -> Fact<'e> {
    Fact::of(octets(fact), |octets| Fact::Flag(list.iter().any(|one| one.get() == octets)))
}

fn in_networks<'e>(fact: Fact<'_>, list: &[Network]) -> Fact<'e> {
    let contain = |address: IpAddr| list.iter().any(|network| network.contains(address));
    match fact {
        Fact::Address(address) => Fact::Flag(contain(address)),
        _ => Fact::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::are_same;

    #[test]
    fn numbers_are_compared_as_far_as_their_precision_goes() {
        for (left, right) in [(f64::from(0.1_f32), 0.1), (0.8 - 0.6, 0.2), (-7.7, f64::from(-7.7_f32)), (3.0, 3.0)] {
            assert!(are_same(left, right) && are_same(right, left), "{left} and {right}");
        }
        let others = [
            (1_700_000_000_000.0, 1_700_000_000_001.0),
            (16_777_217.0, 16_777_216.0),
            (1_234_567.89, 1_234_567.9),
            (0.5, 0.500_1),
            (0.0, 1e-9),
            (f64::INFINITY, 1.0),
        ];
        for (left, right) in others {
            assert!(!are_same(left, right) && !are_same(right, left), "{left} and {right}");
        }
    }
}
