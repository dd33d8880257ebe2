use crate::wire::cursor::Cursor;

const HEADER_LEN: usize = 8;

/// A UDP datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UdpDatagram<'a> {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// The captured payload, ended by the length in the header.
    pub payload: &'a [u8],
    /// How many bytes of the payload were on the wire behind the captured ones.
    pub missing: u32,
}

/// Reads a UDP datagram (RFC 768) from an IP payload, behind which `missing` more bytes were on the wire.
///
/// A length of 0 stands for the whole IP payload (RFC 2675, section 4). None if the header is not whole, or if its
/// length is less than the header or more than the IP payload: receivers drop such a datagram.
#[inline]
pub fn udp(payload: &[u8], missing: u32) -> Option<UdpDatagram<'_>> {
    let mut cursor = Cursor::new(payload, missing);
    let &[s0, s1, d0, d1, len0, len1, _, _] = cursor.take().ok()?;
    let len = u16::from_be_bytes([len0, len1]);
    if len != 0 {
        cursor.limit(usize::from(len).checked_sub(HEADER_LEN)?).ok()?;
    }
    Some(UdpDatagram {
        src_port: u16::from_be_bytes([s0, s1]),
        dst_port: u16::from_be_bytes([d0, d1]),
        payload: cursor.rest(),
        missing: cursor.missing(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Port 1234 to port 20000; behind `len` bytes of the datagram the IP payload may go on.
    fn datagram(len: u16) -> [u8; 12] {
        let [len0, len1] = len.to_be_bytes();
        [0x04, 0xd2, 0x4e, 0x20, len0, len1, 0, 0, b'a', b'b', b'c', b'd']
    }

    #[test]
    fn length_ends_the_payload() {
        let bytes = datagram(10);
        let udp = udp(&bytes, 0).unwrap();
        assert_eq!((udp.src_port, udp.dst_port, udp.payload, udp.missing), (1234, 20000, &b"ab"[..], 0));
    }

    #[test]
    fn length_of_zero_takes_the_whole_payload() {
        let bytes = datagram(0);
        let udp = udp(&bytes, 2).unwrap();
        assert_eq!((udp.payload, udp.missing), (&b"abcd"[..], 2));
    }

    #[test]
    fn cut_by_the_snap_length() {
        assert_eq!(udp(&datagram(14), 9).map(|udp| (udp.payload.len(), udp.missing)), Some((4, 2)));
        assert_eq!(udp(&datagram(11), 9).map(|udp| (udp.payload.len(), udp.missing)), Some((3, 0)));
    }

    #[test]
    fn length_must_hold() {
        assert_eq!(udp(&datagram(7), 0), None);
        assert_eq!(udp(&datagram(13), 0), None);
        assert_eq!(udp(datagram(8).get(..7).unwrap(), 50), None);
    }
}
