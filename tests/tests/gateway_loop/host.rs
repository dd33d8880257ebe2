//! A host beside the gateway: takes syslog over UDP and TCP, knows the time, answers pings, connects to the gateway.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::{tcp, udp};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr};
use tagout_firmware::settings::{Collector, Transport};

pub(crate) const SYSLOG_UDP: u16 = 514;
pub(crate) const SYSLOG_TCP: u16 = 601;
const NTP: u16 = 123;

pub(crate) struct Host {
    pub(crate) mac: [u8; 6],
    pub(crate) ip: Ipv4Addr,
    /// A host that is not up takes no frame and sends none.
    pub(crate) is_up: bool,
    /// What the host says of the time when it is asked, in nanoseconds since the Unix epoch at the start of the clock.
    pub(crate) epoch: Option<u64>,
    interface: Interface,
    sockets: SocketSet<'static>,
    syslog: [SocketHandle; 2],
    time: SocketHandle,
    call: SocketHandle,
    wire: Wire,
    stream: Vec<u8>,
    messages: Vec<String>,
}

/// Frames on their way to and from a host.
#[derive(Default)]
struct Wire {
    inward: VecDeque<Vec<u8>>,
    outward: VecDeque<Vec<u8>>,
}

impl Host {
    /// The host as a gateway's settings name it, to send alerts to.
    pub(crate) fn collector(&self, transport: Transport) -> Collector {
        let port = match transport {
            Transport::Udp => SYSLOG_UDP,
            Transport::Tcp => SYSLOG_TCP,
        };
        Collector { at: SocketAddrV4::new(self.ip, port), transport }
    }

