//! What holds for whole fragments: every object of the library, every qualifier, every cut.

extern crate std;

mod composites;
mod library;

use std::vec;
use std::vec::Vec;

use proptest::collection::vec as any_vec;
use proptest::prelude::*;
use tagout_engine::{Action, Space, Touch, Values};

use super::encode::{crob, request, request_frame, response, segments};
use super::objects::{DataType, DoubleBit, FileObject, Point, Time, Value};
use super::transport::{Assembler, Progress, Segment};
use super::*;
use crate::Scan;

fn headers(fragment: &[u8]) -> Vec<ObjectHeader<'_>> {
    let fragment = Fragment::parse(fragment).unwrap();
    assert_eq!(fragment.fault(), None, "{:02x?}", fragment.objects);
    fragment.headers().map(Result::unwrap).collect()
}

fn only_point(fragment: &[u8]) -> Point<'_> {
    let headers = headers(fragment);
    let points: Vec<Point<'_>> = headers.iter().flat_map(ObjectHeader::points).collect();
    assert_eq!(points.len(), 1);
    points[0]
}

fn point_of(group: u8, variation: u8, object: &[u8]) -> (Value<'_>, Option<u8>, Option<Time>, Option<u8>) {
    let fragment = response([0, 0], &[&[group, variation, 0x17, 1, 9], object].concat()).leak();
    let point = only_point(fragment);
    assert_eq!(point.index, 9);
    (point.value, point.flags.map(|flags| flags.octet), point.time, point.status.map(|status| status.0))
}

fn touched(function: Function, objects: &[u8]) -> Vec<Touch<'static>> {
    let bytes = request(function.0, objects).leak();
    touches(&Fragment::parse(bytes).unwrap()).collect()
}

fn number(space: Space, address: u32, value: f64) -> Touch<'static> {
    Touch { space, address, count: 1, values: Values::Number(value) }
}

#[test]
fn walks_packed_bits() {
    for (group, variation) in [(1, 1), (10, 1), (12, 3), (80, 1)] {
        let bytes = response([0, 0], &[group, variation, 0x00, 3, 12, 0b0101_0011, 0b10, 60, 1, 6]);
        let headers = headers(&bytes);
        let bits: Vec<Value<'_>> = headers[0].points().map(|point| point.value).collect();
        let expected = [1, 1, 0, 0, 1, 0, 1, 0, 0, 1].map(|bit| Value::Bit(bit == 1));
        assert_eq!(bits, expected);
        assert_eq!(headers[0].points().map(|point| point.index).collect::<Vec<_>>(), (3..13).collect::<Vec<_>>());
        assert_eq!(headers.len(), 2);
    }
}

