//! The object library as the standard's annex A has it, written down a second time.

use std::format;

use super::super::encode::{
    QUALIFIERS, SIZE_QUALIFIERS, Sample, objects, request, request_frame, response, sample, segments,
};
use super::*;

/// Of each group, the fields of its variations from 1 on. `sized` objects are those of `composites.rs`; `opaque` ones have
/// a size prefix and no public fields; `bare` ones have nothing at all.
pub(super) const LIBRARY: &[(u8, &[&str])] = &[
    (1, &["bits", "flags+bit"]),
    (2, &["flags+bit", "flags+bit at", "flags+bit after"]),
    (3, &["double bits", "flags+double"]),
    (4, &["flags+double", "flags+double at", "flags+double after"]),
    (10, &["bits", "flags+bit"]),
    (11, &["flags+bit", "flags+bit at"]),
    (12, &["crob status", "crob status", "bits"]),
    (13, &["status+bit", "status+bit at"]),
    (20, &["flags u32", "flags u16", "flags u32", "flags u16", "u32", "u16", "u32", "u16"]),
    (
        21,
        &[
            "flags u32",
            "flags u16",
            "flags u32",
            "flags u16",
            "flags u32 at",
            "flags u16 at",
            "flags u32 at",
            "flags u16 at",
            "u32",
            "u16",
            "u32",
            "u16",
        ],
    ),
    (22, COUNTER_EVENTS),
    (23, COUNTER_EVENTS),
    (30, &["flags i32", "flags i16", "i32", "i16", "flags f32", "flags f64"]),
    (31, &["flags i32", "flags i16", "flags i32 at", "flags i16 at", "i32", "i16", "flags f32", "flags f64"]),
    (32, ANALOG_EVENTS),
    (33, ANALOG_EVENTS),
    (34, &["u16", "u32", "f32"]),
    (40, &["flags i32", "flags i16", "flags f32", "flags f64"]),
    (41, &["i32 status", "i16 status", "f32 status", "f64 status"]),
    (42, ANALOG_EVENTS),
    (
        43,
        &[
            "status i32",
            "status i16",
            "status i32 at",
            "status i16 at",
            "status f32",
            "status f64",
            "status f32 at",
            "status f64 at",
        ],
    ),
    (50, &["time", "time+interval", "time", "time+interval+unit"]),
    (51, &["time", "time"]),
    (52, &["u16", "u16"]),
    (60, &["bare", "bare", "bare", "bare"]),
    (70, &["sized"; 8]),
    (80, &["bits"]),
    (81, &["sized"]),
    (82, &["sized"]),
    (83, &["sized", "sized"]),
    (85, &["sized"]),
    (86, &["sized", "sized", "sized"]),
    (87, &["sized"]),
    (88, &["sized"]),
    (90, &["sized"]),
    (91, &["sized"]),
    (100, &["opaque", "opaque", "opaque"]),
    (101, &["bcd2", "bcd4", "bcd8"]),
    (102, &["u8"]),
    (120, &["sized"; 15]),
    (121, &["flags association u32"]),
    (122, &["flags association u32", "flags association u32 at"]),
];

const COUNTER_EVENTS: &[&str] = &[
    "flags u32",
    "flags u16",
    "flags u32",
    "flags u16",
    "flags u32 at",
    "flags u16 at",
    "flags u32 at",
    "flags u16 at",
];

const ANALOG_EVENTS: &[&str] = &[
    "flags i32",
    "flags i16",
    "flags i32 at",
    "flags i16 at",
    "flags f32",
    "flags f64",
    "flags f32 at",
    "flags f64 at",
];

/// Groups whose variation is a length or a name, so that they have every one.
const ANY_VARIATION: [u8; 7] = [0, 110, 111, 112, 113, 114, 115];

/// Functions whose headers only name points (clause 4).
const NAMING: [u8; 11] = [1, 7, 8, 9, 10, 11, 12, 15, 20, 21, 22];

fn library() -> impl Iterator<Item = (u8, u8, &'static str)> {
    LIBRARY.iter().flat_map(|(group, formats)| (1..).zip(*formats).map(move |(at, format)| (*group, at, *format)))
}

/// Group, variation and fields of every object whose size is always the same and whose fields are plain.
fn plain() -> impl Iterator<Item = (u8, u8, &'static str)> {
    let special = ["bits", "double bits", "bare", "sized", "opaque"];
    library().filter(move |(_, _, format)| !special.contains(format))
}

fn says(point: &Point<'_>, index: u32, sample: &Sample) -> bool {
    let flags = point.flags.map(|flags| flags.octet);
    let status = point.status.map(|status| status.0);
    point.index == index
        && point.octets == sample.octets
        && point.value == sample.value
        && (flags, status) == (sample.flags, sample.status)
        && (point.time, point.association) == (sample.time, sample.association)
}

/// One fragment with each object of the library, and with each kind of header.
fn fragments_of_all() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = plain()
        .map(|(group, variation, fields)| objects(group, variation, 0x28, 7, &[sample(fields, 3).octets]))
        .collect();
    all.extend(composites::CASES.iter().map(|case| objects(case.group, case.variation, 0x5b, 0, &[case.octets()])));
    all.extend(QUALIFIERS.map(|qualifier| objects(30, 2, qualifier, 7, &[vec![1, 2, 3], vec![4, 5, 6]])));
    all.extend([[1, 1, 0x00, 3, 12, 0x53, 0x02], [3, 1, 0x00, 0, 4, 0xe4, 0x02]].map(Vec::from));
    all.extend([vec![0, 252, 0, 0, 0, 1, 2, b'a', b'b'], vec![110, 3, 0x00, 1, 1, b'a', b'b', b'c']]);
    all.into_iter().map(|objects| response([0, 0], &objects)).collect()
}

