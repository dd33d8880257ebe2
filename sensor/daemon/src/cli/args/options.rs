//! Options that several commands have.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::Failure;
use crate::config::Ports;
use crate::format::Format;
use crate::output::{Existing, Sinks, Target};
use crate::policy::Sources;

#[derive(Args, Debug)]
pub(in crate::cli) struct PolicyArgs {
    /// Policy file, or folder of them; repeat for several
    #[arg(long, value_name = "FILE", num_args = 1)]
    pub(in crate::cli) policy: Vec<PathBuf>,
    /// Leave out the detections that tagout brings along
    #[arg(long)]
    pub(in crate::cli) no_default_rules: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct OutputArgs {
    /// Write a line an alert to this file; - is standard output
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) alerts: Option<PathBuf>,
    /// How --alerts writes them
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub(in crate::cli) format: Format,
    /// Write one JSON line an exchange or anomaly to this file; - is standard output
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) events: Option<PathBuf>,
    /// Keep the packets behind each alert in this folder, as pcapng
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) evidence: Option<PathBuf>,
    /// Write a repeated poll that changes nothing once in this many seconds, with a count; 0 writes every exchange. Without
    /// this option `replay` writes every exchange and `run` counts for 60 s
    #[arg(long, value_name = "SECONDS")]
    pub(in crate::cli) repeat_interval: Option<u32>,
    /// Write every alert. Without this option alerts that repeat another within a minute are counted, and told of in
    /// summaries
    #[arg(long)]
    pub(in crate::cli) every_alert: bool,
    /// No text for people: neither alerts nor summary
    #[arg(short, long)]
    pub(in crate::cli) quiet: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct PortArgs {
    /// Server port that carries Modbus, besides 502; repeat for several
    #[arg(long, value_name = "PORT")]
    pub(in crate::cli) modbus_port: Vec<u16>,
    /// Server port that carries Modbus in RTU frames; repeat for several
    #[arg(long, value_name = "PORT")]
    pub(in crate::cli) modbus_rtu_port: Vec<u16>,
    /// Server port that carries Modbus in ASCII frames; repeat for several
    #[arg(long, value_name = "PORT")]
    pub(in crate::cli) modbus_ascii_port: Vec<u16>,
    /// Server port that carries DNP3, besides 20000; repeat for several
    #[arg(long, value_name = "PORT")]
    pub(in crate::cli) dnp3_port: Vec<u16>,
}

impl PolicyArgs {
    pub(in crate::cli) fn sources(&self) -> Result<Sources, Failure> {
        Sources::read(&self.policy, !self.no_default_rules)
    }
}

impl OutputArgs {
    /// The outputs of a replay of these captures, which they must not overwrite.
    pub(in crate::cli) fn sinks(&self, captures: &[PathBuf]) -> Result<Sinks, Failure> {
        for output in [&self.alerts, &self.events].into_iter().flatten() {
            let overwrites = |capture: &&PathBuf| is_same_file(capture, output);
            if let Some(capture) = captures.iter().find(overwrites) {
                return Err(Failure::Usage(format!("records would overwrite the capture {}", capture.display())));
            }
        }
        let target = |path: &Option<PathBuf>| path.clone().map(Target::from);
        Sinks::open(target(&self.alerts), target(&self.events), Existing::Replace)
    }
}

fn is_same_file(capture: &Path, output: &Path) -> bool {
    match (capture.canonicalize(), output.canonicalize()) {
        (Ok(capture), Ok(output)) => capture == output,
        _ => false,
    }
}

impl PortArgs {
    /// These ports besides others.
    pub(in crate::cli) fn beside(&self, mut ports: Ports) -> Ports {
        ports.modbus.extend(&self.modbus_port);
        ports.modbus_rtu.extend(&self.modbus_rtu_port);
        ports.modbus_ascii.extend(&self.modbus_ascii_port);
        ports.dnp3.extend(&self.dnp3_port);
        ports
    }
}
