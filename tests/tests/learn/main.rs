//! What `tagout learn` makes of traffic: habits become permits, and nothing else does.

mod captures;
mod decisions;
mod habits;
mod masters;
mod paces;
mod proposals;

use std::net::IpAddr;

use tagout::learn::{Learned, Limits, Listener, MOST_POINTS};
use tagout_compiler::{Compiled, SourceFile, compile};
use tagout_core::engine::Policy;
use tagout_tests::collect::Records;
use tagout_tests::generate::{Capture, Endpoint, Message, Session, Side, Transport, modbus};
use tagout_tests::observe::observe;
use tagout_tests::plant::{DEVICE, Lan, PANEL, Protocol};

const SECOND: u64 = 1_000_000;
/// How long the plant is listened to, in seconds.
const LENGTH: u64 = 300;

/// Requests with their responses, at times in microseconds.
type Talk = Vec<(u64, Vec<u8>, Vec<u8>)>;

/// A Modbus session of one client with the plant's device.
fn session(client: Endpoint, talk: &Talk) -> Session {
    let mut session = Session::new(client, Lan::Ipv4.endpoint(DEVICE, 502), Transport::Tcp);
    let turns = talk.iter().enumerate();
    let messages = turns.flat_map(|(turn, (at_us, request, response))| {
        let adu = |pdu: &[u8]| modbus::adu(turn as u16, 1, pdu);
        [(Side::Client, *at_us, adu(request)), (Side::Server, at_us + 5_000, adu(response))]
            .map(|(from, at_us, bytes)| Message { turn, from, at_us, bytes })
    });
    session.play(&messages.collect::<Vec<_>>(), [1_000, 9_000]);
    session
}

/// The low and the high register of a number.
fn low_first(value: f32) -> [u16; 2] {
    let bits = value.to_bits();
    [bits as u16, (bits >> 16) as u16]
}

/// A panel that reads a level and a few registers every second, and moves a setpoint every twenty.
fn habit() -> Talk {
    let mut talk = Talk::new();
    for second in 0..LENGTH {
        let level = low_first(4.0 + 3.0 * (second as f32 / 37.0).sin());
        let at_us = second * SECOND;
        talk.push((at_us, modbus::read(4, 0, 2), modbus::registers_response(4, &level)));
        let registers = [500 + second as u16 % 7, 3, 0];
        talk.push((at_us + 100_000, modbus::read(3, 10, 3), modbus::registers_response(3, &registers)));
        if second % 20 == 5 {
            let write = modbus::write_register(10, 500 + second as u16 % 7);
            talk.push((at_us + 200_000, write.clone(), write));
        }
    }
    talk
}

fn panel() -> Session {
    session(Lan::Ipv4.endpoint(PANEL, 40_000), &habit())
}

fn capture(sessions: &[Session]) -> Capture {
    Capture::of(sessions, &Lan::Ipv4.network())
}

fn learn(capture: &Capture, protocol: Protocol) -> Learned {
    learn_points(capture, protocol, MOST_POINTS)
}

fn learn_points(capture: &Capture, protocol: Protocol, most_points: usize) -> Learned {
    let mut listener = Listener::new(Limits::default());
    observe(capture, protocol, protocol.default_port(), Policy::empty(), &mut listener);
    listener.learn(&["generated".to_owned()], most_points)
}

fn text<'l>(learned: &'l Learned, name: &str) -> &'l str {
    &learned.files.iter().find(|(file, _)| *file == name).expect("the file is written").1
}

/// The policy, which has to compile without a warning.
fn image(learned: &Learned) -> Vec<u8> {
    let files = learned.files.iter().filter(|(name, _)| name.ends_with(".toml"));
    let files: Vec<_> = files.map(|(name, text)| SourceFile::new(*name, text.clone())).collect();
    let Compiled { image, warnings, .. } = compile(&files).unwrap_or_else(|errors| panic!("{errors:#?}"));
    assert_eq!(warnings, [], "{files:#?}");
    image
}

/// What the policy says against a capture: who did what.
fn violations(learned: &Learned, capture: &Capture, protocol: Protocol) -> Vec<(IpAddr, &'static str)> {
    let image = image(learned);
    let policy = Policy::load(&image).expect("the image is sound");
    let mut records = Records::default();
    observe(capture, protocol, protocol.default_port(), policy, &mut records);
    against(&records)
}

fn against(records: &Records) -> Vec<(IpAddr, &'static str)> {
    let told = records.violations().filter_map(|alert| Some((alert.client?.ip(), alert.action?.name())));
    told.collect()
}

fn ip(host: u8) -> IpAddr {
    Lan::Ipv4.endpoint(host, 0).ip
}
