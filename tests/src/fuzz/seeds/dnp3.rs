use tagout_core::dnp3::Fragment;
use tagout_core::dnp3::objects::{Value, group};

use super::{Seed, chosen, named};
use crate::generate::Side;
use crate::generate::dnp3::{self, Link, Setpoint, function};

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
        ("link-functions", chosen(0, &link_functions())),
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

/// Frames without user data, with every control octet.
fn link_functions() -> Vec<u8> {
    let frame = |control| {
        let mut header = vec![0x05, 0x64, 0x05, control, 10, 0, 1, 0];
        header.extend(crate::generate::checksum::dnp3(&header).to_le_bytes());
        header
    };
    (0..=255).step_by(3).flat_map(frame).collect()
}

/// A response with an object of every variation of a group.
fn group_seed(number: u8) -> Option<Seed> {
    let group = group(number)?;
    let variations = (1..=255).filter(|variation| group.variation(*variation).is_some());
    let objects: Vec<u8> = variations.take(20).filter_map(|variation| object(number, variation)).flatten().collect();
    Some((format!("fragment-group-{number}"), chosen(1, &dnp3::response(0, [0, 0], &objects))))
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

/// Requests with their responses.
pub(super) fn said() -> Vec<(Side, Vec<u8>)> {
    let (requests, responses) = (requests(), responses());
    let exchanges = [(0, 0), (2, 1), (6, 2), (7, 3)];
    let frames = |from, fragment: &[u8]| (from, dnp3::frames(LINK, from, 3, fragment).concat());
    let both = |(request, response): (usize, usize)| {
        [frames(Side::Client, &requests[request]), frames(Side::Server, &responses[response])]
    };
    exchanges.into_iter().flat_map(both).collect()
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
