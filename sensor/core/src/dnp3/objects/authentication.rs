//! Secure authentication (groups 120 to 122), versions 2 and 5: IEEE 1815-2010 and 1815-2012, clause 7.

use super::code::codes;
use super::fields::{Fields, Misfit};
use super::value::Value;

/// An object of secure authentication (group 120), by its variation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuthObject<'a> {
    /// Variation 1: prove that it was you who asked for this.
    Challenge {
        /// Challenge sequence number.
        sequence: u32,
        /// The user that the challenged message named; 0 if it named none.
        user: u16,
        /// How the reply is to be computed.
        mac_algorithm: MacAlgorithm,
        /// Why it was challenged.
        reason: ChallengeReason,
        /// Random data that goes into the reply.
        challenge: &'a [u8],
    },
    /// Variation 2: the proof.
    Reply {
        /// Challenge sequence number.
        sequence: u32,
        /// The user that issues the challenged message.
        user: u16,
        /// Message authentication code.
        mac: &'a [u8],
    },
    /// Variation 3: the proof comes along at the fragment's end, as variation 9.
    AggressiveModeRequest {
        /// Challenge sequence number.
        sequence: u32,
        /// The user that issues the message.
        user: u16,
    },
    /// Variation 4: a request for variation 5.
    KeyStatusRequest {
        /// The user whose session keys are asked for.
        user: u16,
    },
    /// Variation 5: whether the session keys are valid.
    KeyStatus {
        /// Key change sequence number.
        sequence: u32,
        /// The user that the keys belong to.
        user: u16,
        /// How keys are to be encrypted.
        key_wrap_algorithm: KeyWrapAlgorithm,
        /// Whether they are valid.
        key_status: KeyStatus,
        /// How the authentication code at the end was computed.
        mac_algorithm: MacAlgorithm,
        /// Random data that goes into the key change.
        challenge: &'a [u8],
        /// Message authentication code of the last key change; empty if there was none.
        mac: &'a [u8],
    },
    /// Variation 6: new session keys.
    KeyChange {
        /// Key change sequence number.
        sequence: u32,
        /// The user that the keys belong to.
        user: u16,
        /// The keys, encrypted.
        wrapped_keys: &'a [u8],
    },
    /// Variation 7: what went wrong.
    Error {
        /// Challenge or key change sequence number of the message that was wrong.
        sequence: u32,
        /// The user that it named.
        user: u16,
        /// The association between the two stations.
        association: u16,
        /// What went wrong.
        code: AuthError,
        /// When, in milliseconds since the beginning of 1970.
        time_ms: u64,
        /// The same in words.
        text: &'a [u8],
    },
    /// Variation 8: a user's certificate.
    Certificate {
        /// How update keys are changed.
        method: KeyChangeMethod,
        /// What it certifies.
        certificate_type: CertificateType,
        /// The certificate.
        certificate: &'a [u8],
    },
    /// Variation 9: the proof of an aggressive mode request.
    Mac {
        /// Message authentication code.
        mac: &'a [u8],
    },
    /// Variation 10: the authority adds, changes or removes a user.
    UserStatusChange {
        /// How update keys are changed.
        method: KeyChangeMethod,
        /// What becomes of the user.
        operation: UserOperation,
        /// Status change sequence number.
        sequence: u32,
        /// What the user may do.
        role: UserRole,
        /// Days until the role expires.
        role_expiry_days: u16,
        /// The user's name.
        user_name: &'a [u8],
        /// The user's public key.
        public_key: &'a [u8],
        /// What the authority certifies it with.
        certification: &'a [u8],
    },
    /// Variation 11: a request to change a user's update key.
    UpdateKeyChangeRequest {
        /// How it is to be changed.
        method: KeyChangeMethod,
        /// The user's name.
        user_name: &'a [u8],
        /// The master's random data.
        challenge: &'a [u8],
    },
    /// Variation 12: the answer.
    UpdateKeyChangeReply {
        /// Key change sequence number.
        sequence: u32,
        /// The user's number.
        user: u16,
        /// The outstation's random data.
        challenge: &'a [u8],
    },
    /// Variation 13: the new update key.
    UpdateKeyChange {
        /// Key change sequence number.
        sequence: u32,
        /// The user's number.
        user: u16,
        /// The key, encrypted.
        encrypted_key: &'a [u8],
    },
    /// Variation 14: proof of variation 13, by asymmetric methods.
    UpdateKeyChangeSignature {
        /// Digital signature.
        signature: &'a [u8],
    },
    /// Variation 15: proof of variation 13, by symmetric methods.
    UpdateKeyChangeConfirmation {
        /// Message authentication code.
        mac: &'a [u8],
    },
}

