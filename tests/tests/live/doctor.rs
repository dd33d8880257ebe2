//! What `tagout doctor` says of a mirror port while something goes wrong with it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tagout_tests::binary;

use crate::tagged;
use tagout_tests::mirror::Mirror;

/// Who asks in [`tagged::capture`] is declared; the devices are not.
const POLICY: &str = "[actors.client]\nkind = \"hmi\"\nip = [\"10.0.0.0/24\", \"fd00::/64\"]\n";

/// What it found, and how it ended.
struct Said {
    findings: Vec<Value>,
    code: Option<i32>,
}

impl Said {
    fn start(mirror: &Mirror, config: &Path, listen_s: u8) -> Child {
        let mut doctor = Command::new(binary::tagout());
        doctor
            .args(["doctor", "--json", "--listen", &listen_s.to_string(), "--config"])
            .arg(config)
            .stdout(Stdio::piped());
        mirror.in_sensor(|| doctor.spawn()).expect("tagout can be run")
    }

    fn of(doctor: Child) -> Self {
        let output = doctor.wait_with_output().expect("it ends");
        let lines = String::from_utf8(output.stdout).expect("UTF-8");
        let findings = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        Self { findings, code: output.status.code() }
    }

    /// Whether there is this verdict on something, in these words.
    fn has(&self, verdict: &str, about: &str, found: &str) -> bool {
        let is_meant = |finding: &&Value| finding["about"] == about && finding["verdict"] == verdict;
        self.findings
            .iter()
            .filter(is_meant)
            .any(|finding| finding["found"].as_str().unwrap_or_default().contains(found))
    }

    fn must_have(&self, verdict: &str, about: &str, found: &str) {
        assert!(self.has(verdict, about, found), "{verdict} {about} {found}: {:#?}", self.findings);
    }
}

#[test]
fn a_doctor_tells_what_is_wrong_with_a_mirror_port_and_who_speaks_there() {
    let Some(mirror) = Mirror::of_test("doctor") else { return };
    mirror.plug_in("eth1");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let config = folder.path().join("tagout.toml");
    let lines = "[capture]\ninterface = \"eth1\"\n[policy]\nfiles = [\"site.toml\"]\n[evidence]\ndirectory = \"evidence\"\n\
                 [[destination]]\nname = \"soc\"\nsyslog.url = \"tls://192.0.2.1\"\nsyslog.tls.ca = \"missing.pem\"\n";
    std::fs::write(&config, lines).expect("a configuration");
    std::fs::write(folder.path().join("site.toml"), POLICY).expect("a policy");

    // An interface that was just made has no carrier for a moment.
    let is_up = || {
        thread::sleep(Duration::from_millis(100));
        Said::of(Said::start(&mirror, &config, 0)).has("ok", "interface eth1", "up")
    };
    assert!((0..50).any(|_| is_up()), "the interface comes up");
    let healthy = Said::start(&mirror, &config, 2);
    let capture = tagged::capture(40_000);
    for _ in 0..8 {
        thread::sleep(Duration::from_millis(200));
        mirror.at_wire("eth1", |wire| tagged::send(&capture, wire));
    }
    let healthy = Said::of(healthy);
    healthy.must_have("ok", "interface eth1", "up");
    healthy.must_have("ok", "capture", "requests of plant protocols in 2 s");
    healthy.must_have(
        "warning",
        "policy coverage",
        "1 of 1 actors and 0 of 0 devices of the policy were heard; it does not know",
    );
    healthy.must_have("ok", "evidence", "MiB free");
    healthy.must_have("failed", "destination soc", "missing.pem");
    assert_eq!(healthy.code, Some(1));

    mirror.on_sensor(&["address", "add", "192.0.2.7/24", "dev", "eth1"]);
    let addressed = Said::of(Said::start(&mirror, &config, 1));
    addressed.must_have("warning", "interface eth1", "192.0.2.7/24");
    addressed.must_have("failed", "capture", "nothing came");
    mirror.on_sensor(&["link", "set", "eth1", "down"]);
    Said::of(Said::start(&mirror, &config, 1)).must_have("failed", "interface eth1", "down");
}
