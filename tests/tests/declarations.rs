//! Signed intents: which are taken, which are refused and why, and that others who sign and check agree.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signer as _, SigningKey};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tagout::intent::jws::{self, Form, MOST_BYTES};
use tagout::intent::{Claims, Instant, Key, Keys, Refusal, Verified};
use tagout_core::Timestamp;
use tagout_tests::binary;

#[path = "../../docs/guide/examples/intent.rs"]
#[expect(unreachable_pub, reason = "it stands in the guide as part of no crate")]
mod client;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    header: Option<String>,
    #[serde(default)]
    protected: Option<String>,
    #[serde(default)]
    claims: Option<String>,
    #[serde(default)]
    payload: Option<String>,
    refused: String,
}

fn secret(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn at(text: &str) -> Timestamp {
    text.parse::<Instant>().expect("a time").0
}

fn noon() -> Timestamp {
    at("2026-01-15T12:00:00Z")
}

fn key(id: &str, seed: u8) -> Key {
    Key {
        id: id.to_owned(),
        public: secret(seed).verifying_key(),
        actors: vec!["scheduler".to_owned()],
        approver: None,
        not_before: at("2026-01-01T00:00:00Z"),
        expires: at("2027-01-01T00:00:00Z"),
        revoked: None,
    }
}

fn keys() -> Keys {
    Keys::new(vec![key("own", 1), Key { approver: Some("ada".to_owned()), ..key("ada-1", 2) }], 1_000)
}

fn header() -> Value {
    json!({"alg": "EdDSA", "kid": "own", "typ": "tagout-intent+jwt"})
}

fn claims() -> Value {
    json!({"id": "one", "actor": "scheduler", "not_before": "2026-01-01T00:00:00Z", "expires": "2026-02-01T00:00:00Z"})
}

/// An object with members of another in it.
fn with(mut base: Value, more: Option<&str>) -> String {
    let more: Map<String, Value> = more.map_or_else(Map::new, |more| serde_json::from_str(more).expect("an object"));
    base.as_object_mut().expect("an object").extend(more);
    base.to_string()
}

fn signed(protected: &str, payload: &str, secret: &SigningKey) -> String {
    let [protected, payload] = [protected, payload].map(|part| Base64UrlUnpadded::encode_string(part.as_bytes()));
    let input = format!("{protected}.{payload}");
    let signature = Base64UrlUnpadded::encode_string(&secret.sign(input.as_bytes()).to_bytes());
    format!("{input}.{signature}")
}

fn good() -> String {
    signed(&header().to_string(), &claims().to_string(), &secret(1))
}

fn refusal(text: &str) -> Refusal {
    keys().verify(text.as_bytes(), noon()).expect_err("it is refused")
}

#[test]
fn what_is_wrong_is_refused_in_words() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/declarations/refusals.toml");
    let Cases { cases } = toml::from_str(&std::fs::read_to_string(file).expect("a file")).expect("cases");
    for case in cases {
        let protected = case.protected.unwrap_or_else(|| with(header(), case.header.as_deref()));
        let payload = case.payload.unwrap_or_else(|| with(claims(), case.claims.as_deref()));
        let said = refusal(&signed(&protected, &payload, &secret(1))).to_string();
        assert!(said.contains(&case.refused), "{}: {said}", case.name);
    }
}

