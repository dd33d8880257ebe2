//! How many bytes of records an hour of polling costs.
//!
//! `cargo test -p tagout-tests --test volume -- --nocapture` prints the figures that the guide states.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tagout_tests::binary;
use tagout_tests::generate::{Capture, Message, Session, Side, Transport, modbus};
use tagout_tests::plant::{DEVICE, Lan, PANEL};
use tagout_tests::schema;

const HOUR_S: u64 = 3_600;
/// Polls of one channel in a second: as many blocks of registers, each read once a second.
const BLOCKS: u64 = 10;
const POLLS: u64 = HOUR_S * BLOCKS;
/// Registers of a block.
const REGISTERS: u16 = 10;

#[test]
fn an_hour_of_ten_polls_a_second_has_bounds() {
    let [complete, counted, lively] = [("complete", 0, 0), ("counted", 60, 0), ("lively", 60, 1)]
        .map(|(name, interval_s, changing)| volume(name, interval_s, changing));
    println!("every exchange:                {:>8} records {:>12} bytes an hour", complete.records, complete.bytes);
    println!("counted for a minute:          {:>8} records {:>12} bytes an hour", counted.records, counted.bytes);
    println!("of that, one in ten changing:  {:>8} records {:>12} bytes an hour", lively.records, lively.bytes);
    assert_eq!(complete.records, POLLS);
    assert!((20_000_000..30_000_000).contains(&complete.bytes), "{}", complete.bytes);
    assert_eq!(counted.records, BLOCKS * (1 + HOUR_S / 60));
    assert!((400_000..600_000).contains(&counted.bytes), "{}", counted.bytes);
    assert_eq!(lively.records, counted.records / BLOCKS * (BLOCKS - 1) + HOUR_S);
}

struct Volume {
    records: u64,
    bytes: u64,
}

/// The exchanges that a replay writes of an hour in which the last `changing` blocks change from poll to poll.
fn volume(name: &str, interval_s: u32, changing: u64) -> Volume {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("volume");
    fs::create_dir_all(&folder).expect("a folder");
    let [capture, events] = ["pcap", "jsonl"].map(|suffix| folder.join(name).with_extension(suffix));
    fs::write(&capture, hour(changing).pcap()).expect("a file");
    let status = Command::new(binary::tagout())
        .arg("replay")
        .arg(&capture)
        .args(["--quiet", "--repeat-interval", &interval_s.to_string(), "--events"])
        .arg(&events)
        .status()
        .expect("tagout can be run");
    assert!(status.success());
    let text = fs::read_to_string(&events).expect("tagout wrote events");
    fs::remove_dir_all(&folder).ok();
    let exchanges: Vec<&str> = text.lines().filter(|line| line.contains("\"event_type\":\"modbus\"")).collect();
    assert_eq!(exchanges.iter().map(|line| stands_for(line)).sum::<u64>(), POLLS, "no exchange is untold");
    let bytes = exchanges.iter().map(|line| line.len() as u64 + 1).sum();
    Volume { records: exchanges.len() as u64, bytes }
}

/// How many exchanges a record tells of.
fn stands_for(line: &str) -> u64 {
    let record: Value = serde_json::from_str(line).expect("a record is JSON");
    assert_eq!(schema::check_record(&record), Ok(()));
    record["repeated"]["count"].as_u64().unwrap_or(1)
}

/// An hour of polls by the panel over one connection.
fn hour(changing: u64) -> Capture {
    let lan = Lan::Ipv4;
    let mut session = Session::new(lan.endpoint(PANEL, 40_000), lan.endpoint(DEVICE, 502), Transport::Tcp);
    let messages: Vec<Message> = (0..POLLS).flat_map(|number| poll(number, changing)).collect();
    session.play(&messages, [1_000, 2_000]);
    Capture::of(&[session], &lan.network())
}

/// A poll and its answer 5 ms later.
fn poll(number: u64, changing: u64) -> [Message; 2] {
    let (block, at_us) = (number % BLOCKS, number * 1_000_000 / BLOCKS);
    let label = number as u16;
    let first = block as u16 * 100;
    let offset = if block < BLOCKS - changing { 0 } else { label };
    let values: Vec<u16> = (0..REGISTERS).map(|register| (first + register).wrapping_add(offset)).collect();
    let message =
        |from, at_us, pdu: &[u8]| Message { turn: number as usize, from, at_us, bytes: modbus::adu(label, 1, pdu) };
    [
        message(Side::Client, at_us, &modbus::read(3, first, REGISTERS)),
        message(Side::Server, at_us + 5_000, &modbus::registers_response(3, &values)),
    ]
}
