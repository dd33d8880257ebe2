//! gRPC that is not as it should be, frame by frame of HTTP/2: each call is counted for what it is, and others are answered.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::client::{SECOND, packed, post, status};
use super::{SKEWED, Scene};

/// Short enough to be waited for.
const LIMITS: &str = "[intents.limits]\nbody_s = 2\nper_second = 200\n";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// RFC 9113, section 6.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A frame of the only stream.
fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = (payload.len() as u32).to_be_bytes();
    [&length[..], &[kind, flags, 0, 0, 0, 1], payload].concat()
}

/// Fields of a header, each as a literal that nobody remembers (RFC 7541, section 6.2.2).
fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// The head of a call of this type, packed so, with these flags.
fn head(content_type: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let usual = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", PATH),
        (":authority", "sensor"),
        ("te", "trailers"),
        ("content-type", content_type),
    ];
    frame(HEADERS, END_HEADERS, &fields(&[&usual[..], more].concat()))
}

/// A message with this flag, which says that it is so long (gRPC over HTTP/2, "Length-Prefixed-Message").
fn message(flag: u8, length: u32, octets: &[u8]) -> Vec<u8> {
    [&[flag][..], &length.to_be_bytes(), octets].concat()
}

/// Octets in frames that a receiver takes, of which the last ends the stream.
fn data(octets: &[u8]) -> Vec<u8> {
    let most = 16_384;
    let mut frames: Vec<u8> = octets.chunks(most).flat_map(|part| frame(DATA, 0, part)).collect();
    frames.extend(frame(DATA, END_STREAM, &[]));
    frames
}

/// What is sent, and what it is counted as.
fn cases() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let plain = || head("application/grpc", &[]);
    let gzip = || head("application/grpc", &[("grpc-encoding", "gzip")]);
    let bomb = packed(&vec![0; 32 << 20]);
    vec![
        ("an empty message", [plain(), data(&message(0, 0, b""))].concat(), "taken"),
        (
            "trailers behind the message",
            [
                head("application/grpc+proto", &[]),
                frame(DATA, 0, &message(0, 0, b"")),
                frame(HEADERS, END_HEADERS | END_STREAM, &fields(&[("a", "b")])),
            ]
            .concat(),
            "taken",
        ),
        ("no message", [plain(), data(b"")].concat(), "malformed"),
        ("half of a length", [plain(), data(&[0, 0, 0])].concat(), "malformed"),
        ("a length beyond what comes", [plain(), data(&message(0, 1_000, b"0123456789"))].concat(), "malformed"),
        ("a length of 4 GiB", [plain(), data(&message(0, u32::MAX, &[0; 1_000]))].concat(), "malformed"),
        ("packed without a word of how", [plain(), data(&message(1, 4, b"abcd"))].concat(), "malformed"),
        ("a flag that there is none of", [plain(), data(&message(7, 4, b"abcd"))].concat(), "malformed"),
        (
            "packed as nobody unpacks",
            [head("application/grpc", &[("grpc-encoding", "zstd")]), data(&message(1, 4, b"abcd"))].concat(),
            "malformed",
        ),
        ("no gzip", [gzip(), data(&message(1, 4, b"abcd"))].concat(), "malformed"),
        ("more unpacked than may be", [gzip(), data(&message(1, bomb.len() as u32, &bomb))].concat(), "malformed"),
        ("no protobuf", [plain(), data(&message(0, 4, &[0xff; 4]))].concat(), "malformed"),
        ("JSON in gRPC", [head("application/grpc+json", &[]), data(&message(0, 2, b"{}"))].concat(), "unsupported"),
        ("the framing of browsers", [head("application/grpc-web", &[]), data(b"")].concat(), "unsupported"),
        ("no gRPC at all", [head("application/x-protobuf", &[]), data(b"")].concat(), "unsupported"),
        ("a stream that does not end", [plain(), frame(DATA, 0, &message(0, 1_000, b"a"))].concat(), "too-slow"),
    ]
}

#[test]
fn calls_over_grpc_that_are_not_as_they_should_be_are_refused_for_what_they_are() {
    let Some(mut scene) = Scene::start("hostile-grpc", SKEWED, LIMITS, |_| ()) else { return };
    for (name, request, outcome) in cases() {
        let counted = || scene.metric(&format!("tagout_intents_requests_total{{outcome=\"{outcome}\"}}"));
        let known = counted();
        let _stream = scene.mirror.in_sensor(|| {
            let mut stream = TcpStream::connect(SECOND).expect("somebody listens");
            // Whoever is refused may be cut off before the end.
            let _ = stream.write_all(&[PREFACE, &request].concat());
            stream
        });
        scene.wait_until(name, || counted() > known);
        assert_eq!(status(&scene.ask(&post("/v1/intents", "", b""))), 200, "others are answered after {name}");
    }
    dribble(&scene);
    scene.is_watched();
    scene.sensor.stop();
}

/// A stream on which a little comes again and again, and no end.
fn dribble(scene: &Scene) {
    let counted = || scene.metric("tagout_intents_requests_total{outcome=\"too-slow\"}");
    let known = counted();
    scene.mirror.in_sensor(|| {
        let mut stream = TcpStream::connect(SECOND).expect("somebody listens");
        let begin = [PREFACE, &head("application/grpc", &[]), &frame(DATA, 0, &message(0, 60_000, b""))].concat();
        stream.write_all(&begin).expect("it is taken");
        let began = Instant::now();
        while stream.write_all(&frame(DATA, 0, b"a")).is_ok() && began.elapsed() < Duration::from_secs(4) {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    scene.wait_until("it is given up", || counted() > known);
}
