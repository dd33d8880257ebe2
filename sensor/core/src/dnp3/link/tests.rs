extern crate std;

use std::vec;
use std::vec::Vec;

use proptest::collection::vec as any_vec;
use proptest::prelude::*;
use tagout_engine::AnomalyKind::{Dnp3DataCrc, Dnp3HeaderCrc, Dnp3Length, Dnp3StrayBytes};

use super::super::encode::{frame, header, request_frame};
use super::*;

fn damage(skip: usize, kind: AnomalyKind) -> Scan {
    Scan::Damaged { skip, kind }
}

fn user_data() -> impl Strategy<Value = Vec<u8>> {
    any_vec(any::<u8>(), 0..=MAX_USER_DATA)
}

/// Scans all of a stream that arrives in `chunk` octets at a time: the units and the kinds of damage.
fn scan_stream(stream: &[u8], chunk: usize) -> (Vec<Vec<u8>>, Vec<AnomalyKind>) {
    let (mut units, mut kinds) = (Vec::new(), Vec::new());
    let (mut start, mut need) = (0, 1);
    for end in (0..=stream.len()).step_by(chunk).chain([stream.len()]) {
        while start < end && end - start >= need {
            match scan(&stream[start..end]) {
                Scan::Unit { len } => {
                    units.push(stream[start..start + len].to_vec());
                    (start, need) = (start + len, 1);
                }
                Scan::Partial { need: more } => need = more,
                Scan::Damaged { skip, kind } => {
                    kinds.push(kind);
                    (start, need) = (start + skip, 1);
                }
            }
        }
    }
    (units, kinds)
}

#[test]
fn reads_the_textbook_reset_of_link_states() {
    let bytes = [0x05, 0x64, 0x05, 0xc0, 0x01, 0x00, 0x00, 0x04, 0xe9, 0x21];
    assert_eq!(scan(&bytes), Scan::Unit { len: 10 });
    let (header, data) = parse(&bytes).unwrap();
    assert_eq!(header, Header { control: Control(0xc0), destination: 1, source: 1024, user_len: 0 });
    assert!(header.control.dir() && header.control.resets() && !header.control.carries_segment());
    assert_eq!(header.control.function_name(), Some("RESET_LINK_STATES"));
    assert_eq!(data.blocks().count(), 0);
}

#[test]
fn tells_the_control_bits_by_direction_of_the_transaction() {
    assert!(Control(0x73).fcv() && Control(0x73).fcb() && !Control(0x73).dfc());
    assert!(Control(0x10).dfc() && !Control(0x10).fcv());
    assert_eq!(Control(0x0b).function_name(), Some("LINK_STATUS"));
    assert_eq!(Control(0x4b).function_name(), None);
    assert!(Control(0xe4).is_plain() && !Control(0xd4).is_plain() && !Control(0xf3).is_plain());
}

#[test]
fn tells_what_is_wrong_with_a_function() {
    let field = |control, user_len| {
        let header = Header { control: Control(control), destination: 10, source: 1, user_len };
        header.misuse().map(|finding| (finding.field, finding.found))
    };
    for (control, user_len) in [(0xc0, 0), (0xf2, 0), (0xd3, 9), (0xe4, 9), (0xc9, 0), (0x00, 0), (0x1b, 0)] {
        assert_eq!(field(control, user_len), None, "{control:#x}");
    }
    assert_eq!(field(0xc5, 0), Some(("function code", Term::Number(5))));
    assert_eq!(field(0x02, 0), Some(("function code", Term::Number(2))));
    assert_eq!(field(0xd4, 9), Some(("FCV", Term::Number(1))));
    assert_eq!(field(0xc3, 9), Some(("FCV", Term::Number(0))));
    assert_eq!(field(0xc9, 3), Some(("length", Term::Number(8))));
}

#[test]
fn a_length_below_five_is_no_frame() {
    let short = header(4, 0xc4, 10, 1);
    assert_eq!(scan(&short), damage(10, Dnp3Length));
    assert_eq!(scan(&[short, request_frame(&[1])].concat()), damage(10, Dnp3Length));
}

