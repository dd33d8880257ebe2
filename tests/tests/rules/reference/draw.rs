//! Random policies and what happens under them.

mod condition;

use tagout_core::engine::{Action, Judgement, Outcome, ProcessEvent, Space};

use super::choices::Choices;
use super::model::{
    ACTORS, Answer, DEVICES, Exchange, Invariant, NAMED, PLACES, Permit, Point, Policy, Request, Rule, Said,
    Suppression, Threshold, Trigger,
};
use condition::Grammar;

/// 2026-01-01, in milliseconds.
const START: u64 = 1_767_225_600_000;
const ACTIONS: [Action; 3] = [Action::Read, Action::Write, Action::Identify];
const OUTCOMES: [Outcome; 3] = [Outcome::Answered, Outcome::Refused, Outcome::Unanswered];
const EVENTS: [ProcessEvent; 6] = [
    ProcessEvent::OutOfRange,
    ProcessEvent::Jump,
    ProcessEvent::Mismatch,
    ProcessEvent::Frozen,
    ProcessEvent::BadQuality,
    ProcessEvent::Effect,
];
const WITHIN_MS: [u64; 4] = [1_000, 2_000, 10_000, 60_000];
/// Often an eighth of a window, so that things happen at its very end.
const PAUSES_MS: [u64; 10] = [0, 1, 125, 250, 500, 1_000, 1_250, 3_000, 7_500, 60_000];
const LATENCIES_MS: [u64; 5] = [0, 1, 20, 250, 1_500];
const SCALES: [i64; 4] = [10, 1, -10, 5];
/// More would make cases slow, and shows nothing new.
const MOST_EXCHANGES: usize = 24;

impl Policy {
    pub(super) fn draw(c: &mut Choices<'_>) -> Self {
        let points = points(c);
        let permits =
            c.several(0, 3, |c| Permit { actor: c.below(2), device: c.below(NAMED), actions: c.some(&ACTIONS) });
        let rules = c.several(1, 4, |c| Rule::draw(c, &points));
        let invariants = c.several(0, 2, |c| Invariant {
            must: Grammar::of_points(&points).flag(c, 2),
            lasting_ms: c.sometimes(30, |c| c.one(&WITHIN_MS)),
        });
        let invariants: Vec<_> = invariants.into_iter().filter(Invariant::asks_for_points).collect();
        let alarms = rules.len() + invariants.len();
        let suppressions = c.several(0, 2, |c| Suppression::draw(c, alarms, &points));
        Self { points, permits, rules, invariants, suppressions }
    }
}

/// Every point of the first device, and some of the second, so that every name is one.
fn points(c: &mut Choices<'_>) -> Vec<Point> {
    let mut points = Vec::new();
    for device in 0..NAMED {
        for (name, space, address, is_single) in PLACES {
            if device > 0 && c.chance(30) {
                continue;
            }
            let is_bit = space == Space::Coil;
            let scale = if is_bit || is_single { 10 } else { c.one(&SCALES) };
            let range = c.sometimes(50, |c| {
                let low = c.below(60) as i64 - 20;
                (low, low + 1 + c.below(100) as i64)
            });
            let max_rate = c.sometimes(30, |c| 1 + c.below(60) as i64);
            let travel_ms = c.sometimes(30, |c| c.one(&WITHIN_MS));
            let frozen_ms = c.sometimes(30, |c| c.one(&WITHIN_MS));
            points.push(Point {
                device,
                name,
                space,
                address,
                is_single,
                scale,
                range,
                max_rate,
                travel_ms,
                frozen_ms,
            });
        }
    }
    points
}

impl Rule {
    fn draw(c: &mut Choices<'_>, points: &[Point]) -> Self {
        let is_process = c.chance(20);
        let grammar = if is_process { Grammar::of_events(points) } else { Grammar::of_exchanges(c, points) };
        let trigger = if is_process {
            Trigger::Process(c.some(&EVENTS))
        } else {
            Trigger::Exchange {
                actions: c.some(&ACTIONS),
                verdicts: c.sometimes(20, |c| c.some(Judgement::ALL)),
                outcomes: c.sometimes(20, |c| c.some(&OUTCOMES)),
            }
        };
        let when = c.sometimes(60, |c| grammar.flag(c, 2));
        let threshold = Threshold::draw(c, &grammar, (when.is_some(), !is_process));
        let per = c.sometimes(50, |c| grammar.key(c));
        let may_rest = !matches!(threshold, Threshold::Once { .. } | Threshold::Absent { .. });
        let per = per.filter(|_| !matches!(threshold, Threshold::Each));
        let rearm_ms = c.sometimes(30, |c| c.one(&WITHIN_MS)).filter(|_| may_rest);
        Self { trigger, when, per, threshold, rearm_ms }
    }
}

