//! `tagout run` at the mirror port, to which agents export their spans over a network of its own.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tagout_tests::authority::Authority;
use tagout_tests::binary;

/// The sensor's address for those who declare, and that of the agents' host beside it.
pub(crate) const MANAGEMENT: [Ipv4Addr; 2] = [Ipv4Addr::new(198, 51, 100, 1), Ipv4Addr::new(198, 51, 100, 20)];
/// Where the sensor listens for OTLP.
pub(crate) const ENDPOINT: &str = "https://198.51.100.1:4318";
/// What is declared of the last command is decided by then: `hold`, and a margin.
const DECIDED: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_secs(20);

/// A running sensor; it is killed with the value if nothing stopped it before.
pub(crate) struct Watch(Child);

impl Watch {
    /// Starts one that writes `live-alerts.jsonl` and `live-events.jsonl` into a folder, and waits until it watches.
    pub(crate) fn start(folder: &Path, cases: &Path) -> Self {
        let authority = Authority::begin(folder, "ca");
        ["sensor", "agent"].iter().for_each(|name| authority.certify(name, &format!("IP:{}", MANAGEMENT[0])));
        let [policy, servers] = ["plant.toml", "servers.toml"].map(|name| cases.join(name).display().to_string());
        let config = format!(
            "[capture]\ninterface = \"eth0\"\n[policy]\nfiles = [\"{policy}\"]\n[sandbox]\nmode = \"required\"\n\
             [output]\nalerts = \"live-alerts.jsonl\"\nevents = \"live-events.jsonl\"\n\
             [intents]\nlisten = \"{}:4318\"\nservers = \"{servers}\"\n\
             tls = {{ certificate = \"sensor.pem\", key = \"sensor.key\", client_ca = \"ca.pem\" }}\n",
            MANAGEMENT[0]
        );
        fs::write(folder.join("tagout.toml"), config).expect("a configuration");
        let manager = UnixDatagram::bind(folder.join("notify")).expect("a socket");
        manager.set_read_timeout(Some(PATIENCE)).expect("sockets have options");
        let mut command = Command::new(binary::tagout());
        command
            .args(["run", "--quiet", "--every-alert", "--repeat-interval", "0", "--config"])
            .arg(folder.join("tagout.toml"));
        command.env("NOTIFY_SOCKET", folder.join("notify")).stdin(Stdio::null()).stdout(Stdio::null());
        let watch = Self(command.spawn().expect("tagout can be run"));
        manager.recv(&mut [0; 64]).expect("tagout watches");
        watch
    }

    /// Ends it, once all that was seen is decided.
    pub(crate) fn stop(mut self) {
        sleep(DECIDED);
        kill_process(Pid::from_child(&self.0), Signal::TERM).expect("tagout is running");
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.0.try_wait().expect("a child can be asked") {
                break status;
            }
            assert!(Instant::now() < deadline, "tagout does not end when it is asked to");
            sleep(Duration::from_millis(20));
        };
        assert!(status.success(), "tagout ended with {status}");
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
