use tagout_engine::{Action, Question, Succession, Verdict};

use super::early::Doubt;
use super::relations::Tie;
use crate::flow::{BLOCK_LEN, Flow, Parties, Side};
use crate::record::{Outcome, Seen};
use crate::sequence::is_before;
use crate::store::{Block, Fifo, Links, NONE, Occupancy, Pool, copy};
use tagout_engine::Timestamp;

/// Requests up to this long are kept without a block of their own: reads, single writes, class polls.
const INLINE_LEN: usize = 40;
/// As many requests as clients have open at a time; servers take sixteen (TCP 4.2.2).
const MAX_PIPELINED: usize = 32;
/// The most unanswered requests of one flow.
const MAX_PER_FLOW: u16 = 256;

/// A request that waits for its response, or a response captured before its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) flow: u32,
    /// What a response repeats: function code, transaction and unit id, or link addresses and sequence number.
    pub(crate) key: u64,
    /// Function code.
    pub(crate) function: u8,
    /// Which end of the flow asked.
    pub(crate) requester: Side,
    pub(crate) seen: Seen,
    /// What the requester had acknowledged of the other direction.
    pub(crate) ack: u32,
    pub(crate) action: Action,
    pub(crate) parties: Parties,
    pub(crate) verdict: Verdict,
    /// The first of the rules that fired on the request, until its alerts are given.
    pub(crate) firings: u32,
    /// An alert is due that has not been given.
    pub(crate) alert_due: bool,
    /// Set for a response that waits for its request: how the exchange ends if that comes.
    pub(crate) early: Option<Outcome>,
    /// What speaks against such a response, beside that its request is missing.
    pub(crate) doubt: Doubt,
    /// How many fragments of the response were seen.
    pub(crate) parts: u16,
    /// Link address of the outstation that answered what was sent to the self address.
    pub(crate) responder: Option<u16>,
    /// What else it belongs to.
    pub(crate) tie: Tie,
    /// The request's bytes; the table fills it in.
    pub(super) body: Body,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Body {
    Inline { len: u8, bytes: [u8; INLINE_LEN] },
    Blocks { first: u32 },
}

impl Body {
    const EMPTY: Self = Self::Inline { len: 0, bytes: [0; INLINE_LEN] };
}

impl Pending {
    /// A request of which everything but its bytes is to be filled in.
    pub(crate) const EMPTY: Self = Self {
        flow: NONE,
        key: 0,
        function: 0,
        requester: Side::Client,
        seen: Seen { frame: 0, time: Timestamp(0) },
        ack: 0,
        action: Action::Other,
        parties: Parties { of: 0, requester: Side::Client, actor: None, device: None },
        verdict: Verdict::Unjudged,
        firings: NONE,
        alert_due: false,
        early: None,
        doubt: Doubt::None,
        parts: 0,
        responder: None,
        tie: Tie::None,
        body: Body::EMPTY,
    };

    /// What the permits are asked.
    pub(super) fn question(&self) -> Question {
        let Parties { actor, device, .. } = self.parties;
        Question { now: self.seen.time, actor, device, action: self.action }
    }

    /// True when one is the request and the other the response of the same exchange, as far as they tell.
    fn pairs_with(&self, other: &Self) -> bool {
        self.key == other.key && self.requester == other.requester
    }
}

/// An entry in the table of pending requests that the sensor's owner lends.
#[derive(Clone, Copy, Debug)]
pub struct PendingSlot(Pending);

impl PendingSlot {
    /// A free slot.
    pub const EMPTY: Self = Self(Pending::EMPTY);
}

impl Default for PendingSlot {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// Neighbours of a pending request in the queues that it stands in.
#[derive(Debug)]
struct Queues<'s> {
    time: &'s mut [Links],
    flow: &'s mut [Links],
    alert: &'s mut [Links],
}

/// The requests that wait for responses.
#[derive(Debug)]
pub(crate) struct Pendings<'s> {
    slots: &'s mut [PendingSlot],
    links: Queues<'s>,
    bodies: Pool<'s>,
    /// All, oldest first.
    by_time: Fifo,
    /// Those with an alert that waits for the response, oldest first.
    by_alert: Fifo,
    free: Fifo,
    free_count: usize,
}

