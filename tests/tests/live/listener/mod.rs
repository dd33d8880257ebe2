//! Declarations that are sent while the sensor runs, by those who may and by those who should not.

mod client;
mod clients;
mod grpc;
mod hostile;
mod renewal;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tagout_tests::authority::Authority;
use tagout_tests::mirror::Mirror;

use self::client::{ADDRESS, exchange, metric, post, status};
use crate::intents::{POLICY, key, next_finding, sign, write};
use crate::sensor::Sensor;
use crate::tagged;

const PATIENCE: Duration = Duration::from_secs(20);
const SERVERS: &str =
    "[[servers]]\nmapping = \"modbus-mcp\"\nservices = [\"planner\"]\nactor = \"planner\"\ndevice = \"plc\"\n";

/// Declared and done are seconds apart on a machine that does much else.
const SKEWED: &str = "skew = \"30 s\"";

/// A sensor at a mirror port, to which declarations are sent.
struct Scene {
    mirror: Mirror,
    sensor: Sensor,
    folder: tempfile::TempDir,
    /// How many findings were looked at.
    known: usize,
    port: u16,
}

impl Scene {
    /// Starts one with this in the policy's `[intents]` and these lines more in the configuration's; `None` where there are no
    /// namespaces. `files` makes what these need.
    fn start(name: &str, waits: &str, lines: &str, files: impl FnOnce(&Path)) -> Option<Self> {
        let mirror = Mirror::of_test(name)?;
        mirror.plug_in("eth1");
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let place = |name: &str| folder.path().join(name).display().to_string();
        let policy = POLICY.replace("silence = \"2 s\"", waits);
        fs::write(place("site.toml"), format!("{}{}", policy, key(folder.path()))).expect("a policy");
        fs::write(place("servers.toml"), SERVERS).expect("a mapping");
        files(folder.path());
        let lines = lines.replace("FOLDER", &folder.path().display().to_string());
        let config = format!(
            "silence_s = 1\n[policy]\nfiles = \"{}\"\ndefault_rules = false\n[sandbox]\nmode = \"required\"\n\
             [management]\nlisten = \"127.0.0.1:9465\"\n[intents]\nservers = \"{}\"\n\
             listen = [\"127.0.0.1:4318\", \"127.0.0.1:4317\"]\n{lines}",
            place("site.toml"),
            place("servers.toml")
        );
        let mut sensor = mirror.in_sensor(|| Sensor::begin(&["eth1"], name, &config));
        sensor.await_news("silence", "eth1", 1);
        Some(Self { mirror, sensor, folder, known: 0, port: 40_000 })
    }

    /// The agent writes this.
    fn act(&mut self, value: u16) {
        self.port += 1;
        self.mirror.at_wire("eth1", |wire| tagged::send(&write(self.port, value), wire));
    }

    /// The agent writes something else than was declared, and that is found.
    fn is_watched(&mut self) {
        self.act(9_999);
        assert_eq!(next_finding(&self.sensor, &mut self.known), "intent.none");
    }

    /// What somebody beside the sensor is answered.
    fn ask(&self, request: &[u8]) -> String {
        self.mirror.in_sensor(|| exchange(ADDRESS, request))
    }

    fn metric(&self, name: &str) -> f64 {
        self.mirror.in_sensor(|| metric(name))
    }

    fn wait_until(&self, what: &str, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < deadline, "{what} does not come about");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A request of OTLP in JSON, of a call that writes this now.
fn traces(value: u16, span: u16) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos().to_string();
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let request = json!({"resourceSpans": [{
        "resource": {"attributes": [text("service.name", "planner")]},
        "scopeSpans": [{"spans": [{
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": format!("{span:016x}"), "name": "a call", "kind": 3,
            "startTimeUnixNano": now, "endTimeUnixNano": now,
            "attributes": [text("gen_ai.operation.name", "execute_tool"), text("gen_ai.tool.name", "write_register"),
                text("gen_ai.tool.call.arguments", &json!({"address": 40_041, "data": value, "name": "plc"}).to_string())],
        }]}],
    }]});
    request.to_string().into_bytes()
}

