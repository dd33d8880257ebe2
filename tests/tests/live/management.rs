//! How a running daemon tells how it does: metrics that add up, health that names what is unwell, and nobody who can hold it up.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use serde_json::Value;

use crate::sensor::Sensor;
use tagout_tests::binary;
use tagout_tests::mirror::Mirror;

const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9_465);
const PATIENCE: Duration = Duration::from_secs(20);
/// Whoever asks has an answer by then, whatever others do.
const PROMPT: Duration = Duration::from_secs(2);

fn demo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("demo").join(name)
}

/// A daemon at a mirror port, with an address that answers.
struct Watched {
    mirror: Mirror,
    sensor: Sensor,
    folder: tempfile::TempDir,
}

impl Watched {
    /// Starts one; `None` where there are no namespaces.
    fn start(name: &str) -> Option<Self> {
        let mirror = Mirror::of_test(name)?;
        mirror.plug_in("eth1");
        let folder = tempfile::tempdir().expect("a folder");
        let config = configuration(folder.path());
        let sensor = mirror.in_sensor(|| Sensor::begin(&["eth1"], name, &config));
        let watched = Self { mirror, sensor, folder };
        watched.wait_until("it looks at its interfaces", || {
            watched.metrics("text").contains_key("tagout_interface_up{eth1}")
        });
        Some(watched)
    }

    /// The answer to a request, head and body.
    fn ask(&self, request: &str) -> String {
        self.mirror.in_sensor(|| {
            let started = Instant::now();
            let answer = exchange(request).unwrap_or_default();
            assert!(started.elapsed() < PROMPT, "an answer after {:?}", started.elapsed());
            answer
        })
    }

    fn get(&self, path: &str, accept: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n"))
    }

    /// Every sample, by its name and the values of its labels; nothing until the daemon answers.
    fn metrics(&self, notation: &str) -> BTreeMap<String, f64> {
        let accept = if notation == "text" { "*/*" } else { "application/openmetrics-text;version=1.0.0" };
        let answer = self.get("/metrics", accept);
        let Some((_, page)) = answer.split_once("\r\n\r\n") else { return BTreeMap::new() };
        samples(page, notation)
    }

    fn health(&self) -> (String, Value) {
        let answer = self.get("/health", "*/*");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        (head.lines().next().unwrap_or_default().to_owned(), serde_json::from_str(body).unwrap_or_default())
    }

    fn wait_until(&self, what: &str, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < deadline, "{what} does not come about; {:?}", self.health());
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// A dead collector, a file that takes everything, and an address that answers.
fn configuration(folder: &Path) -> String {
    let (folder, policy) = (folder.display(), demo("policy.toml"));
    format!(
        r#"prefilter = false
        [ports]
        modbus = [15020]
        [policy]
        files = "{}"
        [output]
        alerts_per_minute = 10000
        [management]
        listen = "{ADDRESS}"
        [sandbox]
        mode = "required"
        [spool]
        directory = "{folder}/spool"
        [store]
        path = "{folder}/store/tagout.redb"
        [intents]
        directory = "{folder}"
        listen = "127.0.0.1:9466"
        [[destination]]
        name = "archive"
        file.path = "{folder}/archive.jsonl"
        [[destination]]
        name = "dead \"collector\""
        least_severity = "high"
        syslog.url = "tcp://127.0.0.1:9"
        "#,
        policy.display()
    )
}

fn exchange(request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(ADDRESS)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The page as a parser reads it that others wrote; without one, nothing but the sign that there is a page.
fn samples(page: &str, notation: &str) -> BTreeMap<String, f64> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new(root.join("../.venv/bin/python"));
    python.arg(root.join("peers/metrics.py")).arg(notation).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = python.spawn().expect("Python can be run");
    child.stdin.take().expect("a pipe").write_all(page.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "this is no page of metrics:\n{page}");
    let lines = String::from_utf8(output.stdout).expect("text");
    lines.lines().map(|line| sample(&serde_json::from_str(line).expect("JSON"))).collect()
}

fn sample(told: &Value) -> (String, f64) {
    let labels = told["labels"].as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str());
    let labels: Vec<&str> = labels.collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    (format!("{}{labels}", told["name"].as_str().expect("a name")), told["value"].as_f64().expect("a number"))
}

/// All samples of a family together, whatever their labels, but those that `which` leaves out.
fn sum(metrics: &BTreeMap<String, f64>, name: &str, which: impl Fn(&str) -> bool) -> f64 {
    let of_family = metrics.iter().filter(|(sample, _)| sample.split('{').next() == Some(name) && which(sample));
    of_family.map(|(_, value)| value).sum()
}

