//! The gateway's own place on the network: addresses, and what leaves and arrives through its own sockets.

mod device;
mod outlet;
mod service;

use core::net::{Ipv4Addr, SocketAddrV4};

use heapless::Vec;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::{dhcpv4, tcp, udp};
use smoltcp::time::Instant;
use smoltcp::wire::{self, EthernetAddress, HardwareAddress, IpCidr, IpEndpoint, Ipv4Cidr};

use crate::board::Port;
use crate::settings::Address;
use device::Device;
use device::TRANSMIT_LEN;
pub(crate) use outlet::Progress;
pub(crate) use service::Call;

/// Where syslog over UDP and questions for the time leave from.
const SYSLOG_FROM: u16 = 514;
const NTP_FROM: u16 = 49_123;
/// Octets for a collector that it has not acknowledged yet: a few messages.
const STREAM_LEN: usize = 4_096;
/// One datagram of syslog.
const DATAGRAM_LEN: usize = 1_100;
const SOCKETS: usize = 5;
/// What a manager sends, and what it is answered, on the way.
const SERVICE_LEN: usize = 1_280;
/// Frames that leave after one another before the tap has its turn again.
const BURST: usize = 4;

/// The memory of sockets. In a static it takes no flash: places for sockets are made where they lie.
#[derive(Debug)]
pub(crate) struct ManagementMemory {
    sockets: Vec<SocketStorage<'static>, SOCKETS>,
    stream: ([u8; 64], [u8; STREAM_LEN]),
    service: [[u8; SERVICE_LEN]; 2],
    datagrams: (Vec<udp::PacketMetadata, 1>, [u8; DATAGRAM_LEN]),
    questions: [Vec<udp::PacketMetadata, 1>; 2],
    question_bytes: [[u8; 64]; 2],
    frame: [u8; TRANSMIT_LEN],
}

impl ManagementMemory {
    /// Empty sockets.
    pub(crate) const fn new() -> Self {
        Self {
            sockets: Vec::new(),
            stream: ([0; 64], [0; STREAM_LEN]),
            service: [[0; SERVICE_LEN]; 2],
            datagrams: (Vec::new(), [0; DATAGRAM_LEN]),
            questions: [Vec::new(), Vec::new()],
            question_bytes: [[0; 64]; 2],
            frame: [0; TRANSMIT_LEN],
        }
    }
}

/// The management interface.
pub(crate) struct Management {
    interface: Interface,
    sockets: SocketSet<'static>,
    dhcp: Option<SocketHandle>,
    stream: SocketHandle,
    service: SocketHandle,
    datagrams: SocketHandle,
    questions: SocketHandle,
    frame: &'static mut [u8; TRANSMIT_LEN],
    mac: [u8; 6],
}

