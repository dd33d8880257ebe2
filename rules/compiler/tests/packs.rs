//! The shipped packs against the cases beside them.

use std::collections::{BTreeMap, BTreeSet};

use tagout_compiler::{SourceFile, compile, packs, render};
use tagout_engine::{
    Action, ActorId, AnomalyKind, CadenceEvent, DeviceId, Engine, Fact, Facts, Field, FieldType, Given, Judgement,
    Memory, Outcome, PointId, PointState, Policy, ProcessEvent, SeenSlot, Space, Threshold, Timestamp, Touch, Trigger,
    Values, Verdict, Wait, WindowSlot,
};

/// Who and what stories are about.
const SITE: &str = r#"
[actors]
optimizer = { kind = "ai-agent", ip = "10.0.0.20" }
planner = { kind = "ai-agent", ip = "10.0.0.21" }
panel = { kind = "hmi", ip = "10.0.0.30" }
workshop = { kind = "engineering-station", ip = "10.0.0.40" }

[devices.plc1]
ip = "10.0.0.10"

[devices.plc1.points]
pump = { coil = 3 }
speed = { holding-register = 10, range = [0, 100], unit = "%" }
flow = { holding-register = 20, type = "f32" }
total = { holding-register = 30, type = "u32" }
weight = { holding-register = 40, scale = 0.25 }
load = { analog-output = 7, range = [0, 500], unit = "kW" }
"#;
const PLC: DeviceId = DeviceId(0);

/// The cases of all packs.
fn cases() -> toml::Table {
    let files = [
        include_str!("../../packs/default.cases.toml"),
        include_str!("../../packs/modbus.cases.toml"),
        include_str!("../../packs/dnp3.cases.toml"),
        include_str!("../../packs/agents.cases.toml"),
    ];
    files.map(|file| file.parse::<toml::Table>().expect("the cases are TOML")).into_iter().flatten().collect()
}

fn image(files: &[SourceFile]) -> Vec<u8> {
    let compiled = compile(files).unwrap_or_else(|errors| panic!("{}", render(&errors, files, false)));
    assert!(compiled.warnings.is_empty(), "{}", render(&compiled.warnings, files, false));
    compiled.image
}

/// What a case says of one thing that happens.
#[derive(Clone, Debug)]
struct Event {
    trigger: Trigger,
    /// Seconds from the start.
    at: f64,
    actor: Option<ActorId>,
    touch: Option<Touched>,
    facts: BTreeMap<Field, Said>,
}

/// What an event touches: one value, or the registers of one.
#[derive(Clone, Debug)]
struct Touched {
    space: Space,
    address: u32,
    value: f64,
    registers: Vec<u8>,
}

impl Touched {
    /// The point or address that a line names.
    fn read(line: &toml::Table, policy: &Policy<'_>) -> Option<Self> {
        let name = line.get("point").map(|name| name.as_str().expect("a name"));
        let mut points = (0..policy.point_count() as u32).filter_map(|id| policy.point_info(PointId(id)));
        let (space, address) = match (line.get("address"), name) {
            (Some(address), _) => (Space::HoldingRegister, float(address) as u32),
            (None, Some(name)) => {
                let point = points.find(|point| point.name == name).unwrap_or_else(|| panic!("no point `{name}`"));
                (point.space, point.address.into())
            }
            (None, None) => return None,
        };
        let registers = line.get("registers").and_then(toml::Value::as_array).into_iter().flatten();
        let registers = registers.flat_map(|register| (float(register) as u16).to_be_bytes()).collect();
        Some(Self { space, address, value: 0.0, registers })
    }

    fn touch(&self) -> Touch<'_> {
        let Self { space, address, value, registers } = self;
        let (count, values) = match registers.len() {
            0 => (1, Values::Number(*value)),
            len => (len as u32 / 2, Values::Registers(registers)),
        };
        Touch { space: *space, address: *address, count, values }
    }
}

#[derive(Clone, Debug)]
enum Said {
    Number(f64),
    Flag(bool),
    Text(String),
    Octets(Vec<u8>),
}

