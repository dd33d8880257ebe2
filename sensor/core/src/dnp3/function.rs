//! Application function codes (IEEE 1815-2012, clause 4).

use tagout_engine::Action;

use super::header::Headers;
use super::security::{GROUP as AUTHENTICATION, authentication_action};

/// An application function code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Function(pub u8);

/// Declares the function codes with the standard's names and what they do.
macro_rules! functions {
    ($($code:literal $name:ident $action:ident $(($reply:ident))?;)+) => {
        #[allow(missing_docs, reason = "the names are the standard's")]
        impl Function {
            $(pub const $name: Self = Self($code);)+
        }

        impl Function {
            /// The standard's name, if the code is not reserved.
            pub const fn name(self) -> Option<&'static str> {
                match self { $(Self::$name => Some(stringify!($name)),)+ _ => None }
            }

            /// What the function does by its code alone; [`action`] takes the objects into account.
            const fn plain_action(self) -> Action {
                match self { $(Self::$name => Action::$action,)+ _ => Action::Other }
            }
        }
    };
}

functions! {
    0 CONFIRM Confirm;
    1 READ Read;
    2 WRITE Write;
    3 SELECT Select;
    4 OPERATE Operate;
    5 DIRECT_OPERATE DirectOperate;
    6 DIRECT_OPERATE_NR DirectOperate;
    7 IMMED_FREEZE Configure;
    8 IMMED_FREEZE_NR Configure;
    9 FREEZE_CLEAR Configure;
    10 FREEZE_CLEAR_NR Configure;
    11 FREEZE_AT_TIME Configure;
    12 FREEZE_AT_TIME_NR Configure;
    13 COLD_RESTART Restart;
    14 WARM_RESTART Restart;
    15 INITIALIZE_DATA Configure;
    16 INITIALIZE_APPL Configure;
    17 START_APPL Configure;
    18 STOP_APPL Configure;
    19 SAVE_CONFIG Configure;
    20 ENABLE_UNSOLICITED EnableUnsolicited;
    21 DISABLE_UNSOLICITED DisableUnsolicited;
    22 ASSIGN_CLASS Configure;
    23 DELAY_MEASURE TimeSync;
    24 RECORD_CURRENT_TIME TimeSync;
    25 OPEN_FILE File;
    26 CLOSE_FILE File;
    27 DELETE_FILE File;
    28 GET_FILE_INFO File;
    29 AUTHENTICATE_FILE File;
    30 ABORT_FILE File;
    31 ACTIVATE_CONFIG Configure;
    32 AUTHENTICATE_REQ Other;
    33 AUTH_REQ_NO_ACK Other;
    129 RESPONSE Other;
    130 UNSOLICITED_RESPONSE Other;
    131 AUTHENTICATE_RESP Other;
}

impl Function {
    /// True for what an outstation sends: codes from 129 on, whose fragments carry internal indications.
    pub const fn is_response(self) -> bool {
        self.0 >= Self::RESPONSE.0
    }

    /// True for a request that an outstation answers. It answers neither a confirm nor what asks for no reply, and
    /// nothing answers a response (a confirm of it is no response).
    pub const fn expects_response(self) -> bool {
        let unanswered = matches!(
            self,
            Self::CONFIRM
                | Self::DIRECT_OPERATE_NR
                | Self::IMMED_FREEZE_NR
                | Self::FREEZE_CLEAR_NR
                | Self::FREEZE_AT_TIME_NR
                | Self::AUTH_REQ_NO_ACK
        );
        !unanswered && !self.is_response()
    }

    /// True for SELECT, OPERATE and DIRECT OPERATE with and without acknowledgement.
    pub const fn is_control(self) -> bool {
        matches!(self, Self::SELECT | Self::OPERATE | Self::DIRECT_OPERATE | Self::DIRECT_OPERATE_NR)
    }

    /// True when the object headers of this function name points without carrying their objects, groups aside that
    /// carry theirs in any case.
    pub(super) const fn only_names_points(self) -> bool {
        matches!(
            self,
            Self::READ
                | Self::IMMED_FREEZE
                | Self::IMMED_FREEZE_NR
                | Self::FREEZE_CLEAR
                | Self::FREEZE_CLEAR_NR
                | Self::FREEZE_AT_TIME
                | Self::FREEZE_AT_TIME_NR
                | Self::INITIALIZE_DATA
                | Self::ENABLE_UNSOLICITED
                | Self::DISABLE_UNSOLICITED
                | Self::ASSIGN_CLASS
        )
    }

    /// True for freezes whose time and interval come first, as an object of group 50.
    pub(super) const fn freezes_at_time(self) -> bool {
        matches!(self, Self::FREEZE_AT_TIME | Self::FREEZE_AT_TIME_NR)
    }
}

/// What a request does, by its function and the groups of its objects.
///
/// - A WRITE of the time alone (g50v1, g50v3) is a time synchronisation; that of a schedule (g50v2, g50v4) is not.
/// - A WRITE of internal indications (group 80) clears the restart bit, as every master does after an outstation's
///   restart: a plain WRITE that touches no point.
/// - READ and WRITE of file blocks (group 70) belong to files.
/// - A READ of device attributes alone (group 0) asks what the device is.
/// - Objects that authenticate the request (group 120) change nothing about it; authentication requests are told by
///   them.
/// - Any other object in the same fragment, or one that cannot be followed, makes it the plain READ or WRITE, the
///   graver reading.
pub fn action(function: Function, headers: Headers<'_>) -> Action {
    match function {
        Function::AUTHENTICATE_REQ | Function::AUTH_REQ_NO_ACK => authentication_action(headers),
        Function::READ if only(headers, |group, _| group == 0) => Action::Identify,
        Function::READ | Function::WRITE if only(headers, |group, _| group == 70) => Action::File,
        Function::WRITE if only(headers, |group, variation| group == 50 && matches!(variation, 1 | 3)) => {
            Action::TimeSync
        }
        _ => function.plain_action(),
    }
}

/// True when there are objects, all can be followed, and all of them are such, those aside that authenticate them.
fn only(headers: Headers<'_>, such: impl Fn(u8, u8) -> bool) -> bool {
    let mut any = false;
    let mut others =
        headers.filter(|header| header.is_err() || header.is_ok_and(|header| header.group != AUTHENTICATION));
    others.all(|header| {
        any = true;
        header.is_ok_and(|header| such(header.group, header.variation))
    }) && any
}
