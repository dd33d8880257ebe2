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
