//! What is known of function codes without reading further than it takes.

use tagout_engine::Action;

use super::identification::DEVICE_IDENTIFICATION;
use super::umas::{self, UMAS};
use super::{Direction, EXCEPTION_BIT, diagnostic_name, diagnostics, identification};

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
            Some(&DEVICE_IDENTIFICATION) => Length::Exact(4),
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
        43 => match pdu.get(1) {
            None => Length::Needs(2),
            Some(&DEVICE_IDENTIFICATION) => identification::response_length(pdu),
            Some(_) => Length::Open,
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

/// Diagnostics carry one data word, but Return Query Data echoes any number (AP 6.8), and reserved ones are unknown.
fn diagnostic_length(pdu: &[u8]) -> Length {
    match (pdu.get(1), pdu.get(2)) {
        (Some(&high), Some(&low)) => match u16::from_be_bytes([high, low]) {
            diagnostics::RETURN_QUERY_DATA => Length::Open,
            sub_function if diagnostic_name(sub_function).is_none() => Length::Open,
            _ => Length::Exact(5),
        },
        _ => Length::Needs(3),
    }
}

/// True for function codes that the specification assigns, and for the exceptions to them in responses.
pub(super) fn is_public(code: u8, direction: Direction) -> bool {
    let base = match direction {
        Direction::Request => code,
        Direction::Response => code & !EXCEPTION_BIT,
    };
    function_class(base).is_none()
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
        UMAS => "umas",
        _ => return None,
    })
}

/// What a function code is that the specification does not assign (AP 5, annex A); `None` for those that it does.
pub const fn function_class(function: u8) -> Option<&'static str> {
    Some(match function {
        1..=8 | 11 | 12 | 15..=17 | 20..=24 | 43 => return None,
        0 | EXCEPTION_BIT.. => "invalid",
        65..=72 | 100..=110 => "user-defined",
        9 | 10 | 13 | 14 | 41 | 42 | 90 | 91 | 125..=127 => "reserved",
        _ => "unassigned",
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

/// What a request PDU does, whether or not it is well formed.
pub(crate) fn action(pdu: &[u8]) -> Action {
    match pdu {
        [1..=4 | 24, ..] => Action::Read,
        [5 | 6 | 15 | 16 | 22 | 23, ..] => Action::Write,
        [8, high, low, ..] => diagnostics::action(u16::from_be_bytes([*high, *low])),
        [7 | 8 | 11 | 12, ..] => Action::Diagnostics,
        [17, ..] | [43, DEVICE_IDENTIFICATION, ..] => Action::Identify,
        [20 | 21, ..] => Action::File,
        [UMAS, _, function, ..] => umas::action(*function),
        _ => Action::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_look_into_the_functions_that_do_many_things() {
        let cases = [
            (&[8, 0, 0, 1, 2][..], Action::Diagnostics),
            (&[8, 0, 1, 0xFF, 0], Action::Restart),
            (&[8, 0, 4, 0, 0], Action::ListenOnly),
            (&[8, 0, 10, 0, 0], Action::Configure),
            (&[8, 0, 21, 0, 4], Action::Other),
            (&[43, 14, 1, 0], Action::Identify),
            (&[43, 13, 1, 0], Action::Other),
            (&[90, 0, 0x02], Action::Identify),
            (&[90, 1, 0x41, 0xFF, 0], Action::Configure),
            (&[90, 0, 0xEE], Action::Other),
            (&[90], Action::Other),
        ];
        for (pdu, expected) in cases {
            assert_eq!(action(pdu), expected, "{pdu:02x?}");
        }
    }

    #[test]
    fn every_code_has_a_name_or_a_class() {
        for function in 0..=255 {
            let nameless = function_name(function).is_none() || function == UMAS;
            assert_eq!(function_class(function).is_some(), nameless, "{function}");
        }
        let classes = [0, 9, 65, 72, 73, 90, 99, 100, 110, 111, 127, 128].map(function_class);
        let (user, reserved, unassigned) = (Some("user-defined"), Some("reserved"), Some("unassigned"));
        let invalid = Some("invalid");
        assert_eq!(
            classes,
            [
                invalid, reserved, user, user, unassigned, reserved, unassigned, user, user, unassigned, reserved,
                invalid
            ]
        );
    }

    #[test]
    fn an_identification_tells_its_length_object_by_object() {
        let pdu = [43, 14, 1, 1, 0, 0, 2, 0, 3, b'a', b'b', b'c', 1, 0];
        let told = |len: usize| length(pdu.get(..len).unwrap_or_default(), Direction::Response);
        assert_eq!([1, 2, 6].map(told), [Length::Needs(2), Length::Needs(7), Length::Needs(7)]);
        assert_eq!([7, 8, 9, 13].map(told), [9, 9, 14, 14].map(Length::Needs));
        assert_eq!(told(14), Length::Exact(14));
    }
}
