//! Objects with fields of their own: files, authentication, data sets, devices.

use std::string::String;

use super::super::encode::{SIZE_QUALIFIERS, objects, response};
use super::super::objects::*;
use super::*;

/// An object, and what it says; data sets and activations, which are lists, are told by tests of their own.
pub(super) struct Case {
    pub(super) group: u8,
    pub(super) variation: u8,
    octets: &'static str,
    value: Option<Value<'static>>,
}

impl Case {
    /// Hexadecimal words, and visible ones behind an apostrophe.
    pub(super) fn octets(&self) -> Vec<u8> {
        let word = |word: &str| match word.strip_prefix('\'') {
            Some(text) => text.as_bytes().to_vec(),
            None => (0..word.len()).step_by(2).map(|at| u8::from_str_radix(&word[at..at + 2], 16).unwrap()).collect(),
        };
        self.octets.split_whitespace().flat_map(word).collect()
    }
}

const fn file(variation: u8, octets: &'static str, object: FileObject<'static>) -> Case {
    Case { group: 70, variation, octets, value: Some(Value::File(object)) }
}

const fn auth(variation: u8, octets: &'static str, object: AuthObject<'static>) -> Case {
    Case { group: 120, variation, octets, value: Some(Value::Auth(object)) }
}

const fn device(group: u8, variation: u8, octets: &'static str, object: DeviceObject<'static>) -> Case {
    Case { group, variation, octets, value: Some(Value::Device(object)) }
}

const fn list(group: u8, variation: u8, octets: &'static str) -> Case {
    Case { group, variation, octets, value: None }
}

const CREATED_MS: u64 = 0x0605_0403_0201;

