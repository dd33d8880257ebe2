//! Who commands, and signs what it is going to do.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signer as _, SigningKey};
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use tagout_tests::workload::{Permitted, Workload, policy};

/// The devices of the plant are `plc0` to `plc63`.
pub(crate) const DEVICES: u64 = 64;
/// How long what is declared holds.
pub(crate) const HOLDS_S: i64 = 10;

/// Who commands.
pub(crate) struct Master(SigningKey);

impl Master {
    pub(crate) fn new() -> Self {
        Self(SigningKey::from_bytes(&[7; 32]))
    }

    /// The plant's policy, where the master has to declare.
    pub(crate) fn policy(&self) -> String {
        let plain = policy(&[Workload::Modbus, Workload::Dnp3], Permitted::NoCommandToSome);
        let asks = plain.replacen("kind = \"hmi\"\n", "kind = \"ai-agent\"\nintents = \"observed\"\n", 1);
        let public = Base64UrlUnpadded::encode_string(self.0.verifying_key().as_bytes());
        format!("{asks}\n[[intents.keys]]\nid = \"master\"\npublic = \"{public}\"\nactors = \"master\"\n")
    }

    /// The intent of this number in a line: a JWS in the compact form (RFC 7515, section 3.1).
    pub(crate) fn sign(&self, number: u64) -> String {
        let header = json!({"alg": "EdDSA", "kid": "master", "typ": "tagout-intent+jwt"});
        let [header, claims] =
            [&header, &claims(number)].map(|part| Base64UrlUnpadded::encode_string(part.to_string().as_bytes()));
        let signed = format!("{header}.{claims}");
        let signature = Base64UrlUnpadded::encode_string(&self.0.sign(signed.as_bytes()).to_bytes());
        format!("{signed}.{signature}\n")
    }
}

fn claims(number: u64) -> Value {
    let now = Timestamp::now();
    json!({
        "id": number.to_string(), "actor": "master", "device": format!("plc{}", number % DEVICES), "points": ["setpoint"],
        "operation": "write", "not_before": now.to_string(), "expires": (now + HOLDS_S.seconds()).to_string(),
    })
}
