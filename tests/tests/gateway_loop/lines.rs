//! Serial lines: what a gateway says of what real stacks said over one is what the daemon says of the same exchanges in a
//! network. `tests/peers/lines.py` recorded them, with timing.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs};

use tagout_firmware::Settings;
use tagout_firmware::settings::{Parity, SerialFraming, SerialLine, Transport};
use tagout_tests::generate::modbus::adu;
use tagout_tests::generate::{self, Capture, Endpoint, Message, Network, Session, Side};

use crate::emulated::{Board, image};
use crate::host::Host;
use crate::world::{MS, SECOND, World, heapless_vec, settings};
use crate::{parity, replay};

/// Panels, drives and an outstation that are each on a line and in the network.
const POLICY: &str = r#"
[actors.panel]
kind = "hmi"
selectors = [{ line = [1, 2] }, { ip = ["10.0.1.1", "10.0.2.1"] }]

[actors.master]
kind = "hmi"
selectors = [{ line = 3 }, { ip = "10.0.3.1" }]

[devices.drive]
selectors = [{ line = 1, unit = 7 }, { ip = "10.0.1.2", unit = 7 }]
points = { speed = { holding-register = 0, type = "u16" } }

[devices.fan]
selectors = [{ line = 2, unit = 7 }, { ip = "10.0.2.2", unit = 7 }]
points = { speed = { holding-register = 0, type = "u16" } }

[devices.outstation]
selectors = [{ line = 3, link = 10 }, { ip = "10.0.3.2", link = 10 }]
points = { setpoint = { analog-output = 0 } }

[[permits]]
actor = "panel"
device = ["drive", "fan"]
do = ["read"]

[[permits]]
actor = "panel"
device = ["drive", "fan"]
do = ["write"]
value = { max = 100 }

[[permits]]
actor = "master"
device = "outstation"
do = ["read"]

[[permits]]
actor = "master"
device = "outstation"
do = ["direct-operate"]
value = { max = 100 }
"#;

/// As recorded: the silence between RTU frames is 32 ms at this rate, and an emulated board asks for bytes every 10 ms.
const BAUD: u32 = 1_200;
const CHARACTER_US: u64 = 11_000_000 / BAUD as u64;
/// Between two recordings on a line.
const PAUSE_US: u64 = 1_000_000;
/// When the first byte of each line comes, by the capture's clock.
const START_US: u64 = 1_000_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes that one side wrote at once: when the first of them began, and when the last ended.
struct Run {
    at_us: u64,
    end_us: u64,
    from: Side,
    bytes: Vec<u8>,
}

/// What was said on a line.
struct Heard {
    number: u8,
    framing: SerialFraming,
    runs: Vec<Run>,
}

impl Heard {
    /// Recordings one after another.
    fn of(number: u8, framing: SerialFraming, recordings: &[&str]) -> Self {
        let (mut runs, mut start) = (Vec::new(), 0);
        for name in recordings {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/lines");
            let text = fs::read_to_string(folder.join(name).with_extension("txt")).expect("a recording can be read");
            runs.extend(text.lines().map(|line| run(line, start)));
            start = runs.last().map_or(0, |run| run.end_us) + PAUSE_US;
        }
        Self { number, framing, runs }
    }

    fn all() -> [Self; 3] {
        [
            Self::of(1, SerialFraming::Rtu, &["rtu", "mbpoll"]),
            Self::of(2, SerialFraming::Ascii, &["ascii"]),
            Self::of(3, SerialFraming::Dnp3, &["dnp3"]),
        ]
    }

    fn line(&self) -> SerialLine {
        SerialLine { number: self.number, framing: self.framing, baud: BAUD, parity: Parity::None }
    }

