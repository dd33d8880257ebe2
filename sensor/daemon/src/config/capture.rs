use serde::Deserialize;

use super::text::one_or_many;

/// `[capture]`: where frames come from.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct Capture {
    /// Interfaces, by name or address; frames of all of them make one capture.
    #[serde(deserialize_with = "one_or_many")]
    pub interface: Vec<String>,
    /// Bytes kept of each frame.
    pub snaplen: u32,
    /// What reads them.
    pub source: Source,
    /// Size of the kernel's buffer for each interface.
    pub buffer_mib: u32,
    /// libpcap filter; frames that it rejects are neither seen nor counted.
    pub bpf: Option<String>,
    /// Whether the kernel drops TCP and UDP packets from and to ports that no plant protocol is expected on. They are neither
    /// seen nor counted then. A filter of one's own takes its place.
    pub prefilter: bool,
    /// Whether to take frames that are not addressed to this machine, as on a mirror port.
    pub promiscuous: bool,
    /// Whether to take each frame as it comes rather than within a millisecond. Costs buffer space and time.
    pub immediate: bool,
    /// An interface that is up and gives nothing for so many seconds is told of; 0 tells of none.
    pub silence_s: u32,
    /// A frame of one interface waits so long for an earlier one of another.
    pub merge_ms: u32,
    /// The only processor that the thread that captures runs on, from 0.
    pub cpu: Option<usize>,
}

impl Default for Capture {
    fn default() -> Self {
        Self {
            interface: Vec::new(),
            snaplen: 65_535,
            source: Source::default(),
            buffer_mib: 64,
            bpf: None,
            prefilter: true,
            promiscuous: true,
            immediate: false,
            silence_s: 60,
            merge_ms: 10,
            cpu: None,
        }
    }
}

/// What reads interfaces.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// libpcap, which compiles filters.
    #[cfg(feature = "libpcap")]
    #[default]
    Libpcap,
    /// Packet sockets of Linux, without a library.
    #[cfg_attr(not(feature = "libpcap"), default)]
    AfPacket,
}
