//! The demo: tagout watches the plant while it runs, or replays the plant as it once ran.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;
use std::{fs, io};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tagout_tests::recorder::Recorder;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::declare::{Declarations, Files};
use crate::{CONTROLLER, plant};

/// The plant as it once ran, for machines that may not capture; `make demo-record` makes it anew.
const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/demo/recorded");
/// What a recording has: every packet, what the agent declared and when, and the policy with its key.
const RECORDING: [&str; 3] = ["capture.pcap", "declared.jsonl", "policy.toml"];
/// What tagout is told to do.
const CONFIG: &str = include_str!("tagout.toml");

/// What tagout writes.
const RECORDS: [&str; 2] = ["alerts.jsonl", "events.jsonl"];

/// tagout opens the interface before anybody speaks.
const HEAD_START: Duration = Duration::from_secs(1);
/// The plant's own time is about 23 s.
const PLANT_LIMIT: Duration = Duration::from_secs(32);
/// The last alert waits for its response at most this long.
const LAST_ALERTS: Duration = Duration::from_millis(1_200);
/// tagout has this long to write its summary.
const STOP_LIMIT: Duration = Duration::from_secs(4);

/// What the demo works with.
#[derive(clap::Args)]
pub(crate) struct Stage {
    /// The tagout binary
    #[arg(long)]
    tagout: PathBuf,
    /// Folder for capture, policy, events and alerts
    #[arg(long)]
    output: PathBuf,
    /// Fail instead of replaying where live capture is not permitted
    #[arg(long)]
    live_only: bool,
}

impl Stage {
    /// Runs the demo from beginning to end.
    pub(crate) async fn run(&self) -> Result<(), Box<dyn Error>> {
        self.clear()?;
        match Recorder::start("lo", &self.file("capture.pcap"), &format!("tcp port {}", CONTROLLER.port())) {
            Ok(recorder) => self.live(recorder).await?,
            Err(reason) if self.live_only => return Err(format!("cannot capture on lo: {reason}").into()),
            Err(reason) => self.replay(&reason).await?,
        }
        self.show_files()
    }

    /// Makes room for new records: `tagout run` adds to those that it finds.
    fn clear(&self) -> io::Result<()> {
        fs::create_dir_all(&self.output)?;
        for name in RECORDS {
            fs::remove_file(self.file(name)).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })?;
        }
        Ok(())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.output.join(name)
    }

    async fn live(&self, recorder: Recorder) -> Result<(), Box<dyn Error>> {
        println!("The plant runs on the loopback interface; tagout sees copies of its packets, nothing else.\n");
        let config = self.file("tagout.toml");
        fs::write(&config, CONFIG)?;
        let declarations = Declarations::Files(Files::new(&self.tagout, &self.output).await?);
        let mut tagout =
            Command::new(&self.tagout).arg("run").arg("--config").arg(&config).kill_on_drop(true).spawn()?;
        sleep(HEAD_START).await;
        if let Some(status) = tagout.try_wait()? {
            return Err(format!("tagout run ended before the plant began, with {status}").into());
        }
        let played = timeout(PLANT_LIMIT, plant(&declarations)).await;
        sleep(LAST_ALERTS).await;
        let status = stop(&mut tagout).await?;
        recorder.finish()?;
        played??;
        succeed("tagout run", status)?;
        self.compare_with_replay().await
    }

    async fn replay(&self, reason: &pcap::Error) -> Result<(), Box<dyn Error>> {
        println!("This user may not capture on the loopback interface ({reason}).");
        println!(
            "tagout replays what the demo recorded earlier, tests/demo/recorded; `sudo make demo` runs it live.\n"
        );
        for name in RECORDING {
            fs::copy(Path::new(RECORDED).join(name), self.file(name))?;
        }
        let status =
            self.replay_command("alerts.jsonl").arg("--events").arg(self.file("events.jsonl")).status().await?;
        succeed("tagout replay", status)
    }

    fn replay_command(&self, alerts: &str) -> Command {
        let mut command = Command::new(&self.tagout);
        command.arg("replay").arg(self.file("capture.pcap")).arg("--policy").arg(self.file("policy.toml"));
        command.arg("--intents").arg(self.file("declared.jsonl"));
        command.arg("--modbus-port").arg(CONTROLLER.port().to_string()).arg("--alerts").arg(self.file(alerts));
        command
    }

    /// What was captured, replayed, raises the alerts that were raised while it happened.
    async fn compare_with_replay(&self) -> Result<(), Box<dyn Error>> {
        let status = self.replay_command("replayed.jsonl").arg("--quiet").status().await?;
        succeed("tagout replay", status)?;
        let [live, replayed] = ["alerts.jsonl", "replayed.jsonl"].map(|name| told(&self.file(name)));
        fs::remove_file(self.file("replayed.jsonl"))?;
        if live? != replayed? {
            return Err("a replay of the capture raises other alerts than those raised live".into());
        }
        println!("A replay of the capture raises the same alerts.");
        Ok(())
    }

    fn show_files(&self) -> Result<(), Box<dyn Error>> {
        println!("\nIn {}:", fs::canonicalize(&self.output)?.display());
        for (name, what) in [
            ("capture.pcap", "every packet of the plant"),
            ("policy.toml", "who may do what"),
            ("declared.jsonl", "what the agent signed that it would do, and when: a line an intent"),
            ("events.jsonl", "a line an exchange"),
            ("alerts.jsonl", "a line an alert"),
        ] {
            println!("  {name:<14} {what}{}", lines(&self.file(name))?);
        }
        Ok(())
    }
}

/// Asks tagout to end, as Ctrl-C does.
async fn stop(tagout: &mut Child) -> io::Result<ExitStatus> {
    if let Some(pid) = tagout.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
        kill_process(pid, Signal::INT)?;
    }
    timeout(STOP_LIMIT, tagout.wait()).await?
}

fn succeed(what: &str, status: ExitStatus) -> Result<(), Box<dyn Error>> {
    if status.success() { Ok(()) } else { Err(format!("{what} ended with {status}").into()) }
}

/// What the alerts in a file of records tell. Their times and ids are those of the capturing socket, and so are the
/// seconds within which alerts were repeated.
fn told(alerts: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let records = fs::read_to_string(alerts)?;
    let why = |line| {
        let record: Value = serde_json::from_str(line)?;
        let why = record["ot"]["why"].as_str().unwrap_or_default();
        Ok(why.split_once(" within ").map_or(why, |(told, _)| told).to_owned())
    };
    let mut told: Vec<String> = records.lines().map(why).collect::<Result<_, Box<dyn Error>>>()?;
    // A declaration comes to be known a moment after it was written, which alerts of others may come before.
    told.sort();
    Ok(told)
}

/// How many lines a file of records has, in words.
fn lines(file: &Path) -> io::Result<String> {
    if file.extension().is_none_or(|extension| extension != "jsonl") {
        return Ok(String::new());
    }
    Ok(format!(": {}", fs::read_to_string(file)?.lines().count()))
}
