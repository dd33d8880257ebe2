//! Schneider Electric's UMAS in function 90.
//!
//! No specification is public. Codes and layout are those on which published dissectors, the PLC4X project's protocol
//! description and captures agree: a session octet, a UMAS function, its data; responses repeat the session and tell
//! the result in the function's place.

use tagout_engine::Action;

/// Modbus function code of UMAS.
pub(super) const UMAS: u8 = 90;
/// The function did what was asked.
const OK: u8 = 0xFE;
/// The function failed.
const ERROR: u8 = 0xFD;
/// Takes the reservation without which a PLC lets nobody change it.
const TAKE_RESERVATION: u8 = 0x10;

/// The name of a UMAS function, and what it does.
const fn known(function: u8) -> Option<(&'static str, Action)> {
    use Action::{Configure, Diagnostics, File, Identify, Read, Write};
    Some(match function {
        0x01 => ("init-communication", Diagnostics),
        0x02 => ("read-id", Identify),
        0x03 => ("read-project-info", Identify),
        0x04 => ("read-plc-info", Identify),
        0x05 => ("read-loader-info", Identify),
        0x06 => ("read-card-info", Identify),
        0x07 => ("read-block-info", Identify),
        0x0A => ("repeat", Diagnostics),
        TAKE_RESERVATION => ("take-plc-reservation", Configure),
        0x11 => ("release-plc-reservation", Configure),
        0x12 => ("keep-alive", Diagnostics),
        0x20 => ("read-memory-block", Read),
        0x21 => ("write-memory-block", Write),
        0x22 => ("read-variables", Read),
        0x23 => ("write-variables", Write),
        0x24 => ("read-coils-registers", Read),
        0x25 => ("write-coils-registers", Write),
        0x26 => ("read-data-dictionary", Read),
        0x28 => ("read-physical-address", Read),
        0x29 => ("write-physical-address", Write),
        0x30 => ("initialize-upload", File),
        0x31 => ("upload-block", File),
        0x32 => ("end-upload", File),
        0x33 => ("initialize-download", File),
        0x34 => ("download-block", File),
        0x35 => ("end-download", File),
        0x36 => ("backup-restore", File),
        0x39 => ("read-ethernet-master-data", Read),
        0x40 => ("start-plc", Configure),
        0x41 => ("stop-plc", Configure),
        0x42 => ("initialize-plc", Configure),
        0x50 => ("monitor-plc", Read),
        0x58 => ("check-plc", Diagnostics),
        0x70 => ("read-io-object", Read),
        0x71 => ("write-io-object", Write),
        0x73 => ("get-status-module", Diagnostics),
        _ => return None,
    })
}

/// The name of a UMAS function in wide use.
pub const fn umas_function_name(function: u8) -> Option<&'static str> {
    match known(function) {
        Some((name, _)) => Some(name),
        None => None,
    }
}

/// The name of a response's result.
pub const fn umas_result_name(result: u8) -> Option<&'static str> {
    match result {
        OK => Some("ok"),
        ERROR => Some("error"),
        _ => None,
    }
}

/// What a UMAS function does.
pub(super) const fn action(function: u8) -> Action {
    match known(function) {
        Some((_, action)) => action,
        None => Action::Other,
    }
}

/// The name under which a request with this function and data takes the reservation.
pub fn umas_owner(function: u8, data: &[u8]) -> Option<&[u8]> {
    match data {
        [_, _, _, _, len, name @ ..] if function == TAKE_RESERVATION && usize::from(*len) == name.len() => Some(name),
        _ => None,
    }
}

/// The session that a response with this result and data grants to a request with this function.
pub fn umas_granted_session(function: u8, result: u8, data: &[u8]) -> Option<u8> {
    match data {
        [session, ..] if function == TAKE_RESERVATION && result == OK => Some(*session),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_say_what_they_do() {
        let cases = [
            (0x02, "read-id", Action::Identify),
            (0x10, "take-plc-reservation", Action::Configure),
            (0x12, "keep-alive", Action::Diagnostics),
            (0x20, "read-memory-block", Action::Read),
            (0x23, "write-variables", Action::Write),
            (0x30, "initialize-upload", Action::File),
            (0x34, "download-block", Action::File),
            (0x40, "start-plc", Action::Configure),
            (0x41, "stop-plc", Action::Configure),
        ];
        for (function, name, does) in cases {
            assert_eq!((umas_function_name(function), action(function)), (Some(name), does), "{function:#04x}");
        }
    }

    #[test]
    fn an_unknown_function_may_be_a_command() {
        let unknown = (0..=255).filter(|function| umas_function_name(*function).is_none());
        assert!(unknown.into_iter().all(|function| action(function).is_command()));
    }

    #[test]
    fn a_reservation_has_an_owner_and_grants_a_session() {
        assert_eq!(umas_owner(0x10, b"\x43\x4c\0\0\x04USER"), Some(&b"USER"[..]));
        assert_eq!(umas_owner(0x10, b"\x43\x4c\0\0\x05USER"), None);
        assert_eq!(umas_owner(0x11, b"\x43\x4c\0\0\x04USER"), None);
        assert_eq!(umas_granted_session(0x10, 0xFE, &[0xBA]), Some(0xBA));
        assert_eq!(umas_granted_session(0x10, 0xFD, &[0xBA]), None);
        assert_eq!((umas_result_name(0xFE), umas_result_name(0xFD)), (Some("ok"), Some("error")));
    }
}
