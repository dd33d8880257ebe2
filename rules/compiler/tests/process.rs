//! What is known of points, and what commands look like beside it, against a model that keeps everything that happened.

use std::num::NonZeroU32;

use proptest::prelude::*;
use tagout_compiler::{SourceFile, compile, render};
use tagout_engine::{
    Action, ActorId, Audience, DeviceId, Engine, Fact, Facts, Field, Given, Judgement, Memory, News, PointId,
    PointState, Policy, ProcessEvent, Scene, Space, Timestamp, Touch, Trigger, Values,
};

const POLICY: &str = r#"
[actors.agent]
kind = "ai-agent"
ip = "10.0.0.1"

[actors.hmi]
kind = "hmi"
ip = "10.0.0.2"

[devices.plc]
ip = "10.0.0.3"
[devices.plc.points]
level = { holding-register = 10, scale = 0.1, range = [0.0, 100.0] }
flow = { holding-register = 12, type = "f32" }
total = { holding-register = 14, type = "u32" }
weight = { holding-register = 16, scale = 0.25 }
tank = { holding-register = 20, scale = 0.1, range = [10, 40], max_rate = 15, travel = "4 s", tolerance = 12, frozen = "6 s" }
pump = { coil = 3, travel = "2 s" }
lamp = { holding-register = 40 }
valve = { analog-output = 7 }
gauge = { holding-register = 30, stale = "5 s" }
dial = { holding-register = 31, stale = "8 s" }

[devices.bare]
ip = "10.0.0.4"

[[rules]]
sid = 1
signature = "Whatever happens"
severity = "low"
on_process = ["out-of-range", "jump", "mismatch", "frozen", "bad-quality", "stale", "effect", "disputed"]

[[rules]]
sid = 2
signature = "Known to be low"
severity = "low"
on_action = "identify"
when = 'point("plc.gauge") < 50 || point("plc.gauge").rate < 50'

[[rules]]
sid = 3
signature = "Of some age"
severity = "low"
on_action = "identify"
when = 'point("plc.gauge").age >= 5s && point("plc.gauge").quality == "good"'
"#;

const PLC: DeviceId = DeviceId(0);
const AGENT: Option<ActorId> = Some(ActorId(0));
const HMI: Option<ActorId> = Some(ActorId(1));

fn given(by: Option<ActorId>, at: Timestamp) -> Given {
    Given { by, at, unpermitted: None }
}

fn image() -> Vec<u8> {
    let files = [SourceFile::new("plant.toml", POLICY)];
    compile(&files).unwrap_or_else(|errors| panic!("{}", render(&errors, &files, false))).image
}

/// A policy at work on a plant.
struct Plant<'p> {
    policy: Policy<'p>,
    engine: Engine<'p, 'p>,
}

impl<'p> Plant<'p> {
    fn new(image: &'p [u8]) -> Self {
        let policy = Policy::load(image).expect("a compiled image loads");
        let points = Vec::leak(vec![PointState::default(); policy.point_count()]);
        Self { policy, engine: Engine::new(policy, Memory { points, ..Memory::default() }, 0) }
    }

    fn point(&self, name: &str) -> PointId {
        let named = |id: &PointId| self.policy.point_info(*id).is_some_and(|point| point.name == name);
        (0..self.policy.point_count() as u32).map(PointId).find(named).expect("a point of the policy")
    }

    fn device(&self, name: &str) -> DeviceId {
        let named = |id: &DeviceId| self.policy.device_info(*id).is_some_and(|device| device.name == name);
        (0..self.policy.device_count() as u16).map(DeviceId).find(named).expect("a device of the policy")
    }

    /// Takes a report; tells what comes of it.
    fn observe(&mut self, device: DeviceId, touch: &Touch<'_>, good: bool, now: Timestamp) -> Vec<News> {
        self.observe_by(Audience(1), device, touch, good, now)
    }

    /// The same for a report to somebody.
    fn observe_by(
        &mut self,
        to: Audience,
        device: DeviceId,
        touch: &Touch<'_>,
        good: bool,
        now: Timestamp,
    ) -> Vec<News> {
        let mut told = Vec::new();
        self.engine.observe((device, touch), (good, to), now, &Nothing, |_, news| told.push(news));
        told
    }