#[test]
fn walks_packed_double_bits() {
    use DoubleBit::{DeterminedOff, DeterminedOn, Indeterminate, Intermediate};
    let bytes = response([0, 0], &[3, 1, 0x01, 0, 1, 4, 1, 0b1110_0100, 0b10]);
    let states: Vec<(u32, Value<'_>)> = headers(&bytes)[0].points().map(|point| (point.index, point.value)).collect();
    let expected = [Intermediate, DeterminedOff, DeterminedOn, Indeterminate, DeterminedOn].map(Value::DoubleBit);
    assert_eq!(states, (0x100..).zip(expected).collect::<Vec<_>>());
}

#[test]
fn walks_sized_objects_whether_known_or_not() {
    for (qualifier, width) in [(0x4b, 1), (0x5b, 2), (0x6b, 4)] {
        for (group, variation) in [(100, 1), (110, 3), (114, 1), (115, 200), (200, 5)] {
            let sized = |data: &[u8]| [&(data.len() as u32).to_le_bytes()[..width], data].concat();
            let objects = [&[group, variation, qualifier, 2][..], &sized(b"abc"), &sized(b""), &[60, 1, 6]].concat();
            let bytes = response([0, 0], &objects);
            let headers = headers(&bytes);
            let values: Vec<Value<'_>> = headers[0].points().map(|point| point.value).collect();
            assert_eq!(values, [Value::Octets(b"abc"), Value::Octets(b"")]);
            assert_eq!(headers.len(), 2);
        }
    }
}

#[test]
fn reads_device_attributes() {
    let attribute = |variation: u8, data_type: u8, data: &[u8]| {
        let object = [&[0, variation, 0x00, 0, 0, data_type, data.len() as u8], data].concat();
        let Value::Attribute(attribute) = only_point(response([0, 0], &object).leak()).value else { unreachable!() };
        assert_eq!(attribute.data_type, DataType(data_type));
        attribute
    };
    assert_eq!(attribute(252, 1, b"ACME").value(), Value::Text(b"ACME"));
    assert_eq!(attribute(240, 2, &[0x00, 0x08]).value(), Value::Integer(2048));
    assert_eq!(attribute(216, 2, &[0xff; 8]).value(), Value::Octets(&[0xff; 8]));
    assert_eq!(attribute(215, 3, &[0xfe]).value(), Value::Integer(-2));
    assert_eq!(attribute(205, 4, &1.5_f32.to_le_bytes()).value(), Value::Real(1.5));
    assert_eq!(attribute(205, 4, &(-0.25_f64).to_le_bytes()).value(), Value::Real(-0.25));
    assert_eq!(attribute(203, 7, &[1, 0, 0, 0, 0, 0]).value(), Value::Time(1));
    assert_eq!(attribute(204, 5, &[1, 2]).value(), Value::Octets(&[1, 2]));
    assert_eq!(attribute(252, 1, b"ACME").list().count(), 0);
    let listed: Vec<(u8, bool)> =
        attribute(255, 254, &[252, 0, 247, 1]).list().map(|entry| (entry.variation, entry.writable)).collect();
    assert_eq!(listed, [(252, false), (247, true)]);
}

#[test]
fn names_every_attribute_of_the_standard_set() {
    let name = |number| objects::group(0).unwrap().variation(number).unwrap().name();
    assert_eq!(
        [242, 250, 252].map(name),
        ["device manufacturer's software version", "device product name and model", "device manufacturer's name"]
    );
    assert!((196..=255).all(|number| name(number) != "attribute"));
    assert!((1..=195).all(|number| name(number) == "attribute"));
}

#[test]
fn reads_values_flags_and_times() {
    let ms = 1_700_000_000_000_u64;
    let time = &ms.to_le_bytes()[..6];
    let at = Some(Time::Absolute(ms));
    assert_eq!(point_of(2, 2, &[&[0x81], time].concat().leak()[..]), (Value::Bit(true), Some(0x81), at, None));
    assert_eq!(point_of(4, 1, &[0xc1]), (Value::DoubleBit(DoubleBit::Indeterminate), Some(0xc1), None, None));
    assert_eq!(point_of(13, 1, &[0x84]), (Value::Bit(true), None, None, Some(4)));
    assert_eq!(point_of(20, 5, &[0xff; 4]), (Value::Integer(0xffff_ffff), None, None, None));
    assert_eq!(point_of(22, 2, &[1, 0xff, 0xff]), (Value::Integer(0xffff), Some(1), None, None));
    assert_eq!(point_of(30, 1, &[1, 0xfe, 0xff, 0xff, 0xff]), (Value::Integer(-2), Some(1), None, None));
    assert_eq!(point_of(30, 4, &[0x00, 0x80]), (Value::Integer(-32768), None, None, None));
    assert_eq!(point_of(34, 1, &[0x00, 0x80]), (Value::Integer(32768), None, None, None));
    let real = [&[0x21][..], &(-2.5_f64).to_le_bytes(), time].concat().leak();
    assert_eq!(point_of(32, 8, real), (Value::Real(-2.5), Some(0x21), at, None));
    assert_eq!(point_of(41, 3, &[0, 0, 0x80, 0x3f, 12]), (Value::Real(1.0), None, None, Some(12)));
    assert_eq!(point_of(43, 2, &[5, 0x10, 0x00]), (Value::Integer(16), None, None, Some(5)));
    assert_eq!(point_of(50, 1, time), (Value::Time(ms), None, None, None));
    assert_eq!(point_of(52, 2, &[0x10, 0x27]), (Value::Integer(10_000), None, None, None));
    assert_eq!(point_of(101, 2, &[0x78, 0x56, 0x34, 0x12]), (Value::Integer(12_345_678), None, None, None));
    assert_eq!(point_of(101, 1, &[0x7a, 0x56]), (Value::Octets(&[0x7a, 0x56]), None, None, None));
    assert_eq!(point_of(110, 2, b"ab"), (Value::Octets(b"ab"), None, None, None));
}

#[test]
fn names_flags_by_kind_of_point() {
    let names = |group: u8, variation: u8, object: &[u8]| -> Vec<&'static str> {
        let fragment = response([0, 0], &[&[group, variation, 0x07, 1], object].concat());
        only_point(&fragment).flags.unwrap().names().collect()
    };
    assert_eq!(names(1, 2, &[0xa1]), ["ONLINE", "CHATTER_FILTER", "STATE"]);
    assert_eq!(names(10, 2, &[0x81]), ["ONLINE", "STATE"]);
    assert_eq!(names(20, 2, &[0x61, 0, 0]), ["ONLINE", "ROLLOVER", "DISCONTINUITY"]);
    assert_eq!(names(30, 2, &[0x62, 0, 0]), ["RESTART", "OVER_RANGE", "REFERENCE_ERR"]);
}

