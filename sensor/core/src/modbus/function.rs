//! What is known of function codes without reading further than it takes.

use tagout_engine::Action;

use super::{Direction, EXCEPTION_BIT};

/// How long a PDU says it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Length {
    /// Exactly this many bytes, function code included.
    Exact(usize),
    /// Known once this many bytes are there.
    Needs(usize),
    /// The function's shape is not fixed, or not known.
    Open,
}

/// The length that `pdu`, of which the beginning is given, must have by its function (AP 6).
pub(super) fn length(pdu: &[u8], direction: Direction) -> Length {
    let Some(&code) = pdu.first() else { return Length::Needs(1) };
    match direction {
        Direction::Request => request_length(code, pdu),
        Direction::Response => response_length(code, pdu),
    }
}

fn request_length(code: u8, pdu: &[u8]) -> Length {
    match code {
        1..=6 => Length::Exact(5),
        7 | 11 | 12 | 17 => Length::Exact(1),
        8 => diagnostic_length(pdu),
        15 | 16 => counted(pdu, 5),
        20 | 21 => counted(pdu, 1),
        22 => Length::Exact(7),
        23 => counted(pdu, 9),
        24 => Length::Exact(3),
        43 => match pdu.get(1) {
            None => Length::Needs(2),
            Some(&MEI_DEVICE_IDENTIFICATION) => Length::Exact(4),
            Some(_) => Length::Open,
        },
        _ => Length::Open,
    }
}

fn response_length(code: u8, pdu: &[u8]) -> Length {
    match code {
        1..=4 | 12 | 17 | 20 | 21 | 23 => counted(pdu, 1),
        5 | 6 | 11 | 15 | 16 => Length::Exact(5),
        7 => Length::Exact(2),
        8 => diagnostic_length(pdu),
        22 => Length::Exact(7),
        24 => match (pdu.get(1), pdu.get(2)) {
            (Some(&high), Some(&low)) => Length::Exact(usize::from(u16::from_be_bytes([high, low])).saturating_add(3)),
            _ => Length::Needs(3),
        },
        code if code & EXCEPTION_BIT != 0 => Length::Exact(2),
        _ => Length::Open,
    }
}

/// A PDU whose byte count stands at `at` and counts what follows it.
fn counted(pdu: &[u8], at: usize) -> Length {
    match pdu.get(at) {
        Some(&count) => Length::Exact(usize::from(count).saturating_add(at).saturating_add(1)),
        None => Length::Needs(at.saturating_add(1)),
    }
}

/// Diagnostics carry one data word, but Return Query Data (0x0000) echoes any number (AP 6.8).
fn diagnostic_length(pdu: &[u8]) -> Length {
    match (pdu.get(1), pdu.get(2)) {
        (Some(0), Some(0)) => Length::Open,
        (Some(_), Some(_)) => Length::Exact(5),
        _ => Length::Needs(3),
    }
}

/// True for function codes that the specification assigns, and for the exceptions to them in responses.
pub(super) fn is_public(code: u8, direction: Direction) -> bool {
    let base = match direction {
        Direction::Request => code,
        Direction::Response => code & !EXCEPTION_BIT,
    };
    function_name(base).is_some()
}

/// The function's name in the specification (AP 5.1), or in wide use for codes that it does not assign.
pub const fn function_name(function: u8) -> Option<&'static str> {
    Some(match function {
        1 => "read-coils",
        2 => "read-discrete-inputs",
        3 => "read-holding-registers",
        4 => "read-input-registers",
        5 => "write-single-coil",
        6 => "write-single-register",
        7 => "read-exception-status",
        8 => "diagnostics",
        11 => "get-comm-event-counter",
        12 => "get-comm-event-log",
        15 => "write-multiple-coils",
        16 => "write-multiple-registers",
        17 => "report-server-id",
        20 => "read-file-record",
        21 => "write-file-record",
        22 => "mask-write-register",
        23 => "read-write-multiple-registers",
        24 => "read-fifo-queue",
        43 => "encapsulated-interface-transport",
        _ => return None,
    })
}

/// The exception's name in the specification (AP 7).
pub const fn exception_name(code: u8) -> Option<&'static str> {
    Some(match code {
        1 => "illegal-function",
        2 => "illegal-data-address",
        3 => "illegal-data-value",
        4 => "server-device-failure",
        5 => "acknowledge",
        6 => "server-device-busy",
        7 => "negative-acknowledge",
        8 => "memory-parity-error",
        10 => "gateway-path-unavailable",
        11 => "gateway-target-failed-to-respond",
        _ => return None,
    })
}

/// MEI type of Read Device Identification (AP 6.21).
const MEI_DEVICE_IDENTIFICATION: u8 = 0x0E;

/// What a request PDU does, whether or not it is well formed.
pub(crate) fn action(pdu: &[u8]) -> Action {
    match pdu {
        [1..=4 | 24, ..] => Action::Read,
        [5 | 6 | 15 | 16 | 22 | 23, ..] => Action::Write,
        [8, high, low, ..] => diagnostic_action(u16::from_be_bytes([*high, *low])),
        [7 | 8 | 11 | 12, ..] => Action::Diagnostics,
        [17, ..] | [43, MEI_DEVICE_IDENTIFICATION, ..] => Action::Identify,
        [20 | 21, ..] => Action::File,
        _ => Action::Other,
    }
}

/// Diagnostic sub-functions that do more than ask (AP 6.8.1).
const fn diagnostic_action(sub_function: u16) -> Action {
    match sub_function {
        0x0001 => Action::Restart,
        0x0003 | 0x000A | 0x0014 => Action::Configure,
        0x0004 => Action::ListenOnly,
        _ => Action::Diagnostics,
    }
}
