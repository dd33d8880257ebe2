use tagout_engine::{Space, Touch, Values};

use super::application::Fragment;
use super::function::Function;
use super::header::{Headers, ObjectHeader, Range};
use super::objects::{Layout, Point, Value};
use super::points::Points;
use super::security::GROUP as AUTHENTICATION;

/// Dead bands of analog inputs.
const DEAD_BANDS: u8 = 34;
/// Internal indications.
const INDICATIONS: u8 = 80;

/// What a READ, WRITE, SELECT, OPERATE or DIRECT OPERATE touches; other functions touch no point.
///
/// - A range that a READ names is one touch; so is a range of packed bits in a WRITE. Prefixed indexes are a touch each.
/// - Classes, counts of events and all objects of a group name no points: no touch.
/// - Controls: 1 for close and on, 0 for trip and off (see [`Crob::commanded_state`](super::Crob::commanded_state)),
///   unknown for a code that says neither.
/// - The dead band of an analog input (group 34) is none of its values: unknown.
/// - A pattern control block (g12v2) is the value of each point whose bit is set in the mask behind it (g12v3).
pub fn touches<'a>(fragment: &Fragment<'a>) -> Touches<'a> {
    let touching = fragment.function.is_control() || matches!(fragment.function, Function::READ | Function::WRITE);
    let objects: &[u8] = if touching { fragment.objects } else { &[] };
    let unsaid = if fragment.function == Function::READ { Values::None } else { Values::Unknown };
    let headers = Headers::new(fragment.function, objects, 0);
    Touches { headers, points: None, unsaid, pattern: Values::Unknown, tells_vague: false }
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
    /// Whether objects that name no points are told.
    tells_vague: bool,
}

/// What the points behind a header mean.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Points with their values.
    Values,
    /// Bits that select the points of a pattern control.
    Mask,
    /// By how much points change before that is an event, which no value of theirs tells.
    DeadBands,
}

impl<'a> Touches<'a> {
    /// The same, and where `sets_points` (see [`Action::sets_points`](tagout_engine::Action::sets_points)) also touches of no address:
    /// for objects of which nobody knows what they set, and for the internal indications (group 80) that every master clears,
    /// which set nothing.
    #[must_use]
    pub fn all(self, sets_points: bool) -> Self {
        Self { tells_vague: sets_points, ..self }
    }

    fn vague(&self, group: Option<u8>) -> Option<Touch<'a>> {
        let values = if group == Some(INDICATIONS) { Values::None } else { Values::Unknown };
        let touch = Touch { space: Space::BinaryOutput, address: 0, count: 0, values };
        (self.tells_vague && group != Some(AUTHENTICATION)).then_some(touch)
    }

    /// Takes a header: the touch that it is as a whole, if it is one.
    fn enter(&mut self, header: Option<ObjectHeader<'a>>) -> Option<Touch<'a>> {
        let Some((header, space)) = header.and_then(|header| Some((header, header.space()?))) else {
            return self.vague(header.map(|header| header.group));
        };
        match (header.group, header.variation, header.layout) {
            (12, 2, _) => self.pattern = header.points().last().map_or(Values::Unknown, |point| values(&point)),
            (12, 3, Layout::Bits) => self.points = Some((Kind::Mask, space, header.points())),
            (_, _, Layout::Bits) => return packed(space, header.range, header.data),
            _ if header.is_bare() => return run(space, header.range, self.unsaid),
            (DEAD_BANDS, ..) => self.points = Some((Kind::DeadBands, space, header.points())),
            _ => self.points = Some((Kind::Values, space, header.points())),
        }
        None
    }

    fn next_point(&mut self) -> Option<Touch<'a>> {
        let (kind, space, points) = self.points.as_mut()?;
        let is_mask = matches!(kind, Kind::Mask);
        let point = points.find(|point| !is_mask || point.value == Value::Bit(true))?;
        let values = match kind {
            Kind::Values => values(&point),
            Kind::Mask => self.pattern,
            Kind::DeadBands => Values::Unknown,
        };
        Some(Touch { space: *space, address: point.index, count: 1, values })
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
            let header = self.headers.next()?;
            if let Some(touch) = self.enter(header.ok()) {
                return Some(touch);
            }
        }
    }
}

/// One touch of every index of a range.
fn run<'a>(space: Space, range: Range, values: Values<'a>) -> Option<Touch<'a>> {
    Some(Touch { space, address: range.start()?, count: range.count()?, values })
}

/// Packed bits: those of the range that are there. Behind a mere count, the first is at index 0.
pub(super) fn packed<'a>(space: Space, range: Range, bits: &'a [u8]) -> Option<Touch<'a>> {
    let there = u32::try_from(bits.len().saturating_mul(8)).unwrap_or(u32::MAX);
    let count = range.count()?.min(there);
    let address = range.start().unwrap_or(0);
    (count > 0).then_some(Touch { space, address, count, values: Values::Bits(bits) })
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