#[test]
fn a_damaged_unit_costs_itself_only() {
    let good = request_frame(&[0xc0, 0xc1, 0x01]);
    let mut bad_header = request_frame(&[0xaa; 40]);
    bad_header[4] ^= 1;
    let mut bad_data = request_frame(&[0xaa; 40]);
    bad_data[30] ^= 1;
    let stream = [&good[..], &bad_header, &good, &bad_data, &good, &[0x64], &good, &[0x05], &good].concat();
    let (units, kinds) = scan_stream(&stream, stream.len());
    assert_eq!(units, vec![good; 5]);
    assert_eq!(kinds, [Dnp3HeaderCrc, Dnp3DataCrc, Dnp3StrayBytes, Dnp3StrayBytes]);
}

#[test]
fn a_frame_hidden_in_a_damaged_one_is_found() {
    let hidden = request_frame(&[0xc0, 0xc1, 0x0d]);
    let mut cover = request_frame(&[0xaa; 100]);
    cover[40..40 + hidden.len()].copy_from_slice(&hidden);
    assert_eq!(scan_stream(&cover, cover.len()).0, [hidden]);
}

#[test]
fn a_frame_behind_one_that_was_cut_short_does_not_wait() {
    let good = request_frame(&[0xc0, 0xc1, 0x0d]);
    let cut = &request_frame(&[0xaa; 200])[..20];
    let (units, kinds) = scan_stream(&[cut, &good].concat(), 1);
    assert_eq!((units, kinds), (vec![good], vec![Dnp3DataCrc]));
}

#[test]
fn start_octets_without_end_are_passed_over_at_once() {
    let hostile = [0x05, 0x64].repeat(1 << 19);
    assert_eq!(scan(&hostile), damage(hostile.len() - 8, Dnp3HeaderCrc));
}

proptest! {
    #[test]
    fn keeps_its_contract_on_any_bytes(bytes in any_vec(prop_oneof![Just(0x05), Just(0x64), any::<u8>()], 0..400)) {
        match scan(&bytes) {
            Scan::Unit { len } => prop_assert!((1..=bytes.len()).contains(&len)),
            Scan::Partial { need } => prop_assert!(need > bytes.len() && need <= MAX_FRAME),
            Scan::Damaged { skip, .. } => prop_assert!((1..=bytes.len()).contains(&skip)),
        }
        let _ = parse(&bytes).map(|(_, data)| data.copy_to(&mut [0; MAX_USER_DATA]).len());
    }

    #[test]
    fn reads_what_was_written(
        control: u8, destination: u16, source: u16, data in user_data(), behind in any_vec(any::<u8>(), 0..20)
    ) {
        let bytes = frame(control, destination, source, &data);
        let stream = [&bytes[..], &behind].concat();
        prop_assert_eq!(scan(&stream), Scan::Unit { len: bytes.len() });
        let (header, read) = parse(&bytes).unwrap();
        prop_assert_eq!(header, Header { control: Control(control), destination, source, user_len: data.len() as u8 });
        let mut buffer = [0; MAX_USER_DATA];
        prop_assert_eq!(read.copy_to(&mut buffer), &data[..]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn finds_every_flipped_bit(data in user_data()) {
        let whole = request_frame(&data);
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let Scan::Damaged { skip, kind } = scan(&bytes) else { panic!("bit {bit} unnoticed") };
            prop_assert!(skip >= 1);
            prop_assert_eq!(kind, match bit / 8 { 0 | 1 => Dnp3StrayBytes, 2..10 => Dnp3HeaderCrc, _ => Dnp3DataCrc });
        }
    }

    #[test]
    fn never_takes_a_part_for_the_whole(data in user_data()) {
        let whole = request_frame(&data);
        for len in 0..whole.len() {
            let Scan::Partial { need } = scan(&whole[..len]) else { panic!("{len} octets taken for whole") };
            prop_assert!(need > len && need <= whole.len());
        }
    }

    #[test]
    fn finds_every_frame_however_the_stream_arrives(
        parts in any_vec((any_vec(any::<u8>(), 0..30), user_data()), 1..5), chunk in 1_usize..400
    ) {
        let frames: Vec<Vec<u8>> = parts.iter().map(|(_, data)| request_frame(data)).collect();
        let stream: Vec<u8> = parts.iter().zip(&frames).flat_map(|((junk, _), frame)| [&junk[..], frame].concat()).collect();
        prop_assert_eq!(scan_stream(&stream, chunk).0, frames);
    }
}