fn total(metrics: &BTreeMap<String, f64>, name: &str) -> f64 {
    sum(metrics, name, |_| true)
}

/// What is true of every page, at any moment.
fn adds_up(metrics: &BTreeMap<String, f64>) {
    for kind in ["alert", "sensor", "event", "heartbeat"] {
        let of = |name: &str| sum(metrics, name, |sample| sample.contains(&format!("{{{kind}")));
        let came = of("tagout_notices_total") + of("tagout_notices_recovered");
        let gone = of("tagout_notices_settled_total") + of("tagout_notices_dropped_total");
        let here = of("tagout_notices_in_memory") + of("tagout_notices_spooled");
        assert_eq!(came, gone + here, "notices of kind {kind}: {metrics:?}");
    }
    assert_eq!(total(metrics, "tagout_frames_total"), total(metrics, "tagout_interface_frames_total"));
    let written = total(metrics, "tagout_notices_total")
        - total(metrics, "tagout_notices_in_memory")
        - sum(metrics, "tagout_notices_dropped_total", |sample| {
            sample.contains("memory") || sample.contains("written")
        });
    for destination in ["archive", "dead \"collector\""] {
        let of = |name: &str| sum(metrics, name, |sample| sample.contains(destination));
        assert_eq!(of("tagout_destination_notices_total") + of("tagout_destination_waiting"), written, "{destination}");
    }
}

/// Plays the demo's recording onto the wire; frames and bytes.
fn play(mirror: &Mirror) -> (u64, u64) {
    let path = demo("recorded.pcap");
    mirror.at_wire("eth1", |wire| {
        let port = pcap::Capture::from_device(wire).and_then(pcap::Capture::open);
        let mut port = port.expect("who may add namespaces may send");
        let mut recorded = pcap::Capture::from_file(path).expect("a capture");
        let mut sent = (0, 0);
        while let Ok(packet) = recorded.next_packet() {
            sent = (sent.0 + 1, sent.1 + packet.data.len() as u64);
            port.sendpacket(packet.data).expect("the port is up");
        }
        sent
    })
}

#[test]
fn what_is_scraped_is_what_was_sent_and_adds_up() {
    let Some(watched) = Watched::start("metrics") else { return };
    adds_up(&watched.metrics("text"));
    let (frames, bytes) = play(&watched.mirror);
    watched.wait_until("every frame is counted", || {
        let metrics = watched.metrics("openmetrics");
        adds_up(&metrics);
        metrics.get("tagout_frames_total") == Some(&(frames as f64))
    });
    watched.wait_until("the archive has everything", || {
        watched.metrics("text")["tagout_destination_waiting{archive}"] == 0.0
    });
    let metrics = watched.metrics("text");
    adds_up(&metrics);
    let of = |name: &str| metrics.get(name).copied().unwrap_or_else(|| panic!("{name} is not in {metrics:?}"));
    assert_eq!(of("tagout_bytes_total"), bytes as f64);
    let alerts = records(&watched.folder.path().join("archive.jsonl"));
    assert!(alerts.len() > 5, "{alerts:?}");
    assert_eq!(total(&metrics, "tagout_notices_total"), alerts.len() as f64);
    for (number, severity) in (1..).zip(["high", "medium", "low", "informational"]) {
        let given = alerts.iter().filter(|alert| alert["alert"]["severity"] == number).count();
        assert_eq!(of(&format!("tagout_alerts_total{{{severity}}}")), given as f64, "{severity}");
    }
    let of_plant =
        alerts.iter().filter(|alert| alert["event_type"] == "alert" && alert["ot"]["sensor"].is_null()).count();
    assert_eq!(of("tagout_alert_kept_seconds_count"), of_plant as f64);
    assert_eq!(of("tagout_alert_acknowledged_seconds_count{archive}"), of_plant as f64);
    assert_eq!(of("tagout_destination_up{archive}"), 1.0);
    assert_eq!(of("tagout_destination_up{dead \"collector\"}"), 0.0);
    assert!(of("tagout_destination_failures_total{dead \"collector\"}") >= 1.0);
    assert!(of("tagout_notices_spooled{alert}") > 0.0, "they wait for the collector");
    assert!(
        of("process_resident_memory_bytes") > 1e6
            && of("process_open_fds") > 5.0
            && of("process_cpu_seconds_total") > 0.0
    );
    assert!(total(&metrics, "tagout_commands_total") > 0.0);
    assert!(of("tagout_heartbeats_total") >= 1.0);
    for table in ["flows", "exchanges", "devices", "points", "alerts"] {
        let limit = of(&format!("tagout_table_limit{{{table}}}"));
        assert!(of(&format!("tagout_table_entries{{{table}}}")) <= limit && limit > 0.0, "{table}");
    }
    watched.wait_until("tables are looked at", || {
        let metrics = watched.metrics("text");
        ["flows", "devices", "points"].iter().all(|table| metrics[&format!("tagout_table_entries{{{table}}}")] > 0.0)
    });
    watched
        .wait_until("the local store has the alerts", || watched.metrics("text")["tagout_store_bytes{alerts}"] > 0.0);
    assert_eq!((of("tagout_store_up"), total(&metrics, "tagout_store_lost_total")), (1.0, 0.0));
    fs::write(watched.folder.path().join("no.jws"), "nobody signed this").expect("a file");
    watched.wait_until("a declaration is refused", || watched.metrics("text")["tagout_intents_refused_total"] == 1.0);
    let exchanges = watched.sensor.exchanges();
    assert_eq!(of("tagout_exchanges_total{modbus}"), exchanges as f64);
    watched.sensor.stop();
}

