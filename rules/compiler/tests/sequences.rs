//! What permits ask of time, conditions, pace and change: the engine agrees with a reference that keeps everything that
//! ever happened and walks over all of it at every question, in whole tenths.

use proptest::collection::vec;
use proptest::prelude::*;

use tagout_compiler::{SourceFile, compile, render};
use tagout_engine::{
    Action, Endpoint, Engine, Fact, Facts, Field, Memory, PastSlot, Policy, Question, Reason, Space, Timestamp, Touch,
    Values, Verdict,
};

const ACTORS: [&str; 3] = ["agent", "hmi", "nobody"];
const ACTIONS: [Action; 3] = [Action::Read, Action::Write, Action::Select];
/// Space, address and scale in tenths of the points of each of the two devices.
const POINTS: [(Space, u32, i64); 4] = [
    (Space::HoldingRegister, 0, 10),
    (Space::HoldingRegister, 1, 1),
    (Space::HoldingRegister, 3, -10),
    (Space::Coil, 1, 10),
];
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// 2026-01-01, a Thursday, in milliseconds.
const START: u64 = 1_767_225_600_000;

#[derive(Clone, Debug)]
enum WindowModel {
    /// Days, hours from and to, hours ahead of UTC.
    Weekly(Vec<usize>, i64, i64, i64),
    /// Hours after the start.
    Once(u64, u64),
}

/// All values are in tenths.
#[derive(Clone, Debug)]
struct PermitModel {
    actors: Vec<usize>,
    devices: Vec<usize>,
    actions: Vec<Action>,
    points: Option<Vec<usize>>,
    value: ValueModel,
    /// The fact must be below.
    when: Option<i64>,
    during: Vec<usize>,
    /// How many, per how many milliseconds.
    at_most: Option<(u32, u64)>,
    max_step: Option<i64>,
    opposite_ms: Option<u64>,
    max_change: Option<(i64, u64)>,
}

#[derive(Clone, Debug)]
enum ValueModel {
    Any,
    Range(Option<i64>, Option<i64>, Option<i64>),
    OneOf(Vec<i64>),
}

#[derive(Clone, Debug)]
struct Exchange {
    /// Milliseconds after the one before.
    pause: u64,
    actor: usize,
    device: usize,
    action: Action,
    space: Space,
    address: u32,
    raw: Vec<u8>,
    /// Of which the condition asks.
    fact: Option<i64>,
}

impl Facts for Exchange {
    fn fact(&self, field: Field) -> Fact<'_> {
        let number = self.fact.filter(|_| field == Field::ModbusQuantity);
        number.map_or(Fact::Unknown, |number| Fact::Number(number as f64))
    }
}

type Spot = (usize, Space, u32);

/// Something that a permit covered.
struct Used {
    exchange: usize,
    at: u64,
    actor: usize,
    permit: usize,
    spot: Spot,
    value: Option<i64>,
}

/// The reference.
struct Reference<'m> {
    permits: &'m [PermitModel],
    windows: &'m [WindowModel],
    now: u64,
    exchange: usize,
    used: Vec<Used>,
}

#[derive(Clone, Debug, PartialEq)]
struct Found {
    spot: Spot,
    reason: Reason,
    nearest: Option<usize>,
    measure: Option<f64>,
}

