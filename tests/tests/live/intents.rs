//! What an agent declares while the sensor runs, against what it does.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tagout_tests::binary;
use tagout_tests::generate::{Capture, Endpoint, Message, Network, Session, Side, Transport, modbus};
use tagout_tests::mirror::Mirror;

use crate::sensor::Sensor;
use crate::tagged;

const PATIENCE: Duration = Duration::from_secs(20);
/// The agent may write the setpoint; what it writes has to be declared.
pub(crate) const POLICY: &str = "[actors.planner]\nkind = \"ai-agent\"\nintents = \"required\"\nip = \"10.0.0.1\"\n\
                      [devices.plc]\nip = \"10.0.0.2\"\n[devices.plc.points]\nsetpoint = { holding-register = 40 }\n\
                      [[permits]]\nactor = \"planner\"\ndevice = \"plc\"\ndo = [\"read\", \"write\"]\n\
                      [intents]\nhold = \"500 ms\"\nsilence = \"2 s\"\n";

/// The agent writes the setpoint from this port.
pub(crate) fn write(port: u16, value: u16) -> Capture {
    let end = |last, port| Endpoint { mac: [2, 0, 0, 0, 0, last], ip: IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), port };
    let mut session = Session::new(end(1, port), end(2, 502), Transport::Tcp);
    let adu = modbus::adu(1, 1, &modbus::write_register(40, value));
    let turns = [(Side::Client, 1_000), (Side::Server, 3_000)];
    session.play(&turns.map(|(from, at_us)| Message { turn: 0, from, at_us, bytes: adu.clone() }), [1, 1]);
    let mut capture = Capture::default();
    capture.add(&session, &Network::default());
    capture
}

/// Makes the planner's key, and tells the policy of it.
pub(crate) fn key(folder: &Path) -> String {
    let place = |name: &str| folder.join(name).display().to_string();
    let tagout =
        |arguments: &[&str]| Command::new(binary::tagout()).args(arguments).output().expect("tagout can be run");
    tagout(&["key", "new", "-o", &place("planner")]);
    let public = tagout(&["key", "show", &place("planner.pub")]).stdout;
    let public = String::from_utf8_lossy(&public);
    format!("[[intents.keys]]\nid = \"planner-1\"\npublic = \"{}\"\nactors = \"planner\"\n", public.trim())
}

/// Signs that the setpoint will be set to this.
pub(crate) fn sign(folder: &Path, id: &str, value: u16) -> Vec<u8> {
    let intent = folder.join("intent.json");
    let text = format!(
        r#"{{"id":"{id}","actor":"planner","device":"plc","points":["setpoint"],"operation":"write","value":{value},
            "not_before":"2026-01-01T00:00:00Z","expires":"2099-01-01T00:00:00Z"}}"#
    );
    fs::write(&intent, text).expect("an intent");
    let mut sign = Command::new(binary::tagout());
    sign.args(["intent", "sign"])
        .arg(intent)
        .arg("--key")
        .arg(folder.join("planner.key"))
        .args(["--key-id", "planner-1"]);
    sign.output().expect("tagout can be run").stdout
}

/// Waits for one more alert on what was declared, and tells which.
pub(crate) fn next_finding(sensor: &Sensor, known: &mut usize) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let alerts = sensor.intents();
        if let Some(alert) = alerts.get(*known) {
            *known += 1;
            return alert["ot"]["intent"]["finding"].as_str().unwrap_or_default().to_owned();
        }
        assert!(Instant::now() < deadline, "no more than {alerts:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_an_agent_writes_is_held_against_what_it_declared_meanwhile() {
    let Some(mirror) = Mirror::of_test("intents") else { return };
    mirror.plug_in("eth1");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let place = |name: &str| folder.path().join(name);
    fs::write(place("site.toml"), format!("{POLICY}{}", key(folder.path()))).expect("a policy");
    fs::create_dir(place("inbox")).expect("a folder");
    fs::write(place("declared.jws"), sign(folder.path(), "first", 7)).expect("declarations");
    let feed =
        format!("files = [\"{}\"]\ndirectory = \"{}\"\n", place("declared.jws").display(), place("inbox").display());
    let lines = format!(
        "silence_s = 1\n[policy]\nfiles = [\"{}\"]\ndefault_rules = false\n[sandbox]\nmode = \"best\"\n[intents]\n{feed}",
        place("site.toml").display()
    );
    let mut sensor = mirror.in_sensor(|| Sensor::begin(&["eth1"], "intents", &lines));
    sensor.await_news("silence", "eth1", 1);
    let mut known = 0;
    let act = |port, value| mirror.at_wire("eth1", |wire| tagged::send(&write(port, value), wire));

    act(40_001, 7);
    act(40_002, 7);
    assert_eq!(next_finding(&sensor, &mut known), "intent.exceeded", "the first was declared, the second was not");
    act(40_003, 9);
    assert_eq!(next_finding(&sensor, &mut known), "intent.none");
    // Declared right after it was done, in a file and in the folder.
    let mut file = OpenOptions::new().append(true).open(place("declared.jws")).expect("declarations");
    act(40_004, 11);
    file.write_all(&sign(folder.path(), "second", 11)).expect("declarations");
    act(40_005, 12);
    fs::write(place("inbox/third.part"), sign(folder.path(), "third", 12)).expect("a declaration");
    fs::rename(place("inbox/third.part"), place("inbox/third.jws")).expect("a declaration");
    act(40_006, 13);
    assert_eq!(next_finding(&sensor, &mut known), "intent.none", "of 13; 11 and 12 were declared");
    file.write_all(&sign(folder.path(), "fourth", 20)).expect("declarations");
    act(40_007, 21);
    assert_eq!(next_finding(&sensor, &mut known), "intent.value-mismatch");
    let forged = String::from_utf8(sign(folder.path(), "forged", 14)).expect("text");
    let (signed, _) = forged.trim().rsplit_once('.').expect("three parts");
    let other = String::from_utf8(sign(folder.path(), "other", 15)).expect("text");
    let (_, signature) = other.trim().rsplit_once('.').expect("three parts");
    writeln!(file, "nonsense\n{signed}.{signature}").expect("declarations");
    assert_eq!(next_finding(&sensor, &mut known), "intent.bad-signature");
    fs::remove_file(place("declared.jws")).expect("it is there");
    assert_eq!(next_finding(&sensor, &mut known), "intent.feed-silent");
    act(40_008, 99);
    std::thread::sleep(Duration::from_millis(800));
    assert_eq!(sensor.intents().len(), known, "what is not declared is not known now");
    sensor.stop();
}

