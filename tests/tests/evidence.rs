//! The packets behind alerts: what `replay --evidence` keeps, read by libpcap and tshark.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tagout::capture::CaptureFile;
use tagout::config::{Config, Ports};
use tagout::evidence::{Evidence, Options};
use tagout::memory::{Limits, Memory};
use tagout::output::{Existing, Recorder, Sinks, Target};
use tagout::policy::{Sources, load};
use tagout::record::{Context, Origin};
use tagout_core::Sensor;
use tagout_tests::case::Case;
use tagout_tests::plant::{Lan, Protocol};
use tagout_tests::{binary, schema};

/// What is replayed, and what it is judged by.
struct Scene {
    capture: PathBuf,
    policy: PathBuf,
    port: &'static str,
}

fn tests() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn demo() -> Scene {
    let folder = tests().join("demo");
    Scene { capture: folder.join("recorded.pcap"), policy: folder.join("policy.toml"), port: "15020" }
}

/// Alerts of a replay that keeps evidence in `folder`.
fn replay(scene: &Scene, folder: &Path, options: &[&str]) -> Vec<Value> {
    let output = Command::new(binary::tagout())
        .arg("replay")
        .arg(&scene.capture)
        .arg("--policy")
        .arg(&scene.policy)
        .args(["--modbus-port", scene.port, "--quiet", "--alerts", "-", "--evidence"])
        .arg(folder)
        .args(options)
        .output()
        .expect("tagout can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let alerts = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    let alerts: Vec<Value> = alerts.map(|alert| alert.expect("an alert is JSON")).collect();
    alerts.iter().for_each(|alert| assert_eq!(schema::check_record(alert), Ok(())));
    alerts
}

/// The packets of a capture as libpcap reads them: time in microseconds, and bytes.
fn packets(path: &Path) -> Vec<(i128, Vec<u8>)> {
    let mut capture = pcap::Capture::from_file(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut packets = Vec::new();
    while let Ok(packet) = capture.next_packet() {
        let time = packet.header.ts;
        packets.push((i128::from(time.tv_sec) * 1_000_000 + i128::from(time.tv_usec), packet.data.to_vec()));
    }
    packets
}

/// Addresses and ports of both sides, the smaller side first.
fn conversation(frame: &[u8]) -> Option<[(std::net::IpAddr, u16); 2]> {
    use etherparse::{NetSlice, SlicedPacket, TransportSlice};
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    let (src, dst) = match packet.net? {
        NetSlice::Ipv4(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        NetSlice::Ipv6(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        NetSlice::Arp(_) => return None,
    };
    let (from, to) = match packet.transport? {
        TransportSlice::Tcp(tcp) => (tcp.source_port(), tcp.destination_port()),
        TransportSlice::Udp(udp) => (udp.source_port(), udp.destination_port()),
        _ => return None,
    };
    let mut sides = [(src, from), (dst, to)];
    sides.sort_unstable();
    Some(sides)
}

/// Holds the evidence of alerts against the capture that they are from; returns how many there were.
fn check(scene: &Scene, folder: &Path, alerts: &[Value]) -> usize {
    let all = packets(&scene.capture);
    let mut checked = 0;
    for alert in alerts {
        let evidence = &alert["ot"]["evidence"];
        let Some(name) = evidence["file"].as_str() else {
            assert!(alert["ot"]["repeats"].is_object() || alert["anomaly"].is_object(), "no evidence: {alert}");
            continue;
        };
        let path = folder.join(name);
        let bytes = fs::read(&path).expect("the file is there");
        let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(evidence["sha256"], sha256.as_str());
        let kept = packets(&path);
        assert_eq!(evidence["packets"], kept.len());
        let after = path.with_extension("after.pcapng");
        let after = if after.exists() { packets(&after) } else { Vec::new() };
        let mut at = 0;
        for packet in kept.iter().chain(&after) {
            let found = all[at..].iter().position(|one| one == packet);
            at += found.unwrap_or_else(|| panic!("{}: not from the capture, or out of order", path.display())) + 1;
        }
        for side in ["request", "response"] {
            if let Some(frame) = alert[side]["frame"].as_u64().filter(|_| evidence["incomplete"].is_null()) {
                assert!(kept.contains(&all[frame as usize - 1]), "{}: its {side} is missing", path.display());
            }
        }
        let conversations = kept.iter().chain(&after).filter_map(|(_, frame)| conversation(frame));
        let conversations: std::collections::BTreeSet<_> = conversations.collect();
        assert!(conversations.len() <= 1, "{}: one conversation, not {conversations:?}", path.display());
        checked += 1;
    }
    checked
}

#[test]
fn the_demo_shows_what_its_alerts_are_about() {
    let (scene, folder) = (demo(), tempfile::tempdir().expect("a folder"));
    let alerts = replay(&scene, folder.path(), &[]);
    assert!(check(&scene, folder.path(), &alerts) > 5);
    let files = |path: &Path| -> BTreeMap<PathBuf, Vec<u8>> {
        let days = fs::read_dir(path).expect("a folder").flatten();
        let files = days.flat_map(|day| fs::read_dir(day.path()).expect("a day").flatten());
        files
            .map(|file| (file.path().strip_prefix(path).expect("in it").into(), fs::read(file.path()).expect("a file")))
            .collect()
    };
    let again = tempfile::tempdir().expect("a folder");
    assert_eq!(replay(&scene, again.path(), &[]), alerts);
    assert_eq!(files(folder.path()), files(again.path()), "the same capture gives the same evidence");
}

#[test]
fn every_disturbance_leaves_evidence_of_what_it_hides() {
    let folder = tests().join("cases/disturbances");
    let stage = tempfile::tempdir().expect("a folder");
    let (mut checked, mut lans) = (0, Lan::ALL.into_iter().cycle());
    for (_, case) in Case::all() {
        for protocol in Protocol::ALL.into_iter().filter(|protocol| case.protocols.contains(protocol)) {
            let capture = stage.path().join("capture.pcap");
            fs::write(&capture, case.build(protocol, lans.next().expect("a LAN")).capture.pcap()).expect("a capture");
            let scene = Scene { capture, policy: folder.join("policy.toml"), port: "502" };
            let evidence = stage.path().join("evidence");
            checked += check(&scene, &evidence, &replay(&scene, &evidence, &[]));
        }
    }
    assert!(checked > 200, "only {checked} alerts with evidence");
}

fn evidence(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary::tagout());
    command.args(["evidence", "--directory"]).arg(folder).args(arguments);
    command.output().expect("tagout can be run")
}

#[test]
fn an_analyst_finds_it_by_the_alerts_id() {
    let (scene, folder) = (demo(), tempfile::tempdir().expect("a folder"));
    let alerts = replay(&scene, folder.path(), &[]);
    let alert = alerts.iter().find(|alert| alert["ot"]["evidence"].is_object()).expect("an alert with evidence");
    let (id, sha256) = (&alert["ot"]["alert_id"], &alert["ot"]["evidence"]["sha256"]);
    let (id, sha256) = (id.as_str().expect("an id"), sha256.as_str().expect("a hash"));

    let shown = evidence(folder.path(), &[&id[..12], "--sha256", sha256]);
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.status.success() && text.contains(sha256) && text.contains(id), "{text}");
    assert!(text.contains(&alert["ot"]["actor"]["name"].as_str().expect("a name").to_owned()), "{text}");

    let written = folder.path().join("one.pcapng");
    let output = evidence(folder.path(), &[id, "-o", &written.display().to_string()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    commented(&written, alert);

    for (arguments, code) in [(vec![id, "--sha256", "00"], 1), (vec!["zz"], 2), (vec![""], 2)] {
        let output = evidence(folder.path(), &arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.starts_with("tagout: "), "{said}");
    }
}

/// What tshark shows of a file: the packets, and what tagout says of the request.
fn commented(path: &Path, alert: &Value) {
    let fields = ["-T", "fields", "-e", "frame.time_epoch", "-e", "frame.comment"];
    let Ok(output) = Command::new("tshark").arg("-r").arg(path).args(fields).output() else {
        return eprintln!("skipped: there is no tshark");
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let packets = alert["ot"]["evidence"]["packets"].as_u64().expect("a count");
    assert!(text.lines().count() as u64 >= packets, "what came after is in it too:\n{text}");
    let comments: Vec<&str> =
        text.lines().filter_map(|line| line.split('\t').nth(1).filter(|one| !one.is_empty())).collect();
    assert!(!comments.is_empty() && comments.len() <= 2, "request and response are commented on:\n{text}");
    assert!(comments[0].contains(alert["ot"]["actor"]["name"].as_str().expect("a name")), "{comments:?}");
}

/// Replays the demo in this process, since memory and disk are no options of the command line.
fn replay_within(options: &Options) -> Vec<Value> {
    let (scene, stage) = (demo(), tempfile::tempdir().expect("a folder"));
    let alerts = stage.path().join("alerts.jsonl");
    let sources = Sources::read(&[scene.policy], true).expect("the policy is there");
    let image = sources.compile(false).expect("the policy is right").image;
    let policy = load(&image).expect("the image is right");
    let sinks = Sinks::open(Some(Target::File(alerts.clone())), None, Existing::Replace).expect("a file");
    let context = Context { origin: Origin::capture_file("demo"), policy, sources: &sources };
    let mut recorder = Recorder::new(context, sinks, None, false)
        .with_evidence(Evidence::open(options, true).expect("a folder for evidence"));
    let config = Config { ports: Ports { modbus: vec![15_020], ..Ports::default() }, ..Config::default() };
    let mut memory = Memory::new(&Limits::default(), policy);
    let mut sensor = Sensor::new(config.sensor().expect("a configuration"), policy, memory.lend());
    let mut capture = CaptureFile::open(&scene.capture).expect("the capture is there");
    while let Some(frame) = capture.next().expect("a whole capture") {
        recorder.take(&frame);
        sensor.frame(&frame, &mut recorder);
    }
    sensor.finish(&mut recorder);
    recorder.flush().expect("the alerts can be written");
    let text = fs::read_to_string(&alerts).expect("alerts");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn packets_that_are_in_memory_no_more_are_missed() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { directory: Some(folder.path().into()), ring_packets: 1, ..Options::default() };
    let alerts = replay_within(&options);
    let told: Vec<&Value> = alerts.iter().map(|alert| &alert["ot"]["evidence"]).filter(|one| one.is_object()).collect();
    assert!(!told.is_empty() && told.iter().all(|one| one["packets"] == 1), "{told:?}");
    let answered = alerts.iter().filter(|alert| alert["response"].is_object() && alert["ot"]["evidence"].is_object());
    answered.for_each(|alert| assert_eq!(alert["ot"]["evidence"]["incomplete"], true, "{alert}"));
}

#[test]
fn the_disk_keeps_the_latest() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { directory: Some(folder.path().into()), most_mib: 0, ..Options::default() };
    let alerts = replay_within(&options);
    let last = alerts.iter().rfind(|alert| alert["ot"]["evidence"].is_object()).expect("evidence");
    let names: Vec<_> = fs::read_dir(folder.path())
        .expect("a folder")
        .flatten()
        .flat_map(|day| {
            fs::read_dir(day.path())
                .expect("a day")
                .flatten()
                .map(|file| file.file_name().into_string().expect("a name"))
        })
        .collect();
    let id = last["ot"]["alert_id"].as_str().expect("an id");
    assert!(names.len() == 1 && names[0].starts_with(id), "{names:?}, not {id}");
}
