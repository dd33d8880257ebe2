//! The table itself: groups in ascending order, and their variations.

use tagout_engine::Space;

use super::Field::*;
use super::Layout::*;
use super::{
    Field, FlagNames, Group, Layout, Name, Read, Variation, authentication, data_set, device, fields_len, file,
};

const NO_FLAGS: [&str; 8] = ["BIT_0", "BIT_1", "BIT_2", "BIT_3", "BIT_4", "BIT_5", "BIT_6", "BIT_7"];
const BINARY: [&str; 8] =
    ["ONLINE", "RESTART", "COMM_LOST", "REMOTE_FORCED", "LOCAL_FORCED", "CHATTER_FILTER", "RESERVED", "STATE"];
const DOUBLE_BIT: [&str; 8] =
    ["ONLINE", "RESTART", "COMM_LOST", "REMOTE_FORCED", "LOCAL_FORCED", "CHATTER_FILTER", "STATE_0", "STATE_1"];
const BINARY_OUTPUT: [&str; 8] =
    ["ONLINE", "RESTART", "COMM_LOST", "REMOTE_FORCED", "LOCAL_FORCED", "RESERVED_0", "RESERVED_1", "STATE"];
const COUNTER: [&str; 8] =
    ["ONLINE", "RESTART", "COMM_LOST", "REMOTE_FORCED", "LOCAL_FORCED", "ROLLOVER", "DISCONTINUITY", "RESERVED"];
const ANALOG: [&str; 8] =
    ["ONLINE", "RESTART", "COMM_LOST", "REMOTE_FORCED", "LOCAL_FORCED", "OVER_RANGE", "REFERENCE_ERR", "RESERVED"];
const STATISTIC: [&str; 8] =
    ["ONLINE", "RESTART", "COMM_LOST", "REMOTE_FORCED", "LOCAL_FORCED", "RESERVED_0", "DISCONTINUITY", "RESERVED_1"];

const fn group(number: u8, name: &'static str, variations: &'static [Variation]) -> Group {
    Group { number, name: Name::new(name), space: None, flags: FlagNames::new(&NO_FLAGS), variations }
}

const fn flagged(
    number: u8,
    name: &'static str,
    flags: &'static [&'static str; 8],
    variations: &'static [Variation],
) -> Group {
    Group { number, name: Name::new(name), space: None, flags: FlagNames::new(flags), variations }
}

const fn points(
    number: u8,
    name: &'static str,
    space: Space,
    flags: &'static [&'static str; 8],
    variations: &'static [Variation],
) -> Group {
    Group { number, name: Name::new(name), space: Some(space), flags: FlagNames::new(flags), variations }
}

const fn fields(fields: &'static [Field]) -> Layout {
    Fields { fields, len: fields_len(fields) }
}

/// An object whose size prefix says how long it is.
const fn sized(read: Read) -> Layout {
    Composite { read, len: None }
}

/// An object that always has this many octets.
const fn fixed(len: u8, read: Read) -> Layout {
    Composite { read, len: Some(len) }
}

const fn v(number: u8, name: &'static str, layout: Layout) -> Variation {
    Variation { number, name: Name::new(name), layout }
}

/// Groups 20, 22 and 23 and their deltas: the formats that they share.
const COUNTER_WITH_FLAG_32: Variation = v(1, "32-bit with flag", fields(&[Flags, U32]));
const COUNTER_WITH_FLAG_16: Variation = v(2, "16-bit with flag", fields(&[Flags, U16]));
const DELTA_WITH_FLAG_32: Variation = v(3, "32-bit delta with flag", fields(&[Flags, U32]));
const DELTA_WITH_FLAG_16: Variation = v(4, "16-bit delta with flag", fields(&[Flags, U16]));

/// Groups 22 and 23: changes of counters and of frozen counters.
const COUNTER_EVENTS: &[Variation] = &[
    COUNTER_WITH_FLAG_32,
    COUNTER_WITH_FLAG_16,
    DELTA_WITH_FLAG_32,
    DELTA_WITH_FLAG_16,
    v(5, "32-bit with flag and time", fields(&[Flags, U32, Time])),
    v(6, "16-bit with flag and time", fields(&[Flags, U16, Time])),
    v(7, "32-bit delta with flag and time", fields(&[Flags, U32, Time])),
    v(8, "16-bit delta with flag and time", fields(&[Flags, U16, Time])),
];