codes! {
    /// How a message authentication code is computed: the hash, and to how many octets it is cut.
    MacAlgorithm(u8):
    0 NONE;
    1 HMAC_SHA_1_4;
    2 HMAC_SHA_1_10;
    3 HMAC_SHA_256_8;
    4 HMAC_SHA_256_16;
    5 HMAC_SHA_1_8;
    6 AES_GMAC_12;
}

codes! {
    /// Why a message was challenged.
    ChallengeReason(u8):
    1 CRITICAL;
}

codes! {
    /// How session keys are encrypted.
    KeyWrapAlgorithm(u8):
    1 AES_128;
    2 AES_256;
}

codes! {
    /// Whether session keys are valid.
    KeyStatus(u8):
    1 OK;
    2 NOT_INIT;
    3 COMM_FAIL;
    4 AUTH_FAIL;
}

codes! {
    /// What went wrong with authentication.
    AuthError(u8):
    1 AUTHENTICATION_FAILED;
    2 UNEXPECTED_RESPONSE;
    3 NO_RESPONSE;
    4 AGGRESSIVE_MODE_NOT_SUPPORTED;
    5 MAC_ALGORITHM_NOT_SUPPORTED;
    6 KEY_WRAP_ALGORITHM_NOT_SUPPORTED;
    7 AUTHORIZATION_FAILED;
    8 UPDATE_KEY_CHANGE_METHOD_NOT_PERMITTED;
    9 INVALID_SIGNATURE;
    10 INVALID_CERTIFICATION_DATA;
    11 UNKNOWN_USER;
    12 MAX_SESSION_KEY_STATUS_REQUESTS_EXCEEDED;
}

codes! {
    /// How update keys are changed: how the key is encrypted, signed and confirmed.
    KeyChangeMethod(u8):
    3 AES_128_SHA_1_HMAC;
    4 AES_256_SHA_256_HMAC;
    5 AES_256_AES_GMAC;
    67 RSA_1024_DSA_SHA_1_SHA_1_HMAC;
    68 RSA_2048_DSA_SHA_256_SHA_256_HMAC;
    69 RSA_3072_DSA_SHA_256_SHA_256_HMAC;
    70 RSA_2048_DSA_SHA_256_AES_GMAC;
    71 RSA_3072_DSA_SHA_256_AES_GMAC;
}

codes! {
    /// What a certificate certifies.
    CertificateType(u8):
    1 ID_CERTIFICATE;
    2 ATTRIBUTE_CERTIFICATE;
}

codes! {
    /// What becomes of a user.
    UserOperation(u8):
    1 ADD;
    2 DELETE;
    3 CHANGE;
}

codes! {
    /// What a user may do.
    UserRole(u16):
    0 VIEWER;
    1 OPERATOR;
    2 ENGINEER;
    3 INSTALLER;
    4 SECADM;
    5 SECAUD;
    6 RBACMNT;
    32768 SINGLE_USER;
}

/// What a security statistic (groups 121 and 122) counts, by its index.
pub fn security_statistic(index: u32) -> Option<&'static str> {
    SECURITY_STATISTICS.get(usize::try_from(index).ok()?).copied()
}

const SECURITY_STATISTICS: [&str; 18] = [
    "unexpected messages",
    "authorization failures",
    "authentication failures",
    "reply timeouts",
    "rekeys due to authentication failure",
    "total messages sent",
    "total messages received",
    "critical messages sent",
    "critical messages received",
    "discarded messages",
    "error messages sent",
    "error messages received",
    "successful authentications",
    "session key changes",
    "failed session key changes",
    "update key changes",
    "failed update key changes",
    "rekeys due to restarts",
];

const CSQ: &str = "challenge sequence number";
const KSQ: &str = "key change sequence number";
const USER: &str = "user number";
const METHOD: &str = "key change method";

pub(super) fn challenge(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    Ok(Value::Auth(AuthObject::Challenge {
        sequence: fields.u32(CSQ)?,
        user: fields.u16(USER)?,
        mac_algorithm: MacAlgorithm(fields.u8("MAC algorithm")?),
        reason: ChallengeReason(fields.u8("reason for challenge")?),
        challenge: fields.rest(),
    }))
}

pub(super) fn reply(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let (sequence, user) = (fields.u32(CSQ)?, fields.u16(USER)?);
    Ok(Value::Auth(AuthObject::Reply { sequence, user, mac: fields.rest() }))
}

pub(super) fn aggressive_mode_request(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let (sequence, user) = (fields.u32(CSQ)?, fields.u16(USER)?);
    fields.end()?;
    Ok(Value::Auth(AuthObject::AggressiveModeRequest { sequence, user }))
}