    fn state(&self, name: &str) -> PointState {
        self.engine.process().get(self.point(name))
    }

    /// What a command tells of the first thing that it reaches, as text.
    fn tells(&self, touch: Touch<'_>, at: u64, field: Field) -> String {
        let scene = Scene { now: seconds(at), facts: &Nothing, process: self.engine.process() };
        let mut told = None;
        scene.items(&self.policy, Some(PLC), &touch, &mut |item| {
            told.get_or_insert_with(|| match item.fact(field) {
                Fact::Unknown => "unknown".to_owned(),
                Fact::Number(number) => number.to_string(),
                Fact::Flag(flag) => flag.to_string(),
                Fact::Text(text) => text.to_owned(),
                other => panic!("{other:?}"),
            });
        });
        told.expect("every touch reaches something")
    }
}

struct Nothing;

impl Facts for Nothing {
    fn fact(&self, field: Field) -> Fact<'_> {
        if field == Field::Device { Fact::Text("plc") } else { Fact::Unknown }
    }
}

fn seconds(at: u64) -> Timestamp {
    Timestamp((1_000 + at) * 1_000_000_000)
}

fn registers(address: u32, bytes: &[u8]) -> Touch<'_> {
    Touch { space: Space::HoldingRegister, address, count: bytes.len() as u32 / 2, values: Values::Registers(bytes) }
}

#[test]
fn a_read_of_many_addresses_tells_of_each_point_that_it_holds_whole() {
    let image = image();
    let mut plant = Plant::new(&image);
    assert_eq!((plant.device("plc"), plant.engine.has_points(plant.device("bare"))), (PLC, false));
    let bytes = [[0x02, 0x26], [0, 9], [0x41, 0xC8], [0, 0], [0, 1]].concat();
    plant.observe(PLC, &registers(10, &bytes), true, seconds(5));
    let value = |name: &str| plant.state(name).reported.map(|report| (report.value, report.good, report.at));
    assert_eq!(value("level"), Some((55.0, true, seconds(5))));
    assert_eq!(value("flow"), Some((25.0, true, seconds(5))));
    assert_eq!(value("total"), None);
    plant.observe(plant.device("bare"), &registers(10, &bytes), true, seconds(6));
    assert_eq!(plant.state("level").reported.expect("it was reported").at, seconds(5));
}

#[test]
fn a_number_that_is_none_is_reported_and_bad() {
    let image = image();
    let mut plant = Plant::new(&image);
    plant.observe(PLC, &registers(12, &f32::NAN.to_be_bytes()), true, seconds(5));
    assert_eq!(plant.state("flow").reported.map(|report| report.good), Some(false));
    assert_eq!(plant.state("flow").latest(), None);
}

#[test]
fn a_command_of_which_the_value_is_not_known_leaves_none() {
    let image = image();
    let mut plant = Plant::new(&image);
    plant.engine.ordered(PLC, &registers(10, &[0, 50]), given(AGENT, seconds(1)));
    assert_eq!(plant.state("level").commanded.map(|order| (order.value, order.by)), Some((5.0, AGENT)));
    let mask = Touch { values: Values::Unknown, ..registers(10, &[0, 0]) };
    plant.engine.ordered(PLC, &mask, given(AGENT, seconds(2)));
    assert_eq!(plant.state("level").commanded, None);
}

#[test]
fn an_item_tells_of_the_command_before_it() {
    let image = image();
    let mut plant = Plant::new(&image);
    let tells = |plant: &Plant<'_>, raw: u16, field| plant.tells(registers(10, &raw.to_be_bytes()), 60, field);
    let before = [Field::CommandPrevious, Field::CommandChange, Field::CommandReversal, Field::CommandRun];
    assert!(before.iter().all(|field| tells(&plant, 300, *field) == "unknown"));
    plant.observe(PLC, &registers(10, &200_u16.to_be_bytes()), true, seconds(1));
    assert_eq!(before.map(|field| tells(&plant, 300, field)), ["20", "10", "unknown", "1"]);
    plant.engine.ordered(PLC, &registers(10, &300_u16.to_be_bytes()), given(HMI, seconds(50)));
    assert_eq!(before.map(|field| tells(&plant, 350, field)), ["30", "5", "false", "2"]);
    assert_eq!(before.map(|field| tells(&plant, 250, field)), ["30", "-5", "true", "1"]);
    assert_eq!(before.map(|field| tells(&plant, 300, field)), ["30", "0", "false", "1"]);
    let who = [Field::CommandPoint, Field::CommandSpace, Field::CommandAddress, Field::CommandBefore, Field::Device];
    assert_eq!(who.map(|field| tells(&plant, 1, field)), ["level", "holding-register", "10", "hmi", "plc"]);
    assert_eq!(tells(&plant, 1, Field::CommandSinceMs), "10000");
}