    /// Each byte with the time at which it had come.
    fn bytes(&self) -> impl Iterator<Item = (u64, u8)> {
        let of_run = |run: &'_ Run| {
            let at_us = run.at_us;
            let timed = run.bytes.clone().into_iter().zip(1..);
            timed.map(move |(byte, count): (u8, u64)| (at_us + count * CHARACTER_US, byte))
        };
        self.runs.iter().flat_map(of_run)
    }

    /// The same exchanges over TCP.
    fn network(&self) -> Capture {
        let end = |last, port| Endpoint {
            mac: [2, 0, 0, 0, self.number, last],
            ip: IpAddr::V4(Ipv4Addr::new(10, 0, self.number, last)),
            port,
        };
        let port = if self.framing == SerialFraming::Dnp3 { 20_000 } else { 502 };
        let mut session = Session::new(end(1, 40_000), end(2, port), generate::Transport::Tcp);
        let messages: Vec<_> = self
            .messages()
            .into_iter()
            .enumerate()
            .map(|(turn, run)| Message {
                turn,
                from: run.from,
                at_us: START_US + run.end_us,
                bytes: self.in_network(turn, &run.bytes),
            })
            .collect();
        session.play(&messages, [1, 1]);
        Capture::of(&[session], &Network::default())
    }

    /// Runs of one side that follow each other put together.
    fn messages(&self) -> Vec<Run> {
        let mut messages: Vec<Run> = Vec::new();
        for run in &self.runs {
            match messages.last_mut().filter(|last| last.from == run.from) {
                Some(last) => {
                    last.end_us = run.end_us;
                    last.bytes.extend(&run.bytes);
                }
                None => messages.push(Run { bytes: run.bytes.clone(), ..*run }),
            }
        }
        messages
    }

    /// A message as it is over TCP.
    fn in_network(&self, turn: usize, bytes: &[u8]) -> Vec<u8> {
        let (unit, pdu) = match self.framing {
            SerialFraming::Dnp3 => return bytes.to_vec(),
            SerialFraming::Rtu => (bytes[0], bytes[1..bytes.len() - 2].to_vec()),
            SerialFraming::Ascii => {
                let octets = hex(std::str::from_utf8(&bytes[1..bytes.len() - 2]).expect("digits"));
                (octets[0], octets[1..octets.len() - 1].to_vec())
            }
        };
        adu(turn as u16 / 2, unit, &pdu)
    }
}

fn run(line: &str, start_us: u64) -> Run {
    let mut fields = line.split(' ');
    let mut field = || fields.next().expect("time, side and bytes");
    let at_us = start_us + field().parse::<u64>().expect("microseconds");
    let from = if field() == "client" { Side::Client } else { Side::Server };
    let bytes = hex(field());
    Run { at_us, end_us: at_us + bytes.len() as u64 * CHARACTER_US, from, bytes }
}

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal")).collect()
}

/// What an alert says of an exchange: all but where it was seen and when.
fn verdict(line: &str) -> String {
    let (header, extension) = line.split_once("|rt=").expect("a time");
    let fields =
        ["act=", "outcome=", "reason=", "cat=", "cs1=", "cs2=", "cs3=", "cs4=", "cs5=", "cfp1=", "cn1=", "cn2="];
    let told = extension.split(' ').filter(|field| fields.iter().any(|key| field.starts_with(key)));
    [header].into_iter().chain(told).collect::<Vec<_>>().join(" ")
}

/// The policy in a file, and what the daemon says of each line's exchanges in a network.
struct Stage {
    _folder: tempfile::TempDir,
    policy: PathBuf,
    expected: Vec<Vec<String>>,
}

impl Stage {
    fn build(lines: &[Heard]) -> Self {
        let folder = tempfile::tempdir().expect("a folder to work in");
        let policy = folder.path().join("policy.toml");
        fs::write(&policy, POLICY).expect("a policy");
        let of_line = |heard: &Heard| {
            let alerts = replay::alerts_by(&policy, &heard.network());
            alerts.iter().filter(|line| !tells_of_repeats(line)).map(|line| verdict(line)).collect::<Vec<_>>()
        };
        let expected: Vec<_> = lines.iter().map(of_line).collect();
        assert!(expected.iter().all(|alerts| !alerts.is_empty()), "{expected:#?}");
        Self { _folder: folder, policy, expected }
    }
}

