//! Signs intents for tagout, with the crates `ed25519-dalek` (features `pem`, `pkcs8`), `base64ct` (`alloc`) and `serde_json`.

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};

/// The claims as a JWS in its compact form (RFC 7515, RFC 8037). Read the key with `SigningKey::read_pkcs8_pem_file`.
pub fn sign(claims: &Value, key: &SigningKey, key_id: &str) -> String {
    let header = json!({"alg": "EdDSA", "kid": key_id, "typ": "tagout-intent+jwt"});
    let encode = |part: &Value| Base64UrlUnpadded::encode_string(part.to_string().as_bytes());
    let signed = format!("{}.{}", encode(&header), encode(claims));
    let signature = key.sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", Base64UrlUnpadded::encode_string(&signature))
}
