//! Intents out of a subject of NATS, with a real server that goes away and comes back.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tagout_tests::authority::Authority;
use tagout_tests::mirror::Mirror;

use crate::intents::{POLICY, key, next_finding, sign, write};
use crate::sensor::Sensor;
use crate::tagged;

const ADDRESS: &str = "127.0.0.1:4222";
const PATIENCE: Duration = Duration::from_secs(20);
/// The server may be away for a moment.
const WAITS: &str = "silence = \"3 s\"";

/// A running server; it ends with the value.
struct Nats(Child);

impl Nats {
    /// Starts it in a folder, where it has what it had before, with these lines in its configuration.
    fn start(folder: &Path, lines: &str) -> Self {
        let configuration = folder.join("nats.conf");
        let store = folder.join("jetstream");
        let text = format!("listen: \"{ADDRESS}\"\njetstream {{ store_dir: \"{}\" }}\n{lines}", store.display());
        fs::write(&configuration, text).expect("a configuration");
        let mut command = Command::new("nats-server");
        command.env("PATH", "/usr/sbin:/usr/bin:/usr/local/bin").arg("-c").arg(configuration);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self(command.spawn().expect("nats-server can be run"));
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(ADDRESS).is_err() {
            assert!(Instant::now() < deadline, "nats-server does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Publishes a message, and waits until JetStream has it: it answers to the inbox.
fn publish(subject: &str, message: &[u8]) {
    let mut stream = TcpStream::connect(ADDRESS).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let head = format!("CONNECT {{\"verbose\":false}}\r\nSUB inbox 1\r\nPUB {subject} inbox {}\r\n", message.len());
    stream.write_all(&[head.as_bytes(), message, b"\r\n"].concat()).expect("a message");
    let answered = BufReader::new(stream).lines().map_while(Result::ok).any(|line| line.starts_with("MSG inbox "));
    assert!(answered, "{subject} is answered");
}

/// Whether somebody subscribed to a subject, by what the server says to who publishes this to it and shows this token.
fn is_heard(token: &str, subject: &str, message: &[u8]) -> bool {
    let mut stream = TcpStream::connect(ADDRESS).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let options = format!("{{\"verbose\":false,\"headers\":true,\"no_responders\":true,\"auth_token\":\"{token}\"}}");
    let head = format!("CONNECT {options}\r\nSUB inbox 1\r\nPUB {subject} inbox {}\r\n", message.len());
    stream.write_all(&[head.as_bytes(), message, b"\r\nPING\r\n"].concat()).expect("a message");
    let lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| line != "PONG");
    !lines.into_iter().any(|line| line.starts_with("HMSG inbox "))
}

/// A sensor that hears of intents from a server with these lines in its configuration, and as `[intents.nats]` says.
fn passing(name: &str, server: &str, table: &str, is_believed: bool) {
    if !is_there("nats-server") {
        return println!("skipped: there is no nats-server here");
    }
    let Some(mirror) = Mirror::of_test(name) else { return };
    mirror.plug_in("eth1");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let [own, other] = ["ca", "other-ca"].map(|ca| Authority::begin(folder.path(), ca));
    for (name, authority) in [("server", &own), ("sensor", &own), ("stranger", &other)] {
        authority.certify(name, "DNS:localhost,IP:127.0.0.1");
    }
    let lines = listening(folder.path(), &format!("subject = \"intents.*\"\n{table}"));
    let [server, lines] = [server, &lines].map(|text| text.replace("FOLDER", &folder.path().display().to_string()));
    let mut sensor = mirror.in_sensor(|| Sensor::begin(&["eth1"], name, &lines));
    sensor.await_news("silence", "eth1", 1);
    // It was not there when the sensor first looked for it.
    let _server = mirror.in_sensor(|| Nats::start(folder.path(), &server));
    let act = |port, value| mirror.at_wire("eth1", |wire| tagged::send(&write(port, value), wire));
    let mut known = 0;
    if !is_believed {
        assert_eq!(next_finding(&sensor, &mut known), "intent.feed-silent");
        let signed = sign(folder.path(), "unheard", 7);
        assert!(!mirror.in_sensor(|| is_heard("", "intents.planner", &signed)), "nobody listens");
        return drop(sensor.stop());
    }
    let signed = sign(folder.path(), "passing", 7);
    await_subscription(&mirror, "", &signed);
    act(40_002, 7);
    act(40_003, 9);
    assert_eq!(next_finding(&sensor, &mut known), "intent.none", "of 9, and nothing of 7");
    sensor.stop();
}

/// Writes the policy, and tells the settings of a sensor that goes by it in a sandbox and hears NATS by this table.
fn listening(folder: &Path, table: &str) -> String {
    let policy = folder.join("site.toml");
    fs::write(&policy, format!("{}{}", POLICY.replace("silence = \"2 s\"", WAITS), key(folder))).expect("a policy");
    format!(
        "silence_s = 1\n[policy]\nfiles = \"{}\"\ndefault_rules = false\n[sandbox]\nmode = \"required\"\n[intents.nats]\n{table}",
        policy.display()
    )
}

/// Publishes this until the sensor subscribes.
fn await_subscription(mirror: &Mirror, token: &str, message: &[u8]) {
    let deadline = Instant::now() + PATIENCE;
    while !mirror.in_sensor(|| is_heard(token, "intents.planner", message)) {
        assert!(Instant::now() < deadline, "the sensor subscribes");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_token_is_renewed_by_a_signal() {
    if !is_there("nats-server") {
        return println!("skipped: there is no nats-server here");
    }
    let Some(mirror) = Mirror::of_test("subject-token") else { return };
    mirror.plug_in("eth1");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let token = folder.path().join("token");
    let show = |text: &str| {
        let mut open = fs::OpenOptions::new();
        let mut file = open.write(true).create(true).truncate(true).mode(0o600).open(&token).expect("a file");
        file.write_all(text.as_bytes()).expect("a token");
    };
    show("first");
    let table = format!("subject = \"intents.*\"\nurl = \"nats://{ADDRESS}\"\ntoken_file = \"{}\"\n", token.display());
    let lines = listening(folder.path(), &table);
    let serve =
        |token| mirror.in_sensor(|| Nats::start(folder.path(), &format!("authorization {{ token: {token} }}\n")));
    let server = serve("first");
    let mut sensor = mirror.in_sensor(|| Sensor::begin(&["eth1"], "subject-token", &lines));
    sensor.await_news("silence", "eth1", 1);
    await_subscription(&mirror, "first", &sign(folder.path(), "first", 7));
    drop(server);
    let _server = serve("second");
    let mut known = 0;
    assert_eq!(next_finding(&sensor, &mut known), "intent.feed-silent");
    show("second");
    sensor.hang_up();
    sensor.await_news("policy-loaded", "", 1);
    await_subscription(&mirror, "second", &sign(folder.path(), "second", 8));
    mirror.at_wire("eth1", |wire| tagged::send(&write(40_001, 8), wire));
    mirror.at_wire("eth1", |wire| tagged::send(&write(40_002, 9), wire));
    assert_eq!(next_finding(&sensor, &mut known), "intent.value-mismatch", "of 9, where 8 was declared");
    sensor.stop();
}

#[test]
fn intents_of_a_plain_subject_are_heard_while_somebody_listens() {
    passing("subject-plain", "", &format!("url = \"nats://{ADDRESS}\"\n"), true);
}

/// A server with a certificate, which wants one of whoever speaks TLS.
const WITH_TLS: &str = "allow_non_tls: true\ntls { cert_file: \"FOLDER/server.pem\", key_file: \"FOLDER/server.key\", \
                        ca_file: \"FOLDER/ca.pem\", verify: true }\n";

#[test]
fn intents_are_heard_over_tls_with_certificates_on_both_sides() {
    let own = "tls = { ca = \"FOLDER/ca.pem\", certificate = \"FOLDER/sensor.pem\", key = \"FOLDER/sensor.key\" }\n";
    passing("subject-tls", WITH_TLS, &format!("url = \"tls://{ADDRESS}\"\n{own}"), true);
}

#[test]
fn over_tls_a_server_that_nobody_vouches_for_is_not_heard() {
    let other =
        "tls = { ca = \"FOLDER/other-ca.pem\", certificate = \"FOLDER/sensor.pem\", key = \"FOLDER/sensor.key\" }\n";
    passing("subject-other", WITH_TLS, &format!("url = \"tls://{ADDRESS}\"\n{other}"), false);
}

fn is_there(program: &str) -> bool {
    ["/usr/sbin", "/usr/bin", "/usr/local/bin"].iter().any(|folder| Path::new(folder).join(program).exists())
}

#[test]
fn intents_of_a_stream_are_heard_also_those_that_came_while_nobody_listened() {
    if !is_there("nats-server") {
        return println!("skipped: there is no nats-server here");
    }
    let Some(mirror) = Mirror::of_test("subject") else { return };
    mirror.plug_in("eth1");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let table =
        format!("url = \"nats://{ADDRESS}\"\nsubject = \"intents.*\"\nstream = \"INTENTS\"\nconsumer = \"hall-3\"\n");
    let lines = listening(folder.path(), &table);
    let server = mirror.in_sensor(|| {
        let server = Nats::start(folder.path(), "");
        publish("$JS.API.STREAM.CREATE.INTENTS", br#"{"name":"INTENTS","subjects":["intents.>"],"storage":"file"}"#);
        publish("intents.planner", &sign(folder.path(), "before", 7));
        server
    });
    let mut sensor = mirror.in_sensor(|| Sensor::begin(&["eth1"], "subject", &lines));
    sensor.await_news("silence", "eth1", 1);
    let mut known = 0;
    let act = |port, value| mirror.at_wire("eth1", |wire| tagged::send(&write(port, value), wire));

    act(40_001, 7);
    mirror.in_sensor(|| publish("intents.planner", &sign(folder.path(), "meanwhile", 8)));
    act(40_002, 8);
    act(40_003, 9);
    assert_eq!(next_finding(&sensor, &mut known), "intent.none", "of 9");
    drop(server);
    assert_eq!(next_finding(&sensor, &mut known), "intent.feed-silent");
    let _server = mirror.in_sensor(|| {
        let server = Nats::start(folder.path(), "");
        publish("intents.planner", &sign(folder.path(), "afterwards", 10));
        server
    });
    // Until it is heard again, what is not declared is not told.
    let deadline = Instant::now() + PATIENCE;
    for port in 40_010.. {
        act(port, 11);
        std::thread::sleep(Duration::from_secs(1));
        if sensor.intents().len() > known {
            break;
        }
        assert!(Instant::now() < deadline, "the server is not heard again");
    }
    assert_eq!(next_finding(&sensor, &mut known), "intent.value-mismatch", "of 11, where 10 was declared");
    sensor.stop();
}
