//! JSON in a signed object: the compact form and the flattened JSON form of a JWS (RFC 7515), signed with Ed25519 (RFC 8037).

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::Deserialize;
use serde_json::{Value, json};

use super::object::{Members, Object};
use super::{Claims, Refusal};

/// Most octets of a signed intent, in either form.
pub const MOST_BYTES: usize = 8 * 1024;
/// What the header's `typ` says, so that nothing else that was signed with the same key passes for an intent (RFC 8725, 3.11).
pub const TYPE: &str = "tagout-intent+jwt";
/// Names of the one algorithm: that of RFC 8037, and the one of RFC 9864 which says which curve.
const ALGORITHMS: [&str; 2] = ["EdDSA", "Ed25519"];
/// Parameters that would bring a key along, or change what is signed.
const REFUSED: [&str; 8] = ["b64", "crit", "enc", "jku", "jwk", "x5c", "x5u", "zip"];

/// A signed object whose signature is not checked yet.
#[derive(Debug)]
pub struct Jws {
    /// Id of the key that is said to have signed it.
    pub key: String,
    signed: String,
    payload: Vec<u8>,
    signature: Signature,
}

/// How a signed object is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Three parts with dots between them (RFC 7515, section 7.1).
    Compact,
    /// A JSON object (RFC 7515, section 7.2.2).
    Flattened,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flattened {
    protected: String,
    payload: String,
    signature: String,
}

impl Jws {
    /// Reads either form.
    ///
    /// # Errors
    /// [`Refusal::TooLong`] or [`Refusal::Malformed`].
    pub fn read(text: &[u8]) -> Result<Self, Refusal> {
        let text = text.trim_ascii();
        if text.len() > MOST_BYTES {
            return Err(Refusal::TooLong(text.len()));
        }
        let Flattened { protected, payload, signature } = parts(text)?;
        let key = key_id(&decode("header", &protected)?)?;
        let signature = decode("signature", &signature)?;
        let signature = Signature::from_slice(&signature)
            .map_err(|_| malformed(format!("a signature with Ed25519 has 64 octets, this one {}", signature.len())))?;
        Ok(Self { key, signed: format!("{protected}.{payload}"), payload: decode("payload", &payload)?, signature })
    }

    /// What was signed, if this key did it.
    ///
    /// # Errors
    /// [`Refusal::BadSignature`].
    pub fn payload(&self, public: &VerifyingKey) -> Result<&[u8], Refusal> {
        match public.verify_strict(self.signed.as_bytes(), &self.signature) {
            Ok(()) => Ok(&self.payload),
            Err(_) => Err(Refusal::BadSignature(self.key.clone())),
        }
    }
}

/// Signs claims with the key of this id.
pub fn sign(claims: &Claims, secret: &SigningKey, key: &str, form: Form) -> String {
    let header = json!({"alg": ALGORITHMS[0], "kid": key, "typ": TYPE});
    let [protected, payload] =
        [header.to_string(), claims.to_json()].map(|part| Base64UrlUnpadded::encode_string(part.as_bytes()));
    let signature = signature(&format!("{protected}.{payload}"), secret);
    match form {
        Form::Compact => format!("{protected}.{payload}.{signature}"),
        Form::Flattened => json!({"protected": protected, "payload": payload, "signature": signature}).to_string(),
    }
}

fn signature(signed: &str, secret: &SigningKey) -> String {
    Base64UrlUnpadded::encode_string(&secret.sign(signed.as_bytes()).to_bytes())
}

fn parts(text: &[u8]) -> Result<Flattened, Refusal> {
    if text.starts_with(b"{") {
        let parts = serde_json::from_slice(text).map(|parts: Object<Flattened>| parts.0);
        return parts.map_err(|error| malformed(format!("no flattened JWS: {error}")));
    }
    let text = str::from_utf8(text).map_err(|_| malformed("neither a JWS in its compact form nor a JSON object"))?;
    let parts: Vec<_> = text.splitn(4, '.').map(str::to_owned).collect();
    let Ok([protected, payload, signature]) = <[String; 3]>::try_from(parts) else {
        return Err(malformed("a JWS in its compact form has three parts with dots between them"));
    };
    Ok(Flattened { protected, payload, signature })
}

fn decode(part: &str, text: &str) -> Result<Vec<u8>, Refusal> {
    Base64UrlUnpadded::decode_vec(text).map_err(|_| malformed(format!("the {part} is not base64url without padding")))
}

/// The id of the key that a header names, if it is a header that is taken.
fn key_id(header: &[u8]) -> Result<String, Refusal> {
    let header: Members =
        serde_json::from_slice(header).map_err(|error| malformed(format!("the header is wrong: {error}")))?;
    if let Some(name) = REFUSED.into_iter().find(|name| header.0.contains_key(*name)) {
        return Err(malformed(format!(
            "the header's {name:?} is not taken: keys and rules come from the policy alone"
        )));
    }
    let text = |name: &str| header.0.get(name).and_then(Value::as_str).unwrap_or_default();
    if !ALGORITHMS.contains(&text("alg")) {
        return Err(malformed(format!("the header's \"alg\" is {:?}: EdDSA or Ed25519 alone is taken", text("alg"))));
    }
    if !text("typ").eq_ignore_ascii_case(TYPE) {
        return Err(malformed(format!("the header's \"typ\" is {:?}: it must be {TYPE:?}", text("typ"))));
    }
    match text("kid") {
        "" => Err(malformed("the header lacks \"kid\", the id of the key")),
        key => Ok(key.to_owned()),
    }
}

fn malformed(what: impl Into<String>) -> Refusal {
    Refusal::Malformed(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets<const N: usize>(text: &str) -> [u8; N] {
        Base64UrlUnpadded::decode_vec(text).expect("base64url").try_into().expect("its length")
    }

    #[test]
    fn signs_as_rfc_8037_does() {
        let secret = SigningKey::from_bytes(&octets("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"));
        assert_eq!(secret.verifying_key().to_bytes(), octets("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"));
        let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let expected = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        assert_eq!(signature(signed, &secret), expected);
    }
}
