use tagout_engine::{
    ActorId, AnomalyKind, Engine, IntentFinding, Policy, PolicyMemory, ProcessImage, Succession, Timestamp,
};

use crate::config::Config;
use crate::counters::{Counter, Counters};
use crate::exchange::{
    AbsenceSlot, Absences, Assemblies, AssemblySlot, AssociationSlot, Associations, Desk, Dialogues, Due, FileSlot,
    Files, FiringSlot, Firings, FoldSlot, Folds, Hearing, Matching, PendingSlot, Pendings, SelectionSlot, Selects,
    StationSlot, Stations, TallySlot, renamed,
};
use crate::finding::Finding;
use crate::flow::{Flow, FlowKey, FlowSlot, Reader, Side, Streams, Turn, clients_side};
use crate::frame::Frame;
use crate::intent::{ActSlot, Intent, IntentKey, IntentSlot};
use crate::neighbours::{Change, HolderSlot, HomeSlot, Neighbours};
use crate::record::{Output, Protocol, Seen, Transport};
use crate::store::{Block, Links, Table};
use crate::wire::{self, Claim, Datagram, FragmentPart, FragmentSlot, Reassembly, Skip, TcpSegment};

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

/// The tables that a sensor works in, lent by its owner. Their sizes are the sensor's bounds, and no input makes them
/// larger. Where two slices belong together, the shorter one counts.
#[derive(Debug)]
pub struct Storage<'s> {
    /// Flows on plant protocol ports. A full table gives up the flow that was silent for longest.
    pub flows: &'s mut [FlowSlot],
    /// As many as flows, or twice as many for speed.
    pub flow_buckets: &'s mut [u32],
    /// Two a flow.
    pub hole_links: &'s mut [Links],
    /// Beginnings of unfinished units, and TCP segments before their turn.
    pub stream_blocks: &'s mut [Block],
    /// [`BLOCK_LEN`](crate::BLOCK_LEN) a stream block.
    pub stream_bytes: &'s mut [u8],
    /// The latest stream payload, to compare repetitions with; a power of two is used whole.
    pub recent: &'s mut [u8],
    /// Requests without a response yet. When less than a sixteenth is free, the oldest is closed.
    pub pendings: &'s mut [PendingSlot],
    /// Three a pending request.
    pub pending_links: &'s mut [Links],
    /// Bytes of pending requests that are longer than 40.
    pub request_blocks: &'s mut [Block],
    /// [`BLOCK_LEN`](crate::BLOCK_LEN) a request block.
    pub request_bytes: &'s mut [u8],
    /// Senders and receivers of DNP3 fragments of several segments.
    pub assemblies: &'s mut [AssemblySlot],
    /// As many as assemblies.
    pub assembly_buckets: &'s mut [u32],
    /// Divided equally among the assemblies; a share is the longest fragment.
    pub assembly_bytes: &'s mut [u8],
    /// Senders and receivers of DNP3 frames that something is remembered of: frame counts, what awaits a confirm,
    /// challenges.
    pub associations: &'s mut [AssociationSlot],
    /// As many as associations.
    pub association_buckets: &'s mut [u32],
    /// DNP3 SELECTs that wait for their OPERATE: the latest of each master at each outstation.
    pub selections: &'s mut [SelectionSlot],
    /// As many as selections.
    pub selection_buckets: &'s mut [u32],
    /// Divided equally among the selections; half a share is the longest request or response that is kept.
    pub selection_bytes: &'s mut [u8],
    /// Files that DNP3 masters have open.
    pub files: &'s mut [FileSlot],
    /// As many as files.
    pub file_buckets: &'s mut [u32],
    /// Devices of which it is remembered how they answer and what they are.
    pub stations: &'s mut [StationSlot],
    /// As many as stations.
    pub station_buckets: &'s mut [u32],
    /// IP addresses in use, with the MAC addresses that use them.
    pub holders: &'s mut [HolderSlot],
    /// As many as holders.
    pub holder_buckets: &'s mut [u32],
    /// MAC addresses in use, with the IPv4 addresses that they use.
    pub homes: &'s mut [HomeSlot],
    /// As many as homes.
    pub home_buckets: &'s mut [u32],
    /// IP datagrams under reassembly.
    pub datagrams: &'s mut [FragmentSlot],
    /// Divided equally among the datagrams; a share is the longest datagram.
    pub datagram_bytes: &'s mut [u8],
    /// Rules that fired on requests that wait for their responses. When less than four are free, requests wait no longer
    /// for theirs with their alerts.
    pub firings: &'s mut [FiringSlot],
    /// Alerts that may repeat themselves.
    pub folds: &'s mut [FoldSlot],
    /// As many as folds.
    pub fold_buckets: &'s mut [u32],
    /// Incidents, and how many alerts each cause had lately.
    pub tallies: &'s mut [TallySlot],
    /// As many as tallies.
    pub tally_buckets: &'s mut [u32],
    /// What rules wait for. When it is full, they wait for nothing more.
    pub absences: &'s mut [AbsenceSlot],
    /// As many as absences.
    pub absence_buckets: &'s mut [u32],
    /// What actors declared. A full table forgets what expires first.
    pub intents: &'s mut [IntentSlot],
    /// Commands of actors whose intents matter. A full table decides on the oldest before its time; without room nothing is
    /// matched.
    pub acts: &'s mut [ActSlot],
    /// Room for the longest request.
    pub scratch: &'s mut [u8],
    /// What the engine remembers.
    pub engine: tagout_engine::Memory<'s>,
}

