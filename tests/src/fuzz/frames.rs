use tagout_core::{Config, Frame, LinkType, Output, Sensor, Timestamp};

use super::tally::observe_twice;

const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;

/// Reads the input as a classic little-endian pcap file, as far as it is one, and runs the whole sensor over it.
///
/// The same frames give the same records, and what is counted is what was reported.
pub fn frames(input: &[u8]) {
    observe_twice(&Config::default(), |sensor, tally| {
        play(input, sensor, tally);
    });
}

/// Gives a sensor the frames of a capture, and some time behind them. Returns when that is over.
pub(super) fn play(input: &[u8], sensor: &mut Sensor<'_>, output: &mut dyn Output) -> Timestamp {
    let mut now = Timestamp(0);
    packets(input, |frame| {
        now = now.max(frame.time);
        sensor.frame(frame, output);
    });
    now = now.plus_ms(5_000);
    sensor.advance(now, output);
    now
}

/// Calls `take` with each packet of a capture; lengths that exceed the input are taken as its end.
pub(super) fn packets(input: &[u8], mut take: impl FnMut(&Frame<'_>)) {
    let Some((header, mut rest)) = input.split_at_checked(FILE_HEADER) else { return };
    let link = LinkType::from_registry(word(header, 20) & 0xffff);
    for number in 1.. {
        let Some((record, behind)) = rest.split_at_checked(RECORD_HEADER) else { break };
        let (bytes, next) = behind.split_at((word(record, 8) as usize).min(behind.len()));
        let time = Timestamp(u64::from(word(record, 0)) * 1_000_000_000 + u64::from(word(record, 4)) * 1_000);
        take(&Frame { number, time, link, bytes, wire_len: word(record, 12) });
        rest = next;
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))
}