#[test]
fn runs_of_undeclared_addresses_are_items_too() {
    let image = image();
    let plant = Plant::new(&image);
    let scene = Scene { now: seconds(0), facts: &Nothing, process: plant.engine.process() };
    let mut items = Vec::new();
    let bytes: Vec<u8> = (0..10).flat_map(|nth: u16| nth.to_be_bytes()).collect();
    scene.items(&plant.policy, Some(PLC), &registers(9, &bytes), &mut |item| {
        items.push((item.point.is_some(), item.address, item.value));
    });
    let f32_of = |high: u16, low: u16| f64::from(f32::from_bits(u32::from(high) << 16 | u32::from(low)));
    let expected = [
        (false, 9, Some(0.0)),
        (true, 10, Some(0.1)),
        (false, 11, Some(2.0)),
        (true, 12, Some(f32_of(3, 4))),
        (true, 14, Some(f64::from(5 << 16 | 6))),
        (true, 16, Some(1.75)),
        (false, 17, Some(8.0)),
    ];
    assert_eq!(items, expected);
    let mut unnamed = 0;
    scene.items(&plant.policy, None, &registers(9, &bytes), &mut |_| unnamed += 1);
    assert_eq!(unnamed, 1);
}

#[test]
fn a_value_in_a_wrong_guise_is_known() {
    let image = image();
    let mut plant = Plant::new(&image);
    let swapped = |bytes: [u8; 4]| [bytes[2], bytes[3], bytes[0], bytes[1]];
    let reversed = |bytes: [u8; 4]| [bytes[3], bytes[2], bytes[1], bytes[0]];
    let octets_swapped = |bytes: [u8; 4]| [bytes[1], bytes[0], bytes[3], bytes[2]];
    let flow = 21.5_f32.to_be_bytes();
    plant.engine.ordered(PLC, &registers(12, &flow), given(AGENT, seconds(1)));
    plant.engine.ordered(PLC, &registers(10, &215_u16.to_be_bytes()), given(AGENT, seconds(1)));
    plant.engine.ordered(PLC, &registers(14, &70_000_u32.to_be_bytes()), given(AGENT, seconds(1)));
    plant.engine.ordered(PLC, &registers(16, &84_u16.to_be_bytes()), given(AGENT, seconds(1)));
    let slip = |address, bytes: &[u8]| plant.tells(registers(address, bytes), 2, Field::CommandSlip);
    assert_eq!(slip(12, &flow), "unknown");
    assert_eq!(slip(12, &swapped(flow)), "swapped-words");
    assert_eq!(slip(12, &octets_swapped(flow)), "swapped-bytes");
    assert_eq!(slip(12, &reversed(flow)), "swapped-bytes");
    assert_eq!(slip(12, &2_150_f32.to_be_bytes()), "power-of-ten");
    assert_eq!(slip(12, &0.00215_f32.to_be_bytes()), "power-of-ten");
    assert_eq!(slip(12, &22_f32.to_be_bytes()), "unknown");
    assert_eq!(slip(14, &swapped(70_000_u32.to_be_bytes())), "swapped-words");
    assert_eq!(slip(10, &2_150_u16.to_be_bytes()), "power-of-ten");
    assert_eq!(slip(10, &220_u16.to_be_bytes()), "unknown");
    assert_eq!(slip(16, &21_u16.to_be_bytes()), "scale");
    assert_eq!(slip(16, &336_u16.to_be_bytes()), "scale");
    assert_eq!(slip(16, &80_u16.to_be_bytes()), "unknown");
}

/// Reports of the tank, a pair of seconds and value each, and what each brings up.
fn reports(plant: &mut Plant<'_>, told: &[(u64, u16)]) -> Vec<Vec<(ProcessEvent, Option<f64>)>> {
    let mut report = |(at, value): &(u64, u16)| {
        let news = plant.observe(PLC, &registers(20, &(value * 10).to_be_bytes()), true, seconds(*at));
        news.iter().map(|news| (news.event, news.limit)).collect()
    };
    told.iter().map(&mut report).collect()
}