pub(super) const CASES: &[Case] = &[
    file(
        1,
        "0300 01 02 0400 0500 78563412 010203040506 b401 07000000 08000000 09000000 0a 03 'a.b 'rest",
        FileObject::Identifier {
            name: b"a.b",
            file_type: 1,
            attributes: 2,
            records: [4, 5],
            size: 0x1234_5678,
            created_ms: CREATED_MS,
            permissions: Permissions(0o664),
            id: 7,
            owner: [8, 9],
            function: 10,
            status: FileStatus::FILE_NOT_FOUND,
            data: b"rest",
        },
    ),
    file(
        2,
        "0c00 0500 1100 0600 01000000 'guest 'secret",
        FileObject::Authentication { user_name: b"guest", password_octets: 6, key: 1 },
    ),
    file(
        2,
        "0000 0000 0000 0000 efbeadde",
        FileObject::Authentication { user_name: b"", password_octets: 0, key: 0xdead_beef },
    ),
    file(
        3,
        "1a00 0500 010203040506 ff01 04030201 00100000 0200 0004 0700 'x.xml",
        FileObject::Command {
            name: b"x.xml",
            created_ms: CREATED_MS,
            permissions: Permissions(0o777),
            key: 0x0102_0304,
            size: 4096,
            mode: FileMode::WRITE,
            max_block_size: 1024,
            request_id: 7,
        },
    ),
    file(
        4,
        "78563412 00100000 0004 0700 10 'shut",
        FileObject::CommandStatus {
            handle: 0x1234_5678,
            size: 4096,
            max_block_size: 1024,
            request_id: 7,
            status: FileStatus::NOT_OPENED,
            text: b"shut",
        },
    ),
    file(
        5,
        "78563412 03000080 'data",
        FileObject::Transport { handle: 0x1234_5678, block: 3, last: true, data: b"data" },
    ),
    file(5, "01000000 ffffff7f", FileObject::Transport { handle: 1, block: 0x7fff_ffff, last: false, data: b"" }),
    file(
        6,
        "78563412 03000000 14 'twice",
        FileObject::TransportStatus {
            handle: 0x1234_5678,
            block: 3,
            last: false,
            status: FileStatus::BLOCK_SEQUENCE,
            text: b"twice",
        },
    ),
    file(
        7,
        "1400 0300 0100 00020000 010203040506 2401 0900 'dir",
        FileObject::Descriptor {
            name: b"dir",
            file_type: FileType::SIMPLE_FILE,
            size: 512,
            created_ms: CREATED_MS,
            permissions: Permissions(0o444),
            request_id: 9,
        },
    ),
    file(8, "'a/b", FileObject::Specification { name: b"a/b" }),
    auth(
        1,
        "03000000 0100 04 01 'random",
        AuthObject::Challenge {
            sequence: 3,
            user: 1,
            mac_algorithm: MacAlgorithm::HMAC_SHA_256_16,
            reason: ChallengeReason::CRITICAL,
            challenge: b"random",
        },
    ),
    auth(2, "03000000 0100 'proof", AuthObject::Reply { sequence: 3, user: 1, mac: b"proof" }),
    auth(3, "03000000 0200", AuthObject::AggressiveModeRequest { sequence: 3, user: 2 }),
    auth(4, "0200", AuthObject::KeyStatusRequest { user: 2 }),
    auth(
        5,
        "05000000 0200 02 03 06 0400 'rand 'proof",
        AuthObject::KeyStatus {
            sequence: 5,
            user: 2,
            key_wrap_algorithm: KeyWrapAlgorithm::AES_256,
            key_status: KeyStatus::COMM_FAIL,
            mac_algorithm: MacAlgorithm::AES_GMAC_12,
            challenge: b"rand",
            mac: b"proof",
        },
    ),
    auth(6, "05000000 0200 'keys", AuthObject::KeyChange { sequence: 5, user: 2, wrapped_keys: b"keys" }),
    auth(
        7,
        "05000000 0200 0100 0b 010203040506 'who",
        AuthObject::Error {
            sequence: 5,
            user: 2,
            association: 1,
            code: AuthError::UNKNOWN_USER,
            time_ms: CREATED_MS,
            text: b"who",
        },
    ),
    auth(
        8,
        "43 01 'cert",
        AuthObject::Certificate {
            method: KeyChangeMethod::RSA_1024_DSA_SHA_1_SHA_1_HMAC,
            certificate_type: CertificateType::ID_CERTIFICATE,
            certificate: b"cert",
        },
    ),
    auth(9, "'proof", AuthObject::Mac { mac: b"proof" }),
    auth(
        10,
        "04 01 09000000 0100 6d01 0300 0200 0400 'ann 'pk 'sign",
        AuthObject::UserStatusChange {
            method: KeyChangeMethod::AES_256_SHA_256_HMAC,
            operation: UserOperation::ADD,
            sequence: 9,
            role: UserRole::OPERATOR,
            role_expiry_days: 365,
            user_name: b"ann",
            public_key: b"pk",
            certification: b"sign",
        },
    ),
    auth(
        11,
        "03 0300 0400 'ann 'rand",
        AuthObject::UpdateKeyChangeRequest {
            method: KeyChangeMethod::AES_128_SHA_1_HMAC,
            user_name: b"ann",
            challenge: b"rand",
        },
    ),
    auth(12, "05000000 0200 0400 'rand", AuthObject::UpdateKeyChangeReply { sequence: 5, user: 2, challenge: b"rand" }),
    auth(13, "05000000 0200 0300 'key", AuthObject::UpdateKeyChange { sequence: 5, user: 2, encrypted_key: b"key" }),
    auth(14, "'sign", AuthObject::UpdateKeyChangeSignature { signature: b"sign" }),
    auth(15, "'proof", AuthObject::UpdateKeyChangeConfirmation { mac: b"proof" }),
    device(81, 1, "b2 20 02", DeviceObject::Storage { fill_percent: 50, overflow: true, group: 32, variation: 2 }),
    device(
        82,
        1,
        "0700000001000000 0100 1e020006",
        DeviceObject::Profile { functions: 0x1_0000_0007, count: 1, headers: &[30, 2, 0, 6] },
    ),
    device(83, 1, "'ACME 0700 0300 'abc", DeviceObject::Private { vendor: *b"ACME", object: 7, data: b"abc" }),
    device(
        83,
        2,
        "'ACME 0700 0100 02001e01",
        DeviceObject::PrivateDescriptor { vendor: *b"ACME", object: 7, count: 1, specifications: &[2, 0, 30, 1] },
    ),
    Case {
        group: 86,
        variation: 2,
        octets: "13",
        value: Some(Value::DataSet(DataSet::Characteristics(Characteristics(0x13)))),
    },
    Case { group: 90, variation: 1, octets: "'pump", value: Some(Value::Text(b"pump")) },
    list(85, 1, PROTOTYPE),
    list(86, 1, DESCRIPTOR),
    list(86, 3, "02 1e 07 05 01 00010000"),
    list(87, 1, VALUES),
    list(88, 1, VALUES),
    list(91, 1, "e8030000 02 01 00 04 02 'bad"),
];

const PROTOTYPE: &str = "04 01 00 00 02 13 02 00 00 '0123456789abcdef 07 03 00 00 'here 07 04 00 00 'pump";
const DESCRIPTOR: &str = "05 01 00 00 0001 15 06 00 00 '0123456789abcdef 'pu 08 05 04 08 'speed 04 07 02 01 'c";
const VALUES: &str = "02 0001 06 010203040506 04 0000803f 00";

