//! Signs that a packet does not reach the device, or is dropped by it, though the sensor sees it. Such packets are
//! judged as any other; somebody who sends them wants the sensor to read something else than the device.

use tagout_engine::AnomalyKind;

use super::Side;
use crate::finding::{Finding, Term};
use crate::wire::{ChecksumFault, Datagram, TCP_CHECKSUM_OFFSET, tcp_checksum_fault};

/// Routes change by a few hops; who wants a packet to die on the way takes off more.
const TTL_SLACK: u8 = 8;
/// Captures on the sending machine hold incomplete checksums, which its card completes. One in 65,536 is right by chance;
/// so many are not.
const RIGHT_BY_CHANCE: u8 = 8;
/// Where the TTL stands in an IPv4 header, and the hop limit in an IPv6 header.
const TTL_OFFSET: (usize, usize) = (8, 7);

/// What is usual for the packets of each direction of a flow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usual {
    client: Direction,
    server: Direction,
}

#[derive(Clone, Copy, Debug)]
struct Direction {
    /// The highest so far.
    ttl: u8,
    /// How many right checksums there were, as far as counted.
    right_checksums: u8,
}

impl Usual {
    const UNHEARD: Direction = Direction { ttl: 0, right_checksums: 0 };
    pub(crate) const UNKNOWN: Self = Self { client: Self::UNHEARD, server: Self::UNHEARD };

    /// Takes note of a packet with payload; tells what is unusual about it.
    pub(crate) fn note(&mut self, side: Side, datagram: &Datagram<'_>, is_tcp: bool, mut tell: impl FnMut(Finding)) {
        let usual = match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        };
        usual.note_ttl(datagram).into_iter().for_each(&mut tell);
        if is_tcp && datagram.missing == 0 {
            usual.note_checksum(datagram).into_iter().for_each(tell);
        }
    }
}

impl Direction {
    fn note_ttl(&mut self, datagram: &Datagram<'_>) -> Option<Finding> {
        if datagram.ttl.saturating_add(TTL_SLACK) >= self.ttl {
            self.ttl = self.ttl.max(datagram.ttl);
            return None;
        }
        let offset = if datagram.src.is_ipv4() { TTL_OFFSET.0 } else { TTL_OFFSET.1 };
        let finding = Finding::new(AnomalyKind::IpTtlDropped, datagram.payload.len()).at("TTL", offset);
        Some(finding.because(Term::Number(self.ttl.into()), Term::Number(datagram.ttl.into())))
    }

    fn note_checksum(&mut self, datagram: &Datagram<'_>) -> Option<Finding> {
        let Some(ChecksumFault { expected, found, incomplete }) = tcp_checksum_fault(datagram) else {
            self.right_checksums = self.right_checksums.saturating_add(1);
            return None;
        };
        let finding = Finding::new(AnomalyKind::TcpBadChecksum, datagram.payload.len());
        let finding = finding.at("checksum", TCP_CHECKSUM_OFFSET);
        let needed = if incomplete { RIGHT_BY_CHANCE } else { 1 };
        (self.right_checksums >= needed)
            .then_some(finding.because(Term::Number(expected.into()), Term::Number(found.into())))
    }
}