#[test]
fn without_a_place_for_declarations_that_is_told_once_and_no_command_is_blamed() {
    let Some(mirror) = Mirror::of_test("no-feed") else { return };
    mirror.plug_in("eth1");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let policy = folder.path().join("site.toml");
    fs::write(&policy, POLICY).expect("a policy");
    let lines = format!("silence_s = 1\n[policy]\nfiles = [\"{}\"]\ndefault_rules = false\n", policy.display());
    let mut sensor = mirror.in_sensor(|| Sensor::begin(&["eth1"], "no-feed", &lines));
    sensor.await_news("silence", "eth1", 1);
    (40_001..40_004).for_each(|port| mirror.at_wire("eth1", |wire| tagged::send(&write(port, 7), wire)));
    assert_eq!(next_finding(&sensor, &mut 0), "intent.feed-silent");
    std::thread::sleep(Duration::from_millis(800));
    let findings: Vec<Value> = sensor.intents();
    assert_eq!(findings.len(), 1, "{findings:?}");
    sensor.stop();
}

/// A policy in which a human approves this setpoint at all times, if any.
fn approving(value: Option<u16>) -> String {
    let policy = POLICY.replace("silence = \"2 s\"\n", "");
    let approval = value.map(|value| {
        format!(
            "[windows.always]\ndays = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"]\n\
             [[intents.approvals]]\nid = \"CHG-1\"\napprover = \"Ada Ruiz\"\nactor = \"planner\"\nduring = \"always\"\n\
             device = \"plc\"\npoints = \"setpoint\"\ndo = \"write\"\nvalue = {value}\n"
        )
    });
    policy + &approval.unwrap_or_default()
}

#[test]
fn a_reload_brings_intents_and_approvals_and_takes_them_back() {
    let Some(mirror) = Mirror::of_test("approvals") else { return };
    mirror.plug_in("eth1");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let policy = folder.path().join("site.toml");
    let (without, _) = POLICY.split_once("[intents]").expect("the last table");
    fs::write(&policy, without.replace("intents = \"required\"\n", "")).expect("a policy");
    let lines = format!("silence_s = 1\n[policy]\nfiles = [\"{}\"]\ndefault_rules = false\n", policy.display());
    let mut sensor = mirror.in_sensor(|| Sensor::begin(&["eth1"], "approvals", &lines));
    sensor.await_news("silence", "eth1", 1);
    let act = |port, value| mirror.at_wire("eth1", |wire| tagged::send(&write(port, value), wire));
    act(40_001, 5);
    let (mut loaded, mut known) = (0, 0);
    let mut load = |sensor: &mut Sensor, text: String| {
        fs::write(&policy, text).expect("a policy");
        sensor.hang_up();
        loaded += 1;
        sensor.await_news("policy-loaded", "", loaded);
    };

    load(&mut sensor, approving(Some(7)));
    act(40_002, 7);
    act(40_003, 9);
    assert_eq!(next_finding(&sensor, &mut known), "intent.value-mismatch", "7 is approved");
    load(&mut sensor, approving(Some(9)));
    act(40_004, 9);
    act(40_005, 7);
    assert_eq!(next_finding(&sensor, &mut known), "intent.value-mismatch", "9 is approved");
    let observed = |alert: &Value| alert["ot"]["intent"]["observed"]["value"].as_f64();
    let observed: Vec<_> = sensor.intents().iter().filter_map(observed).collect();
    assert_eq!(observed, [9.0, 7.0]);
    load(&mut sensor, approving(None));
    act(40_006, 9);
    assert_eq!(next_finding(&sensor, &mut known), "intent.feed-silent", "nobody declares anything any more");
    sensor.stop();
}