fn decoded(group: u8, variation: u8, octets: &[u8]) -> Value<'static> {
    let fragment = response([0, 0], &objects(group, variation, 0x5b, 0, &[octets.to_vec()])).leak();
    headers_of(fragment)[0].points().next().unwrap().value
}

fn headers_of(fragment: &[u8]) -> Vec<ObjectHeader<'_>> {
    Fragment::parse(fragment).unwrap().headers().flatten().collect()
}

fn data_set(group: u8, variation: u8) -> DataSet<'static> {
    let case = CASES.iter().find(|case| (case.group, case.variation) == (group, variation)).unwrap();
    let Value::DataSet(object) = decoded(group, variation, &case.octets()) else { unreachable!() };
    object
}

#[test]
fn there_is_a_case_for_every_composite_object() {
    for (group, formats) in library::LIBRARY {
        for (variation, _) in (1..).zip(*formats).filter(|(_, format)| **format == "sized") {
            let told = CASES.iter().any(|case| (case.group, case.variation) == (*group, variation));
            assert!(told, "g{group}v{variation}");
        }
    }
}

#[test]
fn reads_every_field() {
    for case in CASES {
        for qualifier in SIZE_QUALIFIERS {
            let bytes = response([0, 0], &objects(case.group, case.variation, qualifier, 0, &[case.octets()]));
            let point = only_point(&bytes);
            assert_eq!(point.octets, case.octets());
            if let Some(value) = case.value {
                assert_eq!(point.value, value, "g{}v{}", case.group, case.variation);
            }
        }
    }
}

#[test]
fn objects_of_fixed_size_need_no_size_prefix() {
    for case in CASES.iter().filter(|case| matches!((case.group, case.variation), (81, 1) | (86, 2) | (120, 3 | 4))) {
        let bytes = response([0, 0], &objects(case.group, case.variation, 0x07, 0, &[case.octets()]));
        assert_eq!(Some(only_point(&bytes).value), case.value);
    }
    let bytes = response([0, 0], &objects(70, 5, 0x07, 0, &[vec![0; 8]]));
    let fault = Fragment::parse(&bytes).unwrap().fault().unwrap();
    assert_eq!((fault.kind, fault.field, fault.found), (FaultKind::UnknownObject, "variation", Some(5)));
}

#[test]
fn a_truncated_object_never_says_the_same() {
    for case in CASES.iter().filter(|case| case.value.is_some()) {
        let octets = case.octets();
        for len in 0..octets.len() {
            assert_ne!(Some(decoded(case.group, case.variation, &octets[..len])), case.value);
        }
    }
}

