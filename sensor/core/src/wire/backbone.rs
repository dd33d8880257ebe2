//! What networks that carry those of others put before a packet or frame: labels of MPLS, sessions of PPPoE.

use super::cursor::Cursor;
use super::link::{ETHERTYPE_FRAME, ETHERTYPE_IPV4, ETHERTYPE_IPV6};
use crate::wire::Skip;

/// RFC 3032, section 5, and RFC 5332, section 3.
pub(super) const ETHERTYPES_MPLS: [u16; 2] = [0x8847, 0x8848];
/// RFC 2516, section 4: of the session, not of its discovery.
pub(super) const ETHERTYPE_PPPOE: u16 = 0x8864;

/// The most labels before a packet.
const MAX_LABELS: usize = 16;
/// Protocols of PPP.
const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;

/// Passes labels up to the one that says it is the last, and tells the type of what follows (RFC 3032, section 2.1).
pub(super) fn labels(cursor: &mut Cursor<'_>) -> Result<u16, Skip> {
    for _ in 0..MAX_LABELS {
        let &[_, _, last, _] = cursor.take()?;
        if last & 1 != 0 {
            return labelled(cursor);
        }
    }
    Err(Skip::Malformed)
}

/// No label says what follows it: a packet begins with the number of its IP version; an Ethernet frame with a control word of zeros,
/// so that it is not taken for one (RFC 4448, section 4.6), or, where that is left out, with an address.
fn labelled(cursor: &mut Cursor<'_>) -> Result<u16, Skip> {
    let &[first, second] = { *cursor }.take()?;
    match (first, second) {
        (0x40..=0x4f, _) => Ok(ETHERTYPE_IPV4),
        (0x60..=0x6f, _) => Ok(ETHERTYPE_IPV6),
        // What keeps up the connection (RFC 4385, section 5).
        (0x10, 0) => Err(Skip::NotIp),
        (0, 0) => cursor.skip(4).map(|()| ETHERTYPE_FRAME),
        _ => Ok(ETHERTYPE_FRAME),
    }
}

/// Passes the header of a session and of PPP, and tells the type of what follows (RFC 2516, section 4).
pub(super) fn session(cursor: &mut Cursor<'_>) -> Result<u16, Skip> {
    let &[version, code, _, _, _, _, protocol0, protocol1] = cursor.take()?;
    match (version, code, u16::from_be_bytes([protocol0, protocol1])) {
        (0x11, 0, PPP_IPV4) => Ok(ETHERTYPE_IPV4),
        (0x11, 0, PPP_IPV6) => Ok(ETHERTYPE_IPV6),
        _ => Err(Skip::NotIp),
    }
}
