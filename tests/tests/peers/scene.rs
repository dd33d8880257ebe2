use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tagout_tests::corpus::{self, Account, Differences, Explanations, Message, tshark};
use tagout_tests::recorder::Recorder;
use tagout_tests::{binary, schema};

use crate::stacks;
use crate::told::{self, Tale};

/// tagout opens the interface, and afterwards gets the last packets from the kernel.
const MARGIN: Duration = Duration::from_secs(1);

/// A conversation on an address of its own.
pub(crate) struct Scene {
    /// Name, as the list of explained differences has it.
    pub name: &'static str,
    /// The address of the server or outstation, and the well-known port that it takes there.
    pub server: (Ipv4Addr, u16),
    /// What tshark is told beyond its defaults; nothing where it cannot read the framing.
    pub tshark: Option<&'static [&'static str]>,
    /// The anomalies that the stacks deserve, in order of name.
    pub anomalies: &'static [&'static str],
}

/// What was seen of a conversation.
struct Observation {
    events: Vec<Value>,
    capture: PathBuf,
}

impl Scene {
    /// Plays a conversation and judges what was seen of it; says so if that is not possible here.
    pub(crate) fn play(&self, conversation: impl FnOnce(&Ipv4Addr) -> Tale) {
        let prepared = stacks::available().and_then(|()| self.bind()).and_then(|()| Watch::start(self));
        let watch = match prepared {
            Ok(watch) => watch,
            Err(reason) => return println!("skipped: {reason}"),
        };
        let tale = conversation(&self.server.0);
        let observation = watch.stop();
        let faults = self.judge(&tale, &observation);
        assert!(faults.is_empty(), "{}, {}:\n{}", self.name, observation.capture.display(), faults.join("\n"));
        fs::remove_file(observation.capture).expect("the capture is ours");
    }

    /// Whether the port can be had.
    fn bind(&self) -> Result<(), String> {
        let (address, port) = self.server;
        TcpListener::bind((address, port)).map(drop).map_err(|error| format!("{address}:{port}: {error}"))
    }

    fn judge(&self, tale: &Tale, observation: &Observation) -> Vec<String> {
        let mut faults = told::faults(tale, &observation.events);
        let anomalies = anomalies(&observation.events);
        if anomalies != self.anomalies {
            faults.push(format!("anomalies {anomalies:?} instead of {:?}", self.anomalies));
        }
        let replay = corpus::replay(&observation.capture, &[]);
        faults.extend(replay.faults);
        let live: Vec<Account> = observation.events.iter().flat_map(corpus::accounts).collect();
        if live != replay.accounts {
            faults.push("the replay says something else than the live capture".to_owned());
        }
        faults.extend(self.contradictions(&observation.capture, &replay.accounts));
        faults
    }

    /// Differences from tshark that nobody explained.
    fn contradictions(&self, capture: &Path, accounts: &[Account]) -> Vec<String> {
        let Some(options) = self.tshark.filter(|_| tshark::available()) else {
            println!("{}: not compared with tshark", self.name);
            return Vec::new();
        };
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let witness = tshark::witness(capture, &options);
        let messages = |accounts: &[Account]| accounts.iter().map(|account| account.message).collect::<Vec<Message>>();
        let mut differences =
            Differences::of(&messages(&witness.accounts), &messages(&witness.repeated), &messages(accounts));
        differences.extend(corpus::compare(&witness.accounts, accounts));
        let lists = [include_str!("../../captures/differences.toml"), include_str!("../../peers/differences.toml")];
        let explanations = Explanations::parse(&lists.join("\n")).expect("two lists of differences");
        explanations.contradictions(self.name, &differences)
    }
}

/// The names of the anomalies that were reported.
fn anomalies(events: &[Value]) -> Vec<&str> {
    let anomalies = events.iter().filter(|event| event["event_type"] == "anomaly");
    let mut names: Vec<&str> = anomalies.filter_map(|event| event["anomaly"]["event"].as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// tagout and a recorder, both at work.
struct Watch {
    tagout: Child,
    recorder: Option<Recorder>,
    events: PathBuf,
    capture: PathBuf,
}

impl Watch {
    fn start(scene: &Scene) -> Result<Self, String> {
        let file = |kind| std::env::temp_dir().join(format!("tagout-{}-{}.{kind}", scene.name, std::process::id()));
        let (events, capture) = (file("jsonl"), file("pcap"));
        let (address, port) = scene.server;
        let filter = format!("host {address} and port {port}");
        let recorder =
            Recorder::start("lo", &capture, &filter).map_err(|error| format!("no capture on lo: {error}"))?;
        let mut tagout = Command::new(binary::tagout())
            .args(["run", "--interface", "lo", "--quiet", "--repeat-interval", "0", "--bpf", &filter, "--events"])
            .arg(&events)
            .stdin(Stdio::null())
            .spawn()
            .expect("tagout can be run");
        sleep(MARGIN);
        let ended = tagout.try_wait().expect("a child can be asked");
        assert!(ended.is_none(), "tagout cannot watch where a recorder can: {ended:?}");
        Ok(Self { tagout, recorder: Some(recorder), events, capture })
    }

    fn stop(mut self) -> Observation {
        sleep(MARGIN);
        stacks::stop(&mut self.tagout, Signal::TERM);
        self.recorder.take().map(Recorder::finish).transpose().expect("the recording is whole");
        let text = fs::read_to_string(&self.events).expect("tagout wrote events");
        fs::remove_file(&self.events).expect("the file is ours");
        assert_eq!(text.lines().try_for_each(schema::check), Ok(()));
        let events = text.lines().map(|line| serde_json::from_str(line).expect("an event is JSON")).collect();
        Observation { events, capture: self.capture.clone() }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.tagout.kill();
        let _ = self.tagout.wait();
    }
}
