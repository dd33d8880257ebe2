//! The thread that captures on a processor of its own.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::Failure;

/// Keeps this thread, and those that it starts, to one processor; returns where it could run before.
///
/// # Errors
/// When there is no such processor, or this process may not use it.
pub(super) fn pin(cpu: usize) -> Result<CpuSet, Failure> {
    let refused = |why: &dyn std::fmt::Display| {
        Failure::Usage(format!("capture.cpu is {cpu}; this process cannot run there: {why}"))
    };
    let before = sched_getaffinity(None).map_err(|error| refused(&error))?;
    if cpu >= CpuSet::MAX_CPU || !before.is_set(cpu) {
        return Err(refused(&"there is no such processor, or it is not allowed"));
    }
    let mut only = CpuSet::new();
    only.set(cpu);
    sched_setaffinity(None, &only).map_err(|error| refused(&error))?;
    Ok(before)
}

/// Lets this thread run there again.
pub(super) fn unpin(before: &CpuSet) {
    // Without it the thread is only slower.
    let _ = sched_setaffinity(None, before);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_kept_to_a_processor_and_let_go() {
        let before = sched_getaffinity(None).expect("the system tells");
        let cpu = (0..CpuSet::MAX_CPU).find(|cpu| before.is_set(*cpu)).expect("this runs somewhere");
        assert!(pin(cpu).is_ok_and(|told| told == before));
        let pinned = sched_getaffinity(None).expect("the system tells");
        assert!(pinned.count() == 1 && pinned.is_set(cpu));
        unpin(&before);
        assert_eq!(sched_getaffinity(None).expect("the system tells"), before);
    }

    #[test]
    fn a_processor_that_is_not_there_is_a_mistake() {
        for cpu in [CpuSet::MAX_CPU - 1, CpuSet::MAX_CPU, usize::MAX] {
            let failure = pin(cpu).expect_err("no machine has as many");
            assert!(failure.message().is_some_and(|said| said.starts_with(&format!("capture.cpu is {cpu};"))));
        }
    }
}