impl<'s> Pendings<'s> {
    /// A table of as many requests as `slots` and each third of `links` provide for.
    pub(crate) fn new(
        slots: &'s mut [PendingSlot],
        links: &'s mut [Links],
        blocks: &'s mut [Block],
        bytes: &'s mut [u8],
    ) -> Self {
        links.fill(Links::EMPTY);
        let third = links.len().wrapping_div(3);
        let (time, rest) = links.split_at_mut_checked(third).unwrap_or_default();
        let (flow, alert) = rest.split_at_mut_checked(third).unwrap_or_default();
        let count = slots.len().min(third);
        let mut free = Fifo::EMPTY;
        (0..count as u32).for_each(|id| free.push(time, id));
        Self {
            slots,
            links: Queues { time, flow, alert },
            bodies: Pool::new(blocks, bytes, BLOCK_LEN),
            by_time: Fifo::EMPTY,
            by_alert: Fifo::EMPTY,
            free,
            free_count: count,
        }
    }

    /// A request whose alert waits, of which `is_whole` does not hold.
    pub(crate) fn waiting_alert(&self, is_whole: impl Fn(&Pending) -> bool) -> Option<u32> {
        let mut ids = self.by_alert.oldest(self.links.alert);
        ids.find(|id| self.get(*id).is_some_and(|pending| !is_whole(pending)))
    }

    /// Goes on under the numbers of another policy.
    pub(crate) fn succeed(&mut self, succession: &Succession<'_>) {
        for PendingSlot(pending) in self.slots.iter_mut() {
            let Parties { actor, device, .. } = pending.parties;
            pending.parties.actor = actor.and_then(|actor| succession.actor(actor));
            pending.parties.device = device.and_then(|device| succession.device(device));
            pending.verdict = succession.verdict_left(pending.verdict);
        }
    }

    /// True when too little room is left to take what one frame may bring.
    pub(crate) fn is_tight(&self) -> bool {
        self.free_count <= self.slots.len() >> 4 || self.bodies.free_count() <= self.bodies.count() >> 4
    }

    /// How many requests there are.
    pub(crate) fn occupancy(&self) -> Occupancy {
        let limit = self.slots.len().min(self.links.time.len());
        Occupancy { entries: limit.saturating_sub(self.free_count), limit }
    }

    /// How many blocks hold something of a request.
    pub(crate) fn blocks(&self) -> Occupancy {
        self.bodies.occupancy()
    }

    /// The request that has waited longest.
    pub(crate) fn oldest(&self) -> Option<u32> {
        self.by_time.front()
    }

    /// The request whose alert has waited longest.
    pub(crate) fn oldest_alert(&self) -> Option<u32> {
        self.by_alert.front()
    }

    pub(crate) fn get(&self, id: u32) -> Option<&Pending> {
        self.slots.get(id as usize).map(|slot| &slot.0)
    }

    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut Pending> {
        self.slots.get_mut(id as usize).map(|slot| &mut slot.0)
    }

    /// True when the flow has as many unanswered requests as a flow may have.
    pub(crate) fn flow_is_full(flow: &Flow) -> bool {
        flow.pending_count >= MAX_PER_FLOW
    }

    /// Keeps a request; `None` when there is no room for it.
    pub(crate) fn insert(&mut self, flow: &mut Flow, pending: &Pending, bytes: &[u8]) -> Option<u32> {
        let id = self.free.front()?;
        let body = self.keep(bytes)?;
        let slot = self.slots.get_mut(id as usize)?;
        slot.0 = Pending { body, ..*pending };
        self.free.remove(self.links.time, id);
        self.free_count = self.free_count.saturating_sub(1);
        self.by_time.push(self.links.time, id);
        flow.pending.push(self.links.flow, id);
        flow.pending_count = flow.pending_count.saturating_add(1);
        flow.early_count = flow.early_count.saturating_add(u16::from(pending.early.is_some()));
        if pending.alert_due {
            self.by_alert.push(self.links.alert, id);
        }
        Some(id)
    }

    /// Takes the request with this number out; its bytes are copied into `scratch`. Tells how many they are.
    pub(crate) fn remove(&mut self, flow: &mut Flow, id: u32, pending: &Pending, scratch: &mut [u8]) -> usize {
        self.alert_given(id);
        let len = self.body(pending, scratch);
        if let Body::Blocks { first } = pending.body {
            self.bodies.give_back_all(first);
        }
        self.by_time.remove(self.links.time, id);
        flow.pending.remove(self.links.flow, id);
        flow.pending_count = flow.pending_count.saturating_sub(1);
        flow.early_count = flow.early_count.saturating_sub(u16::from(pending.early.is_some()));
        self.free.push(self.links.time, id);
        self.free_count = self.free_count.saturating_add(1);
        len
    }