#[test]
fn what_is_sent_is_held_against_what_is_done() {
    let Some(mut scene) = Scene::start("listener", SKEWED, "", |_| ()) else { return };
    let signed = sign(scene.folder.path(), "first", 7);
    let answer = scene.ask(&post("/v1/intents", "Content-Type: application/jose\r\n", &signed));
    assert!(status(&answer) == 200 && answer.ends_with("{\"taken\":1}"), "{answer}");
    scene.act(7);
    let answer = scene.ask(&post("/v1/traces", "Content-Type: application/json\r\n", &traces(8, 1)));
    assert!(status(&answer) == 200 && answer.ends_with("{}"), "{answer}");
    scene.act(8);
    scene.is_watched();
    let forged = [&signed[..signed.len() - 9], b"AAAAAAAA"].concat();
    let answer = scene.ask(&post(
        "/v1/intents",
        "Content-Type: text/plain\r\n",
        &[&signed[..], b"\nnonsense\n", &forged].concat(),
    ));
    assert_eq!(status(&answer), 400, "{answer}");
    assert!(answer.contains(r#"{"taken":1,"refused":[{"line":3,"#), "{answer}");
    assert_eq!(next_finding(&scene.sensor, &mut scene.known), "intent.bad-signature");
    assert_eq!(scene.metric("tagout_intents_received_total{outcome=\"taken\"}"), 3.0);
    assert_eq!(scene.metric("tagout_intents_received_total{outcome=\"refused\"}"), 2.0);
    scene.sensor.stop();
}

#[test]
fn whoever_asks_nothing_is_silent_and_an_empty_request_is_a_sign_of_life() {
    let Some(mut scene) = Scene::start("signs", "silence = \"3 s\"", "", |_| ()) else { return };
    for _ in 0..6 {
        let answer = scene.ask(&post("/v1/intents", "", b""));
        assert!(answer.ends_with("{\"taken\":0}"), "{answer}");
        std::thread::sleep(Duration::from_secs(1));
    }
    scene.is_watched();
    assert_eq!(next_finding(&scene.sensor, &mut scene.known), "intent.feed-silent");
    scene.sensor.stop();
}

/// OpenTelemetry's exporter tells a span of a call that writes this.
fn exported(scene: &Scene, arguments: &[&str], value: u16) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let call = json!({"address": 40_041, "data": value, "name": "plc"}).to_string();
    let (first, tls) = arguments.split_at(2);
    let tls = tls.iter().map(|name| scene.place(name));
    let mut python = Command::new(root.join("../.venv/bin/python"));
    python.arg(root.join("peers/spans.py")).args(first).arg(call).args(tls);
    // They would be believed before the CA that is named.
    python.env_remove("REQUESTS_CA_BUNDLE").env_remove("CURL_CA_BUNDLE");
    scene.mirror.in_sensor(|| python.output().expect("Python can be run"))
}

#[test]
fn exporters_of_opentelemetry_are_understood() {
    let Some(mut scene) = Scene::start("exporters", SKEWED, "", |_| ()) else { return };
    for (value, arguments) in (20..).zip([
        ["http", "http://127.0.0.1:4318/v1/traces"],
        ["grpc", "127.0.0.1:4317"],
        ["grpc", "127.0.0.1:4318"],
    ]) {
        let output = exported(&scene, &arguments, value);
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "SUCCESS", "{arguments:?} {output:?}");
        scene.act(value);
    }
    scene.is_watched();
    scene.sensor.stop();
}

/// By what the sensor is known, and whom it knows.
const TLS: &str =
    "tls = { certificate = \"FOLDER/server.pem\", key = \"FOLDER/server.key\", client_ca = \"FOLDER/ca.pem\" }\n";

/// Certificates for both sides, and of somebody whom nobody knows, by OpenSSL.
fn certificates(folder: &Path) {
    let [own, other] = ["ca", "other-ca"].map(|name| Authority::begin(folder, name));
    for (name, authority) in [("server", &own), ("client", &own), ("stranger", &other)] {
        authority.certify(name, "DNS:localhost,IP:127.0.0.1");
    }
}

/// What curl is answered over TLS, with a certificate of this name if there is one; nothing if it comes to no answer.
fn curl(scene: &Scene, certificate: Option<&str>, arguments: &[&str]) -> String {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-m", "10", "--cacert"]).arg(scene.place("ca.pem"));
    if let Some(name) = certificate {
        curl.arg("--cert").arg(scene.place(&format!("{name}.pem")));
        curl.arg("--key").arg(scene.place(&format!("{name}.key")));
    }
    curl.args(arguments).args(["-H", "Content-Type: application/jose", "--data-binary"]);
    curl.arg(format!("@{}", scene.place("signed.jws").display())).arg("https://127.0.0.1:4318/v1/intents");
    String::from_utf8_lossy(&scene.mirror.in_sensor(|| curl.output().expect("curl can be run")).stdout).into_owned()
}

#[test]
fn over_tls_only_those_are_heard_whom_the_ca_vouches_for() {
    let Some(mut scene) = Scene::start("listener-tls", SKEWED, TLS, certificates) else { return };
    fs::write(scene.place("signed.jws"), sign(scene.folder.path(), "first", 7)).expect("an intent");
    for version in ["--http1.1", "--http2", "--tls-max=1.2"] {
        let arguments: Vec<&str> = version.split('=').collect();
        assert_eq!(curl(&scene, Some("client"), &arguments), r#"{"taken":1}"#, "{version}");
    }
    scene.act(7);
    let turned = || scene.metric("tagout_intents_connections_refused_total{reason=\"handshake\"}");
    let before = turned();
    assert_eq!(curl(&scene, None, &[]), "", "without a certificate");
    assert_eq!(curl(&scene, Some("stranger"), &[]), "", "with one of another CA");
    assert_eq!(status(&scene.ask(&post("/v1/intents", "", b""))), 0, "without TLS");
    scene.wait_until("three are refused", || turned() >= before + 3.0);
    let files = ["ca.pem", "client.pem", "client.key"];
    let to = [["http", "https://127.0.0.1:4318/v1/traces"], ["grpc", "127.0.0.1:4317"]];
    for (value, to) in (20..).zip(to) {
        let output = exported(&scene, &[&to[..], &files].concat(), value);
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "SUCCESS", "{to:?} {output:?}");
        scene.act(value);
    }
    scene.is_watched();
    scene.sensor.stop();
}
