//! Link, network and transport headers, and the reassembly of IP fragments.
//!
//! [`decode`] takes a frame apart down to its IP payload; a fragment goes through [`Reassembly`] and comes back as a
//! whole [`Datagram`]; [`Carried`] is the frame or packet in one of a tunnel; [`tcp`] and [`udp`] read the payload. Every function is total: each byte sequence gives a result
//! in time linear in its length.
//!
//! How contradictions are read, and why the parser is our own, is written in `docs/design/wire.md`.

mod backbone;
mod checksum;
mod claim;
mod cursor;
mod datagram;
mod ipv4;
mod ipv6;
mod link;
mod ranges;
mod reassembly;
mod tcp;
mod tunnel;
mod udp;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod reassembly_properties;

pub use checksum::{ChecksumFault, TCP_CHECKSUM_OFFSET, tcp_checksum_fault};
pub use claim::Claim;
pub use datagram::{Datagram, FragmentPart, Skip};
pub use link::decode;
pub use reassembly::{FragmentSlot, REASSEMBLY_TIMEOUT_MS, Reassembled, Reassembly};
pub use tcp::{TcpFlags, TcpSegment, tcp};
pub use tunnel::{Carried, TUNNEL_PORTS};
pub use udp::{UdpDatagram, udp};
