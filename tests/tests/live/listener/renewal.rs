//! Certificates and mappings that are read anew while the sensor runs, in its sandbox.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};

use super::client::{post, status};
use super::{SERVERS, SKEWED, Scene, TLS, certificates, curl, traces};
use crate::intents::{next_finding, sign};
use tagout_tests::authority::Authority;

/// Nothing ends but what has to.
const PATIENT: &str = "[intents.limits]\nhead_s = 3600\n";

impl Scene {
    /// Has everything read anew, for the `count`th time of this kind; tells why it was refused, or what is in force.
    fn renew(&mut self, event: &str, count: usize) -> String {
        self.sensor.hang_up();
        self.sensor.await_news(event, "", count);
        let news = self.sensor.news(event, "");
        news.last().and_then(|news| news["ot"]["why"].as_str()).expect("a sentence").to_owned()
    }

    fn put(&self, from: &str, to: &str) {
        fs::copy(self.place(from), self.place(to)).expect("it is there");
    }

    /// A client over TLS that asks nothing.
    fn dawdler(&self) -> Child {
        let mut client = Command::new("openssl");
        client.args(["s_client", "-connect", "127.0.0.1:4318", "-quiet", "-verify_quiet", "-cert"]);
        client.arg(self.place("client.pem")).arg("-key").arg(self.place("client.key"));
        client.arg("-CAfile").arg(self.place("ca.pem"));
        client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        self.mirror.in_sensor(|| client.spawn().expect("openssl can be run"))
    }
}

#[test]
fn certificates_are_renewed_by_a_signal_and_bad_ones_change_nothing() {
    let lines = format!("{TLS}{PATIENT}");
    let Some(mut scene) = Scene::start("renewed-tls", SKEWED, &lines, certificates) else { return };
    fs::write(scene.place("signed.jws"), sign(scene.folder.path(), "first", 7)).expect("an intent");
    let taken = r#"{"taken":1}"#;
    assert_eq!(curl(&scene, Some("client"), &[]), taken);
    let mut dawdler = scene.dawdler();
    scene.wait_until("it is connected", || scene.metric("tagout_intents_connections") == 1.0);
    scene.renew("policy-loaded", 1);
    assert_eq!(scene.metric("tagout_intents_connections"), 1.0, "the same certificates disturb nobody");

    let authority = Authority::begin(scene.folder.path(), "next-ca");
    ["next-server", "next-client"].iter().for_each(|name| authority.certify(name, "DNS:localhost,IP:127.0.0.1"));
    scene.put("next-ca.pem", "ca.pem");
    scene.put("next-server.pem", "server.pem");
    let why = scene.renew("policy-refused", 1);
    assert!(why.contains("intents.tls: ") && why.contains("keys"), "certificate and key do not fit: {why}");
    fs::write(scene.place("server.key"), "no key").expect("a file");
    let why = scene.renew("policy-refused", 2);
    assert!(why.contains("server.key: holds no private key in PEM"), "{why}");
    assert_eq!(scene.metric("tagout_intents_connections"), 1.0, "those before are in force");

    scene.put("next-server.key", "server.key");
    scene.renew("policy-loaded", 2);
    assert_eq!(curl(&scene, Some("client"), &[]), "", "of whom nobody vouches any more");
    assert_eq!(curl(&scene, Some("next-client"), &["--http2"]), taken);
    let mut rest = String::new();
    let ended = BufReader::new(dawdler.stdout.take().expect("a pipe")).read_line(&mut rest);
    assert!(ended.is_ok() && dawdler.wait().is_ok(), "whoever was known by the old certificates is sent away");
    fs::remove_file(scene.place("ca.pem")).expect("it is there");
    let why = scene.renew("policy-refused", 3);
    assert!(why.contains("ca.pem: ") && why.contains("stays in force"), "{why}");
    scene.put("next-ca.pem", "ca.pem");
    assert_eq!(curl(&scene, Some("next-client"), &[]), taken);
    scene.act(7);
    scene.is_watched();
    scene.sensor.stop();
}

#[test]
fn what_spans_mean_is_read_anew_with_the_policy() {
    let elsewhere = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let mapping = elsewhere.path().join("mapping.toml");
    let tool = |name: &str| {
        format!(
            "[[tools]]\nname = \"{name}\"\noperation = \"write\"\nspace = \"holding-register\"\naddress = \"address\"\n\
             base = 40001\nvalue = \"data\"\n"
        )
    };
    let Some(mut scene) = Scene::start("renewed-spans", SKEWED, "", |folder| {
        fs::write(&mapping, tool("write_register")).expect("a mapping");
        symlink(&mapping, folder.join("own.toml")).expect("a link");
        fs::write(folder.join("servers.toml"), SERVERS.replace("modbus-mcp", "own.toml")).expect("servers");
    }) else {
        return;
    };
    let export = |scene: &Scene, value, span| {
        let answer = scene.ask(&post("/v1/traces", "Content-Type: application/json\r\n", &traces(value, span)));
        assert_eq!(status(&answer), 200, "{answer}");
    };
    export(&scene, 8, 1);
    scene.act(8);
    scene.is_watched();

    fs::write(&mapping, tool("set_register")).expect("a mapping");
    let why = scene.renew("policy-loaded", 1);
    assert!(why.contains("is in force in place of"), "{why}");
    export(&scene, 10, 2);
    scene.act(10);
    assert_eq!(next_finding(&scene.sensor, &mut scene.known), "intent.none", "it means nothing now");

    fs::write(&mapping, "[[tools]]\nname = 7\n").expect("a mapping");
    let why = scene.renew("policy-refused", 1);
    assert!(why.contains("own.toml:2") && why.contains("stays in force"), "{why}");
    fs::write(&mapping, tool("write_register")).expect("a mapping");
    fs::write(scene.place("servers.toml"), SERVERS).expect("servers");
    scene.renew("policy-loaded", 2);
    export(&scene, 12, 3);
    scene.act(12);
    scene.is_watched();
    scene.sensor.stop();
}
