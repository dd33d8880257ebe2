use tagout_core::dnp3::objects::{DataSet, DeviceObject, Point, Value};
use tagout_core::dnp3::transport::{Assembler, DEFAULT_MAX_FRAGMENT, Progress, Segment};
use tagout_core::dnp3::{Fragment, control_status, file_status, is_refusal, link, touches};

use super::modbus::check;
use super::scanned::scanned;
use crate::generate::Side;
use crate::generate::dnp3 as generate;

/// Reads the input as DNP3. The first byte chooses how: as a stream of link frames, as one application fragment, or as
/// user data, piece by piece behind its length, that is put into link frames with good CRCs.
///
/// The scanner keeps its contract (`scanned`), frames and fragments lie inside their bounds, objects inside what their
/// header announces, and nothing has more points, touches or parts than its bytes can tell of.
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
    let scan = |bytes: &[u8], _| link::scan(bytes);
    scanned(bytes, true, link::MAX_FRAME, scan, |unit| frame(unit, &mut assembler, &mut buffer));
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
                points += header.points().take(most + 1).inspect(|point| object(point, header.data)).count();
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
    file_status(&fragment);
    is_refusal(&fragment);
}

/// An object lies behind its header, and lists no more than its octets can tell of.
fn object(point: &Point<'_>, data: &[u8]) {
    let octets = point.octets.as_ptr_range();
    let inside = data.as_ptr_range().start <= octets.start && octets.end <= data.as_ptr_range().end;
    assert!(inside || point.octets.is_empty(), "{point:?}");
    assert!(listed(point.value, point.octets.len() + 1) <= point.octets.len(), "{point:?}");
}

/// How many things a composite object lists, up to `most`.
fn listed(value: Value<'_>, most: usize) -> usize {
    match value {
        Value::Attribute(attribute) => {
            assert!(!matches!(attribute.value(), Value::Attribute(_)), "an attribute's value is simple");
            attribute.list().take(most).count()
        }
        Value::DataSet(DataSet::Prototype(list) | DataSet::Descriptor(list)) => list.take(most).count(),
        Value::DataSet(DataSet::PointIndexes(list)) => list.take(most).count(),
        Value::DataSet(DataSet::Values(list) | DataSet::Snapshot(list)) => list.take(most).count(),
        Value::Device(DeviceObject::Activation { statuses, .. }) => statuses.take(most).count(),
        _ => 0,
    }
}
