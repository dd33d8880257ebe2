//! What the guide says rules do, told by walking over everything that happened.

use std::collections::BTreeMap;

use tagout_core::engine::{Judgement, ProcessEvent, Space};

use super::asks::OF_RESPONSES;
use super::expression::{Ask, Value};
use super::history::{Happened, Past, What, value_in};
use super::model::{
    ACTORS, Answer, DEVICES, Exchange, Invariant, PORT, Point, Policy, Request, Rule, Said, Suppression, Threshold,
    UNIT,
};
use super::told::{Told, told_breach, told_event, told_item};

/// After this long an exchange that nobody answered ends.
const PATIENCE_MS: u64 = 10_000;

/// One thing that an exchange touches: a point, or a run of addresses without any.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) space: Space,
    pub(super) address: u16,
    /// By number.
    pub(super) point: Option<usize>,
    pub(super) value: Option<f64>,
}

/// What came to be wrong with a point.
#[derive(Clone, Copy, Debug)]
pub(super) struct News {
    pub(super) event: ProcessEvent,
    pub(super) point: usize,
    pub(super) value: f64,
    pub(super) limit: Option<f64>,
}

/// What a rule looks at.
#[derive(Clone, Copy)]
pub(super) struct Scene<'e> {
    pub(super) now: u64,
    pub(super) exchange: &'e Exchange,
    pub(super) verdict: Judgement,
    /// Whether the exchange has ended.
    pub(super) ended: bool,
    pub(super) item: Option<Item>,
    pub(super) news: Option<News>,
}

/// A look of a rule at something with a key.
#[derive(Debug)]
struct Look {
    rule: usize,
    key: Vec<Value>,
    at: u64,
    /// Whether its condition held.
    held: bool,
    /// Which steps of its sequence did.
    steps: Vec<bool>,
    /// Of the field whose values it tells apart.
    value: Value,
    /// It was the last step of the sequence.
    completed: bool,
    fired: bool,
}

/// Something that should follow.
#[derive(Debug)]
struct Wait {
    rule: usize,
    key: Vec<Value>,
    due: u64,
    told: Told,
}

/// A rule evaluator without bounds.
#[derive(Debug)]
pub(super) struct Reference<'p> {
    policy: &'p Policy,
    born: Option<u64>,
    /// What happened to each point.
    past: BTreeMap<usize, Vec<Happened>>,
    looks: Vec<Look>,
    waits: Vec<Wait>,
    /// When each invariant was found false since it was last true, and whether that was told.
    broken: BTreeMap<usize, (u64, bool)>,
    told: Vec<Told>,
}

impl<'p> Reference<'p> {
    pub(super) fn new(policy: &'p Policy) -> Self {
        let (past, broken) = (BTreeMap::new(), BTreeMap::new());
        Self { policy, born: None, past, looks: Vec::new(), waits: Vec::new(), broken, told: Vec::new() }
    }

    /// Everything that is told of these exchanges, one after another.
    pub(super) fn tell(mut self, exchanges: &[Exchange]) -> Vec<Told> {
        for (place, exchange) in exchanges.iter().enumerate() {
            let is_last = place + 1 == exchanges.len();
            self.hear(exchange, is_last);
        }
        self.told
    }

    fn hear(&mut self, exchange: &Exchange, is_last: bool) {
        self.born.get_or_insert(exchange.at);
        self.pass(exchange.at);
        let (verdict, reason) = exchange.judged(self.policy);
        let scene = Scene { now: exchange.at, exchange, verdict, ended: false, item: None, news: None };
        self.look(scene);
        let end = match &exchange.answer {
            Some(Answer { after, .. }) => {
                self.pass(exchange.at + after);
                exchange.at + after
            }
            None => {
                // The end of a capture ends what nobody answered, too.
                if !is_last {
                    self.pass(exchange.at + PATIENCE_MS - 1);
                }
                exchange.at
            }
        };
        if let Some(reason) = reason {
            let suppressed = self.suppressed(|suppression| suppression.means_reason(reason, exchange), scene);
            self.told.push(Told { at: exchange.at, cause: reason.to_owned(), about: String::new(), suppressed });
        }
        let scene = Scene { now: end, ended: true, ..scene };
        self.look(scene);
        self.note(scene);
    }

