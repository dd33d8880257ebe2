use core::net::IpAddr;

use tagout_engine::Mac;

/// An IP datagram, or a fragment of one, as a frame carried it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Datagram<'a> {
    /// Source address of the link, where it has one of 48 bits.
    pub src_mac: Option<Mac>,
    /// Destination address of the link, where it has one of 48 bits.
    pub dst_mac: Option<Mac>,
    /// VLAN id of the innermost 802.1Q tag that names one; a tag with id 0 carries only a priority.
    pub vlan: Option<u16>,
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// Protocol of the payload, behind all extension headers. In a fragment: what the bytes behind the fragment header
    /// start with, which may be another extension header.
    pub protocol: u8,
    /// The captured payload, ended by the length in the IP header, so without padding of the link.
    pub payload: &'a [u8],
    /// How many bytes of the payload were on the wire behind the captured ones.
    pub missing: u32,
    /// Present where the payload is a part of a larger one.
    pub fragment: Option<FragmentPart>,
}

/// Which part of a datagram a fragment carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FragmentPart {
    /// Identification; 16 bits in IPv4.
    pub id: u32,
    /// Where the fragment's payload belongs, in bytes; a multiple of 8, at most 65528.
    pub offset: u32,
    /// True for every fragment but the last.
    pub more: bool,
}

/// Why a frame yields no datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Skip {
    /// The frame carries something else than IP.
    NotIp,
    /// Headers contradict each other or the bytes on the wire.
    Malformed,
    /// The link type is not decoded.
    UnknownLink,
    /// The snap length cut the headers.
    Truncated,
}
