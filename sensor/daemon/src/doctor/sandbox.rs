use super::Finding;
use crate::sandbox::{Mode, try_out};

const ABOUT: &str = "sandbox";

/// Locks a thread in that does nothing, to see what of it this machine has.
pub(super) fn examine(mode: Mode) -> Finding {
    let lacking = try_out();
    match mode {
        Mode::Off => Finding::warning(
            ABOUT,
            "it is off: whoever took the sensor over would have all that its user has",
            "remove `mode = \"off\"` from [sandbox]",
        ),
        _ if lacking.is_empty() => Finding::ok(ABOUT, "this machine has all of it"),
        Mode::Required => Finding::failed(
            ABOUT,
            format!("this machine lacks: {}", lacking.join("; ")),
            "use a newer kernel, or `mode = \"best\"` under [sandbox]: with \"required\" the sensor does not start",
        ),
        Mode::Best => Finding::warning(
            ABOUT,
            format!("this machine lacks, and the sensor goes without: {}", lacking.join("; ")),
            "use a newer kernel",
        ),
    }
}
