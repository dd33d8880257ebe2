//! The gateway's image on an emulated board with a real Ethernet controller, whose cable ends here.
//!
//! `make test` names the images in `TAGOUT_GATEWAY_AN386` and `TAGOUT_GATEWAY_AN500`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs};

use tagout_firmware::Settings;
use tagout_firmware::settings::{Interface, Management, TapTimes, Transport};
use tagout_tests::image::build_id;
use tagout_tests::package::{identity, key, package, requests};
use zerocopy::IntoBytes;

use crate::gdb;
use crate::host::Host;
use crate::machine::{Cable, Emulator};
use crate::replay::Series;
use crate::world::{IP, MAC, settings};
use crate::{parity, replay};

/// Where the image looks for what its flash is programmed with, and how that is divided: see `firmware/src/bin/gateway_mps2/flash.rs`.
const FLASH: u32 = 0x0020_0000;
const SECTOR: usize = 4_096;
const SLOT: usize = 128 * 1024;
/// What the start of a slot says once its package is whole.
const MARK: &[u8; 32] = b"tagout: written, checked, kept.\n";
/// The words of the controller's receive FIFO, less than QEMU has.
const FIFO_WORDS: usize = 2_000;
/// Bytes of stack that a gateway may use.
const STACK: u32 = 16 * 1024;
/// Nothing takes longer, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);
/// Seconds after which a board ends whatever happens.
const TIME_LIMIT_S: u32 = 120;

/// A running board; it ends with the value.
pub(crate) struct Board {
    _qemu: Emulator,
    cable: Cable,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) host: Host,
    mac: [u8; 6],
    began: Instant,
    /// Words that the controller's FIFO has room for at least.
    credit: usize,
    pings: u16,
    pongs: u16,
    /// What the board sent so far.
    sent: Vec<Vec<u8>>,
}

impl Board {
    /// A board of kind `machine` that runs `image` with these settings and the disturbances' policy.
    pub(crate) fn start(machine: &str, image: &Path, settings: &Settings, host: Host) -> Self {
        Self::start_with(machine, image, (settings, &replay::image()), host, |_, _| {})
    }

    /// The same with a policy's image, and with what `add` adds to QEMU's command line, which is given the folder for the
    /// run's files.
    pub(crate) fn start_with(
        machine: &str,
        image: &Path,
        package: (&Settings, &[u8]),
        host: Host,
        add: impl FnOnce(&mut Command, &Path),
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder to work in");
        let cable = Cable::new(folder.path(), "tap");
        let qemu = Emulator::start("qemu-system-arm", TIME_LIMIT_S, |qemu| {
            put_together(qemu, machine, image, package, folder.path());
            qemu.args(["-netdev", &cable.netdev("n0")]);
            add(qemu, folder.path());
        });
        let (began, sent) = (Instant::now(), Vec::new());
        let mac = package.0.interface().and_then(|interface| interface.mac).unwrap_or(MAC);
        let mut board = Self { _qemu: qemu, cable, folder, host, mac, began, credit: 0, pings: 0, pongs: 0, sent };
        board.wait("its end of the cable", |board| board.cable.is_plugged_in());
        board
    }

    /// Lets frames travel until `is_done`.
    pub(crate) fn wait(&mut self, what: &str, mut is_done: impl FnMut(&mut Self) -> bool) {
        let began = Instant::now();
        while !is_done(self) {
            assert!(began.elapsed() < PATIENCE, "the board does not come to {what}");
            self.travel();
        }
    }

    /// Carries what waits at either end of the cable.
    pub(crate) fn travel(&mut self) {
        while let Some(frame) = self.cable.take() {
            self.pongs += u16::from(is_pong(&frame));
            self.host.take(&frame);
            self.sent.push(frame);
        }
        self.host.poll(self.began.elapsed().as_nanos() as u64);
        for frame in self.host.send() {
            self.cable.put(&frame);
        }
    }

