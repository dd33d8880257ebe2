use std::path::PathBuf;

use clap::Args;

use super::delivery::CONFIG;

#[derive(Args, Debug)]
#[command(after_help = EVIDENCE_EXAMPLES)]
pub(in crate::cli) struct EvidenceArgs {
    /// The alert's id, or the beginning of it
    #[arg(value_name = "ID")]
    pub(in crate::cli) id: String,
    /// Configuration file that names the folder of evidence
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    pub(in crate::cli) config: PathBuf,
    /// The folder of evidence, such as `run` and `replay` have as --evidence, without a configuration file
    #[arg(long, value_name = "FOLDER", conflicts_with = "config")]
    pub(in crate::cli) directory: Option<PathBuf>,
    /// Write the packets to this pcapng file instead of showing them; - is standard output
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// Fail unless the file has this SHA-256: the alert's `ot.evidence.sha256`
    #[arg(long, value_name = "HEX")]
    pub(in crate::cli) sha256: Option<String>,
}

const EVIDENCE_EXAMPLES: &str = "\
Examples:
  tagout evidence 1f2e
  tagout evidence 1f2e -o - | tshark -r -
  tagout replay plant.pcap --policy site.toml --alerts alerts.jsonl --evidence evidence/
  tagout evidence 1f2e --directory evidence/ -o 1f2e.pcapng

Shows what is kept of the flow: some packets that led to the alert, those of the exchange with what was seen in them, and
some that came after. Exits with 1 if the file is not the one that the alert named.";
