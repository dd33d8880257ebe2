//! A real mosquitto, asked by its own client.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::process::{Running, free_port, is_there, wait_for_port, wait_until};
use crate::scene::{Scene, id};

/// A running broker that takes anybody at a port of the loopback, with a subscriber to everything below `tagout`.
struct Broker {
    received: PathBuf,
    subscriber: Running,
    _broker: Running,
}

impl Broker {
    /// `None` where there is none.
    fn start(folder: &Path, port: u16, more: &str) -> Option<Self> {
        if !is_there("mosquitto") || !is_there("mosquitto_sub") {
            return None;
        }
        let config = folder.join("mosquitto.conf");
        let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n{more}");
        fs::write(&config, text).expect("a configuration");
        let mut command = Command::new("mosquitto");
        command.env("PATH", "/usr/sbin:/usr/bin:/usr/local/bin").arg("-c").arg(config);
        let broker = Running::start(&mut command).expect("mosquitto can be run");
        wait_for_port(port);
        let received = folder.join("received");
        // In a shell, as the file is the subscriber's output; it tells when it has subscribed.
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "exec stdbuf -oL mosquitto_sub -d -V mqttv5 -q 1 -t 'tagout/#' -p \"$0\" -F 'got\t%t\t%P\t%p' > \"$1\" 2>&1",
        ]);
        let subscriber = Running::start(command.arg(port.to_string()).arg(&received)).expect("a subscriber");
        let broker = Self { received, subscriber, _broker: broker };
        wait_until("there is a subscription", || broker.says().contains("SUBACK"));
        Some(broker)
    }

    fn says(&self) -> String {
        fs::read_to_string(&self.received).unwrap_or_default()
    }

    /// Topic, properties and payload of each message that came.
    fn messages(&self) -> Vec<[String; 3]> {
        let fields = |line: &str| {
            let mut fields = line.strip_prefix("got\t")?.splitn(3, '\t').map(str::to_owned);
            Some([fields.next()?, fields.next()?, fields.next()?])
        };
        self.says().lines().filter_map(fields).collect()
    }

    /// The alerts that came, in order, each with the id that its message tells.
    fn wait_for(&self, count: usize) -> Vec<Value> {
        wait_until("the subscriber has everything", || self.messages().len() >= count);
        let messages = self.messages().into_iter().map(|[topic, properties, payload]| {
            assert!(topic.starts_with("tagout/") && topic.ends_with("/alert"), "{topic}");
            let alert: Value = serde_json::from_str(&payload).expect("an EVE record");
            assert_eq!(properties, format!("id:{}", id(&alert)));
            alert
        });
        messages.collect()
    }
}

fn destination(port: u16) -> String {
    format!("[[destination]]\nname = \"broker\"\nlongest_retry_s = 1\nmqtt.url = \"mqtt://127.0.0.1:{port}\"\n")
}

#[test]
fn a_broker_gets_every_alert_in_order() {
    let port = free_port();
    let scene = Scene::with(&destination(port));
    let Some(broker) = Broker::start(&scene.path(""), port, "") else { return };
    scene.deliver();
    let expected = Scene::expected();
    assert_eq!(broker.wait_for(expected.len()), expected);
    assert_eq!(scene.status("broker")["waiting"], 0);
}

#[test]
fn a_broker_that_comes_late_gets_everything() {
    let port = free_port();
    let scene = Scene::with(&destination(port));
    scene.deliver();
    assert_eq!(scene.status("broker")["waiting"], Scene::expected().len());
    let Some(mut broker) = Broker::start(&scene.path(""), port, "") else { return };
    scene.drain();
    assert_eq!(broker.wait_for(Scene::expected().len()).len(), Scene::expected().len());
    broker.subscriber.kill();
}

#[test]
fn what_a_broker_does_not_let_in_waits() {
    let port = free_port();
    let scene = Scene::with(&destination(port));
    let rights = scene.path("rights");
    fs::write(&rights, "topic read #\n").expect("rights");
    let Some(broker) = Broker::start(&scene.path(""), port, &format!("acl_file {}\n", rights.display())) else {
        return;
    };
    let log = scene.deliver().stderr;
    let status = scene.status("broker");
    assert_eq!((broker.messages().len(), &status["waiting"]), (0, &Scene::expected().len().into()));
    assert!(String::from_utf8_lossy(&log).contains("NotAuthorized"));
}
