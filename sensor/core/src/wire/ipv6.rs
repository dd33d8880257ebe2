use core::net::{IpAddr, Ipv6Addr};

use crate::wire::cursor::Cursor;
use crate::wire::link::Link;
use crate::wire::{Datagram, FragmentPart, Skip};

/// The most extension headers that a datagram may chain.
const MAX_EXTENSIONS: usize = 16;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
pub(super) const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;

/// What stands behind the extension headers.
#[derive(Clone, Copy, Debug)]
pub(super) struct UpperLayer {
    pub(super) protocol: u8,
    pub(super) fragment: Option<FragmentPart>,
}

/// RFC 8200, section 3.
#[inline]
pub(super) fn decode(link: Link, mut cursor: Cursor<'_>) -> Result<Datagram<'_>, Skip> {
    let &[version, _, _, _, len0, len1, next, ttl] = cursor.take()?;
    let src: [u8; 16] = *cursor.take()?;
    let dst: [u8; 16] = *cursor.take()?;
    if version >> 4 != 6 {
        return Err(Skip::Malformed);
    }
    bound(&mut cursor, u16::from_be_bytes([len0, len1]), next)?;
    let upper = upper_layer(next, &mut cursor)?;
    Ok(Datagram {
        src_mac: link.src_mac,
        dst_mac: link.dst_mac,
        vlan: link.vlan,
        src: IpAddr::V6(Ipv6Addr::from(src)),
        dst: IpAddr::V6(Ipv6Addr::from(dst)),
        ttl,
        protocol: upper.protocol,
        payload: cursor.rest(),
        missing: cursor.missing(),
        fragment: upper.fragment,
    })
}

/// Ends the cursor, which stands behind the fixed header, where the datagram ends.
///
/// A length of 0 stands for all bytes on the wire where the field could not have held them: before the hop-by-hop
/// header of a jumbogram (RFC 2675), and in captures of segments that the network card splits.
fn bound(cursor: &mut Cursor<'_>, payload_len: u16, next: u8) -> Result<(), Skip> {
    let unstated = next == HOP_BY_HOP || cursor.wire_len() > usize::from(u16::MAX);
    if payload_len == 0 && unstated { Ok(()) } else { cursor.limit(usize::from(payload_len)) }
}

/// RFC 8200, section 4: passes over extension headers in any order, up to the upper layer or to a fragment header that
/// splits the datagram. A fragment header that splits nothing is passed over (RFC 6946).
pub(super) fn upper_layer(mut next: u8, cursor: &mut Cursor<'_>) -> Result<UpperLayer, Skip> {
    for _ in 0..=MAX_EXTENSIONS {
        next = match next {
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS => options(cursor)?,
            AUTHENTICATION => authentication(cursor)?,
            FRAGMENT => match fragment(cursor)? {
                (protocol, Some(part)) => return Ok(UpperLayer { protocol, fragment: Some(part) }),
                (after, None) => after,
            },
            protocol => return Ok(UpperLayer { protocol, fragment: None }),
        };
    }
    Err(Skip::Malformed)
}

/// RFC 8200, sections 4.3, 4.4 and 4.6: length in units of 8 bytes, the first not counted.
fn options(cursor: &mut Cursor<'_>) -> Result<u8, Skip> {
    let &[next, units, _, _, _, _, _, _] = cursor.take()?;
    cursor.skip(usize::from(units).saturating_mul(8))?;
    Ok(next)
}

/// RFC 4302, section 2: length in units of 4 bytes, the first two not counted, at least 12 bytes in all.
pub(super) fn authentication(cursor: &mut Cursor<'_>) -> Result<u8, Skip> {
    let &[next, units, _, _, _, _, _, _] = cursor.take()?;
    if units == 0 {
        return Err(Skip::Malformed);
    }
    cursor.skip(usize::from(units).saturating_mul(4))?;
    Ok(next)
}

/// RFC 8200, section 4.5.
fn fragment(cursor: &mut Cursor<'_>) -> Result<(u8, Option<FragmentPart>), Skip> {
    let &[next, _, part0, part1, id0, id1, id2, id3] = cursor.take()?;
    let part = u16::from_be_bytes([part0, part1]);
    let (offset, more) = (u32::from(part & 0xfff8), part & 1 != 0);
    let id = u32::from_be_bytes([id0, id1, id2, id3]);
    Ok((next, (more || offset > 0).then_some(FragmentPart { id, offset, more })))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;
    use crate::LinkType;

    fn datagram(payload_len: u16, next: u8, rest: &[u8]) -> Vec<u8> {
        let [len0, len1] = payload_len.to_be_bytes();
        [&[0x60, 0, 0, 0, len0, len1, next, 255][..], &[0xfe; 16], &[0xfd; 16], rest].concat()
    }

    fn decoded(bytes: &[u8]) -> Result<Datagram<'_>, Skip> {
        crate::wire::decode(LinkType::RawIp, bytes, bytes.len() as u32)
    }

    #[test]
    fn plain_without_padding() {
        let bytes = datagram(4, 17, b"abcd\0\0");
        let datagram = decoded(&bytes).unwrap();
        assert_eq!((datagram.src, datagram.dst), ([0xfe; 16].into(), [0xfd; 16].into()));
        assert_eq!((datagram.ttl, datagram.protocol, datagram.payload), (255, 17, &b"abcd"[..]));
    }

    #[test]
    fn extension_headers_in_any_order() {
        let hop_by_hop_then_routing = [43, 0, 1, 4, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0];
        let options_then_authentication = [51, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 1, 0, 0, 0, 0, 0, 1];
        let rest = [&hop_by_hop_then_routing[..], &options_then_authentication, &[0, 0, 0, 2], b"abcd"].concat();
        let bytes = datagram(rest.len() as u16, 0, &rest);
        let whole = decoded(&bytes).unwrap();
        assert_eq!((whole.protocol, whole.payload), (6, &b"abcd"[..]));
        let cut = bytes.get(..bytes.len() - 6).unwrap();
        assert_eq!(crate::wire::decode(LinkType::RawIp, cut, bytes.len() as u32), Err(Skip::Truncated));
        assert_eq!(decoded(&datagram(12, 0, rest.get(..12).unwrap())), Err(Skip::Malformed));
    }

    #[test]
    fn fragment_keeps_what_stands_behind_its_header() {
        let bytes = datagram(12, 44, &[60, 0, 0x00, 0x09, 0, 1, 2, 3, 6, 0, 0, 0]);
        let datagram = decoded(&bytes).unwrap();
        assert_eq!(datagram.fragment, Some(FragmentPart { id: 0x0001_0203, offset: 8, more: true }));
        assert_eq!((datagram.protocol, datagram.payload), (60, &[6, 0, 0, 0][..]));
    }

    #[test]
    fn fragment_header_that_splits_nothing() {
        let bytes = datagram(12, 44, &[17, 0, 0x00, 0x00, 0, 1, 2, 3, 6, 0, 0, 0]);
        let datagram = decoded(&bytes).unwrap();
        assert_eq!((datagram.protocol, datagram.fragment, datagram.payload), (17, None, &[6, 0, 0, 0][..]));
    }

    #[test]
    fn as_many_extension_headers_as_the_bound() {
        let chain = |count: usize| {
            let mut rest = [60, 0, 0, 0, 0, 0, 0, 0].repeat(count);
            *rest.iter_mut().rev().nth(7).unwrap() = 17;
            decoded(&datagram(rest.len() as u16, 60, &rest)).map(|datagram| datagram.protocol)
        };
        assert_eq!(chain(MAX_EXTENSIONS), Ok(17));
        assert_eq!(chain(MAX_EXTENSIONS + 1), Err(Skip::Malformed));
    }

    #[test]
    fn length_of_zero() {
        assert_eq!(decoded(&datagram(0, 6, &[0; 6])).unwrap().payload, b"", "padding of the link");
        let jumbo = datagram(0, 0, &[6, 0, 0xc2, 4, 0, 1, 0, 0, b'a', b'b']);
        assert_eq!(decoded(&jumbo).unwrap().payload, b"ab");
        let unsplit = datagram(0, 6, &[0; 65536]);
        assert_eq!(decoded(&unsplit).unwrap().payload.len(), 65536);
    }

    #[test]
    fn length_beyond_the_wire() {
        assert_eq!(decoded(&datagram(5, 17, b"abcd")), Err(Skip::Malformed));
    }
}