impl Reference<'_> {
    /// What is said of an exchange: the permit of the first part, and everything that is not covered.
    fn judge(&mut self, asked: &Exchange) -> (Option<usize>, Vec<Found>) {
        let (mut first, mut found) = (None, Vec::new());
        for (address, raw) in (asked.address..).zip(&asked.raw) {
            let spot = (asked.device, asked.space, address);
            let point = POINTS.iter().position(|point| (point.0, point.1) == (asked.space, address));
            let scale = point.map_or(10, |point| POINTS[point].2);
            let value = (asked.action != Action::Read).then(|| i64::from(*raw) * scale);
            match self.part(asked, spot, point, value) {
                Ok(permit) => _ = first.get_or_insert(permit),
                Err(one) => found.push(one),
            }
        }
        (first, found)
    }

    fn part(&mut self, asked: &Exchange, spot: Spot, point: Option<usize>, value: Option<i64>) -> Result<usize, Found> {
        let own: Vec<_> = (0..self.permits.len())
            .filter(|id| self.permits[*id].actors.contains(&asked.actor))
            .filter(|id| self.permits[*id].devices.contains(&asked.device))
            .collect();
        let able: Vec<_> = own.iter().copied().filter(|id| self.permits[*id].actions.contains(&asked.action)).collect();
        let named =
            |id: &usize| self.permits[*id].points.as_ref().is_some_and(|all| point.is_some_and(|p| all.contains(&p)));
        let whole = |id: &usize| self.permits[*id].points.is_none();
        let covering = able.iter().copied().filter(named).chain(able.iter().copied().filter(whole));
        let mut nearest: Option<(Reason, i64, usize, Option<f64>)> = None;
        for id in covering.collect::<Vec<_>>() {
            let Some((reason, distance, measure)) = self.against(id, asked, spot, value) else {
                if asked.action != Action::Select {
                    let (exchange, at, actor) = (self.exchange, self.now, asked.actor);
                    self.used.push(Used { exchange, at, actor, permit: id, spot, value });
                }
                return Ok(id);
            };
            if nearest.is_none_or(|(known, far, ..)| reason > known || (reason == known && distance < far)) {
                nearest = Some((reason, distance, id, measure));
            }
        }
        let found = |reason, nearest, measure| Err(Found { spot, reason, nearest, measure });
        match nearest {
            Some((reason, _, id, measure)) => found(reason, Some(id), measure),
            None if asked.actor == 2 => found(Reason::UnknownActor, None, None),
            None if own.is_empty() => found(Reason::NoPermit, None, None),
            None if able.is_empty() => {
                let here = own.iter().copied().filter(named).chain(own.iter().copied().filter(whole)).next();
                found(Reason::Action, here.or(own.first().copied()), None)
            }
            None if point.is_some() => found(Reason::Point, able.first().copied(), None),
            None => found(Reason::Unmapped, able.first().copied(), None),
        }
    }

    /// The first thing that stands against a use of a permit, with the distance from the range and what was measured.
    fn against(
        &self,
        id: usize,
        asked: &Exchange,
        spot: Spot,
        value: Option<i64>,
    ) -> Option<(Reason, i64, Option<f64>)> {
        let permit = &self.permits[id];
        if let Some(value) = value {
            match &permit.value {
                ValueModel::Range(min, ..) if min.is_some_and(|min| value < min) => {
                    return Some((Reason::Value, min.unwrap_or(0) - value, None));
                }
                ValueModel::Range(_, max, _) if max.is_some_and(|max| value > max) => {
                    return Some((Reason::Value, value - max.unwrap_or(0), None));
                }
                ValueModel::Range(min, _, Some(step)) if (value - min.unwrap_or(0)) % step != 0 => {
                    return Some((Reason::NotAllowed, 0, None));
                }
                ValueModel::OneOf(values) if !values.contains(&value) => return Some((Reason::NotAllowed, 0, None)),
                _ => {}
            }
        }
        if permit.when.is_some_and(|limit| asked.fact.is_none_or(|fact| fact >= limit)) {
            return Some((Reason::Condition, 0, None));
        }
        if !permit.during.is_empty() && !permit.during.iter().any(|id| self.is_in(&self.windows[*id])) {
            return Some((Reason::Window, 0, None));
        }
        if let Some((most, per)) = permit.at_most {
            let mine = |used: &&Used| used.permit == id && used.actor == asked.actor && used.spot.0 == asked.device;
            let live = self.used.iter().filter(mine).filter(|used| self.is_live(used.at, per));
            let mut exchanges: Vec<_> = live.map(|used| used.exchange).collect();
            exchanges.dedup();
            if !exchanges.contains(&self.exchange) && exchanges.len() as u32 + 1 > most {
                return Some((Reason::Pace, 0, Some(exchanges.len() as f64 + 1.0)));
            }
        }
        self.against_change(permit, id, spot, value?).map(|(reason, measure)| (reason, 0, Some(measure)))
    }

    fn against_change(&self, permit: &PermitModel, id: usize, spot: Spot, value: i64) -> Option<(Reason, f64)> {
        let commands: Vec<_> = self.used.iter().filter(|used| used.spot == spot).collect();
        let commands: Vec<_> = commands.iter().filter_map(|used| Some((used.at, used.permit, used.value?))).collect();
        let before = commands.last().map_or(value, |command| command.2);
        let size = (value - before).abs();
        if permit.max_step.is_some_and(|most| size > most) {
            return Some((Reason::Step, size as f64 / 10.0));
        }
        let direction =
            |value: i64, before: i64| if spot.1 == Space::Coil { value - 5 } else { value - before }.signum();
        let (mut last, mut previous) = ((0, 0), None);
        for (at, _, value) in &commands {
            let to = direction(*value, previous.unwrap_or(*value));
            last = if to == 0 { last } else { (to, *at) };
            previous = Some(*value);
        }
        let turns = direction(value, before) * last.0 < 0;
        if turns && permit.opposite_ms.is_some_and(|pause| self.now < last.1 + pause) {
            return Some((Reason::Reversal, (self.now - last.1) as f64 / 1_000.0));
        }
        let (most, per) = permit.max_change?;
        let mut sum = size;
        for (index, (at, permit, value)) in commands.iter().enumerate() {
            let before = if index == 0 { *value } else { commands[index - 1].2 };
            if *permit == id && self.is_live(*at, per) {
                sum += (value - before).abs();
            }
        }
        (sum > most).then(|| (Reason::Change, sum as f64 / 10.0))
    }

    /// Whether something is in one of the last eight eighths of a window.
    fn is_live(&self, at: u64, per: u64) -> bool {
        let eighth = |at: u64| at * 8 / per;
        eighth(at) + 8 > eighth(self.now)
    }

    fn is_in(&self, window: &WindowModel) -> bool {
        const HOUR: i64 = 3_600_000;
        match window {
            WindowModel::Once(from, to) => (START + from * 3_600_000..START + to * 3_600_000).contains(&self.now),
            WindowModel::Weekly(days, from, to, offset) => {
                let local = self.now as i64 + offset * HOUR;
                let today = local / (24 * HOUR);
                let begins = [today - 1, today].into_iter().filter(|day| days.contains(&(((day + 3) % 7) as usize)));
                let length = if from < to { to - from } else { to + 24 - from };
                begins.map(|day| (day * 24 + from) * HOUR).any(|begin| (begin..begin + length * HOUR).contains(&local))
            }
        }
    }
}

