//! A gateway and its hosts on a hub, in memory, with a clock that the test moves.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::rc::Rc;

use tagout_core::engine::Policy;
use tagout_core::{Config, Sensor};
use tagout_firmware::board::{Board, BuildId, Clock, Line, Port, Start, Started, Watchdog};
use tagout_firmware::settings::{Address, Interface, Management, Network};
use tagout_firmware::{AlertLog, Gateway, ManagementMemory, Settings, Slots, Step, Tables, sensor_config};

use tagout_tests::flash::SimulatedFlash;
use tagout_tests::package::identity;

use crate::host::Host;

pub(crate) const MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];
pub(crate) const IP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const MS: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1_000 * MS;

/// How the gateway came to run.
const STARTED: Started = Started { because: Start::Power, restarts: 0, build: BuildId([0xb1; BuildId::LEN]) };

/// What a gateway is told in most tests: a fixed address, nobody to talk to.
pub(crate) fn settings() -> Settings {
    let network = Network { ip: IP.into(), prefix: 24 };
    let address = Address::Static { network, gateway: None };
    Settings {
        host_name: "gate-1".try_into().expect("a short name"),
        management: Management::TapPort(Interface { mac: None, address }),
        ..Settings::default()
    }
}

pub(crate) fn heapless_vec<T, const N: usize, const M: usize>(items: [T; M]) -> heapless::Vec<T, N> {
    items.into_iter().collect()
}

/// The two ends of a cable.
#[derive(Default)]
struct Cable {
    inward: VecDeque<Vec<u8>>,
    outward: VecDeque<Vec<u8>>,
    lost: u32,
}

/// Frames that wait in the controller at most.
const FIFO: usize = 64;

pub(crate) struct Memory(Rc<RefCell<Cable>>);

impl Port for Memory {
    fn mac(&self) -> [u8; 6] {
        MAC
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let frame = self.0.borrow_mut().inward.pop_front()?;
        buffer[..frame.len()].copy_from_slice(&frame);
        Some(frame.len())
    }

    fn can_transmit(&mut self) -> bool {
        true
    }

    fn transmit(&mut self, frame: &[u8]) {
        self.0.borrow_mut().outward.push_back(frame.to_vec());
    }

    fn is_up(&mut self) -> bool {
        true
    }

    fn lost(&mut self) -> u32 {
        self.0.borrow().lost
    }
}

/// Bytes on their way along a line, with the time of the last of them.
pub(crate) type Pieces = Rc<RefCell<VecDeque<(Vec<u8>, u64)>>>;

pub(crate) struct Wired(Pieces);

impl Line for Wired {
    fn receive(&mut self, buffer: &mut [u8]) -> Option<(usize, u64)> {
        let (bytes, at) = self.0.borrow_mut().pop_front()?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Some((bytes.len(), at))
    }

    fn lost(&mut self) -> u32 {
        0
    }
}

pub(crate) struct Hand(Rc<Cell<u64>>);

impl Clock for Hand {
    fn now(&mut self) -> u64 {
        self.0.get()
    }
}

/// Counts how often it is fed.
pub(crate) struct Fed(Rc<Cell<u64>>);

impl Watchdog for Fed {
    fn feed(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// What keeps alerts: 128 KiB.
type Flash = SimulatedFlash<4, 4096>;

pub(crate) struct World {
    pub(crate) hosts: Vec<Host>,
    pub(crate) gateway: Gateway<'static, Flash>,
    pub(crate) line: Pieces,
    board: Board<Memory, Wired, Hand, Fed>,
    cable: Rc<RefCell<Cable>>,
    clock: Rc<Cell<u64>>,
    fed: Rc<Cell<u64>>,
    sensor: Option<Sensor<'static>>,
    policy: Policy<'static>,
    config: Config,
    /// What the gateway sent so far.
    pub(crate) sent: Vec<Vec<u8>>,
    /// How often it asked to be started again.
    pub(crate) restarts: u32,
}

impl World {
    /// A gateway that has just started, with a policy image.
    pub(crate) fn new(settings: Settings, image: &[u8], hosts: Vec<Host>) -> Self {
        let image = Box::leak(image.to_vec().into_boxed_slice());
        let policy = Policy::load(image).expect("the image is a policy");
        let (cable, clock, fed, line) = (Rc::default(), Rc::default(), Rc::default(), Pieces::default());
        let mut board = Board {
            tap: Memory(Rc::clone(&cable)),
            own: None,
            lines: heapless_vec([Wired(Rc::clone(&line))]),
            clock: Hand(Rc::clone(&clock)),
            watchdog: Fed(Rc::clone(&fed)),
        };
        let config = sensor_config(&settings);
        let memory = Box::leak(Box::new(ManagementMemory::new()));
        let flash = || -> &'static mut Flash { Box::leak(Box::new(Flash::new(32))) };
        let slots = Slots::open(flash(), flash(), Box::leak(Box::new(identity(MAC))));
        let kept = (slots, AlertLog::open(Flash::new(32)));
        let gateway = Gateway::new(settings, STARTED, 0x5eed, memory, kept, &mut board);
        let sensor = Some(sensor(&config, policy));
        Self { hosts, gateway, line, board, cable, clock, fed, sensor, policy, config, sent: Vec::new(), restarts: 0 }
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.get()
    }

    /// Puts a frame on the mirror port; one that finds the controller full is lost.
    pub(crate) fn mirror(&mut self, frame: &[u8]) {
        let mut cable = self.cable.borrow_mut();
        if cable.inward.len() < FIFO {
            cable.inward.push_back(frame.to_vec());
        } else {
            cable.lost += 1;
        }
    }

    /// Lets `ns` pass.
    pub(crate) fn pass(&mut self, ns: u64) {
        let end = self.now() + ns;
        while self.now() < end {
            let is_busy = self.step();
            let step = if is_busy { MS / 10 } else { 10 * MS };
            self.clock.set(end.min(self.now() + step));
        }
    }

    /// One step of everyone; true if something moved.
    pub(crate) fn step(&mut self) -> bool {
        let sensor = self.sensor.as_mut().expect("there is a sensor");
        let fed = self.fed.get();
        let step = self.gateway.step(&mut self.board, Some(sensor));
        assert_eq!(self.fed.get(), fed + 1, "each step feeds the watchdog once");
        if step == Step::Anew {
            self.gateway.replaces(sensor.counters());
            self.sensor = Some(self::sensor(&self.config, self.policy));
        }
        self.restarts += u32::from(step == Step::Restart);
        let frames = self.exchange();
        step != Step::Idle || frames
    }

    /// Carries frames from and to the gateway; true if there were any.
    fn exchange(&mut self) -> bool {
        let sent = std::mem::take(&mut self.cable.borrow_mut().outward);
        let mut moved = !sent.is_empty();
        for host in &mut self.hosts {
            sent.iter().for_each(|frame| host.take(frame));
            host.poll(self.clock.get());
            for frame in host.send() {
                moved = true;
                self.cable.borrow_mut().inward.push_back(frame);
            }
        }
        self.sent.extend(sent);
        moved
    }
}

fn sensor(config: &Config, policy: Policy<'static>) -> Sensor<'static> {
    let tables = Box::leak(Box::new(Tables::new()));
    Sensor::new(config.clone(), policy, tables.lend())
}
