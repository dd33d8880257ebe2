//! Servers that are reached by way of a proxy: a real tinyproxy.

use std::fs;
use std::process::Command;
use std::sync::mpsc::Receiver;

use serde_json::Value;

use crate::http::{Request, configure, secret, secure_server};
use crate::process::{Running, free_port, is_there, wait_for_port};
use crate::rsyslog::certificates;
use crate::scene::{Scene, id};

/// A server over TLS, and where a proxy is that passes on what its user asks for.
struct Site {
    scene: Scene,
    url: String,
    received: Receiver<Request>,
    proxy: u16,
}

impl Site {
    /// Without the proxy; `None` where there is none.
    fn build() -> Option<Self> {
        if !is_there("tinyproxy") || !is_there("openssl") {
            return None;
        }
        let scene = Scene::with("");
        certificates(&scene.path(""));
        for (name, text) in [("token", "t0k3n"), ("right", "s3cr3t-._\n"), ("wrong", "secret\n")] {
            secret(&scene, name, text);
        }
        let (url, received) = secure_server(&scene.path(""));
        Some(Self { scene, url, received, proxy: free_port() })
    }

    fn start_proxy(&self) -> Running {
        let config = self.scene.path("proxy.conf");
        let text = format!("Port {}\nListen 127.0.0.1\nBasicAuth plant s3cr3t-._\n", self.proxy);
        fs::write(&config, text).expect("a configuration");
        let running = Running::start(Command::new("tinyproxy").arg("-d").arg("-c").arg(config));
        wait_for_port(self.proxy);
        running.expect("tinyproxy can be run")
    }

    /// Has a destination of a kind post to the server by way of the proxy.
    fn configure(&self, kind: &str, password: &str, ca: &str) {
        let proxy =
            format!("url = \"http://127.0.0.1:{}\", user = \"plant\", password_file = \"{password}\"", self.proxy);
        let rest = format!("token_file = \"token\", tls = {{ ca = \"{ca}\" }}, proxy = {{ {proxy} }}");
        configure(&self.scene, &format!("{kind} = {{ url = \"{}\", {rest} }}", self.url));
    }

    /// What is said of a delivery that does not succeed.
    fn trouble(&self) -> String {
        let said = String::from_utf8_lossy(&self.scene.deliver().stderr).into_owned();
        assert!(said.contains("messages wait"), "{said}");
        assert_eq!(self.received.try_iter().count(), 0, "nothing arrives");
        said
    }

    /// The ids of the alerts that have arrived since the last time.
    fn arrived(&self, alert: impl Fn(Value) -> Value) -> Vec<String> {
        let records = self.received.try_iter().flat_map(|request| {
            let records = serde_json::Deserializer::from_str(&request.body).into_iter();
            records.map(|record| record.expect("JSON")).collect::<Vec<Value>>()
        });
        records.map(|record| id(&alert(record))).collect()
    }
}

fn expected() -> Vec<String> {
    Scene::expected().iter().map(id).collect()
}

#[test]
fn what_goes_by_way_of_a_proxy_arrives_and_is_encrypted_up_to_the_server() {
    let Some(site) = Site::build() else { return };
    let _proxy = site.start_proxy();
    site.configure("webhook", "right", "client.pem");
    let said = site.trouble();
    assert!(said.contains("certificate"), "the proxy's word is not taken for who the server is: {said}");
    site.configure("webhook", "right", "ca.pem");
    site.scene.drain();
    assert_eq!(site.arrived(|record| record), expected());
}

#[test]
fn splunk_is_reached_by_way_of_a_proxy_too() {
    let Some(site) = Site::build() else { return };
    let _proxy = site.start_proxy();
    site.configure("splunk", "right", "ca.pem");
    site.scene.deliver();
    assert_eq!(site.arrived(|event| event["event"].clone()), expected());
}

#[test]
fn what_a_proxy_does_not_pass_on_waits() {
    let Some(site) = Site::build() else { return };
    site.configure("webhook", "right", "ca.pem");
    let place = format!("by way of http://127.0.0.1:{}: ", site.proxy);
    let said = site.trouble();
    assert!(said.contains(&place) && said.contains("refused"), "nobody listens: {said}");
    let _proxy = site.start_proxy();
    site.configure("webhook", "wrong", "ca.pem");
    let said = site.trouble();
    assert!(said.contains(&place) && !said.contains("s3cr3t"), "it wants to know who asks: {said}");
    site.configure("webhook", "right", "ca.pem");
    site.scene.drain();
    let arrived = site.arrived(|record| record);
    assert_eq!(arrived[..expected().len()], expected(), "what waited arrives first");
}
