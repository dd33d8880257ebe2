use tagout_core::dnp3::Fragment;
use tagout_core::dnp3::objects::{Value, group};

use super::{Seed, chosen, named};
use crate::generate::dnp3::{self, Link, Setpoint, function};
use crate::generate::{Side, checksum};

/// What a side says.
pub(super) type Said = (Side, Vec<u8>);

const LINK: Link = Link { master: 1, outstation: 10 };
/// No object that the library knows needs more octets to be whole.
const LONGEST_OBJECT: u8 = 64;

/// Streams of link frames, fragments, and user data.
pub(super) fn inputs() -> Vec<Seed> {
    let as_fragment = |fragment: &[u8]| chosen(1, fragment);
    let as_stream = |fragments: &[Vec<u8>]| {
        let frames = fragments.iter().flat_map(|fragment| dnp3::frames(LINK, Side::Client, 0, fragment));
        chosen(0, &frames.collect::<Vec<_>>().concat())
    };
    let (requests, responses) = (requests(), responses());
    let mut damaged = as_stream(&requests);
    damaged[20] ^= 0x10;
    let mut seeds = named([
        ("fragment-read", as_fragment(&requests[0])),
        ("fragment-controls", as_fragment(&requests[2])),
        ("fragment-setpoints", as_fragment(&requests[3])),
        ("fragment-static-data", as_fragment(&responses[0])),
        ("requests", as_stream(&requests)),
        ("requests-bad-crc", damaged),
        ("responses", as_stream(&responses)),
        ("segments", as_user_data(&responses[0])),
        ("segments-controls", as_user_data(&requests[2])),
        ("functions", as_stream(&(0..=33).map(|code| dnp3::request(0, code, &[])).collect::<Vec<_>>())),
        ("link-functions", chosen(0, &link_dialogue().into_iter().flat_map(|(_, frame)| frame).collect::<Vec<_>>())),
    ]);
    seeds.extend((0..=255).filter_map(group_seed));
    seeds
}

fn as_user_data(fragment: &[u8]) -> Vec<u8> {
    let segments = fragment.chunks(60).enumerate().flat_map(|(at, chunk)| {
        let marks = if at == 0 { 0x40 } else { 0 } | if (at + 1) * 60 >= fragment.len() { 0x80 } else { 0 };
        [vec![chunk.len() as u8 + 1, marks | at as u8], chunk.to_vec()].concat()
    });
    chosen(2, &segments.collect::<Vec<_>>())
}

/// A frame without user data; `ends` are destination and source.
fn link_frame(control: u8, ends: [u8; 4]) -> Vec<u8> {
    let mut header = [&[0x05, 0x64, 0x05, control][..], &ends].concat();
    header.extend(checksum::dnp3(&header).to_le_bytes());
    header
}

/// A response with an object of every variation of a group.
fn group_seed(number: u8) -> Option<Seed> {
    let response = dnp3::response(0, [0, 0], &group_objects(number)?);
    Some((format!("fragment-group-{number}"), chosen(1, &response)))
}

/// An object of every variation of a group, where that is not its length.
fn group_objects(number: u8) -> Option<Vec<u8>> {
    let group = group(number)?;
    let variations = (1..=255).filter(|variation| group.variation(*variation).is_some());
    Some(variations.take(20).filter_map(|variation| object(number, variation)).flatten().collect())
}

/// The shortest object of zeros that the decoder takes, behind its header.
fn object(group: u8, variation: u8) -> Option<Vec<u8>> {
    let mut forms = (0..=LONGEST_OBJECT).flat_map(|len| {
        let zeros = vec![0; len.into()];
        [
            [vec![group, variation, 0x17, 1, 3], zeros.clone()].concat(),
            [vec![group, variation, 0x5b, 1, len, 0], zeros.clone()].concat(),
            [vec![group, variation, 0x07, 1], zeros].concat(),
        ]
    });
    forms.find(|form| is_whole(&dnp3::response(0, [0, 0], form)))
}

