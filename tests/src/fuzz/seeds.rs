//! The inputs that the corpora started from, made by the project's own generator and compiler.

mod dnp3;
mod modbus;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tagout_compiler::{SourceFile, compile, packs};

use crate::generate::{Capture, Endpoint, Message, Network, Session, Side, Transport, Tunnel};

/// A file name and the input for it.
pub type Seed = (String, Vec<u8>);

/// The seeds of a target.
pub fn seeds(target: &str) -> Vec<Seed> {
    match target {
        "frames" | "records" => captures(),
        "serial" => lines(),
        "modbus" => modbus::streams(),
        "rtu" => modbus::rtu_streams(),
        "ascii" => modbus::ascii_streams(),
        "dnp3" => dnp3::inputs(),
        "update" => updates(),
        "gateway" => mirrored(),
        "intent" => super::intent::signed(),
        "otlp" => super::otlp::in_protobuf(),
        "otlp_json" => super::otlp::in_json(),
        "told" => super::told::lines(),
        _ => images(),
    }
}

/// Conversations with a gateway, in pieces of so many octets.
fn updates() -> Vec<Seed> {
    let pieces = |piece: u8, said: &[u8]| chosen(piece, said);
    let [first, second] = [1, 2].map(super::update::conversation);
    named([
        ("whole", pieces(255, &first)),
        ("octet-by-octet", pieces(1, &first)),
        ("two-packages", pieces(100, &[first.clone(), second].concat())),
        ("cut-off", pieces(64, &first[..first.len() / 2])),
    ])
}

/// What a mirror port brings, and what others say to the gateway itself.
fn mirrored() -> Vec<Seed> {
    let mut own = Capture::default();
    (1..).zip(super::gateway::conversation()).for_each(|(at, frame)| own.add_frame(at * 10_000, frame));
    [captures(), named([("own.pcap", own.pcap())])].concat()
}

/// A byte of choices, and what they are about.
fn chosen(choices: u8, bytes: &[u8]) -> Vec<u8> {
    [&[choices], bytes].concat()
}

fn named<const N: usize>(seeds: [(&str, Vec<u8>); N]) -> Vec<Seed> {
    seeds.map(|(name, input)| (name.to_owned(), input)).to_vec()
}

fn captures() -> Vec<Seed> {
    let modbus = dialogue(modbus::said(modbus::mbap));
    let rtu = dialogue(modbus::said(modbus::rtu));
    let ascii = dialogue(modbus::said(modbus::ascii));
    let dnp3 = dialogue(dnp3::said());
    let v4 = [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 20)), IpAddr::V4(Ipv4Addr::new(10, 0, 0, 10))];
    let v6 = [20, 10].map(|host| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host)));
    let whole = usize::MAX;
    let mut seeds = named([
        ("modbus.pcap", capture(v4, 502, Transport::Tcp, 1400, whole, &[], &modbus)),
        ("modbus-byte-by-byte.pcap", capture(v4, 502, Transport::Tcp, 1, whole, &[], &modbus[..2])),
        ("modbus-ipv6.pcap", capture(v6, 502, Transport::Tcp, 40, whole, &[7], &modbus[..60])),
        ("modbus-udp.pcap", capture(v4, 502, Transport::Udp, 1400, whole, &[], &modbus[..60])),
        ("modbus-rtu.pcap", capture(v4, 502, Transport::Tcp, 1400, whole, &[], &rtu[..60])),
        ("modbus-ascii.pcap", capture(v4, 502, Transport::Udp, 1400, whole, &[], &ascii[..60])),
        ("modbus-truncated.pcap", capture(v4, 502, Transport::Tcp, 1400, 60, &[], &modbus[..60])),
        ("dnp3-segmented.pcap", capture(v4, 20_000, Transport::Tcp, 100, whole, &[100, 7], &dnp3)),
        ("dnp3-udp-ipv6.pcap", capture(v6, 20_000, Transport::Udp, 1400, whole, &[], &dnp3)),
    ]);
    seeds.extend(dnp3::dialogues().map(|(name, said)| {
        (format!("{name}.pcap"), capture(v4, 20_000, Transport::Tcp, 1400, whole, &[], &dialogue(said)))
    }));
    seeds.extend(tunnels(v4, &modbus[..8]));
    seeds.extend(LINKS.map(|(name, number, header)| (format!("{name}.pcap"), on_link(&seeds[3].1, number, header))));
    seeds
}

