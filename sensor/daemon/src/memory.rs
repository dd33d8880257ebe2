//! The sensor's tables on the heap, sized once.

use tagout_core::engine::{
    self, ChannelState, CycleState, PastSlot, PointState, Policy, PolicyMemory, RoutineSlot, SeenSlot, WindowSlot,
};
use tagout_core::intent::{ActSlot, IntentMemory, IntentSlot};
use tagout_core::wire::FragmentSlot;
use tagout_core::{
    AbsenceSlot, AssemblySlot, AssociationSlot, BLOCK_LEN, Block, Fifo, FileSlot, FiringSlot, FlowSlot, FoldSlot,
    HolderSlot, HomeSlot, Links, PendingSlot, SelectionSlot, Sensor, StationSlot, Storage, TallySlot,
};

/// How much a sensor keeps at a time. What does not fit displaces what is oldest, and is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Flows on plant protocol ports.
    pub flows: usize,
    /// Unfinished units and early TCP segments, in blocks of 520 bytes.
    pub stream_blocks: usize,
    /// Bytes of stream payload to compare repetitions with.
    pub recent_bytes: usize,
    /// Requests without a response.
    pub requests: usize,
    /// Bytes of requests longer than 40, in blocks of 520 bytes.
    pub request_blocks: usize,
    /// DNP3 senders whose fragments take several segments.
    pub assemblies: usize,
    /// Bytes of the longest DNP3 fragment (IEEE 1815-2012 recommends 2048).
    pub fragment_bytes: usize,
    /// DNP3 senders and receivers that something is remembered of.
    pub associations: usize,
    /// DNP3 SELECTs that wait for their OPERATE.
    pub selections: usize,
    /// Devices of which it is remembered how they answer and what they are.
    pub stations: usize,
    /// What rules wait for.
    pub absences: usize,
    /// Open files of DNP3 outstations.
    pub files: usize,
    /// What rules that fire only the first time saw before.
    pub seen: usize,
    /// What rules count and wait for.
    pub windows: usize,
    /// What permits that limit pace and change remember of commands.
    pub past: usize,
    /// Alerts that may repeat themselves, and as many incidents and causes.
    pub folds: usize,
    /// Declared intents, if the policy asks for any.
    pub intents: usize,
    /// Commands of actors whose intents matter.
    pub acts: usize,
    /// IP addresses in use, and as many MAC addresses.
    pub neighbours: usize,
    /// IP datagrams under reassembly.
    pub datagrams: usize,
    /// Bytes of the longest such datagram.
    pub datagram_bytes: usize,
}

impl Default for Limits {
    /// About 28 MiB: 16,384 flows and as many open requests.
    fn default() -> Self {
        Self {
            flows: 16_384,
            stream_blocks: 8_192,
            recent_bytes: 1 << 20,
            requests: 16_384,
            request_blocks: 4_096,
            assemblies: 512,
            fragment_bytes: 2_048,
            associations: 2_048,
            selections: 128,
            stations: 4_096,
            absences: 1_024,
            files: 128,
            seen: 16_384,
            windows: 4_096,
            past: 16_384,
            folds: 1_024,
            intents: 16_384,
            acts: 1_024,
            neighbours: 4_096,
            datagrams: 32,
            datagram_bytes: 65_535,
        }
    }
}

