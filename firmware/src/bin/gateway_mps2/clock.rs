//! The board's time: a counter of the Ethernet controller, made longer.

use core::sync::atomic::{AtomicU32, Ordering};

use tagout_firmware::board::{Clock, Rounds};

use crate::lan9118::FREE_RUN;

/// 25 million a second.
const TICK_NS: u64 = 40;

/// It begins anew every 171 s, and is read far more often.
static ROUNDS: Rounds = Rounds::new();

/// What the counter showed when the controller's reset made it begin anew.
static BEFORE: AtomicU32 = AtomicU32::new(0);

/// Keeps what the counter shows, which a reset of the controller is about to take away.
pub(crate) fn keep() {
    BEFORE.store(FREE_RUN.read(), Ordering::Relaxed);
}

/// The clock.
pub(crate) struct FreeRun(());

impl FreeRun {
    pub(crate) const fn new() -> Self {
        Self(())
    }
}

impl Clock for FreeRun {
    fn now(&mut self) -> u64 {
        let ticks = ROUNDS.count(FREE_RUN.read());
        ticks.saturating_add(BEFORE.load(Ordering::Relaxed).into()).saturating_mul(TICK_NS)
    }
}