    /// Lets time pass: what should have followed by now and did not is told.
    fn pass(&mut self, now: u64) {
        let (due, waits) = std::mem::take(&mut self.waits).into_iter().partition(|wait| wait.due <= now);
        self.waits = waits;
        self.told.extend(due.into_iter().map(|wait: Wait| wait.told));
    }

    /// Takes note of what an answer tells of points, and of what comes of it.
    fn note(&mut self, scene: Scene<'_>) {
        let policy = self.policy;
        let touched: Vec<_> = scene.exchange.touched(&policy.points).collect();
        for (number, point) in &touched {
            let Some(happened) = scene.exchange.effect(point, scene.verdict) else { continue };
            let before = self.past_of(*number).wrong(point);
            self.past.entry(*number).or_default().push(happened);
            if let What::Reported(value) = happened.what {
                let past = self.past_of(*number);
                let limit = |event| past.limit(point, event);
                let new = past.wrong(point).into_iter().filter(|event| !before.contains(event));
                let news: Vec<_> =
                    new.map(|event| News { event, point: *number, value, limit: limit(event) }).collect();
                news.into_iter().for_each(|news| self.look(Scene { news: Some(news), ..scene }));
            }
        }
        if matches!(&scene.exchange.answer, Some(Answer { said: Said::Answered(_), .. })) {
            // What is commanded counts from its request.
            let now = if scene.exchange.action().is_command() { scene.exchange.at } else { scene.now };
            for (number, invariant) in policy.invariants.iter().enumerate() {
                if touched.iter().any(|(point, _)| invariant.asks_for(&policy.points[*point])) {
                    self.check(number, invariant, Scene { now, ..scene });
                }
            }
        }
    }

