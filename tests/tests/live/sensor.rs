//! `tagout run` as a process of the test.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tagout_tests::{binary, schema};

use crate::peers::value_of;
use crate::tagged;

/// A running sensor; it is killed with the value if nothing stopped it before.
pub(crate) struct Sensor {
    child: Child,
    directory: PathBuf,
}

const PATIENCE: Duration = Duration::from_secs(10);

impl Sensor {
    /// A sensor on an interface that `source` reads, with so large a buffer.
    pub(crate) fn start(interface: &str, source: &str, buffer_mib: u32) -> Self {
        Self::begin(&[interface], source, &format!("source = \"{source}\"\nbuffer_mib = {buffer_mib}\n"))
    }

    /// A sensor on interfaces, told from others by `name`, with these lines of the configuration's `[capture]` and whatever
    /// tables follow.
    pub(crate) fn begin(interfaces: &[&str], name: &str, capture: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("tagout-live-{}-{name}", std::process::id()));
        fs::create_dir_all(&directory).expect("a folder for the records");
        let config = directory.join("tagout.toml");
        fs::write(&config, format!("[capture]\n{capture}")).expect("a configuration");
        let mut command = Command::new(binary::tagout());
        command.args(["run", "--repeat-interval", "0", "--every-alert", "--config"]).arg(config);
        command.args(interfaces.iter().flat_map(|interface| ["--interface", interface]));
        command.arg("--events").arg(directory.join("events.jsonl"));
        command.arg("--alerts").arg(directory.join("alerts.jsonl"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
        let child = command.spawn().expect("tagout can be run");
        Self { child, directory }
    }

    /// Whether an exchange with this server has been reported.
    pub(crate) fn has_seen(&mut self, server: IpAddr) -> bool {
        let ended = self.child.try_wait().expect("a child can be asked");
        assert!(ended.is_none(), "tagout ended early: {ended:?}");
        self.events().iter().any(|event| is_with(event, server))
    }

    /// Waits until the last exchange on this register has been reported.
    pub(crate) fn await_exchange(&mut self, server: IpAddr, register: u16) {
        let deadline = Instant::now() + PATIENCE;
        while exchanges(&self.events(), server, register).len() < 2 {
            assert!(Instant::now() < deadline, "register {register} of {server} is not reported");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until so many exchanges in VLANs have been reported.
    pub(crate) fn await_tagged(&mut self, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.tagged() < count {
            assert!(Instant::now() < deadline, "{} of {count} exchanges in VLANs are reported", self.tagged());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// How many exchanges in VLANs have been reported.
    pub(crate) fn tagged(&self) -> usize {
        tagged::exchanges(&self.events()).len()
    }

    /// Waits until the sensor has told so often of this, about this interface.
    pub(crate) fn await_news(&mut self, event: &str, interface: &str, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.news(event, interface).len() < count {
            let ended = self.child.try_wait().expect("a child can be asked");
            assert!(ended.is_none(), "tagout ended before it told {event} of {interface}: {ended:?}");
            assert!(Instant::now() < deadline, "no {event} of {interface} among {:?}", self.records("alerts.jsonl"));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What the sensor told of this, about this interface; of itself if that is empty.
    pub(crate) fn news(&self, event: &str, interface: &str) -> Vec<Value> {
        let mut alerts = self.records("alerts.jsonl");
        assert_eq!(alerts.iter().try_for_each(schema::check_record), Ok(()));
        alerts.retain(|alert| {
            let sensor = &alert["ot"]["sensor"];
            sensor["event"] == event && sensor["interface"].as_str().unwrap_or_default() == interface
        });
        alerts
    }

    /// How many exchanges have been reported.
    pub(crate) fn exchanges(&self) -> usize {
        self.events().iter().filter(|event| event["event_type"] == "modbus").count()
    }

    /// The alerts on what was declared and what was not.
    pub(crate) fn intents(&self) -> Vec<Value> {
        let mut alerts = self.records("alerts.jsonl");
        assert_eq!(alerts.iter().try_for_each(schema::check_record), Ok(()));
        alerts.retain(|alert| alert["ot"]["intent"].is_object());
        alerts
    }

    /// How many alerts on violations of the policy have been given.
    pub(crate) fn violations(&self) -> usize {
        self.records("alerts.jsonl").iter().filter(|alert| alert["ot"]["reason"].is_string()).count()
    }

    /// Asks the sensor to read its policy anew, as a service manager does.
    pub(crate) fn hang_up(&self) {
        kill_process(Pid::from_child(&self.child), Signal::HUP).expect("tagout is running");
    }

    /// Holds the sensor up while `work` is done.
    pub(crate) fn pause(sensors: &[Self], work: impl FnOnce()) {
        let signal = |signal| {
            sensors.iter().for_each(|sensor| {
                kill_process(Pid::from_child(&sensor.child), signal).expect("tagout is running");
            });
        };
        signal(Signal::STOP);
        work();
        signal(Signal::CONT);
    }

    /// Asks the sensor to end, as a service manager does; returns its events.
    pub(crate) fn stop(mut self) -> Vec<Value> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("tagout is running");
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child can be asked") {
                break status;
            }
            assert!(Instant::now() < deadline, "tagout does not end when it is asked to");
            std::thread::sleep(Duration::from_millis(20));
        };
        assert!(status.success(), "tagout ended with {status}");
        let events = self.events();
        assert_eq!(events.iter().try_for_each(schema::check_record), Ok(()));
        events
    }

    fn events(&self) -> Vec<Value> {
        self.records("events.jsonl")
    }

    fn records(&self, file: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.directory.join(file)).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).expect("records are JSON")).collect()
    }
}

impl Drop for Sensor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Frames that were captured, and frames that the kernel dropped.
pub(crate) fn frames(events: &[Value]) -> [u64; 2] {
    let stats = events.iter().find(|event| event["event_type"] == "stats").expect("statistics at the end");
    let counts = [&stats["stats"]["sensor"]["frames"], &stats["stats"]["capture"]["kernel_drops"]];
    counts.map(|count| count.as_u64().expect("a count"))
}

/// Function and register of every answered exchange with `server` on registers from `first` on; each must carry the
/// register's value.
pub(crate) fn exchanges(events: &[Value], server: IpAddr, first: u16) -> Vec<(u64, u16)> {
    let events = events.iter().filter(|event| is_with(event, server));
    let exchanges = events.filter_map(|event| {
        let modbus = &event["modbus"];
        let register = u16::try_from(modbus["address"].as_u64()?).ok()?;
        if register < first {
            return None;
        }
        assert_eq!(modbus["values"], serde_json::json!([value_of(register)]), "{event}");
        assert!(event["request"]["frame"].is_u64() && event["response"]["frame"].is_u64(), "{event}");
        Some((modbus["function"].as_u64()?, register))
    });
    exchanges.collect()
}

fn is_with(event: &Value, server: IpAddr) -> bool {
    event["dest_ip"].as_str().and_then(|ip| ip.parse().ok()) == Some(server)
}
