//! What traffic tells of the process, from frames to the process image.

use serde_json::{Value, json};
use tagout::memory::{Limits, Memory};
use tagout::policy::Sources;
use tagout::record::{AlertRecord, Context, Origin};
use tagout_compiler::{SourceFile, compile, packs};
use tagout_core::engine::{PointId, PointState, Policy};
use tagout_core::words::Subject;
use tagout_core::{Alert, Anomaly, Config, Exchange, Frame, LinkType, Output, Sensor, Timestamp};
use tagout_tests::dialogue::{Pace, Turn, messages};
use tagout_tests::generate::dnp3::{self, Setpoint, function};
use tagout_tests::generate::modbus::{
    bits_response, exception, mask_write, read, read_write, registers_response, write_coil, write_register,
    write_registers, written,
};
use tagout_tests::generate::{Capture, Network, Session, Transport};
use tagout_tests::plant::{AGENT, DEVICE, Lan, MASTER, Protocol};
use tagout_tests::schema::check_record;

const POLICY: &str = r#"
[actors.agent]
kind = "ai-agent"
ip = "10.0.0.32"

[devices.plc]
ip = "10.0.0.16"
[devices.plc.points]
pump = { coil = 3 }
float = { discrete-input = 4 }
speed = { holding-register = 10, scale = 0.1, unit = "%", range = [0, 100], travel = "2 s" }
level = { input-register = 20, type = "f32" }
breaker = { binary-output = 2 }
door = { binary-input = 0 }
valve = { analog-output = 7, range = [0, 300] }
bypass = { analog-output = 8 }
flow = { analog-input = 1, scale = 0.5, range = [0, 26] }

[[invariants]]
name = "the valve is shut while the breaker is open"
must = 'point("plc.breaker") == 1 || point("plc.valve") == 0'
severity = "high"
technique = "T0831"
"#;
const OUTSTATION: u16 = 10;
const STEP_US: u64 = 1_000_000;

/// A request and its response.
type Pair = (Vec<u8>, Option<Vec<u8>>);

/// The alerts as they are written, those about points apart.
struct Alerts<'p> {
    context: Context<'p>,
    written: Vec<Value>,
    others: Vec<Value>,
}

impl Output for Alerts<'_> {
    fn exchange(&mut self, _: &Exchange<'_>) {}
    fn anomaly(&mut self, _: &Anomaly) {}
    fn alert(&mut self, alert: &Alert<'_>) {
        let context = self.context;
        let subject = Subject::of(&context.policy, alert).expect("the alert fits the policy");
        let record = serde_json::to_value(AlertRecord::new(&context, alert, &subject)).expect("records are JSON");
        check_record(&record).unwrap_or_else(|wrong| panic!("{wrong}: {record}"));
        if alert.process.is_some() || alert.item.is_some() || alert.breach.is_some() {
            self.written.push(record);
        } else {
            self.others.push(record);
        }
    }
}

/// What is known of a point after all this, a second apart.
fn known(protocol: Protocol, point: &str, pairs: &[Pair]) -> PointState {
    watched(protocol, point, pairs).0
}

/// The same, with the alerts about points.
fn watched(protocol: Protocol, point: &str, pairs: &[Pair]) -> (PointState, Vec<Value>) {
    let (state, alerts, _) = played(protocol, point, pairs);
    (state, alerts)
}

/// Why there are alerts of a rule that looks at no points.
fn whys(protocol: Protocol, sid: u32, pairs: &[Pair]) -> Vec<String> {
    let (_, _, others) = played(protocol, "valve", pairs);
    let of_rule = others.iter().filter(|alert| alert["alert"]["signature_id"] == json!(sid));
    of_rule.map(|alert| alert["ot"]["why"].as_str().expect("a sentence").to_owned()).collect()
}

/// What is known of a point after all this, a second apart, the alerts about points, and all others.
fn played(protocol: Protocol, point: &str, pairs: &[Pair]) -> (PointState, Vec<Value>, Vec<Value>) {
    played_with(&[SourceFile::new("plant.toml", POLICY)], protocol, point, pairs)
}

