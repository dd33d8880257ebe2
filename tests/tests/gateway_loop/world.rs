//! A gateway and its hosts on a hub, in memory, with a clock that the test moves.

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::rc::Rc;

use tagout_core::engine::Policy;
use tagout_core::{Config, Sensor};
use tagout_firmware::board::{BuildId, Start, Started};
use tagout_firmware::settings::{Address, Interface, Management, Network};
use tagout_firmware::{AlertLog, Gateway, GatewayMemory, Judge, Settings, Slots, Step, Tables, sensor_config};

use tagout_tests::flash::SimulatedFlash;
use tagout_tests::package::identity;
pub(crate) use tagout_tests::simulated::MAC;
use tagout_tests::simulated::{Pieces, SimulatedBoard, Strings};

use crate::host::Host;

pub(crate) const IP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const MS: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1_000 * MS;

/// How the gateway came to run.
const STARTED: Started = Started { because: Start::Power, restarts: 0, build: BuildId([0xb1; BuildId::LEN]) };

/// What a gateway is told in most tests: a fixed address, nobody to talk to.
pub(crate) fn settings() -> Settings {
    let network = Network { ip: IP, prefix: 24 };
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

/// What keeps alerts: 128 KiB.
type Flash = SimulatedFlash<4, 4096>;

pub(crate) struct World {
    pub(crate) hosts: Vec<Host>,
    pub(crate) gateway: Gateway<'static, Flash>,
    pub(crate) line: Rc<RefCell<Pieces>>,
    board: SimulatedBoard,
    strings: Strings,
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
        let strings = Strings::default();
        let (mut board, line) = (strings.board(), Rc::clone(&strings.line));
        let config = sensor_config(&settings);
        let memory = Box::leak(Box::new(GatewayMemory::new()));
        let flash = || -> &'static mut Flash { Box::leak(Box::new(Flash::new(32))) };
        let slots = Slots::open(flash(), flash(), Box::leak(Box::new(identity(MAC))));
        let kept = (slots, Box::leak(Box::new(AlertLog::open(Flash::new(32)))));
        let gateway = Gateway::new(settings, STARTED, 0x5eed, memory, kept, &mut board);
        let sensor = Some(sensor(&config, policy));
        Self { hosts, gateway, line, board, strings, sensor, policy, config, sent: Vec::new(), restarts: 0 }
    }

    pub(crate) fn now(&self) -> u64 {
        self.strings.clock.get()
    }

    /// Puts a frame on the mirror port; one that finds the controller full is lost.
    pub(crate) fn mirror(&mut self, frame: &[u8]) {
        self.strings.cable.borrow_mut().mirror(frame);
    }

    /// Lets `ns` pass.
    pub(crate) fn pass(&mut self, ns: u64) {
        let end = self.now() + ns;
        while self.now() < end {
            let is_busy = self.step();
            let step = if is_busy { MS / 10 } else { 10 * MS };
            self.strings.clock.set(end.min(self.now() + step));
        }
    }

    /// One step of everyone; true if something moved.
    pub(crate) fn step(&mut self) -> bool {
        let sensor = self.sensor.as_mut().expect("there is a sensor");
        let fed = self.strings.fed.get();
        let step = self.gateway.step(&mut self.board, Some(Judge { sensor, policy: &self.policy }));
        assert_eq!(self.strings.fed.get(), fed + 1, "each step feeds the watchdog once");
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
        let sent = std::mem::take(&mut self.strings.cable.borrow_mut().outward);
        let mut moved = !sent.is_empty();
        for host in &mut self.hosts {
            sent.iter().for_each(|frame| host.take(frame));
            host.poll(self.strings.clock.get());
            for frame in host.send() {
                moved = true;
                self.strings.cable.borrow_mut().inward.push_back(frame);
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