#[test]
fn a_signed_intent_is_taken_in_both_forms_and_under_both_names_of_the_algorithm() {
    let verified = keys().verify(good().as_bytes(), noon()).expect("it is good");
    assert_eq!((verified.key.as_str(), verified.claims.id.as_str()), ("own", "one"));
    let other =
        signed(&with(header(), Some(r#"{"alg": "Ed25519", "x5t": "ignored"}"#)), &claims().to_string(), &secret(1));
    let parts: Vec<&str> = other.split('.').collect();
    let flattened = json!({"protected": parts[0], "payload": parts[1], "signature": parts[2]}).to_string();
    for text in [&other, &flattened, &format!("  {other}\r\n")] {
        assert_eq!(keys().verify(text.as_bytes(), noon()).as_ref(), Ok(&verified));
    }
    let approved = jws::sign(&verified.claims, &secret(2), "ada-1", Form::Compact);
    let approved = keys().verify(approved.as_bytes(), noon()).expect("it is good");
    assert_eq!(approved.approver.as_deref(), Some("ada"));
}

#[test]
fn what_is_no_signed_object_is_malformed() {
    let good = good();
    let parts: Vec<&str> = good.split('.').collect();
    let flattened = |more: &str| {
        format!(r#"{{"protected": {:?}, "payload": {:?}, "signature": {:?}{more}}}"#, parts[0], parts[1], parts[2])
    };
    for text in [
        String::new(),
        "{}".to_owned(),
        "..".to_owned(),
        parts[..2].join("."),
        format!("{good}."),
        format!("{good}="),
        format!("{}+.{}.{}", parts[0], parts[1], parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], &parts[2][..40]),
        flattened(r#", "header": {"kid": "ada-1"}"#),
        flattened(r#", "signatures": []"#),
        flattened(r#", "payload": "e30""#),
        format!("[{good:?}]"),
    ] {
        assert!(matches!(refusal(&text), Refusal::Malformed(_)), "{text}: {:?}", refusal(&text));
    }
}

#[test]
fn a_signature_is_of_one_key_and_one_text() {
    let other = signed(&header().to_string(), &claims().to_string(), &secret(2));
    assert_eq!(refusal(&other), Refusal::BadSignature("own".to_owned()));
    // Claims that nobody signed are not looked at: whatever they are, it is the signature that is wrong.
    let forged = signed(&header().to_string(), "no claims", &secret(3));
    assert_eq!(refusal(&forged), Refusal::BadSignature("own".to_owned()));
    // A point of small order would agree with many texts.
    let weak =
        Key { public: ed25519_dalek::VerifyingKey::from_bytes(&small_order()).expect("a point"), ..key("own", 1) };
    let mut zero = good().rsplit_once('.').expect("parts").0.to_owned();
    zero.push('.');
    zero += &Base64UrlUnpadded::encode_string(&[small_order(), [0; 32]].concat());
    let said = Keys::new(vec![weak], 0).verify(zero.as_bytes(), noon());
    assert_eq!(said, Err(Refusal::BadSignature("own".to_owned())));
}

/// The neutral element of the curve.
fn small_order() -> [u8; 32] {
    let mut point = [0; 32];
    point[0] = 1;
    point
}

#[test]
fn a_key_counts_while_it_is_valid_and_not_revoked() {
    let of = |change: fn(&mut Key)| {
        let mut key = key("own", 1);
        change(&mut key);
        Keys::new(vec![key], 0).verify(good().as_bytes(), noon())
    };
    assert!(of(|key| key.revoked = Some(at("2026-01-15T12:00:01Z"))).is_ok());
    assert!(matches!(of(|key| key.revoked = Some(noon())), Err(Refusal::Revoked { .. })));
    assert!(of(|key| key.not_before = noon()).is_ok());
    assert!(matches!(of(|key| key.expires = noon()), Err(Refusal::KeyNotValid { .. })));
    assert!(matches!(of(|key| key.not_before = at("2026-01-16T00:00:00Z")), Err(Refusal::KeyNotValid { .. })));
}

#[test]
fn clocks_may_be_off_by_the_skew() {
    let ends =
        signed(&header().to_string(), &with(claims(), Some(r#"{"expires": "2026-01-15T11:59:59.5Z"}"#)), &secret(1));
    assert!(keys().verify(ends.as_bytes(), noon()).is_ok());
    assert!(matches!(keys().verify(ends.as_bytes(), noon().plus_ms(500)), Err(Refusal::Expired { .. })));
}

#[test]
fn length_is_bounded() {
    let long = with(claims(), Some(&json!({"reason": "x".repeat(MOST_BYTES)}).to_string()));
    let long = signed(&header().to_string(), &long, &secret(1));
    assert_eq!(refusal(&long), Refusal::TooLong(long.len()));
}

/// A million intents of 700 octets, read with 300 MiB of memory at most; every thousandth is good.
#[test]
fn a_million_intents_take_no_memory() {
    let site = Site::new();
    let limited = "ulimit -v 307200; exec \"$0\" intent verify - --policy policy.toml --at 2026-01-15T12:00:00Z";
    let mut command = Command::new("sh");
    command.args(["-c", limited]).arg(binary::tagout()).current_dir(site.folder.path());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a shell");
    let mut input = child.stdin.take().expect("a pipe");
    let thousand = format!("{}\n", "~".repeat(700)).repeat(999)
        + &signed(&header().to_string(), &claims().to_string(), &site.secret)
        + "\n";
    let flood = std::thread::spawn(move || (0..1_000).try_for_each(|_| input.write_all(thousand.as_bytes())));
    let output = child.wait_with_output().expect("it ends");
    assert!(flood.join().expect("no panic").is_ok(), "it reads to the end");
    assert_eq!(output.status.code(), Some(1), "there are findings");
    assert_eq!(output.stdout.split(|octet| *octet == b'\n').filter(|line| !line.is_empty()).count(), 1_000);
}

proptest! {
    #[test]
    fn whatever_is_signed_comes_back(claims in any_claims(), flattened: bool) {
        let form = if flattened { Form::Flattened } else { Form::Compact };
        let text = jws::sign(&claims, &secret(1), "own", form);
        let verified = keys().verify(text.as_bytes(), noon());
        prop_assert_eq!(verified, Ok(Verified { key: "own".to_owned(), approver: None, claims }));
    }

    #[test]
    fn no_octet_may_change(place: prop::sample::Index, octet: u8) {
        let good = good();
        let mut text = good.clone().into_bytes();
        let place = place.index(text.len());
        text[place] = octet;
        // The last digit of a signature has bits that say nothing; base64url that is strict refuses others than 0 there.
        prop_assert!(text == good.as_bytes() || keys().verify(&text, noon()).is_err());
    }
}

fn any_claims() -> impl Strategy<Value = Claims> {
    let value = prop_oneof![
        Just(json!({})),
        prop::num::f64::NORMAL.prop_map(|value| json!({"value": value})),
        (-1e9..0.0, 0.0..1e9).prop_map(|(least, most)| json!({"range": [least, most]})),
        any::<(u16, u16)>().prop_map(|(and, or)| json!({"mask": {"and": and, "or": or}})),
    ];
    let targets = prop_oneof![
        prop::collection::vec("[a-z]{1,20}", 1..8).prop_map(|points| json!({"device": "plc1", "points": points})),
        (any::<u16>(), 1_u16..100).prop_map(
            |(address, quantity)| json!({"raw": [{"space": "coil", "address": address, "quantity": quantity}]})
        ),
    ];
    let rest = ("[^\\p{Cc}]{1,40}", 1..u32::MAX, any::<u32>(), any::<bool>());
    (value, targets, rest).prop_map(|(value, targets, (id, count, pace, operates))| {
        let rest =
            json!({"id": id, "count": count, "pace_ms": pace, "operation": if operates { "operate" } else { "write" }});
        let mut all = claims();
        for part in [value, targets, rest] {
            all.as_object_mut().expect("an object").extend(part.as_object().expect("an object").clone());
        }
        Claims::read(all.to_string().as_bytes()).expect("claims")
    })
}

/// A site: a key as the command makes it, and a policy that believes it.
struct Site {
    folder: tempfile::TempDir,
    secret: SigningKey,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let tagout = |args: &[&str]| run(Command::new(binary::tagout()).args(args).current_dir(folder.path()), "");
        tagout(&["key", "new", "-o", "scheduler"]).expect("a key");
        let shown = tagout(&["key", "show", "scheduler.pub"]).expect("a key");
        let secret = tagout::gateway::secret(&folder.path().join("scheduler.key")).expect("a key");
        let site = Self { folder, secret };
        site.write("policy.toml", &policy(shown.trim()));
        site.write("claims.json", &claims().to_string());
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    fn tagout(&self, args: &[&str], input: &str) -> Result<String, String> {
        run(Command::new(binary::tagout()).args(args).current_dir(self.folder.path()), input)
    }

    /// The claims of signed intents, one a line, as tagout takes them.
    fn verify(&self, text: &str) -> Result<Vec<Value>, String> {
        let said =
            self.tagout(&["intent", "verify", "-", "--policy", "policy.toml", "--at", "2026-01-15T12:00:00Z"], text)?;
        Ok(said.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["claims"].take()).collect())
    }
}

fn policy(public: &str) -> String {
    format!(
        "[actors.scheduler]\nkind = \"ai-agent\"\nip = \"192.0.2.1\"\nintents = \"required\"\n\n\
         [[intents.keys]]\nid = \"own\"\npublic = \"{public}\"\nactors = \"scheduler\"\n"
    )
}

/// What a command prints, or what it says of its failure.
fn run(command: &mut Command, input: &str) -> Result<String, String> {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it can be run");
    let written = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = |octets: Vec<u8>| String::from_utf8(octets).expect("text");
    match output.status.success() {
        true => written.map(|()| text(output.stdout)).map_err(|error| error.to_string()),
        false => Err(text(output.stderr)),
    }
}

#[test]
fn the_command_signs_and_verifies() {
    let site = Site::new();
    for form in [&[][..], &["--json"]] {
        let args = [&["intent", "sign", "claims.json", "--key", "scheduler.key", "--key-id", "own"], form].concat();
        let text = site.tagout(&args, "").expect("it signs");
        assert_eq!(site.verify(&text), Ok(vec![claims()]));
    }
    let good = signed(&header().to_string(), &claims().to_string(), &site.secret);
    let said = site.verify(&format!("{good}\n\nnothing\n")).expect_err("a line is refused");
    assert!(said.starts_with("-:3: "), "{said}");
    site.write("claims.json", "{\n  \"id\": 1}");
    let said = site.tagout(&["intent", "sign", "claims.json", "--key", "scheduler.key", "--key-id", "own"], "");
    let said = said.expect_err("it is wrong");
    assert!(said.contains("claims.json: invalid type: integer `1`, expected a string at line 2"), "{said}");
}

#[test]
fn the_client_in_rust_signs_what_is_taken() {
    assert_eq!(
        keys().verify(client::sign(&claims(), &secret(1), "own").as_bytes(), noon()).expect("it is good").key,
        "own"
    );
}

#[test]
fn another_implementation_agrees() {
    let root = binary::workspace();
    let python = root.join(".venv/bin/python");
    if !python.exists() {
        println!("skipped: no .venv (tests/setup.sh peers)");
        return;
    }
    let site = Site::new();
    let python = |script: &str, args: &[&str], input: &str| {
        run(Command::new(&python).arg(root.join(script)).args(args).current_dir(site.folder.path()), input)
    };
    let signed = python("docs/guide/examples/intent.py", &["scheduler.key", "own"], &claims().to_string());
    assert_eq!(site.verify(&signed.expect("it signs")), Ok(vec![claims()]));
    for alg in ["EdDSA", "Ed25519"] {
        let header = with(header(), Some(&json!({"alg": alg}).to_string()));
        let signed = python("tests/peers/jose.py", &["sign-json", "scheduler.key", &header], &claims().to_string());
        assert_eq!(site.verify(&signed.expect("it signs")), Ok(vec![claims()]), "{alg}");
    }
    let claims = Claims::read(claims().to_string().as_bytes()).expect("claims");
    for form in [Form::Compact, Form::Flattened] {
        let text = jws::sign(&claims, &site.secret, "own", form);
        let read = python("tests/peers/jose.py", &["verify", "scheduler.pub"], &text).expect("it is good");
        assert_eq!(read.trim(), claims.to_json());
        assert!(python("tests/peers/jose.py", &["verify", "scheduler.pub"], &text.replacen("ey", "eY", 1)).is_err());
    }
}

#[test]
fn the_schema_takes_what_is_taken() {
    let schema: Value = serde_json::from_str(&tagout::intent::claims::schema()).expect("JSON");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let full = with(
        claims(),
        Some(
            r#"{"device": "plc1", "points": ["a"], "operation": "write", "value": 1.5, "count": 2,
        "pace_ms": 5, "reason": "why", "approver": "ada", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}"#,
        ),
    );
    for good in [claims().to_string(), full] {
        assert!(schema.is_valid(&serde_json::from_str(&good).expect("JSON")), "{good}");
        assert!(Claims::read(good.as_bytes()).is_ok());
    }
    for wrong in
        [r#"{"priority": 1}"#, r#"{"device": null}"#, r#"{"value": "1"}"#, r#"{"operation": "read"}"#, r#"{"id": ""}"#]
    {
        let wrong = with(claims(), Some(wrong));
        assert!(!schema.is_valid(&serde_json::from_str(&wrong).expect("JSON")), "{wrong}");
        assert!(Claims::read(wrong.as_bytes()).is_err());
    }
}
