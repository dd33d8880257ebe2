use tagout_core::engine::IntentFinding;
use thiserror::Error;

use super::Instant;

/// Why a signed intent is not taken.
#[derive(Error, Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// It is longer than an intent may be.
    #[error("{0} octets are too many: a signed intent has {most} at most", most = super::jws::MOST_BYTES)]
    TooLong(usize),
    /// It is no signed object of the kind that is taken, whoever signed it.
    #[error("{0}")]
    Malformed(String),
    /// Nobody knows its key.
    #[error("key {0:?} is not known: declare it under [[intents.keys]] of the policy")]
    UnknownKey(String),
    /// Somebody else signed it, or it was changed since.
    #[error("the signature is not by key {0:?}, or what it signs was changed")]
    BadSignature(String),
    /// Its key may be in the hands of somebody else.
    #[error("key {key:?} is revoked from {from} on")]
    Revoked {
        /// Id of the key.
        key: String,
        /// Since when.
        from: Instant,
    },
    /// Its key is not valid yet, or not any more.
    #[error("key {key:?} is valid from {not_before} until {expires}")]
    KeyNotValid {
        /// Id of the key.
        key: String,
        /// First time at which it is valid.
        not_before: Instant,
        /// First time at which it is not any more.
        expires: Instant,
    },
    /// Its claims are signed, and wrong.
    #[error("claims signed by key {key:?}: {what}")]
    Claims {
        /// Id of the key.
        key: String,
        /// What is wrong.
        what: String,
    },
    /// Its key signs for other actors.
    #[error("key {key:?} may not declare for actor {actor:?}")]
    NotForActor {
        /// Id of the key.
        key: String,
        /// For whom it was signed.
        actor: String,
    },
    /// It claims an approver whose key it was not signed with.
    #[error("key {key:?} is not of the approver {approver:?}")]
    NotOfApprover {
        /// Id of the key.
        key: String,
        /// Who is said to have approved.
        approver: String,
    },
    /// Whoever sent it may not tell of its actor.
    #[error(
        "the client {client:?} may not tell of actor {actor:?}: [[intents.clients]] of the configuration says who may"
    )]
    NotOfClient {
        /// Who sent it, by the certificate.
        client: String,
        /// Of whom it tells.
        actor: String,
    },
    /// What it declares was over before it came.
    #[error("intent {id:?} expired at {expires}")]
    Expired {
        /// Its id.
        id: String,
        /// First time at which it may not be done any more.
        expires: Instant,
    },
}

impl Refusal {
    /// What it is in an alert; `None` for what was never signed, is not as it should be, or comes too late.
    pub const fn finding(&self) -> Option<IntentFinding> {
        match self {
            Self::BadSignature(_) => Some(IntentFinding::BadSignature),
            Self::UnknownKey(_)
            | Self::Revoked { .. }
            | Self::KeyNotValid { .. }
            | Self::NotForActor { .. }
            | Self::NotOfClient { .. }
            | Self::NotOfApprover { .. } => Some(IntentFinding::UnknownKey),
            _ => None,
        }
    }
}