    /// Puts a mirrored frame on the cable once the controller has room for it.
    pub(crate) fn mirror(&mut self, frame: &[u8]) {
        let words = frame.len().div_ceil(4) + 2;
        if self.credit < words {
            self.ping();
            self.credit = FIFO_WORDS;
        }
        self.credit -= words;
        self.cable.put(frame);
    }

    /// Waits for the next heartbeat, and holds the stack that it tells of to its budget.
    pub(crate) fn hold_stack(&mut self) -> u32 {
        let mut told = None;
        self.host.messages();
        self.wait("a heartbeat", |board| {
            let messages = board.host.messages();
            told = messages.iter().find_map(|message| number_behind(message, " stack="));
            told.is_some()
        });
        let stack = told.expect("the heartbeat tells of it");
        assert!((1..=STACK).contains(&stack), "{stack} bytes of stack");
        stack
    }

    /// Asks for an answer, which comes once every frame before it was inspected.
    pub(crate) fn ping(&mut self) {
        let asked = self.pongs;
        let began = Instant::now();
        while self.pongs == asked {
            assert!(began.elapsed() < PATIENCE, "the board answers no ping");
            self.pings += 1;
            self.cable.put(&echo_request(&self.host, self.mac, self.pings));
            let sent = Instant::now();
            while self.pongs == asked && sent.elapsed() < Duration::from_secs(1) {
                self.travel();
            }
        }
    }
}

/// Tells QEMU of a board whose cable is its network device `n0`.
pub(crate) fn put_together(
    qemu: &mut Command,
    machine: &str,
    image: &Path,
    (settings, policy): (&Settings, &[u8]),
    folder: &Path,
) {
    let flash = folder.join("flash");
    fs::write(&flash, content(settings, policy)).expect("flash can be written");
    qemu.args(["-M", machine, "-serial", "null", "-kernel"]).arg(image);
    qemu.args(["-device", &format!("loader,file={},addr={FLASH:#x},force-raw=on", flash.display())]);
    qemu.args(["-net", "nic,model=lan9118,netdev=n0", "-icount", "shift=5,sleep=on"]);
}

/// What the board's flash holds: its identity, a package in the first slot, an empty second one, an empty log.
fn content(settings: &Settings, policy: &[u8]) -> Vec<u8> {
    let package = package(1, &key(), settings, policy);
    let area = |parts: &[&[u8]], len: usize| {
        let mut area = parts.concat();
        area.resize(len, 0xff);
        area
    };
    [area(&[identity(MAC).as_bytes()], SECTOR), area(&[MARK, &package], SLOT), area(&[], 2 * SLOT)].concat()
}

fn echo_request(host: &Host, mac: [u8; 6], number: u16) -> Vec<u8> {
    let builder = etherparse::PacketBuilder::ethernet2(host.mac, mac).ipv4(host.ip.octets(), IP.octets(), 64);
    let mut frame = Vec::new();
    builder.icmpv4_echo_request(0x7461, number).write(&mut frame, b"tagout").expect("a vector takes it");
    frame
}

/// The number behind a name in a message.
fn number_behind(message: &str, name: &str) -> Option<u32> {
    message.split_once(name)?.1.split(' ').next()?.parse().ok()
}

/// True for an ICMP echo reply.
fn is_pong(frame: &[u8]) -> bool {
    frame.get(12..14) == Some(&[8, 0]) && frame.get(23) == Some(&1) && frame.get(34) == Some(&0)
}

/// The image for a machine, where there is one and the machine can be emulated.
pub(crate) fn image(machine: &str) -> Option<PathBuf> {
    let name = match machine {
        "mps2-an386" => "TAGOUT_GATEWAY_AN386",
        _ => "TAGOUT_GATEWAY_AN500",
    };
    let Some(image) = env::var_os(name) else {
        println!("skipped: {name} names no image (`make firmware` builds one)");
        return None;
    };
    if Command::new("qemu-system-arm").arg("--version").output().is_err() {
        println!("skipped: no qemu-system-arm (`tests/setup.sh test` installs it)");
        return None;
    }
    Some(image.into())
}

