//! What the encoder writes is what the parsers read, and nothing less.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate std;

use proptest::collection::vec;
use proptest::prelude::*;
use std::vec::Vec;
use tagout_engine::{Action, Space, Values};

use super::encode::{self, SubRequest};
use super::*;

const TABLES: [Space; 4] = [Space::Coil, Space::DiscreteInput, Space::HoldingRegister, Space::InputRegister];
/// Every sub-function that the specification names but Return Query Data: one word follows.
const ONE_WORD: [u16; 14] = [1, 2, 3, 4, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20];

fn sub_requests(writes: bool) -> impl Strategy<Value = Vec<SubRequest>> {
    let lengths = if writes { 0..=12 } else { 0..=10_000_usize };
    let sub_request = (any::<u16>(), 0..10_000_u16, lengths).prop_perturb(move |(file, record, length), mut random| {
        let data = (0..if writes { length } else { 0 }).map(|_| random.random()).collect();
        (file, record, u16::try_from(length).unwrap(), data)
    });
    vec(sub_request, 1..=8).prop_filter("a write of something", move |all| {
        !writes || all.len() > 1 || all.iter().any(|sub_request| sub_request.2 > 0)
    })
}

fn objects() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    vec((any::<u8>(), vec(any::<u8>(), 0..20)), 0..8)
}

fn files(sub_requests: &[SubRequest]) -> Vec<(u8, u16, u16, u16, Vec<u8>)> {
    let expected = |(file, record, length, data): &SubRequest| (6, *file, *record, *length, encode::registers(data));
    sub_requests.iter().map(expected).collect()
}

fn read_files(records: FileRecords<'_>) -> Vec<(u8, u16, u16, u16, Vec<u8>)> {
    records.map(|one| (one.reference_type, one.file, one.record, one.length, one.data.to_vec())).collect()
}

