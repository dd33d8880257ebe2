use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tracing::{error, info};

use super::intake::Intake;
use super::progress::Board;
use super::spool::Spool;
use super::status::{Status, StatusFile};
use crate::notice::{Kind, Notice};

/// How far destinations are is written down at the latest after this long.
const WRITE_CURSORS: Duration = Duration::from_millis(500);
/// From a write that the disk did not take to the next attempt; twice as long each time, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Writes what comes in to disk: everything that waits as one change, while the next notices gather.
pub(super) struct Keeper {
    pub(super) intake: Arc<Intake>,
    pub(super) spool: Arc<Spool>,
    pub(super) board: Arc<Board>,
    pub(super) status: StatusFile,
    /// How long the disk is waited for when nothing more comes; `None` for as long as it takes.
    pub(super) patience: Option<Duration>,
}

impl Keeper {
    /// Works until nothing more comes; tells what the disk did not take.
    pub(super) fn run(mut self) -> Vec<Notice> {
        while let Some(mut group) = self.intake.take(WRITE_CURSORS) {
            if !self.keep(&group) {
                group.extend(self.intake.take(Duration::ZERO).unwrap_or_default());
                return group;
            }
            self.status.write(|| Status::of(&self.spool, &self.board, &self.intake));
        }
        Vec::new()
    }

    /// Writes one group, for as long as it takes; false if the end came before.
    fn keep(&self, group: &[Notice]) -> bool {
        let mut pause = FIRST_PAUSE;
        let mut closed = None;
        while let Err(failure) = self.spool.commit(group, &self.board.cursors()) {
            if pause == FIRST_PAUSE {
                error!("the spool takes nothing: {failure}; notices wait in memory");
            }
            if self.intake.is_closed() {
                let since = *closed.get_or_insert_with(Instant::now);
                if self.patience.is_some_and(|patience| since.elapsed() > patience) {
                    return false;
                }
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        if pause > FIRST_PAUSE {
            info!("the spool takes notices again");
        }
        if !group.is_empty() {
            self.board.keep(group.iter().filter(|notice| notice.kind == Kind::Alert).map(|notice| notice.time));
            self.board.publish(self.spool.last());
        }
        true
    }
}