#[test]
fn what_is_wrong_is_told_once_until_it_ends() {
    let image = image();
    let of = |told: &[(u64, u16)]| reports(&mut Plant::new(&image), told);
    let (low, high) = ((ProcessEvent::OutOfRange, Some(10.0)), (ProcessEvent::OutOfRange, Some(40.0)));
    assert_eq!(of(&[(0, 5), (1, 6), (2, 15), (3, 5)]), [vec![low], vec![], vec![], vec![low]]);
    assert_eq!(of(&[(0, 40), (1, 41)]), [vec![], vec![high]]);
    assert_eq!(of(&[(0, 10), (1, 30), (2, 31)]), [vec![], vec![(ProcessEvent::Jump, Some(15.0))], vec![]]);
    let frozen = vec![(ProcessEvent::Frozen, Some(6.0))];
    assert_eq!(of(&[(0, 10), (1, 11), (6, 11), (7, 11), (8, 11)]), [vec![], vec![], vec![], frozen, vec![]]);
    assert_eq!(of(&[(0, 10), (50, 10)]), [vec![], vec![]]);
}

#[test]
fn a_command_that_is_not_followed_is_told_with_who_gave_it() {
    let image = image();
    let mut plant = Plant::new(&image);
    plant.engine.ordered(PLC, &registers(20, &300_u16.to_be_bytes()), given(AGENT, seconds(0)));
    let mismatch = vec![(ProcessEvent::Mismatch, Some(30.0))];
    assert_eq!(reports(&mut plant, &[(1, 10), (3, 11), (4, 12), (5, 13)]), [vec![], vec![], mismatch, vec![]]);
    plant.engine.ordered(PLC, &registers(20, &310_u16.to_be_bytes()), given(HMI, seconds(6)));
    let news = plant.observe(PLC, &registers(20, &140_u16.to_be_bytes()), true, seconds(10));
    let told: Vec<_> = news.iter().map(|news| (news.event, news.last_command.and_then(|order| order.by))).collect();
    assert_eq!(told, [(ProcessEvent::Mismatch, HMI)]);
    assert_eq!(reports(&mut plant, &[(11, 20), (12, 19)]), [vec![], vec![]]);
    let touch = |bits: &'static [u8]| Touch { space: Space::Coil, address: 3, count: 1, values: Values::Bits(bits) };
    plant.engine.ordered(PLC, &touch(&[1]), given(AGENT, seconds(20)));
    assert_eq!(plant.observe(PLC, &touch(&[0]), true, seconds(21)).len(), 0);
    assert_eq!(plant.observe(PLC, &touch(&[0]), true, seconds(22)).len(), 1);
}

#[test]
fn a_command_that_no_permit_covers_is_told_when_it_takes_effect() {
    let image = image();
    let of = |reported: &[(u64, u16)], command: u16, unpermitted, then: &[(u64, u16)]| -> Vec<Vec<ProcessEvent>> {
        let mut plant = Plant::new(&image);
        reports(&mut plant, reported);
        let given = Given { unpermitted, ..given(AGENT, seconds(1)) };
        plant.engine.ordered(PLC, &registers(20, &(command * 10).to_be_bytes()), given);
        let told = reports(&mut plant, then);
        told.iter().map(|news| news.iter().map(|(event, _)| *event).collect()).collect()
    };
    let (incident, effect) = (NonZeroU32::new(7), vec![ProcessEvent::Effect]);
    assert_eq!(of(&[], 30, incident, &[(2, 30), (3, 31)]), [effect.clone(), vec![]], "once");
    assert_eq!(of(&[(0, 10)], 30, incident, &[(2, 10), (3, 20)]), [vec![], effect.clone()], "within tolerance");
    assert_eq!(of(&[(0, 25)], 30, incident, &[(2, 26), (3, 27)]), [vec![], vec![]], "it was there before");
    assert_eq!(of(&[(0, 10)], 30, None, &[(2, 20), (3, 30)]), [vec![], vec![]], "it was permitted");
    let mut plant = Plant::new(&image);
    let order = |plant: &mut Plant<'_>, value: u16, unpermitted, at| {
        let given = Given { unpermitted, ..given(AGENT, seconds(at)) };
        plant.engine.ordered(PLC, &registers(20, &(value * 10).to_be_bytes()), given);
    };
    order(&mut plant, 30, incident, 0);
    assert_eq!(reports(&mut plant, &[(1, 30)]).concat(), [(ProcessEvent::Effect, Some(30.0))]);
    order(&mut plant, 15, incident, 2);
    assert_eq!(reports(&mut plant, &[(3, 15)]).concat(), [(ProcessEvent::Effect, Some(15.0))], "each command");
    order(&mut plant, 30, incident, 4);
    order(&mut plant, 28, None, 5);
    assert_eq!(reports(&mut plant, &[(6, 28)]).concat(), [], "the last command counts");
}

