//! An interface that is read without libpcap, through a packet socket.

mod block;
mod ring;
#[cfg(test)]
mod tests;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::{fs, io};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice, socket_with, sockopt};
use tagout_core::{Frame, LinkType};

use self::block::{Packet, Place};
use self::ring::Ring;
use super::drops::Drops;
use super::{BLOCK_TIMEOUT_MS, Source, failure};
use crate::Failure;
use crate::capture::interfaces;
use crate::config;
use crate::record::Losses;

/// Where a VLAN tag stands in an Ethernet frame.
const TAG_IN_ETHERNET: usize = 12;
/// Kind of interface that has no header at all, which `libc` does not name (`linux/if_arp.h`).
const ARPHRD_RAWIP: u16 = 519;

/// A packet socket, read block by block.
pub(super) struct PacketSocket {
    name: String,
    /// Whether it takes packets from every interface, and those without their link-layer header.
    is_cooked: bool,
    snaplen: usize,
    ring: Ring,
    /// Behind the packet that was read last, while a block is being read.
    place: Option<Place>,
    /// A frame that is put together.
    frame: Vec<u8>,
    kernel_drops: u64,
    interface_drops: Drops,
}

impl PacketSocket {
    /// Opens an interface.
    ///
    /// # Errors
    /// When the system does not, or an option needs libpcap.
    pub(super) fn open(name: &str, options: &config::Capture) -> Result<Self, Failure> {
        let mut socket = Self::unattached(name, options)?;
        socket.start(options).map_err(|error| failure(name, &error))?;
        Ok(socket)
    }

    /// A socket for an interface that is not there: it takes nothing before it is attached to one.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub(super) fn unattached(name: &str, options: &config::Capture) -> Result<Self, Failure> {
        refuse_what_needs_libpcap(options)?;
        let is_cooked = name == interfaces::ANY;
        Ok(Self {
            name: name.to_owned(),
            is_cooked,
            snaplen: options.snaplen as usize,
            ring: ring(is_cooked, options).map_err(|error| failure(name, &error))?,
            place: None,
            frame: Vec::new(),
            kernel_drops: 0,
            interface_drops: Drops::since(dropped(name)),
        })
    }

    fn start(&mut self, options: &config::Capture) -> io::Result<()> {
        let index = if self.is_cooked { 0 } else { netdevice::name_to_index(&self.ring, &self.name)? };
        attach(&self.ring, index, options.promiscuous && !self.is_cooked)?;
        Ok(sockopt::socket_error(&self.ring)??)
    }

    /// The place of the next packet that is wanted; blocks without any go back to the kernel.
    fn advance(&mut self) -> Option<Place> {
        loop {
            let block = self.ring.block()?;
            let place = self.place.or_else(|| Place::first(block));
            match place.and_then(|place| Some((place, place.packet(block)?))) {
                Some((place, packet)) => {
                    self.place = place.next(block);
                    if !is_seen_twice(&packet) {
                        return Some(place);
                    }
                }
                None => {
                    self.place = None;
                    self.ring.release();
                }
            }
        }
    }

    /// Fails when the interface is no more. One that is only down may come up again.
    fn check(&self) -> Result<(), Failure> {
        let is_down = sockopt::socket_error(&self.ring) == Ok(Err(Errno::NETDOWN));
        if is_down && !self.is_cooked && netdevice::name_to_index(&self.ring, &self.name).is_err() {
            return Err(failure(&self.name, &"the interface disappeared"));
        }
        Ok(())
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }
}

impl Source for PacketSocket {
    fn next(&mut self, number: u64) -> Result<Option<Frame<'_>>, Failure> {
        let Some(place) = self.advance() else { return self.check().map(|()| None) };
        let Some(packet) = self.ring.block().and_then(|block| place.packet(block)) else { return Ok(None) };
        let (bytes, link) = if self.is_cooked {
            (cooked(&packet, &mut self.frame), LinkType::LinuxCooked)
        } else {
            (tagged(&packet, &mut self.frame), link(packet.address.hardware))
        };
        let added = bytes.len() - packet.bytes.len();
        Ok(Some(Frame {
            number,
            time: packet.time,
            link,
            bytes: &bytes[..bytes.len().min(self.snaplen)],
            wire_len: packet.wire_len.saturating_add(added as u32),
        }))
    }

    fn losses(&mut self) -> Losses {
        self.kernel_drops += u64::from(self.ring.drops().unwrap_or(0));
        let interface_drops = self.interface_drops.note(dropped(&self.name));
        Losses { kernel_drops: self.kernel_drops, interface_drops, ..Losses::default() }
    }
}

