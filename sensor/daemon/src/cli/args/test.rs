use std::path::PathBuf;

use clap::Args;

use super::options::PortArgs;

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct TestArgs {
    /// Policy files, or folders of them
    #[arg(required = true, value_name = "POLICY")]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Run only tests whose name contains this text
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) filter: Option<String>,
    /// Write one JSON object a test
    #[arg(long)]
    pub(in crate::cli) json: bool,
    /// Write the packets of each test's steps to a capture file in this folder, named by the test's place
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) captures: Option<PathBuf>,
    /// Leave out the detections that tagout brings along
    #[arg(long)]
    pub(in crate::cli) no_default_rules: bool,
    #[command(flatten)]
    pub(in crate::cli) ports: PortArgs,
}

const EXAMPLES: &str = "\
Examples:
  tagout test site/
  tagout test site.toml --filter pump
  tagout test site/ --json | jq -r 'select(.passed | not).name'
  tagout test site.toml --captures packets/     to look at them, or to explain them

A test in a policy file:
  [[tests]]
  name  = \"the optimizer may not run the pump flat out\"
  steps = [
      { from = \"optimizer\", write = \"plc1.pump_speed\", value = 80, verdict = \"permitted\" },
      { from = \"optimizer\", write = \"plc1.pump_speed\", value = 95, verdict = \"value-out-of-range\" },
  ]

Exits with 1 if a test fails. Steps go through the sensor as packets, captures as they are.";
