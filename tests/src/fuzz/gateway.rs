use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddrV4};

use etherparse::PacketBuilder;
use tagout_core::{Counter, LinkType, Sensor};
use tagout_firmware::board::{BuildId, Start, Started};
use tagout_firmware::settings::{
    Address, Collector, Interface, Management, Network, Parity, SerialFraming, SerialLine, Transport,
};
use tagout_firmware::{AlertLog, Gateway, GatewayMemory, Judge, Settings, Slots, Step, Tables, sensor_config};

use super::frames::packets;
use super::tally::policy;
use crate::flash::SimulatedFlash;
use crate::package::identity;
use crate::simulated::{MAC, SimulatedBoard, Strings};

type Flash = SimulatedFlash<4, 4096>;

const IP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const HOST: ([u8; 6], Ipv4Addr) = ([2, 0, 0, 0, 0x99, 9], Ipv4Addr::new(192, 0, 2, 9));
const MS: u64 = 1_000_000;
/// Steps after which nothing may be left to do.
const PATIENCE: usize = 10_000;

/// The packets of a capture at a gateway that runs on from input to input, as one does that is never switched off: those of
/// Ethernet come over the mirror port, those of other links as pieces of a serial line.
///
/// Whatever comes, every step feeds the watchdog, every frame is counted, nobody starts the gateway again, and afterwards it
/// answers a ping.
pub fn gateway(input: &[u8]) {
    thread_local! {
        static RUNNING: RefCell<Running> = RefCell::new(Running::start());
    }
    RUNNING.with_borrow_mut(|running| {
        let before = running.sensor.counters().get(Counter::Frames);
        let mut count = 0;
        packets(input, |frame| match frame.link {
            LinkType::Ethernet => {
                running.mirror(frame.bytes);
                count += 1;
            }
            _ => running.speak(frame.bytes),
        });
        running.settle();
        // Pieces of the line count too.
        assert!(running.sensor.counters().get(Counter::Frames) >= before + count, "every frame is counted");
        running.answers_a_ping();
    });
}

/// A gateway on a board in memory.
struct Running {
    gateway: Gateway<'static, Flash>,
    sensor: Sensor<'static>,
    board: SimulatedBoard,
    strings: Strings,
    pings: u16,
}

impl Running {
    fn start() -> Self {
        let (settings, strings) = (settings(), Strings::default());
        let mut board = strings.board();
        let started = Started { because: Start::Power, restarts: 0, build: BuildId([0; BuildId::LEN]) };
        let flash = || -> &'static mut Flash { Box::leak(Box::new(Flash::new(8))) };
        let slots = Slots::open(flash(), flash(), Box::leak(Box::new(identity(MAC))));
        let kept = (slots, Box::leak(Box::new(AlertLog::open(Flash::new(8)))));
        let memory = Box::leak(Box::new(GatewayMemory::new()));
        let tables = Box::leak(Box::new(Tables::new()));
        let sensor = Sensor::new(sensor_config(&settings), policy(), tables.lend());
        let gateway = Gateway::new(settings, started, 0x5eed, memory, kept, &mut board);
        Self { gateway, sensor, board, strings, pings: 0 }
    }

    /// A frame that no controller would take is none: the board's is lent by its driver, at most so long.
    fn mirror(&mut self, bytes: &[u8]) {
        self.strings.cable.borrow_mut().inward.push_back(bytes[..bytes.len().min(1_518)].to_vec());
        self.step();
    }

    fn speak(&mut self, bytes: &[u8]) {
        let now = self.strings.clock.get();
        for piece in bytes.chunks(64) {
            self.strings.line.borrow_mut().push_back((piece.to_vec(), now));
        }
        self.step();
    }

    /// One step, a millisecond after the one before.
    fn step(&mut self) -> Step {
        let fed = self.strings.fed.get();
        self.strings.clock.set(self.strings.clock.get() + MS);
        let step = self.gateway.step(&mut self.board, Some(Judge { sensor: &mut self.sensor, policy: &policy() }));
        assert_eq!(self.strings.fed.get(), fed + 1, "each step feeds the watchdog once");
        assert!(step != Step::Restart, "nobody asked for a restart");
        step
    }

