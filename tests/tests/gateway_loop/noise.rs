//! Frames that make no sense, by the thousand: a gateway goes on, on this machine and on an emulated board.

use tagout_firmware::Settings;
use tagout_firmware::settings::Transport;
use tagout_tests::fuzz::Mutator;
use tagout_tests::generate::Capture;

use crate::emulated::{Board, image};
use crate::host::Host;
use crate::presence::syn;
use crate::world::{IP, MAC, MS, SECOND, World, heapless_vec, settings};
use crate::{parity, replay};

/// Of any bytes one, of bytes that were changed in a few places so many.
const CHANGED: u32 = 3;
/// Lengths of frames.
const FRAME: std::ops::RangeInclusive<usize> = 14..=1_514;

/// Frames, the same in every run.
struct Noise {
    mutator: Mutator,
    sensible: Vec<Vec<u8>>,
    number: u32,
}

impl Noise {
    fn new() -> Self {
        let mirrored = replay::captures().step_by(97).flat_map(|(_, capture)| frames_of(&capture));
        let own = [syn(MAC, IP.octets(), 514), syn(MAC, IP.octets(), 7_355), syn([0xff; 6], [255; 4], 68)];
        Self { mutator: Mutator::new(7), sensible: mirrored.chain(own).collect(), number: 0 }
    }

    fn next(&mut self) -> Vec<u8> {
        self.number += 1;
        let mut frame = if self.number.is_multiple_of(CHANGED + 1) {
            let len = self.mutator.below(FRAME.end() + 1);
            (0..len).map(|_| self.mutator.random() as u8).collect()
        } else {
            self.mutator.next(&self.sensible)
        };
        frame.resize(frame.len().clamp(*FRAME.start(), *FRAME.end()), 0);
        frame
    }
}

fn frames_of(capture: &Capture) -> Vec<Vec<u8>> {
    capture.frames().iter().map(|frame| frame.bytes.clone()).collect()
}

/// A gateway that tells the time of capture by its own clock.
fn told_to(host: &Host) -> Settings {
    let collector = host.collector(Transport::Udp);
    Settings { collectors: heapless_vec([collector]), heartbeat_s: 1, ..settings() }
}

/// Frames that raise an alert.
fn command() -> Vec<Vec<u8>> {
    let raises = |(_, capture): &(String, Capture)| !replay::alerts(capture).is_empty();
    frames_of(&replay::captures().find(raises).expect("a case that raises an alert").1)
}

/// `TAGOUT_NOISE` says how many frames if not 100,000.
#[test]
fn random_frames_leave_it_alive() {
    let count = std::env::var("TAGOUT_NOISE").map_or(100_000, |count| count.parse().expect("a number of frames"));
    let host = Host::new(9);
    let mut world = World::new(told_to(&host), &replay::image(), vec![host]);
    let mut noise = Noise::new();
    for round in 0..count {
        world.mirror(&noise.next());
        if round % 16 == 0 {
            world.pass(MS);
            world.sent.clear();
        }
    }
    // So long that what the noise raised is no longer repeated, but raised anew.
    world.pass(180 * SECOND);
    world.hosts[0].messages();
    command().iter().for_each(|frame| world.mirror(frame));
    world.pass(10 * SECOND);
    let messages = world.hosts[0].messages();
    assert!(messages.iter().any(|message| message.contains("|heartbeat|")), "{messages:#?}");
    assert!(!parity::alerts(&messages).is_empty(), "{messages:#?}");
}

#[test]
fn random_frames_leave_a_board_alive() {
    let Some(image) = image("mps2-an386") else { return };
    let host = Host::new(9);
    let settings = told_to(&host);
    let mut board = Board::start("mps2-an386", &image, &settings, host);
    board.ping();
    let mut noise = Noise::new();
    for _ in 0..5_000 {
        board.mirror(&noise.next());
    }
    board.ping();
    let before = parity::alerts(&board.host.messages()).len();
    command().iter().for_each(|frame| board.mirror(frame));
    let mut messages = Vec::new();
    board.wait("an alert", |board| {
        messages.extend(board.host.messages());
        !parity::alerts(&messages).is_empty()
    });
    board.ping();
    println!("{before} alerts in the noise, {} bytes of stack", board.hold_stack());
}
