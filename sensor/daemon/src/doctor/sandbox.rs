use super::Finding;
use crate::sandbox::{Mode, try_out};

const ABOUT: &str = "sandbox";

/// Locks a thread in that does nothing, to see what of it this machine has.
pub(super) fn examine(mode: Mode) -> Finding {
    let lacking = try_out();
    match mode {
        Mode::Off => Finding::warning(ABOUT, "it is off", "take `mode = \"off\"` out of [sandbox]"),
        _ if lacking.is_empty() => Finding::ok(ABOUT, "all of it can be had"),
        Mode::Required => Finding::failed(
            ABOUT,
            lacking.join("; "),
            "a newer kernel, or mode = \"best\": the daemon does not start so",
        ),
        Mode::Best => Finding::warning(ABOUT, lacking.join("; "), "a newer kernel has what is missing"),
    }
}
