//! The inputs that the corpora started from, made by the project's own generator and compiler.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tagout_compiler::{SourceFile, compile, default_pack};

use crate::generate::dnp3::{self, Link, Setpoint, function};
use crate::generate::{Capture, Endpoint, Message, Network, Session, Side, Transport, modbus};

const LINK: Link = Link { master: 1, outstation: 10 };

/// A file name and the input for it.
pub type Seed = (&'static str, Vec<u8>);

/// The seeds of a target.
pub fn seeds(target: &str) -> Vec<Seed> {
    match target {
        "frames" => captures(),
        "modbus" => modbus_streams(),
        "dnp3" => dnp3_inputs(),
        _ => images(),
    }
}

fn modbus_streams() -> Vec<Seed> {
    let stream = |choices: u8, pdus: &[Vec<u8>]| {
        let adus = (1..).zip(pdus).flat_map(|(label, pdu)| modbus::adu(label, 1, pdu));
        [choices].into_iter().chain(adus).collect::<Vec<u8>>()
    };
    let (requests, responses) = (modbus_requests(), modbus_responses());
    let mut damaged = stream(0, &requests);
    damaged.insert(9, 0x55);
    vec![
        ("requests", stream(2, &requests)),
        ("requests-unsynced", stream(0, &requests)),
        ("requests-stray-byte", damaged),
        ("responses", stream(3, &responses)),
        ("responses-unsynced", stream(1, &responses)),
        ("user-defined", stream(0, &[vec![0x5a, 0x00, 0x02], vec![0x41]])),
    ]
}

fn modbus_requests() -> Vec<Vec<u8>> {
    vec![
        modbus::read(1, 0, 16),
        modbus::read(2, 100, 2000),
        modbus::read(3, 0, 125),
        modbus::read(4, 65_535, 1),
        modbus::write_coil(3, true),
        modbus::write_register(10, 42),
        modbus::write_coils(8, &[true, false, true]),
        modbus::write_registers(10, &[1, 2, 3]),
        modbus::mask_write(4, 0x00f2, 0x0025),
        modbus::read_write(3, 6, 14, &[255, 255]),
        vec![0x08, 0, 4, 0, 0],
        vec![0x11],
        vec![0x14, 7, 6, 0, 4, 0, 1, 0, 2],
        vec![0x2b, 0x0e, 1, 0],
    ]
}

fn modbus_responses() -> Vec<Vec<u8>> {
    vec![
        modbus::bits_response(1, &[true; 16]),
        modbus::registers_response(3, &[7; 125]),
        modbus::write_coil(3, true),
        modbus::written(16, 10, 3),
        modbus::mask_write(4, 0x00f2, 0x0025),
        modbus::registers_response(23, &[1, 2, 3, 4, 5, 6]),
        modbus::exception(6, 2),
        vec![0x11, 3, 1, 0xff, 0],
    ]
}

fn dnp3_inputs() -> Vec<Seed> {
    let as_fragment = |fragment: Vec<u8>| [vec![1], fragment].concat();
    let as_stream = |fragments: &[Vec<u8>]| {
        let frames = fragments.iter().flat_map(|fragment| dnp3::frames(LINK, Side::Client, 0, fragment));
        [vec![vec![0]], frames.collect()].concat().concat()
    };
    let as_user_data = |fragment: &[u8]| {
        let segments = fragment.chunks(60).enumerate().flat_map(|(at, chunk)| {
            let marks = if at == 0 { 0x40 } else { 0 } | if (at + 1) * 60 >= fragment.len() { 0x80 } else { 0 };
            [vec![chunk.len() as u8 + 1, marks | at as u8], chunk.to_vec()].concat()
        });
        [vec![2], segments.collect()].concat()
    };
    let (requests, responses) = (dnp3_requests(), dnp3_responses());
    let mut damaged = as_stream(&requests);
    damaged[20] ^= 0x10;
    vec![
        ("fragment-read", as_fragment(requests[0].clone())),
        ("fragment-controls", as_fragment(requests[2].clone())),
        ("fragment-setpoints", as_fragment(requests[3].clone())),
        ("fragment-static-data", as_fragment(responses[0].clone())),
        ("fragment-file", as_fragment(vec![0xc1, 0x02, 70, 5, 0x5b, 1, 9, 0, 1, 0, 0, 0, 0, 0, 0, 0x80, 0x41])),
        ("requests", as_stream(&requests)),
        ("requests-bad-crc", damaged),
        ("responses", as_stream(&responses)),
        ("segments", as_user_data(&responses[0])),
        ("segments-controls", as_user_data(&requests[2])),
    ]
}

fn dnp3_requests() -> Vec<Vec<u8>> {
    let setpoints = [Setpoint::F32(12.5), Setpoint::F32(-1.0)];
    vec![
        dnp3::request(0, function::READ, &dnp3::ALL_CLASSES),
        dnp3::request(1, function::WRITE, &dnp3::CLEAR_RESTART),
        dnp3::request(2, function::SELECT, &dnp3::crob(3, dnp3::control::PULSE_ON_CLOSE, 0)),
        dnp3::request(3, function::DIRECT_OPERATE, &dnp3::analog_outputs(7, &setpoints, 0)),
        dnp3::request(4, function::READ, &[dnp3::range(30, 0, 0, 1000), dnp3::indices(1, 2, 5)].concat()),
        dnp3::request(5, function::DISABLE_UNSOLICITED, &dnp3::EVENT_CLASSES),
        dnp3::request(6, function::COLD_RESTART, &[]),
        dnp3::confirm_unsolicited(7),
    ]
}

fn dnp3_responses() -> Vec<Vec<u8>> {
    let analogs: Vec<i32> = (0..80).map(|index| index * 1000 - 40_000).collect();
    let data = [dnp3::binary_inputs(0, &[true; 20]), dnp3::analog_inputs(0, &analogs)].concat();
    vec![
        dnp3::response(0, [0x80, 0x00], &data),
        dnp3::response(2, [0, 0], &dnp3::crob(3, dnp3::control::PULSE_ON_CLOSE, 4)),
        dnp3::response(6, [0, 0], &dnp3::time_delay(500)),
        dnp3::unsolicited(7, [0, 0], &dnp3::binary_event(2, true)),
        dnp3::response(4, [0, 0], &dnp3::short_analog_inputs(&[1, -2, 3])),
    ]
}

fn captures() -> Vec<Seed> {
    let modbus = modbus_dialogue();
    let dnp3 = dnp3_dialogue();
    let v4 = [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 20)), IpAddr::V4(Ipv4Addr::new(10, 0, 0, 10))];
    let v6 = [20, 10].map(|host| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host)));
    let whole = usize::MAX;
    vec![
        ("modbus.pcap", capture(v4, 502, Transport::Tcp, 1400, whole, &[], &modbus)),
        ("modbus-byte-by-byte.pcap", capture(v4, 502, Transport::Tcp, 1, whole, &[], &modbus[..2])),
        ("modbus-ipv6.pcap", capture(v6, 502, Transport::Tcp, 40, whole, &[7], &modbus)),
        ("modbus-udp.pcap", capture(v4, 502, Transport::Udp, 1400, whole, &[], &modbus)),
        ("modbus-truncated.pcap", capture(v4, 502, Transport::Tcp, 1400, 60, &[], &modbus)),
        ("dnp3.pcap", capture(v4, 20_000, Transport::Tcp, 100, whole, &[100, 7], &dnp3)),
        ("dnp3-udp-ipv6.pcap", capture(v6, 20_000, Transport::Udp, 1400, whole, &[], &dnp3)),
    ]
}

