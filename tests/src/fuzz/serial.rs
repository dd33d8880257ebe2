use tagout_core::{Config, Counter, LineProtocol, Seen, Sensor, Timestamp};

use super::tally::{Tally, observe_twice};

const LINE: u16 = 3;
/// What a line is configured to carry.
const CARRIES: [Option<LineProtocol>; 4] =
    [None, Some(LineProtocol::ModbusRtu), Some(LineProtocol::ModbusAscii), Some(LineProtocol::Dnp3)];
/// A step of silence: enough of them end a frame of any kind.
const STEP_MS: u32 = 8;

/// Reads the input as what a serial line carries, a byte of choices first, and runs the whole sensor over it: pieces, each
/// behind its length and the silence before it.
///
/// The same pieces give the same records, what is counted is what was reported, and every octet is part of one Modbus
/// frame or passed over as stray.
pub fn serial(input: &[u8]) {
    let Some((choices, pieces)) = input.split_first() else { return };
    let carries = CARRIES[usize::from(choices & 3)];
    let mut config = Config::default();
    config.lines.extend(carries.map(|carries| (LINE, carries)));
    let (tally, counters) = observe_twice(&config, |sensor, tally| play(pieces, sensor, tally));
    if counters.get(Counter::Dnp3Frames) == 0 && counters.get(Counter::Dnp3Fragments) == 0 {
        let accounted = tally.modbus_octets + counters.get(Counter::StrayBytes);
        assert_eq!(accounted, counters.get(Counter::Bytes), "octets of frames, and stray ones");
    }
}

fn play(mut pieces: &[u8], sensor: &mut Sensor<'_>, tally: &mut Tally) {
    let mut time = Timestamp(0);
    for frame in 1.. {
        let Some(([len, silence], rest)) = pieces.split_first_chunk() else { break };
        let (piece, behind) = rest.split_at(usize::from(*len).min(rest.len()));
        time = time.plus_ms(u32::from(*silence) * STEP_MS);
        sensor.serial(LINE, piece, Seen { frame, time }, tally);
        pieces = behind;
    }
}
