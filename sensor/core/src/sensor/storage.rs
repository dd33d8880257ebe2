use crate::exchange::{
    AbsenceSlot, AssemblySlot, AssociationSlot, FileSlot, FiringSlot, FoldSlot, PendingSlot, SelectionSlot,
    StationSlot, TallySlot,
};
use crate::flow::FlowSlot;
use crate::intent::{ActSlot, IntentMemory};
use crate::neighbours::{HolderSlot, HomeSlot};
use crate::store::{Block, Links};
use crate::wire::FragmentSlot;

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
    /// What actors declared.
    pub intents: IntentMemory<'s>,
    /// Commands of actors whose intents matter. A full table decides on the oldest before its time; without room nothing is
    /// matched.
    pub acts: &'s mut [ActSlot],
    /// Room for the longest request.
    pub scratch: &'s mut [u8],
    /// What the engine remembers.
    pub engine: tagout_engine::Memory<'s>,
}
