//! What a mirror port adds to frames.

mod serial;

use tagout_core::Timestamp;

use crate::board::SECOND;

pub(crate) use serial::Gathered;

/// Arista's EtherType, and its timestamp header: subtype, version, time.
const ETHERTYPE: u16 = 0xd28b;
const SUBTYPE: u16 = 1;
/// Low byte of the version: how time is written. The high byte says the time scale (0 TAI, 1 UTC), the low nibble the
/// hardware.
const SECONDS_32: u16 = 0x10;
const SECONDS_16: u16 = 0x20;
/// Destination and source address, before any EtherType.
const ADDRESSES: usize = 12;
/// TAI is ahead of UTC by this much since 2017.
const TAI_AHEAD_S: u64 = 37;

/// A frame without the timestamp header that the switch put behind its addresses, and the time of that header; the frame as
/// it is where there is none. Half of the headers carry the low 16 bits of the seconds only: `near` completes them.
pub(crate) fn timestamped(frame: &mut [u8], near: Timestamp) -> (Option<Timestamp>, &mut [u8]) {
    let Some((time, header_len)) = frame.get(ADDRESSES..).and_then(|behind| header(behind, near)) else {
        return (None, frame);
    };
    // The addresses move up to what the header stood before.
    frame.copy_within(..ADDRESSES, header_len);
    (Some(time), frame.get_mut(header_len..).unwrap_or_default())
}

/// The time that the header at the start of `bytes` tells, and how long the header is.
fn header(bytes: &[u8], near: Timestamp) -> Option<(Timestamp, usize)> {
    let (&[type0, type1, sub0, sub1, scale, format], time) = bytes.split_first_chunk()?;
    if u16::from_be_bytes([type0, type1]) != ETHERTYPE || u16::from_be_bytes([sub0, sub1]) != SUBTYPE {
        return None;
    }
    let ahead = match scale {
        0 => TAI_AHEAD_S,
        1 => 0,
        _ => return None,
    };
    match u16::from(format & 0xf0) {
        SECONDS_32 => {
            let (&[s0, s1, s2, s3, n0, n1, n2, n3], _) = time.split_first_chunk()?;
            let seconds = u64::from(u32::from_be_bytes([s0, s1, s2, s3]));
            Some((unix(seconds, ahead, [n0, n1, n2, n3])?, 14))
        }
        SECONDS_16 => {
            let (&[s0, s1, n0, n1, n2, n3], _) = time.split_first_chunk()?;
            let known = (near.0 / SECOND).saturating_add(ahead);
            Some((unix(completed(u16::from_be_bytes([s0, s1]), known), ahead, [n0, n1, n2, n3])?, 12))
        }
        _ => None,
    }
}

/// The seconds nearest to `known` that end in `low`.
fn completed(low: u16, known: u64) -> u64 {
    let distance = low.wrapping_sub((known & 0xffff) as u16).cast_signed();
    known.checked_add_signed(i64::from(distance)).unwrap_or(u64::from(low))
}

/// Seconds of a time scale `ahead` of UTC, and nanoseconds.
fn unix(seconds: u64, ahead: u64, ns: [u8; 4]) -> Option<Timestamp> {
    let ns = u32::from_be_bytes(ns);
    let seconds = seconds.checked_sub(ahead)?;
    (u64::from(ns) < SECOND).then(|| Timestamp(seconds.saturating_mul(SECOND).saturating_add(u64::from(ns))))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    const ADDRESS_BYTES: [u8; 12] = [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2];
    const REST: [u8; 4] = [0x08, 0x00, 0x45, 0x99];

    fn taken(header: &[u8], near: Timestamp) -> (Option<Timestamp>, Vec<u8>) {
        let mut frame = [&ADDRESS_BYTES[..], header, &REST].concat();
        let (time, rest) = timestamped(&mut frame, near);
        (time, rest.to_vec())
    }

    fn plain() -> Vec<u8> {
        [&ADDRESS_BYTES[..], &REST].concat()
    }

    #[test]
    fn utc_and_tai_in_full() {
        let utc = [0xd2, 0x8b, 0, 1, 1, 0x10, 0, 0, 0, 40, 0, 0, 0, 7];
        assert_eq!(taken(&utc, Timestamp(0)), (Some(Timestamp(40 * SECOND + 7)), plain()));
        let tai = [0xd2, 0x8b, 0, 1, 0, 0x11, 0, 0, 0, 40, 0, 0, 0, 7];
        assert_eq!(taken(&tai, Timestamp(0)), (Some(Timestamp(3 * SECOND + 7)), plain()));
    }

    #[test]
    fn the_low_half_of_the_seconds_is_completed_from_the_clock() {
        let header = |low: u16| {
            let [high, low] = low.to_be_bytes();
            [0xd2, 0x8b, 0, 1, 1, 0x20, high, low, 0, 0, 0, 7]
        };
        for (near, low, seconds) in
            [(0x1_0005, 0x0003, 0x1_0003), (0x1_0005, 0xffff, 0xffff), (0x1_fffe, 0x0001, 0x2_0001), (5, 5, 5)]
        {
            let expected = Timestamp(seconds * SECOND + 7);
            assert_eq!(taken(&header(low), Timestamp(near * SECOND)), (Some(expected), plain()), "{near:x} {low:x}");
        }
    }

    #[test]
    fn other_frames_stay_as_they_are() {
        let whole = |header: &[u8]| [&ADDRESS_BYTES[..], header, &REST].concat();
        for header in [
            &[][..],
            &[0xd2, 0x8b, 0, 2, 1, 0x10, 0, 0, 0, 40, 0, 0, 0, 7],
            &[0xd2, 0x8b, 0, 1, 2, 0x10, 0, 0, 0, 40, 0, 0, 0, 7],
            &[0xd2, 0x8b, 0, 1, 1, 0x30, 0, 0, 0, 40, 0, 0, 0, 7],
            &[0xd2, 0x8b, 0, 1, 1, 0x10, 0, 0, 0, 40, 0xff, 0, 0, 7],
        ] {
            assert_eq!(taken(header, Timestamp(0)), (None, whole(header)), "{header:x?}");
        }
        for len in 0..26 {
            let mut frame = [&ADDRESS_BYTES[..], &[0xd2, 0x8b, 0, 1, 1, 0x10, 0, 0, 0, 40, 0, 0, 0, 7]].concat();
            frame.truncate(len);
            assert_eq!(timestamped(&mut frame, Timestamp(0)).0, None, "{len}");
        }
    }
}
