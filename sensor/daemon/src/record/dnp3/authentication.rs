use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::dnp3::objects::{AuthObject, KeyChangeMethod, MacAlgorithm};

use super::super::text::{Hex, Text};
use super::super::time::DeviceTime;
use super::{hex, text};

/// What an object of secure authentication says. Of keys and certificates it tells no more than the length.
#[derive(Serialize, JsonSchema, Default)]
pub(super) struct Authentication<'a> {
    /// Sequence number of the challenge, the key change or the user's status change.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u32>,
    /// Number of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<u16>,
    /// Name of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<Cow<'a, str>>,
    /// How message authentication codes are computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    mac_algorithm: Option<u8>,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    mac_algorithm_name: Option<&'static str>,
    /// Why the message was challenged.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<u8>,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_name: Option<&'static str>,
    /// How session keys are encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_wrap_algorithm: Option<u8>,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_wrap_algorithm_name: Option<&'static str>,
    /// Whether the session keys are valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_status: Option<u8>,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_status_name: Option<&'static str>,
    /// Random data to prove oneself with, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<Text<Hex<'a>>>,
    /// Message authentication code, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    mac: Option<Text<Hex<'a>>>,
    /// Length of the digital signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature_octets: Option<usize>,
    /// Length of the encrypted session keys, of the encrypted update key or of the user's public key.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_octets: Option<usize>,
    /// The association between the two stations.
    #[serde(skip_serializing_if = "Option::is_none")]
    association: Option<u16>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<u8>,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_name: Option<&'static str>,
    /// When it went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<DeviceTime>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    /// How update keys are changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<u8>,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    method_name: Option<&'static str>,
    /// What becomes of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<u8>,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_name: Option<&'static str>,
    /// What the user may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<u16>,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    role_name: Option<&'static str>,
    /// Days until the role expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    role_expiry_days: Option<u16>,
    /// What the certificate certifies.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_type: Option<u8>,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_type_name: Option<&'static str>,
    /// Length of the certificate or the certification data.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_octets: Option<usize>,
}

impl<'a> From<AuthObject<'a>> for Authentication<'a> {
    fn from(object: AuthObject<'a>) -> Self {
        match object {
            AuthObject::Challenge { sequence, user, mac_algorithm, reason, challenge } => Self {
                reason: Some(reason.0),
                reason_name: reason.name(),
                challenge: hex(challenge),
                ..Self::of(sequence, user).by_mac(mac_algorithm)
            },
            AuthObject::Reply { sequence, user, mac } => Self { mac: hex(mac), ..Self::of(sequence, user) },
            AuthObject::AggressiveModeRequest { sequence, user } => Self::of(sequence, user),
            AuthObject::KeyStatusRequest { user } => Self { user: Some(user), ..Self::default() },
            AuthObject::KeyStatus { sequence, user, key_wrap_algorithm, key_status, mac_algorithm, challenge, mac } => {
                Self {
                    key_wrap_algorithm: Some(key_wrap_algorithm.0),
                    key_wrap_algorithm_name: key_wrap_algorithm.name(),
                    key_status: Some(key_status.0),
                    key_status_name: key_status.name(),
                    challenge: hex(challenge),
                    mac: hex(mac),
                    ..Self::of(sequence, user).by_mac(mac_algorithm)
                }
            }
            AuthObject::KeyChange { sequence, user, wrapped_keys } => Self::of(sequence, user).with_key(wrapped_keys),
            AuthObject::Error { sequence, user, association, code, time_ms, text: words } => Self {
                association: Some(association),
                error: Some(code.0),
                error_name: code.name(),
                time: Some(DeviceTime { ms: time_ms }),
                text: text(words),
                ..Self::of(sequence, user)
            },
            AuthObject::Certificate { method, certificate_type, certificate } => Self {
                certificate_type: Some(certificate_type.0),
                certificate_type_name: certificate_type.name(),
                certificate_octets: Some(certificate.len()),
                ..Self::by_method(method)
            },
            AuthObject::UserStatusChange {
                method,
                operation,
                sequence,
                role,
                role_expiry_days,
                user_name,
                public_key,
                certification,
            } => Self {
                operation: Some(operation.0),
                operation_name: operation.name(),
                sequence: Some(sequence),
                role: Some(role.0),
                role_name: role.name(),
                role_expiry_days: Some(role_expiry_days),
                user_name: text(user_name),
                certificate_octets: Some(certification.len()),
                ..Self::by_method(method).with_key(public_key)
            },
            AuthObject::UpdateKeyChangeRequest { method, user_name, challenge } => {
                Self { user_name: text(user_name), challenge: hex(challenge), ..Self::by_method(method) }
            }
            AuthObject::UpdateKeyChangeReply { sequence, user, challenge } => {
                Self { challenge: hex(challenge), ..Self::of(sequence, user) }
            }
            AuthObject::UpdateKeyChange { sequence, user, encrypted_key } => {
                Self::of(sequence, user).with_key(encrypted_key)
            }
            AuthObject::UpdateKeyChangeSignature { signature } => {
                Self { signature_octets: Some(signature.len()), ..Self::default() }
            }
            AuthObject::Mac { mac } | AuthObject::UpdateKeyChangeConfirmation { mac } => {
                Self { mac: hex(mac), ..Self::default() }
            }
        }
    }
}

impl Authentication<'_> {
    fn of(sequence: u32, user: u16) -> Self {
        Self { sequence: Some(sequence), user: Some(user), ..Self::default() }
    }

    fn by_method(method: KeyChangeMethod) -> Self {
        Self { method: Some(method.0), method_name: method.name(), ..Self::default() }
    }

    fn by_mac(self, algorithm: MacAlgorithm) -> Self {
        Self { mac_algorithm: Some(algorithm.0), mac_algorithm_name: algorithm.name(), ..self }
    }

    fn with_key(self, key: &[u8]) -> Self {
        Self { key_octets: Some(key.len()), ..self }
    }
}