/// Groups 32, 33 and 42: changes of analog values.
const ANALOG_EVENTS: &[Variation] = &[
    v(1, "32-bit", fields(&[Flags, I32])),
    v(2, "16-bit", fields(&[Flags, I16])),
    v(3, "32-bit with time", fields(&[Flags, I32, Time])),
    v(4, "16-bit with time", fields(&[Flags, I16, Time])),
    v(5, "single-precision", fields(&[Flags, F32])),
    v(6, "double-precision", fields(&[Flags, F64])),
    v(7, "single-precision with time", fields(&[Flags, F32, Time])),
    v(8, "double-precision with time", fields(&[Flags, F64, Time])),
];

/// Groups 111 to 113 as well: the variation is the length.
const STRINGS: &[Variation] = &[v(0, "octets", Octets)];

/// Groups 114 and 115: the variation is no length, the size prefix is.
const EXTENDED_STRINGS: &[Variation] = &[v(0, "octets", Prefixed)];

pub(super) static GROUPS: &[Group] = &[
    group(0, "device attribute", super::attributes::ATTRIBUTES),
    points(
        1,
        "binary input",
        Space::BinaryInput,
        &BINARY,
        &[v(1, "packed", Bits), v(2, "with flags", fields(&[FlagsAndBit]))],
    ),
    points(
        2,
        "binary input event",
        Space::BinaryInput,
        &BINARY,
        &[
            v(1, "without time", fields(&[FlagsAndBit])),
            v(2, "with absolute time", fields(&[FlagsAndBit, Time])),
            v(3, "with relative time", fields(&[FlagsAndBit, RelativeTime])),
        ],
    ),
    points(
        3,
        "double-bit binary input",
        Space::DoubleBitInput,
        &DOUBLE_BIT,
        &[v(1, "packed", DoubleBits), v(2, "with flags", fields(&[FlagsAndDoubleBit]))],
    ),
    points(
        4,
        "double-bit binary input event",
        Space::DoubleBitInput,
        &DOUBLE_BIT,
        &[
            v(1, "without time", fields(&[FlagsAndDoubleBit])),
            v(2, "with absolute time", fields(&[FlagsAndDoubleBit, Time])),
            v(3, "with relative time", fields(&[FlagsAndDoubleBit, RelativeTime])),
        ],
    ),
    points(
        10,
        "binary output",
        Space::BinaryOutput,
        &BINARY_OUTPUT,
        &[v(1, "packed", Bits), v(2, "status with flags", fields(&[FlagsAndBit]))],
    ),
    points(
        11,
        "binary output event",
        Space::BinaryOutput,
        &BINARY_OUTPUT,
        &[v(1, "without time", fields(&[FlagsAndBit])), v(2, "with time", fields(&[FlagsAndBit, Time]))],
    ),
    points(
        12,
        "binary output command",
        Space::BinaryOutput,
        &BINARY_OUTPUT,
        &[
            v(1, "control relay output block", fields(&[Crob, Status])),
            v(2, "pattern control block", fields(&[Crob, Status])),
            v(3, "pattern mask", Bits),
        ],
    ),
    points(
        13,
        "binary output command event",
        Space::BinaryOutput,
        &BINARY_OUTPUT,
        &[v(1, "without time", fields(&[StatusAndBit])), v(2, "with time", fields(&[StatusAndBit, Time]))],
    ),
    points(
        20,
        "counter",
        Space::Counter,
        &COUNTER,
        &[
            COUNTER_WITH_FLAG_32,
            COUNTER_WITH_FLAG_16,
            DELTA_WITH_FLAG_32,
            DELTA_WITH_FLAG_16,
            v(5, "32-bit without flag", fields(&[U32])),
            v(6, "16-bit without flag", fields(&[U16])),
            v(7, "32-bit delta without flag", fields(&[U32])),
            v(8, "16-bit delta without flag", fields(&[U16])),
        ],
    ),
    points(
        21,
        "frozen counter",
        Space::FrozenCounter,
        &COUNTER,
        &[
            COUNTER_WITH_FLAG_32,
            COUNTER_WITH_FLAG_16,
            DELTA_WITH_FLAG_32,
            DELTA_WITH_FLAG_16,
            v(5, "32-bit with flag and time", fields(&[Flags, U32, Time])),
            v(6, "16-bit with flag and time", fields(&[Flags, U16, Time])),
            v(7, "32-bit delta with flag and time", fields(&[Flags, U32, Time])),
            v(8, "16-bit delta with flag and time", fields(&[Flags, U16, Time])),
            v(9, "32-bit without flag", fields(&[U32])),
            v(10, "16-bit without flag", fields(&[U16])),
            v(11, "32-bit delta without flag", fields(&[U32])),
            v(12, "16-bit delta without flag", fields(&[U16])),
        ],
    ),
    points(22, "counter event", Space::Counter, &COUNTER, COUNTER_EVENTS),
    points(23, "frozen counter event", Space::FrozenCounter, &COUNTER, COUNTER_EVENTS),
    points(
        30,
        "analog input",
        Space::AnalogInput,
        &ANALOG,
        &[
            v(1, "32-bit with flag", fields(&[Flags, I32])),
            v(2, "16-bit with flag", fields(&[Flags, I16])),
            v(3, "32-bit without flag", fields(&[I32])),
            v(4, "16-bit without flag", fields(&[I16])),
            v(5, "single-precision with flag", fields(&[Flags, F32])),
            v(6, "double-precision with flag", fields(&[Flags, F64])),
        ],
    ),
    points(
        31,
        "frozen analog input",
        Space::FrozenAnalogInput,
        &ANALOG,
        &[
            v(1, "32-bit with flag", fields(&[Flags, I32])),
            v(2, "16-bit with flag", fields(&[Flags, I16])),
            v(3, "32-bit with time of freeze", fields(&[Flags, I32, Time])),
            v(4, "16-bit with time of freeze", fields(&[Flags, I16, Time])),
            v(5, "32-bit without flag", fields(&[I32])),
            v(6, "16-bit without flag", fields(&[I16])),
            v(7, "single-precision with flag", fields(&[Flags, F32])),
            v(8, "double-precision with flag", fields(&[Flags, F64])),
        ],
    ),
    points(32, "analog input event", Space::AnalogInput, &ANALOG, ANALOG_EVENTS),
    points(33, "frozen analog input event", Space::FrozenAnalogInput, &ANALOG, ANALOG_EVENTS),
    points(
        34,
        "analog input deadband",
        Space::AnalogInput,
        &ANALOG,
        &[v(1, "16-bit", fields(&[U16])), v(2, "32-bit", fields(&[U32])), v(3, "single-precision", fields(&[F32]))],
    ),
    points(
        40,
        "analog output status",
        Space::AnalogOutput,
        &ANALOG,
        &[
            v(1, "32-bit with flag", fields(&[Flags, I32])),
            v(2, "16-bit with flag", fields(&[Flags, I16])),
            v(3, "single-precision with flag", fields(&[Flags, F32])),
            v(4, "double-precision with flag", fields(&[Flags, F64])),
        ],
    ),
    points(
        41,
        "analog output command",
        Space::AnalogOutput,
        &ANALOG,
        &[
            v(1, "32-bit", fields(&[I32, Status])),
            v(2, "16-bit", fields(&[I16, Status])),
            v(3, "single-precision", fields(&[F32, Status])),
            v(4, "double-precision", fields(&[F64, Status])),
        ],
    ),
    points(42, "analog output event", Space::AnalogOutput, &ANALOG, ANALOG_EVENTS),
    points(
        43,
        "analog output command event",
        Space::AnalogOutput,
        &ANALOG,
        &[
            v(1, "32-bit", fields(&[Status, I32])),
            v(2, "16-bit", fields(&[Status, I16])),
            v(3, "32-bit with time", fields(&[Status, I32, Time])),
            v(4, "16-bit with time", fields(&[Status, I16, Time])),
            v(5, "single-precision", fields(&[Status, F32])),
            v(6, "double-precision", fields(&[Status, F64])),
            v(7, "single-precision with time", fields(&[Status, F32, Time])),
            v(8, "double-precision with time", fields(&[Status, F64, Time])),
        ],
    ),
    group(
        50,
        "time and date",
        &[
            v(1, "absolute time", fields(&[TimeValue])),
            v(2, "absolute time and interval", fields(&[TimeAndInterval])),
            v(3, "absolute time at last recorded time", fields(&[TimeValue])),
            v(4, "indexed absolute time and long interval", fields(&[TimeAndIntervalUnit])),
        ],
    ),
    group(
        51,
        "common time of occurrence",
        &[
            v(1, "absolute time, synchronized", fields(&[TimeValue])),
            v(2, "absolute time, unsynchronized", fields(&[TimeValue])),
        ],
    ),
    group(52, "time delay", &[v(1, "seconds", fields(&[U16])), v(2, "milliseconds", fields(&[U16]))]),
    group(
        60,
        "class objects",
        &[v(1, "class 0", Bare), v(2, "class 1", Bare), v(3, "class 2", Bare), v(4, "class 3", Bare)],
    ),
    group(
        70,
        "file control",
        &[
            v(1, "file identifier", sized(file::identifier)),
            v(2, "authentication", sized(file::authentication)),
            v(3, "command", sized(file::command)),
            v(4, "command status", sized(file::command_status)),
            v(5, "transport", sized(file::transport)),
            v(6, "transport status", sized(file::transport_status)),
            v(7, "descriptor", sized(file::descriptor)),
            v(8, "specification string", sized(file::specification)),
        ],
    ),
    group(80, "internal indications", &[v(1, "packed", Bits)]),
    group(81, "device storage", &[v(1, "buffer fill status", fixed(3, device::storage))]),
    group(82, "device profile", &[v(1, "functions and indexes", sized(device::profile))]),
    group(
        83,
        "data set registration",
        &[
            v(1, "private registration object", sized(device::private)),
            v(2, "private registration object descriptor", sized(device::private_descriptor)),
        ],
    ),
    group(85, "data set prototype", &[v(1, "with UUID", sized(data_set::prototype))]),
    group(
        86,
        "data set descriptor",
        &[
            v(1, "contents", sized(data_set::descriptor)),
            v(2, "characteristics", fixed(1, data_set::characteristics)),
            v(3, "point index attributes", sized(data_set::point_indexes)),
        ],
    ),
    group(87, "data set", &[v(1, "present value", sized(data_set::values))]),
    group(88, "data set event", &[v(1, "snapshot", sized(data_set::snapshot))]),
    group(90, "application", &[v(1, "identifier", sized(device::application))]),
    group(91, "status of requested operation", &[v(1, "activate configuration", sized(device::activation))]),
    group(100, "floating point", &[v(1, "short", Prefixed), v(2, "long", Prefixed), v(3, "extended", Prefixed)]),
    group(
        101,
        "binary coded decimal",
        &[v(1, "small", fields(&[Bcd(2)])), v(2, "medium", fields(&[Bcd(4)])), v(3, "large", fields(&[Bcd(8)]))],
    ),
    group(102, "unsigned integer", &[v(1, "8-bit", fields(&[U8]))]),
    points(110, "octet string", Space::OctetString, &NO_FLAGS, STRINGS),
    points(111, "octet string event", Space::OctetString, &NO_FLAGS, STRINGS),
    group(112, "virtual terminal output block", STRINGS),
    group(113, "virtual terminal event data", STRINGS),
    group(114, "extended octet string", EXTENDED_STRINGS),
    group(115, "extended octet string event", EXTENDED_STRINGS),
    group(
        120,
        "authentication",
        &[
            v(1, "challenge", sized(authentication::challenge)),
            v(2, "reply", sized(authentication::reply)),
            v(3, "aggressive mode request", fixed(6, authentication::aggressive_mode_request)),
            v(4, "session key status request", fixed(2, authentication::key_status_request)),
            v(5, "session key status", sized(authentication::key_status)),
            v(6, "session key change", sized(authentication::key_change)),
            v(7, "error", sized(authentication::error)),
            v(8, "user certificate", sized(authentication::certificate)),
            v(9, "message authentication code", sized(authentication::mac)),
            v(10, "user status change", sized(authentication::user_status_change)),
            v(11, "update key change request", sized(authentication::update_key_change_request)),
            v(12, "update key change reply", sized(authentication::update_key_change_reply)),
            v(13, "update key change", sized(authentication::update_key_change)),
            v(14, "update key change signature", sized(authentication::update_key_change_signature)),
            v(15, "update key change confirmation", sized(authentication::update_key_change_confirmation)),
        ],
    ),
    flagged(121, "security statistic", &STATISTIC, &[v(1, "32-bit with flag", fields(&[Flags, Association, U32]))]),
    flagged(
        122,
        "security statistic event",
        &STATISTIC,
        &[
            v(1, "32-bit with flag", fields(&[Flags, Association, U32])),
            v(2, "32-bit with flag and time", fields(&[Flags, Association, U32, Time])),
        ],
    ),
];

/// Where in [`GROUPS`] each group number stands; beyond its end for those that are not there.
pub(super) static PLACES: [u8; 256] = places();

#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn places() -> [u8; 256] {
    let mut places = [u8::MAX; 256];
    let mut at = 0;
    while at < GROUPS.len() {
        places[GROUPS[at].number as usize] = at as u8;
        at += 1;
    }
    places
}