/// A field, its offset in the object, the octets that it needs and those that are there.
type Misfit = (&'static str, usize, u32, u32);

/// Group, variation, octets, and what is wrong with them.
const MISFITS: &[(u8, u8, &str, Misfit)] = &[
    (70, 2, "0c00 0100 0d00 0500 00000000 'u 'word", ("password", 13, 5, 4)),
    (70, 3, "1a00 0600 000000000000 0000 00000000 00000000 0100 0004 0700 'x.xml", ("file name", 26, 6, 5)),
    (70, 3, "ffff 0100 000000000000 0000 00000000 00000000 0100 0004 0700 'x.xml", ("file name", 31, 1, 0)),
    (70, 4, "78563412 00100000 0004 0700", ("status", 12, 1, 0)),
    (81, 1, "b2 20 02 00", ("object size", 3, 3, 4)),
    (83, 1, "'ACME 0700 0400 'abc", ("data objects", 8, 4, 3)),
    (85, 1, "02 01 00", ("element length", 0, 3, 2)),
    (86, 1, "03 01 00 00 05 04 00 00 'a", ("element", 5, 5, 4)),
    (86, 3, "06 01 0000000000", ("element length", 0, 5, 6)),
    (87, 1, "01 07 06 0102", ("element", 3, 6, 2)),
    (91, 1, "00000000 01 00", ("element length", 5, 1, 0)),
    (120, 3, "03000000 0200 00", ("object size", 6, 6, 7)),
    (120, 5, "05000000 0200 02 03 06 0400 'ran", ("challenge data", 11, 4, 3)),
    (120, 12, "05000000 0200 0400 'rands", ("object size", 12, 12, 13)),
    (0, 252, "04 03 000000", ("attribute length", 1, 4, 3)),
    (0, 252, "01 04 'abc", ("attribute length", 1, 4, 3)),
    (0, 252, "", ("attribute length", 0, 2, 0)),
];

#[test]
fn a_field_that_does_not_fit_is_told() {
    const BEFORE_OBJECT: usize = 4 + 4 + 2;
    for (group, variation, octets, (field, offset, expected, found)) in MISFITS {
        let octets = list(*group, *variation, octets).octets();
        let bytes = response([0, 0], &objects(*group, *variation, 0x5b, 0, core::slice::from_ref(&octets)));
        let fault = Fragment::parse(&bytes).unwrap().fault().unwrap();
        let told = (fault.kind, fault.field, fault.offset - BEFORE_OBJECT, fault.expected, fault.found);
        assert_eq!(told, (FaultKind::ObjectMalformed, *field, *offset, Some(*expected), Some(*found)));
        let value = headers_of(&bytes)[0].points().next().unwrap().value;
        assert_eq!(value, Value::Octets(&octets));
    }
}

#[test]
fn walks_descriptors_of_data_sets() {
    let told = |descriptors: Descriptors<'static>| -> Vec<(&str, &str, u8, String)> {
        let text = |octets| String::from_utf8_lossy(octets).into_owned();
        descriptors
            .map(|it| (it.code.name().unwrap(), it.data_type.name().unwrap(), it.max_octets, text(it.ancillary)))
            .collect()
    };
    let DataSet::Prototype(prototype) = data_set(85, 1) else { unreachable!() };
    assert_eq!(prototype.clone().find_map(|element| element.id()), Some(2));
    let expected = [
        ("ID", "NONE", 0, "\u{2}"),
        ("UUID", "NONE", 0, "0123456789abcdef"),
        ("NSPC", "NONE", 0, "here"),
        ("NAME", "NONE", 0, "pump"),
    ];
    assert_eq!(told(prototype), expected.map(|(code, kind, max, text)| (code, kind, max, text.into())));
    let DataSet::Descriptor(descriptor) = data_set(86, 1) else { unreachable!() };
    assert_eq!(descriptor.clone().find_map(|element| element.id()), Some(256));
    let expected = [
        ("ID", "NONE", 0, "\0\u{1}"),
        ("PTYP", "NONE", 0, "0123456789abcdefpu"),
        ("DAEL", "FLT", 8, "speed"),
        ("CTLV", "UINT", 1, "c"),
    ];
    assert_eq!(told(descriptor), expected.map(|(code, kind, max, text)| (code, kind, max, text.into())));
}

#[test]
fn walks_values_and_points_of_data_sets() {
    let DataSet::Values(values) = data_set(87, 1) else { unreachable!() };
    assert_eq!(data_set(88, 1), DataSet::Snapshot(values));
    assert_eq!((values.id(), values.time_ms()), (Some(256), Some(CREATED_MS)));
    let elements: Vec<&[u8]> = values.collect();
    assert_eq!(elements, [&[0, 1][..], &[1, 2, 3, 4, 5, 6], &[0, 0, 0x80, 0x3f], &[]]);
    let DataSet::PointIndexes(points) = data_set(86, 3) else { unreachable!() };
    let points: Vec<PointIndex> = points.collect();
    assert_eq!(points, [PointIndex { group: 30, index: 7 }, PointIndex { group: 1, index: 256 }]);
    let DataSet::Characteristics(bits) = data_set(86, 2) else { unreachable!() };
    assert_eq!(bits.names().collect::<Vec<_>>(), ["READABLE", "WRITABLE", "DEFINED_BY_MASTER"]);
}

#[test]
fn walks_answers_to_an_activation() {
    let octets = CASES.iter().find(|case| case.group == 91).unwrap().octets();
    let Value::Device(DeviceObject::Activation { delay_ms, statuses }) = decoded(91, 1, &octets) else {
        unreachable!()
    };
    let answers: Vec<(Option<&str>, &[u8])> = statuses.map(|answer| (answer.status.name(), answer.text)).collect();
    assert_eq!((delay_ms, answers), (1000, vec![(Some("SUCCESS"), &[][..]), (Some("DATA_ERROR"), b"bad")]));
}

#[test]
fn names_permissions_and_statistics() {
    let names: Vec<&str> = Permissions(0o421).names().collect();
    assert_eq!(names, ["WORLD_EXECUTE", "GROUP_WRITE", "OWNER_READ"]);
    assert_eq!(security_statistic(2), Some("authentication failures"));
    assert_eq!(security_statistic(18), None);
    assert_eq!((FileStatus(200).name(), FileMode::APPEND.name()), (None, Some("APPEND")));
}