/// The whole path from frame to alert.
///
/// Call [`frame`](Self::frame) for every frame in the order of capture, [`advance`](Self::advance) when time passes
/// without frames, and [`finish`](Self::finish) at the end of the capture. Records go to the [`Output`] given with
/// each call, in an order that depends on the frames alone.
#[derive(Debug)]
pub struct Sensor<'s> {
    config: Config,
    now: Timestamp,
    reassembly: Reassembly<'s>,
    neighbours: Neighbours<'s>,
    pub(crate) flows: Table<'s, FlowKey, Flow>,
    /// The flow of the packet before: packets of one flow come in bursts.
    latest: u32,
    pub(crate) streams: Streams<'s>,
    pub(crate) desk: Desk<'s>,
}

impl<'s> Sensor<'s> {
    /// A sensor that has seen nothing yet.
    pub fn new(config: Config, policy: Policy<'s>, storage: Storage<'s>) -> Self {
        let Storage { flows, flow_buckets, hole_links, stream_blocks, stream_bytes, recent, .. } = storage;
        let Storage { pendings, pending_links, request_blocks, request_bytes, .. } = storage;
        let Storage { assemblies, assembly_buckets, assembly_bytes, .. } = storage;
        let Storage { associations, association_buckets, files, file_buckets, .. } = storage;
        let Storage { selections, selection_buckets, selection_bytes, .. } = storage;
        let Storage { datagrams, datagram_bytes, scratch, engine, .. } = storage;
        let Storage { stations, station_buckets, .. } = storage;
        let Storage { holders, holder_buckets, homes, home_buckets, .. } = storage;
        let Storage { firings, folds, fold_buckets, tallies, tally_buckets, .. } = storage;
        let Storage { absences, absence_buckets, intents, acts, .. } = storage;
        let seed = config.hash_seed;
        let pendings = Pendings::new(pendings, pending_links, request_blocks, request_bytes);
        let dnp3 = Dialogues {
            assemblies: Assemblies::new(assembly_buckets, assemblies, assembly_bytes, seed),
            associations: Associations::new(association_buckets, associations, seed),
            selects: Selects::new(selection_buckets, selections, selection_bytes, seed),
            files: Files::new(file_buckets, files, seed),
        };
        let folds = Folds::new(config.folding, (fold_buckets, folds), (tally_buckets, tallies), seed);
        Self {
            config,
            now: Timestamp(0),
            reassembly: Reassembly::new(datagrams, datagram_bytes),
            neighbours: Neighbours::new((holder_buckets, holders), (home_buckets, homes), seed),
            flows: Table::new(flow_buckets, flows, seed),
            latest: 0,
            streams: Streams::new(stream_blocks, stream_bytes, recent, hole_links),
            desk: Desk::new(
                Engine::new(policy, engine, seed),
                pendings,
                dnp3,
                Stations::new(station_buckets, stations, seed),
                (
                    Firings::new(firings),
                    folds,
                    Absences::new(absence_buckets, absences, seed),
                    Matching::new(intents, acts),
                ),
                scratch,
                seed,
            ),
        }
    }

