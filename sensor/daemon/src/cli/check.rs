use std::fs;
use std::io::{self, Write};

use super::args::{CheckArgs, CompileArgs};
use super::ui::Ui;
use crate::Failure;
use crate::policy::{Sources, load};

/// Tells everything that is wrong with policy files.
pub(super) fn check(args: &CheckArgs, ui: Ui) -> Result<(), Failure> {
    let image = Sources::read(&args.files, true)?.compile(ui.stderr_colour())?.image;
    let policy = load(&image)?;
    let (actors, devices, points) = (policy.actor_count(), policy.device_count(), policy.point_count());
    let (permits, rules) = (policy.permit_count(), policy.rule_count());
    writeln!(
        io::stdout(),
        "No errors: {actors} actors, {devices} devices, {points} points, {permits} permits, {rules} rules."
    )
    .map_err(|error| Failure::output("standard output", &error))
}

/// Writes policy files as an image.
pub(super) fn compile(args: &CompileArgs, ui: Ui) -> Result<(), Failure> {
    let image = Sources::read(&args.files, !args.no_default_rules)?.compile(ui.stderr_colour())?.image;
    load(&image)?;
    fs::write(&args.output, &image).map_err(|error| Failure::input(&args.output, &error))
}
