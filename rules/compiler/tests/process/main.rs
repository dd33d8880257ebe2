//! What is known of points, and what commands look like beside it, against a model that keeps everything that happened.

mod events;
mod model;

use tagout_compiler::{SourceFile, compile, render};
use tagout_engine::{
    ActorId, Audience, DeviceId, Engine, Fact, Facts, Field, Given, Memory, News, PointId, PointState, Policy,
    PolicyMemory, Scene, Space, Succession, Timestamp, Touch, Values,
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
    image_of(POLICY)
}

fn image_of(policy: &str) -> Vec<u8> {
    let files = [SourceFile::new("plant.toml", policy)];
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

    /// Goes on under another policy with the same actors, devices and points.
    fn succeed(&mut self, image: &'p [u8]) {
        self.policy = Policy::load(image).expect("a compiled image loads");
        let points: Vec<_> = (0..self.policy.point_count() as u32).map(|id| Some(PointId(id))).collect();
        let succession = Succession { points: &points, ..Succession::default() };
        let points = Vec::leak(vec![PointState::default(); points.len()]);
        self.engine.succeed(self.policy, PolicyMemory { points, ..PolicyMemory::default() }, &succession);
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
        *self.engine.process().get(self.point(name))
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