#[test]
fn every_metric_is_on_the_page() {
    let Some(watched) = Watched::start("families") else { return };
    play(&watched.mirror);
    watched.wait_until("alerts are delivered", || {
        total(&watched.metrics("text"), "tagout_alert_acknowledged_seconds_count") > 0.0
    });
    watched.wait_until("frames are counted", || {
        watched.metrics("text").contains_key("tagout_last_frame_timestamp_seconds")
    });
    let page = watched.get("/metrics", "*/*");
    for family in tagout::management::families() {
        // There are none on this port, and no evidence is kept.
        if !["tagout_anomalies_total", "tagout_evidence_lost_total"].contains(&family.name.as_str()) {
            assert!(page.contains(&format!("\n# TYPE {} ", family.name)), "{} is not scraped", family.name);
        }
    }
}

#[test]
fn health_names_what_is_unwell() {
    let Some(watched) = Watched::start("health") else { return };
    let (status, health) = watched.health();
    assert_eq!((status.as_str(), &health["status"]), ("HTTP/1.1 200 OK", &Value::from("ok")), "{health}");
    assert_eq!(health["restarts"], 0, "{health}");
    watched.mirror.on_sensor(&["link", "set", "eth1", "down"]);
    watched.wait_until("a lost interface is unwell", || watched.health().0 == "HTTP/1.1 503 Service Unavailable");
    let (_, health) = watched.health();
    assert_eq!((&health["live"], &health["ready"]), (&Value::from(true), &Value::from(false)), "{health}");
    assert_eq!((&health["unwell"][0]["part"], &health["unwell"][0]["name"]), (&"interface".into(), &"eth1".into()));
    assert_eq!(watched.metrics("text")["tagout_interface_up{eth1}"], 0.0);
    watched.mirror.on_sensor(&["link", "set", "eth1", "up"]);
    watched.wait_until("it is well again", || watched.health().0 == "HTTP/1.1 200 OK");
    let before = watched.metrics("text")["tagout_policy_reloads_total{taken}"];
    watched.sensor.hang_up();
    watched
        .wait_until("a policy is read anew", || watched.metrics("text")["tagout_policy_reloads_total{taken}"] > before);
}

/// What `tagout health` prints where the sensor is, and its exit code.
fn asked(mirror: &Mirror, arguments: &[&str]) -> (String, Option<i32>) {
    let command = || Command::new(binary::tagout()).arg("health").args(arguments).output().expect("tagout can be run");
    let output = mirror.in_sensor(command);
    let said = [output.stdout, output.stderr].concat();
    (String::from_utf8(said).expect("text"), output.status.code())
}