/// The same with these policy files and the packs behind them.
fn played_with(
    files: &[SourceFile],
    protocol: Protocol,
    point: &str,
    pairs: &[Pair],
) -> (PointState, Vec<Value>, Vec<Value>) {
    let turn = |(label, (request, response)): (u16, &Pair)| Turn {
        unit: if protocol == Protocol::Modbus { 1 } else { OUTSTATION },
        master: MASTER,
        label,
        request: (!request.is_empty()).then(|| request.clone()),
        response: response.clone(),
        outcome: "",
    };
    let turns: Vec<_> = (0..).zip(pairs).map(turn).collect();
    let pace = Pace { start_us: 10_000, interval_us: STEP_US, latency_us: 2_000, pipelined: 1 };
    let port = protocol.default_port();
    let (client, server) = (Lan::Ipv4.endpoint(AGENT, 40_000), Lan::Ipv4.endpoint(DEVICE, port));
    let mut session = Session::new(client, server, Transport::Tcp);
    session.play(&messages(protocol, &turns, pace), [1, 1]);
    let sources = [files, packs().as_slice()].concat();
    let image = compile(&sources).expect("the policy compiles").image;
    let policy = Policy::load(&image).expect("a compiled image loads");
    let mut memory = Memory::new(&Limits::default(), policy);
    let mut sensor = Sensor::new(Config::default(), policy, memory.lend());
    let sources = Sources::default();
    let context = Context { origin: Origin::capture_file("capture.pcap"), policy, sources: &sources };
    let mut records = Alerts { context, written: Vec::new(), others: Vec::new() };
    for (number, captured) in (1..).zip(Capture::of(&[session], &Network::default()).frames()) {
        let (time, bytes) = (Timestamp(captured.time_ns), &captured.bytes[..]);
        sensor
            .frame(&Frame { number, time, link: LinkType::Ethernet, bytes, wire_len: captured.wire_len }, &mut records);
    }
    sensor.finish(&mut records);
    let named = |id: &PointId| policy.point_info(*id).is_some_and(|info| info.name == point);
    let id = (0..policy.point_count() as u32).map(PointId).find(named).expect("a point of the policy");
    (*sensor.process().get(id), records.written, records.others)
}

fn reported(protocol: Protocol, point: &str, pairs: &[Pair]) -> Option<(f64, bool)> {
    known(protocol, point, pairs).reported.map(|report| (report.value, report.good))
}

fn commanded(protocol: Protocol, point: &str, pairs: &[Pair]) -> Option<f64> {
    known(protocol, point, pairs).commanded.map(|order| order.value)
}

fn answered(request: Vec<u8>, response: Vec<u8>) -> Pair {
    (request, Some(response))
}

fn echoed(request: Vec<u8>) -> Pair {
    answered(request.clone(), request)
}

#[test]
fn modbus_reads_of_every_table_report() {
    let of = |point, request, response| reported(Protocol::Modbus, point, &[answered(request, response)]);
    assert_eq!(of("pump", read(1, 0, 5), bits_response(1, &[false, false, false, true, false])), Some((1.0, true)));
    assert_eq!(of("float", read(2, 4, 1), bits_response(2, &[true])), Some((1.0, true)));
    assert_eq!(of("speed", read(3, 9, 2), registers_response(3, &[1, 555])), Some((55.5, true)));
    assert_eq!(of("level", read(4, 20, 2), registers_response(4, &[0x41C8, 0])), Some((25.0, true)));
    assert_eq!(of("speed", read_write(10, 1, 50, &[7]), registers_response(23, &[300])), Some((30.0, true)));
}

#[test]
fn what_cannot_be_the_answer_reports_nothing() {
    let of = |point, request, response| reported(Protocol::Modbus, point, &[answered(request, response)]);
    assert_eq!(of("speed", read(3, 9, 2), exception(3, 2)), None);
    assert_eq!(of("speed", read(3, 9, 2), registers_response(3, &[555])), None);
    assert_eq!(of("speed", read(3, 9, 2), registers_response(4, &[1, 555])), None);
    assert_eq!(of("level", read(4, 20, 1), registers_response(4, &[0x41C8])), None);
}

#[test]
fn the_rate_is_that_of_two_reports() {
    let told = |raw| answered(read(3, 10, 1), registers_response(3, &[raw]));
    let state = known(Protocol::Modbus, "speed", &[told(100), told(160)]);
    assert_eq!(state.reported.and_then(|report| report.rate()), Some(6.0));
    assert_eq!(known(Protocol::Modbus, "speed", &[told(100)]).reported.and_then(|report| report.rate()), None);
}

