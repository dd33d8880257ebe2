//! A real nats-server, asked in its own protocol.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::process::{PATIENCE, Running, free_port, is_there, wait_for_port};
use crate::scene::{Scene, id};

/// A running server with a stream for everything below `tagout`.
pub(crate) struct Nats {
    pub(crate) port: u16,
    _running: Running,
}

impl Nats {
    /// Starts it in a folder; where it ran there before, it has the stream that it had.
    pub(crate) fn start(folder: &Path, port: u16) -> Self {
        let mut command = Command::new("nats-server");
        command.env("PATH", "/usr/sbin:/usr/bin:/usr/local/bin").args(["-js", "-a", "127.0.0.1", "-sd"]);
        command.arg(folder.join("jetstream")).args(["-p", &port.to_string()]);
        let running = Running::start(&mut command).expect("nats-server can be run");
        wait_for_port(port);
        let nats = Self { port, _running: running };
        nats.ask(
            "STREAM.CREATE.TAGOUT",
            r#"{"name":"TAGOUT","subjects":["tagout.>"],"storage":"file","num_replicas":1,"retention":"limits",
                "discard":"old","max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"duplicate_window":600000000000}"#,
        );
        nats
    }

    /// Asks something of JetStream's interface.
    fn ask(&self, what: &str, question: &str) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let request = format!(
            "CONNECT {{\"verbose\":false}}\r\nSUB inbox 1\r\nPUB $JS.API.{what} inbox {}\r\n{question}\r\n",
            question.len()
        );
        stream.write_all(request.as_bytes()).expect("a question");
        let mut lines = BufReader::new(stream);
        loop {
            let mut line = String::new();
            lines.read_line(&mut line).expect("a line");
            assert!(!line.starts_with("-ERR"), "{line}");
            if let Some(rest) = line.trim_end().strip_prefix("MSG inbox 1 ") {
                let mut answer = vec![0; rest.parse().expect("a length")];
                lines.read_exact(&mut answer).expect("an answer");
                return serde_json::from_slice(&answer).expect("JSON");
            }
        }
    }

    /// Messages in the stream.
    pub(crate) fn count(&self) -> u64 {
        self.ask("STREAM.INFO.TAGOUT", "")["state"]["messages"].as_u64().expect("a count")
    }

    /// Every message in the stream, with its subject.
    pub(crate) fn messages(&self) -> Vec<(String, String)> {
        let state = self.ask("STREAM.INFO.TAGOUT", "")["state"].clone();
        let [first, last] = ["first_seq", "last_seq"].map(|field| state[field].as_u64().unwrap_or(0));
        let message = |number: u64| {
            let answer = self.ask("STREAM.MSG.GET.TAGOUT", &format!("{{\"seq\":{number}}}"));
            let message = &answer["message"];
            let text = |field: &str| message[field].as_str().unwrap_or_default().to_owned();
            (text("subject"), String::from_utf8(decoded(&text("data"))).expect("text"))
        };
        (first.max(1)..=last).map(message).collect()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        let parsed = |(_, text): (String, String)| serde_json::from_str::<Value>(&text).expect("an EVE record");
        self.messages().into_iter().map(parsed).map(|alert| id(&alert)).collect()
    }
}

/// Base64 (RFC 4648, 4).
fn decoded(text: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: Vec<u32> = text.chars().filter_map(|digit| ALPHABET.find(digit)).map(|digit| digit as u32).collect();
    digits
        .chunks(4)
        .flat_map(|group| {
            let bits = group.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - group.len()));
            bits.to_be_bytes()[1..group.len()].to_vec()
        })
        .collect()
}

pub(crate) fn destination(port: u16) -> String {
    format!("[[destination]]\nname = \"fleet\"\nnats.url = \"nats://127.0.0.1:{port}\"\n")
}

#[test]
fn a_stream_stores_every_alert_once_however_often_it_comes() {
    if !is_there("nats-server") {
        return;
    }
    let port = free_port();
    let scene = Scene::with(&destination(port));
    let nats = Nats::start(&scene.path(""), port);
    scene.deliver();
    scene.deliver();
    let expected: Vec<String> = Scene::expected().iter().map(id).collect();
    assert_eq!(nats.ids(), expected);
    let subjects: BTreeSet<String> = nats.messages().into_iter().map(|(subject, _)| subject).collect();
    assert_eq!(subjects.len(), 1);
    assert!(
        subjects.iter().all(|subject| subject.starts_with("tagout.") && subject.ends_with(".alert")),
        "{subjects:?}"
    );
}

#[test]
fn what_no_stream_stores_has_not_arrived() {
    if !is_there("nats-server") {
        return;
    }
    let port = free_port();
    let destination = destination(port).replace("nats.url", "nats.subject = \"elsewhere\"\nnats.url");
    let scene = Scene::with(&destination);
    let nats = Nats::start(&scene.path(""), port);
    scene.deliver();
    assert_eq!(nats.count(), 0);
    assert_eq!(scene.status("fleet")["waiting"], Scene::expected().len());
}
