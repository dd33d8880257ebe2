use std::fs;

use super::args::{CheckArgs, CompileArgs};
use super::ui::Ui;
use crate::Failure;
use crate::policy::{Sources, load};

/// Tells everything that is wrong with policy files.
pub(super) fn check(args: &CheckArgs, ui: Ui) -> Result<(), Failure> {
    let image = Sources::read(&args.files, true)?.compile(ui.stderr_colour())?;
    load(&image).map(drop)
}

/// Writes policy files as an image.
pub(super) fn compile(args: &CompileArgs, ui: Ui) -> Result<(), Failure> {
    let image = Sources::read(&args.files, !args.no_default_rules)?.compile(ui.stderr_colour())?;
    load(&image)?;
    fs::write(&args.output, &image).map_err(|error| Failure::input(&args.output, &error))
}