#[test]
fn what_is_told_differently_to_different_people_is_disputed() {
    let image = image();
    // To whom, and what; a second apart.
    let of = |told: &[(u16, u16)]| -> Vec<usize> {
        let mut plant = Plant::new(&image);
        let mut raised = Vec::new();
        for (at, (to, value)) in told.iter().enumerate() {
            let bytes = value.to_be_bytes();
            let touch = &registers(40, &bytes);
            let news = plant.observe_by(Audience(*to), PLC, touch, true, seconds(at as u64));
            if !news.is_empty() {
                let disputed = [(ProcessEvent::Disputed, Some(f64::from(told[at - 1].1)))];
                assert_eq!(news.iter().map(|news| (news.event, news.limit)).collect::<Vec<_>>(), disputed);
                raised.push(at);
            }
        }
        raised
    };
    let turns = |all: &[(u16, u16)]| all.iter().copied().cycle().take(12).collect::<Vec<_>>();
    assert_eq!(of(&turns(&[(1, 5), (2, 9)])), [5], "told once, after five turns");
    assert_eq!(of(&turns(&[(1, 5), (3, 5), (2, 9)])), [8], "most are told the same");
    assert_eq!(of(&turns(&[(1, 5), (2, 5)])), [0; 0], "the same to all");
    assert_eq!(of(&turns(&[(1, 5), (1, 9)])), [0; 0], "it moves");
    assert_eq!(of(&turns(&[(1, 5), (2, 9), (1, 9), (2, 5)])), [0; 0], "it moves, and everybody is told");
    let ramp: Vec<_> = (0..12).map(|at| (at % 2, at)).collect();
    assert_eq!(of(&ramp), [0; 0], "it never comes back");
}

#[test]
fn a_value_that_nobody_vouches_for_is_not_judged() {
    let image = image();
    let mut plant = Plant::new(&image);
    let mut report = |value: u16, good, at| -> Vec<_> {
        let news = plant.observe(PLC, &registers(20, &value.to_be_bytes()), good, seconds(at));
        news.iter().map(|news| news.event).collect()
    };
    assert_eq!(report(900, false, 0), [], "it never vouched for it");
    assert_eq!(report(900, false, 1), []);
    assert_eq!(report(900, true, 2), [ProcessEvent::OutOfRange]);
    assert_eq!(report(100, false, 3), [ProcessEvent::BadQuality]);
    assert_eq!(report(100, false, 4), []);
    assert_eq!(report(900, true, 5), []);
    assert_eq!(report(900, false, 6), [ProcessEvent::BadQuality]);
}

/// What is stale by then, and when the next thing will be.
fn overdue(plant: &mut Plant<'_>, at: u64) -> (Vec<String>, Option<Timestamp>) {
    let mut told = Vec::new();
    let next = plant.engine.overdue(PLC, seconds(at), &Nothing, |_, news| told.push(news));
    let name = |news: &News| {
        assert_eq!((news.event, news.value), (ProcessEvent::Stale, 7.0));
        plant.policy.point_info(news.point).expect("a point").name.to_owned()
    };
    (told.iter().map(name).collect(), next)
}

