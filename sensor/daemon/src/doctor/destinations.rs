use super::{Finding, places};
use crate::config::{Config, folder};
use crate::delivery::config::{DestinationTable, check};
use crate::delivery::status::{DestinationStatus, Status};
use crate::delivery::try_out;

/// More notices than this behind, a destination does not keep up.
const FAR_BEHIND: u64 = 1_000;

/// Looks whether alerts can reach those who act on them.
pub(super) fn examine(config: &Config, send: bool, tell: &mut impl FnMut(Finding)) {
    let destinations = config.destinations();
    if let Err(failure) = check(&destinations) {
        let why = failure.message().unwrap_or("they are wrong").to_owned();
        return tell(Finding::failed("destinations", why, "correct [[destination]] in the configuration"));
    }
    if destinations.is_empty() {
        let advice = "add a [[destination]] to the configuration, so that alerts reach those who act on them";
        return tell(Finding::warning("destinations", "there are none: alerts stay on this machine", advice));
    }
    let status = config.spool.directory.as_deref().and_then(|directory| Status::read(directory).ok());
    for destination in &destinations {
        let known =
            status.as_ref().and_then(|status| status.destinations.iter().find(|one| one.name == destination.name()));
        tell(judge(destination, known, send));
    }
}

fn judge(destination: &DestinationTable, known: Option<&DestinationStatus>, send: bool) -> Finding {
    let about = format!("destination {}", destination.name());
    if let Some(file) = destination.file() {
        return places::folder(&about, folder(file), 0);
    }
    let tried = if send { try_out(destination) } else { destination.look() };
    if let Err(why) = tried {
        return Finding::failed(about, why, "correct that, and try again with `tagout destinations test`");
    }
    let place = destination.place().unwrap_or_default();
    match known {
        Some(DestinationStatus { trouble: Some(why), waiting, .. }) => Finding::failed(
            about,
            format!("{place}: {waiting} notices wait: {why}"),
            "remove the cause: what waits is sent by itself then",
        ),
        Some(DestinationStatus { waiting, .. }) if *waiting > FAR_BEHIND => Finding::warning(
            about,
            format!("{place}: {waiting} notices wait"),
            "it takes less than it is sent: send it less (`send`, `least_severity`, `actors`, `devices`), or raise `most_per_s`",
        ),
        _ if send => Finding::ok(about, format!("{place} took a test")),
        _ => Finding::ok(
            about,
            format!("{place} is set up; whether it answers was not tried (`tagout doctor --send` sends a test)"),
        ),
    }
}