#[test]
fn adds_relative_times_to_the_common_time_before_them() {
    let relative = [2, 3, 0x17, 1, 4, 0x81, 0xe8, 0x03];
    let alone = response([0, 0], &relative);
    assert_eq!(only_point(&alone).time, Some(Time::Relative(1000)));
    let based = response([0, 0], &[&[51, 1, 0x07, 1, 0, 1, 0, 0, 0, 0][..], &relative].concat());
    let times: Vec<Option<Time>> = headers(&based)[1].points().map(|point| point.time).collect();
    assert_eq!(times, [Some(Time::Absolute(256 + 1000))]);
}

#[test]
fn reads_control_blocks() {
    let bytes = request(5, &[&[12, 1, 0x28, 1, 0, 0x34, 0x12][..], &crob(0x81, 0)].concat());
    let point = only_point(&bytes);
    let Value::Control(block) = point.value else { unreachable!() };
    assert_eq!((point.index, point.status), (0x1234, Some(Status::SUCCESS)));
    assert_eq!((block.count, block.on_time_ms, block.off_time_ms), (2, 100, 200));
    assert_eq!((block.operation(), block.trip_close()), (Operation::PulseOn, TripClose::Trip));
    assert!(!block.clear() && !block.queue());
    assert_eq!(block.commanded_state(), Some(false));
}

#[test]
fn a_control_code_opens_or_closes_unless_it_contradicts_itself() {
    let state = |code| Crob { code, count: 1, on_time_ms: 0, off_time_ms: 0 }.commanded_state();
    assert_eq!([0x01, 0x03, 0x41, 0x43, 0x51].map(state), [Some(true); 5]);
    assert_eq!([0x02, 0x04, 0x81, 0x82, 0x84].map(state), [Some(false); 5]);
    assert_eq!([0x00, 0x20, 0x05, 0x0f, 0xc3].map(state), [None; 5]);
    assert_eq!([0x42, 0x44, 0x83, 0x40, 0x80].map(state), [None; 5], "outstations differ");
}