impl Facts for Event {
    fn fact(&self, field: Field) -> Fact<'_> {
        match (self.facts.get(&field), field.kind()) {
            (None, _) => Fact::Unknown,
            (Some(Said::Number(number)), _) => Fact::Number(*number),
            (Some(Said::Flag(flag)), _) => Fact::Flag(*flag),
            (Some(Said::Text(text)), FieldType::Address) => Fact::Address(text.parse().expect("an IP address")),
            (Some(Said::Text(text)), _) => Fact::Text(text),
            (Some(Said::Octets(octets)), _) => Fact::Bytes(octets),
        }
    }

    fn touches(&self, visit: &mut dyn FnMut(Option<DeviceId>, &Touch<'_>)) {
        if let Some(touched) = &self.touch {
            visit(Some(PLC), &touched.touch());
        }
    }
}

impl Event {
    /// An event of `on`: an action, with how it ended or before it did, a kind of anomaly, a process event, or what
    /// departs from a cadence.
    fn of(on: &str, outcome: Option<&str>) -> Self {
        let action = Action::from_name(on);
        let outcome = outcome.map(|name| Outcome::from_name(name).unwrap_or_else(|| panic!("no outcome `{name}`")));
        let unjudged = Judgement::Unjudged;
        let alone = AnomalyKind::from_name(on).map(Trigger::Anomaly);
        let alone = alone.or_else(|| ProcessEvent::from_name(on).map(Trigger::Process));
        let alone = alone.or_else(|| CadenceEvent::from_name(on).map(Trigger::Cadence));
        let trigger = match (action, outcome, alone) {
            (Some(action), Some(outcome), _) => Trigger::End(action, unjudged, outcome),
            (Some(action), None, _) => Trigger::Request(action, unjudged),
            (None, None, Some(trigger)) => trigger,
            _ => panic!("`{on}` is no action, no kind of anomaly, no process event and no departure from a cadence"),
        };
        let mut facts = BTreeMap::from([(Field::Verdict, Said::Text("unjudged".into()))]);
        if let Some(action) = action {
            facts.insert(Field::Action, Said::Text(action.name().into()));
            facts.insert(Field::IsCommand, Said::Flag(action.is_command()));
        }
        if let Some(outcome) = outcome {
            facts.insert(Field::Outcome, Said::Text(outcome.name().into()));
        }
        Self { trigger, at: 0.0, actor: None, touch: None, facts }
    }

    fn by(&mut self, name: &str, policy: &Policy<'_>) {
        let actors = (0..policy.actor_count() as u16).map(ActorId);
        let mut actors = actors.filter_map(|id| Some((id, policy.actor_info(id)?)));
        let (id, actor) = actors.find(|(_, actor)| actor.name == name).unwrap_or_else(|| panic!("no actor `{name}`"));
        self.actor = Some(id);
        self.facts.insert(Field::Actor, Said::Text(actor.name.into()));
        self.facts.insert(Field::ActorKind, Said::Text(actor.kind.name().into()));
        self.facts.insert(Field::Device, Said::Text("plc1".into()));
    }

    /// Whether the device does what it is told.
    fn is_accepted(&self) -> bool {
        match self.trigger {
            Trigger::Request(..) => true,
            Trigger::End(_, _, outcome) => outcome == Outcome::Answered,
            _ => false,
        }
    }

    fn judged(&mut self, judgement: Judgement) {
        self.trigger = match self.trigger {
            Trigger::Request(action, _) => Trigger::Request(action, judgement),
            Trigger::End(action, _, outcome) => Trigger::End(action, judgement, outcome),
            Trigger::Anomaly(_) | Trigger::Process(_) | Trigger::Cadence(_) => self.trigger,
        };
        self.facts.insert(Field::Verdict, Said::Text(judgement.name().into()));
    }

    /// The events of a line of a case: as many as `repeat` says, `every` so many seconds, with `vary`ing numbers, or one
    /// for each of the `values`.
    fn read(line: &toml::Table, policy: &Policy<'_>) -> Vec<Self> {
        let text = |key: &str| line.get(key).map(|value| value.as_str().expect("a string"));
        let number = |key: &str, default| line.get(key).map_or(default, float);
        let mut event = Self::of(text("on").expect("`on`"), text("outcome"));
        if let Some(verdict) = text("verdict") {
            event.judged(Judgement::from_name(verdict).unwrap_or_else(|| panic!("no verdict `{verdict}`")));
        }
        if let Some(name) = text("actor") {
            event.by(name, policy);
        }
        event.touch = Touched::read(line, policy);
        let values: Vec<_> =
            line.get("values").and_then(toml::Value::as_array).into_iter().flatten().map(float).collect();
        for (name, value) in line.iter().filter(|(name, _)| *name != "actor") {
            if let Some(field) = Field::from_name(name) {
                event.facts.insert(field, said(value));
            }
        }
        let vary = text("vary").map(|name| Field::from_name(name).unwrap_or_else(|| panic!("no field `{name}`")));
        let turns = if values.is_empty() { number("repeat", 1.0) as u32 } else { values.len() as u32 };
        (0..turns)
            .map(|turn| {
                let mut event = event.clone();
                event.at = number("at", 0.0) + f64::from(turn) * number("every", 0.0);
                if let (Some(touch), Some(value)) = (&mut event.touch, values.get(turn as usize)) {
                    touch.value = *value;
                }
                if let Some(field) = vary {
                    event.facts.insert(field, varied(event.facts.get(&field), field, turn));
                }
                event
            })
            .collect()
    }
}