#[test]
fn modbus_writes_that_are_accepted_command() {
    let of = |point, pairs: &[Pair]| commanded(Protocol::Modbus, point, pairs);
    assert_eq!(of("pump", &[echoed(write_coil(3, true))]), Some(1.0));
    assert_eq!(of("speed", &[echoed(write_register(10, 600))]), Some(60.0));
    assert_eq!(of("speed", &[answered(write_registers(9, &[1, 700]), written(16, 9, 2))]), Some(70.0));
    assert_eq!(of("speed", &[answered(read_write(50, 1, 10, &[70]), registers_response(23, &[300]))]), Some(7.0));
    assert_eq!(of("speed", &[answered(write_register(10, 600), exception(6, 3))]), None);
    assert_eq!(of("speed", &[(write_register(10, 600), None)]), None);
    assert_eq!(of("speed", &[answered(write_register(10, 600), write_register(10, 601))]), None);
    assert_eq!(of("speed", &[echoed(write_register(10, 600)), echoed(mask_write(10, 1, 2))]), None);
}

#[test]
fn who_commanded_is_known() {
    let state = known(Protocol::Modbus, "speed", &[echoed(write_register(10, 600))]);
    assert_eq!(state.commanded.and_then(|order| order.by).map(|actor| actor.0), Some(0));
}

#[test]
fn dnp3_responses_report_with_quality() {
    let of = |point, objects: &[u8]| {
        let pair = answered(dnp3::request(0, function::READ, &dnp3::ALL_CLASSES), dnp3::response(0, [0, 0], objects));
        reported(Protocol::Dnp3, point, &[pair])
    };
    assert_eq!(of("flow", &[30, 2, 0, 0, 1, 0x01, 1, 0, 0x01, 50, 0]), Some((25.0, true)));
    assert_eq!(of("flow", &[32, 2, 0x17, 1, 1, 0x21, 50, 0]), Some((25.0, false)));
    assert_eq!(of("flow", &[34, 1, 0, 1, 1, 9, 0]), None);
    assert_eq!(of("door", &[1, 1, 0, 0, 3, 0b0001]), Some((1.0, true)));
    assert_eq!(of("door", &[2, 1, 0x17, 1, 0, 0x80]), Some((1.0, false)));
    assert_eq!(of("valve", &[40, 2, 0, 7, 7, 0x01, 40, 0]), Some((40.0, true)));
}

#[test]
fn unsolicited_responses_report() {
    let pair = (Vec::new(), Some(dnp3::unsolicited(0, [0, 0], &dnp3::binary_event(0, true))));
    assert_eq!(reported(Protocol::Dnp3, "door", &[pair]), Some((1.0, true)));
}

#[test]
fn dnp3_controls_with_success_command() {
    let exchange = |code: u8, objects: &dyn Fn(u8) -> Vec<u8>, status| {
        answered(dnp3::request(0, code, &objects(0)), dnp3::response(0, [0, 0], &objects(status)))
    };
    let valve = |status| dnp3::analog_outputs(7, &[Setpoint::I16(40)], status);
    let breaker = |status| dnp3::crob(2, 0x81, status);
    let of = |point, pair: Pair| commanded(Protocol::Dnp3, point, &[pair]);
    assert_eq!(of("valve", exchange(function::DIRECT_OPERATE, &valve, 0)), Some(40.0));
    assert_eq!(of("valve", exchange(function::OPERATE, &valve, 0)), Some(40.0));
    assert_eq!(of("breaker", exchange(function::OPERATE, &breaker, 0)), Some(0.0));
    assert_eq!(of("valve", exchange(function::OPERATE, &valve, 2)), None);
    assert_eq!(of("valve", exchange(function::SELECT, &valve, 0)), None);
    assert_eq!(of("valve", (dnp3::request(0, function::DIRECT_OPERATE, &valve(0)), None)), None);
    assert_eq!(of("valve", (dnp3::request(0, function::DIRECT_OPERATE_NO_ACK, &valve(0)), None)), Some(40.0));
}

