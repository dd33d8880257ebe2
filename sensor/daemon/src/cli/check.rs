use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use tagout_compiler::{Diagnostic, End, Label, Level};

use super::args::CheckArgs;
use super::ui::Ui;
use crate::Failure;
use crate::intent::InWords;
use crate::policy::{Sources, load};

/// Tells everything that is wrong with policy files.
pub(super) fn check(args: &CheckArgs, ui: Ui) -> Result<(), Failure> {
    let sources = Sources::read(&args.files, true)?;
    let compiled = sources.compile(ui.stderr_colour())?;
    let ended: Vec<_> = compiled.ends.iter().filter(|end| SystemTime::now() >= at(end.time)).map(warning).collect();
    let _ = write!(io::stderr(), "{}", sources.render(&ended, ui.stderr_colour()));
    let policy = load(&compiled.image)?;
    let (actors, devices, points) = (policy.actor_count(), policy.device_count(), policy.point_count());
    let (permits, rules) = (policy.permit_count(), policy.rule_count());
    let mut page =
        format!("No errors: {actors} actors, {devices} devices, {points} points, {permits} permits, {rules} rules.\n");
    if !compiled.approvals.is_empty() {
        page += "Approved by humans:\n";
    }
    compiled.approvals.iter().for_each(|approval| page += &format!("  {}\n", InWords(approval)));
    write!(io::stdout(), "{page}").map_err(|error| Failure::output("standard output", &error))
}

/// A time in nanoseconds since the Unix epoch.
fn at(time: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(time)
}

/// What to say of a suppression that is over.
fn warning(end: &End) -> Diagnostic {
    Diagnostic {
        level: Level::Warning,
        message: format!("the suppression `{}` is over", end.name),
        primary: Label { location: end.location.clone(), text: "its alerts are given again".to_owned() },
        related: Vec::new(),
        help: Some("take it out, or give it another end".to_owned()),
    }
}
