//! The gateway: frames in, alerts out to collectors, and nothing else on the network.

use core::net::Ipv4Addr;
use core::ops::AddAssign;

use embedded_storage::nor_flash::NorFlash;
use heapless::{String, Vec};
use tagout_core::{
    Alert, Anomaly, Config, Counters, Exchange, Frame, LineProtocol, LinkType, Output, Seen, Sensor, Timestamp,
};

use crate::board::{Board, Clock, FRAME_LEN, Line, Port, SECOND, Started, Watchdog};
use crate::collectors::{Collectors, Means};
use crate::heartbeat::Heartbeat;
use crate::log::AlertLog;
use crate::management::{Management, ManagementMemory};
use crate::settings::{self, SERIAL_LINES, SerialFraming, Settings, TapTimes};
use crate::sntp::Sntp;
use crate::syslog::Message;
use crate::tap::{self, Gathered};
use crate::wall::Wall;

/// Frames that are inspected before the management interface has its turn.
const BATCH: usize = 16;
/// Bytes that are taken from a line at a time, and times in a step: a line may bring each byte by itself.
const CHUNK: usize = 64;
/// Where frames bring their time along, silence is judged this much later: a switch may hold frames back.
const HELD_BACK: u64 = SECOND;

/// Bytes of RAM in which alerts wait until there is time to write them to flash.
pub const LOG_RAM: usize = 4_096;

/// The alerts of a gateway, in flash of the kind `F`.
pub(crate) type Log<F> = AlertLog<F, LOG_RAM>;

/// Severities of what the gateway tells of itself.
const NOTICE: u8 = 5;
const INFORMATIONAL: u8 = 6;

/// How a step went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Nothing more is to be done until a frame, a byte or the time comes.
    Idle,
    /// There may be more to do at once.
    Busy,
    /// What the sensor holds is of no use any more: make a new one, since the time was set.
    Anew,
}

/// The gateway with all but its sensor, which is made anew when the time becomes known.
pub struct Gateway<F> {
    settings: Settings,
    management: Option<Management>,
    log: Log<F>,
    collectors: Collectors,
    wall: Wall,
    sntp: Sntp,
    lines: Vec<Gathered, SERIAL_LINES>,
    /// Frames and pieces of lines so far.
    number: u64,
    /// Frames that could not be inspected, since there was no policy or nobody knew the time.
    uninspected: u32,
    /// When the tap was first looked at.
    ready: Option<u64>,
    /// The capture time of the latest frame and when it was taken, where frames bring their time along.
    latest: Option<(Timestamp, u64)>,
    beat_due: u64,
    counters: Counters,
    started: Started,
    policy: u64,
}

impl<F: NorFlash> Gateway<F> {
    /// A gateway that has just `started`. `seed` is what nobody outside can guess.
    pub fn new<P: Port, L, C: Clock, W>(
        settings: Settings,
        started: Started,
        seed: u64,
        memory: &'static mut ManagementMemory,
        log: AlertLog<F, LOG_RAM>,
        board: &mut Board<P, L, C, W>,
    ) -> Self {
        let now = board.clock.now();
        let (port, interface) = match settings.management {
            settings::Management::TapPort(interface) => (Some(&mut board.tap), Some(interface)),
            settings::Management::OwnPort(interface) => (board.own.as_mut(), Some(interface)),
            settings::Management::None => (None, None),
        };
        let management =
            port.zip(interface).map(|(port, interface)| Management::new(interface.address, seed, memory, port, now));
        let mut gateway = Self {
            management,
            log,
            collectors: Collectors::new(settings.collectors.clone()),
            wall: Wall::default(),
            sntp: Sntp::new(seed.rotate_left(32)),
            lines: settings.serial_lines.iter().map(|line| Gathered::new(line.baud)).collect(),
            number: 0,
            uninspected: 0,
            ready: None,
            latest: None,
            beat_due: 0,
            counters: Counters::default(),
            started,
            policy: 0,
            settings,
        };
        gateway.tell_start(now);
        gateway
    }

    /// The gateway's address, once it has one.
    pub fn ip(&self) -> Option<Ipv4Addr> {
        self.management.as_ref().and_then(Management::ip)
    }

    /// Takes over the counters of a sensor that another takes the place of.
    pub fn replaces(&mut self, counters: Counters) {
        self.counters.add_assign(counters);
    }

    /// Takes note of the version of the policy in force.
    pub const fn judges_by(&mut self, policy: u64) {
        self.policy = policy;
    }

