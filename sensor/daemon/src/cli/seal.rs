use std::io::{self, Write};
use std::time::SystemTime;

use super::args::SealArgs;
use crate::Failure;
use crate::gateway::secret;
use crate::policy::{Seal, Sources};

/// Signs policy files.
pub(super) fn seal(args: &SealArgs) -> Result<(), Failure> {
    let sources = Sources::read(&args.files, false)?;
    let Some(place) = Seal::place(&args.files) else { return Ok(()) };
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    let version = args.version.unwrap_or(now);
    let seal = Seal::new(sources.files(), version, &secret(&args.sign)?);
    seal.write(&place).map_err(|error| Failure::input(&place, &error))?;
    writeln!(io::stdout(), "{}: version {version}, of {} files", place.display(), sources.files().len())
        .map_err(|error| Failure::output("standard output", &error))
}