#[test]
fn an_alert_tells_what_happened_and_who_moved_the_point_last() {
    let told = |raw| answered(read(3, 10, 1), registers_response(3, &[raw]));
    let pairs = [told(500), echoed(write_register(10, 600)), told(601), told(510), told(1_010)];
    let (_, alerts) = watched(Protocol::Modbus, "speed", &pairs);
    let about: Vec<_> = alerts.iter().map(|alert| (&alert["alert"]["signature_id"], &alert["ot"]["process"])).collect();
    let command = |process: &Value| json!({ "actor": "agent", "value": 60.0, "time": process["last_command"]["time"] });
    let [(effect, zeroth), (mismatch, first), (beyond, second)] = about.as_slice() else {
        panic!("three alerts: {about:#?}")
    };
    let expected = |process: &Value, event, value, limit| {
        json!({
            "event": event, "point": "speed", "value": value, "limit": limit, "last_command": command(process)
        })
    };
    assert_eq!((*effect, *zeroth), (&json!(1_000_036), &expected(zeroth, "effect", 60.1, 60.0)));
    assert_eq!((*mismatch, *first), (&json!(1_000_032), &expected(first, "mismatch", 51.0, 60.0)));
    assert_eq!((*beyond, *second), (&json!(1_000_030), &expected(second, "out-of-range", 101.0, 100.0)));
    let why =
        "plc.speed = 51 % was reported, though the device was told 60 %. The last command, 60 %, was that of agent.";
    assert_eq!(alerts[1]["ot"]["why"], why);
}

#[test]
fn what_a_command_without_a_permit_leads_to_belongs_to_its_incident() {
    let told = |raw| answered(read(3, 10, 1), registers_response(3, &[raw]));
    let (_, alerts, others) =
        played(Protocol::Modbus, "speed", &[told(500), echoed(write_register(10, 600)), told(600)]);
    let written = others.iter().find(|alert| alert["ot"]["action"] == "write").expect("an alert of the command");
    let [effect] = alerts.as_slice() else { panic!("one alert: {alerts:#?}") };
    assert_eq!(effect["ot"]["incident_id"], written["ot"]["incident_id"]);
    assert_eq!(effect["alert"]["severity"], json!(1));
    let why = "plc.speed = 60 % was reported, where a command without a permit sent it. The last command, 60 %, was that \
               of agent.";
    assert_eq!(effect["ot"]["why"], why);
    let refused = [told(500), answered(write_register(10, 600), exception(6, 4)), told(600)];
    assert_eq!(played(Protocol::Modbus, "speed", &refused).1, Vec::<Value>::new());
}

#[test]
fn an_alert_on_a_command_tells_the_point_and_what_was_before() {
    let pairs = [echoed(write_register(10, 500)), echoed(write_registers(9, &[3, 50, 7]))];
    let (_, alerts) = watched(Protocol::Modbus, "speed", &pairs);
    let [slip] = alerts.as_slice() else { panic!("one alert: {alerts:#?}") };
    assert_eq!(slip["alert"]["signature_id"], json!(1_000_311));
    let ot = &slip["ot"];
    let told = json!([ot["point"]["name"], ot["point"]["address"], ot["value"], ot["previous"], ot["actor_before"]]);
    assert_eq!(told, json!(["speed", 10, 5.0, 50.0, "agent"]));
    let why = "ai-agent agent wrote plc.speed = 5 %. It was 50 % before, and commanded last by agent.";
    assert!(ot["why"].as_str().is_some_and(|told| told.starts_with(why)), "{}", ot["why"]);
}

#[test]
fn a_rule_on_points_fires_for_each_that_a_command_touches() {
    let load = |value| dnp3::analog_outputs(7, &[Setpoint::I16(value)], 0);
    let both = |value: i16| [load(value), dnp3::analog_outputs(8, &[Setpoint::I16(value)], 0)].concat();
    let pair = |objects: Vec<u8>| {
        answered(dnp3::request(0, function::DIRECT_OPERATE, &objects), dnp3::response(0, [0, 0], &objects))
    };
    let (_, alerts) = watched(Protocol::Dnp3, "valve", &[pair(both(4)), pair(both(400))]);
    let places: Vec<_> = alerts.iter().map(|alert| alert["ot"]["point"]["name"].clone()).collect();
    assert_eq!(places, ["valve", "bypass"]);
    assert_ne!(alerts[0]["ot"]["alert_id"], alerts[1]["ot"]["alert_id"]);
}