pub(super) fn key_status_request(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let user = fields.u16(USER)?;
    fields.end()?;
    Ok(Value::Auth(AuthObject::KeyStatusRequest { user }))
}

pub(super) fn key_status(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let (sequence, user) = (fields.u32(KSQ)?, fields.u16(USER)?);
    let key_wrap_algorithm = KeyWrapAlgorithm(fields.u8("key wrap algorithm")?);
    let key_status = KeyStatus(fields.u8("key status")?);
    let mac_algorithm = MacAlgorithm(fields.u8("MAC algorithm")?);
    let challenge_len = fields.u16("challenge data length")?;
    let challenge = fields.take("challenge data", challenge_len.into())?;
    let mac = fields.rest();
    Ok(Value::Auth(AuthObject::KeyStatus {
        sequence,
        user,
        key_wrap_algorithm,
        key_status,
        mac_algorithm,
        challenge,
        mac,
    }))
}

pub(super) fn key_change(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let (sequence, user) = (fields.u32(KSQ)?, fields.u16(USER)?);
    Ok(Value::Auth(AuthObject::KeyChange { sequence, user, wrapped_keys: fields.rest() }))
}

pub(super) fn error(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    Ok(Value::Auth(AuthObject::Error {
        sequence: fields.u32("sequence number")?,
        user: fields.u16(USER)?,
        association: fields.u16("association identifier")?,
        code: AuthError(fields.u8("error code")?),
        time_ms: fields.time("time of error")?,
        text: fields.rest(),
    }))
}

pub(super) fn certificate(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    Ok(Value::Auth(AuthObject::Certificate {
        method: KeyChangeMethod(fields.u8(METHOD)?),
        certificate_type: CertificateType(fields.u8("certificate type")?),
        certificate: fields.rest(),
    }))
}

#[expect(clippy::unnecessary_wraps, reason = "the table calls all alike")]
pub(super) const fn mac(object: &[u8]) -> Result<Value<'_>, Misfit> {
    Ok(Value::Auth(AuthObject::Mac { mac: object }))
}

pub(super) fn user_status_change(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let method = KeyChangeMethod(fields.u8(METHOD)?);
    let operation = UserOperation(fields.u8("operation")?);
    let sequence = fields.u32("status change sequence number")?;
    let role = UserRole(fields.u16("user role")?);
    let role_expiry_days = fields.u16("user role expiry interval")?;
    let name_len = fields.u16("user name length")?;
    let key_len = fields.u16("user public key length")?;
    let certification_len = fields.u16("certification data length")?;
    let user_name = fields.take("user name", name_len.into())?;
    let public_key = fields.take("user public key", key_len.into())?;
    let certification = fields.take("certification data", certification_len.into())?;
    fields.end()?;
    Ok(Value::Auth(AuthObject::UserStatusChange {
        method,
        operation,
        sequence,
        role,
        role_expiry_days,
        user_name,
        public_key,
        certification,
    }))
}

pub(super) fn update_key_change_request(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let method = KeyChangeMethod(fields.u8(METHOD)?);
    let name_len = fields.u16("user name length")?;
    let challenge_len = fields.u16("challenge data length")?;
    let user_name = fields.take("user name", name_len.into())?;
    let challenge = fields.take("challenge data", challenge_len.into())?;
    fields.end()?;
    Ok(Value::Auth(AuthObject::UpdateKeyChangeRequest { method, user_name, challenge }))
}

pub(super) fn update_key_change_reply(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let (sequence, user) = (fields.u32(KSQ)?, fields.u16(USER)?);
    let len = fields.u16("challenge data length")?;
    let challenge = fields.take("challenge data", len.into())?;
    fields.end()?;
    Ok(Value::Auth(AuthObject::UpdateKeyChangeReply { sequence, user, challenge }))
}

pub(super) fn update_key_change(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let (sequence, user) = (fields.u32(KSQ)?, fields.u16(USER)?);
    let len = fields.u16("encrypted update key length")?;
    let encrypted_key = fields.take("encrypted update key", len.into())?;
    fields.end()?;
    Ok(Value::Auth(AuthObject::UpdateKeyChange { sequence, user, encrypted_key }))
}

#[expect(clippy::unnecessary_wraps, reason = "the table calls all alike")]
pub(super) const fn update_key_change_signature(object: &[u8]) -> Result<Value<'_>, Misfit> {
    Ok(Value::Auth(AuthObject::UpdateKeyChangeSignature { signature: object }))
}

#[expect(clippy::unnecessary_wraps, reason = "the table calls all alike")]
pub(super) const fn update_key_change_confirmation(object: &[u8]) -> Result<Value<'_>, Misfit> {
    Ok(Value::Auth(AuthObject::UpdateKeyChangeConfirmation { mac: object }))
}
