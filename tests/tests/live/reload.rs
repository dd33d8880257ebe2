//! A policy that is read anew while the sensor runs.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;
use tagout_tests::binary;

use crate::sensor::Sensor;
use crate::{BUFFER_MIB, tagged};
use tagout_tests::mirror::Mirror;

/// Who asks in [`tagged::capture`] may do nothing, or read.
fn policy(permits: &str) -> String {
    format!(
        "[actors.client]\nkind = \"hmi\"\nip = [\"10.0.0.0/24\", \"fd00::/64\"]\n\
         [devices.plc]\nip = [\"10.0.0.0/24\", \"fd00::/64\"]\n{permits}"
    )
}

const ALL: &str = "[[permits]]\nactor = \"client\"\ndevice = \"plc\"\n\
                   do = [\"read\", \"write\", \"diagnostics\", \"identify\", \"other\", \"file\", \"configure\"]\n";

#[test]
fn a_policy_is_read_anew_on_a_signal_and_a_bad_one_changes_nothing() {
    let Some(mirror) = Mirror::of_test("reload") else { return };
    mirror.plug_in("eth1");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let file = folder.path().join("site.toml");
    let write = |text: String| fs::write(&file, text).expect("a policy");
    write(policy(""));
    let lines = format!(
        "buffer_mib = {BUFFER_MIB}\nsilence_s = 1\n[policy]\nfiles = [\"{}\"]\ndefault_rules = false\n",
        file.display()
    );
    let mut sensor = mirror.in_sensor(|| Sensor::begin(&["eth1"], "reload", &lines));
    let violations = |sensor: &mut Sensor, port| {
        let (capture, before) = (tagged::capture(port), sensor.tagged());
        mirror.at_wire("eth1", |wire| tagged::send(&capture, wire));
        sensor.await_tagged(before + tagged::replayed(&capture).len());
        sensor.violations()
    };
    // What it does not hear tells that it listens.
    sensor.await_news("silence", "eth1", 1);
    let strict = violations(&mut sensor, 40_000);
    assert!(strict > 0, "nothing is permitted");

    write(policy("[[permits]]\nactor = \"nobody\"\n"));
    sensor.hang_up();
    sensor.await_news("policy-refused", "", 1);
    let why = told(&sensor.news("policy-refused", "")[0]);
    assert!(why.contains("site.toml:6") && why.contains("`do` is missing"), "{why}");
    let stricter = violations(&mut sensor, 40_100);
    assert!(stricter > strict, "the policy before is in force");

    write(policy(ALL));
    sensor.hang_up();
    sensor.await_news("policy-loaded", "", 1);
    assert_eq!(violations(&mut sensor, 40_200), stricter, "everything is permitted now");
    is_named_otherwise(&sensor.news("policy-loaded", "")[0]);
    sensor.stop();
}

#[test]
fn a_policy_that_has_to_be_sealed_is_taken_as_it_was_sealed_and_never_an_older_one() {
    let Some(mirror) = Mirror::of_test("sealed") else { return };
    mirror.plug_in("eth1");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let place = |name: &str| folder.path().join(name).display().to_string();
    let [key, public, file] = ["site.key", "site.pub", "site.toml"].map(place);
    let tagout = |arguments: &[&str]| {
        let ended = Command::new(binary::tagout()).args(arguments).stdout(Stdio::null()).status();
        assert!(ended.expect("tagout can be run").success(), "{arguments:?}");
    };
    let seal = |version: &str| tagout(&["seal", &file, "--sign", &key, "--version", version]);
    tagout(&["key", "new", "-o", &place("site")]);
    fs::write(&file, policy("")).expect("a policy");
    seal("5");
    let lines = format!("silence_s = 1\n[policy]\nfiles = [\"{file}\"]\nkey = \"{public}\"\n");
    let mut sensor = mirror.in_sensor(|| Sensor::begin(&["eth1"], "sealed", &lines));
    sensor.await_news("silence", "eth1", 1);

    fs::write(&file, policy(ALL)).expect("a policy");
    sensor.hang_up();
    sensor.await_news("policy-refused", "", 1);
    let why = told(&sensor.news("policy-refused", "")[0]);
    assert!(why.contains("these are not the policy files that the holder of"), "{why}");
    seal("6");
    sensor.hang_up();
    sensor.await_news("policy-loaded", "", 1);
    seal("5");
    sensor.hang_up();
    sensor.await_news("policy-refused", "", 2);
    let why = told(&sensor.news("policy-refused", "")[1]);
    assert!(why.contains("its seal is version 5, which is older than 6"), "{why}");
    sensor.stop();
}

fn told(alert: &Value) -> String {
    alert["ot"]["why"].as_str().expect("a sentence").to_owned()
}

/// The policy that came into force has another version than the one before.
fn is_named_otherwise(alert: &Value) {
    let why = told(alert);
    let versions: Vec<&str> = why.split(|c: char| !c.is_ascii_hexdigit()).filter(|word| word.len() == 16).collect();
    assert!(versions.len() == 2 && versions[0] != versions[1], "{why}");
}