#[test]
fn requests_that_name_points_carry_no_objects() {
    let names = [60, 1, 6, 30, 0, 0x00, 4, 9, 1, 2, 0x17, 2, 5, 8, 50, 1, 0x07, 1];
    for function in [Function::READ, Function::ASSIGN_CLASS, Function::IMMED_FREEZE, Function::ENABLE_UNSOLICITED] {
        let bytes = request(function.0, &names);
        let headers = headers(&bytes);
        assert_eq!(headers.len(), 4);
        assert_eq!(headers[1].range, Range::Indexes { start: 4, stop: 9 });
        assert_eq!(headers[1].points().count(), 0);
        assert_eq!(headers[2].points().map(|point| point.index).collect::<Vec<_>>(), [5, 8]);
    }
}

#[test]
fn requests_carry_what_says_how() {
    let freeze = request(11, &[50, 2, 0x07, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 0, 6]);
    assert_eq!(headers(&freeze).len(), 2);
    let block = request(1, &[70, 5, 0x5b, 1, 8, 0, 1, 2, 3, 4, 0, 0, 0, 0]);
    assert_eq!(only_point(&block).octets.len(), 8);
    let aggressive = request(1, &[120, 3, 0x07, 1, 0, 0, 0, 0, 1, 0, 60, 2, 6, 120, 9, 0x5b, 1, 2, 0, 0xaa, 0xbb]);
    assert_eq!(headers(&aggressive).len(), 3);
}

#[test]
fn faults_say_where_and_what() {
    use FaultKind::*;
    let fault = |objects: &[u8]| {
        let fault = Fragment::parse(&request(2, objects)).unwrap().fault()?;
        Some((fault.kind, fault.field, fault.offset, fault.expected, fault.found))
    };
    let cases: [(&[u8], _); 14] = [
        (&[30, 1], (HeaderCutShort, "object header", 2, Some(3), Some(2))),
        (&[30, 1, 0x01, 0, 0], (HeaderCutShort, "object header", 2, Some(7), Some(5))),
        (&[60, 1, 6, 30, 4, 0x00, 5, 4], (RangeInverted, "range", 8, Some(5), Some(4))),
        (&[30, 4, 0x7b, 1], (Qualifier, "qualifier", 4, None, Some(0x7b))),
        (&[1, 1, 0x17, 1, 0, 1], (PackedWithPrefix, "qualifier", 4, None, Some(0x17))),
        (&[200, 9, 0x07, 1, 0], (UnknownObject, "group", 2, None, Some(200))),
        (&[30, 0, 0x07, 1, 0], (UnknownObject, "variation", 3, None, Some(0))),
        (&[60, 1, 6, 30, 4, 0x07, 2, 0, 1, 0], (ObjectsCutShort, "count", 8, Some(2), Some(1))),
        (&[1, 1, 0x00, 0, 16, 0, 0], (ObjectsCutShort, "range", 5, Some(17), Some(16))),
        (&[3, 1, 0x00, 0, 4, 0], (ObjectsCutShort, "range", 5, Some(5), Some(4))),
        (&[30, 4, 0x09, 0xff, 0xff, 0xff, 0xff, 0, 1], (ObjectsCutShort, "count", 5, Some(u32::MAX), Some(1))),
        (&[110, 0, 0x5b, 2, 1, 0, 9], (ObjectsCutShort, "count", 5, Some(2), Some(1))),
        (&[70, 5, 0x5b, 1, 3, 0, 1, 2, 3], (ObjectMalformed, "file handle", 8, Some(4), Some(3))),
        (&[30, 2, 0x4b, 1, 4, 1, 2, 3, 4], (ObjectMalformed, "object size", 7, Some(3), Some(4))),
    ];
    assert_eq!(fault(&[]), None);
    for (objects, expected) in cases {
        assert_eq!(fault(objects), Some(expected), "{objects:02x?}");
    }
}