/// Storage for one sensor.
#[derive(Debug)]
pub struct Memory {
    flows: Vec<FlowSlot>,
    flow_buckets: Vec<u32>,
    hole_links: Vec<Links>,
    stream_blocks: Vec<Block>,
    stream_bytes: Vec<u8>,
    recent: Vec<u8>,
    pendings: Vec<PendingSlot>,
    pending_links: Vec<Links>,
    request_blocks: Vec<Block>,
    request_bytes: Vec<u8>,
    assemblies: Vec<AssemblySlot>,
    assembly_buckets: Vec<u32>,
    assembly_bytes: Vec<u8>,
    associations: Vec<AssociationSlot>,
    association_buckets: Vec<u32>,
    selections: Vec<SelectionSlot>,
    selection_buckets: Vec<u32>,
    selection_bytes: Vec<u8>,
    files: Vec<FileSlot>,
    file_buckets: Vec<u32>,
    seen: Vec<SeenSlot>,
    seen_buckets: Vec<u32>,
    windows: Vec<WindowSlot>,
    window_buckets: Vec<u32>,
    routines: Vec<RoutineSlot>,
    past: Vec<PastSlot>,
    past_buckets: Vec<u32>,
    firings: Vec<FiringSlot>,
    folds: Vec<FoldSlot>,
    fold_buckets: Vec<u32>,
    tallies: Vec<TallySlot>,
    tally_buckets: Vec<u32>,
    stations: Vec<StationSlot>,
    station_buckets: Vec<u32>,
    absences: Vec<AbsenceSlot>,
    absence_buckets: Vec<u32>,
    holders: Vec<HolderSlot>,
    holder_buckets: Vec<u32>,
    homes: Vec<HomeSlot>,
    home_buckets: Vec<u32>,
    datagrams: Vec<FragmentSlot>,
    datagram_bytes: Vec<u8>,
    intents: IntentRoom,
    scratch: Vec<u8>,
    points: Vec<PointState>,
    channels: Vec<ChannelState>,
    cycles: Vec<CycleState>,
}

impl Memory {
    /// Tables of the given sizes; what is remembered of a policy's entries takes as much as there are.
    pub fn new(limits: &Limits, policy: Policy<'_>) -> Self {
        Self {
            flows: filled(limits.flows),
            flow_buckets: filled(2 * limits.flows),
            hole_links: filled(2 * limits.flows),
            stream_blocks: filled(limits.stream_blocks),
            stream_bytes: filled(limits.stream_blocks * BLOCK_LEN),
            recent: filled(limits.recent_bytes),
            pendings: filled(limits.requests),
            pending_links: filled(3 * limits.requests),
            request_blocks: filled(limits.request_blocks),
            request_bytes: filled(limits.request_blocks * BLOCK_LEN),
            assemblies: filled(limits.assemblies),
            assembly_buckets: filled(limits.assemblies),
            assembly_bytes: filled(limits.assemblies * limits.fragment_bytes),
            associations: filled(limits.associations),
            association_buckets: filled(limits.associations),
            selections: filled(limits.selections),
            selection_buckets: filled(limits.selections),
            selection_bytes: filled(limits.selections * 2 * limits.fragment_bytes),
            files: filled(limits.files),
            file_buckets: filled(limits.files),
            seen: filled(limits.seen),
            seen_buckets: filled(limits.seen),
            windows: filled(limits.windows),
            window_buckets: filled(limits.windows),
            routines: filled(limits.seen),
            past: filled(limits.past),
            past_buckets: filled(limits.past),
            firings: filled(limits.requests),
            folds: filled(limits.folds),
            fold_buckets: filled(limits.folds),
            tallies: filled(limits.folds),
            tally_buckets: filled(limits.folds),
            stations: filled(limits.stations),
            station_buckets: filled(limits.stations),
            absences: filled(limits.absences + awaited_devices(policy)),
            absence_buckets: filled(limits.absences + awaited_devices(policy)),
            holders: filled(limits.neighbours),
            holder_buckets: filled(limits.neighbours),
            homes: filled(limits.neighbours),
            home_buckets: filled(limits.neighbours),
            datagrams: filled(limits.datagrams),
            datagram_bytes: filled(limits.datagrams * limits.datagram_bytes),
            intents: if policy.has_intents() { IntentRoom::new(limits) } else { IntentRoom::default() },
            scratch: filled(limits.fragment_bytes.max(BLOCK_LEN)),
            points: filled(policy.point_count()),
            channels: filled(policy.cadence_count()),
            cycles: filled(policy.cycle_count()),
        }
    }