impl Management {
    /// An interface with the address of `port`. `seed` is what nobody outside can guess: it starts sequence numbers.
    pub(crate) fn new(
        address: Address,
        seed: u64,
        memory: &'static mut ManagementMemory,
        port: &mut impl Port,
        now: u64,
    ) -> Self {
        let mac = port.mac();
        let mut config = Config::new(HardwareAddress::Ethernet(EthernetAddress(mac)));
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut Device::idle(port, &mut memory.frame), instant(now));
        let mut sockets = SocketSet::new(places(&mut memory.sockets, || SocketStorage::EMPTY));
        let (received, sent) = &mut memory.stream;
        let stream = sockets
            .add(tcp::Socket::new(tcp::SocketBuffer::new(&mut received[..]), tcp::SocketBuffer::new(&mut sent[..])));
        let [heard, answered] = &mut memory.service;
        let service = sockets
            .add(tcp::Socket::new(tcp::SocketBuffer::new(&mut heard[..]), tcp::SocketBuffer::new(&mut answered[..])));
        let (slots, bytes) = &mut memory.datagrams;
        let none = udp::PacketBuffer::new(&mut [][..], &mut [][..]);
        let datagrams =
            sockets.add(udp::Socket::new(none, udp::PacketBuffer::new(places(slots, no_packet), &mut bytes[..])));
        let [received, sent] = &mut memory.questions;
        let [received_bytes, sent_bytes] = &mut memory.question_bytes;
        let questions = sockets.add(udp::Socket::new(
            udp::PacketBuffer::new(places(received, no_packet), &mut received_bytes[..]),
            udp::PacketBuffer::new(places(sent, no_packet), &mut sent_bytes[..]),
        ));
        // Both sockets are new and the ports are not zero.
        let _ = sockets.get_mut::<udp::Socket<'_>>(questions).bind(NTP_FROM);
        let dhcp = match address {
            Address::Dhcp => Some(sockets.add(dhcpv4::Socket::new())),
            Address::Static { network, gateway } => {
                settle(&mut interface, Some(Ipv4Cidr::new(network.ip, network.prefix.min(32))), gateway);
                None
            }
        };
        Self { interface, sockets, dhcp, stream, service, datagrams, questions, frame: &mut memory.frame, mac }
    }

    /// The gateway's address, once it has one.
    pub(crate) fn ip(&self) -> Option<Ipv4Addr> {
        self.interface.ipv4_addr()
    }

    /// Takes a frame from the port if it is for this gateway, or for everyone: a mirror port also brings what others send
    /// each other, which must not be answered.
    #[inline(never)]
    pub(crate) fn receive(&mut self, frame: &[u8], port: &mut impl Port, now: u64) {
        if !concerns(self.mac, frame) {
            return;
        }
        let mut device = Device::holding(frame, port, self.frame);
        self.interface.poll_ingress_single(instant(now), &mut device, &mut self.sockets);
    }

    /// Sends what waits, and follows the DHCP server.
    #[inline(never)]
    pub(crate) fn poll(&mut self, port: &mut impl Port, now: u64) {
        let mut device = Device::idle(port, self.frame);
        self.interface.poll_maintenance(instant(now));
        for _ in 0..BURST {
            self.interface.poll_egress(instant(now), &mut device, &mut self.sockets);
        }
        let Some(dhcp) = self.dhcp else { return };
        match self.sockets.get_mut::<dhcpv4::Socket<'_>>(dhcp).poll() {
            None => {}
            Some(dhcpv4::Event::Deconfigured) => settle(&mut self.interface, None, None),
            Some(dhcpv4::Event::Configured(lease)) => {
                settle(&mut self.interface, Some(lease.address), lease.router);
            }
        }
    }

    /// True if there is an address to send from and a way to `ip`.
    pub(crate) fn reaches(&self, ip: Ipv4Addr) -> bool {
        let near = self.interface.ip_addrs().iter().any(|network| network.contains_addr(&wire::IpAddress::Ipv4(ip)));
        self.ip().is_some() && (near || self.interface.routes().get_default_ipv4_route().is_some())
    }

    /// Sends a question for the time.
    pub(crate) fn ask_time(&mut self, server: SocketAddrV4, question: &[u8]) {
        // Where the question before it still waits for the server's hardware address, this one is not needed.
        let _ = self.sockets.get_mut::<udp::Socket<'_>>(self.questions).send_slice(question, endpoint(server));
    }

    /// Gives what the time server answered to `take`; what others say is passed over.
    pub(crate) fn hear_time<T>(&mut self, server: SocketAddrV4, take: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.questions);
        let (answer, from) = socket.recv().ok()?;
        if from.endpoint == endpoint(server) { take(answer) } else { None }
    }
}

/// All places of `vec`, made where they lie.
fn places<T, const N: usize>(vec: &mut Vec<T, N>, empty: fn() -> T) -> &mut [T] {
    while vec.push(empty()).is_ok() {}
    vec
}

const fn no_packet() -> udp::PacketMetadata {
    udp::PacketMetadata::EMPTY
}

/// A host's address and port as the network stack wants them.
const fn endpoint(host: SocketAddrV4) -> IpEndpoint {
    IpEndpoint { addr: wire::IpAddress::Ipv4(*host.ip()), port: host.port() }
}

/// Gives the interface its address and the way out of its network.
fn settle(interface: &mut Interface, address: Option<Ipv4Cidr>, gateway: Option<Ipv4Addr>) {
    interface.update_ip_addrs(|addresses| {
        addresses.clear();
        // One fits: they were just cleared.
        let _ = address.map(|address| addresses.push(IpCidr::Ipv4(address)));
    });
    interface.routes_mut().remove_default_ipv4_route();
    if let Some(gateway) = gateway {
        // There is room for two.
        let _ = interface.routes_mut().add_default_ipv4_route(gateway);
    }
}

/// True for frames to `mac`, to everyone or to a group, unless `mac` sent them itself and the mirror returns them.
fn concerns(mac: [u8; 6], frame: &[u8]) -> bool {
    let Some((to, rest)) = frame.split_first_chunk::<6>() else { return false };
    let from_us = rest.first_chunk() == Some(&mac);
    !from_us && (*to == mac || to.first().is_some_and(|first| first & 1 == 1))
}

/// The board's time as the network stack wants it.
fn instant(now: u64) -> Instant {
    Instant::from_micros(i64::try_from(now / 1_000).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_frames_to_this_gateway_or_everyone_concern_it() {
        const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
        let frame = |to: [u8; 6], from: [u8; 6]| {
            let mut frame = [0; 14];
            frame.iter_mut().zip(to.into_iter().chain(from)).for_each(|(place, byte)| *place = byte);
            frame
        };
        let other = [2, 0, 0, 0, 0, 2];
        assert!(concerns(MAC, &frame(MAC, other)));
        assert!(concerns(MAC, &frame([0xff; 6], other)));
        assert!(concerns(MAC, &frame([1, 0, 0x5e, 0, 0, 1], other)));
        assert!(!concerns(MAC, &frame(other, [2, 0, 0, 0, 0, 3])));
        assert!(!concerns(MAC, &frame([0xff; 6], MAC)), "its own, returned by the mirror");
        assert!(!concerns(MAC, &[]));
    }
}