    fn past_of(&self, point: usize) -> Past<'_> {
        Past(self.past.get(&point).map(Vec::as_slice).unwrap_or_default())
    }

    fn check(&mut self, number: usize, invariant: &Invariant, scene: Scene<'_>) {
        match invariant.must.value(&|ask| self.value(ask, scene)) {
            Value::Flag(true) => _ = self.broken.remove(&number),
            Value::Flag(false) => {
                let (since, told) = *self.broken.entry(number).or_insert((scene.now, false));
                if !told && scene.now >= since + invariant.lasting_ms.unwrap_or(0) {
                    self.broken.insert(number, (since, true));
                    let points = invariant.points(self.policy);
                    let about = told_breach(points.map(|point| (&self.policy.points[point], self.past_of(point))));
                    let rule = self.policy.rules.len() + number;
                    let suppressed = self.suppressed(|suppression| suppression.means_rule(rule), scene);
                    self.told.push(Told { at: scene.now, cause: format!("invariant {number}"), about, suppressed });
                }
            }
            _ => {}
        }
    }

    /// Has every rule look that this triggers.
    fn look(&mut self, scene: Scene<'_>) {
        let policy = self.policy;
        for (number, rule) in policy.rules.iter().enumerate().filter(|(_, rule)| rule.looks_at(scene)) {
            if !rule.asks_for_items() {
                self.consider(number, rule, scene);
                continue;
            }
            for item in items(scene.exchange, &policy.points) {
                self.consider(number, rule, Scene { item: Some(item), ..scene });
            }
        }
    }

    fn consider(&mut self, number: usize, rule: &Rule, scene: Scene<'_>) {
        let tell = |ask| self.value(ask, scene);
        let held = rule.when.as_ref().is_none_or(|when| when.holds(&tell));
        let key: Vec<_> = rule.key().into_iter().map(|field| tell(Ask::Field(field))).collect();
        if let Threshold::Absent { follows, within_ms } = &rule.threshold {
            let follows = follows.holds(&tell);
            return self.wait(number, (key, held, follows), scene, *within_ms);
        }
        let steps = match &rule.threshold {
            Threshold::Sequence { steps, .. } => steps.iter().map(|step| step.holds(&tell)).collect(),
            _ => Vec::new(),
        };
        let value = match &rule.threshold {
            Threshold::Distinct { field, .. } => tell(Ask::Field(field)),
            _ => Value::Unknown,
        };
        let look = Look { rule: number, key, at: scene.now, held, steps, value, completed: false, fired: false };
        self.looks.push(look);
        self.fire(rule, scene);
    }

    /// Fires a rule by its last look, the last of all.
    fn fire(&mut self, rule: &Rule, scene: Scene<'_>) {
        let Some((last, _)) = self.looks.split_last() else { return };
        let mine: Vec<&Look> =
            self.looks.iter().filter(|look| look.rule == last.rule && look.key == last.key).collect();
        let reached = last.held && self.is_reached(&rule.threshold, &mine);
        let rests = |look: &&Look| look.fired && look.at + rule.rearm_ms.unwrap_or(0) > last.at;
        let fires = reached && !mine.iter().any(rests);
        let completed = reached && matches!(rule.threshold, Threshold::Sequence { .. });
        let number = last.rule;
        if fires {
            let told = self.told_by(number, scene);
            self.told.push(told);
        }
        if let Some(last) = self.looks.last_mut() {
            (last.completed, last.fired) = (completed, fires);
        }
    }

    fn is_reached(&self, threshold: &Threshold, mine: &[&Look]) -> bool {
        let Some((last, earlier)) = mine.split_last() else { return false };
        let live = |within_ms: u64| {
            mine.iter().filter(move |look| look.held && eighth(look.at, within_ms) + 8 > eighth(last.at, within_ms))
        };
        match threshold {
            Threshold::Each => true,
            Threshold::Once { warm_up_ms } => {
                let warms_up = self.born.is_some_and(|born| last.at < born + warm_up_ms.unwrap_or(0));
                !warms_up && !earlier.iter().any(|look| look.held)
            }
            Threshold::Count { count, within_ms } => live(*within_ms).count() >= *count,
            Threshold::Distinct { count, within_ms, .. } => {
                let mut values = Vec::new();
                for value in live(*within_ms).map(|look| look.value).filter(|value| *value != Value::Unknown) {
                    if !values.contains(&value) {
                        values.push(value);
                    }
                }
                last.value != Value::Unknown && values.len() >= *count
            }
            Threshold::Sequence { within_ms, .. } => {
                let begin = earlier.iter().rposition(|look| look.completed).map_or(0, |place| place + 1);
                let since: Vec<_> = mine[begin..].iter().copied().filter(|look| look.held).collect();
                begins_last(&since, last.steps.len()).is_some_and(|began| last.at <= began + within_ms)
            }
            Threshold::Lasting { ms } => {
                let since = mine.iter().rev().take_while(|look| look.held).last();
                since.is_some_and(|since| last.at >= since.at + ms)
            }
            Threshold::Absent { .. } => false,
        }
    }

    /// Begins or ends to wait.
    fn wait(
        &mut self,
        rule: usize,
        (key, begins, follows): (Vec<Value>, bool, bool),
        scene: Scene<'_>,
        within_ms: u64,
    ) {
        let is_it = |wait: &Wait| wait.rule == rule && wait.key == key;
        if follows {
            self.waits.retain(|wait| !is_it(wait));
        } else if begins && !self.waits.iter().any(is_it) {
            let due = scene.now + within_ms;
            let told = Told { at: due, about: String::new(), ..self.told_by(rule, scene) };
            self.waits.push(Wait { rule, key, due, told });
        }
    }

    fn told_by(&self, rule: usize, scene: Scene<'_>) -> Told {
        let points = &self.policy.points;
        let past = |point: Option<usize>| point.map_or(Past(&[]), |point| self.past_of(point));
        let about = match (scene.item, scene.news) {
            (Some(item), _) => told_item(&item, points, past(item.point)),
            (_, Some(news)) => told_event(&news, points, past(Some(news.point))),
            _ => String::new(),
        };
        let suppressed = self.suppressed(|suppression| suppression.means_rule(rule), scene);
        let at = if scene.news.is_some() { scene.now } else { scene.exchange.at };
        Told { at, cause: format!("rule {rule}"), about, suppressed }
    }

    /// The first suppression that is meant and applies.
    fn suppressed(&self, is_meant: impl Fn(&Suppression) -> bool, scene: Scene<'_>) -> Option<usize> {
        self.policy
            .suppressions
            .iter()
            .position(|suppression| is_meant(suppression) && self.applies(suppression, scene))
    }

    fn applies(&self, suppression: &Suppression, scene: Scene<'_>) -> bool {
        let parts: Vec<_> = match (scene.item, scene.news) {
            (None, None) => items(scene.exchange, &self.policy.points).into_iter().map(Some).collect(),
            (item, _) => vec![item],
        };
        let parts = if parts.is_empty() { vec![None] } else { parts };
        parts.into_iter().all(|item| {
            let scene = Scene { item, ..scene };
            let point = item.and_then(|item| item.point).or(scene.news.map(|news| news.point));
            let name = point.map(|point| self.policy.points[point].name);
            suppression.actor.is_none_or(|actor| actor == scene.exchange.actor)
                && suppression.device.is_none_or(|device| device == scene.exchange.device)
                && suppression.points.as_ref().is_none_or(|names| name.is_some_and(|name| names.contains(&name)))
                && suppression.when.as_ref().is_none_or(|when| when.holds(&|ask| self.value(ask, scene)))
        })
    }

    fn value(&self, ask: Ask, scene: Scene<'_>) -> Value {
        match ask {
            Ask::Field(name) => self.field(name, scene),
            Ask::Point { device, name, property } => {
                let is_it = |point: &Point| (point.device, point.name) == (device, name);
                let point = self.policy.points.iter().position(is_it);
                point.map_or(Value::Unknown, |point| self.property(self.past_of(point), property, scene.now))
            }
        }
    }

    fn property(&self, past: Past<'_>, property: &str, now: u64) -> Value {
        match property {
            "" => Value::of(past.reported(), Value::Number),
            "age" => Value::of(past.age(now), Value::Number),
            "rate" => Value::of(past.reported().and_then(|_| past.rate()), Value::Number),
            "commanded" => Value::of(past.order(), |order| Value::Number(order.value)),
            _ => Value::of(past.last_report(), |value| Value::Text(if value.is_finite() { "good" } else { "bad" })),
        }
    }

    fn field(&self, name: &'static str, scene: Scene<'_>) -> Value {
        let Scene { exchange, verdict, .. } = scene;
        let (actor, device) = (&ACTORS[exchange.actor], &DEVICES[exchange.device]);
        match name {
            "actor" => Value::of(actor.known, |(name, _)| Value::Text(name)),
            "actor.kind" => Value::of(actor.known, |(_, kind)| Value::Text(kind)),
            "device" => Value::of(device.name, Value::Text),
            "client.ip" => Value::Address(actor.ip),
            "client.mac" => Value::Bytes(actor.mac),
            "server.ip" => Value::Address(device.ip),
            "server.port" => Value::Number(f64::from(PORT)),
            "action" => Value::Text(exchange.action().name()),
            "is_command" => Value::Flag(matches!(exchange.request, Request::Write { .. } | Request::Mask { .. })),
            "verdict" => Value::Text(verdict.name()),
            "modbus.unit" => Value::Number(f64::from(UNIT)),
            "modbus.function" => Value::Number(f64::from(exchange.request.function())),
            "modbus.address" => Value::of(exchange.place(), |(_, address, _)| Value::Number(f64::from(address))),
            "modbus.quantity" => Value::of(exchange.place(), |(_, _, count)| Value::Number(f64::from(count))),
            "process.event" => Value::of(scene.news, |news| Value::Text(news.event.name())),
            "process.point" => Value::of(scene.news, |news| Value::Text(self.policy.points[news.point].name)),
            "process.value" => Value::of(scene.news, |news| Value::Number(news.value)),
            "process.limit" => Value::of(scene.news.and_then(|news| news.limit), Value::Number),
            _ if OF_RESPONSES.contains(&name) => of_response(name, scene),
            _ => scene.item.map_or(Value::Unknown, |item| self.of_item(name, &item, scene)),
        }
    }

    fn of_item(&self, name: &str, item: &Item, scene: Scene<'_>) -> Value {
        let past = item.point.map_or(Past(&[]), |point| self.past_of(point));
        let point = item.point.map(|point| &self.policy.points[point]);
        let step = item.value.zip(past.latest());
        let run = item.value.map(|value| past.run_with(value)).filter(|run| *run != 0);
        match name {
            "command.point" => Value::of(point, |point| Value::Text(point.name)),
            "command.space" => Value::Text(item.space.name()),
            "command.address" => Value::Number(f64::from(item.address)),
            "command.value" => Value::of(item.value, Value::Number),
            "command.previous" => Value::of(past.latest(), Value::Number),
            "command.change" => Value::of(step, |(value, previous)| Value::Number(value - previous)),
            "command.run" => Value::of(run, |run| Value::Number(f64::from(run.abs()))),
            "command.reversal" => {
                let before = Some(past.run()).filter(|run| *run != 0);
                Value::of(before.zip(run), |(before, run)| Value::Flag(before.signum() != run.signum()))
            }
            "command.since_ms" => Value::of(past.order(), |order| Value::Number((scene.now - order.at) as f64)),
            "command.actor_before" => {
                let who = past.order().and_then(|order| ACTORS[order.by].known);
                Value::of(who, |(name, _)| Value::Text(name))
            }
            "command.place" => {
                let range = point.and_then(|point| point.range).filter(|(low, high)| high > low);
                let range = range.map(|(low, high)| (low as f64 / 10.0, high as f64 / 10.0));
                Value::of(item.value.zip(range), |(value, (low, high))| Value::Number((value - low) / (high - low)))
            }
            _ => panic!("{name} is no field of the reference"),
        }
    }
}

