//! Verdicts by example: what is permitted, and what is said of what is not.

use tagout_compiler::{SourceFile, compile, render};
use tagout_engine::{
    Action, DeviceId, Endpoint, Mac, PermitId, Policy, Reason, Space, Touch, Values, Verdict, Violation,
};

const PLANT: &str = r#"
[actors.agent]
kind = "ai-agent"
ip = "10.0.0.1"

[actors.hmi]
kind = "hmi"
ip = "10.0.0.2"

[actors.watcher]
kind = "historian"
ip = "10.0.0.3"

[devices.plc]
ip = "10.0.1.1"

[devices.plc.points]
speed = { holding-register = 10, scale = 0.1 }
level = { holding-register = 12, type = "f32" }
inlet = { coil = 3 }

[devices.rtu]
ip = "10.0.1.2"

[devices.rtu.points]
setpoint = { group = 41, index = 0, unit = "kW" }

[[permits]]
name = "slow"
actor = "agent"
device = "plc"
do = ["read", "write"]
points = ["speed"]
value = { min = 0, max = 0.3 }

[[permits]]
name = "fast"
actor = "agent"
device = "plc"
do = "write"
points = ["speed"]
value = { min = 5, max = 10 }

[[permits]]
name = "level"
actor = "agent"
device = "plc"
do = "write"
points = ["level", "inlet"]
value = { max = 0.3 }

[[permits]]
name = "all of it"
actor = "hmi"
device = "*"
do = ["read", "write", "restart"]
value = { max = 1000 }

[[permits]]
name = "kW"
actor = "agent"
device = "rtu"
do = "direct-operate"
points = ["setpoint"]
value = { max = 0.3 }
"#;

const AGENT: [u8; 4] = [10, 0, 0, 1];
const HMI: [u8; 4] = [10, 0, 0, 2];
const WATCHER: [u8; 4] = [10, 0, 0, 3];
const STRANGER: [u8; 4] = [10, 9, 9, 9];
const PLC: [u8; 4] = [10, 0, 1, 1];
const RTU: [u8; 4] = [10, 0, 1, 2];
const SLOW: Option<PermitId> = Some(PermitId(0));
const FAST: Option<PermitId> = Some(PermitId(1));
const LEVEL: Option<PermitId> = Some(PermitId(2));
const ALL: Option<PermitId> = Some(PermitId(3));

fn image(text: &str) -> Vec<u8> {
    let files = [SourceFile::new("plant.toml", text)];
    compile(&files).unwrap_or_else(|errors| panic!("{}", render(&errors, &files, false))).image
}

fn at(ip: [u8; 4]) -> Endpoint {
    Endpoint { ip: Some(ip.into()), ..Endpoint::default() }
}

fn judge(actor: [u8; 4], device: [u8; 4], action: Action, touches: &[Touch<'_>]) -> Verdict {
    let image = image(PLANT);
    let policy = Policy::load(&image).expect("a good image");
    policy.judge(policy.actor(&at(actor)), policy.device(&at(device)), action, touches.iter().copied())
}

fn refused(verdict: Verdict) -> Violation {
    match verdict {
        Verdict::Unexpected(violation) => violation,
        other => panic!("{other:?}"),
    }
}

fn registers(address: u32, bytes: &[u8]) -> Touch<'_> {
    Touch { space: Space::HoldingRegister, address, count: bytes.len() as u32 / 2, values: Values::Registers(bytes) }
}

fn read(address: u32, count: u32) -> Touch<'static> {
    Touch { space: Space::HoldingRegister, address, count, values: Values::None }
}

#[test]
fn a_device_that_the_policy_does_not_name_is_not_judged() {
    assert_eq!(judge(AGENT, STRANGER, Action::Write, &[registers(10, &[0, 1])]), Verdict::Unjudged);
    assert_eq!(Policy::empty().judge(None, Some(DeviceId(0)), Action::Write, std::iter::empty()), Verdict::Unjudged);
}

