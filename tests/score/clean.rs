use std::collections::HashSet;
use std::net::IpAddr;
use std::path::Path;

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use pcap::{Capture, Linktype, Offline, Precision};

use crate::Result;
use crate::labels::Labels;

/// Both ends of a conversation, the lesser first, and the protocol that carries it.
type Conversation = ([(IpAddr, u16); 2], u8);

/// The frames of a capture that may be learned from: those not labelled, in conversations in which nobody attacks.
#[derive(Clone, Debug)]
pub(crate) struct Clean(HashSet<u64>);

impl Clean {
    /// Finds the clean frames of a capture.
    ///
    /// # Errors
    /// If the capture cannot be read.
    pub(crate) fn of(capture: &Path, labels: &Labels) -> Result<Self> {
        let mut malicious = HashSet::new();
        each_frame(capture, |frame, conversation| {
            if labels.is_attack(frame) {
                malicious.extend(conversation);
            }
        })?;
        let mut clean = HashSet::new();
        each_frame(capture, |frame, conversation| {
            if !labels.contains(frame) && conversation.is_none_or(|one| !malicious.contains(&one)) {
                clean.insert(frame);
            }
        })?;
        Ok(Self(clean))
    }

    /// Whether a frame is clean.
    pub(crate) fn contains(&self, frame: u64) -> bool {
        self.0.contains(&frame)
    }

    /// Writes the clean frames up to frame `last` into a capture of their own.
    ///
    /// # Errors
    /// If the capture cannot be read, or the other one written.
    pub(crate) fn cut(&self, capture: &Path, last: u64, into: &Path) -> Result<()> {
        let mut source = open(capture)?;
        let mut target = source.savefile(into)?;
        let mut number = 0;
        while let Some(packet) = next(&mut source)? {
            number += 1;
            if number <= last && self.contains(number) {
                target.write(&packet);
            }
        }
        Ok(target.flush()?)
    }
}

fn open(capture: &Path) -> Result<Capture<Offline>> {
    Capture::from_file_with_precision(capture, Precision::Nano)
        .map_err(|error| format!("{}: {error}", capture.display()).into())
}

fn next(capture: &mut Capture<Offline>) -> Result<Option<pcap::Packet<'_>>> {
    match capture.next_packet() {
        Ok(packet) => Ok(Some(packet)),
        Err(pcap::Error::NoMorePackets) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Calls `seen` with the number of every frame, from 1, and its conversation.
fn each_frame(capture: &Path, mut seen: impl FnMut(u64, Option<Conversation>)) -> Result<()> {
    let mut capture = open(capture)?;
    let link = capture.get_datalink();
    let mut number = 0;
    while let Some(packet) = next(&mut capture)? {
        number += 1;
        seen(number, conversation(link, packet.data));
    }
    Ok(())
}

/// The conversation of a TCP segment or UDP datagram; `None` for anything else.
fn conversation(link: Linktype, frame: &[u8]) -> Option<Conversation> {
    let sliced = match link {
        Linktype::ETHERNET => SlicedPacket::from_ethernet(frame),
        Linktype::NULL | Linktype::LOOP => SlicedPacket::from_ip(frame.get(4..)?),
        Linktype::LINUX_SLL => SlicedPacket::from_linux_sll(frame),
        _ => SlicedPacket::from_ip(frame),
    };
    let packet = sliced.ok()?;
    let (from, to): (IpAddr, IpAddr) = match packet.net? {
        NetSlice::Ipv4(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        NetSlice::Ipv6(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        NetSlice::Arp(_) => return None,
    };
    let (source, destination, protocol) = match packet.transport? {
        TransportSlice::Tcp(tcp) => (tcp.source_port(), tcp.destination_port(), 6),
        TransportSlice::Udp(udp) => (udp.source_port(), udp.destination_port(), 17),
        _ => return None,
    };
    let mut ends = [(from, source), (to, destination)];
    ends.sort_unstable();
    Some((ends, protocol))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tagout_tests::generate::{Capture, Message, Network, Session, Side, Transport};
    use tagout_tests::plant::{AGENT, DEVICE, Lan, PANEL};

    use super::*;

    fn session(host: u8, messages: usize) -> Session {
        let mut session =
            Session::new(Lan::Ipv4.endpoint(host, 40_000), Lan::Ipv4.endpoint(DEVICE, 502), Transport::Udp);
        let message = |turn| Message { turn, from: Side::Client, at_us: 1000 * turn as u64, bytes: vec![turn as u8] };
        session.play(&(0..messages).map(message).collect::<Vec<_>>(), [0, 0]);
        session
    }

    #[test]
    fn a_conversation_with_a_labelled_frame_is_not_clean() -> Result<()> {
        let stage = tempfile::tempdir()?;
        let (whole, part) = (stage.path().join("whole.pcap"), stage.path().join("part.pcap"));
        let capture = Capture::of(&[session(AGENT, 3), session(PANEL, 3)], &Network::default());
        fs::write(&whole, capture.pcap())?;
        let clean = Clean::of(&whole, &Labels::of([3]))?;
        let frames: Vec<u64> = (1..=6).filter(|frame| clean.contains(*frame)).collect();
        assert_eq!(frames, [2, 4, 6]);
        for (last, expected) in [(u64::MAX, 3), (4, 2)] {
            clean.cut(&whole, last, &part)?;
            let mut cut = 0;
            each_frame(&part, |_, _| cut += 1)?;
            assert_eq!(cut, expected, "up to frame {last}");
        }
        Ok(())
    }
}