/// The eighth of a window that runs.
fn eighth(at: u64, within_ms: u64) -> u64 {
    at * 8 / within_ms
}

/// When steps began of which the last of these looks is the last, as late as possible.
fn begins_last(looks: &[&Look], steps: usize) -> Option<u64> {
    let (last, earlier) = looks.split_last()?;
    let step = steps.checked_sub(1)?;
    match (last.steps[step], step) {
        (false, _) => None,
        (true, 0) => Some(last.at),
        (true, _) => (1..=earlier.len()).filter_map(|end| begins_last(&earlier[..end], step)).max(),
    }
}

fn of_response(name: &str, scene: Scene<'_>) -> Value {
    let answer = scene.exchange.answer.as_ref().filter(|_| scene.ended);
    match name {
        "outcome" if scene.ended => Value::Text(scene.exchange.outcome().name()),
        "modbus.exception" => Value::of(answer, |answer| match answer.said {
            Said::Refused(code) => Value::Number(f64::from(code)),
            Said::Answered(_) => Value::Unknown,
        }),
        "latency_ms" => Value::of(answer, |answer| Value::Number(answer.after as f64)),
        _ => Value::Unknown,
    }
}

/// What an exchange touches, by address: each point, and each run of addresses without one.
fn items(exchange: &Exchange, points: &[Point]) -> Vec<Item> {
    let Some((space, first, count)) = exchange.place() else { return Vec::new() };
    let touched: Vec<_> = exchange.touched(points).collect();
    let written = exchange.written();
    let mut items: Vec<Item> = Vec::new();
    let mut in_run = false;
    for address in first..first + count {
        let covers = |(_, point): &&(usize, &Point)| (point.address..point.address + point.width()).contains(&address);
        let point = touched.iter().find(covers).copied();
        let number = point.map(|(number, _)| number);
        let goes_on = match number {
            Some(_) => items.last().is_some_and(|item| item.point == number),
            None => in_run,
        };
        in_run = point.is_none();
        if !goes_on {
            let raw = |values: &[u16]| values.get(usize::from(address - first)).map(|raw| f64::from(*raw));
            let value = written.and_then(|values| match point {
                Some((_, point)) => value_in(point, first, values),
                None => raw(values),
            });
            items.push(Item { space, address, point: number, value });
        }
    }
    items
}