    /// Takes one captured frame.
    pub fn frame(&mut self, frame: &Frame<'_>, output: &mut impl Output) {
        self.advance(frame.time, output);
        self.count(Counter::Frames, 1);
        self.count(Counter::Bytes, frame.bytes.len() as u64);
        let seen = Seen { frame: frame.number, time: self.now };
        match wire::decode(frame.link, frame.bytes, frame.wire_len) {
            Ok(datagram) => match datagram.fragment {
                None => self.datagram(&datagram, false, seen, output),
                Some(part) => self.fragment(&datagram, part, seen, output),
            },
            Err(skip) => {
                self.skipped(skip);
                if skip == Skip::NotIp {
                    self.claim(Claim::of_arp(frame.link, frame.bytes, frame.wire_len), seen, output);
                }
            }
        }
    }

    /// Takes bytes of a serial line as they came, both directions mixed, in pieces of any size. `seen.frame` counts the
    /// pieces; time that runs backwards is taken as standing still.
    pub fn serial(&mut self, line: u16, bytes: &[u8], seen: Seen, output: &mut impl Output) {
        self.advance(seen.time, output);
        self.count(Counter::Frames, 1);
        self.count(Counter::Bytes, bytes.len() as u64);
        let seen = Seen { time: self.now, ..seen };
        let (key, protocol) = (FlowKey::line(line), self.config.line(line));
        let flow = || Flow::of_line(line, protocol);
        let Some(id) = self.flows.find(&key).or_else(|| self.take_in(key, flow, output)) else { return };
        self.on_flow(id, output, |streams, _, flow, hearing| {
            hearing.output.belongs(Some(flow.id));
            streams.line(flow, bytes, seen, hearing);
        });
    }

    /// Lets time pass: closes what is due by `now`.
    pub fn advance<O: Output>(&mut self, now: Timestamp, output: &mut O) {
        self.now = self.now.max(now);
        self.desk.engine.begin(now);
        if O::MATCHES_INTENTS {
            self.desk.matching.feed.begin(now);
        }
        while let Some(due) = self.next_due::<O>().filter(|due| due.0 <= self.now) {
            match due.1 {
                Deadline::Hole(flow, side) => self.on_flow(flow, output, |streams, id, flow, hearing| {
                    streams.give_up_hole(id, flow, side, hearing);
                }),
                Deadline::Exchange(due) => self.close(self.desk.due(due), due, output),
                Deadline::Repeats => self.desk.tell_repeats(due.0, output),
                Deadline::Absence => self.desk.tell_absences(due.0, output),
                Deadline::Poll => self.desk.tell_late(self.now, |id| self.flows.get(id), output),
                Deadline::Intent => self.desk.pass_intents(due.0, output),
            }
        }
        while let Some(oldest) = self.desk.crowded() {
            let Some(flow) = self.desk.flow_of(oldest) else { break };
            self.on_flow(flow, output, |_, _, flow, hearing| hearing.evict(flow, oldest));
        }
    }

    /// Ends the capture: closes everything that is pending.
    pub fn finish(&mut self, output: &mut impl Output) {
        self.desk.closing = true;
        while let Some((flow, side)) = self.streams.oldest_hole() {
            self.on_flow(flow, output, |streams, id, flow, hearing| streams.forget(id, flow, side, hearing));
        }
        while let Some(oldest) = self.desk.due(Due::Request) {
            self.close(Some(oldest), Due::Request, output);
        }
        while let Some(flow) = self.flows.victim() {
            self.on_flow(flow, output, |streams, _, flow, hearing| {
                streams.end(flow, hearing);
                hearing.unanswered_all(flow);
                hearing.settle_anomalies(flow);
            });
            self.flows.remove(flow);
        }
        self.finish_intents(output);
        self.desk.folds.finish(&mut self.desk.counters, output);
        let lost = self.reassembly.expire(Timestamp(u64::MAX));
        self.count(Counter::FragmentsLost, u64::from(lost));
    }

    fn finish_intents<O: Output>(&mut self, output: &mut O) {
        if O::MATCHES_INTENTS {
            self.desk.finish_intents(self.now, output);
        }
    }

    /// Takes an intent that came to be known, at `intent.received` or the latest time given, whichever is later. One whose
    /// key is known changes nothing. It is named by its key in what is told of it, until [`Output::intent_gone`].
    pub fn declare(&mut self, intent: &Intent, output: &mut impl Output) {
        self.advance(intent.received, output);
        self.desk.declare(&Intent { received: self.now, ..*intent }, output);
    }

