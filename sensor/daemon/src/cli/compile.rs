use std::fs;
use std::io::{self, Write};
use std::time::SystemTime;

use tagout_firmware::{LONGEST, Use, uses};

use super::args::{CompileArgs, CompileFor};
use super::ui::Ui;
use crate::Failure;
use crate::gateway::config::Gateway;
use crate::gateway::{package, secret};
use crate::policy::{Sources, load};

/// Writes policy files as an image, or as a package for gateways.
pub(super) fn compile(args: &CompileArgs, ui: Ui) -> Result<(), Failure> {
    let image = Sources::read(&args.files, !args.no_default_rules)?.compile(ui.stderr_colour())?.image;
    load(&image)?;
    let made = match args.target {
        CompileFor::Image => image,
        CompileFor::Gateway => packed(args, &image)?,
    };
    fs::write(&args.output, &made).map_err(|error| Failure::input(&args.output, &error))
}

fn packed(args: &CompileArgs, image: &[u8]) -> Result<Vec<u8>, Failure> {
    let (Some(settings), Some(key)) = (&args.settings, &args.sign) else {
        return Err(Failure::Usage("a package for a gateway takes --settings and --sign".into()));
    };
    let (settings, key) = (Gateway::read(settings)?, secret(key)?);
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    let version = args.version.unwrap_or(now);
    let package = package(&settings, image, (version, now), &key)?;
    tell(version, &package, image).map_err(|error| Failure::output("standard output", &error))?;
    Ok(package)
}

/// What the package is, and how much of a gateway it takes.
fn tell(version: u64, package: &[u8], image: &[u8]) -> io::Result<()> {
    let policy = load(image).map_err(|_| io::ErrorKind::InvalidData)?;
    let octets = Use { what: "octets", taken: package.len(), room: LONGEST };
    let of = |Use { what, taken, room }: Use| format!("{taken} of {room} {what}");
    let parts: Vec<String> = [octets].into_iter().chain(uses(&policy)).map(of).collect();
    writeln!(io::stdout(), "Version {version} fits a gateway: {}.", parts.join(", "))
}
