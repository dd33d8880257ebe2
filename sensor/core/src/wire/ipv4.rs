use core::net::{IpAddr, Ipv4Addr};

use crate::wire::cursor::Cursor;
use crate::wire::link::Link;
use crate::wire::{Datagram, FragmentPart, Skip, ipv6};

/// Length of the header without options.
const HEADER_LEN: usize = 20;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1fff;

/// RFC 791, section 3.1. Options are passed over. A total length of 0 stands for all bytes on the wire: captures of
/// segments that the network card splits hold it.
#[inline]
pub(super) fn decode(link: Link, mut cursor: Cursor<'_>) -> Result<Datagram<'_>, Skip> {
    let &[version_ihl, _, len0, len1, id0, id1, part0, part1, ttl, protocol, _, _] = cursor.take()?;
    let src: [u8; 4] = *cursor.take()?;
    let dst: [u8; 4] = *cursor.take()?;
    let options_len = options_len(version_ihl)?;
    bound(&mut cursor, u16::from_be_bytes([len0, len1]))?;
    cursor.skip(options_len)?;
    let fragment = fragment(u16::from_be_bytes([id0, id1]), u16::from_be_bytes([part0, part1]));
    let protocol = if fragment.is_none() { upper_layer(protocol, &mut cursor)? } else { protocol };
    Ok(Datagram {
        src_mac: link.src_mac,
        dst_mac: link.dst_mac,
        vlan: link.vlan,
        src: IpAddr::V4(Ipv4Addr::from(src)),
        dst: IpAddr::V4(Ipv4Addr::from(dst)),
        ttl,
        protocol,
        payload: cursor.rest(),
        missing: cursor.missing(),
        fragment,
    })
}

/// What `protocol` carries, behind an authentication header.
#[inline]
pub(super) fn upper_layer(protocol: u8, cursor: &mut Cursor<'_>) -> Result<u8, Skip> {
    if protocol == ipv6::AUTHENTICATION { ipv6::authentication(cursor) } else { Ok(protocol) }
}

fn options_len(version_ihl: u8) -> Result<usize, Skip> {
    if version_ihl >> 4 != 4 {
        return Err(Skip::Malformed);
    }
    let header_len = usize::from(version_ihl & 0x0f).saturating_mul(4);
    header_len.checked_sub(HEADER_LEN).ok_or(Skip::Malformed)
}

/// Ends the cursor, which stands behind the fixed header, where the datagram ends.
fn bound(cursor: &mut Cursor<'_>, total_len: u16) -> Result<(), Skip> {
    if total_len == 0 {
        return Ok(());
    }
    cursor.limit(usize::from(total_len).checked_sub(HEADER_LEN).ok_or(Skip::Malformed)?)
}

fn fragment(id: u16, part: u16) -> Option<FragmentPart> {
    let offset = u32::from(part & OFFSET_MASK).saturating_mul(8);
    let more = part & MORE_FRAGMENTS != 0;
    (more || offset > 0).then_some(FragmentPart { id: u32::from(id), offset, more })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;
    use crate::LinkType;

    /// A datagram of protocol UDP with 4 bytes of payload.
    fn datagram(version_ihl: u8, total_len: u8, part: [u8; 2], rest: &[u8]) -> Vec<u8> {
        let [part0, part1] = part;
        let header = [version_ihl, 0, 0, total_len, 0x12, 0x34, part0, part1, 63, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        [&header[..], rest].concat()
    }

    fn decoded(bytes: &[u8], wire_len: u32) -> Result<Datagram<'_>, Skip> {
        crate::wire::decode(LinkType::RawIp, bytes, wire_len)
    }

    #[test]
    fn plain() {
        let bytes = datagram(0x45, 24, [0x40, 0], b"abcd");
        let datagram = decoded(&bytes, 24).unwrap();
        assert_eq!((datagram.src, datagram.dst), ([10, 0, 0, 1].into(), [10, 0, 0, 2].into()));
        assert_eq!((datagram.ttl, datagram.protocol, datagram.payload), (63, 17, &b"abcd"[..]));
        assert_eq!((datagram.missing, datagram.fragment), (0, None));
    }

    #[test]
    fn options_are_passed_over() {
        let bytes = datagram(0x46, 28, [0, 0], b"\x01\x01\x01\x00abcd");
        assert_eq!(decoded(&bytes, 28).unwrap().payload, b"abcd");
        assert_eq!(decoded(&datagram(0x46, 22, [0, 0], b"\x01\x01\x01\x00abcd"), 28), Err(Skip::Malformed));
    }

    #[test]
    fn total_length_ends_the_payload() {
        assert_eq!(decoded(&datagram(0x45, 22, [0, 0], b"abcd"), 24).unwrap().payload, b"ab");
        assert_eq!(decoded(&datagram(0x45, 25, [0, 0], b"abcd"), 24), Err(Skip::Malformed));
        assert_eq!(decoded(&datagram(0x45, 19, [0, 0], b"abcd"), 24), Err(Skip::Malformed));
    }

    #[test]
    fn total_length_of_zero_takes_what_was_on_the_wire() {
        let bytes = datagram(0x45, 0, [0, 0], b"abcd");
        let datagram = decoded(&bytes, 30).unwrap();
        assert_eq!((datagram.payload, datagram.missing), (&b"abcd"[..], 6));
    }

    #[test]
    fn snap_length_leaves_bytes_missing() {
        let bytes = datagram(0x45, 30, [0, 0], b"abcd");
        let datagram = decoded(&bytes, 60).unwrap();
        assert_eq!((datagram.payload, datagram.missing), (&b"abcd"[..], 6));
    }

    #[test]
    fn fragments() {
        let part = |part| decoded(&datagram(0x45, 24, part, b"abcd"), 24).unwrap().fragment;
        assert_eq!(part([0x20, 0]), Some(FragmentPart { id: 0x1234, offset: 0, more: true }));
        assert_eq!(part([0x3f, 0xff]), Some(FragmentPart { id: 0x1234, offset: 65528, more: true }));
        assert_eq!(part([0x00, 0x02]), Some(FragmentPart { id: 0x1234, offset: 16, more: false }));
        assert_eq!(part([0xc0, 0x00]), None);
    }

    #[test]
    fn authentication_header_is_passed_over() {
        let mut bytes = datagram(0x45, 36, [0, 0], &[6, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, b'a', b'b', b'c', b'd']);
        *bytes.get_mut(9).unwrap() = 51;
        let datagram = decoded(&bytes, 36).unwrap();
        assert_eq!((datagram.protocol, datagram.payload), (6, &b"abcd"[..]));
        *bytes.get_mut(21).unwrap() = 0;
        assert_eq!(decoded(&bytes, 36), Err(Skip::Malformed));
    }

    #[test]
    fn version_and_header_length_must_hold() {
        let ethernet = |version_ihl| {
            let bytes = [&[0; 12], &[0x08, 0x00][..], &datagram(version_ihl, 24, [0, 0], b"abcd")].concat();
            crate::wire::decode(LinkType::Ethernet, &bytes, 0).map(|_| ())
        };
        assert_eq!([ethernet(0x45), ethernet(0x44), ethernet(0x65), ethernet(0x4f)], {
            [Ok(()), Err(Skip::Malformed), Err(Skip::Malformed), Err(Skip::Malformed)]
        });
    }
}