impl Threshold {
    fn draw(c: &mut Choices<'_>, grammar: &Grammar, (has_when, is_exchange): (bool, bool)) -> Self {
        let within_ms = c.one(&WITHIN_MS);
        match c.below(8) {
            1 => Self::Once { warm_up_ms: c.sometimes(30, |c| c.one(&WITHIN_MS)) },
            2 => Self::Count { count: 2 + c.below(4), within_ms },
            3 => Self::Distinct { count: 2 + c.below(3), field: grammar.field(c), within_ms },
            4 | 5 => Self::Sequence { steps: c.several(2, 3, |c| grammar.flag(c, 1)), within_ms },
            6 if is_exchange => Self::Absent { follows: grammar.flag(c, 1), within_ms },
            7 if has_when => Self::Lasting { ms: within_ms },
            _ => Self::Each,
        }
    }
}

impl Suppression {
    /// It means something, and not everything.
    fn draw(c: &mut Choices<'_>, alarms: usize, points: &[Point]) -> Self {
        let rules = c.sometimes(60, |c| c.some(&(0..alarms).collect::<Vec<_>>()));
        let reasons = ["unknown-actor", "no-permit", "action-not-permitted"];
        let reasons = if rules.is_some() && c.chance(30) { c.some(&reasons) } else { Vec::new() };
        let actor = c.sometimes(30, |c| c.below(2));
        let device = c.sometimes(30, |c| c.below(NAMED));
        let here = |point: &&Point| device.is_none_or(|device| point.device == device);
        let names: Vec<_> = points.iter().filter(here).map(|point| point.name).collect();
        let points_named = (!names.is_empty() && c.chance(30)).then(|| c.some(&names));
        let grammar = Grammar::of_suppressions(points);
        let when = c.sometimes(30, |c| grammar.flag(c, 1));
        let is_of_all = rules.is_none() && actor.or(device).is_none() && points_named.is_none() && when.is_none();
        let actor = if is_of_all { Some(0) } else { actor };
        Self { rules, reasons, actor, device, points: points_named, when }
    }
}

/// What happens, one exchange after another, until there is nothing left to decide by.
pub(super) fn exchanges(c: &mut Choices<'_>) -> Vec<Exchange> {
    let (mut now, mut exchanges) = (START, Vec::new());
    while !c.is_used_up() && exchanges.len() < MOST_EXCHANGES {
        now += c.one(&PAUSES_MS);
        let exchange = Exchange::draw(c, now);
        // Whatever is not answered ends before anything else happens.
        now += exchange.answer.as_ref().map_or(10_001, |answer| answer.after);
        exchanges.push(exchange);
    }
    exchanges
}

impl Exchange {
    fn draw(c: &mut Choices<'_>, at: u64) -> Self {
        let actor = c.one(&[0, 0, 0, 1, 1, 2]);
        let device = c.one(&[0, 0, 0, 1, 1, 2]);
        debug_assert!(actor < ACTORS.len() && device < DEVICES.len());
        let request = Request::draw(c);
        let answer = (!c.chance(8)).then(|| {
            let after = c.one(&LATENCIES_MS);
            let said =
                if c.chance(15) { Said::Refused(1 + c.below(4) as u8) } else { Said::Answered(read(c, &request)) };
            Answer { after, said }
        });
        Self { actor, device, at, request, answer }
    }
}

impl Request {
    fn draw(c: &mut Choices<'_>) -> Self {
        let space = c.one(&[Space::HoldingRegister, Space::HoldingRegister, Space::Coil]);
        let address = c.below(5) as u16;
        match c.below(12) {
            0..=4 => {
                let space = c.one(&[space, space, Space::InputRegister]);
                Self::Read { space, address, count: 1 + c.below(4) as u16 }
            }
            5..=7 => Self::Write { space, address, values: values(c, space, 1), single: true },
            8 | 9 => {
                let count = 1 + c.below(4);
                Self::Write { space, address, values: values(c, space, count), single: false }
            }
            10 => Self::Mask { address },
            _ => Self::Identify,
        }
    }
}

/// What a device says that was read.
fn read(c: &mut Choices<'_>, request: &Request) -> Vec<u16> {
    match request {
        Request::Read { space, count, .. } => values(c, *space, usize::from(*count)),
        _ => Vec::new(),
    }
}

/// Small numbers, some of which are halves of numbers of single precision, or of what is no number.
fn values(c: &mut Choices<'_>, space: Space, count: usize) -> Vec<u16> {
    const WORDS: [u16; 10] = [0, 1, 2, 3, 5, 8, 12, 0x3f80, 0x4080, 0x7fc0];
    (0..count).map(|_| if space == Space::Coil { c.below(2) as u16 } else { c.one(&WORDS) }).collect()
}