#[test]
fn what_is_not_reported_again_is_stale_once() {
    let image = image();
    let mut plant = Plant::new(&image);
    assert_eq!(overdue(&mut plant, 0), (vec![], None), "nothing was reported yet");
    let both = [0, 7, 0, 7];
    let first = registers(30, &both[..2]);
    assert_eq!(plant.observe(PLC, &registers(30, &both), true, seconds(0)), []);
    assert_eq!(plant.engine.stale_from(PLC, &first), Some(seconds(5)));
    assert_eq!(plant.engine.stale_from(PLC, &registers(10, &both)), None);
    assert_eq!(overdue(&mut plant, 4), (vec![], Some(seconds(5))));
    assert_eq!(overdue(&mut plant, 5), (vec!["gauge".to_owned()], Some(seconds(8))));
    let news = plant.observe(PLC, &first, false, seconds(6));
    assert_eq!(news.iter().map(|news| news.event).collect::<Vec<_>>(), [ProcessEvent::BadQuality]);
    assert_eq!(overdue(&mut plant, 9), (vec!["dial".to_owned()], Some(seconds(11))));
    assert_eq!(overdue(&mut plant, 99), (vec!["gauge".to_owned()], None));
    assert_eq!(overdue(&mut plant, 999), (vec![], None));
}

#[test]
fn what_is_stale_is_not_known_but_for_its_age_and_quality() {
    let image = image();
    let mut plant = Plant::new(&image);
    plant.observe(PLC, &registers(30, &[0, 7]), true, seconds(0));
    plant.observe(PLC, &registers(30, &[0, 7]), true, seconds(1));
    let mut fired = |at| {
        let mut sids = Vec::new();
        let trigger = Trigger::Request(Action::Identify, Judgement::Unjudged);
        plant.engine.react(trigger, seconds(at), &Nothing, |firing| sids.push(firing.rule.0 + 1));
        sids
    };
    assert_eq!((fired(1), fired(5), fired(6)), (vec![2], vec![2], vec![3]));
}

/// What happens to the level, in tenths.
#[derive(Clone, Copy, Debug)]
enum Event {
    Reported(u16, bool),
    Commanded(u16, bool),
    Other,
}

fn event() -> impl Strategy<Value = (u64, Event)> {
    let what = prop_oneof![
        (0_u16..6, any::<bool>()).prop_map(|(value, good)| Event::Reported(value * 100, good)),
        (0_u16..6, any::<bool>()).prop_map(|(value, agent)| Event::Commanded(value * 100, agent)),
        Just(Event::Other),
    ];
    (0_u64..3, what)
}

/// Everything that happened, with its time.
type History = Vec<(u64, Event)>;

fn commands(history: &History) -> impl DoubleEndedIterator<Item = (u64, f64, bool)> {
    history.iter().filter_map(|(at, event)| match event {
        Event::Commanded(value, agent) => Some((*at, f64::from(*value) / 10.0, *agent)),
        _ => None,
    })
}

fn good_reports(history: &History) -> impl DoubleEndedIterator<Item = (u64, f64)> {
    history.iter().filter_map(|(at, event)| match event {
        Event::Reported(value, true) => Some((*at, f64::from(*value) / 10.0)),
        _ => None,
    })
}

/// The latest value of all; a report wins over a command of the same time. A bad report takes the good one before it back.
fn latest(history: &History) -> Option<f64> {
    let last_report = history.iter().rev().find(|(_, event)| matches!(event, Event::Reported(..)));
    let is_good = matches!(last_report, Some((_, Event::Reported(_, true))));
    let report = good_reports(history).next_back().filter(|_| is_good);
    let command = commands(history).next_back();
    match (report, command) {
        (Some((reported, _)), Some((at, value, _))) if at > reported => Some(value),
        (Some((_, value)), _) => Some(value),
        (None, command) => command.map(|(_, value, _)| value),
    }
}

/// How often in a row the latest commands moved the value into one direction, and which.
fn run(history: &History) -> i32 {
    let mut run = 0;
    for at in 0..history.len() {
        let Event::Commanded(value, _) = history[at].1 else { continue };
        let past = history[..at].to_vec();
        let before = commands(&past).next_back().map(|(_, value, _)| value).or_else(|| latest(&past));
        let Some(before) = before else { continue };
        let value = f64::from(value) / 10.0;
        if value > before {
            run = run.max(0) + 1;
        } else if value < before {
            run = run.min(0) - 1;
        }
    }
    run
}