#[test]
fn bounds_are_as_written_in_decimal() {
    assert_eq!(judge(AGENT, PLC, Action::Write, &[registers(10, &[0, 3])]), Verdict::Permitted(SLOW));
    assert_eq!(refused(judge(AGENT, PLC, Action::Write, &[registers(10, &[0, 4])])).reason, Reason::Value);
    let single = 0.3_f32.to_be_bytes();
    assert_eq!(judge(AGENT, PLC, Action::Write, &[registers(12, &single)]), Verdict::Permitted(LEVEL));
    let above = f32::from_bits(0.3_f32.to_bits() + 1).to_be_bytes();
    assert_eq!(refused(judge(AGENT, PLC, Action::Write, &[registers(12, &above)])).reason, Reason::Value);
    let output = |value| Touch { space: Space::AnalogOutput, address: 0, count: 1, values: Values::Number(value) };
    assert!(matches!(judge(AGENT, RTU, Action::DirectOperate, &[output(f64::from(0.3_f32))]), Verdict::Permitted(_)));
    assert!(matches!(judge(AGENT, RTU, Action::DirectOperate, &[output(0.300_000_1)]), Verdict::Unexpected(_)));
}

#[test]
fn the_nearest_permit_is_the_one_whose_range_is_nearest() {
    let low = refused(judge(AGENT, PLC, Action::Write, &[registers(10, &[0, 10])]));
    assert_eq!((low.reason, low.value, low.nearest), (Reason::Value, Some(1.0), SLOW));
    let high = refused(judge(AGENT, PLC, Action::Write, &[registers(10, &[0, 45])]));
    assert_eq!((high.value, high.nearest), (Some(4.5), FAST));
}

#[test]
fn not_a_number_is_inside_no_range() {
    let nan = f32::NAN.to_be_bytes();
    let violation = refused(judge(AGENT, PLC, Action::Write, &[registers(12, &nan)]));
    assert_eq!((violation.reason, violation.nearest), (Reason::Value, LEVEL));
}

#[test]
fn half_a_value_is_inside_no_range() {
    let violation = refused(judge(AGENT, PLC, Action::Write, &[registers(13, &[0, 0])]));
    assert_eq!(violation.place, Some((Space::HoldingRegister, 13)));
    assert_eq!((violation.reason, violation.value), (Reason::Value, None));
}

#[test]
fn reads_need_no_range_but_a_permit() {
    assert_eq!(judge(AGENT, PLC, Action::Read, &[read(10, 1)]), Verdict::Permitted(SLOW));
    let beyond = refused(judge(AGENT, PLC, Action::Read, &[read(9, 5)]));
    assert_eq!((beyond.place, beyond.reason), (Some((Space::HoldingRegister, 9)), Reason::Unmapped));
    assert_eq!(beyond.violations, 3, "9, 11 and the level");
    assert_eq!(judge(HMI, PLC, Action::Read, &[read(0, 125)]), Verdict::Permitted(ALL));
}

#[test]
fn reasons_from_the_least_to_the_most_known() {
    let write = [registers(10, &[0, 200])];
    assert_eq!(refused(judge(STRANGER, PLC, Action::Write, &write)).reason, Reason::UnknownActor);
    assert_eq!(refused(judge(WATCHER, PLC, Action::Write, &write)).reason, Reason::NoPermit);
    let restart = refused(judge(AGENT, PLC, Action::Restart, &[]));
    assert_eq!((restart.reason, restart.place, restart.nearest, restart.violations), (Reason::Action, None, SLOW, 1));
    let coil = Touch { space: Space::Coil, address: 3, count: 1, values: Values::None };
    let point = refused(judge(AGENT, PLC, Action::Read, &[coil]));
    assert_eq!((point.reason, point.nearest), (Reason::Point, SLOW));
    assert_eq!(refused(judge(AGENT, PLC, Action::Write, &[registers(90, &[0, 0])])).reason, Reason::Unmapped);
}

#[test]
fn undeclared_addresses_take_the_range_as_raw() {
    assert_eq!(judge(HMI, PLC, Action::Write, &[registers(90, &[0x03, 0xE8, 0, 0])]), Verdict::Permitted(ALL));
    let violation = refused(judge(HMI, PLC, Action::Write, &[registers(90, &[0, 0, 0x03, 0xE9, 0xFF, 0xFF])]));
    assert_eq!(violation.place, Some((Space::HoldingRegister, 91)));
    assert_eq!((violation.reason, violation.value, violation.violations), (Reason::Value, Some(1001.0), 2));
}

#[test]
fn actions_without_an_address_need_the_action_anywhere() {
    assert_eq!(judge(HMI, RTU, Action::Restart, &[]), Verdict::Permitted(ALL));
    assert_eq!(judge(AGENT, PLC, Action::Read, &[]), Verdict::Permitted(SLOW));
    assert_eq!(judge(STRANGER, PLC, Action::Confirm, &[]), Verdict::Permitted(None));
}

