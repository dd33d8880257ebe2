//! The gateway's image on an emulated board with a real Ethernet controller, whose cable ends here.
//!
//! `make test` names the images in `TAGOUT_GATEWAY_AN386` and `TAGOUT_GATEWAY_AN500`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs};

use ed25519_dalek::{Signer, SigningKey};
use tagout_firmware::settings::{Collector, TapTimes, Transport};
use tagout_firmware::{Header, Identity, Settings};
use tagout_tests::generate::Capture;
use tagout_tests::image::build_id;
use zerocopy::IntoBytes;

use crate::host::{Host, SYSLOG_TCP};
use crate::machine::{Cable, Emulator};
use crate::world::{IP, MAC, settings};
use crate::{parity, replay};

/// Where the image looks for its flash, and how it is divided: see `firmware/src/bin/gateway_mps2/flash.rs`.
const FLASH: u32 = 0x0020_0000;
const SECTOR: usize = 4_096;
const SLOT: usize = 128 * 1024;
/// What the start of a slot says once its package is whole.
const MARK: &[u8; 32] = b"tagout: written, checked, kept.\n";
/// The words of the controller's receive FIFO, less than QEMU has.
const FIFO_WORDS: usize = 2_000;
/// Nothing takes longer, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);
/// Seconds after which a board ends whatever happens.
const TIME_LIMIT_S: u32 = 120;

/// A running board; it ends with the value.
struct Board {
    _qemu: Emulator,
    cable: Cable,
    _folder: tempfile::TempDir,
    host: Host,
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
    fn start(machine: &str, image: &Path, settings: &Settings, host: Host) -> Self {
        let folder = tempfile::tempdir().expect("a folder to work in");
        let flash = folder.path().join("flash");
        fs::write(&flash, content(settings)).expect("flash can be written");
        let cable = Cable::new(folder.path(), "tap");
        let qemu = Emulator::start("qemu-system-arm", TIME_LIMIT_S, |qemu| {
            qemu.args(["-M", machine, "-serial", "null", "-kernel"]).arg(image);
            qemu.args(["-device", &format!("loader,file={},addr={FLASH:#x},force-raw=on", flash.display())]);
            qemu.args(["-netdev", &cable.netdev("n0"), "-net", "nic,model=lan9118,netdev=n0"]);
            qemu.args(["-icount", "shift=5,sleep=on"]);
        });
        let (began, sent) = (Instant::now(), Vec::new());
        let mut board = Self { _qemu: qemu, cable, _folder: folder, host, began, credit: 0, pings: 0, pongs: 0, sent };
        board.wait("its end of the cable", |board| board.cable.is_plugged_in());
        board
    }

    /// Lets frames travel until `is_done`.
    fn wait(&mut self, what: &str, mut is_done: impl FnMut(&mut Self) -> bool) {
        let began = Instant::now();
        while !is_done(self) {
            assert!(began.elapsed() < PATIENCE, "the board does not come to {what}");
            self.travel();
        }
    }

    /// Carries what waits at either end of the cable.
    fn travel(&mut self) {
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
    fn mirror(&mut self, frame: &[u8]) {
        let words = frame.len().div_ceil(4) + 2;
        if self.credit < words {
            self.ping();
            self.credit = FIFO_WORDS;
        }
        self.credit -= words;
        self.cable.put(frame);
    }

    /// Asks for an answer, which comes once every frame before it was inspected.
    fn ping(&mut self) {
        let asked = self.pongs;
        let began = Instant::now();
        while self.pongs == asked {
            assert!(began.elapsed() < PATIENCE, "the board answers no ping");
            self.pings += 1;
            self.cable.put(&echo_request(&self.host, self.pings));
            let sent = Instant::now();
            while self.pongs == asked && sent.elapsed() < Duration::from_secs(1) {
                self.travel();
            }
        }
    }
}

/// What the board's flash holds: its identity, a package in the first slot, an empty second one, an empty log.
fn content(settings: &Settings) -> Vec<u8> {
    let key = SigningKey::from_bytes(&[7; 32]);
    let public = key.verifying_key().to_bytes();
    let mut bytes = [0; 512];
    let settings = settings.write(&mut bytes).expect("settings fit");
    let policy = replay::image();
    let header = Header::new(1, 1_767_225_600, &public, settings, &policy).expect("lengths fit");
    let signed = header.signed(key.sign(header.as_bytes()).to_bytes());
    let identity = Identity::new([public, [0; 32]], [MAC; 2], "");
    let area = |parts: &[&[u8]], len: usize| {
        let mut area = parts.concat();
        area.resize(len, 0xff);
        area
    };
    [
        area(&[identity.as_bytes()], SECTOR),
        area(&[MARK, signed.as_bytes(), settings, &policy], SLOT),
        area(&[], 2 * SLOT),
    ]
    .concat()
}

fn echo_request(host: &Host, number: u16) -> Vec<u8> {
    let builder = etherparse::PacketBuilder::ethernet2(host.mac, MAC).ipv4(host.ip.octets(), IP.octets(), 64);
    let mut frame = Vec::new();
    builder.icmpv4_echo_request(0x7461, number).write(&mut frame, b"tagout").expect("a vector takes it");
    frame
}

/// True for an ICMP echo reply.
fn is_pong(frame: &[u8]) -> bool {
    frame.get(12..14) == Some(&[8, 0]) && frame.get(23) == Some(&1) && frame.get(34) == Some(&0)
}

/// The image for a machine, where there is one and the machine can be emulated.
fn image(machine: &str) -> Option<PathBuf> {
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
    let collector = Collector { at: (host.ip, SYSLOG_TCP).into(), transport: Transport::Tcp };
    let collectors = crate::world::heapless_vec([collector]);
    Settings { collectors, tap_times: TapTimes::Arista, heartbeat_s: 1, ..settings() }
}

/// The ids of the alerts that a board raises over a capture.
fn alerts(machine: &str, image: &Path, capture: &Capture) -> Vec<String> {
    let host = Host::new(9);
    let settings = over_tcp(&host);
    let mut board = Board::start(machine, image, &settings, host);
    board.ping();
    for frame in capture.frames() {
        board.mirror(&replay::timestamped(frame));
    }
    board.ping();
    let mut messages = Vec::new();
    board.wait("an empty queue", |board| {
        messages.extend(board.host.messages());
        let latest: Vec<_> = messages.iter().rev().take(2).collect();
        latest.len() == 2 && latest.iter().all(|message| message.contains(" waiting=0 "))
    });
    parity::ids(&messages)
}

#[test]
fn a_board_raises_the_alerts_of_the_daemon() {
    for machine in ["mps2-an386", "mps2-an500"] {
        let Some(image) = image(machine) else { return };
        for (name, capture) in replay::captures().step_by(131) {
            assert_eq!(alerts(machine, &image, &capture), replay::alerts(&capture), "{name} on {machine}");
        }
    }
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
        let beat = messages.iter().find_map(|message| message.split_once(" ready_ms="));
        let ms = beat.and_then(|(_, rest)| rest.split(' ').next()).and_then(|ms| ms.parse::<u32>().ok());
        assert!(ms.is_some_and(|ms| ms < 500), "{messages:#?}");
        let build = format!(" build={}", build_id(&image).expect("the image has one"));
        assert!(messages.iter().any(|message| message.contains(&build)), "{build}: {messages:#?}");
        println!("{machine}: ready after {} ms", ms.unwrap_or(0));
    }
}
