//! What no honest client sends: each thing is refused for what it is, and meanwhile the sensor watches on.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::client::{ADDRESS, SECOND, exchange, packed, post, status};
use super::{SKEWED, Scene, traces};

/// Short enough to be waited for.
const LIMITS: &str = "[intents.limits]\nhead_s = 2\nbody_s = 2\nper_second = 200\n";
const IN_JSON: &str = "Content-Type: application/json\r\n";
const IN_PROTOBUF: &str = "Content-Type: application/x-protobuf\r\n";
const PACKED: &str = "Content-Type: application/x-protobuf\r\nContent-Encoding: gzip\r\n";
const IN_LINES: &str = "Content-Type: text/plain\r\n";
/// So much more memory than before may be in use at the end: allocators keep what was free for a moment.
const MOST_GROWTH: f64 = 48.0 * 1024.0 * 1024.0;
const MIB: usize = 1 << 20;

/// A request, the status that it is answered with, and what it is counted as.
type Case = (&'static str, Vec<u8>, u16, &'static str);

fn cases() -> Vec<Case> {
    let chunked = |body: &[u8]| {
        let head = format!("POST /v1/traces HTTP/1.1\r\nHost: sensor\r\nTransfer-Encoding: chunked\r\n{IN_JSON}\r\n");
        [head.into_bytes(), format!("{:x}\r\n", body.len()).into_bytes(), body.to_vec(), b"\r\n0\r\n\r\n".to_vec()]
            .concat()
    };
    let deep = |open: &str, close: &str| {
        let value = format!("{}{}", open.repeat(20_000), close.repeat(20_000));
        format!(r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"a","value":{value}}}]}}}}]}}"#).into_bytes()
    };
    let empty_spans = [&[0x0a, 0x80, 0x80, 0x30, 0x12, 0xfc, 0xff, 0x2f][..], &[0x12, 0].repeat(393_214)].concat();
    let values = (0..200).fold(Vec::new(), |inner, depth| within(if depth % 2 == 0 { 0x0a } else { 0x2a }, &inner));
    let nested = [0x12, 0x4a, 0x12, 0x12, 0x0a].into_iter().fold(values, |inner, tag| within(tag, &inner));
    vec![
        ("larger than may be", post("/v1/traces", IN_JSON, &vec![b' '; 2 * MIB]), 413, "too-large"),
        ("larger than may be, in chunks", chunked(&vec![b' '; 2 * MIB]), 413, "too-large"),
        ("larger unpacked", post("/v1/traces", PACKED, &packed(&vec![0; 64 * MIB])), 413, "too-large"),
        (
            "intents larger unpacked",
            post("/v1/intents", "Content-Encoding: gzip\r\n", &packed(&vec![b'\n'; 64 * MIB])),
            413,
            "too-large",
        ),
        ("deep arrays", post("/v1/traces", IN_JSON, &deep(r#"{"arrayValue":{"values":["#, "]}}")), 400, "malformed"),
        ("deep brackets", post("/v1/traces", IN_JSON, &deep("[", "]")), 400, "malformed"),
        ("no JSON", post("/v1/traces", IN_JSON, b"{\"resourceSpans\":[{]}"), 400, "malformed"),
        ("a million empty spans", post("/v1/traces", IN_PROTOBUF, &empty_spans), 400, "malformed"),
        ("no protobuf", post("/v1/traces", IN_PROTOBUF, &[0xff; 1_000]), 400, "malformed"),
        ("protobuf that ends early", post("/v1/traces", IN_PROTOBUF, &[0x0a, 0x7f, 0x12]), 400, "malformed"),
        ("messages in messages", post("/v1/traces", IN_PROTOBUF, &nested), 400, "malformed"),
        ("no gzip", post("/v1/traces", PACKED, b"\x1f\x8b\x08\x00nonsense"), 400, "malformed"),
        ("gzip that ends early", post("/v1/traces", PACKED, &packed(&[0; 1_000])[..15]), 400, "malformed"),
        (
            "another packing",
            post("/v1/traces", "Content-Type: application/json\r\nContent-Encoding: br\r\n", b"{}"),
            415,
            "unsupported",
        ),
        ("another type", post("/v1/traces", "Content-Type: text/html\r\n", b"{}"), 415, "unsupported"),
        ("no type", post("/v1/traces", "", b"{}"), 415, "unsupported"),
        (
            "gRPC that says it is something else",
            post("/opentelemetry.proto.collector.trace.v1.TraceService/Export", IN_JSON, b"{}"),
            415,
            "unsupported",
        ),
        ("nothing that is there", post("/v1/logs", IN_JSON, b"{}"), 404, "not-found"),
        (
            "a question",
            b"GET /v1/traces HTTP/1.1\r\nHost: sensor\r\nConnection: close\r\n\r\n".to_vec(),
            405,
            "not-allowed",
        ),
        (
            "nonsense for intents",
            post("/v1/intents", IN_LINES, &b"eyJhbGciOiJub25lIn0.e30.\n".repeat(1_000)),
            400,
            "malformed",
        ),
        ("a line without end", post("/v1/intents", IN_LINES, &vec![b'a'; MIB - 1]), 400, "malformed"),
        (
            "a body that does not come",
            post("/v1/traces", IN_JSON, b"{}").strip_suffix(b"}").expect("it ends so").to_vec(),
            408,
            "too-slow",
        ),
    ]
}

/// A field of protobuf that holds a message.
fn within(tag: u8, inner: &[u8]) -> Vec<u8> {
    let len = inner.len() as u16;
    [&[tag, len as u8 | 0x80, (len >> 7) as u8][..], inner].concat()
}

#[test]
fn whoever_sends_what_he_should_not_is_refused_and_holds_nobody_up() {
    let Some(mut scene) = Scene::start("hostile", SKEWED, LIMITS, |_| ()) else { return };
    let answer = scene.ask(&post("/v1/traces", IN_JSON, &traces(8, 1)));
    assert_eq!(status(&answer), 200, "{answer}");
    scene.act(8);
    scene.is_watched();
    let memory = || scene.metric("process_resident_memory_bytes");
    let descriptors = || scene.metric("process_open_fds");
    let before = [memory(), descriptors()];
    for (name, request, expected, outcome) in cases() {
        let counted = || scene.metric(&format!("tagout_intents_requests_total{{outcome=\"{outcome}\"}}"));
        let known = counted();
        let answer = scene.ask(&request);
        assert_eq!(status(&answer), expected, "{name}: {answer}");
        assert_eq!(counted(), known + 1.0, "{name} is counted as {outcome}");
    }
    half_open(&scene);
    slow_heads(&scene);
    no_http(&scene);
    flood(&scene);
    scene.wait_until("all are gone", || scene.metric("tagout_intents_connections") == 0.0);
    let [memory, descriptors] = [memory(), descriptors()];
    assert!(memory < before[0] + MOST_GROWTH, "{} bytes more", memory - before[0]);
    assert_eq!(descriptors, before[1]);
    scene.is_watched();
    let answer = scene.ask(&post("/v1/traces", IN_JSON, &traces(11, 2)));
    assert_eq!(status(&answer), 200, "{answer}");
    scene.sensor.stop();
}

fn turned_away(scene: &Scene, why: &str) -> f64 {
    scene.metric(&format!("tagout_intents_connections_refused_total{{reason=\"{why}\"}}"))
}

/// Connections on which nothing comes, by the hundred: few are kept, and these not for long.
fn half_open(scene: &Scene) {
    let before = turned_away(scene, "too-many") + turned_away(scene, "silent");
    let open = scene.mirror.in_sensor(|| {
        let connect = |place: usize| TcpStream::connect(if place.is_multiple_of(2) { ADDRESS } else { SECOND });
        (0..300).map(|place| connect(place).expect("somebody listens")).collect::<Vec<_>>()
    });
    let kept = scene.metric("tagout_intents_connections");
    assert!(kept <= 8.0, "{kept} of a peer are kept");
    scene.wait_until("300 are turned away", || {
        turned_away(scene, "too-many") + turned_away(scene, "silent") >= before + 300.0
    });
    drop(open);
}

/// Heads that come octet by octet do not come in time.
fn slow_heads(scene: &Scene) {
    let before = turned_away(scene, "silent");
    let took = scene.mirror.in_sensor(|| {
        let began = Instant::now();
        let mut stream = TcpStream::connect(ADDRESS).expect("somebody listens");
        while stream.write_all(b"P").is_ok() && began.elapsed() < Duration::from_secs(15) {
            std::thread::sleep(Duration::from_millis(50));
        }
        began.elapsed()
    });
    assert!(took < Duration::from_secs(10), "after {took:?}");
    scene.wait_until("it is counted", || turned_away(scene, "silent") > before);
}

/// What is no HTTP, heads without end, and HTTP/2 that breaks its rules.
fn no_http(scene: &Scene) {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let ping: &[u8] = b"\0\0\x08\x06\0\0\0\0\0abcdefgh";
    let head: &[u8] = b"\0\0\x01\x01\x04\0\0\0\x01\x82";
    let reset: &[u8] = b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x08";
    let endless: &[u8] = b"\0\0\x01\x01\x00\0\0\0\x01\x82";
    let more: &[u8] = b"\0\x40\0\x09\0\0\0\0\x01";
    let all = [
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03nonsense\r\n\r\n".to_vec(),
        format!("POST /v1/traces HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(10_000)).into_bytes(),
        format!("POST /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000)).into_bytes(),
        [PREFACE, &[0xff; 1_000]].concat(),
        [PREFACE, &ping.repeat(20_000)].concat(),
        [PREFACE, &[head, reset].concat().repeat(20_000)].concat(),
        [PREFACE, endless, &[more, &vec![0x10; 0x4000]].concat().repeat(100)].concat(),
    ];
    for (number, request) in all.iter().enumerate() {
        let answer = scene.ask(request);
        assert_ne!(status(&answer), 200, "{number}");
        assert_eq!(status(&scene.ask(&post("/v1/intents", "", b""))), 200, "others are answered after {number}");
    }
}

/// More requests than a peer may send.
fn flood(scene: &Scene) {
    let statuses: Vec<u16> = scene.mirror.in_sensor(|| {
        let mut stream = TcpStream::connect(ADDRESS).expect("somebody listens");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        let request = b"POST /v1/intents HTTP/1.1\r\nHost: sensor\r\nContent-Length: 0\r\n\r\n";
        let mut statuses = Vec::new();
        let mut answer = [0; 4_096];
        for _ in 0..1_000 {
            stream.write_all(request).expect("it is taken");
            let len = stream.read(&mut answer).expect("an answer");
            statuses.push(status(&String::from_utf8_lossy(&answer[..len])));
        }
        statuses
    });
    let of = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
    assert!(of(200) >= 100 && of(429) > 0 && of(200) + of(429) == 1_000, "{} taken, {} refused", of(200), of(429));
    let later = || scene.mirror.in_sensor(|| status(&exchange(ADDRESS, &post("/v1/intents", "", b""))));
    scene.wait_until("the peer may send again", || later() == 200);
}