#[test]
fn the_end_of_the_address_space_is_an_address_like_any_other() {
    assert_eq!(judge(HMI, PLC, Action::Read, &[read(65535, 1)]), Verdict::Permitted(ALL));
    let wide = [read(65535, 2), read(u32::MAX, u32::MAX)];
    assert_eq!(refused(judge(AGENT, PLC, Action::Read, &wide)).violations, 3);
}

const SELECTORS: &str = r#"
[actors.plant]
kind = "unknown"
ip = "10.0.0.0/8"
[actors.cell]
kind = "unknown"
ip = "10.1.0.0/16"
[actors.host]
kind = "hmi"
ip = "10.1.0.5"
[actors.tool]
kind = "engineering-station"
ip = "10.1.0.5"
port = ["5000-5999", 7000]
[actors.card]
kind = "gateway"
mac = "00:1d:9c:c7:b0:70"
[actors.cabinet]
kind = "unknown"
vlan = 20
[actors.master]
kind = "hmi"
link = 1
[actors.both]
kind = "hmi"
selectors = [{ ip = "10.1.0.6", vlan = 7 }, { ip = "fd00::6" }]

[devices.gateway]
ip = "10.2.0.1"
[devices.behind]
ip = "10.2.0.1"
unit = 17
[devices.outstation]
link = 10
[devices.subnet]
ip = "10.2.0.0/24"
"#;

fn who(at: &Endpoint) -> Option<String> {
    let image = image(SELECTORS);
    let policy = Policy::load(&image).expect("a good image");
    policy.actor(at).and_then(|id| policy.actor_info(id)).map(|actor| actor.name.to_owned())
}

fn what(at: &Endpoint) -> Option<String> {
    let image = image(SELECTORS);
    let policy = Policy::load(&image).expect("a good image");
    policy.device(at).and_then(|id| policy.device_info(id)).map(|device| device.name.to_owned())
}

#[test]
fn the_most_specific_selector_wins() {
    let card = Some(Mac([0x00, 0x1D, 0x9C, 0xC7, 0xB0, 0x70]));
    let cases = [
        (at([10, 9, 9, 9]), Some("plant")),
        (at([10, 1, 9, 9]), Some("cell")),
        (at([10, 1, 0, 5]), Some("host")),
        (Endpoint { port: Some(5000), ..at([10, 1, 0, 5]) }, Some("tool")),
        (Endpoint { port: Some(5999), ..at([10, 1, 0, 5]) }, Some("tool")),
        (Endpoint { port: Some(6000), ..at([10, 1, 0, 5]) }, Some("host")),
        (Endpoint { port: Some(7000), ..at([10, 1, 0, 5]) }, Some("tool")),
        (Endpoint { mac: card, ..at([10, 1, 9, 9]) }, Some("card")),
        (Endpoint { mac: card, ..at([10, 1, 0, 5]) }, Some("host")),
        (Endpoint { vlan: Some(20), ..at([192, 168, 0, 1]) }, Some("cabinet")),
        (Endpoint { vlan: Some(20), ..at([10, 9, 9, 9]) }, Some("plant")),
        (Endpoint { link: Some(1), ..at([10, 1, 0, 5]) }, Some("master")),
        (Endpoint { vlan: Some(7), ..at([10, 1, 0, 6]) }, Some("both")),
        (Endpoint { vlan: Some(8), ..at([10, 1, 0, 6]) }, Some("cell")),
        (Endpoint { ip: "fd00::6".parse().ok(), ..Endpoint::default() }, Some("both")),
        (Endpoint { ip: "::ffff:10.1.0.5".parse().ok(), ..Endpoint::default() }, None),
        (at([192, 168, 0, 1]), None),
        (Endpoint::default(), None),
    ];
    for (endpoint, expected) in cases {
        assert_eq!(who(&endpoint).as_deref(), expected, "{endpoint:?}");
    }
}

#[test]
fn a_unit_or_link_address_beats_an_address_alone() {
    let cases = [
        (Endpoint { unit: Some(17), ..at([10, 2, 0, 1]) }, Some("behind")),
        (Endpoint { unit: Some(18), ..at([10, 2, 0, 1]) }, Some("gateway")),
        (at([10, 2, 0, 1]), Some("gateway")),
        (Endpoint { unit: Some(17), ..at([10, 2, 0, 2]) }, Some("subnet")),
        (Endpoint { link: Some(10), ..at([10, 2, 0, 1]) }, Some("outstation")),
        (Endpoint { unit: Some(17), ..Endpoint::default() }, None),
    ];
    for (endpoint, expected) in cases {
        assert_eq!(what(&endpoint).as_deref(), expected, "{endpoint:?}");
    }
}