    /// Does what can be done now: at most 16 frames, and a few messages. Without a sensor, since there is no policy, frames
    /// are only counted.
    pub fn step<P: Port, L: Line, C: Clock, W: Watchdog>(
        &mut self,
        board: &mut Board<P, L, C, W>,
        mut sensor: Option<&mut Sensor<'_>>,
    ) -> Step {
        self.ready.get_or_insert_with(|| board.clock.now());
        let more = self.inspect(board, sensor.as_deref_mut());
        if let Some(sensor) = &mut sensor {
            self.listen(board, sensor);
            self.let_time_pass(board.clock.now(), sensor);
        }
        // One write of flash a step: it takes long.
        let more = self.log.keep() | more;
        let was_set = self.wall.is_set();
        self.manage(board, sensor.map(|sensor| sensor.counters()));
        board.watchdog.feed();
        match (self.wall.is_set() && !was_set && !self.frames_bring_time(), more) {
            (true, _) => Step::Anew,
            (false, true) => Step::Busy,
            (false, false) => Step::Idle,
        }
    }

    /// Inspects a batch of frames; true if there may be more.
    fn inspect<P: Port, L, C: Clock, W>(
        &mut self,
        board: &mut Board<P, L, C, W>,
        mut sensor: Option<&mut Sensor<'_>>,
    ) -> bool {
        let mut buffer = [0; FRAME_LEN];
        for _ in 0..BATCH {
            let Some(len) = board.tap.receive(&mut buffer) else { return false };
            let now = board.clock.now();
            let frame = buffer.get_mut(..len).unwrap_or_default();
            let (time, frame) = self.time_of(frame, now);
            self.judge(time, frame, sensor.as_deref_mut());
            if let (settings::Management::TapPort(_), Some(management)) =
                (self.settings.management, &mut self.management)
            {
                management.receive(frame, &mut board.tap, now);
            }
        }
        true
    }

    /// Gives a frame to the sensor; one of which nobody knows when it was captured is only counted.
    fn judge(&mut self, time: Option<Timestamp>, frame: &[u8], sensor: Option<&mut Sensor<'_>>) {
        let (Some(time), Some(sensor)) = (time, sensor) else {
            self.uninspected = self.uninspected.saturating_add(1);
            return;
        };
        self.number = self.number.wrapping_add(1);
        let wire_len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let taken = Frame { number: self.number, time, link: LinkType::Ethernet, bytes: frame, wire_len };
        let is_set = self.knows_time();
        sensor.frame(&taken, &mut Teller { log: &mut self.log, is_set });
    }