#[test]
fn reports_that_disagree_with_reads_of_the_same_point_are_told() {
    let read = |door| {
        let answer = dnp3::response(0, [0, 0], &dnp3::binary_inputs(0, &[door]));
        answered(dnp3::request(0, function::READ, &dnp3::ALL_CLASSES), answer)
    };
    let unasked =
        |sequence, door| (Vec::new(), Some(dnp3::unsolicited(sequence, [0, 0], &dnp3::binary_event(0, door))));
    let told = |asked, without| (0..4).flat_map(|round| [read(asked), unasked(round, without)]).collect::<Vec<_>>();
    let (_, alerts) = watched(Protocol::Dnp3, "door", &told(true, false));
    let [alert] = alerts.as_slice() else { panic!("one alert: {alerts:#?}") };
    assert_eq!(alert["alert"]["signature_id"], json!(1_000_037));
    assert_eq!(alert["ot"]["why"], json!("plc.door = 0 was reported, while others are told 1, in turns."));
    assert_eq!(watched(Protocol::Dnp3, "door", &told(true, true)).1, Vec::<Value>::new());
}

#[test]
fn a_broken_invariant_names_the_commands_behind_it() {
    let report = |breaker: u8, valve: u8| {
        let objects = [10, 2, 0, 2, 2, breaker, 40, 2, 0, 7, 7, 0x01, valve, 0];
        answered(dnp3::request(0, function::READ, &dnp3::ALL_CLASSES), dnp3::response(0, [0, 0], &objects))
    };
    let open = dnp3::analog_outputs(7, &[Setpoint::I16(40)], 0);
    let open = answered(dnp3::request(0, function::DIRECT_OPERATE, &open), dnp3::response(0, [0, 0], &open));
    let (_, alerts) = watched(Protocol::Dnp3, "valve", &[report(0x81, 0), open, report(0x01, 40), report(0x01, 41)]);
    let [effect, alert] = alerts.as_slice() else { panic!("two alerts: {alerts:#?}") };
    assert_eq!(effect["ot"]["process"]["event"], json!("effect"));
    let (signature, ot) = (&alert["alert"]["signature"], &alert["ot"]);
    assert_eq!(signature, "Invariant broken: the valve is shut while the breaker is open");
    let time = &ot["invariant"]["points"][1]["last_command"]["time"];
    let expected = json!([
        { "device": "plc", "name": "breaker", "value": 0.0 },
        { "device": "plc", "name": "valve", "value": 40.0, "last_command": { "actor": "agent", "value": 40.0, "time": time } },
    ]);
    assert_eq!(ot["invariant"]["points"], expected);
    assert_eq!((&ot["point"]["name"], &ot["value"]), (&json!("valve"), &json!(40.0)));
    let time = time.as_str().expect("a command has a time");
    let why = format!(
        "`point(\"plc.breaker\") == 1 || point(\"plc.valve\") == 0` does not hold. plc.breaker = 0, never commanded. \
         plc.valve = 40, last commanded by agent at {time}: 40."
    );
    assert_eq!(ot["why"], json!(why));
}

#[test]
fn a_control_that_is_selected_and_not_operated_is_told_when_the_time_is_over() {
    let valve = |value| dnp3::analog_outputs(7, &[Setpoint::I16(value)], 0);
    let said = |code, objects: &[u8]| answered(dnp3::request(0, code, objects), dnp3::response(0, [0, 0], objects));
    let (select, operate) = (said(function::SELECT, &valve(40)), said(function::OPERATE, &valve(40)));
    let poll = || said(function::READ, &[]);
    let polls = |count| std::iter::repeat_with(poll).take(count);
    let story = |first: &[Pair], count| first.iter().cloned().chain(polls(count)).collect::<Vec<_>>();
    let whys = |pairs: &[Pair]| whys(Protocol::Dnp3, 1_000_211, pairs);
    let [why] = &whys(&story(std::slice::from_ref(&select), 70))[..] else { panic!("one alert") };
    assert_eq!(why, "ai-agent agent selected plc. What should follow within 60 s did not.");
    assert!(whys(&story(&[select.clone(), operate], 70)).is_empty());
    assert!(whys(&story(&[select], 50)).is_empty());
}