fn over_tcp(host: &Host) -> Settings {
    let collector = host.collector(Transport::Tcp);
    let collectors = crate::world::heapless_vec([collector]);
    Settings { collectors, tap_times: TapTimes::Arista, heartbeat_s: 1, ..settings() }
}

/// Seconds that a board has for what it tells of a capture behind the last of its frames; nothing waits for them if all was told.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What a board says of the alerts that it raises over captures that one follows the other, by capture.
fn alerts(machine: &str, image: &Path, series: &Series, expected: &[Vec<String>]) -> Vec<Vec<String>> {
    let host = Host::new(9);
    let settings = over_tcp(&host);
    let mut board = Board::start(machine, image, &settings, host);
    board.ping();
    let (mut messages, mut due) = (Vec::new(), 0);
    for (part, expected) in series.parts().zip(expected) {
        for frame in part {
            board.mirror(&replay::timestamped(frame));
        }
        board.ping();
        due += expected.len();
        let began = Instant::now();
        messages.extend(board.host.messages());
        // The board's log holds some hundred: those of one capture are awaited before the next.
        while parity::alerts(&messages).len() < due && began.elapsed() < LAST_WORDS {
            board.travel();
            messages.extend(board.host.messages());
        }
    }
    println!("{machine}: {} bytes of stack", board.hold_stack());
    series.by_part(parity::alerts(&messages))
}

/// Holds a board to what is expected of each capture.
fn hold(machine: &str, image: &Path, series: &Series, expected: &[Vec<String>]) {
    let said = alerts(machine, image, series, expected);
    for ((name, said), expected) in series.names().zip(said).zip(expected) {
        assert_eq!(&said, expected, "{name} on {machine}");
    }
}

#[test]
fn boards_raise_the_alerts_of_the_daemon() {
    for machine in ["mps2-an386", "mps2-an500"] {
        let Some(image) = image(machine) else { return };
        for case in replay::captures().step_by(25) {
            let series = Series::of([case].into_iter());
            hold(machine, &image, &series, &[replay::alerts(series.capture())]);
        }
    }
}

/// Frames of the longest disturbance that is put on a cable: some go on for a quarter of a million, which takes minutes here.
const LONGEST: usize = 1_000;

/// All of them in one run of a board, one behind the other; what one leaves in small tables is there for the next.
#[test]
fn boards_say_of_every_disturbance_what_a_host_says() {
    let (short, long): (Vec<_>, Vec<_>) =
        replay::captures().partition(|(_, capture)| capture.frames().len() <= LONGEST);
    for (name, capture) in &long {
        println!("left to `parity`: {name} with {} frames", capture.frames().len());
    }
    let series = Series::of(short.into_iter());
    let host = series.by_part(replay::host_alerts(series.capture()));
    for machine in ["mps2-an386", "mps2-an500"] {
        let Some(image) = image(machine) else { return };
        hold(machine, &image, &series, &host);
    }
    let daemon = series.by_part(replay::alerts(series.capture()));
    let alike = host.iter().zip(&daemon).filter(|(host, daemon)| host == daemon).count();
    println!("{} alerts of {} captures, {alike} as the daemon", host.iter().flatten().count(), host.len());
}

#[test]
fn boards_say_of_recorded_captures_what_a_host_says() {
    let series = Series::of(replay::recorded());
    let host = series.by_part(replay::host_alerts(series.capture()));
    for machine in ["mps2-an386", "mps2-an500"] {
        let Some(image) = image(machine) else { return };
        hold(machine, &image, &series, &host);
    }
    println!("{} alerts of {} captures", host.iter().flatten().count(), host.len());
}

