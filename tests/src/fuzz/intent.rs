use ed25519_dalek::SigningKey;
use tagout::intent::jws::{self, Form, MOST_BYTES};
use tagout::intent::{Claims, Instant, Key, Keys, Verified};
use tagout_core::Timestamp;

use super::seeds::Seed;

/// A signed intent as it comes, and claims in JSON.
///
/// Whatever comes, it is taken or refused; what is taken as claims comes back when it is signed and verified.
pub fn intent(input: &[u8]) {
    let keys = keys();
    if let Ok(verified) = keys.verify(input, AT) {
        assert_eq!((verified.key.as_str(), verified.claims.actor.as_str()), (KEY, ACTOR));
    }
    let Ok(claims) = Claims::read(input) else { return };
    assert_eq!(Claims::read(claims.to_json().as_bytes()).as_ref(), Ok(&claims));
    let signed = jws::sign(&claims, &secret(), KEY, Form::Flattened);
    if claims.actor == ACTOR && claims.expires > Instant(AT) && claims.approver.is_none() && signed.len() <= MOST_BYTES
    {
        let verified = Verified { key: KEY.to_owned(), approver: None, claims };
        assert_eq!(keys.verify(signed.as_bytes(), AT), Ok(verified));
    }
}

const KEY: &str = "key";
const ACTOR: &str = "scheduler";
const AT: Timestamp = Timestamp(1_768_478_400_000_000_000);

fn secret() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub(super) fn keys() -> Keys {
    let key = Key {
        id: KEY.to_owned(),
        public: secret().verifying_key(),
        actors: vec![ACTOR.to_owned()],
        approver: None,
        not_before: Timestamp(0),
        expires: Timestamp(u64::MAX),
        revoked: None,
    };
    Keys::new(vec![key], 0)
}

/// Claims, and the same signed in both forms.
pub(super) fn signed() -> Vec<Seed> {
    let claims = [
        (
            "least",
            r#"{"id": "one", "actor": "scheduler", "not_before": "2026-01-01T00:00:00Z", "expires": "2026-02-01T00:00:00Z"}"#,
        ),
        (
            "points",
            r#"{"id": "two", "actor": "scheduler", "device": "plc1", "points": ["pump", "valve"], "operation": "write",
            "range": [0.5, 20], "count": 3, "pace_ms": 1000, "not_before": "2026-01-01T00:00:00+01:00",
            "expires": "2026-02-01T00:00:00.5Z", "reason": "why", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}"#,
        ),
        (
            "addresses",
            r#"{"id": "three", "actor": "scheduler", "raw": [{"space": "holding-register", "address": 10, "quantity": 2}],
            "mask": {"and": 65280, "or": 1}, "not_before": "2026-01-01T00:00:00Z", "expires": "2026-02-01T00:00:00Z"}"#,
        ),
    ];
    let seeds = claims.into_iter().flat_map(|(name, json)| {
        let claims = Claims::read(json.as_bytes()).expect("claims");
        let signed = |form| jws::sign(&claims, &secret(), KEY, form).into_bytes();
        [
            (name.to_owned(), json.as_bytes().to_vec()),
            (format!("{name}-compact"), signed(Form::Compact)),
            (format!("{name}-flattened"), signed(Form::Flattened)),
        ]
    });
    seeds.collect()
}
