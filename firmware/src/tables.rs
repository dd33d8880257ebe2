use heapless::Vec;
use tagout_core::engine::{self, ChannelState, CycleState, PastSlot, PointState, RoutineSlot, SeenSlot, WindowSlot};
use tagout_core::intent::IntentMemory;
use tagout_core::wire::FragmentSlot;
use tagout_core::{
    AbsenceSlot, AssemblySlot, AssociationSlot, BLOCK_LEN, Block, FileSlot, FiringSlot, FlowSlot, FoldSlot, HolderSlot,
    HomeSlot, Links, PendingSlot, SelectionSlot, StationSlot, Storage, TallySlot,
};

use crate::capacity::{
    ABSENCES, ASSEMBLIES, ASSOCIATIONS, CHANNELS, CYCLES, DATAGRAM, DATAGRAMS, FILES, FIRINGS, FLOWS, FOLDS, FRAGMENT,
    NEIGHBOURS, PAST, PENDINGS, POINTS, RECENT, REQUEST_BLOCKS, ROUTINES, SEEN, SELECTION, SELECTIONS, STATIONS,
    STREAM_BLOCKS, WINDOWS,
};

/// The sensor's tables at a gateway's size; put them in a static.
///
/// They take no flash: tables of slots are empty vectors until they are lent, so that a static of them is all zeroes.
#[derive(Debug)]
pub struct Tables {
    flows: Vec<FlowSlot, FLOWS>,
    flow_buckets: [u32; 2 * FLOWS],
    hole_links: Vec<Links, { 2 * FLOWS }>,
    stream_blocks: Vec<Block, STREAM_BLOCKS>,
    stream_bytes: [u8; STREAM_BLOCKS * BLOCK_LEN],
    recent: [u8; RECENT],
    pendings: Vec<PendingSlot, PENDINGS>,
    pending_links: Vec<Links, { 3 * PENDINGS }>,
    request_blocks: Vec<Block, REQUEST_BLOCKS>,
    request_bytes: [u8; REQUEST_BLOCKS * BLOCK_LEN],
    assemblies: Vec<AssemblySlot, ASSEMBLIES>,
    assembly_buckets: [u32; ASSEMBLIES],
    assembly_bytes: [u8; ASSEMBLIES * FRAGMENT],
    associations: Vec<AssociationSlot, ASSOCIATIONS>,
    association_buckets: [u32; ASSOCIATIONS],
    selections: Vec<SelectionSlot, SELECTIONS>,
    selection_buckets: [u32; SELECTIONS],
    selection_bytes: [u8; SELECTIONS * 2 * SELECTION],
    files: Vec<FileSlot, FILES>,
    file_buckets: [u32; FILES],
    seen: Vec<SeenSlot, SEEN>,
    seen_buckets: [u32; SEEN],
    windows: Vec<WindowSlot, WINDOWS>,
    window_buckets: [u32; WINDOWS],
    routines: Vec<RoutineSlot, ROUTINES>,
    past: Vec<PastSlot, PAST>,
    past_buckets: [u32; PAST],
    firings: Vec<FiringSlot, FIRINGS>,
    folds: Vec<FoldSlot, FOLDS>,
    fold_buckets: [u32; FOLDS],
    tallies: Vec<TallySlot, FOLDS>,
    tally_buckets: [u32; FOLDS],
    stations: Vec<StationSlot, STATIONS>,
    station_buckets: [u32; STATIONS],
    absences: Vec<AbsenceSlot, ABSENCES>,
    absence_buckets: [u32; ABSENCES],
    holders: Vec<HolderSlot, NEIGHBOURS>,
    holder_buckets: [u32; NEIGHBOURS],
    homes: Vec<HomeSlot, NEIGHBOURS>,
    home_buckets: [u32; NEIGHBOURS],
    datagrams: Vec<FragmentSlot, DATAGRAMS>,
    datagram_bytes: [u8; DATAGRAMS * DATAGRAM],
    scratch: [u8; FRAGMENT],
    points: Vec<PointState, POINTS>,
    channels: Vec<ChannelState, CHANNELS>,
    cycles: Vec<CycleState, CYCLES>,
}