#[test]
fn an_update_that_is_checked_to_its_end_leaves_the_stack_within_its_budget() {
    for machine in ["mps2-an386", "mps2-an500"] {
        let Some(image) = image(machine) else { return };
        let host = Host::new(9);
        let settings = over_tcp(&host);
        let mut board = Board::start(machine, &image, &settings, host);
        board.ping();
        let mut package = package(2, &key(), &settings, &replay::image());
        *package.last_mut().expect("a package has content") ^= 1;
        board.host.call((IP, settings.update_port), 50_001);
        board.wait("a connection", |board| board.host.is_connected());
        for request in requests(&package) {
            board.host.say(&request.frame().expect("a frame"));
            board.wait("an answer", |board| !board.host.heard().is_empty());
        }
        let mut messages = Vec::new();
        board.wait("a refusal", |board| {
            messages.extend(board.host.messages());
            messages.iter().any(|message| message.contains("|update-refused|"))
        });
        println!("{machine}: {} bytes of stack", board.hold_stack());
    }
}

#[test]
fn a_mac_address_of_the_settings_is_the_boards() {
    let Some(image) = image("mps2-an386") else { return };
    let (host, mac) = (Host::new(9), [2, 0, 0, 0, 0, 0x42]);
    let Management::TapPort(interface) = settings().management else {
        unreachable!("tests manage over the tap's port")
    };
    let management = Management::TapPort(Interface { mac: Some(mac), ..interface });
    let settings = Settings { management, ..over_tcp(&host) };
    let mut board = Board::start("mps2-an386", &image, &settings, host);
    board.ping();
    assert!(board.sent.iter().all(|frame| frame[6..12] == mac), "{:02x?}", board.sent);
}

#[test]
fn a_board_answers_pings_and_not_what_is_for_others() {
    let Some(image) = image("mps2-an386") else { return };
    let host = Host::new(9);
    let settings = over_tcp(&host);
    let mut board = Board::start("mps2-an386", &image, &settings, host);
    board.ping();
    let answers = |board: &Board| board.sent.iter().filter(|frame| frame[..6] == [2, 0, 0, 0, 0x99, 8]).count();
    for port in [23, 80, 502, 601, 20_000] {
        board.mirror(&crate::presence::syn_from([2, 0, 0, 0, 0x99, 8], [2, 0, 0, 0, 0, 0x77], IP.octets(), port));
    }
    board.ping();
    assert_eq!(answers(&board), 0);
}

#[test]
fn a_board_looks_at_the_tap_soon_after_the_start_and_tells_which_build_it_is() {
    for machine in ["mps2-an386", "mps2-an500"] {
        let Some(image) = image(machine) else { return };
        let host = Host::new(9);
        let settings = over_tcp(&host);
        let mut board = Board::start(machine, &image, &settings, host);
        let mut messages = Vec::new();
        board.wait("a heartbeat", |board| {
            messages.extend(board.host.messages());
            messages.iter().any(|message| message.contains(" ready_ms="))
        });
        let ms = messages.iter().find_map(|message| number_behind(message, " ready_ms="));
        assert!(ms.is_some_and(|ms| ms < 500), "{messages:#?}");
        let build = format!(" build={}", build_id(&image).expect("the image has one"));
        assert!(messages.iter().any(|message| message.contains(&build)), "{build}: {messages:#?}");
        println!("{machine}: ready after {} ms", ms.unwrap_or(0));
    }
}

#[test]
fn a_board_that_hangs_or_faults_starts_again_and_says_why() {
    let Some(image) = image("mps2-an386") else { return };
    for (jump, cause) in [(gdb::endless_loop(&image), "watchdog"), (0xffff_fff0, "fault")] {
        let host = Host::new(9);
        // A host has one TCP connection, which would outlive the board's restart.
        let collector = host.collector(Transport::Udp);
        let settings = Settings { collectors: crate::world::heapless_vec([collector]), ..over_tcp(&host) };
        let mut board = Board::start_with("mps2-an386", &image, (&settings, &replay::image()), host, gdb::listen);
        board.ping();
        gdb::jump(board.folder.path(), jump);
        let said = format!("|start|Started|8|start={cause} restarts=1 ");
        let mut messages = Vec::new();
        board.wait("a message that says why", |board| {
            messages.extend(board.host.messages());
            messages.iter().any(|message| message.contains(&said))
        });
        board.ping();
    }
}
