use tagout_core::Scan;
use tagout_core::dnp3::transport::{Assembler, DEFAULT_MAX_FRAGMENT, Progress, Segment};
use tagout_core::dnp3::{Fragment, control_status, is_refusal, link, touches};

use super::modbus::check;
use crate::generate::Side;
use crate::generate::dnp3 as generate;

/// Reads the input as DNP3. The first byte chooses how: as a stream of link frames, as one application fragment, or as
/// user data, piece by piece behind its length, that is put into link frames with good CRCs.
///
/// Scanning always gets on, frames and fragments lie inside their bounds, and no fragment has more points or touches
/// than its bytes can tell of.
pub fn dnp3(input: &[u8]) {
    match input.split_first() {
        Some((0, bytes)) => stream(bytes),
        Some((1, bytes)) => fragment(bytes),
        Some((_, bytes)) => stream(&framed(bytes)),
        None => {}
    }
}

fn framed(mut bytes: &[u8]) -> Vec<u8> {
    let link = generate::Link { master: 1, outstation: 10 };
    let mut stream = Vec::new();
    while let Some((len, rest)) = bytes.split_first() {
        let (user_data, behind) = rest.split_at(usize::from(*len).min(250).min(rest.len()));
        stream.extend(generate::link_frame(link, Side::Client, user_data));
        bytes = behind;
    }
    stream
}

fn stream(bytes: &[u8]) {
    let mut assembler = Assembler::new();
    let mut buffer = [0; DEFAULT_MAX_FRAGMENT];
    let mut rest = bytes;
    while !rest.is_empty() {
        let scan = link::scan(rest);
        assert_eq!(scan, link::scan(rest), "scanning depends on its argument alone");
        match scan {
            Scan::Unit { len } => {
                assert!((link::HEADER_LEN..=rest.len()).contains(&len), "a frame of {len} bytes");
                frame(&rest[..len], &mut assembler, &mut buffer);
                rest = &rest[len..];
            }
            Scan::Damaged { skip, .. } => {
                assert!((1..=rest.len()).contains(&skip), "{skip} of {} bytes skipped", rest.len());
                rest = &rest[skip..];
            }
            Scan::Partial { need } => {
                assert!(need > rest.len(), "{need} bytes needed, {} are there", rest.len());
                break;
            }
        }
    }
}

fn frame(bytes: &[u8], assembler: &mut Assembler, buffer: &mut [u8]) {
    let (header, data) = link::parse(bytes).expect("a unit is a link frame");
    let mut user_data = [0; link::MAX_USER_DATA];
    let user_data = data.copy_to(&mut user_data);
    assert_eq!(user_data.len(), usize::from(header.user_len), "the header's length is that of the data");
    let Some(segment) = Segment::parse(user_data) else { return };
    if let Progress::Complete(bytes) = assembler.push(segment, buffer).progress {
        assert!(bytes.len() <= DEFAULT_MAX_FRAGMENT, "a fragment of {} bytes", bytes.len());
        fragment(bytes);
    }
}

fn fragment(bytes: &[u8]) {
    let Some(fragment) = Fragment::parse(bytes) else { return };
    let most = 8 * bytes.len();
    let (mut points, mut offset) = (0, 0);
    for header in fragment.headers() {
        match header {
            Ok(header) => {
                assert!((offset..bytes.len()).contains(&header.offset), "{header:?}");
                assert!(header.data.len() <= bytes.len() - header.offset, "{header:?}");
                points += header.points().take(most + 1).count();
                offset = header.offset;
            }
            Err(fault) => assert!((offset..=bytes.len()).contains(&fault.offset), "{fault:?}"),
        }
    }
    assert!(points <= most, "more points than bits");
    let touched = touches(&fragment).take(most + 1).inspect(check).count();
    assert!(touched <= most, "more touches than bits");
    fragment.fault();
    control_status(&fragment);
    is_refusal(&fragment);
}