    /// Takes note that the request's alert waits no longer.
    pub(crate) fn alert_given(&mut self, id: u32) {
        if let Some(slot) = self.slots.get_mut(id as usize)
            && core::mem::take(&mut slot.0.alert_due)
        {
            slot.0.firings = NONE;
            self.by_alert.remove(self.links.alert, id);
        }
    }

    /// Copies the request's bytes; returns how many.
    pub(crate) fn body(&self, pending: &Pending, to: &mut [u8]) -> usize {
        match pending.body {
            Body::Inline { len, bytes } => copy(to, bytes.get(..usize::from(len)).unwrap_or_default()),
            Body::Blocks { first } => {
                let (mut block, mut len) = (first, 0_usize);
                while block != NONE {
                    let room = to.get_mut(len..).unwrap_or_default();
                    len = len.saturating_add(copy(room, self.bodies.get(block)));
                    block = self.bodies.next(block);
                }
                len
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> Option<Body> {
        if let Ok(len) = u8::try_from(bytes.len())
            && bytes.len() <= INLINE_LEN
        {
            let mut inline = [0; INLINE_LEN];
            copy(&mut inline, bytes);
            return Some(Body::Inline { len, bytes: inline });
        }
        let mut first = NONE;
        for piece in bytes.rchunks(BLOCK_LEN) {
            let Some(block) = self.bodies.take(piece, 0, Pending::EMPTY.seen) else {
                self.bodies.give_back_all(first);
                return None;
            };
            self.bodies.set_next(block, first);
            first = block;
        }
        Some(Body::Blocks { first })
    }

    /// The response to `asked` that was captured before it: its sender had received everything before `end`.
    pub(crate) fn early(&self, flow: &Flow, asked: &Pending, end: u32) -> Option<u32> {
        if flow.early_count == 0 {
            return None;
        }
        self.of_flow(flow)
            .find(|(_, early)| early.early.is_some() && early.pairs_with(asked) && !is_before(early.ack, end))
            .map(|(id, _)| id)
    }

    /// The request that `answer`, at sequence number `seq`, is the response to, if it is still awaited.
    ///
    /// Of several with the same key, a response answers the first whose sender had acknowledged everything before it:
    /// so a lost response does not shift all later ones. Failing that, the first of those that acknowledged most, since
    /// what went before them was answered or given up. Where nothing is acknowledged, it answers the latest, as it does
    /// for a client that gave up the others.
    pub(crate) fn answered_by(&self, flow: &Flow, answer: &Pending, seq: u32) -> Option<u32> {
        // Responses to nothing that was seen wait for their requests; there may be many.
        if flow.early_count == flow.pending_count {
            return None;
        }
        if !flow.is_tcp() {
            return self.latest(flow, |asked| asked.pairs_with(answer));
        }
        let mut best: Option<(u32, u32)> = None;
        for (id, asked) in self.of_flow(flow).filter(|(_, asked)| asked.early.is_none() && asked.pairs_with(answer)) {
            if asked.ack == seq {
                return Some(id);
            }
            if best.is_none_or(|(_, ack)| is_before(ack, asked.ack) && !is_before(seq, asked.ack)) {
                best = Some((id, asked.ack));
            }
        }
        best.map(|(id, _)| id)
    }

    /// The latest request like this that waits for a response, if its sender had acknowledged all before `ack` then; of
    /// the oldest [`MAX_PIPELINED`], so that a flood costs no more than a busy client does.
    pub(crate) fn waiting(&self, flow: &Flow, ack: u32, like: impl Fn(&Pending) -> bool) -> Option<u32> {
        let oldest = self.of_flow(flow).take(MAX_PIPELINED);
        let waiting = oldest.filter(|(_, asked)| asked.early.is_none() && asked.ack == ack && like(asked));
        waiting.last().map(|(id, _)| id)
    }

    /// The latest request like this that waits for a response.
    pub(crate) fn latest(&self, flow: &Flow, like: impl Fn(&Pending) -> bool) -> Option<u32> {
        let waiting = self.of_flow(flow).filter(|(_, asked)| asked.early.is_none() && like(asked));
        waiting.last().map(|(id, _)| id)
    }

    /// What is pending on a flow, oldest first.
    fn of_flow(&self, flow: &Flow) -> impl Iterator<Item = (u32, &Pending)> {
        let ids = flow.pending.oldest(self.links.flow);
        ids.filter_map(|id| Some((id, self.get(id)?)))
    }
}