proptest! {
    #[test]
    fn reads(function in 1..=4_u8, address: u16, quantity in 1..=125_u16) {
        let table = TABLES[usize::from(function) - 1];
        let pdu = encode::words(function, &[address, quantity]);
        prop_assert_eq!(Request::parse(&pdu), Ok(Request::Read { table, address, quantity }));
    }

    #[test]
    fn bits_read(function in 1..=2_u8, bits in vec(any::<bool>(), 1..=2000)) {
        let octets = encode::bits(&bits);
        let pdu = encode::counted(function, &[], &octets);
        let table = TABLES[usize::from(function) - 1];
        prop_assert_eq!(Response::parse(&pdu), Ok(Response::Values { table, values: Values::Bits(&octets) }));
    }

    #[test]
    fn registers_read(function in prop_oneof![3..=4_u8, Just(23)], registers in vec(any::<u16>(), 1..=125)) {
        let octets = encode::registers(&registers);
        let pdu = encode::counted(function, &[], &octets);
        let table = if function == 4 { Space::InputRegister } else { Space::HoldingRegister };
        prop_assert_eq!(Response::parse(&pdu), Ok(Response::Values { table, values: Values::Registers(&octets) }));
    }

    #[test]
    fn single_writes(address: u16, on: bool, value: u16) {
        let coil = encode::words(5, &[address, if on { 0xFF00 } else { 0 }]);
        let values = Values::Bits(if on { &[1] } else { &[0] });
        prop_assert_eq!(Request::parse(&coil), Ok(Request::Write { table: Space::Coil, address, quantity: 1, values }));
        let register = encode::words(6, &[address, value]);
        let octets = value.to_be_bytes();
        let values = Values::Registers(&octets);
        let table = Space::HoldingRegister;
        prop_assert_eq!(Request::parse(&register), Ok(Request::Write { table, address, quantity: 1, values }));
        prop_assert_eq!(Response::parse(&register), Ok(Response::Written { address, echo: value }));
    }

    #[test]
    fn many_coils_written(address: u16, bits in vec(any::<bool>(), 1..=1968)) {
        let (quantity, octets) = (u16::try_from(bits.len()).unwrap(), encode::bits(&bits));
        let pdu = encode::counted(15, &[address, quantity], &octets);
        let values = Values::Bits(&octets);
        prop_assert_eq!(Request::parse(&pdu), Ok(Request::Write { table: Space::Coil, address, quantity, values }));
        let answer = encode::words(15, &[address, quantity]);
        prop_assert_eq!(Response::parse(&answer), Ok(Response::Written { address, echo: quantity }));
        prop_assert_eq!(contradiction(&pdu, &answer), None);
    }

    #[test]
    fn many_registers_written(address: u16, registers in vec(any::<u16>(), 1..=123)) {
        let (quantity, octets) = (u16::try_from(registers.len()).unwrap(), encode::registers(&registers));
        let pdu = encode::counted(16, &[address, quantity], &octets);
        let (table, values) = (Space::HoldingRegister, Values::Registers(&octets));
        prop_assert_eq!(Request::parse(&pdu), Ok(Request::Write { table, address, quantity, values }));
    }

    #[test]
    fn mask_writes(address: u16, and_mask: u16, or_mask: u16) {
        let pdu = encode::words(22, &[address, and_mask, or_mask]);
        prop_assert_eq!(Request::parse(&pdu), Ok(Request::MaskWrite { address, and_mask, or_mask }));
        prop_assert_eq!(Response::parse(&pdu), Ok(Response::MaskWritten { address, and_mask, or_mask }));
    }

    #[test]
    fn read_writes(
        read_address: u16, read_quantity in 1..=125_u16, write_address: u16, registers in vec(any::<u16>(), 1..=121),
    ) {
        let pdu = encode::read_write(read_address, read_quantity, write_address, &registers);
        let (write_quantity, octets) = (u16::try_from(registers.len()).unwrap(), encode::registers(&registers));
        let values = Values::Registers(&octets);
        let read_write = Request::ReadWrite { read_address, read_quantity, write_address, write_quantity, values };
        prop_assert_eq!(Request::parse(&pdu), Ok(read_write));
    }

    #[test]
    fn states(status: u16, events: u16, messages: u16, log in vec(any::<u8>(), 0..=64)) {
        for function in [7, 11, 12, 17] {
            let pdu = [function];
            prop_assert_eq!(Request::parse(&pdu), Ok(Request::Enquiry { function }));
        }
        let outputs = [7, status as u8];
        prop_assert_eq!(Response::parse(&outputs), Ok(Response::ExceptionStatus { status: outputs[1] }));
        let counter = encode::words(11, &[status, events]);
        prop_assert_eq!(Response::parse(&counter), Ok(Response::EventCounter { status, events }));
        let content = [encode::registers(&[status, events, messages]), log.clone()].concat();
        let pdu = encode::counted(12, &[], &content);
        prop_assert_eq!(Response::parse(&pdu), Ok(Response::EventLog { status, events, messages, log: &log }));
        let id = encode::counted(17, &[], &log);
        prop_assert_eq!(Response::parse(&id), Ok(Response::ServerId(ServerId(&log))));
    }

    #[test]
    fn diagnostics(sub_function in any::<u16>(), data in vec(any::<u8>(), 2)) {
        let pdu = encode::diagnostic(sub_function, &data);
        prop_assert_eq!(Request::parse(&pdu), Ok(Request::Diagnostic { sub_function, data: &data }));
        prop_assert_eq!(Response::parse(&pdu), Ok(Response::Diagnostic { sub_function, data: &data }));
        prop_assert_eq!(contradiction(&pdu, &pdu), None);
    }

    #[test]
    fn files_read(sub_requests in sub_requests(false), contents in vec(vec(any::<u16>(), 0..=12), 1..=8)) {
        let pdu = encode::file_records(20, &sub_requests);
        let Ok(Request::ReadFile(records)) = Request::parse(&pdu) else { return Err(TestCaseError::fail("a read")) };
        prop_assert_eq!(read_files(records), files(&sub_requests));
        let answer = encode::file_contents(&contents);
        let Ok(Response::FileContents(found)) = Response::parse(&answer) else {
            return Err(TestCaseError::fail("its answer"))
        };
        let found: Vec<_> = found.map(|one| (one.reference_type, one.data.to_vec())).collect();
        let expected: Vec<_> = contents.iter().map(|registers| (6, encode::registers(registers))).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn files_written(sub_requests in sub_requests(true)) {
        let pdu = encode::file_records(21, &sub_requests);
        let Ok(Request::WriteFile(records)) = Request::parse(&pdu) else { return Err(TestCaseError::fail("a write")) };
        prop_assert_eq!(read_files(records), files(&sub_requests));
        prop_assert_eq!(Response::parse(&pdu), Ok(Response::FileWritten(records)));
        prop_assert_eq!(contradiction(&pdu, &pdu), None);
    }

    #[test]
    fn queues(address: u16, registers in vec(any::<u16>(), 0..=31)) {
        let (request, response) = (encode::words(24, &[address]), encode::fifo(&registers));
        prop_assert_eq!(Request::parse(&request), Ok(Request::ReadFifo { address }));
        let octets = encode::registers(&registers);
        let values = Values::Registers(&octets);
        prop_assert_eq!(Response::parse(&response), Ok(Response::Fifo { count: registers.len() as u16, values }));
    }

    #[test]
    fn identifications(code in 1..=4_u8, object: u8, more_follows: bool, objects in objects()) {
        let request = [43, 14, code, object];
        prop_assert_eq!(Request::parse(&request), Ok(Request::ReadIdentification { code, object }));
        let pdu = encode::identification(code, more_follows, &objects);
        let Ok(Response::Identification(found)) = Response::parse(&pdu) else {
            return Err(TestCaseError::fail("an identification"))
        };
        let expected = (code, 0x83, more_follows, if more_follows { 3 } else { 0 }, objects.len());
        let header = (found.code, found.conformity, found.more_follows, found.next_object, usize::from(found.count));
        prop_assert_eq!(header, expected);
        let found: Vec<_> = found.objects.map(|object| (object.id, object.value.to_vec())).collect();
        prop_assert_eq!(found, objects);
    }

    #[test]
    fn whatever_others_define(
        mei in (0..=255_u8).prop_filter("an interface", |mei| *mei != 14),
        function in prop_oneof![Just(0), 9..=10_u8, 65..=72_u8, 100..=110_u8, 125..=127_u8],
        session: u8, code: u8, data in vec(any::<u8>(), 0..40),
    ) {
        let encapsulated = encode::opaque(&[43, mei], &data);
        prop_assert_eq!(Request::parse(&encapsulated), Ok(Request::Encapsulated { mei, data: &data }));
        prop_assert_eq!(Response::parse(&encapsulated), Ok(Response::Encapsulated { mei, data: &data }));
        let umas = encode::opaque(&[90, session, code], &data);
        prop_assert_eq!(Request::parse(&umas), Ok(Request::Umas { session, function: code, data: &data }));
        prop_assert_eq!(Response::parse(&umas), Ok(Response::Umas { session, result: code, data: &data }));
        let other = encode::opaque(&[function], &data);
        prop_assert_eq!(Request::parse(&other), Ok(Request::Other { function, data: &data }));
        prop_assert_eq!(Response::parse(&other), Ok(Response::Other { function, data: &data }));
    }

    #[test]
    fn anything_is_read_without_panic(request: Vec<u8>, response: Vec<u8>) {
        read_everything(&request, &response);
    }
}

/// A PDU of every function whose length its fields tell, as a request and as a response.
fn sample() -> Vec<(Direction, Vec<u8>)> {
    let records: [SubRequest; 2] = [(4, 1, 2, Vec::new()), (3, 9, 1, Vec::new())];
    let written: [SubRequest; 2] = [(4, 7, 3, [1, 2, 3].to_vec()), (3, 9, 1, [7].to_vec())];
    let objects = [(0, b"Maker".to_vec()), (1, b"PLC".to_vec()), (0x80, [0, 1].to_vec())];
    let requests =
        (1..=6).map(|function| encode::words(function, &[7, if function == 5 { 0xFF00 } else { 2 }])).chain([
            [7].to_vec(),
            [11].to_vec(),
            [12].to_vec(),
            [17].to_vec(),
            encode::counted(15, &[7, 10], &[0xFF, 3]),
            encode::counted(16, &[7, 2], &[0, 1, 0, 2]),
            encode::file_records(20, &records),
            encode::file_records(21, &written),
            encode::words(22, &[4, 0xF2, 0x25]),
            encode::read_write(3, 6, 14, &[255, 254]),
            encode::words(24, &[0x4DE]),
            [43, 14, 1, 0].to_vec(),
        ]);
    let responses = (5..=6).map(|function| encode::words(function, &[7, 0])).chain([
        encode::counted(1, &[], &[0xFF, 3]),
        encode::counted(2, &[], &[0xFF, 3]),
        encode::counted(3, &[], &[0, 1, 0, 2]),
        encode::counted(4, &[], &[0, 1, 0, 2]),
        [7, 0x6D].to_vec(),
        encode::words(11, &[0xFFFF, 0x108]),
        encode::counted(12, &[], &[0, 0, 1, 8, 1, 0x21, 0x20, 0]),
        encode::words(15, &[7, 10]),
        encode::words(16, &[7, 2]),
        encode::counted(17, &[], &[10, 0xFF, 1]),
        encode::file_contents(&[[1, 2].to_vec(), [3].to_vec()]),
        encode::file_records(21, &written),
        encode::words(22, &[4, 0xF2, 0x25]),
        encode::counted(23, &[], &[0, 1, 0, 2]),
        encode::fifo(&[440, 4740]),
        encode::identification(1, true, &objects),
        [0x83, 2].to_vec(),
    ]);
    let diagnostics = ONE_WORD.map(|sub_function| encode::diagnostic(sub_function, &[0xFF, 0]));
    let requests = requests.chain(diagnostics.clone()).map(|pdu| (Direction::Request, pdu));
    requests.chain(responses.chain(diagnostics).map(|pdu| (Direction::Response, pdu))).collect()
}

/// PDUs whose end only their framing tells.
fn open() -> Vec<Vec<u8>> {
    let user = (65..=72).chain(100..=110).map(|function| encode::opaque(&[function], &[1, 2, 3]));
    let others = [
        encode::diagnostic(0, &[0xA5, 0x37, 1, 2]),
        encode::diagnostic(21, &[0, 4]),
        encode::opaque(&[43, 13], &[1, 2, 3]),
        encode::opaque(&[90, 0, 0x10], &[0x43, 0x4C, 0, 0, 4, b'U', b'S', b'E', b'R']),
        encode::opaque(&[90, 1, 0xFE], &[1]),
    ];
    user.chain(others).collect()
}

fn is_whole(direction: Direction, pdu: &[u8]) -> bool {
    match direction {
        Direction::Request => Request::fault(pdu).is_none(),
        Direction::Response => Response::fault(pdu).is_none(),
    }
}

/// Reads everything that there is to read of a request and a response.
fn read_everything(request: &[u8], response: &[u8]) {
    let parsed = Request::parse(request);
    for action in Action::ALL {
        parsed.into_iter().flat_map(|request| request.touches(*action)).for_each(drop);
    }
    if let Ok(Request::ReadFile(records) | Request::WriteFile(records)) = parsed {
        assert!(records.count() < request.len());
    }
    match Response::parse(response) {
        Ok(Response::Identification(found)) => assert_eq!(found.objects.count(), usize::from(found.count)),
        Ok(Response::FileContents(found)) => assert!(found.count() * 2 < response.len()),
        _ => {}
    }
    let _ = (action(request), contradiction(request, response), Response::fault(response));
}

#[test]
fn every_function_is_read() {
    for (direction, pdu) in sample() {
        assert!(is_whole(direction, &pdu), "{direction:?} {pdu:02x?}");
    }
    assert!(open().iter().all(|pdu| Request::parse(pdu).is_ok() && Response::parse(pdu).is_ok()));
}

#[test]
fn every_truncation_and_every_addition_is_found() {
    for (direction, pdu) in sample() {
        for len in 0..pdu.len() {
            assert!(!is_whole(direction, &pdu[..len]), "{len} octets of {pdu:02x?}");
        }
        let longer = [&pdu[..], &[0]].concat();
        assert!(!is_whole(direction, &longer), "{longer:02x?}");
    }
}

#[test]
fn every_flipped_bit_is_read_without_panic() {
    let pdus: Vec<Vec<u8>> = sample().into_iter().map(|(_, pdu)| pdu).chain(open()).collect();
    for pdu in &pdus {
        for bit in 0..pdu.len() * 8 {
            let mut flipped = pdu.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            read_everything(&flipped, &flipped);
            read_everything(pdu, &flipped);
            read_everything(&flipped, pdu);
        }
    }
}