/// What messages say of alerts on a line.
fn verdicts(messages: &[String], number: u8) -> Vec<String> {
    let on_line = format!(" deviceInboundInterface=line {number} ");
    let alerts = parity::alerts(messages);
    let of_line = alerts.iter().filter(|line| line.contains(&on_line) && !tells_of_repeats(line));
    of_line.map(|line| verdict(line)).collect()
}

/// What a gateway tells a minute later only.
fn tells_of_repeats(line: &str) -> bool {
    line.contains(" cnt=")
}

fn listening(host: &Host, lines: &[Heard]) -> Settings {
    let collector = host.collector(Transport::Udp);
    let serial_lines = lines.iter().map(Heard::line).collect();
    Settings { collectors: heapless_vec([collector]), serial_lines, ..settings() }
}

#[test]
fn what_the_loop_says_of_a_line_is_what_the_daemon_says_of_a_network() {
    let lines = Heard::all();
    let stage = Stage::build(&lines);
    for (heard, expected) in lines.iter().zip(&stage.expected) {
        let host = Host::new(9);
        let settings = listening(&host, std::slice::from_ref(heard));
        let mut world = World::new(settings, &replay::image_of(&stage.policy), vec![host]);
        world.pass(2 * SECOND);
        let start = world.now();
        for (at_us, byte) in heard.bytes() {
            let at = start + at_us * 1_000;
            world.pass(at.saturating_sub(world.now()));
            world.line.borrow_mut().push_back((vec![byte], at));
        }
        world.pass(10 * SECOND + MS);
        let messages = world.hosts[0].messages();
        assert_eq!(&verdicts(&messages, heard.number), expected, "line {}: {messages:#?}", heard.number);
    }
}

#[test]
fn what_a_board_says_of_its_lines_is_what_the_daemon_says_of_a_network() {
    let Some(image) = image("mps2-an386") else { return };
    let lines = Heard::all();
    let stage = Stage::build(&lines);
    let host = Host::new(9);
    let settings = listening(&host, &lines);
    let package = (&settings, &*replay::image_of(&stage.policy));
    let mut board = Board::start_with("mps2-an386", &image, package, host, |qemu, folder| {
        lines.iter().for_each(|heard| listen(qemu, folder, heard.number));
    });
    board.ping();
    speak(&mut board, &lines);
    let mut messages = Vec::new();
    let count = stage.expected.iter().map(Vec::len).sum();
    let began = Instant::now();
    while parity::alerts(&messages).len() < count && began.elapsed() < PATIENCE {
        board.travel();
        messages.extend(board.host.messages());
    }
    let said = lines.each_ref().map(|heard| verdicts(&messages, heard.number));
    assert_eq!(said.as_slice(), stage.expected, "{messages:#?}");
}

fn socket(folder: &Path, number: u8) -> PathBuf {
    folder.join(format!("line{number}"))
}

/// Puts the other end of a line into the folder.
fn listen(qemu: &mut Command, folder: &Path, number: u8) {
    let socket = socket(folder, number);
    qemu.args(["-chardev", &format!("socket,id=line{number},path={},server=on,wait=off", socket.display())]);
    qemu.args(["-serial", &format!("chardev:line{number}")]);
}

/// Lets the bytes of all lines come when they came.
fn speak(board: &mut Board, lines: &[Heard]) {
    let connect = |heard: &Heard| UnixStream::connect(socket(board.folder.path(), heard.number)).expect("QEMU listens");
    let mut ends: Vec<_> = lines.iter().map(connect).collect();
    let of_line =
        |(place, heard): (usize, &Heard)| heard.bytes().map(move |(at, byte)| (at, place, byte)).collect::<Vec<_>>();
    let mut bytes: Vec<_> = lines.iter().enumerate().flat_map(of_line).collect();
    bytes.sort_unstable();
    let began = Instant::now();
    for (at_us, place, byte) in bytes {
        while began.elapsed() < Duration::from_micros(at_us) {
            board.travel();
        }
        ends[place].write_all(&[byte]).expect("the line takes it");
    }
}