#[test]
fn operates_are_held_against_what_was_selected() {
    let valve = |value| dnp3::analog_outputs(7, &[Setpoint::I16(value)], 0);
    let said = |sequence, code, value| {
        let objects = valve(value);
        answered(dnp3::request(sequence, code, &objects), dnp3::response(sequence, [0, 0], &objects))
    };
    let (select, operate) = (function::SELECT, function::OPERATE);
    let sids = |pairs: &[Pair]| [1_000_212, 1_000_213, 1_000_214].map(|sid| whys(Protocol::Dnp3, sid, pairs).len());
    assert_eq!(sids(&[said(1, select, 40), said(2, operate, 40)]), [0, 0, 0]);
    assert_eq!(sids(&[said(1, operate, 40)]), [1, 0, 0]);
    assert_eq!(sids(&[said(1, select, 40), said(2, operate, 90)]), [0, 1, 0]);
    let polls = std::iter::repeat_with(|| said(0, function::READ, 0)).take(40);
    let late: Vec<_> = [said(1, select, 40)].into_iter().chain(polls).chain([said(2, operate, 40)]).collect();
    assert_eq!(sids(&late), [0, 0, 1]);
}

#[test]
fn each_point_of_a_response_has_its_own_alert() {
    let beyond = [30, 2, 0, 1, 1, 0x01, 60, 0, 40, 2, 0, 7, 7, 0x01, 45, 1];
    let pair = answered(dnp3::request(0, function::READ, &dnp3::ALL_CLASSES), dnp3::response(0, [0, 0], &beyond));
    let (_, alerts) = watched(Protocol::Dnp3, "flow", &[pair]);
    let points: Vec<_> = alerts.iter().map(|alert| alert["ot"]["process"]["point"].clone()).collect();
    assert_eq!(points, ["flow", "valve"]);
    assert_ne!(alerts[0]["ot"]["alert_id"], alerts[1]["ot"]["alert_id"]);
}

/// Something of everything that a policy may have, none of which is about what the tests do.
const UNRELATED: &str = r#"
[actors.another]
kind = "hmi"
ip = "10.9.0.1"
[devices.another]
ip = "10.9.0.2"
[devices.another.points]
tank = { holding-register = 0 }
[[permits]]
actor = "another"
device = "another"
do = "write"
[[rules]]
sid = 2000001
signature = "Somebody asks a device what it is"
severity = "low"
on_action = "identify"
[[invariants]]
name = "the tank is not full"
must = 'point("another.tank") < 90'
severity = "low"
"#;

#[test]
fn ids_do_not_depend_on_what_else_a_policy_has() {
    let valve = |value| dnp3::analog_outputs(7, &[Setpoint::I16(value)], 0);
    let said = |code, objects: &[u8]| answered(dnp3::request(0, code, objects), dnp3::response(0, [0, 0], objects));
    let report = [10, 2, 0, 2, 2, 0x01, 40, 2, 0, 7, 7, 0x01, 45, 1];
    let told = answered(dnp3::request(0, function::READ, &dnp3::ALL_CLASSES), dnp3::response(0, [0, 0], &report));
    let first = [said(function::SELECT, &valve(40)), said(function::DIRECT_OPERATE, &valve(4)), told];
    let polls = std::iter::repeat_with(|| said(function::READ, &[])).take(70);
    let pairs: Vec<_> = first.into_iter().chain(polls).collect();
    let identified = |files: &[SourceFile]| {
        let (_, written, others) = played_with(files, Protocol::Dnp3, "valve", &pairs);
        let id = |alert: &Value| (alert["alert"]["signature_id"].clone(), alert["ot"]["alert_id"].clone());
        written.iter().chain(&others).map(id).collect::<Vec<_>>()
    };
    let plant = SourceFile::new("plant.toml", POLICY);
    let alone = identified(std::slice::from_ref(&plant));
    let sids: Vec<_> = alone.iter().filter_map(|(sid, _)| sid.as_u64()).collect();
    for expected in [1_000_030, 1_000_211, 1_001_101] {
        assert!(sids.contains(&expected), "{expected} is not among {sids:?}");
    }
    assert_eq!(identified(&[SourceFile::new("another.toml", UNRELATED), plant]), alone);
}