#[test]
fn the_library_is_the_standards() {
    for (group, variation) in (0..=255).flat_map(|group| (1..=255).map(move |variation| (group, variation))) {
        let written_down =
            library().any(|(known, at, _)| (known, at) == (group, variation)) || ANY_VARIATION.contains(&group);
        let known = objects::group(group).and_then(|known| known.variation(variation)).is_some();
        assert_eq!(known, written_down, "g{group}v{variation}");
    }
}

#[test]
fn decodes_what_was_encoded_with_every_qualifier() {
    for (group, variation, fields) in plain() {
        let samples = [1, 2, 3].map(|seed| sample(fields, seed));
        let octets = samples.clone().map(|sample| sample.octets);
        for qualifier in QUALIFIERS.into_iter().chain(SIZE_QUALIFIERS) {
            let what = format!("g{group}v{variation} {qualifier:#04x}");
            let bytes = response([0, 0], &[objects(group, variation, qualifier, 7, &octets), vec![60, 1, 6]].concat());
            let headers = headers(&bytes);
            assert_eq!((headers.len(), headers[1].group), (2, 60), "{what}");
            let first = if matches!(qualifier, 0x07..=0x09 | 0x4b..=0x6b) { 0 } else { 7 };
            let points: Vec<Point<'_>> = headers[0].points().collect();
            assert_eq!(points.len(), 3, "{what}");
            for ((index, point), sample) in (first..).zip(&points).zip(&samples) {
                assert!(says(point, index, sample), "{what}: {point:?} is not {sample:?}");
            }
        }
    }
}

#[test]
fn every_function_carries_its_objects_or_names_points() {
    for function in 0..=255 {
        let named = NAMING.contains(&function);
        let object = if named { vec![] } else { vec![1, 0xfe, 0xff] };
        let objects = objects(30, 2, 0x28, 9, &[object]);
        let bytes = if function < 129 {
            request(function, &objects)
        } else {
            [&[0xc3, function, 0x12, 0x34][..], &objects].concat()
        };
        let fragment = Fragment::parse(&bytes).unwrap();
        assert_eq!((fragment.control.0, fragment.function), (0xc3, Function(function)));
        assert_eq!(fragment.indications, (function >= 129).then_some(Indications([0x12, 0x34])));
        let point = only_point(&bytes);
        let value = if named { Value::None } else { Value::Integer(-2) };
        assert_eq!((point.index, point.value), (9, value), "{function}");
    }
}

#[test]
fn every_reserved_qualifier_is_told_by_its_octet() {
    let known: Vec<u8> = QUALIFIERS.into_iter().chain(SIZE_QUALIFIERS).chain([0x06]).collect();
    for octet in 0..=255 {
        let bytes = request(2, &[30, 2, octet, 0, 0, 0, 0, 0, 0, 0, 0]);
        let fault = Fragment::parse(&bytes).unwrap().headers().next().unwrap().err();
        let told = fault.filter(|fault| fault.kind == FaultKind::Qualifier).and_then(|fault| fault.found);
        assert_eq!(told, (!known.contains(&octet)).then_some(octet.into()), "{octet:#04x}");
    }
}

#[test]
fn a_truncated_fragment_is_never_whole() {
    for whole in fragments_of_all() {
        assert_eq!(Fragment::parse(&whole).unwrap().fault(), None, "{whole:02x?}");
        for len in 5..whole.len() {
            assert!(Fragment::parse(&whole[..len]).unwrap().fault().is_some(), "{:02x?}", &whole[..len]);
        }
        assert!((0..4).all(|len| Fragment::parse(&whole[..len]).is_none()));
    }
}

#[test]
fn a_flipped_bit_leads_nowhere_outside() {
    for whole in fragments_of_all() {
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let fragment = Fragment::parse(&bytes).unwrap();
            let within = |octets: &[u8]| octets.is_empty() || bytes.as_ptr_range().contains(&octets.as_ptr());
            for header in fragment.headers().flatten() {
                assert!(header.points().all(|point| within(point.octets)));
            }
            let _ = (fragment.fault(), touches(&fragment).count(), control_status(&fragment));
        }
    }
}

#[test]
fn framed_a_flipped_bit_is_always_found() {
    for whole in fragments_of_all() {
        for segment in segments(&whole, 249, 0) {
            let frame = request_frame(&segment);
            assert_eq!(link::scan(&frame), Scan::Unit { len: frame.len() });
            for bit in 0..frame.len() * 8 {
                let mut bytes = frame.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert!(!matches!(link::scan(&bytes), Scan::Unit { .. }), "bit {bit} of {frame:02x?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_fixed_object_is_decoded_as_encoded(at in 0..plain().count(), seed in any::<u32>(), index in any::<u16>()) {
        let (group, variation, fields) = plain().nth(at).unwrap();
        let sample = sample(fields, seed.into());
        let octets = objects(group, variation, 0x28, index.into(), core::slice::from_ref(&sample.octets));
        let bytes = response([0, 0], &octets);
        let point = only_point(&bytes);
        prop_assert!(says(&point, index.into(), &sample), "{:?} is not {:?}", point, sample);
    }
}
