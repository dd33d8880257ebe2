//! An interface that libpcap reads.

use std::os::fd::{AsFd, BorrowedFd};

use pcap::{Active, Capture, Precision};
use tagout_core::{Frame, LinkType, Timestamp};

use super::drops::Drops;
use super::{BLOCK_TIMEOUT_MS, Source, failure};
use crate::Failure;
use crate::config;
use crate::record::Losses;

/// An open handle of libpcap.
pub(super) struct Libpcap {
    capture: Capture<Active>,
    link: LinkType,
    name: String,
    interface_drops: Drops,
    losses: Losses,
}

impl Libpcap {
    /// Opens an interface.
    ///
    /// # Errors
    /// When libpcap does not, or the filter is wrong.
    pub(super) fn open(name: &str, options: &config::Capture) -> Result<Self, Failure> {
        let open = || -> Result<Capture<Active>, pcap::Error> {
            Capture::from_device(name)?
                .promisc(options.promiscuous)
                .snaplen(options.snaplen.try_into().unwrap_or(i32::MAX))
                .buffer_size(options.buffer_mib.saturating_mul(1 << 20).try_into().unwrap_or(i32::MAX))
                .immediate_mode(options.immediate)
                .timeout(BLOCK_TIMEOUT_MS)
                .precision(Precision::Nano)
                .open()?
                .setnonblock()
        };
        let mut capture = open().map_err(|error| failure(name, &error))?;
        if let Some(filter) = &options.bpf {
            capture
                .filter(filter, true)
                .map_err(|error| Failure::Usage(format!("the filter `{filter}` is wrong: {error}")))?;
        }
        let link = LinkType::from_registry(capture.get_datalink().0.cast_unsigned());
        // libpcap counts from here on by itself.
        let interface_drops = Drops::since(Some(0));
        Ok(Self { capture, link, name: name.to_owned(), interface_drops, losses: Losses::default() })
    }
}

impl AsFd for Libpcap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.capture.as_fd()
    }
}

impl Source for Libpcap {
    fn next(&mut self, number: u64) -> Result<Option<Frame<'_>>, Failure> {
        match self.capture.next_packet() {
            Ok(packet) => Ok(Some(Frame {
                number,
                time: timestamp(packet.header.ts.tv_sec, packet.header.ts.tv_usec),
                link: self.link,
                bytes: packet.data,
                wire_len: packet.header.len,
            })),
            Err(pcap::Error::TimeoutExpired) => Ok(None),
            Err(error) => Err(failure(&self.name, &error)),
        }
    }

    fn losses(&mut self) -> Losses {
        // Where libpcap cannot tell, what it told before holds.
        if let Ok(statistics) = self.capture.stats() {
            self.losses.kernel_drops = statistics.dropped.into();
            self.losses.interface_drops = self.interface_drops.note(Some(statistics.if_dropped.into()));
        }
        self.losses
    }
}

/// A time in seconds and, as asked for, nanoseconds.
fn timestamp(seconds: i64, nanos: i64) -> Timestamp {
    let nanos = seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
    Timestamp(nanos.try_into().unwrap_or(0))
}