    /// Takes a sign of life that the feed of declarations gave at this time.
    pub fn hear_feed(&mut self, at: Timestamp, output: &mut impl Output) {
        self.advance(at, output);
        self.desk.matching.feed.heard(at);
    }

    /// Forgets an intent that its source takes back: it covers nothing any more.
    pub fn withdraw(&mut self, key: IntentKey, output: &mut impl Output) {
        if self.desk.matching.intents.withdraw(key) {
            output.intent_gone(key);
        }
    }

    /// Takes note whether anything is going to be declared: if not, what is not declared is not known, which is told once.
    pub fn expect_feed(&mut self, is_there: bool) {
        self.desk.matching.feed.expect(is_there);
    }

    /// Takes room for intents and for commands that are held against them, if it has none yet: for a policy that asks for them
    /// in place of one that did not.
    pub fn lend_intents(&mut self, intents: &'s mut [IntentSlot], acts: &'s mut [ActSlot]) {
        let Matching { acts: known, feed, missed, .. } = &self.desk.matching;
        if known.is_off() {
            self.desk.matching = Matching { feed: *feed, missed: *missed, ..Matching::new(intents, acts) };
        }
    }

    /// Takes note that frames were lost before they came here: what was declared may have been done in them.
    pub fn miss(&mut self, frames: u64) {
        self.desk.matching.missed = self.desk.matching.missed.saturating_add(frames);
    }

    /// Takes a declaration that is not believed: its signature does not fit, or its key may not declare this. `actor` is whom
    /// it names, if the policy knows that one.
    pub fn disbelieve(
        &mut self,
        finding: IntentFinding,
        declared: (Option<ActorId>, IntentKey),
        now: Timestamp,
        output: &mut impl Output,
    ) {
        self.advance(now, output);
        self.desk.disbelieve(finding, declared, self.now, output);
    }

    /// Whether commands wait for it to be decided what was declared of them.
    pub fn waits_for_intents(&self) -> bool {
        self.desk.matching.acts.waits_since().is_some()
    }

    /// Puts another policy in the place of the one in force, between two frames. `memory` is as large as it asks for, and
    /// `succession` tells which of its entries are those of the old one: what they remember goes on, as do flows, open
    /// requests and the process image. Entries without a successor are forgotten; of alerts that still wait under them,
    /// those are given at once.
    pub fn replace_policy(
        &mut self,
        policy: Policy<'s>,
        memory: PolicyMemory<'s>,
        succession: &Succession<'_>,
        output: &mut impl Output,
    ) {
        while let Some(id) = self.desk.waits_in_vain(succession) {
            self.close(Some(id), Due::Alert, output);
            self.desk.alert_given(id);
        }
        self.desk.succeed(policy, memory, succession, output);
        for id in 0..self.flows.capacity() {
            if let Some(flow) = self.flows.get_mut(id) {
                flow.parties = renamed(&policy, flow);
            }
        }
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        let mut counters = self.desk.counters;
        counters.add(Counter::Forgotten, self.desk.engine.forgotten());
        counters
    }