    /// When a frame was captured, and the frame without what the mirror added to it. Where frames bring their time along,
    /// one without is as old as the one before it; the gateway's own clock counts only once it is set, since what is
    /// counted from the start has nothing to do with the time of other frames.
    fn time_of<'f>(&mut self, frame: &'f mut [u8], now: u64) -> (Option<Timestamp>, &'f mut [u8]) {
        let near = self.wall.time(now);
        if !self.frames_bring_time() {
            return (Some(near), frame);
        }
        let (time, frame) = tap::timestamped(frame, near);
        if let Some(time) = time {
            self.latest = Some((time, now));
        }
        let known = self.latest.map(|(time, _)| time);
        (known.or(self.wall.is_set().then_some(near)), frame)
    }

    /// True if the mirror port puts the time of capture into frames.
    fn frames_bring_time(&self) -> bool {
        self.settings.tap_times == TapTimes::Arista
    }

    /// True if the time of alerts is that of day.
    const fn knows_time(&self) -> bool {
        self.wall.is_set() || self.latest.is_some()
    }

    /// Takes what serial lines brought.
    fn listen<P, L: Line, C: Clock, W>(&mut self, board: &mut Board<P, L, C, W>, sensor: &mut Sensor<'_>) {
        let is_set = self.knows_time();
        let mut teller = Teller { log: &mut self.log, is_set };
        let numbers = self.settings.serial_lines.iter().map(|line| u16::from(line.number));
        for ((line, gathered), number) in board.lines.iter_mut().zip(&mut self.lines).zip(numbers) {
            for _ in 0..CHUNK {
                let mut buffer = [0; CHUNK];
                let came = line.receive(&mut buffer);
                let bytes = came.and_then(|(len, _)| buffer.get(..len)).unwrap_or_default();
                let now = came.map_or_else(|| board.clock.now(), |(_, at)| at);
                gathered.take(bytes, now, |piece, last| {
                    self.number = self.number.wrapping_add(1);
                    let seen = Seen { frame: self.number, time: self.wall.time(last) };
                    sensor.serial(number, piece, seen, &mut teller);
                });
                if came.is_none() {
                    break;
                }
            }
        }
    }

    /// Tells the sensor what time it is, so that it need not wait for a frame to close what is due.
    fn let_time_pass(&mut self, now: u64, sensor: &mut Sensor<'_>) {
        let time = match (self.frames_bring_time(), self.latest) {
            (false, _) => self.wall.time(now),
            (true, Some((time, taken))) => {
                Timestamp(time.0.saturating_add(now.saturating_sub(taken).saturating_sub(HELD_BACK)))
            }
            (true, None) => return,
        };
        let is_set = self.knows_time();
        sensor.advance(time, &mut Teller { log: &mut self.log, is_set });
    }

    /// Gives the management interface its turn.
    fn manage<P: Port, L: Line, C: Clock, W>(&mut self, board: &mut Board<P, L, C, W>, counted: Option<Counters>) {
        let now = board.clock.now();
        let lost = board.own.as_mut().map_or(0, Port::lost).saturating_add(board.tap.lost());
        let bytes_lost = board.lines.iter_mut().map(Line::lost).fold(0, u32::saturating_add);
        let port = match (self.settings.management, &mut board.own) {
            (settings::Management::OwnPort(_), Some(own)) => {
                self.take_own(own, now);
                own
            }
            (settings::Management::TapPort(_), _) => &mut board.tap,
            _ => return,
        };
        let is_up = port.is_up();
        self.ask_time(now);
        self.deliver(is_up, now);
        self.beat(is_up, now, counted, (lost, bytes_lost));
        if let Some(management) = &mut self.management {
            management.poll(port, now);
        }
    }

    /// Takes a batch of frames from the port that is the gateway's own.
    fn take_own(&mut self, port: &mut impl Port, now: u64) {
        let mut buffer = [0; FRAME_LEN];
        let Some(management) = &mut self.management else { return };
        for _ in 0..BATCH {
            let Some(frame) = port.receive(&mut buffer).and_then(|len| buffer.get(..len)) else { return };
            management.receive(frame, port, now);
        }
    }

    fn ask_time(&mut self, now: u64) {
        let (Some(server), Some(management)) = (self.settings.time_server, &mut self.management) else { return };
        let sntp = &mut self.sntp;
        if let Some(start) = management.hear_time(server, |answer| sntp.answer(answer, now)) {
            self.wall.set(start);
        }
        if management.reaches(server.ip())
            && let Some(question) = sntp.ask(now)
        {
            management.ask_time(server, &question);
        }
    }

    fn deliver(&mut self, is_up: bool, now: u64) {
        let Some(management) = &mut self.management else { return };
        self.collectors.step(&mut Means { management, log: &mut self.log, host: &self.settings.host_name, is_up, now });
    }

    /// Tells how the gateway is, once it is time.
    fn beat(&mut self, is_up: bool, now: u64, counted: Option<Counters>, (frames_lost, bytes_lost): (u32, u32)) {
        let every = u64::from(self.settings.heartbeat_s).saturating_mul(SECOND);
        let (Some(management), true) = (&mut self.management, now >= self.beat_due) else { return };
        let mut counters = self.counters;
        counters.add_assign(counted.unwrap_or_default());
        let text = Heartbeat {
            counters: &counters,
            frames_lost,
            frames_uninspected: self.uninspected,
            bytes_lost,
            log: self.log.counts(),
            policy: self.policy,
            uptime: now,
            ready: self.ready.unwrap_or(0),
            started: self.started,
            is_set: self.wall.is_set(),
        }
        .text();
        let message = Message {
            time: self.wall.time(now),
            is_set: self.wall.is_set(),
            severity: INFORMATIONAL,
            text: text.as_bytes(),
        };
        let mut means = Means { management, log: &mut self.log, host: &self.settings.host_name, is_up, now };
        if self.collectors.send_now(&message, &mut means) {
            self.beat_due = now.saturating_add(every);
        }
    }

    /// Tells why the gateway started, as a message that is kept until a collector has it.
    fn tell_start(&mut self, now: u64) {
        let Started { because, restarts, build } = self.started;
        let mut text: String<160> = String::new();
        // It fits.
        let _ = core::fmt::write(
            &mut text,
            format_args!(
                "CEF:0|tagout|gateway|{}|start|Started|3|start={} restarts={restarts} build={build}",
                env!("CARGO_PKG_VERSION"),
                because.name(),
            ),
        );
        let message = Message { time: self.wall.time(now), is_set: false, severity: NOTICE, text: text.as_bytes() };
        self.log.append(&message.kept());
    }
}

/// What the sensor needs to know of the settings.
pub fn sensor_config(settings: &Settings) -> Config {
    let lines = settings.serial_lines.iter().map(|line| (u16::from(line.number), carries(line.framing))).collect();
    Config { lines, ..Config::default() }
}

const fn carries(framing: SerialFraming) -> LineProtocol {
    match framing {
        SerialFraming::Rtu => LineProtocol::ModbusRtu,
        SerialFraming::Ascii => LineProtocol::ModbusAscii,
        SerialFraming::Dnp3 => LineProtocol::Dnp3,
    }
}

/// Keeps alerts until they are delivered; exchanges and anomalies that raise none are not kept.
struct Teller<'t, F> {
    log: &'t mut Log<F>,
    is_set: bool,
}

impl<F: NorFlash> Output for Teller<'_, F> {
    fn exchange(&mut self, _: &Exchange<'_>) {}

    fn anomaly(&mut self, _: &Anomaly) {}

    fn alert(&mut self, alert: &Alert<'_>) {
        let id = crate::Notice { id: alert.id, time: alert.time, actor: None, device: None }.id_digits();
        let message = Message { time: alert.time, is_set: self.is_set, severity: 2, text: &id };
        self.log.append(&message.kept());
    }
}
