use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct SealArgs {
    /// Policy files, or folders of them, as the sensor's configuration names them
    #[arg(required = true, value_name = "FILE")]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// The site's secret key
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) sign: PathBuf,
    /// Version, above that of the seal in force; the time in seconds since 1970 if left out
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) version: Option<u64>,
}

const EXAMPLES: &str = "\
Examples:
  tagout key new -o site                 makes site.key and site.pub
  tagout seal policy/ --sign site.key    writes policy/policy.seal
  tagout seal site.toml --sign site.key  writes site.toml.seal

With `key = \"site.pub\"` under [policy], a sensor takes only files under such a seal: all of them, tag exports included, as they were
signed, and on a reload none that is older than those in force.";