    /// The policy in force.
    pub fn policy(&self) -> Policy<'s> {
        self.desk.policy
    }

    /// What is known of the process.
    pub fn process(&self) -> &ProcessImage<'s> {
        self.desk.engine.process()
    }

    fn count(&mut self, counter: Counter, by: u64) {
        self.desk.counters.add(counter, by);
    }

    fn skipped(&mut self, skip: Skip) {
        let counter = match skip {
            Skip::NotIp => Counter::FramesOther,
            Skip::Malformed => Counter::FramesMalformed,
            Skip::UnknownLink => Counter::FramesUnknownLink,
            Skip::Truncated => Counter::FramesTruncated,
        };
        self.count(counter, 1);
    }

    /// The earliest thing that falls due if no frame comes.
    fn next_due<O: Output>(&self) -> Option<(Timestamp, Deadline)> {
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
        let intent = self.next_intent_due::<O>().map(|at| (at, Deadline::Intent));
        let others = [repeats, absence, poll, intent].into_iter().flatten();
        others.fold(due, |due, other| due.filter(|due| due.0 <= other.0).or(Some(other)))
    }

    /// When a verdict on what was declared falls due, or the end of an intent.
    fn next_intent_due<O: Output>(&self) -> Option<Timestamp> {
        if !O::MATCHES_INTENTS || !self.desk.policy.has_intents() {
            return None;
        }
        self.desk.matching.next_due(&self.desk.policy.intent_waits())
    }

    /// Deals with a pending request that is due.
    fn close(&mut self, id: Option<u32>, due: Due, output: &mut impl Output) {
        let Some((id, flow)) = id.and_then(|id| Some((id, self.desk.flow_of(id)?))) else { return };
        self.on_flow(flow, output, |_, _, flow, hearing| match due {
            Due::Alert => hearing.alert_now(flow, id),
            Due::Request => hearing.unanswered(flow, id),
        });
    }

    /// Works on one flow.
    fn on_flow<O: Output>(
        &mut self,
        id: u32,
        output: &mut O,
        work: impl FnOnce(&mut Streams<'s>, u32, &mut Flow, &mut Hearing<'_, 's, O>),
    ) {
        if let Some(flow) = self.flows.get_mut(id) {
            let mut hearing = Hearing { desk: &mut self.desk, flow_id: id, output };
            work(&mut self.streams, id, flow, &mut hearing);
        }
    }

    fn fragment(&mut self, datagram: &Datagram<'_>, part: FragmentPart, seen: Seen, output: &mut impl Output) {
        self.count(Counter::Fragments, 1);
        output.belongs(None);
        // The buffer is set aside so that the datagram in it can be read while the sensor is worked on.
        let mut reassembly = core::mem::replace(&mut self.reassembly, Reassembly::new(&mut [], &mut []));
        let reassembled = reassembly.push(datagram, part, self.now);
        self.count(Counter::FragmentsLost, u64::from(reassembled.lost));
        if let Some(whole) = reassembled.datagram {
            self.datagram(&whole, reassembled.conflict, seen, output);
        }
        self.reassembly = reassembly;
    }

    /// Takes a whole datagram; `conflict` if it was put together from fragments that contradict each other.
    fn datagram(&mut self, datagram: &Datagram<'_>, conflict: bool, seen: Seen, output: &mut impl Output) {
        let packet = match datagram.protocol {
            TCP => wire::tcp(datagram.payload, datagram.missing).map(Packet::Tcp),
            UDP => wire::udp(datagram.payload, datagram.missing).map(Packet::Udp),
            ICMPV6 => {
                self.claim(Claim::of_advertisement(datagram), seen, output);
                return self.count(Counter::FramesOther, 1);
            }
            _ => return self.count(Counter::FramesOther, 1),
        };
        let cut = datagram.missing > 0;
        let Some(packet) = packet else {
            return self.count(if cut { Counter::FramesTruncated } else { Counter::FramesMalformed }, 1);
        };
        let Some(protocol) = self.carried(packet.ports()) else { return self.count(Counter::FramesOther, 1) };
        let Some((id, src_is_low)) = self.flow(datagram, &packet, protocol, output) else { return };
        let changes = self.shown(datagram, &packet, (id, src_is_low));
        self.on_flow(id, output, |streams, id, flow, hearing| {
            hearing.output.belongs(Some(flow.id));
            let side = flow.side(src_is_low);
            flow.note_macs(side, datagram.src_mac, datagram.dst_mac);
            let turn = Turn { side, seen, seq: 0, end: 0, ack: 0 };
            changes.iter().flatten().flatten().for_each(|change| hearing.readdressed(flow, turn, change));
            if !packet.payload().is_empty() {
                let mut usual = flow.usual;
                usual.note(side, datagram, flow.is_tcp(), |finding| hearing.anomaly(flow, turn, finding));
                flow.usual = usual;
            }
            if conflict {
                hearing.anomaly(flow, turn, Finding::new(AnomalyKind::IpFragmentConflict, datagram.payload.len()));
            }
            match packet {
                Packet::Tcp(segment) => streams.segment(id, flow, side, &segment, seen, hearing),
                Packet::Udp(udp) => streams.datagram(flow, side, udp.payload, seen, hearing),
            }
        });
        if matches!(packet, Packet::Tcp(TcpSegment { flags, .. }) if flags.rst) {
            self.flows.neglect(id);
        }
        self.count(Counter::FramesTruncated, u64::from(cut));
    }

    /// Takes note of what a packet of a flow shows of addresses.
    fn shown(
        &mut self,
        datagram: &Datagram<'_>,
        packet: &Packet<'_>,
        (flow, src_is_low): (u32, bool),
    ) -> Option<[Option<Change>; 2]> {
        let flow = self.flows.get_mut(flow).filter(|_| !packet.payload().is_empty())?;
        if !flow.shows(flow.side(src_is_low), datagram.src_mac, self.now) {
            return None;
        }
        Claim::of_datagram(datagram).map(|claim| self.neighbours.note(&claim, self.now))
    }

    /// Takes note of what the link says of an address.
    fn claim(&mut self, claim: Option<Claim>, seen: Seen, output: &mut impl Output) {
        let Some(claim) = claim else { return };
        for change in self.neighbours.note(&claim, self.now).into_iter().flatten() {
            self.desk.claimed(&claim, &change, seen, output);
        }
    }

    /// What a packet between these ports carries.
    fn carried(&self, (src, dst): (u16, u16)) -> Option<Protocol> {
        self.config.protocol(dst).or_else(|| self.config.protocol(src))
    }

    /// The flow of a packet, made if there is none, and whether the packet's source is its lower end.
    fn flow(
        &mut self,
        datagram: &Datagram<'_>,
        packet: &Packet<'_>,
        protocol: Protocol,
        output: &mut impl Output,
    ) -> Option<(u32, bool)> {
        let (src_port, dst_port) = packet.ports();
        let (key, src_is_low) =
            FlowKey::new((datagram.src, src_port), (datagram.dst, dst_port), datagram.vlan, packet.transport());
        if let Some(id) = self.flows.find_near(self.latest, &key) {
            self.latest = id;
            return Some((id, src_is_low));
        }
        let from_client = match (self.config.protocol(src_port).is_some(), self.config.protocol(dst_port).is_some()) {
            (true, false) => false,
            (false, true) => true,
            _ => packet.is_from_client(protocol),
        };
        let framing = self.config.framing(if from_client { dst_port } else { src_port });
        let flow = || Flow::new(key, protocol, src_is_low == from_client).framed(framing);
        Some((self.take_in(key, flow, output)?, src_is_low))
    }

    /// Keeps a new flow, in the place of another if there is none free.
    fn take_in(&mut self, key: FlowKey, flow: impl FnOnce() -> Flow, output: &mut impl Output) -> Option<u32> {
        self.count(Counter::Flows, 1);
        if self.flows.is_full() {
            self.evict_flow(output);
        }
        begin(&mut self.flows, key, flow)
    }

    /// Gives up the flow that was silent for longest; what is pending on it is closed first.
    fn evict_flow(&mut self, output: &mut impl Output) {
        let Some(victim) = self.flows.victim() else { return };
        self.count(Counter::FlowsEvicted, 1);
        self.on_flow(victim, output, |streams, id, flow, hearing| {
            streams.forget(id, flow, Side::Client, hearing);
            streams.forget(id, flow, Side::Server, hearing);
            hearing.unanswered_all(flow);
            hearing.settle_anomalies(flow);
        });
        self.flows.remove(victim);
    }
}