#[test]
fn a_malformed_object_hides_nothing_behind_it() {
    let block = [&[70, 5, 0x5b, 2, 3, 0, 1, 2, 3, 8, 0][..], &[1; 8], &[12, 1, 0x17, 1, 7], &crob(0x03, 0)].concat();
    let bytes = request(5, &block);
    let fragment = Fragment::parse(&bytes).unwrap();
    let values: Vec<Value<'_>> = fragment.headers().flatten().next().unwrap().points().map(|p| p.value).collect();
    assert_eq!(values[0], Value::Octets(&[1, 2, 3]));
    assert!(matches!(values[1], Value::File(FileObject::Transport { handle: 0x0101_0101, .. })));
    assert_eq!(touches(&fragment).collect::<Vec<_>>(), [number(Space::BinaryOutput, 7, 1.0)]);
}

#[test]
fn a_count_beyond_the_bytes_hides_no_point() {
    let bytes = request(5, &[&[12, 1, 0x17, 200, 7][..], &crob(0x03, 0), &[8, 0x03]].concat());
    let fragment = Fragment::parse(&bytes).unwrap();
    assert_eq!(touches(&fragment).collect::<Vec<_>>(), [number(Space::BinaryOutput, 7, 1.0)]);
    assert!(fragment.fault().is_some());
}

#[test]
fn controls_touch_their_points_with_their_values() {
    let blocks = [&[12, 1, 0x17, 3, 1][..], &crob(0x41, 0), &[2], &crob(0x81, 0), &[3], &crob(0x00, 0)].concat();
    let setpoint = [&[41, 3, 0x28, 1, 0, 9, 0][..], &21.5_f32.to_le_bytes(), &[0]].concat();
    for function in [Function::SELECT, Function::OPERATE, Function::DIRECT_OPERATE, Function::DIRECT_OPERATE_NR] {
        let unknown = Touch { values: Values::Unknown, ..number(Space::BinaryOutput, 3, 0.0) };
        assert_eq!(
            touched(function, &[&blocks[..], &setpoint].concat()),
            [
                number(Space::BinaryOutput, 1, 1.0),
                number(Space::BinaryOutput, 2, 0.0),
                unknown,
                number(Space::AnalogOutput, 9, 21.5),
            ]
        );
    }
}

#[test]
fn a_pattern_control_touches_the_points_of_its_mask() {
    let objects = [&[12, 2, 0x07, 1][..], &crob(0x03, 0), &[12, 3, 0x00, 16, 25, 0b1000_0001, 0b10]].concat();
    let expected = [16, 23, 25].map(|index| number(Space::BinaryOutput, index, 1.0));
    assert_eq!(touched(Function::OPERATE, &objects), expected);
}

#[test]
fn reads_touch_runs() {
    let run = |space, address, count| Touch { space, address, count, values: Values::None };
    let classes = [60, 2, 6, 60, 1, 6, 30, 0, 6, 2, 0, 0x07, 9];
    assert_eq!(touched(Function::READ, &classes), []);
    let ranges = [30, 0, 0x01, 0, 0, 0xff, 0xff, 1, 2, 0x02, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 110, 0, 0x17, 2, 5, 7];
    assert_eq!(
        touched(Function::READ, &ranges),
        [
            run(Space::AnalogInput, 0, 0x1_0000),
            run(Space::BinaryInput, 0, u32::MAX),
            run(Space::OctetString, 5, 1),
            run(Space::OctetString, 7, 1),
        ]
    );
}

#[test]
fn a_range_of_bits_touches_only_those_that_are_there() {
    let cut_short = [10, 1, 0x02, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x35, 0xA5, 0x5A];
    let counts: Vec<_> = touched(Function::WRITE, &cut_short).iter().map(|touch| touch.count).collect();
    assert_eq!(counts, [16]);
    assert_eq!(touched(Function::WRITE, &cut_short[..11]), []);
}

