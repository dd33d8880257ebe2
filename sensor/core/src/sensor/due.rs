//! What falls due as time passes.

use tagout_engine::Timestamp;

use super::Sensor;
use crate::exchange::Due;
use crate::flow::Side;
use crate::record::{Output, intents_are_matched};

/// What falls due.
#[derive(Clone, Copy, Debug)]
enum Deadline {
    /// The wait for missing bytes.
    Hole(u32, Side),
    /// An exchange or its alert.
    Exchange(Due),
    /// Alerts that were repeated.
    Repeats,
    /// Something that should have come.
    Absence,
    /// The next poll of a cycle.
    Poll,
    /// A verdict on what was declared, or the end of an intent.
    Intent,
}

impl Sensor<'_> {
    /// Lets time pass: closes what is due by `now`.
    pub fn advance(&mut self, now: Timestamp, output: &mut dyn Output) {
        self.now = self.now.max(now);
        self.desk.engine.begin(now);
        if intents_are_matched(output) {
            self.desk.matching.feed.begin(now);
        }
        while let Some(due) = self.next_due(output).filter(|due| due.0 <= self.now) {
            match due.1 {
                Deadline::Hole(flow, side) => self.on_flow(flow, output, |streams, id, flow, hearing| {
                    streams.give_up_hole(id, flow, side, hearing);
                }),
                Deadline::Exchange(due) => self.close(self.desk.due(due), due, output),
                Deadline::Repeats => self.desk.tell_repeats(due.0, output),
                Deadline::Absence => self.desk.tell_absences(due.0, output),
                Deadline::Poll => self.desk.tell_late(self.now, |id| self.flows.get(id), output),
                Deadline::Intent => self.pass_intents(due.0, output),
            }
        }
        while let Some(oldest) = self.desk.crowded() {
            let Some(flow) = self.desk.flow_of(oldest) else { break };
            self.on_flow(flow, output, |_, _, flow, hearing| hearing.evict(flow, oldest));
        }
    }

    /// The earliest thing that falls due if no frame comes.
    fn next_due(&self, output: &dyn Output) -> Option<(Timestamp, Deadline)> {
        let exchange = self.desk.next_due(&self.config).map(|(at, due)| (at, Deadline::Exchange(due)));
        let hole = self.streams.oldest_hole().map(|(flow, side)| {
            let since = self.flows.get(flow).map_or(Timestamp(0), |flow| flow.hole_since(side));
            (since.plus_ms(self.config.gap_timeout_ms), Deadline::Hole(flow, side))
        });
        let due = match (hole, exchange) {
            (Some(hole), Some(exchange)) => Some(if hole.0 <= exchange.0 { hole } else { exchange }),
            (hole, exchange) => hole.or(exchange),
        };
        let repeats = self.desk.folds.next_due().map(|at| (at, Deadline::Repeats));
        let absence = self.desk.absences.next_due().map(|at| (at, Deadline::Absence));
        let poll = self.desk.engine.next_poll_due().map(|at| (at, Deadline::Poll));
        let intent = self.next_intent_due(output).map(|at| (at, Deadline::Intent));
        let others = [repeats, absence, poll, intent].into_iter().flatten();
        others.fold(due, |due, other| due.filter(|due| due.0 <= other.0).or(Some(other)))
    }

    /// Deals with a pending request that is due.
    pub(super) fn close(&mut self, id: Option<u32>, due: Due, output: &mut dyn Output) {
        let Some((id, flow)) = id.and_then(|id| Some((id, self.desk.flow_of(id)?))) else { return };
        self.on_flow(flow, output, |_, _, flow, hearing| match due {
            Due::Alert => hearing.alert_now(flow, id),
            Due::Request => hearing.unanswered(flow, id),
        });
    }
}