fn capture(
    [client, server]: [IpAddr; 2],
    port: u16,
    transport: Transport,
    segment_bytes: usize,
    snap_length: usize,
    vlans: &[u16],
    messages: &[Message],
) -> Vec<u8> {
    let endpoint = |last, ip, port| Endpoint { mac: [2, 0, 0, 0, 0, last], ip, port };
    let mut session = Session::new(endpoint(1, client, 40_000), endpoint(2, server, port), transport);
    session.segment_bytes = segment_bytes;
    session.play(messages, [u32::MAX - 50, 5000]);
    let mut capture = Capture::default();
    capture.add(&session, &Network { vlans: vlans.to_vec() });
    capture.truncate_frames(snap_length);
    capture.pcap()
}

/// Requests with their responses, one every 10 ms.
fn dialogue(sides: impl IntoIterator<Item = (Side, Vec<u8>)>) -> Vec<Message> {
    let timed = (0_u64..).zip(sides);
    timed.map(|(at, (from, bytes))| Message { turn: at as usize / 2, from, at_us: 10_000 * (at + 1), bytes }).collect()
}

fn modbus_dialogue() -> Vec<Message> {
    let exchanges = [
        (modbus::read(3, 0, 4), modbus::registers_response(3, &[1, 2, 3, 4])),
        (modbus::write_register(10, 42), modbus::write_register(10, 42)),
        (modbus::write_coils(8, &[true; 9]), modbus::exception(15, 2)),
        (vec![0x08, 0, 4, 0, 0], vec![]),
    ];
    let adus = (1..).zip(exchanges).flat_map(|(label, (request, response))| {
        [(Side::Client, request), (Side::Server, response)].map(|(from, pdu)| (from, modbus::adu(label, 1, &pdu)))
    });
    dialogue(adus)
}

fn dnp3_dialogue() -> Vec<Message> {
    let (requests, responses) = (dnp3_requests(), dnp3_responses());
    let exchanges = [(0, 0), (2, 1), (6, 2), (7, 3)];
    let frames = exchanges.into_iter().flat_map(|(request, response)| {
        [(Side::Client, &requests[request]), (Side::Server, &responses[response])]
            .map(|(from, fragment)| (from, dnp3::frames(LINK, from, 3, fragment).concat()))
    });
    dialogue(frames)
}

fn images() -> Vec<Seed> {
    vec![("policy", policy_image()), ("default-pack", image(&[default_pack()]))]
}

/// The image of a policy in which actors, devices, points and permits of every kind stand, beside the built-in pack.
pub fn policy_image() -> Vec<u8> {
    image(&[SourceFile::new("plant.toml", POLICY), default_pack()])
}

fn image(files: &[SourceFile]) -> Vec<u8> {
    compile(files).unwrap_or_else(|errors| panic!("the seed policy compiles: {errors:?}")).image
}

const POLICY: &str = r#"
[actors.optimizer]
kind = "ai-agent"
ip = "10.0.0.20"

[actors.engineering]
kind = "engineering-station"
ip = "10.0.1.0/24"
mac = "02:00:00:00:00:01"

[devices.plc1]
ip = "10.0.0.10"
unit = 1

[devices.plc1.points]
pump_speed = { holding-register = 10, type = "u16", scale = 0.1, unit = "%", range = [0, 100] }
level = { input-register = 0, type = "f32", words = "low-first", unit = "m" }
inlet = { coil = 3 }

[devices.rtu]
ip = "10.0.0.30"
link = 10

[devices.rtu.points]
breaker = { binary-output = 3 }

[[permits]]
name = "the optimizer trims the pump"
actor = "optimizer"
device = "plc1"
do = ["read", "write"]
points = ["pump_*"]
value = { min = 0, max = 80 }

[[permits]]
actor = "engineering"
device = ["plc1", "rtu"]
do = ["read", "write", "select", "operate", "restart"]
"#;