#[test]
fn absences_invariants_and_stale_points_can_be_suppressed() {
    let valve = |value| dnp3::analog_outputs(7, &[Setpoint::I16(value)], 0);
    let said = |code, objects: &[u8]| answered(dnp3::request(0, code, objects), dnp3::response(0, [0, 0], objects));
    let report = [10, 2, 0, 2, 2, 0x01, 40, 2, 0, 7, 7, 0x01, 45, 0];
    let told = answered(dnp3::request(0, function::READ, &dnp3::ALL_CLASSES), dnp3::response(0, [0, 0], &report));
    let polls = std::iter::repeat_with(|| said(function::READ, &[])).take(70);
    let pairs: Vec<_> = [told, said(function::SELECT, &valve(40))].into_iter().chain(polls).collect();
    let plant = POLICY.replace("valve = { analog-output = 7,", "valve = { analog-output = 7, stale = \"20 s\",");
    let sids = |suppress: &str| {
        let files = [SourceFile::new("plant.toml", format!("{plant}\n{suppress}"))];
        let (_, written, others) = played_with(&files, Protocol::Dnp3, "valve", &pairs);
        let sids = written.iter().chain(&others).filter_map(|alert| alert["alert"]["signature_id"].as_u64());
        sids.filter(|sid| [1_000_035, 1_000_211, 1_001_101].contains(sid)).collect::<Vec<_>>()
    };
    let suppress = |rules: &str| format!("[[suppress]]\nname = \"it\"\nreason = \"a test\"\nrules = [{rules}]\n");
    assert_eq!(sids(""), [1_001_101, 1_000_035, 1_000_211]);
    assert_eq!(sids(&suppress("1000211")), [1_001_101, 1_000_035]);
    assert_eq!(sids(&suppress("\"Invariant broken*\"")), [1_000_035, 1_000_211]);
    assert_eq!(sids(&format!("{}device = \"plc\"", suppress("1000035"))), [1_001_101, 1_000_211]);
    assert_eq!(sids(&format!("{}points = \"valve\"", suppress("1000035"))), [1_001_101, 1_000_211]);
}

#[test]
fn summaries_and_absences_tell_protocol_and_point() {
    let pairs: Vec<_> = (0..3).flat_map(|_| [500, 50].map(|raw| echoed(write_register(10, raw)))).collect();
    let (_, _, others) = played(Protocol::Modbus, "speed", &pairs);
    let is_slip =
        |alert: &&Value| alert["alert"]["signature_id"] == json!(1_000_311) && !alert["ot"]["repeats"].is_null();
    let summary = others.iter().find(is_slip).expect("a summary");
    assert_eq!((&summary["app_proto"], &summary["ot"]["point"]["name"]), (&json!("modbus"), &json!("speed")));
    let valve = dnp3::analog_outputs(7, &[Setpoint::I16(40)], 0);
    let said = |code, objects: &[u8]| answered(dnp3::request(0, code, objects), dnp3::response(0, [0, 0], objects));
    let polls = std::iter::repeat_with(|| said(function::READ, &[])).take(70);
    let pairs: Vec<_> = [said(function::SELECT, &valve)].into_iter().chain(polls).collect();
    let (_, _, others) = played(Protocol::Dnp3, "valve", &pairs);
    let absent = others.iter().find(|alert| alert["alert"]["signature_id"] == json!(1_000_211)).expect("an alert");
    assert_eq!(absent["app_proto"], json!("dnp3"));
}

#[test]
fn a_reply_that_comes_late_is_told_with_what_would_permit_it() {
    let permit = "[[permits]]\nactor = \"agent\"\ndevice = \"plc\"\ndo = \"write\"\nreply_within = ";
    let told = |within: &str, pairs: &[Pair]| {
        let files = [SourceFile::new("plant.toml", format!("{POLICY}\n{permit}\"{within}\"\n"))];
        let (_, _, others) = played_with(&files, Protocol::Modbus, "speed", pairs);
        others.into_iter().filter(|alert| alert["alert"]["signature_id"] == json!(1_001_014)).collect::<Vec<_>>()
    };
    let write = || echoed(write_register(10, 600));
    assert!(told("2 ms", &[write()]).is_empty());
    let [late] = &told("1 ms", &[write()])[..] else { panic!("one alert") };
    let ot = &late["ot"];
    assert_eq!((&late["alert"]["severity"], &ot["reason"]), (&json!(2), &json!("unexpected-reply")));
    assert_eq!(ot["permitted"], json!({ "reply": "success within 1 ms", "found": 2.0 }));
    let why = "ai-agent agent wrote plc.speed = 60 %; the policy expects success within 1 ms, and this came after 2 ms. \
               The device accepted it.";
    assert_eq!(ot["why"], json!(why));
    assert!(ot["suggestion"].as_str().is_some_and(|edit| edit.ends_with("reply_within = \"2 ms\"\n")), "{ot}");
    // A capture that ends before the device could answer says nothing.
    assert!(told("1 ms", &[(write_register(10, 600), None)]).is_empty());
}