fn ring(is_cooked: bool, options: &config::Capture) -> io::Result<Ring> {
    // Without a protocol it takes nothing before it is bound.
    let kind = if is_cooked { SocketType::DGRAM } else { SocketType::RAW };
    let socket: OwnedFd = socket_with(AddressFamily::PACKET, kind, SocketFlags::CLOEXEC, None)?;
    let bytes = (options.buffer_mib as usize).saturating_mul(1 << 20);
    Ring::new(socket, bytes, BLOCK_TIMEOUT_MS.cast_unsigned())
}

/// Has a packet socket take the packets of another interface, or of one that came again. Takes no privilege.
pub(super) fn attach(socket: &impl AsFd, interface: u32, is_promiscuous: bool) -> io::Result<()> {
    let interface = interface.cast_signed();
    ring::bind(socket, interface)?;
    if is_promiscuous { ring::make_promiscuous(socket, interface) } else { Ok(()) }
}

/// Has a packet socket take only packets that a filter lets through.
pub(super) fn set_filter(socket: &impl AsFd, program: &[libc::sock_filter]) -> io::Result<()> {
    ring::set_filter(socket, program)
}

/// Bytes before the IP header of what an interface's packet socket gets; `None` for kinds of interface that are not known.
pub(super) fn header_len(name: &str, hardware: u16) -> Option<u32> {
    match link(hardware) {
        _ if name == interfaces::ANY => Some(0),
        LinkType::Ethernet => Some(14),
        LinkType::RawIp => Some(0),
        _ => None,
    }
}

fn refuse_what_needs_libpcap(options: &config::Capture) -> Result<(), Failure> {
    let refused = |option: &str| Err(Failure::Usage(format!("{option} needs libpcap, and this captures without it")));
    match options {
        config::Capture { bpf: Some(filter), .. } => refused(&format!("the filter `{filter}`")),
        config::Capture { immediate: true, .. } => refused("capture.immediate"),
        _ => Ok(()),
    }
}

/// Whether it goes out over the loopback, over which it comes in again.
fn is_seen_twice(packet: &Packet<'_>) -> bool {
    packet.address.hardware == libc::ARPHRD_LOOPBACK && packet.address.direction == libc::PACKET_OUTGOING
}

/// What an interface's frames begin with.
fn link(hardware: u16) -> LinkType {
    match hardware {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => LinkType::Ethernet,
        libc::ARPHRD_NONE | ARPHRD_RAWIP | libc::ARPHRD_TUNNEL => LinkType::RawIp,
        other => LinkType::Unknown(other.into()),
    }
}

/// The frame with the VLAN tag that the kernel took off.
fn tagged<'a>(packet: &Packet<'a>, frame: &'a mut Vec<u8>) -> &'a [u8] {
    let (Some(tag), Some((head, rest))) = (packet.tag, packet.bytes.split_at_checked(TAG_IN_ETHERNET)) else {
        return packet.bytes;
    };
    put_together(frame, &[head, &tag, rest])
}

/// The packet behind the header of Linux's cooked captures (LINKTYPE_LINUX_SLL), with the VLAN tag that the kernel took off.
fn cooked<'a>(packet: &Packet<'_>, frame: &'a mut Vec<u8>) -> &'a [u8] {
    let address = &packet.address;
    let [direction, len] = [address.direction, address.len].map(|field| u16::from(field).to_be_bytes());
    let hardware = address.hardware.to_be_bytes();
    let tag = packet.tag.as_ref().map_or(&[][..], |tag| tag);
    put_together(frame, &[&direction, &hardware, &len, address.sender, tag, &address.protocol, packet.bytes])
}

fn put_together<'a>(frame: &'a mut Vec<u8>, parts: &[&[u8]]) -> &'a [u8] {
    frame.clear();
    parts.iter().for_each(|part| frame.extend_from_slice(part));
    frame
}

/// What an interface has dropped since it exists; `None` where that is not told, as of one that is not there.
fn dropped(name: &str) -> Option<u64> {
    let count = |counter| {
        let text = fs::read_to_string(format!("/sys/class/net/{name}/statistics/{counter}")).ok()?;
        text.trim().parse::<u64>().ok()
    };
    Some(count("rx_missed_errors")? + count("rx_fifo_errors")?)
}