/// Adds a flow to its table. Not a part of its callers, on whose stack it would leave the room for a whole flow.
#[inline(never)]
fn begin(flows: &mut Table<'_, FlowKey, Flow>, key: FlowKey, flow: impl FnOnce() -> Flow) -> Option<u32> {
    flows.insert(key, flow())
}

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

/// A transport header with its payload.
#[derive(Clone, Copy, Debug)]
enum Packet<'a> {
    Tcp(TcpSegment<'a>),
    Udp(wire::UdpDatagram<'a>),
}

impl Packet<'_> {
    fn ports(&self) -> (u16, u16) {
        match self {
            Self::Tcp(segment) => (segment.src_port, segment.dst_port),
            Self::Udp(datagram) => (datagram.src_port, datagram.dst_port),
        }
    }

    fn payload(&self) -> &[u8] {
        match self {
            Self::Tcp(segment) => segment.payload,
            Self::Udp(datagram) => datagram.payload,
        }
    }

    fn transport(&self) -> Transport {
        match self {
            Self::Tcp(_) => Transport::Tcp,
            Self::Udp(_) => Transport::Udp,
        }
    }

    /// Whether the client sent this packet, where both ports are those of servers: a SYN tells, else the content.
    fn is_from_client(&self, protocol: Protocol) -> bool {
        match self {
            Self::Tcp(segment) if segment.flags.syn => !segment.flags.ack,
            Self::Tcp(segment) => clients_side(protocol, segment.payload) == Side::Client,
            Self::Udp(datagram) => clients_side(protocol, datagram.payload) == Side::Client,
        }
    }
}
