#![expect(unsafe_code, reason = "there is no safe wrapper for adjtimex(2)")]

use std::mem::zeroed;

use libc::{STA_UNSYNC, TIME_ERROR, adjtimex, timex};

use super::Finding;

const ABOUT: &str = "clock";
/// An error that is estimated to be greater than this confuses whoever puts several logs side by side.
const MOST_ERROR_MS: i64 = 1_000;

/// Whether something keeps the machine's clock right, as the kernel knows: adjtimex(2).
pub(super) fn examine() -> Finding {
    // SAFETY: the struct is integers and arrays of them; with `modes` 0 the kernel changes nothing and writes into it.
    let (state, known) = unsafe {
        let mut known: timex = zeroed();
        (adjtimex(&raw mut known), known)
    };
    judge(state != TIME_ERROR && known.status & STA_UNSYNC == 0, known.maxerror / 1_000)
}

fn judge(is_kept: bool, most_error_ms: impl Into<i64>) -> Finding {
    let advice =
        "have chrony or systemd-timesyncd set it: the SOC compares the times of alerts with those of other logs";
    let most_error_ms = most_error_ms.into();
    match (is_kept, most_error_ms) {
        (false, _) => Finding::warning(ABOUT, "no time service keeps it right", advice),
        (true, ms) if ms > MOST_ERROR_MS => Finding::warning(ABOUT, format!("it may be wrong by {ms} ms"), advice),
        (true, ms) => Finding::ok(ABOUT, format!("kept right, within {ms} ms")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_clock_that_nothing_keeps_right_is_doubtful() {
        let verdict = |is_kept, ms: i64| judge(is_kept, ms).verdict;
        assert_eq!(verdict(true, 12), Verdict::Ok);
        assert_eq!(verdict(true, 5_000), Verdict::Warning);
        assert_eq!(verdict(false, 12), Verdict::Warning);
        assert_eq!(examine().about, "clock");
    }
}