    pub(crate) fn new(number: u8) -> Self {
        let (mac, ip) = ([0x02, 0, 0, 0, 0x99, number], Ipv4Addr::new(192, 0, 2, number));
        let mut wire = Wire::default();
        let mut config = Config::new(EthernetAddress(mac).into());
        config.random_seed = u64::from(number);
        let mut interface = Interface::new(config, &mut wire, Instant::ZERO);
        interface.update_ip_addrs(|addresses| addresses.push(IpCidr::new(ip.into(), 24)).expect("one fits"));
        let mut sockets = SocketSet::new(vec![]);
        let datagrams = |port| {
            let buffer = || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 32], vec![0; 65_536]);
            let mut socket = udp::Socket::new(buffer(), buffer());
            socket.bind(port).expect("the port is free");
            socket
        };
        let stream = tcp::Socket::new(tcp::SocketBuffer::new(vec![0; 8_192]), tcp::SocketBuffer::new(vec![0; 512]));
        let syslog = [sockets.add(datagrams(SYSLOG_UDP)), sockets.add(stream)];
        let time = sockets.add(datagrams(NTP));
        let buffer = || tcp::SocketBuffer::new(vec![0; 8_192]);
        let call = sockets.add(tcp::Socket::new(buffer(), buffer()));
        let (stream, messages) = Default::default();
        Self { mac, ip, is_up: true, epoch: None, interface, sockets, syslog, time, call, wire, stream, messages }
    }

    /// Connects to a port of the gateway, from a port that was not used before.
    pub(crate) fn call(&mut self, to: (Ipv4Addr, u16), from: u16) {
        let socket = self.sockets.get_mut::<tcp::Socket<'_>>(self.call);
        socket.abort();
        socket.connect(self.interface.context(), to, from).expect("a socket that is closed can connect");
    }

    /// Says something over that connection.
    pub(crate) fn say(&mut self, octets: &[u8]) {
        let said = self.sockets.get_mut::<tcp::Socket<'_>>(self.call).send_slice(octets);
        assert_eq!(said, Ok(octets.len()), "there is room");
    }

    /// What came over it since the call before.
    pub(crate) fn heard(&mut self) -> Vec<u8> {
        let socket = self.sockets.get_mut::<tcp::Socket<'_>>(self.call);
        socket.recv(|octets| (octets.len(), octets.to_vec())).unwrap_or_default()
    }

    /// Whether it is there, and both may speak.
    pub(crate) fn is_connected(&self) -> bool {
        self.sockets.get::<tcp::Socket<'_>>(self.call).state() == tcp::State::Established
    }

    /// Says that this was all.
    pub(crate) fn close(&mut self) {
        self.sockets.get_mut::<tcp::Socket<'_>>(self.call).close();
    }

    /// Takes a frame from the wire.
    pub(crate) fn take(&mut self, frame: &[u8]) {
        if self.is_up && (frame[..6] == self.mac || frame[0] & 1 == 1) {
            self.wire.inward.push_back(frame.to_vec());
        }
    }

    /// What the host sends.
    pub(crate) fn send(&mut self) -> Vec<Vec<u8>> {
        self.wire.outward.drain(..).filter(|_| self.is_up).collect()
    }

    /// Forgets its connections, as a host does that is switched off.
    pub(crate) fn switch_off(&mut self) {
        self.is_up = false;
        self.sockets.get_mut::<tcp::Socket<'_>>(self.syslog[1]).abort();
        self.wire = Wire::default();
        self.stream.clear();
    }

    /// The syslog messages that came since the call before.
    pub(crate) fn messages(&mut self) -> Vec<String> {
        std::mem::take(&mut self.messages)
    }

    pub(crate) fn poll(&mut self, now: u64) {
        if !self.is_up {
            return;
        }
        self.interface.poll(instant(now), &mut self.wire, &mut self.sockets);
        let datagrams = self.sockets.get_mut::<udp::Socket<'_>>(self.syslog[0]);
        while let Ok((message, _)) = datagrams.recv() {
            self.messages.push(String::from_utf8(message.to_vec()).expect("messages are text"));
        }
        let stream = self.sockets.get_mut::<tcp::Socket<'_>>(self.syslog[1]);
        if !stream.is_open() {
            self.stream.clear();
            stream.listen(SYSLOG_TCP).expect("the port is free");
        }
        if stream.can_recv() {
            let stream_bytes = &mut self.stream;
            stream.recv(|bytes| (bytes.len(), stream_bytes.extend_from_slice(bytes))).expect("there are bytes");
        }
        self.messages.extend(counted_messages(&mut self.stream));
        self.tell_time(now);
        self.interface.poll(instant(now), &mut self.wire, &mut self.sockets);
    }

    fn tell_time(&mut self, now: u64) {
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.time);
        while let Ok((question, from)) = socket.recv() {
            let (Some(epoch), mut answer) = (self.epoch, question.to_vec()) else { continue };
            (answer[0], answer[1]) = (4 << 3 | 4, 3);
            answer.copy_within(40..48, 24);
            let time = epoch + now;
            let seconds = (time / 1_000_000_000 + 2_208_988_800) << 32;
            let ntp = seconds | (((time % 1_000_000_000) << 32) / 1_000_000_000);
            answer[32..40].copy_from_slice(&ntp.to_be_bytes());
            answer[40..48].copy_from_slice(&ntp.to_be_bytes());
            socket.send_slice(&answer, from.endpoint).expect("there is room");
        }
    }
}

/// Takes the whole messages off the start of `stream`, each of which stands behind its length.
fn counted_messages(stream: &mut Vec<u8>) -> Vec<String> {
    let mut messages = Vec::new();
    while let Some(space) = stream.iter().position(|byte| *byte == b' ') {
        let digits = std::str::from_utf8(&stream[..space]).expect("a length is text");
        let end = space + 1 + digits.parse::<usize>().expect("a length is a number");
        if stream.len() < end {
            break;
        }
        let message = stream.drain(..end).skip(space + 1).collect();
        messages.push(String::from_utf8(message).expect("messages are text"));
    }
    messages
}

fn instant(now: u64) -> Instant {
    Instant::from_micros((now / 1_000) as i64)
}

impl Device for Wire {
    type RxToken<'a> = Taken;
    type TxToken<'a> = Outward<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Taken, Outward<'_>)> {
        let frame = self.inward.pop_front()?;
        Some((Taken(frame), Outward(&mut self.outward)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Outward<'_>> {
        Some(Outward(&mut self.outward))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        (capabilities.medium, capabilities.max_transmission_unit) = (Medium::Ethernet, 1_514);
        capabilities
    }
}

pub(crate) struct Taken(Vec<u8>);

impl RxToken for Taken {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(&self.0)
    }
}

pub(crate) struct Outward<'a>(&'a mut VecDeque<Vec<u8>>);

impl TxToken for Outward<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let mut frame = vec![0; len];
        let result = write(&mut frame);
        self.0.push_back(frame);
        result
    }
}