    /// The tables, for one sensor at a time.
    pub fn lend(&mut self) -> Storage<'_> {
        let (intents, acts) = self.intents.lend();
        Storage {
            flows: &mut self.flows,
            flow_buckets: &mut self.flow_buckets,
            hole_links: &mut self.hole_links,
            stream_blocks: &mut self.stream_blocks,
            stream_bytes: &mut self.stream_bytes,
            recent: &mut self.recent,
            pendings: &mut self.pendings,
            pending_links: &mut self.pending_links,
            request_blocks: &mut self.request_blocks,
            request_bytes: &mut self.request_bytes,
            assemblies: &mut self.assemblies,
            assembly_buckets: &mut self.assembly_buckets,
            assembly_bytes: &mut self.assembly_bytes,
            associations: &mut self.associations,
            association_buckets: &mut self.association_buckets,
            selections: &mut self.selections,
            selection_buckets: &mut self.selection_buckets,
            selection_bytes: &mut self.selection_bytes,
            files: &mut self.files,
            file_buckets: &mut self.file_buckets,
            firings: &mut self.firings,
            folds: &mut self.folds,
            fold_buckets: &mut self.fold_buckets,
            tallies: &mut self.tallies,
            tally_buckets: &mut self.tally_buckets,
            stations: &mut self.stations,
            station_buckets: &mut self.station_buckets,
            absences: &mut self.absences,
            absence_buckets: &mut self.absence_buckets,
            holders: &mut self.holders,
            holder_buckets: &mut self.holder_buckets,
            homes: &mut self.homes,
            home_buckets: &mut self.home_buckets,
            datagrams: &mut self.datagrams,
            datagram_bytes: &mut self.datagram_bytes,
            intents,
            acts,
            scratch: &mut self.scratch,
            engine: engine::Memory {
                points: &mut self.points,
                seen: &mut self.seen,
                seen_buckets: &mut self.seen_buckets,
                windows: &mut self.windows,
                window_buckets: &mut self.window_buckets,
                routines: &mut self.routines,
                past: &mut self.past,
                past_buckets: &mut self.past_buckets,
                channels: &mut self.channels,
                cycles: &mut self.cycles,
            },
        }
    }
}

/// Storage for intents, and for commands that are held against them.
#[derive(Debug, Default)]
pub struct IntentRoom {
    intents: Vec<IntentSlot>,
    buckets: Vec<u32>,
    subjects: Vec<Fifo>,
    links: [Vec<Links>; 2],
    acts: Vec<ActSlot>,
}

impl IntentRoom {
    /// Room of the given size.
    pub fn new(limits: &Limits) -> Self {
        Self {
            intents: filled(limits.intents),
            buckets: filled(limits.intents),
            subjects: filled(limits.intents),
            links: [filled(limits.intents), filled(limits.intents)],
            acts: filled(limits.acts),
        }
    }

    /// Lends it to a sensor that may have none, since its policy asked for no intents when it was made.
    pub fn lend_to<'m>(&'m mut self, sensor: &mut Sensor<'m>) {
        let (intents, acts) = self.lend();
        sensor.lend_intents(intents, acts);
    }

    fn lend(&mut self) -> (IntentMemory<'_>, &mut [ActSlot]) {
        let [subject_links, age_links] = &mut self.links;
        let Self { intents: slots, buckets, subjects, acts, .. } = self;
        (IntentMemory { slots, buckets, subjects, subject_links, age_links }, acts)
    }
}

/// Storage for what a sensor remembers of the entries of one policy that takes the place of another.
#[derive(Debug)]
pub struct PolicyRoom {
    points: Vec<PointState>,
    channels: Vec<ChannelState>,
    cycles: Vec<CycleState>,
}

impl PolicyRoom {
    /// As much as there are entries.
    pub fn new(policy: Policy<'_>) -> Self {
        Self {
            points: filled(policy.point_count()),
            channels: filled(policy.cadence_count()),
            cycles: filled(policy.cycle_count()),
        }
    }

    /// The storage, for one sensor.
    pub fn lend(&mut self) -> PolicyMemory<'_> {
        PolicyMemory { points: &mut self.points, channels: &mut self.channels, cycles: &mut self.cycles }
    }
}

/// The devices whose points are waited for.
fn awaited_devices(policy: Policy<'_>) -> usize {
    if policy.awaits_reports() { policy.device_count() } else { 0 }
}

fn filled<T: Default + Clone>(count: usize) -> Vec<T> {
    vec![T::default(); count]
}
