//! A serial line beside the mirror port.

use tagout_firmware::Settings;
use tagout_firmware::settings::{Parity, SerialFraming, SerialLine, Transport};

use crate::host::Host;
use crate::replay;
use crate::world::{MS, SECOND, World, heapless_vec, settings};

/// Two requests for registers: RTU frames with their CRC.
const REQUESTS: [[u8; 8]; 2] =
    [[0x01, 0x03, 0x00, 0x00, 0x00, 0x0a, 0xc5, 0xcd], [0x11, 0x03, 0x00, 0x6b, 0x00, 0x03, 0x76, 0x87]];

/// A world with a line that carries RTU at 9,600 bit/s, of which a byte takes 1.15 ms and the silence between frames 4 ms.
fn listening() -> World {
    let host = Host::new(9);
    let collector = host.collector(Transport::Udp);
    let line = SerialLine { number: 1, framing: SerialFraming::Rtu, baud: 9_600, parity: Parity::Even };
    let settings = Settings {
        collectors: heapless_vec([collector]),
        serial_lines: heapless_vec([line]),
        heartbeat_s: 1,
        ..settings()
    };
    let mut world = World::new(settings, &replay::image(), vec![host]);
    world.pass(2 * SECOND);
    world
}

fn assert_both_inspected(world: &mut World) {
    world.pass(2 * SECOND);
    let messages = world.hosts[0].messages();
    assert!(messages.iter().any(|message| message.contains(" modbus_units=2 ")), "{messages:#?}");
}

#[test]
fn frames_that_come_in_pieces_are_inspected_after_silence() {
    let mut world = listening();
    for request in REQUESTS {
        for piece in request.chunks(3) {
            let now = world.now();
            world.line.borrow_mut().push_back((piece.to_vec(), now));
            world.pass(MS);
        }
        world.pass(200 * MS);
    }
    assert_both_inspected(&mut world);
}

#[test]
fn bytes_that_waited_for_a_busy_loop_are_parted_by_their_own_times() {
    let mut world = listening();
    let mut at = world.now();
    for request in REQUESTS {
        for byte in request {
            at += MS;
            world.line.borrow_mut().push_back((vec![byte], at));
        }
        at += 5 * MS;
    }
    assert_both_inspected(&mut world);
}