#[test]
fn writes_touch_what_they_write() {
    let packed = touched(Function::WRITE, &[10, 1, 0x00, 4, 6, 0b101]);
    assert_eq!(packed, [Touch { space: Space::BinaryOutput, address: 4, count: 3, values: Values::Bits(&[0b101]) }]);
    let dead_band = [Touch { space: Space::AnalogInput, address: 3, count: 1, values: Values::Unknown }];
    assert_eq!(touched(Function::WRITE, &[34, 1, 0x17, 1, 3, 10, 0]), dead_band);
    assert_eq!(touched(Function::READ, &[34, 1, 0x00, 3, 3]).len(), 1);
    let text = touched(Function::WRITE, &[110, 2, 0x00, 1, 1, b'a', b'b']);
    assert_eq!(text, [Touch { space: Space::OctetString, address: 1, count: 1, values: Values::Unknown }]);
    assert_eq!(touched(Function::WRITE, &[80, 1, 0x00, 7, 7, 0, 50, 1, 0x07, 1, 0, 0, 0, 0, 0, 0]), []);
    assert_eq!(touched(Function::COLD_RESTART, &[30, 0, 0x00, 1, 2]), []);
}

#[test]
fn says_what_a_request_does() {
    let does = |function: Function, objects: &[u8]| {
        let bytes = request(function.0, objects);
        let fragment = Fragment::parse(&bytes).unwrap();
        action(fragment.function, fragment.headers())
    };
    let time = [50, 1, 0x07, 1, 0, 0, 0, 0, 0, 0];
    let restart_bit = [80, 1, 0x00, 7, 7, 0];
    let deadband = [34, 1, 0x17, 1, 3, 10, 0];
    assert_eq!(does(Function::READ, &[60, 1, 6]), Action::Read);
    assert_eq!(does(Function::READ, &[0, 254, 0x00, 0, 0]), Action::Identify);
    assert_eq!(does(Function::READ, &[0, 254, 0x00, 0, 0, 60, 1, 6]), Action::Read);
    assert_eq!(does(Function::READ, &[70, 5, 0x5b, 1, 8, 0, 1, 2, 3, 4, 0, 0, 0, 0]), Action::File);
    assert_eq!(does(Function::WRITE, &deadband), Action::Write);
    assert_eq!(does(Function::WRITE, &time), Action::TimeSync);
    assert_eq!(does(Function::WRITE, &restart_bit), Action::Write);
    assert_eq!(does(Function::WRITE, &[&time[..], &restart_bit].concat()), Action::Write);
    assert_eq!(does(Function::WRITE, &[&time[..], &deadband].concat()), Action::Write);
    assert_eq!(does(Function::WRITE, &[]), Action::Write);
    assert_eq!(does(Function::DIRECT_OPERATE_NR, &[]), Action::DirectOperate);
    assert_eq!(does(Function::WARM_RESTART, &[]), Action::Restart);
    assert_eq!(does(Function::DISABLE_UNSOLICITED, &[60, 2, 6]), Action::DisableUnsolicited);
    assert_eq!(does(Function::STOP_APPL, &[]), Action::Configure);
    assert_eq!(does(Function::DELAY_MEASURE, &[]), Action::TimeSync);
    assert_eq!(does(Function::DELETE_FILE, &[]), Action::File);
    assert_eq!(does(Function::CONFIRM, &[]), Action::Confirm);
    assert_eq!(does(Function(77), &[]), Action::Other);
}

#[test]
fn an_unknown_object_does_not_soften_a_write() {
    let bytes = request(2, &[50, 1, 0x07, 1, 0, 0, 0, 0, 0, 0, 200, 1, 0x07, 1]);
    let fragment = Fragment::parse(&bytes).unwrap();
    assert_eq!(action(fragment.function, fragment.headers()), Action::Write);
}

#[test]
fn knows_what_is_answered() {
    let unanswered: Vec<u8> = (0..=255).filter(|code| !Function(*code).expects_response()).collect();
    assert_eq!(unanswered, [0, 6, 8, 10, 12, 33].into_iter().chain(129..=255).collect::<Vec<u8>>());
    assert_eq!(Function(22).name(), Some("ASSIGN_CLASS"));
    assert_eq!(Function(34).name(), None);
}

