use std::io::{self, Write};
use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding as _};

use super::args::{KeyArgs, KeyCommand};
use crate::Failure;
use crate::gateway::{create, public};

/// Makes a key, or shows one.
pub(super) fn key(args: &KeyArgs) -> Result<(), Failure> {
    let said = match &args.command {
        KeyCommand::New(args) => new(&args.output)?,
        KeyCommand::Show(args) => Base64UrlUnpadded::encode_string(public(&args.key)?.as_bytes()),
    };
    writeln!(io::stdout(), "{said}").map_err(|error| Failure::output("standard output", &error))
}

fn new(name: &Path) -> Result<String, Failure> {
    let [secret, public] = create(name)?;
    let (secret, public) = (secret.display(), public.display());
    Ok(format!("{secret} signs policies, packages and intents; keep it secret. {public} goes to those who check them."))
}
