//! Function 8 (AP 6.8).

use tagout_engine::Action;

/// Return Query Data: the response is the request.
pub(super) const RETURN_QUERY_DATA: u16 = 0x0000;

/// The name of a sub-function in the specification (AP 6.8.1); reserved ones have none.
pub const fn diagnostic_name(sub_function: u16) -> Option<&'static str> {
    Some(match sub_function {
        RETURN_QUERY_DATA => "return-query-data",
        0x0001 => "restart-communications-option",
        0x0002 => "return-diagnostic-register",
        0x0003 => "change-ascii-input-delimiter",
        0x0004 => "force-listen-only-mode",
        0x000A => "clear-counters-and-diagnostic-register",
        0x000B => "return-bus-message-count",
        0x000C => "return-bus-communication-error-count",
        0x000D => "return-bus-exception-error-count",
        0x000E => "return-server-message-count",
        0x000F => "return-server-no-response-count",
        0x0010 => "return-server-nak-count",
        0x0011 => "return-server-busy-count",
        0x0012 => "return-bus-character-overrun-count",
        0x0014 => "clear-overrun-counter-and-flag",
        _ => return None,
    })
}

/// What a sub-function does. Reserved ones may do anything.
pub(super) const fn action(sub_function: u16) -> Action {
    match sub_function {
        0x0001 => Action::Restart,
        0x0003 | 0x000A | 0x0014 => Action::Configure,
        0x0004 => Action::ListenOnly,
        _ if diagnostic_name(sub_function).is_none() => Action::Other,
        _ => Action::Diagnostics,
    }
}

/// True for sub-functions whose normal response repeats the request's data.
pub(super) const fn is_echo(sub_function: u16) -> bool {
    matches!(sub_function, RETURN_QUERY_DATA | 0x0001 | 0x0003 | 0x000A | 0x0014)
}
