//! Secure authentication (IEEE 1815-2012, clause 7): what a fragment's objects of group 120 say of its part in it.

use tagout_engine::Action;

use super::application::Fragment;
use super::function::Function;
use super::header::Headers;

/// Objects of secure authentication.
pub(super) const GROUP: u8 = 120;

const CHALLENGE: u8 = 1;
const REPLY: u8 = 2;
const ERROR: u8 = 7;

impl Fragment<'_> {
    /// True for a challenge: the receiver has to prove who sent an earlier message (7.5.2.2).
    pub fn is_challenge(&self) -> bool {
        is_authentication(self.function) && self.carries(CHALLENGE)
    }

    /// True for the reply to a challenge, which proves who sent an earlier message; that one is answered, not the reply.
    pub fn is_challenge_reply(&self) -> bool {
        is_authentication(self.function) && self.carries(REPLY)
    }

    /// True for an error of authentication: what was asked for is not done (7.5.2.7).
    pub(super) fn is_authentication_error(&self) -> bool {
        self.function == Function::AUTHENTICATE_RESP && self.carries(ERROR)
    }

    /// True for a request that the receiver answers.
    pub fn expects_response(&self) -> bool {
        self.function.expects_response() && !self.is_challenge_reply()
    }

    /// What tells the fragment from others of its sender and receiver: SEQ, and above it UNS in messages about unsolicited
    /// responses, which are numbered by themselves (4.2.2.4). A request that has no business with it is numbered as any.
    pub fn number(&self) -> u8 {
        let is_about_unsolicited = matches!(self.function, Function::CONFIRM | Function::UNSOLICITED_RESPONSE)
            || is_authentication(self.function);
        let unsolicited = is_about_unsolicited && self.control.uns();
        self.control.sequence() | u8::from(unsolicited) << 4
    }

    fn carries(&self, variation: u8) -> bool {
        self.headers().filter_map(Result::ok).any(|header| (header.group, header.variation) == (GROUP, variation))
    }
}

const fn is_authentication(function: Function) -> bool {
    matches!(function, Function::AUTHENTICATE_REQ | Function::AUTH_REQ_NO_ACK | Function::AUTHENTICATE_RESP)
}

/// What an authentication request does. Messages that prove who speaks, and the session keys for that, command nothing,
/// as a confirm does. What decides who may command in the future is configuration: a user's status and certificate (v8,
/// v10), and update keys (v11, v13, v14). Any other object in it makes it [`Action::Other`].
pub(super) fn authentication_action(headers: Headers<'_>) -> Action {
    headers
        .map(|header| match header {
            Ok(header) if header.group == GROUP => match header.variation {
                8 | 10 | 11 | 13 | 14 => Action::Configure,
                1..=15 => Action::Confirm,
                _ => Action::Other,
            },
            _ => Action::Other,
        })
        .reduce(graver)
        .unwrap_or(Action::Other)
}

/// The graver of [`Action::Confirm`], [`Action::Configure`] and [`Action::Other`].
fn graver(a: Action, b: Action) -> Action {
    match (a, b) {
        (Action::Other, _) | (_, Action::Other) => Action::Other,
        (Action::Configure, _) | (_, Action::Configure) => Action::Configure,
        _ => a,
    }
}