fn float(value: &toml::Value) -> f64 {
    value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64)).expect("a number")
}

fn said(value: &toml::Value) -> Said {
    match value {
        toml::Value::Boolean(flag) => Said::Flag(*flag),
        toml::Value::String(text) => Said::Text(text.clone()),
        toml::Value::Array(octets) => Said::Octets(octets.iter().map(|octet| float(octet) as u8).collect()),
        number => Said::Number(float(number)),
    }
}

/// The field's value of the nth repetition.
fn varied(first: Option<&Said>, field: Field, turn: u32) -> Said {
    match (first, field.kind()) {
        (Some(Said::Number(number)), _) => Said::Number(number + f64::from(turn)),
        (None, FieldType::Number) => Said::Number(turn.into()),
        (_, FieldType::Address) => Said::Text(format!("10.9.{}.{}", turn / 250, turn % 250 + 1)),
        (_, FieldType::Flag) => Said::Flag(turn % 2 == 1),
        _ => Said::Text(format!("{turn}")),
    }
}

/// The sids that fire on these, in a fresh engine, by the number of the event.
fn fired(policy: &Policy<'_>, events: &[Event]) -> Vec<BTreeSet<u32>> {
    let (mut seen, mut windows) = (vec![SeenSlot::default(); 256], vec![WindowSlot::default(); 256]);
    let (mut seen_buckets, mut window_buckets) = (vec![0; 256], vec![0; 256]);
    let mut points = vec![PointState::default(); policy.point_count()];
    let memory = Memory {
        points: &mut points,
        seen: &mut seen,
        seen_buckets: &mut seen_buckets,
        windows: &mut windows,
        window_buckets: &mut window_buckets,
        ..Memory::default()
    };
    let mut engine = Engine::new(*policy, memory, 0);
    let start = 1_000_000_000.0;
    let time = |at: f64| Timestamp(((start + at) * 1e9) as u64);
    engine.begin(time(0.0));
    let mut waits = Waits::new();
    let react = |event: &Event| {
        let mut sids = overdue(&mut waits, event.at);
        engine.react(event.trigger, time(event.at), event, |firing| {
            let rule = policy.rule_info(firing.rule).expect("a rule of the policy");
            match firing.wait {
                Wait::No => _ = sids.insert(rule.sid),
                Wait::Begins => {
                    let due = event.at + f64::from(rule.within_ms) / 1e3;
                    waits.entry((rule.sid, firing.kin)).or_insert(due);
                }
                Wait::Ends => _ = waits.remove(&(rule.sid, firing.kin)),
            }
        });
        if let Some(touched) = event.touch.as_ref().filter(|_| event.is_accepted()) {
            let given = Given { by: event.actor, at: time(event.at), unpermitted: None };
            engine.ordered(PLC, &touched.touch(), given);
        }
        sids
    };
    let mut fired: Vec<_> = events.iter().map(react).collect();
    if let Some(last) = fired.last_mut() {
        last.extend(overdue(&mut waits, f64::INFINITY));
    }
    fired
}

/// Rules that wait for something, by sid and kin, and until when.
type Waits = BTreeMap<(u32, Option<u32>), f64>;

/// The sids of rules for which something did not come by now.
fn overdue(waits: &mut Waits, now: f64) -> BTreeSet<u32> {
    let over = waits.iter().filter(|(_, due)| **due <= now).map(|((sid, _), _)| *sid).collect();
    waits.retain(|_, due| *due > now);
    over
}