fn tenths(value: i64) -> String {
    format!("{}{}.{}", if value < 0 { "-" } else { "" }, value.abs() / 10, value.abs() % 10)
}

fn list<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(", "))
}

fn per(ms: u64) -> &'static str {
    if ms == 1_000 { "s" } else { "min" }
}

fn policy_text(windows: &[WindowModel], permits: &[PermitModel]) -> String {
    let mut text = String::from("[actors]\nagent = { kind = \"ai-agent\", ip = \"10.0.0.1\" }\n");
    text += "hmi = { kind = \"hmi\", ip = \"10.0.0.2\" }\n";
    for device in 0..2 {
        text += &format!("[devices.plc{device}]\nip = \"10.0.1.{device}\"\n[devices.plc{device}.points]\n");
        for (index, (space, address, scale)) in POINTS.iter().enumerate() {
            let scale = if *space == Space::Coil { String::new() } else { format!(", scale = {}", tenths(*scale)) };
            text += &format!("p{index} = {{ {} = {address}{scale} }}\n", space.name());
        }
    }
    for (index, window) in windows.iter().enumerate() {
        text += &format!("[windows.w{index}]\n");
        text += &match window {
            WindowModel::Weekly(days, from, to, offset) => format!(
                "days = {}\nfrom = \"{from:02}:00\"\nto = \"{to:02}:00\"\nutc_offset = \"{}{:02}:00\"\n",
                list(days, |day| format!("\"{}\"", DAYS[*day])),
                if *offset < 0 { "-" } else { "+" },
                offset.abs()
            ),
            WindowModel::Once(from, to) => {
                let at = |hour: &u64| format!("2026-01-{:02}T{:02}:00:00Z", 1 + hour / 24, hour % 24);
                format!("start = {}\nend = {}\n", at(from), at(to))
            }
        };
    }
    permits.iter().fold(text, |text, permit| text + &permit_text(permit))
}

