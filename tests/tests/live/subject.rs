//! Intents out of a subject of NATS, with a real server that goes away and comes back.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

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
    /// Starts it in a folder, where it has what it had before.
    fn start(folder: &Path) -> Self {
        let mut command = Command::new("nats-server");
        command.env("PATH", "/usr/sbin:/usr/bin:/usr/local/bin").args(["-js", "-a", "127.0.0.1", "-p", "4222", "-sd"]);
        command.arg(folder.join("jetstream")).stdout(Stdio::null()).stderr(Stdio::null());
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
    let policy = folder.path().join("site.toml");
    fs::write(&policy, format!("{}{}", POLICY.replace("silence = \"2 s\"", WAITS), key(folder.path())))
        .expect("a policy");
    let lines = format!(
        "silence_s = 1\n[policy]\nfiles = \"{}\"\ndefault_rules = false\n[sandbox]\nmode = \"required\"\n[intents.nats]\n\
         url = \"nats://{ADDRESS}\"\nsubject = \"intents.*\"\nstream = \"INTENTS\"\nconsumer = \"hall-3\"\n",
        policy.display()
    );
    let server = mirror.in_sensor(|| {
        let server = Nats::start(folder.path());
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
        let server = Nats::start(folder.path());
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