    /// Steps until nothing is left to do.
    fn settle(&mut self) {
        let idle = (0..PATIENCE).find(|_| self.step() == Step::Idle);
        assert!(idle.is_some(), "it comes to rest");
        self.strings.cable.borrow_mut().outward.clear();
    }

    fn answers_a_ping(&mut self) {
        self.pings = self.pings.wrapping_add(1);
        let (number, cable) = (self.pings, self.strings.cable.clone());
        cable.borrow_mut().inward.extend([arp_request(), echo_request(number)]);
        let answered = (0..100).find(|_| {
            self.step();
            cable.borrow_mut().outward.drain(..).any(|frame| is_pong(&frame, number))
        });
        assert!(answered.is_some(), "the gateway answers no ping");
    }
}

fn settings() -> Settings {
    let network = Network { ip: IP, prefix: 24 };
    let address = Address::Static { network, gateway: None };
    let collectors =
        [Transport::Tcp, Transport::Udp].map(|transport| Collector { at: SocketAddrV4::new(HOST.1, 514), transport });
    let line = SerialLine { number: 1, framing: SerialFraming::Rtu, baud: 9_600, parity: Parity::None };
    Settings {
        management: Management::TapPort(Interface { mac: None, address }),
        collectors: collectors.into_iter().collect(),
        time_server: Some(SocketAddrV4::new(HOST.1, 123)),
        serial_lines: [line].into_iter().collect(),
        heartbeat_s: 1,
        ..Settings::default()
    }
}

/// What others send to the gateway itself.
pub(super) fn conversation() -> Vec<Vec<u8>> {
    let (mac, ip) = (HOST.0, HOST.1.octets());
    let builder = |to: [u8; 6]| PacketBuilder::ethernet2(mac, to).ipv4(ip, IP.octets(), 64);
    let written = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut frame = Vec::new();
        write(&mut frame);
        frame
    };
    let syn =
        |port| written(&|frame| builder(MAC).tcp(40_000, port, 7, 1_024).syn().write(frame, &[]).expect("a frame"));
    let udp =
        |from, to, bytes: &[u8]| written(&|frame| builder(MAC).udp(from, to).write(frame, bytes).expect("a frame"));
    let group = written(&|frame| builder([1, 0, 0x5e, 0, 0, 1]).udp(5_353, 5_353).write(frame, b"?").expect("a frame"));
    let data = written(&|frame| {
        builder(MAC).tcp(40_000, 7_355, 8, 1_024).ack(1).psh().write(frame, &[0, 4, 1, 2, 3, 4]).expect("a frame");
    });
    let time = udp(123, 49_123, &[[0x24, 3, 0, 0].as_slice(), &[7; 44]].concat());
    let dhcp = udp(67, 68, &[2; 300]);
    vec![arp_request(), echo_request(1), syn(7_355), data, syn(601), time, dhcp, udp(514, 514, b"x"), group]
}

fn arp_request() -> Vec<u8> {
    let ends = [&HOST.0[..], &HOST.1.octets(), &[0; 6], &IP.octets()].concat();
    [&[0xff; 6][..], &HOST.0, &[0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1], &ends].concat()
}

fn echo_request(number: u16) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2(HOST.0, MAC).ipv4(HOST.1.octets(), IP.octets(), 64);
    let mut frame = Vec::new();
    builder.icmpv4_echo_request(0x7461, number).write(&mut frame, b"tagout").expect("a frame");
    frame
}

fn is_pong(frame: &[u8], number: u16) -> bool {
    let is_echo_reply = frame.get(12..14) == Some(&[8, 0]) && frame.get(23) == Some(&1) && frame.get(34) == Some(&0);
    is_echo_reply && frame.get(40..42) == Some(&number.to_be_bytes())
}