/// The same short conversation in each kind of tunnel.
fn tunnels([client, server]: [IpAddr; 2], messages: &[Message]) -> impl Iterator<Item = Seed> {
    let endpoint = |last, ip, port| Endpoint { mac: [2, 0, 0, 0, 0, last], ip, port };
    let mut session = Session::new(endpoint(1, client, 40_000), endpoint(2, server, 502), Transport::Tcp);
    session.play(messages, [1, 5000]);
    let capture = Capture::of(&[session], &Network::default());
    let at_most = |kind| if kind == Tunnel::ErspanI { 64 } else { 65_000 };
    Tunnel::all().map(move |kind| {
        (format!("tunnel-{kind:?}.pcap").to_lowercase(), capture.tunnelled(kind, at_most(kind)).pcap())
    })
}

/// Links beside plain Ethernet: the number of their type in a capture file, and what stands in front of IPv4.
const LINKS: [(&str, u16, &[u8]); 6] = [
    (
        "arista-64",
        1,
        &[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0xd2, 0x8b, 0, 1, 1, 0x10, 0x69, 0, 0, 0, 0, 0, 0, 1, 0x08, 0x00],
    ),
    (
        "arista-48-vlan",
        1,
        &[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0xd2, 0x8b, 0, 1, 0, 0x21, 0, 0, 0, 0, 0, 1, 0x81, 0, 0, 7, 0x08, 0x00],
    ),
    ("loopback", 0, &[2, 0, 0, 0]),
    ("raw-ip", 101, &[]),
    ("linux-cooked", 113, &[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x08, 0x00]),
    ("linux-cooked-2", 276, &[0x08, 0x00, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]),
];

/// An Ethernet capture as one of another link type would be.
fn on_link(pcap: &[u8], number: u16, header: &[u8]) -> Vec<u8> {
    const ETHERNET: usize = 14;
    let (file_header, mut rest) = pcap.split_at(24);
    let mut other = file_header.to_vec();
    other[20..22].copy_from_slice(&number.to_le_bytes());
    while let Some((record, behind)) = rest.split_at_checked(16) {
        let len = u32::from_le_bytes([record[8], record[9], record[10], record[11]]) as usize;
        let (frame, next) = behind.split_at(len);
        let frame = [header, &frame[ETHERNET..]].concat();
        let len = (frame.len() as u32).to_le_bytes();
        other.extend([&record[..8], &len, &len, &frame].concat());
        rest = next;
    }
    other
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

/// What stands on a line, a message a piece, 80 ms between two of them.
fn lines() -> Vec<Seed> {
    let line = |carries: u8, said: Vec<(Side, Vec<u8>)>| {
        let pieces = said.into_iter().flat_map(|(_, bytes)| chosen(bytes.len() as u8, &chosen(10, &bytes)));
        chosen(carries, &pieces.collect::<Vec<_>>())
    };
    named([
        ("rtu", line(1, modbus::said(modbus::rtu))),
        ("rtu-unknown", line(0, modbus::said(modbus::rtu))),
        ("ascii", line(2, modbus::said(modbus::ascii))),
        ("ascii-unknown", line(0, modbus::said(modbus::ascii))),
        ("dnp3", line(3, dnp3::said())),
        ("dnp3-unknown", line(0, dnp3::said())),
        ("otherwise-framed", line(1, modbus::said(modbus::ascii))),
    ])
}

fn images() -> Vec<Seed> {
    named([("policy", policy_image()), ("packs", image(&packs()))])
}

/// The image of a policy in which actors, devices, points and permits of every kind stand, beside the built-in pack.
pub fn policy_image() -> Vec<u8> {
    image(&[&[SourceFile::new("plant.toml", POLICY)], packs().as_slice()].concat())
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
