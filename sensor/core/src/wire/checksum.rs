use core::net::IpAddr;

use crate::store::copy;
use crate::wire::Datagram;

/// Where the checksum stands in a TCP header.
pub const TCP_CHECKSUM_OFFSET: usize = 16;

const PROTOCOL_TCP: u64 = 6;

/// A checksum that is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChecksumFault {
    /// The right one.
    pub expected: u16,
    /// The one that is there.
    pub found: u16,
    /// Whether it is the sum of the pseudo header alone, which senders leave to their network card to complete.
    pub incomplete: bool,
}

/// What is wrong with the checksum of a whole TCP segment, if anything is (RFC 9293, section 3.1).
#[inline]
pub fn tcp_checksum_fault(datagram: &Datagram<'_>) -> Option<ChecksumFault> {
    let found = datagram.payload.get(TCP_CHECKSUM_OFFSET..)?.first_chunk().map(|pair| u16::from_be_bytes(*pair))?;
    let length = datagram.payload.len() as u64;
    let pseudo_header = address(datagram.src).wrapping_add(address(datagram.dst)).wrapping_add(length);
    let pseudo_header = pseudo_header.wrapping_add(PROTOCOL_TCP);
    let total = pseudo_header.wrapping_add(sum(datagram.payload));
    if fold(total) == u16::MAX {
        return None;
    }
    // One's complement: adding the complement takes away.
    let others = total.wrapping_add(u64::from(!found));
    Some(ChecksumFault { expected: !fold(others), found, incomplete: found == fold(pseudo_header) })
}

/// The sum of the bytes as big-endian words, not folded: 64 bits hold the words of any datagram.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks();
    let words = words.iter().fold(0_u64, |sum, word| sum.wrapping_add(u64::from(u32::from_be_bytes(*word))));
    let mut last = [0; 4];
    copy(&mut last, rest);
    words.wrapping_add(u64::from(u32::from_be_bytes(last)))
}

fn address(ip: IpAddr) -> u64 {
    match ip {
        IpAddr::V4(ip) => sum(&ip.octets()),
        IpAddr::V6(ip) => sum(&ip.octets()),
    }
}

/// Adds the upper parts of a sum to its lowest 16 bits until nothing is above them.
const fn fold(sum: u64) -> u16 {
    let sum = (sum >> 32).wrapping_add(sum & 0xFFFF_FFFF);
    let sum = (sum >> 32).wrapping_add(sum & 0xFFFF_FFFF);
    let sum = (sum >> 16).wrapping_add(sum & 0xFFFF);
    let sum = (sum >> 16).wrapping_add(sum & 0xFFFF);
    sum as u16
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    use super::*;
    use crate::LinkType;
    use crate::wire::decode;

    fn fault(bytes: &[u8]) -> Option<(u16, u16)> {
        let fault = tcp_checksum_fault(&decode(LinkType::RawIp, bytes, bytes.len() as u32).unwrap());
        fault.map(|fault| (fault.expected, fault.found))
    }

    /// A segment as Linux hands it to a card, captured on the sending host.
    #[test]
    fn the_sum_of_the_pseudo_header_is_told() {
        let mut bytes = Vec::new();
        let builder = PacketBuilder::ipv4([127, 0, 0, 1], [127, 0, 0, 1], 64);
        builder.tcp(40_000, 502, 1, 1024).write(&mut bytes, b"abcd").unwrap();
        // 0x7f00 + 0x0001 + 0x7f00 + 0x0001, the protocol 6, 24 octets
        bytes[36..38].copy_from_slice(&0xFE20_u16.to_be_bytes());
        let fault = tcp_checksum_fault(&decode(LinkType::RawIp, &bytes, bytes.len() as u32).unwrap()).unwrap();
        assert!(fault.incomplete);
        bytes[37] ^= 1;
        let fault = tcp_checksum_fault(&decode(LinkType::RawIp, &bytes, bytes.len() as u32).unwrap()).unwrap();
        assert!(!fault.incomplete);
    }

    proptest! {
        #[test]
        fn agrees_with_another_implementation(payload: Vec<u8>, six: bool, seq: u32, src: [u8; 16], dst: [u8; 16], at: u16) {
            let builder = if six {
                PacketBuilder::ipv6(src, dst, 64)
            } else {
                PacketBuilder::ipv4(*src.first_chunk().unwrap(), *dst.first_chunk().unwrap(), 64)
            };
            let mut bytes = Vec::new();
            builder.tcp(40_000, 502, seq, 1024).write(&mut bytes, &payload).unwrap();
            prop_assert_eq!(fault(&bytes), None);

            let header = if six { 40 } else { 20 };
            let good = u16::from_be_bytes([bytes[header + 16], bytes[header + 17]]);
            bytes[header + 16] ^= (at >> 8) as u8 | 1;
            bytes[header + 17] ^= at as u8;
            let bad = u16::from_be_bytes([bytes[header + 16], bytes[header + 17]]);
            // 0x0000 and 0xFFFF are the same number.
            if good ^ bad != u16::MAX {
                prop_assert_eq!(fault(&bytes), Some((good, bad)));
            }
        }
    }
}