#[test]
fn a_running_daemon_is_asked_how_it_does() {
    let Some(watched) = Watched::start("asked") else { return };
    let address = ["--address", "127.0.0.1:9465"];
    let ask = |more: &[&str]| asked(&watched.mirror, &[&address, more].concat());
    assert_eq!(ask(&[]), (format!("tagout {} is well\n", env!("CARGO_PKG_VERSION")), Some(0)));
    watched.mirror.on_sensor(&["link", "set", "eth1", "down"]);
    watched.wait_until("a lost interface is unwell", || watched.health().0 == "HTTP/1.1 503 Service Unavailable");
    let (said, code) = ask(&[]);
    assert!(
        said.contains(" is unwell, and no interface is read\n  interface eth1: it cannot be read (since "),
        "{said}"
    );
    assert_eq!((code, ask(&["--live"]).1), (Some(1), Some(0)));
    let (json, code) = ask(&["--json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["status"], &json["unwell"][0]["part"], code), (&"unwell".into(), &"interface".into(), Some(1)));
    let coloured = ask(&["--color", "always"]).0;
    assert!(coloured.contains('\u{1b}'), "{coloured}");
    let Watched { mirror, sensor, folder } = watched;
    sensor.stop();
    let (said, code) = asked(&mirror, &address);
    assert!(said.contains("127.0.0.1:9465: ") && said.contains("does tagout run"), "{said}");
    assert_eq!(code, Some(3));
    let config = folder.path().join("without.toml");
    fs::write(&config, "[capture]\ninterface = \"eth1\"\n").expect("a configuration");
    let (said, code) = asked(&mirror, &["--config", &config.display().to_string()]);
    assert!(said.contains("without.toml: [management] names no address to ask at") && code == Some(2), "{said}");
}

#[test]
fn nobody_who_asks_can_hold_others_up() {
    let Some(watched) = Watched::start("hostile") else { return };
    for (request, expected) in [
        ("GET / HTTP/1.1\r\n\r\n", "404 "),
        ("GET /metrics/ HTTP/1.1\r\n\r\n", "404 "),
        ("DELETE /metrics HTTP/1.1\r\n\r\n", "405 "),
        ("HEAD /health HTTP/1.1\r\n\r\n", "405 "),
        ("\u{16}\u{3}\u{1}\r\n\r\n", "400 "),
        ("GET /health HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "200 "),
    ] {
        let answer = watched.ask(request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{request:?}: {answer}");
    }
    let long = watched.ask(&format!("GET /health HTTP/1.1\r\nCookie: {}\r\n\r\n", "a".repeat(7_000_000)));
    assert!(long.is_empty() || long.starts_with("HTTP/1.1 431 "), "{long}");
    let silent: Vec<TcpStream> = watched.mirror.in_sensor(|| (0..200).map(|_| connect()).collect());
    assert_eq!(watched.health().0, "HTTP/1.1 200 OK", "beside many who say nothing");
    let deaf: Vec<TcpStream> = watched.mirror.in_sensor(|| (0..100).map(|_| asking()).collect());
    assert_eq!(watched.health().0, "HTTP/1.1 200 OK", "beside many who do not listen");
    let slow = watched.mirror.in_sensor(connect);
    let ended = drip(slow, Duration::from_secs(10));
    assert!(ended, "who gives a byte now and then is not waited for");
    drop((silent, deaf));
    let (frames, _) = play(&watched.mirror);
    watched.wait_until("every frame is counted", || watched.metrics("text")["tagout_frames_total"] == frames as f64);
    assert_eq!(total(&watched.metrics("text"), "tagout_interface_dropped_frames_total"), 0.0);
    let descriptors = watched.metrics("text")["process_open_fds"];
    assert!(descriptors < 64.0, "{descriptors} descriptors stay open");
}

fn connect() -> TcpStream {
    TcpStream::connect(ADDRESS).expect("it listens")
}

/// Somebody who asks, and never reads the answer.
fn asking() -> TcpStream {
    let mut stream = connect();
    let _ = stream.write_all(&b"GET /metrics HTTP/1.1\r\n\r\n".repeat(3));
    stream
}

/// Sends a byte of a request now and then; whether that ended before the time.
fn drip(mut stream: TcpStream, time: Duration) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(200))).expect("sockets have timeouts");
    let started = Instant::now();
    while started.elapsed() < time {
        let mut said = [0; 256];
        match stream.read(&mut said) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return true,
        }
        if stream.write_all(b"G").is_err() {
            return true;
        }
    }
    false
}

fn records(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("records are JSON")).collect()
}

#[test]
fn an_address_that_is_taken_is_told() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = taken.local_addr().expect("an address");
    let options = tagout::management::Options { listen: Some(address) };
    let said = tagout::management::Management::open(&options, &[]).err().expect("it is taken");
    let said = said.message().unwrap_or_default().to_owned();
    assert!(said.starts_with(&format!("management.listen: cannot listen on {address}: ")), "{said}");
}
