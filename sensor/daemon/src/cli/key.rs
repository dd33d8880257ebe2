use std::io::{self, Write};

use super::args::{KeyArgs, KeyCommand};
use crate::Failure;
use crate::gateway::create;

/// Makes a key.
pub(super) fn key(args: &KeyArgs) -> Result<(), Failure> {
    let KeyCommand::New(args) = &args.command;
    let [secret, public] = create(&args.output)?;
    writeln!(
        io::stdout(),
        "{} signs packages; keep it secret. {} goes to the gateways.",
        secret.display(),
        public.display()
    )
    .map_err(|error| Failure::output("standard output", &error))
}