/// True for a fragment with one header and one object that is read.
fn is_whole(fragment: &[u8]) -> bool {
    let Some(fragment) = Fragment::parse(fragment).filter(|fragment| fragment.fault().is_none()) else { return false };
    let mut points = fragment.headers().flatten().flat_map(|header| header.points());
    points.next().is_some_and(|point| !matches!(point.value, Value::Octets(_) | Value::None)) && points.next().is_none()
}

/// What both sides say over a link, by subject.
pub(super) fn dialogues() -> [(&'static str, Vec<Said>); 4] {
    [("dnp3", said()), ("dnp3-link", link_dialogue()), ("dnp3-objects", objects()), ("dnp3-functions", functions())]
}

/// Requests with their responses.
pub(super) fn said() -> Vec<Said> {
    let (requests, responses) = (requests(), responses());
    let exchanges = [(0, 0), (2, 1), (6, 2), (7, 3)];
    exchanges.into_iter().flat_map(|(request, response)| turn(&requests[request], &responses[response])).collect()
}

/// A request and the response to it, in link frames.
fn turn(request: &[u8], response: &[u8]) -> [(Side, Vec<u8>); 2] {
    [(Side::Client, request), (Side::Server, response)]
        .map(|(from, fragment)| (from, dnp3::frames(LINK, from, 3, fragment).concat()))
}

/// Frames without user data, with every control octet, from either side.
fn link_dialogue() -> Vec<Said> {
    let frames = (0..=255).step_by(3).map(|control| {
        if control & 0x80 != 0 {
            (Side::Client, link_frame(control, [10, 0, 1, 0]))
        } else {
            (Side::Server, link_frame(control, [1, 0, 10, 0]))
        }
    });
    frames.collect()
}

/// Objects of every group, and controls with every status.
fn objects() -> Vec<Said> {
    let groups = (0..=255).filter_map(group_objects);
    let spelled = OBJECTS
        .iter()
        .map(|(group, variation, octets)| [&[*group, *variation, 0x5b, 1, octets.len() as u8, 0], *octets].concat());
    let reads = groups.chain(spelled).map(|objects| (dnp3::request(0, function::READ, &[60, 1, 6]), objects));
    let controls = (0..=20_u8).chain([126, 127]).map(|status| {
        let control = |status| dnp3::crob(3, status << 5 | status & 0x0f, status);
        (dnp3::request(0, function::DIRECT_OPERATE, &dnp3::crob(3, status << 5 | status & 0x0f, 0)), control(status))
    });
    reads.chain(controls).flat_map(|(request, objects)| turn(&request, &dnp3::response(0, [0, 0], &objects))).collect()
}

/// Group, variation and octets of objects that tell their size: file transfer, data sets, authentication, attributes.
const OBJECTS: [(u8, u8, &[u8]); 14] = [
    (70, 4, b"\x01\0\0\0\0\x10\0\0\0\x04\x07\0\0"),
    (70, 5, b"\x01\0\0\0\0\0\0\x80data"),
    (70, 7, b"\x14\0\x03\0\x01\0\0\x02\0\0\x01\x02\x03\x04\x05\x06\xff\x01\x09\0dir"),
    (85, 1, b"\x04\x01\0\0\x02\x07\x04\0\0pump"),
    (86, 1, b"\x05\x01\0\0\0\x01\x04\x05\x04\x08s"),
    (86, 2, b"\x1f"),
    (86, 3, b"\x05\x1e\x07\0\0\0"),
    (87, 1, b"\x02\0\x01\x06\x01\x02\x03\x04\x05\x06\0"),
    (88, 1, b"\x02\0\x01\x06\x01\x02\x03\x04\x05\x06\0"),
    (120, 1, b"\x01\0\0\0\x02\0\x04\x01rand"),
    (0, 240, b"\x04\x04\0\0\x80\x3f"),
    (0, 240, b"\x04\x08\0\0\0\0\0\0\xf0\x3f"),
    (0, 217, b"\x07\x06\x01\x02\x03\x04\x05\x06"),
    (0, 255, b"\xfe\x04\xf0\0\xf1\x01"),
];

/// Every function, those of authentication with each of its objects, those of files with the file's name.
fn functions() -> Vec<Said> {
    const OPEN: &[u8] =
        b"\x46\x03\x5b\x01\x1f\0\x1a\0\x05\0\x01\x02\x03\x04\x05\x06\xff\x01\0\0\0\0\0\x10\0\0\x02\0\0\x04\x07\0x.xml";
    const BLOCK: &[u8] = b"\x46\x05\x5b\x01\x0c\0\x01\0\0\0\0\0\0\x80data";
    const SHUT: &[u8] = b"\x46\x04\x5b\x01\x0d\0\x01\0\0\0\0\x10\0\0\0\x04\x07\0\0";
    const DONE: &[u8] = b"\x46\x06\x5b\x01\x09\0\x01\0\0\0\0\0\0\x80\0";
    let plain = (0..=34).map(|code| (code, Vec::new(), Vec::new()));
    let files = [(25, OPEN, SHUT), (2, BLOCK, DONE), (1, BLOCK, BLOCK), (26, SHUT, SHUT), (27, OPEN, SHUT)];
    let files = files.into_iter().map(|(code, asked, told)| (code, asked.to_vec(), told.to_vec()));
    let proofs = (1..=15).filter_map(|variation| object(120, variation));
    let proofs = proofs.flat_map(|proof| [(32, proof.clone(), Vec::new()), (33, proof, Vec::new())]);
    let select = dnp3::crob(3, 0x41, 0);
    let controls = [3, 4].map(|code| (code, select.clone(), select.clone()));
    let all = plain.chain(files).chain(proofs).chain(controls).chain([(1, vec![200, 1, 0x00, 3, 1], Vec::new())]);
    let said = all.enumerate().flat_map(|(at, (code, asked, told))| {
        let at = at as u8 & 0x0f;
        turn(&dnp3::request(at, code, &asked), &dnp3::response(at, [0, code & 7], &told))
    });
    said.collect()
}

fn requests() -> Vec<Vec<u8>> {
    let setpoints = [Setpoint::F32(12.5), Setpoint::F32(-1.0)];
    vec![
        dnp3::request(0, function::READ, &dnp3::ALL_CLASSES),
        dnp3::request(1, function::WRITE, &dnp3::CLEAR_RESTART),
        dnp3::request(2, function::SELECT, &dnp3::crob(3, dnp3::control::PULSE_ON_CLOSE, 0)),
        dnp3::request(3, function::DIRECT_OPERATE, &dnp3::analog_outputs(7, &setpoints, 0)),
        dnp3::request(4, function::READ, &[dnp3::range(30, 0, 0, 1000), dnp3::indices(1, 2, 5)].concat()),
        dnp3::request(5, function::DISABLE_UNSOLICITED, &dnp3::EVENT_CLASSES),
        dnp3::request(6, function::COLD_RESTART, &[]),
        dnp3::confirm_unsolicited(7),
    ]
}

fn responses() -> Vec<Vec<u8>> {
    let analogs: Vec<i32> = (0..80).map(|index| index * 1000 - 40_000).collect();
    let data = [dnp3::binary_inputs(0, &[true; 20]), dnp3::analog_inputs(0, &analogs)].concat();
    vec![
        dnp3::response(0, [0x80, 0x00], &data),
        dnp3::response(2, [0, 0], &dnp3::crob(3, dnp3::control::PULSE_ON_CLOSE, 4)),
        dnp3::response(6, [0, 0], &dnp3::time_delay(500)),
        dnp3::unsolicited(7, [0, 0], &dnp3::binary_event(2, true)),
        dnp3::response(4, [0, 0], &dnp3::short_analog_inputs(&[1, -2, 3])),
    ]
}