fn words(case: &toml::Table, key: &str) -> BTreeSet<String> {
    let words = case.get(key).and_then(toml::Value::as_array).into_iter().flatten();
    words.map(|word| word.as_str().expect("a word").to_owned()).collect()
}

/// The stories under a key: each a list of events.
fn stories(case: &toml::Table, key: &str, policy: &Policy<'_>) -> Vec<Vec<Event>> {
    let story = |story: &toml::Value| {
        let lines = story.as_array().expect("a list of events").iter();
        let mut events: Vec<_> =
            lines.flat_map(|line| Event::read(line.as_table().expect("an event"), policy)).collect();
        events.sort_by(|a, b| a.at.total_cmp(&b.at));
        events
    };
    case.get(key).and_then(toml::Value::as_array).into_iter().flatten().map(story).collect()
}

#[test]
fn every_rule_fires_on_its_cases_and_on_nothing_else() {
    let image = image(&[packs().as_slice(), &[SourceFile::new("site.toml", SITE)]].concat());
    let policy = Policy::load(&image).expect("a good image");
    let cases = cases();
    assert_eq!(policy.rule_count(), cases.len(), "a case for every rule");
    for id in (0..policy.rule_count() as u16).map(tagout_engine::RuleId) {
        let rule = policy.rule_info(id).expect("a rule");
        let case = cases[&rule.sid.to_string()].as_table().expect("a case");
        let all = Action::ALL.iter().map(|action| action.name()).chain(AnomalyKind::ALL.iter().map(|kind| kind.name()));
        let all = all.chain(ProcessEvent::ALL.iter().map(|event| event.name()));
        let all = all.chain(CadenceEvent::ALL.iter().map(|event| event.name()));
        let alone = |word: &&str| fired(&policy, &[Event::of(word, None)])[0].contains(&rule.sid);
        let fires: BTreeSet<_> = all.filter(alone).map(str::to_owned).collect();
        assert_eq!(fires, words(case, "on"), "{}", rule.signature);
        assert!(fires.is_disjoint(&words(case, "not-on")), "{}", rule.signature);
        let told = |story: &Vec<Event>| fired(&policy, story).iter().any(|sids| sids.contains(&rule.sid));
        let (loud, silent) = (stories(case, "fires", &policy), stories(case, "silent", &policy));
        assert!(!fires.is_empty() || !(loud.is_empty() || silent.is_empty()), "{}: no case", rule.signature);
        loud.iter().enumerate().for_each(|(n, story)| assert!(told(story), "{}: fires {n}", rule.signature));
        silent.iter().enumerate().for_each(|(n, story)| assert!(!told(story), "{}: silent {n}", rule.signature));
        assert_eq!(rule.threshold == Threshold::First, case.contains_key("once"), "{}", rule.signature);
        assert!(rule.technique.is_some() && !rule.category.is_empty(), "{}", rule.signature);
    }
}

#[test]
fn losses_and_strays_of_a_network_are_events_only() {
    let image = image(&packs());
    let policy = Policy::load(&image).expect("a good image");
    for quiet in ["tcp-gap", "tcp-out-of-window", "unmatched-response", "read", "confirm", "identify"] {
        assert_eq!(fired(&policy, &[Event::of(quiet, None)]), [BTreeSet::new()], "{quiet}");
    }
}

/// With the pack alone nothing is judged, so that its rules on actions decide; beside a policy, permits do.
#[test]
fn the_pack_judges_nothing_and_goes_with_any_policy() {
    let alone = image(&packs());
    let policy = Policy::load(&alone).expect("a good image");
    let nobody = policy.judge(Some(ActorId(0)), Some(DeviceId(0)), Action::Restart, std::iter::empty());
    assert_eq!(nobody, Verdict::Unjudged);
    let site = SourceFile::new("site.toml", "[devices.plc]\nip = \"10.0.0.1\"\n");
    let both = image(&[packs().as_slice(), &[site]].concat());
    let policy = Policy::load(&both).expect("a good image");
    let verdict = policy.judge(None, Some(DeviceId(0)), Action::Restart, std::iter::empty());
    assert!(matches!(verdict, Verdict::Unexpected(_)));
    let mut unexpected = Event::of("restart", None);
    assert_eq!(fired(&policy, std::slice::from_ref(&unexpected))[0].len(), 1);
    unexpected.judged(Judgement::Unexpected);
    assert!(fired(&policy, &[unexpected])[0].is_empty());
}