fn permit_text(permit: &PermitModel) -> String {
    let mut text = format!(
        "[[permits]]\nactor = {}\ndevice = {}\ndo = {}\n",
        list(&permit.actors, |actor| format!("\"{}\"", ACTORS[*actor])),
        list(&permit.devices, |device| format!("\"plc{device}\"")),
        list(&permit.actions, |action| format!("\"{}\"", action.name()))
    );
    if let Some(points) = &permit.points {
        text += &format!("points = {}\n", list(points, |point| format!("\"p{point}\"")));
    }
    match &permit.value {
        ValueModel::Any | ValueModel::Range(None, None, None) => {}
        ValueModel::Range(min, max, step) => {
            let ends = [("min", min), ("max", max), ("step", step)];
            let ends = ends.iter().filter_map(|(key, end)| Some(format!("{key} = {}", tenths((**end)?))));
            text += &format!("value = {{ {} }}\n", ends.collect::<Vec<_>>().join(", "));
        }
        ValueModel::OneOf(values) => text += &format!("value = {{ one_of = {} }}\n", list(values, |one| tenths(*one))),
    }
    let during = list(&permit.during, |window| format!("\"w{window}\""));
    let keys = [
        permit.when.map(|limit| format!("when = \"modbus.quantity < {limit}\"")),
        (!permit.during.is_empty()).then(|| format!("during = {during}")),
        permit.at_most.map(|(most, ms)| format!("at_most = \"{most}/{}\"", per(ms))),
        permit.max_step.map(|step| format!("max_step = {}", tenths(step))),
        permit.opposite_ms.map(|ms| format!("opposite_after = \"{ms} ms\"")),
        permit.max_change.map(|(most, ms)| format!("max_change = \"{}/{}\"", tenths(most), per(ms))),
    ];
    keys.into_iter().flatten().fold(text, |text, key| text + &key + "\n")
}

fn window_model() -> impl Strategy<Value = WindowModel> {
    prop_oneof![
        (prop::sample::subsequence((0..7).collect::<Vec<_>>(), 1..6), 0_i64..24, 0_i64..24, -3_i64..4)
            .prop_map(|(days, from, to, offset)| WindowModel::Weekly(days, from, to, offset)),
        (0_u64..48, 1_u64..24).prop_map(|(from, hours)| WindowModel::Once(from, from + hours)),
    ]
}

fn value_model() -> impl Strategy<Value = ValueModel> {
    let end = || prop::option::of(-60_i64..200);
    prop_oneof![
        8 => Just(ValueModel::Any),
        2 => (end(), end(), prop::option::of(1_i64..30)).prop_map(|(min, max, step)| match (min, max) {
            (Some(a), Some(b)) => ValueModel::Range(Some(a.min(b)), Some(a.max(b)), step),
            (min, max) => ValueModel::Range(min, max, step),
        }),
        1 => vec(prop_oneof![-20_i64..100, Just(0), Just(10)], 1..8).prop_map(ValueModel::OneOf),
    ]
}

fn permit_model(windows: usize) -> impl Strategy<Value = PermitModel> {
    let per = || prop::sample::select(vec![1_000_u64, 60_000]);
    let during = if windows == 0 {
        Just(Vec::new()).boxed()
    } else {
        prop_oneof![3 => Just(Vec::new()), 1 => vec(0..windows, 1..3)].boxed()
    };
    let some = || prop_oneof![3 => Just(vec![0_usize, 1]), 1 => Just(vec![0]), 1 => Just(vec![1])];
    let who = (
        some(),
        some(),
        prop_oneof![2 => Just(vec![Action::Write]), 2 => Just(ACTIONS.to_vec()), 1 => Just(vec![Action::Read])],
        prop::option::of(prop::sample::subsequence((0..POINTS.len()).collect::<Vec<_>>(), 1..4)),
    );
    let what = (
        value_model(),
        prop::option::weighted(0.2, 3_i64..10),
        during,
        prop::option::weighted(0.3, (1_u32..6, per())),
        prop::option::weighted(0.3, 1_i64..80),
        prop::option::weighted(0.3, prop::sample::select(vec![50_u64, 1_000, 30_000])),
        prop::option::weighted(0.3, (1_i64..300, per())),
    );
    (who, what).prop_map(|((actors, devices, actions, points), what)| {
        let (value, when, during, at_most, max_step, opposite_ms, max_change) = what;
        PermitModel {
            actors,
            devices,
            actions,
            points,
            value,
            when,
            during,
            at_most,
            max_step,
            opposite_ms,
            max_change,
        }
    })
}

