//! A serial line of an emulated board: what it says of RTU frames is what the daemon says of the same units in a network.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use tagout_firmware::Settings;
use tagout_firmware::settings::{Collector, Parity, SerialFraming, SerialLine, Transport};
use tagout_tests::generate::modbus::{adu, read, registers_response, rtu, write_register};
use tagout_tests::generate::{self, Capture, Endpoint, Message, Network, Session, Side};

use crate::emulated::{Board, image};
use crate::host::{Host, SYSLOG_UDP};
use crate::world::{heapless_vec, settings};
use crate::{parity, replay};

/// A panel and a drive that are both on line 1 and in the network.
const POLICY: &str = r#"
[actors.panel]
kind = "hmi"
selectors = [{ line = 1 }, { ip = "10.0.0.1" }]

[devices.drive]
selectors = [{ line = 1, unit = 7 }, { ip = "10.0.0.2", unit = 7 }]

[devices.drive.points]
speed = { holding-register = 0, type = "u16" }

[[permits]]
actor = "panel"
device = "drive"
do = ["read"]

[[permits]]
actor = "panel"
device = "drive"
do = ["write"]
value = { max = 100 }
"#;

const UNIT: u8 = 7;
/// Between two frames: far more than 3.5 characters.
const STEP: Duration = Duration::from_millis(300);
/// The silence between frames is 32 ms at this rate, and an emulated board asks for bytes every 10 ms.
const BAUD: u32 = 1_200;
const PATIENCE: Duration = Duration::from_secs(60);

/// Requests and responses, by turns.
fn units() -> Vec<Vec<u8>> {
    let exception = vec![0x86, 0x02];
    vec![
        read(3, 0, 2),
        registers_response(3, &[1, 2]),
        write_register(0, 50),
        write_register(0, 50),
        write_register(0, 500),
        write_register(0, 500),
        write_register(9, 1),
        exception,
        read(3, 0, 2),
        registers_response(3, &[500, 2]),
    ]
}

/// The units over TCP.
fn network() -> Capture {
    let end = |last, port| Endpoint { mac: [2, 0, 0, 0, 0, last], ip: IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), port };
    let mut session = Session::new(end(1, 40_000), end(2, 502), generate::Transport::Tcp);
    let step_us = STEP.as_micros() as u64;
    let message = |(turn, unit): (usize, Vec<u8>)| Message {
        turn,
        from: if turn % 2 == 0 { Side::Client } else { Side::Server },
        at_us: 1_000_000 + turn as u64 * step_us,
        bytes: adu(turn as u16 / 2, UNIT, &unit),
    };
    session.play(&units().into_iter().enumerate().map(message).collect::<Vec<_>>(), [1, 1]);
    Capture::of(&[session], &Network::default())
}

/// What an alert says of an exchange: all but where it was seen and when.
fn verdict(line: &str) -> String {
    let (header, extension) = line.split_once("|rt=").expect("a time");
    let fields = ["act=", "outcome=", "reason=", "cat=", "cs1=", "cs2=", "cs3=", "cfp1=", "cn1=", "cn2="];
    let told = extension.split(' ').filter(|field| fields.iter().any(|key| field.starts_with(key)));
    [header].into_iter().chain(told).collect::<Vec<_>>().join(" ")
}

fn listen(qemu: &mut Command, folder: &Path) {
    let socket = folder.join("line").display().to_string();
    qemu.args(["-chardev", &format!("socket,id=line,path={socket},server=on,wait=off"), "-serial", "chardev:line"]);
}

#[test]
fn what_a_board_says_of_a_line_is_what_the_daemon_says_of_a_network() {
    let Some(image) = image("mps2-an386") else { return };
    let folder = tempfile::tempdir().expect("a folder to work in");
    let policy = folder.path().join("policy.toml");
    fs::write(&policy, POLICY).expect("a policy");
    let expected: Vec<_> = replay::alerts_by(&policy, &network()).iter().map(|line| verdict(line)).collect();
    assert!(expected.len() > 1, "{expected:#?}");

    let host = Host::new(9);
    let collector = Collector { at: (host.ip, SYSLOG_UDP).into(), transport: Transport::Udp };
    let line = SerialLine { number: 1, framing: SerialFraming::Rtu, baud: BAUD, parity: Parity::Even };
    let (collectors, serial_lines) = (heapless_vec([collector]), heapless_vec([line]));
    let settings = Settings { collectors, serial_lines, ..settings() };
    let package = (&settings, &*replay::image_of(&policy));
    let mut board = Board::start_with("mps2-an386", &image, package, host, listen);
    board.ping();
    let mut line = UnixStream::connect(board.folder.path().join("line")).expect("QEMU listens");
    for unit in units() {
        line.write_all(&rtu(UNIT, &unit)).expect("the line takes it");
        let sent = Instant::now();
        while sent.elapsed() < STEP {
            board.travel();
            thread::sleep(Duration::from_millis(1));
        }
    }
    let mut messages = Vec::new();
    let began = Instant::now();
    while parity::alerts(&messages).len() < expected.len() && began.elapsed() < PATIENCE {
        board.travel();
        messages.extend(board.host.messages());
    }
    let said: Vec<_> = parity::alerts(&messages).iter().map(|line| verdict(line)).collect();
    assert_eq!(said, expected, "{messages:#?}");
}
