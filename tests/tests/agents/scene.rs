//! The plant, its network, who commands it and who watches it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tagout_tests::lab::Lab;
use tagout_tests::recorder::Recorder;
use tagout_tests::{binary, schema};
use tempfile::TempDir;

use crate::agent::{self, Agent};
use crate::call::Call;
use crate::watch::{MANAGEMENT, Watch};

pub(crate) const MODBUS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
pub(crate) const OUTSTATION: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 11);
const AGENT: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 20)), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 21))];
/// Frames reach the recorder a moment after they were sent.
const MARGIN: Duration = Duration::from_millis(300);

/// A plant that agents command, recorded at a mirror port.
pub(crate) struct Scene {
    agents: BTreeMap<String, Agent>,
    plant: Child,
    recorder: Recorder,
    watch: Watch,
    lab: Lab,
    folder: TempDir,
}

/// From before a thing was done until after it was.
pub(crate) type During = std::ops::Range<SystemTime>;

impl Scene {
    /// Sets it; the error is why that cannot be done here.
    pub(crate) fn set() -> Result<Self, String> {
        for server in ["client", "industriagents-modbus-mcp", "industriagents-dnp3-mcp"] {
            agent::program(server, "python")
                .ok_or(format!("no {server} in .venv (`tests/setup.sh peers` installs it)"))?;
        }
        let lab = Lab::build("agents", [MODBUS, OUTSTATION].map(IpAddr::V4), AGENT)?;
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let capture = folder.path().join("capture.pcap");
        let recorder = lab.in_sensor(|| Recorder::start("eth0", &capture, "tcp")).map_err(|error| error.to_string())?;
        lab.join_beside(MANAGEMENT.map(IpAddr::V4))?;
        let watch = lab.in_sensor(|| Watch::start(folder.path(), &cases()));
        let plant = lab.in_plc(start_plant);
        Ok(Self { agents: BTreeMap::new(), plant, recorder, watch, lab, folder })
    }

    /// Whether a server can be run here.
    pub(crate) fn has(&self, server: &str) -> bool {
        let has = agent::has(server);
        if !has {
            println!("left out: {server} is not in .venv");
        }
        has
    }

    /// Makes a call.
    pub(crate) fn play(&mut self, call: &Call) -> During {
        let folder = self.folder.path();
        let start = || self.lab.in_hmi(|| Agent::start(&call.server, folder));
        let agent = self.agents.entry(call.server.clone()).or_insert_with(start);
        let began = SystemTime::now();
        let said = self.lab.in_hmi(|| agent.call(call));
        println!("{}: {said}", call.name);
        sleep(Duration::from_secs_f64(call.settles_s));
        began..SystemTime::now()
    }

    /// Has something done there.
    pub(crate) fn on_the_agents_host(&self, work: impl FnOnce() + Send) -> During {
        let began = SystemTime::now();
        self.lab.in_hmi(work);
        began..SystemTime::now()
    }

    /// What tagout says of all that was done: as it happened, and of the recording and the spans afterwards.
    pub(crate) fn judge(self) -> [Judged; 2] {
        sleep(MARGIN);
        let Self { agents, mut plant, recorder, watch, lab, folder } = self;
        watch.stop();
        drop(agents);
        let _ = plant.kill().and_then(|()| plant.wait());
        recorder.finish().expect("the recording is whole");
        drop(lab);
        let cases = cases();
        let declared =
            tagout(&["intent", "spans", "spans.pb", "--servers", &shown(&cases.join("servers.toml"))], folder.path());
        std::fs::write(folder.path().join("intents.jsonl"), declared).expect("a file");
        let policy = shown(&cases.join("plant.toml"));
        let replay = ["replay", "capture.pcap", "--intents", "intents.jsonl", "--every-alert", "--quiet"];
        let records = ["--alerts", "alerts.jsonl", "--events", "events.jsonl", "--policy", &policy];
        tagout(&[&replay[..], &records[..]].concat(), folder.path());
        let read = |name: &str| records_in(&folder.path().join(name));
        ["live-", ""].map(|when| Judged {
            when: if when.is_empty() { "afterwards" } else { "live" },
            alerts: read(&format!("{when}alerts.jsonl")),
            events: read(&format!("{when}events.jsonl")),
        })
    }
}

/// What tagout found.
pub(crate) struct Judged {
    when: &'static str,
    alerts: Vec<Value>,
    events: Vec<Value>,
}

impl Judged {
    /// What is not as it should be of a call.
    pub(crate) fn fault(&self, call: &Call, during: &During) -> Option<String> {
        let found = self.findings(during);
        let grades = self.grades(during);
        let as_it_should_be = found == call.findings
            && call.grade.as_ref().is_none_or(|grade| !grades.is_empty() && grades.iter().all(|found| found == grade));
        let Call { name, grade, findings, .. } = call;
        (!as_it_should_be)
            .then(|| format!("{}, {name}: {grades:?} {found:?} instead of {grade:?} {findings:?}", self.when))
    }

    /// How well the commands of this time are covered.
    fn grades(&self, during: &During) -> Vec<String> {
        let acts = self.events.iter().filter(|event| event["event_type"] == "intent" && during.contains(&time(event)));
        acts.map(|act| act["ot"]["intent"]["grade"].as_str().expect("a grade").to_owned()).collect()
    }

    /// What is wrong with the commands of this time.
    pub(crate) fn findings(&self, during: &During) -> Vec<String> {
        let alerts = self.alerts.iter().filter(|alert| during.contains(&time(alert)));
        let findings = alerts.map(|alert| {
            let finding = alert["ot"]["intent"]["finding"].as_str().unwrap_or("another alert");
            println!("{}", alert["ot"]["why"]);
            finding.to_owned()
        });
        findings.filter(|finding| finding != "intent.unfulfilled").collect()
    }
}

/// The folder with the calls.
fn cases() -> PathBuf {
    binary::workspace().join("tests/cases/agents")
}

fn records_in(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("tagout wrote records");
    let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(records.iter().try_for_each(schema::check_record), Ok(()));
    records
}

fn time(record: &Value) -> SystemTime {
    let text = record["timestamp"].as_str().expect("a time");
    let time: jiff::Timestamp =
        jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text).and_then(|time| time.to_timestamp()).expect("a time");
    time.into()
}

fn start_plant() -> Child {
    let mut command = Command::new(binary::workspace().join(".venv/bin/python"));
    command.arg(agent::peer("plant.py")).arg(MODBUS.to_string()).arg(OUTSTATION.to_string());
    command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut plant = command.spawn().expect("Python can be run");
    let mut ready = String::new();
    BufReader::new(plant.stdout.take().expect("a pipe")).read_line(&mut ready).expect("a line");
    assert_eq!(ready.trim(), "ready");
    plant
}

fn tagout(arguments: &[&str], folder: &Path) -> String {
    let output =
        Command::new(binary::tagout()).args(arguments).current_dir(folder).output().expect("tagout can be run");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