#[test]
fn tells_refusals() {
    let refuses = |indications, objects: &[u8]| {
        let bytes = response(indications, objects);
        let fragment = Fragment::parse(&bytes).unwrap();
        (is_refusal(&fragment), control_status(&fragment).and_then(Status::name))
    };
    let echo = |first, second| [&[12, 1, 0x17, 2, 0][..], &crob(3, first), &[1], &crob(3, second)].concat();
    assert_eq!(refuses([0xff, 0xf8], &echo(0, 0)), (false, None));
    assert_eq!(refuses([0, 0x01], &[]), (true, None));
    assert_eq!(refuses([0, 0x04], &[]), (true, None));
    assert_eq!(refuses([0, 0], &echo(0, 9)), (true, Some("NOT_AUTHORIZED")));
    assert_eq!(refuses([0, 0], &[41, 2, 0x17, 1, 0, 5, 0, 0x84]), (true, Some("NOT_SUPPORTED")));
    assert_eq!(refuses([0, 0], &[43, 2, 0x17, 1, 0, 4, 5, 0]), (false, None));
    let request = request(4, &echo(7, 7));
    assert!(!is_refusal(&Fragment::parse(&request).unwrap()));
}

#[test]
fn names_indications() {
    let names: Vec<&str> = Indications([0x81, 0x0a]).names().collect();
    assert_eq!(names, ["BROADCAST", "DEVICE_RESTART", "OBJECT_UNKNOWN", "EVENT_BUFFER_OVERFLOW"]);
}

/// The fragments in a stream of link frames.
fn fragments(mut stream: &[u8]) -> Vec<Vec<u8>> {
    let (mut assembler, mut buffer, mut fragments) = (Assembler::new(), [0; 2048], Vec::new());
    while let Scan::Unit { len } = link::scan(stream) {
        let (_, data) = link::parse(&stream[..len]).unwrap();
        let mut user_data = [0; link::MAX_USER_DATA];
        let segment = Segment::parse(data.copy_to(&mut user_data)).unwrap();
        if let Progress::Complete(fragment) = assembler.push(segment, &mut buffer).progress {
            fragments.push(fragment.to_vec());
        }
        stream = &stream[len..];
    }
    fragments
}

#[test]
fn a_stream_becomes_fragments() {
    let command = request(5, &[&[12, 1, 0x17, 1, 7][..], &crob(3, 0)].concat());
    let long = response([0, 0], &[&[1, 1, 0x01, 0, 0, 0xff, 0x07][..], &[0; 256]].concat());
    let frames =
        segments(&command, 249, 0).into_iter().chain(segments(&long, 100, 63)).map(|data| request_frame(&data));
    let stream: Vec<u8> = frames.flatten().collect();
    assert_eq!(fragments(&stream), [command, long.clone()]);
    assert_eq!(headers(&long)[0].points().count(), 2048);
}

proptest! {
    #[test]
    fn any_fragment_is_walked_in_bounds(function in 0..=131_u8, objects in any_vec(object_octet(), 0..200)) {
        let bytes = request(function, &objects);
        let Some(fragment) = Fragment::parse(&bytes) else { return Ok(()) };
        let mut end = 0;
        for header in fragment.headers().flatten() {
            prop_assert!(header.offset >= end);
            end = header.offset + header.data.len();
            prop_assert!(end <= bytes.len());
            prop_assert!(header.points().count() <= header.data.len() * 8);
        }
        prop_assert!(touches(&fragment).count() <= bytes.len() * 8);
        let _ = (is_refusal(&fragment), action(fragment.function, fragment.headers()));
    }
}

/// Octets that often make known groups, qualifiers and small counts.
fn object_octet() -> impl Strategy<Value = u8> {
    let groups = prop::sample::select(vec![0_u8, 1, 3, 12, 20, 30, 41, 50, 51, 60, 70, 80, 110, 120]);
    let qualifiers = prop::sample::select(vec![0x00_u8, 0x01, 0x06, 0x07, 0x08, 0x09, 0x17, 0x28, 0x39, 0x5b]);
    prop_oneof![groups, qualifiers, 0_u8..4, any::<u8>()]
}
