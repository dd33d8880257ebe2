use crate::wire::cursor::Cursor;

/// Length of the header without options.
const HEADER_LEN: usize = 20;

/// A TCP segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TcpSegment<'a> {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number of the first payload byte, or of the SYN.
    pub seq: u32,
    /// Acknowledgement number; means something where the flag `ack` is set.
    pub ack: u32,
    /// The control bits that matter for following a stream.
    pub flags: TcpFlags,
    /// How many bytes of the payload lie up to the last urgent one; means something where the flag `urg` is set.
    pub urgent: u16,
    /// The captured payload.
    pub payload: &'a [u8],
    /// How many bytes of the payload were on the wire behind the captured ones.
    pub missing: u32,
}

/// Control bits of a TCP segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TcpFlags {
    /// Opens the stream.
    pub syn: bool,
    /// Ends the stream.
    pub fin: bool,
    /// Aborts the connection.
    pub rst: bool,
    /// The acknowledgement number is valid.
    pub ack: bool,
    /// The urgent pointer is valid.
    pub urg: bool,
}

impl TcpFlags {
    const fn from_bits(bits: u8) -> Self {
        Self {
            fin: bits & 0x01 != 0,
            syn: bits & 0x02 != 0,
            rst: bits & 0x04 != 0,
            ack: bits & 0x10 != 0,
            urg: bits & 0x20 != 0,
        }
    }
}

/// Reads a TCP segment (RFC 9293, section 3.1) from an IP payload, behind which `missing` more bytes were on the wire.
/// Options are passed over. None if the header is not whole or contradicts itself.
#[inline]
pub fn tcp(payload: &[u8], missing: u32) -> Option<TcpSegment<'_>> {
    let mut cursor = Cursor::new(payload, missing);
    let &[s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, bits, _, _, _, _, u0, u1] = cursor.take().ok()?;
    let header_len = usize::from(offset >> 4).saturating_mul(4);
    cursor.skip(header_len.checked_sub(HEADER_LEN)?).ok()?;
    Some(TcpSegment {
        src_port: u16::from_be_bytes([s0, s1]),
        dst_port: u16::from_be_bytes([d0, d1]),
        seq: u32::from_be_bytes([q0, q1, q2, q3]),
        ack: u32::from_be_bytes([a0, a1, a2, a3]),
        flags: TcpFlags::from_bits(bits),
        urgent: u16::from_be_bytes([u0, u1]),
        payload: cursor.rest(),
        missing,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SEGMENT: [u8; 26] = [
        0xc0, 0x00, 0x01, 0xf6, 0xff, 0xff, 0xff, 0xfe, 0x00, 0x00, 0x00, 0x2a, 0x60, 0x18, 0x20, 0x00, 0x00, 0x00,
        0x00, 0x07, 0x01, 0x01, 0x01, 0x00, b'a', b'b',
    ];

    #[test]
    fn header_with_options() {
        let segment = tcp(&SEGMENT, 3).unwrap();
        assert_eq!((segment.src_port, segment.dst_port), (49152, 502));
        assert_eq!((segment.seq, segment.ack), (0xffff_fffe, 42));
        assert_eq!(segment.flags, TcpFlags { ack: true, ..TcpFlags::default() });
        assert_eq!((segment.payload, segment.missing, segment.urgent), (&b"ab"[..], 3, 7));
    }

    #[test]
    fn control_bits() {
        let flags = |bits| {
            let mut bytes = SEGMENT;
            bytes[13] = bits;
            tcp(&bytes, 0).unwrap().flags
        };
        let none = TcpFlags::default();
        assert_eq!(flags(0x02), TcpFlags { syn: true, ..none });
        assert_eq!(flags(0x11), TcpFlags { fin: true, ack: true, ..none });
        assert_eq!(flags(0x04), TcpFlags { rst: true, ..none });
        assert_eq!(flags(0x20), TcpFlags { urg: true, ..none });
        assert_eq!(flags(0xc8), none);
    }

    #[test]
    fn header_must_be_whole_and_long_enough() {
        for len in 0..24 {
            assert_eq!(tcp(SEGMENT.get(..len).unwrap(), 100), None, "{len}");
        }
        let mut bytes = SEGMENT;
        bytes[12] = 0x40;
        assert_eq!(tcp(&bytes, 0), None);
    }
}
