//! How much a gateway keeps track of. What a policy needs of it is told when it is compiled for one; of the rest the
//! sensor gives up the oldest, and counts that.

/// `usual`, or `small` in an image that is to run out of room soon: tests prove with one that what is lost is told.
const fn room(usual: usize, small: usize) -> usize {
    if cfg!(feature = "small-tables") { small } else { usual }
}

/// Points of the policy whose state is remembered.
pub const POINTS: usize = 200;
/// Cadences of the policy that are watched.
pub const CHANNELS: usize = 12;
/// Their cycles.
pub const CYCLES: usize = 36;

/// Connections at a time.
pub const FLOWS: usize = room(64, 4);
/// Units and segments that wait for their other half.
pub const STREAM_BLOCKS: usize = room(16, 4);
/// Bytes to compare repeated segments with.
pub const RECENT: usize = room(4096, 1024);
/// Requests without a response at a time.
pub const PENDINGS: usize = room(64, 16);
/// Those of them that are longer than 40 bytes.
pub const REQUEST_BLOCKS: usize = room(8, 2);
/// DNP3 fragments of several segments at a time.
pub const ASSEMBLIES: usize = room(3, 1);
/// The longest of them: what most devices send at most.
pub const FRAGMENT: usize = 2048;
/// DNP3 senders and receivers that something is remembered of.
pub const ASSOCIATIONS: usize = room(32, 4);
/// DNP3 SELECTs that wait for their OPERATE.
pub const SELECTIONS: usize = room(8, 2);
/// The longest of them that is kept, and its response.
pub const SELECTION: usize = 256;
/// Devices of which it is remembered how they answer and what they are.
pub const STATIONS: usize = room(32, 4);
/// What rules wait for.
pub const ABSENCES: usize = room(32, 4);
/// Open files of DNP3 outstations.
pub const FILES: usize = room(4, 1);
/// What rules that fire only the first time saw before.
pub const SEEN: usize = room(128, 8);
/// Polls of which it is remembered what rules say.
pub const ROUTINES: usize = room(64, 4);
/// What rules count and wait for.
pub const WINDOWS: usize = room(32, 4);
/// What permits that limit pace and change remember of commands.
pub const PAST: usize = room(32, 4);
/// Rules that fired on requests that wait.
pub const FIRINGS: usize = room(24, 8);
/// Alerts that may repeat themselves, and as many incidents and causes.
pub const FOLDS: usize = room(16, 4);
/// IP addresses in use, and as many MAC addresses.
pub const NEIGHBOURS: usize = room(48, 4);
/// IP datagrams under reassembly.
pub const DATAGRAMS: usize = room(2, 1);
/// The longest of them.
pub const DATAGRAM: usize = 2048;
