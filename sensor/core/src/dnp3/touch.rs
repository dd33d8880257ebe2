use tagout_engine::{Space, Touch, Values};

use super::application::Fragment;
use super::function::Function;
use super::header::{Body, Headers, ObjectHeader, Range};
use super::objects::{Point, Value};
use super::points::Points;

/// What a READ, WRITE, SELECT, OPERATE or DIRECT OPERATE touches; other functions touch no point.
///
/// - A range that a READ names is one touch; so is a range of packed bits in a WRITE. Prefixed indexes are a touch each.
/// - Classes, counts of events and all objects of a group name no points: no touch.
/// - Controls: 1 for close and on, 0 for trip and off (see [`Crob::commanded_state`](super::Crob::commanded_state)),
///   unknown for a code that says neither.
/// - A pattern control block (g12v2) is the value of each point whose bit is set in the mask behind it (g12v3).
pub fn touches<'a>(fragment: &Fragment<'a>) -> Touches<'a> {
    let touching = fragment.function.is_control() || matches!(fragment.function, Function::READ | Function::WRITE);
    let objects: &[u8] = if touching { fragment.objects } else { &[] };
    let unsaid = if fragment.function == Function::READ { Values::None } else { Values::Unknown };
    Touches { headers: Headers::new(fragment.function, objects, 0), points: None, unsaid, pattern: Values::Unknown }
}

/// The touches of a fragment; made by [`touches`].
#[derive(Clone, Copy, Debug)]
pub struct Touches<'a> {
    headers: Headers<'a>,
    points: Option<(Kind, Space, Points<'a>)>,
    /// What stands for a value that is not there: a READ has none, others do not say theirs.
    unsaid: Values<'a>,
    /// What the last pattern control block commands.
    pattern: Values<'a>,
}

/// What the points behind a header mean.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Points with their values.
    Values,
    /// Bits that select the points of a pattern control.
    Mask,
}

impl<'a> Touches<'a> {
    /// Takes a header: the touch that it is as a whole, if it is one.
    fn enter(&mut self, header: ObjectHeader<'a>) -> Option<Touch<'a>> {
        let space = header.space()?;
        match (header.group, header.variation, header.body) {
            (12, 2, _) => self.pattern = header.points().last().map_or(Values::Unknown, |point| values(&point)),
            (12, 3, Body::Bits) => self.points = Some((Kind::Mask, space, header.points())),
            (_, _, Body::Bits) => return packed(space, header.range, header.data),
            (_, _, Body::Bare) => return run(space, header.range, self.unsaid),
            _ => self.points = Some((Kind::Values, space, header.points())),
        }
        None
    }

    fn next_point(&mut self) -> Option<Touch<'a>> {
        let (kind, space, points) = self.points.as_mut()?;
        let (index, values) = match kind {
            Kind::Values => points.next().map(|point| (point.index, values(&point)))?,
            Kind::Mask => {
                points.find(|point| point.value == Value::Bit(true)).map(|point| (point.index, self.pattern))?
            }
        };
        Some(Touch { space: *space, address: index, count: 1, values })
    }
}

impl<'a> Iterator for Touches<'a> {
    type Item = Touch<'a>;

    fn next(&mut self) -> Option<Touch<'a>> {
        loop {
            if let Some(touch) = self.next_point() {
                return Some(touch);
            }
            self.points = None;
            let header = self.headers.by_ref().find_map(Result::ok)?;
            if let Some(touch) = self.enter(header) {
                return Some(touch);
            }
        }
    }
}

/// One touch of every index of a range.
fn run<'a>(space: Space, range: Range, values: Values<'a>) -> Option<Touch<'a>> {
    Some(Touch { space, address: range.start()?, count: range.count()?, values })
}

/// Packed bits: those of the range that are there.
pub(super) fn packed<'a>(space: Space, range: Range, bits: &'a [u8]) -> Option<Touch<'a>> {
    let touch = run(space, range, Values::Bits(bits))?;
    let there = u32::try_from(bits.len().saturating_mul(8)).unwrap_or(u32::MAX);
    Some(Touch { count: touch.count.min(there), ..touch }).filter(|touch| touch.count > 0)
}

pub(super) fn values<'a>(point: &Point<'a>) -> Values<'a> {
    match point.value {
        Value::None => Values::None,
        Value::Control(block) => {
            block.commanded_state().map_or(Values::Unknown, |on| Values::Number(f64::from(u8::from(on))))
        }
        value => value.number().map_or(Values::Unknown, Values::Number),
    }
}