impl Tables {
    /// Tables that hold nothing yet.
    pub const fn new() -> Self {
        Self {
            flows: Vec::new(),
            flow_buckets: [0; 2 * FLOWS],
            hole_links: Vec::new(),
            stream_blocks: Vec::new(),
            stream_bytes: [0; STREAM_BLOCKS * BLOCK_LEN],
            recent: [0; RECENT],
            pendings: Vec::new(),
            pending_links: Vec::new(),
            request_blocks: Vec::new(),
            request_bytes: [0; REQUEST_BLOCKS * BLOCK_LEN],
            assemblies: Vec::new(),
            assembly_buckets: [0; ASSEMBLIES],
            assembly_bytes: [0; ASSEMBLIES * FRAGMENT],
            associations: Vec::new(),
            association_buckets: [0; ASSOCIATIONS],
            selections: Vec::new(),
            selection_buckets: [0; SELECTIONS],
            selection_bytes: [0; SELECTIONS * 2 * SELECTION],
            files: Vec::new(),
            file_buckets: [0; FILES],
            seen: Vec::new(),
            seen_buckets: [0; SEEN],
            windows: Vec::new(),
            window_buckets: [0; WINDOWS],
            routines: Vec::new(),
            past: Vec::new(),
            past_buckets: [0; PAST],
            firings: Vec::new(),
            folds: Vec::new(),
            fold_buckets: [0; FOLDS],
            tallies: Vec::new(),
            tally_buckets: [0; FOLDS],
            stations: Vec::new(),
            station_buckets: [0; STATIONS],
            absences: Vec::new(),
            absence_buckets: [0; ABSENCES],
            holders: Vec::new(),
            holder_buckets: [0; NEIGHBOURS],
            homes: Vec::new(),
            home_buckets: [0; NEIGHBOURS],
            datagrams: Vec::new(),
            datagram_bytes: [0; DATAGRAMS * DATAGRAM],
            scratch: [0; FRAGMENT],
            points: Vec::new(),
            channels: Vec::new(),
            cycles: Vec::new(),
        }
    }

    /// The tables, lent to a sensor.
    pub fn lend(&mut self) -> Storage<'_> {
        Storage {
            flows: full(&mut self.flows),
            flow_buckets: &mut self.flow_buckets,
            hole_links: full(&mut self.hole_links),
            stream_blocks: full(&mut self.stream_blocks),
            stream_bytes: &mut self.stream_bytes,
            recent: &mut self.recent,
            pendings: full(&mut self.pendings),
            pending_links: full(&mut self.pending_links),
            request_blocks: full(&mut self.request_blocks),
            request_bytes: &mut self.request_bytes,
            assemblies: full(&mut self.assemblies),
            assembly_buckets: &mut self.assembly_buckets,
            assembly_bytes: &mut self.assembly_bytes,
            associations: full(&mut self.associations),
            association_buckets: &mut self.association_buckets,
            selections: full(&mut self.selections),
            selection_buckets: &mut self.selection_buckets,
            selection_bytes: &mut self.selection_bytes,
            files: full(&mut self.files),
            file_buckets: &mut self.file_buckets,
            firings: full(&mut self.firings),
            folds: full(&mut self.folds),
            fold_buckets: &mut self.fold_buckets,
            tallies: full(&mut self.tallies),
            tally_buckets: &mut self.tally_buckets,
            stations: full(&mut self.stations),
            station_buckets: &mut self.station_buckets,
            absences: full(&mut self.absences),
            absence_buckets: &mut self.absence_buckets,
            holders: full(&mut self.holders),
            holder_buckets: &mut self.holder_buckets,
            homes: full(&mut self.homes),
            home_buckets: &mut self.home_buckets,
            datagrams: full(&mut self.datagrams),
            datagram_bytes: &mut self.datagram_bytes,
            intents: IntentMemory::none(),
            acts: &mut [],
            scratch: &mut self.scratch,
            engine: engine::Memory {
                points: full(&mut self.points),
                seen: full(&mut self.seen),
                seen_buckets: &mut self.seen_buckets,
                windows: full(&mut self.windows),
                window_buckets: &mut self.window_buckets,
                routines: full(&mut self.routines),
                past: full(&mut self.past),
                past_buckets: &mut self.past_buckets,
                channels: full(&mut self.channels),
                cycles: full(&mut self.cycles),
            },
        }
    }
}

/// All slots of `table`, made where they lie.
fn full<T: Clone + Default, const N: usize>(table: &mut Vec<T, N>) -> &mut [T] {
    // As many as the capacity always fit.
    let _ = table.resize_default(N);
    table
}

impl Default for Tables {
    fn default() -> Self {
        Self::new()
    }
}