fn exchange() -> impl Strategy<Value = Exchange> {
    let pause = prop_oneof![6 => 0_u64..400, 3 => 400_u64..20_000, 1 => 20_000_u64..20_000_000];
    let action = prop_oneof![1 => Just(Action::Read), 6 => Just(Action::Write), 1 => Just(Action::Select)];
    let place = prop_oneof![Just((Space::HoldingRegister, 4_u32)), Just((Space::Coil, 2))];
    let actor = prop_oneof![12 => Just(0_usize), 7 => Just(1), 1 => Just(2)];
    (pause, actor, 0_usize..2, action, place, 0_u32..4, vec(0_u8..12, 1..4), prop::option::weighted(0.9, 0_i64..10))
        .prop_map(|(pause, actor, device, action, (space, last), address, mut raw, fact)| {
            if space == Space::Coil {
                raw.iter_mut().for_each(|raw| *raw &= 1);
            }
            Exchange { pause, actor, device, action, space, address: address.min(last), raw, fact }
        })
}

/// The bytes of a touch as they lie on the wire.
fn wire(asked: &Exchange) -> Vec<u8> {
    match asked.space {
        Space::Coil => vec![asked.raw.iter().rev().fold(0, |byte, bit| byte << 1 | bit)],
        _ => asked.raw.iter().flat_map(|raw| [0, *raw]).collect(),
    }
}

fn check(windows: &[WindowModel], permits: &[PermitModel], exchanges: &[Exchange]) -> Result<(), TestCaseError> {
    let text = policy_text(windows, permits);
    let files = [SourceFile::new("policy.toml", text.clone())];
    let compiled = compile(&files).map_err(|errors| TestCaseError::fail(render(&errors, &files, false)))?;
    let policy = Policy::load(&compiled.image).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let (mut past, mut past_buckets) = (vec![PastSlot::default(); 1024], vec![0; 1024]);
    let memory = Memory { past: &mut past, past_buckets: &mut past_buckets, ..Memory::default() };
    let mut engine = Engine::new(policy, memory, 0);
    let mut reference = Reference { permits, windows, now: START, exchange: 0, used: Vec::new() };
    let at = |ip: [u8; 4]| Endpoint { ip: Some(ip.into()), ..Endpoint::default() };
    let who = [0, 1, 2].map(|actor| policy.actor(&at([10, 0, 0, 1 + actor])));
    let whom = [0, 1].map(|device| policy.device(&at([10, 0, 1, device])));
    for asked in exchanges {
        reference.now += asked.pause;
        reference.exchange += 1;
        let bytes = wire(asked);
        let values = match (asked.action, asked.space) {
            (Action::Read, _) => Values::None,
            (_, Space::Coil) => Values::Bits(&bytes),
            _ => Values::Registers(&bytes),
        };
        let touch = Touch { space: asked.space, address: asked.address, count: asked.raw.len() as u32, values };
        let now = Timestamp(reference.now * 1_000_000);
        let (actor, device) = (who[asked.actor], whom[asked.device]);
        let question = Question { now, actor, device, action: asked.action };
        let verdict = engine.judge(&question, asked, std::iter::once(touch));
        let (first, found) = reference.judge(asked);
        match (verdict, found.first()) {
            (Verdict::Permitted(permit), None) => {
                prop_assert_eq!(permit.map(|id| usize::from(id.0)), first, "{}", text);
            }
            (Verdict::Unexpected(violation), Some(expected)) => {
                let measure = violation.found.map(|found| (found * 1e6).round() / 1e6);
                let said = Found {
                    spot: (asked.device, asked.space, violation.place.map_or(u32::MAX, |place| place.1)),
                    reason: violation.reason,
                    nearest: violation.nearest.map(|id| usize::from(id.0)),
                    measure,
                };
                prop_assert_eq!(&said, expected, "{}", text);
                prop_assert_eq!(violation.violations as usize, found.len(), "{}", text);
            }
            (verdict, expected) => {
                return Err(TestCaseError::fail(format!("{verdict:?}, but the reference says {expected:?}\n{text}")));
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// 1,000 policies with 100 exchanges each.
    #[test]
    fn the_engine_agrees_with_one_that_forgets_nothing(
        (windows, permits, exchanges) in vec(window_model(), 0..3).prop_flat_map(|windows| {
            let permits = vec(permit_model(windows.len()), 1..5);
            (Just(windows), permits, vec(exchange(), 100))
        })
    ) {
        check(&windows, &permits, &exchanges)?;
    }
}
