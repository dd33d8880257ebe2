use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct FmtArgs {
    /// Policy files and column maps, or folders of them; - is standard input, and goes to standard output
    #[arg(required = true, value_name = "FILE")]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Write nothing; name the files that would change, and exit with 1 if there are any
    #[arg(long)]
    pub(in crate::cli) check: bool,
}

const EXAMPLES: &str = "\
Examples:
  tagout fmt site.toml devices/
  tagout fmt --check site/
  tagout fmt - < site.toml

Names the files that it changes. What they say stays as it is: comments go with what they are about,
tables keep their order, and keys come in the order of the guide.";