proptest! {
    #[test]
    fn the_image_agrees_with_everything_that_happened(events in proptest::collection::vec(event(), 1..40)) {
        let image = image();
        let mut plant = Plant::new(&image);
        let (mut history, mut now) = (History::new(), 0);
        for (pause, event) in events {
            now += pause;
            history.push((now, event));
            let bytes = |value: u16| value.to_be_bytes();
            match event {
                Event::Reported(value, good) => {
                    plant.observe(PLC, &registers(10, &bytes(value)), good, seconds(now));
                }
                Event::Commanded(value, agent) => {
                    plant.engine.ordered(PLC, &registers(10, &bytes(value)), given(if agent { AGENT } else { HMI }, seconds(now)));
                }
                Event::Other => {
                    plant.observe(PLC, &registers(16, &bytes(1)), true, seconds(now));
                }
            }
            let state = plant.state("level");
            prop_assert_eq!(state.latest(), latest(&history));
            prop_assert_eq!(i32::from(state.trend), run(&history));
            let ordered = commands(&history).next_back().map(|(at, value, agent)| (seconds(at), value, if agent { AGENT } else { HMI }));
            prop_assert_eq!(state.commanded.map(|order| (order.at, order.value, order.by)), ordered);
        }
    }
}

/// What is wrong with the tank after all this, told by walking over everything; `None` where it is not judged anew.
fn wrong(history: &History) -> Option<Vec<ProcessEvent>> {
    let reports = history.iter().enumerate().filter_map(|(place, (at, event))| match event {
        Event::Reported(value, good) => Some((place, *at, f64::from(*value) / 10.0, *good)),
        _ => None,
    });
    let reports: Vec<_> = reports.collect();
    let (place, now, value, good) = *reports.last()?;
    good.then(|| {
        let rates = reports.windows(2).scan(None, |rate, pair| {
            let [(_, before, from, vouched), (_, at, to, vouches)] = *pair else { return None };
            let passed = (at - before) as f64;
            *rate = match (vouched && vouches, passed > 0.0) {
                (true, true) => Some((to - from) / passed),
                (true, false) => *rate,
                _ => None,
            };
            Some(*rate)
        });
        let moved = reports.windows(2).rfind(|pair| pair[0].2 != pair[1].2).map(|pair| pair[1].1);
        let order = commands(&history[..place].to_vec()).next_back();
        let holds = |event: &ProcessEvent| match event {
            ProcessEvent::OutOfRange => !(10.0..=40.0).contains(&value),
            ProcessEvent::Jump => rates.clone().last().flatten().is_some_and(|rate: f64| rate.abs() > 15.0),
            ProcessEvent::Mismatch => order.is_some_and(|(at, told, _)| now >= at + 4 && (told - value).abs() > 12.0),
            ProcessEvent::Frozen => moved.is_some_and(|moved| now >= moved + 6),
            ProcessEvent::BadQuality | ProcessEvent::Stale | ProcessEvent::Effect | ProcessEvent::Disputed => false,
        };
        ProcessEvent::ALL.iter().copied().filter(holds).collect()
    })
}

proptest! {
    #[test]
    fn events_agree_with_everything_that_happened(events in proptest::collection::vec(event(), 1..60)) {
        let image = image();
        let mut plant = Plant::new(&image);
        let (mut history, mut now, mut raised) = (History::new(), 0, Vec::new());
        for (pause, event) in events {
            now += pause;
            history.push((now, event));
            match event {
                Event::Reported(value, good) => {
                    let news = plant.observe(PLC, &registers(20, &value.to_be_bytes()), good, seconds(now));
                    let vouched = good_reports(&history).next().is_some();
                    let bad = if vouched { vec![ProcessEvent::BadQuality] } else { Vec::new() };
                    let before = raised.clone();
                    raised = wrong(&history).unwrap_or_else(|| [raised, bad].concat());
                    let told: Vec<_> = news.iter().map(|news| news.event).collect();
                    let mut expected: Vec<_> = raised.iter().filter(|event| !before.contains(event)).copied().collect();
                    expected.dedup();
                    prop_assert_eq!(told, expected);
                }
                Event::Commanded(value, _) => {
                    plant.engine.ordered(PLC, &registers(20, &value.to_be_bytes()), given(AGENT, seconds(now)));
                    raised.retain(|event| *event != ProcessEvent::Mismatch);
                }
                Event::Other => {}
            }
        }
    }
}
