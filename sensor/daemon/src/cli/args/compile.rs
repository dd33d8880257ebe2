use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct CompileArgs {
    /// Policy files, or folders of them
    #[arg(required = true, value_name = "FILE")]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Where to write the image or the package
    #[arg(short, long, value_name = "OUTPUT")]
    pub(in crate::cli) output: PathBuf,
    /// Leave out the detections that tagout brings along
    #[arg(long)]
    pub(in crate::cli) no_default_rules: bool,
    /// What to make of the policy
    #[arg(long, value_enum, default_value_t = CompileFor::Image)]
    pub(in crate::cli) target: CompileFor,
    /// The gateway's settings
    #[arg(long, value_name = "FILE", required_if_eq("target", "gateway"))]
    pub(in crate::cli) settings: Option<PathBuf>,
    /// The site's secret key, which signs the package
    #[arg(long, value_name = "KEY", required_if_eq("target", "gateway"))]
    pub(in crate::cli) sign: Option<PathBuf>,
    /// Version of the package, above that of the one in force; the time in seconds since 1970 if left out
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::cli) version: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(in crate::cli) enum CompileFor {
    /// The image alone
    Image,
    /// A signed package of image and settings, if it fits a gateway
    Gateway,
}

const EXAMPLES: &str = "\
Examples:
  tagout compile site/ -o plant.image
  tagout compile site/ --target gateway --settings gateway.toml --sign site.key -o plant.tgp

Settings of a gateway (tagout schema gateway tells all of them):
  host_name = \"gw-hall-3\"
  [management]
  address = \"192.0.2.7/24\"      # or dhcp; on, mac, gateway, update_port, managers
  [[collectors]]
  address = \"192.0.2.9\"
  transport = \"tcp\"";
