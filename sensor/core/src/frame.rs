use tagout_engine::Timestamp;

/// What a frame's first byte belongs to. Values are those of the libpcap link-type registry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkType {
    /// BSD loopback: address family in the capturing host's byte order (0), or in network order (108).
    Loopback,
    /// Ethernet II and 802.3 (1).
    Ethernet,
    /// Bare IPv4 or IPv6 (12, 14, 101, 228, 229).
    RawIp,
    /// Linux cooked capture, first form (113).
    LinuxCooked,
    /// Linux cooked capture, second form (276).
    LinuxCooked2,
    /// A link type that tagout does not decode.
    Unknown(u32),
}

impl LinkType {
    /// A number of it in the libpcap registry: the one that has no more to it than what is known here.
    pub const fn registered(self) -> u32 {
        match self {
            Self::Loopback => 0,
            Self::Ethernet => 1,
            Self::RawIp => 101,
            Self::LinuxCooked => 113,
            Self::LinuxCooked2 => 276,
            Self::Unknown(number) => number,
        }
    }

    /// The link type that the libpcap registry gives this number.
    pub const fn from_registry(number: u32) -> Self {
        match number {
            0 | 108 => Self::Loopback,
            1 => Self::Ethernet,
            12 | 14 | 101 | 228 | 229 => Self::RawIp,
            113 => Self::LinuxCooked,
            276 => Self::LinuxCooked2,
            other => Self::Unknown(other),
        }
    }
}

/// Bytes captured from a wire.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// 1-based number of the frame in its capture.
    pub number: u64,
    /// When it was captured. Time that runs backwards is taken as standing still.
    pub time: Timestamp,
    /// What the first byte belongs to.
    pub link: LinkType,
    /// The captured bytes, possibly fewer than were on the wire.
    pub bytes: &'a [u8],
    /// How many bytes were on the wire.
    pub wire_len: u32,
}
