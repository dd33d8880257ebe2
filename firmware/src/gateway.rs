//! The gateway: frames in, alerts out to collectors, and nothing else on the network.

use core::fmt::Write;
use core::mem::take;
use core::net::Ipv4Addr;
use core::ops::AddAssign;

use heapless::{String, Vec};
use tagout_core::engine::{Policy, Severity};
use tagout_core::words::Topic;
use tagout_core::{Config, Counter, Counters, Frame, LineProtocol, LinkType, Seen, Sensor, Timestamp};

use crate::board::{Board, Clock, FRAME_LEN, Line, Port, SECOND, Started, Watchdog};
use crate::collectors::{Collectors, Means};
use crate::heartbeat::Heartbeat;
use crate::log::AlertLog;
use crate::management::{Management, ManagementMemory};
use crate::managers::{Managers, Turn};
use crate::news::News;
use crate::protocol::Status;
use crate::settings::{self, SERIAL_LINES, SerialFraming, Settings, TapTimes};
use crate::slots::{MappedFlash, Slots};
use crate::sntp::Sntp;
use crate::syslog::{Header, Message};
use crate::tap::{self, Gathered};
use crate::teller::{LOG_RAM, Log, Teller, keep};
use crate::wall::Wall;

/// Frames that are inspected before the management interface has its turn.
const BATCH: usize = 16;
/// Bytes that are taken from a line at a time, and times in a step: a line may bring each byte by itself.
const CHUNK: usize = 64;
/// Where frames bring their time along, silence is judged this much later: a switch may hold frames back.
const HELD_BACK: u64 = SECOND;

/// How a step went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Nothing more is to be done until a frame, a byte or the time comes.
    Idle,
    /// There may be more to do at once.
    Busy,
    /// What the sensor holds is of no use any more: make a new one, since the time was set.
    Anew,
    /// A manager brought a package: start the board again.
    Restart,
}

/// The sensor, and what it judges by.
#[derive(Debug)]
pub struct Judge<'j, 's> {
    /// The sensor.
    pub sensor: &'j mut Sensor<'s>,
    /// The policy that it was made with.
    pub policy: &'j Policy<'s>,
}

/// What a gateway keeps apart from itself, so that neither is ever moved over the stack; put it in a static. It takes no
/// flash.
#[derive(Debug)]
pub struct GatewayMemory {
    management: ManagementMemory,
    managers: Managers,
    lines: Vec<Gathered, SERIAL_LINES>,
    frame: [u8; FRAME_LEN],
}

impl GatewayMemory {
    /// Memory that holds nothing yet.
    pub const fn new() -> Self {
        Self {
            management: ManagementMemory::new(),
            managers: Managers::new(),
            lines: Vec::new(),
            frame: [0; FRAME_LEN],
        }
    }
}

impl Default for GatewayMemory {
    fn default() -> Self {
        Self::new()
    }
}

/// The gateway with all but its sensor, which is made anew when the time becomes known.
pub struct Gateway<'m, F> {
    settings: Settings,
    slots: Slots<'m, F>,
    managers: &'static mut Managers,
    management: Option<Management>,
    log: &'m mut Log<F>,
    collectors: Collectors,
    wall: Wall,
    sntp: Sntp,
    lines: &'static mut Vec<Gathered, SERIAL_LINES>,
    /// Where a frame is while it is looked at; empty meanwhile.
    frame: &'static mut [u8],
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
}

impl<'m, F: MappedFlash> Gateway<'m, F> {
    /// A gateway that has just `started`. `seed` is what nobody outside can guess.
    pub fn new<P: Port, L, C: Clock, W>(
        settings: Settings,
        started: Started,
        seed: u64,
        GatewayMemory { management: memory, managers, lines, frame }: &'static mut GatewayMemory,
        (slots, log): (Slots<'m, F>, &'m mut AlertLog<F, LOG_RAM>),
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
        let damaged = slots.damaged();
        lines.extend(settings.serial_lines.iter().map(|line| Gathered::new(line.baud)));
        let mut gateway = Self {
            management,
            slots,
            managers,
            log,
            collectors: Collectors::new(settings.collectors.clone(), seed as u16),
            wall: Wall::default(),
            sntp: Sntp::new(seed.rotate_left(32)),
            lines,
            frame,
            number: 0,
            uninspected: 0,
            ready: None,
            latest: None,
            beat_due: 0,
            counters: Counters::default(),
            started,
            settings,
        };
        gateway.tell(News::Started(started), now);
        if let Some(refusal) = damaged {
            gateway.tell(News::Damaged(refusal), now);
        }
        gateway
    }

    /// The gateway's address, once it has one.
    pub fn ip(&self) -> Option<Ipv4Addr> {
        self.management.as_ref().and_then(Management::ip)
    }

    /// What the gateway goes by.
    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Takes over the counters of a sensor that another takes the place of.
    pub fn replaces(&mut self, counters: Counters) {
        self.counters.add_assign(counters);
    }

    /// Does what can be done now: at most 16 frames, and a few messages. Without a sensor, since there is no policy, frames
    /// are only counted.
    pub fn step<P: Port, L: Line, C: Clock, W: Watchdog>(
        &mut self,
        board: &mut Board<P, L, C, W>,
        mut sensor: Option<Judge<'_, '_>>,
    ) -> Step {
        self.ready.get_or_insert_with(|| board.clock.now());
        let more = self.inspect(board, sensor.as_mut());
        if let Some(judge) = &mut sensor {
            self.listen(board, judge);
            self.let_time_pass(board.clock.now(), judge);
        }
        // One write of flash a step: it takes long.
        let more = self.log.keep() | more;
        let was_set = self.wall.is_set();
        let is_leaving = self.manage(board, sensor.map(|judge| judge.sensor.counters()));
        board.watchdog.feed();
        if is_leaving {
            while self.log.keep() {}
            Step::Restart
        } else if self.wall.is_set() && !was_set && !self.frames_bring_time() {
            Step::Anew
        } else if more {
            Step::Busy
        } else {
            Step::Idle
        }
    }

    /// Inspects a batch of frames; true if there may be more.
    #[inline(never)]
    fn inspect<P: Port, L, C: Clock, W>(
        &mut self,
        board: &mut Board<P, L, C, W>,
        mut judge: Option<&mut Judge<'_, '_>>,
    ) -> bool {
        let buffer = take(&mut self.frame);
        let more = (0..BATCH).all(|_| self.inspect_next(buffer, board, judge.as_deref_mut()));
        self.frame = buffer;
        more
    }

    /// Inspects a frame that the tap puts into `buffer`; false if none waits.
    fn inspect_next<P: Port, L, C: Clock, W>(
        &mut self,
        buffer: &mut [u8],
        board: &mut Board<P, L, C, W>,
        judge: Option<&mut Judge<'_, '_>>,
    ) -> bool {
        let Some(len) = board.tap.receive(buffer) else { return false };
        let now = board.clock.now();
        let (time, frame) = self.time_of(buffer.get_mut(..len).unwrap_or_default(), now);
        self.judge(time, frame, judge);
        if let (settings::Management::TapPort(_), Some(management)) = (self.settings.management, &mut self.management) {
            management.receive(frame, &mut board.tap, now);
        }
        true
    }

    /// Gives a frame to the sensor; one of which nobody knows when it was captured is only counted.
    #[inline(never)]
    fn judge(&mut self, time: Option<Timestamp>, frame: &[u8], judge: Option<&mut Judge<'_, '_>>) {
        let (Some(time), Some(Judge { sensor, policy })) = (time, judge) else {
            self.uninspected = self.uninspected.saturating_add(1);
            return;
        };
        self.number = self.number.wrapping_add(1);
        let wire_len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let taken = Frame { number: self.number, time, link: LinkType::Ethernet, bytes: frame, wire_len };
        let is_set = self.knows_time();
        sensor.frame(&taken, &mut Teller { policy, log: self.log, is_set });
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
    #[inline(never)]
    fn listen<P, L: Line, C: Clock, W>(
        &mut self,
        board: &mut Board<P, L, C, W>,
        Judge { sensor, policy }: &mut Judge<'_, '_>,
    ) {
        let is_set = self.knows_time();
        let mut teller = Teller { policy, log: self.log, is_set };
        let numbers = self.settings.serial_lines.iter().map(|line| u16::from(line.number));
        for ((line, gathered), number) in board.lines.iter_mut().zip(self.lines.iter_mut()).zip(numbers) {
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
    #[inline(never)]
    fn let_time_pass(&mut self, now: u64, Judge { sensor, policy }: &mut Judge<'_, '_>) {
        let time = match (self.frames_bring_time(), self.latest) {
            (false, _) => self.wall.time(now),
            (true, Some((time, taken))) => {
                Timestamp(time.0.saturating_add(now.saturating_sub(taken).saturating_sub(HELD_BACK)))
            }
            (true, None) => return,
        };
        let is_set = self.knows_time();
        sensor.advance(time, &mut Teller { policy, log: self.log, is_set });
    }

    /// Gives the management interface its turn; true if the gateway is to start again.
    #[inline(never)]
    fn manage<P: Port, L: Line, C: Clock, W>(
        &mut self,
        board: &mut Board<P, L, C, W>,
        counted: Option<Counters>,
    ) -> bool {
        let now = board.clock.now();
        let lost = board.own.as_mut().map_or(0, Port::lost).saturating_add(board.tap.lost());
        let bytes_lost = board.lines.iter_mut().map(Line::lost).fold(0, u32::saturating_add);
        let port = match (self.settings.management, &mut board.own) {
            (settings::Management::OwnPort(_), Some(own)) => {
                self.take_own(own, now);
                own
            }
            (settings::Management::TapPort(_), _) => &mut board.tap,
            _ => return false,
        };
        let (is_up, stack) = (port.is_up(), board.stack);
        self.ask_time(now);
        self.deliver(is_up, now);
        self.beat(is_up, now, counted, (lost, bytes_lost, stack));
        let is_leaving = self.serve(now, counted, lost);
        if let Some(management) = &mut self.management {
            management.poll(port, now);
        }
        is_leaving
    }

    /// Serves managers; true if the gateway is to start again.
    #[inline(never)]
    fn serve(&mut self, now: u64, counted: Option<Counters>, lost: u32) -> bool {
        let Some(management) = &mut self.management else { return false };
        let (before, log) = (&self.counters, &self.log);
        let (started, settings, serial_number) = (self.started, &self.settings, self.slots.identity().serial_number());
        let status = |status: &mut Status| {
            let (counters, log) = (total(before, counted), log.counts());
            status.uptime_s = now / SECOND;
            status.restarts = started.restarts.into();
            status.frames = counters.get(Counter::Frames);
            status.frames_lost = lost.into();
            status.alerts = counters.get(Counter::Alerts);
            status.alerts_waiting = log.waiting.into();
            status.alerts_lost = log.lost.into();
            status.host_name.clone_from(&settings.host_name);
            status.serial_number = String::try_from(serial_number).unwrap_or_default();
            status.firmware = String::try_from(env!("CARGO_PKG_VERSION")).unwrap_or_default();
            status.build.clear();
            // It has as many digits as there is room for.
            let _ = write!(status.build, "{}", started.build);
        };
        match self.managers.step(management, (&self.settings, &mut self.slots), status, now) {
            Turn::Quiet => {}
            Turn::Tell(news) => self.tell(news, now),
            Turn::Restart => return true,
        }
        false
    }

    /// Takes a batch of frames from the port that is the gateway's own.
    #[inline(never)]
    fn take_own(&mut self, port: &mut impl Port, now: u64) {
        let Some(management) = &mut self.management else { return };
        for _ in 0..BATCH {
            let Some(frame) = port.receive(self.frame).and_then(|len| self.frame.get(..len)) else { return };
            management.receive(frame, port, now);
        }
    }

    #[inline(never)]
    fn ask_time(&mut self, now: u64) {
        let (Some(server), Some(management)) = (self.settings.time_server, &mut self.management) else { return };
        let sntp = &mut self.sntp;
        if let Some(start) = management.hear_time(server, |answer| sntp.answer(answer, now)) {
            self.wall.set(start);
        }
        if management.reaches(*server.ip())
            && let Some(question) = sntp.ask(now)
        {
            management.ask_time(server, &question);
        }
    }

    #[inline(never)]
    fn deliver(&mut self, is_up: bool, now: u64) {
        let Some(management) = &mut self.management else { return };
        self.collectors.step(&mut Means { management, log: self.log, host: &self.settings.host_name, is_up, now });
    }

    /// Tells how the gateway is, once it is time.
    #[inline(never)]
    fn beat(
        &mut self,
        is_up: bool,
        now: u64,
        counted: Option<Counters>,
        (frames_lost, bytes_lost, stack): (u32, u32, fn() -> u32),
    ) {
        let every = u64::from(self.settings.heartbeat_s).saturating_mul(SECOND);
        let is_due = now >= self.beat_due && self.collectors.is_open();
        let (Some(management), true) = (&mut self.management, is_due) else { return };
        let text = Heartbeat {
            counters: &total(&self.counters, counted),
            frames_lost,
            frames_uninspected: self.uninspected,
            bytes_lost,
            log: self.log.counts(),
            policy: self.slots.version().unwrap_or(0),
            uptime: now,
            ready: self.ready.unwrap_or(0),
            started: self.started,
            is_set: self.wall.is_set(),
            stack,
        }
        .text();
        let time = self.wall.is_set().then(|| self.wall.time(now));
        let header = Header { time, severity: Severity::Informational, topic: Topic::Sensor };
        let message = Message { header, text: &text };
        let mut means = Means { management, log: self.log, host: &self.settings.host_name, is_up, now };
        if self.collectors.send_now(&message, &mut means) {
            self.beat_due = now.saturating_add(every);
        }
    }

    /// Tells of the gateway itself, as a message that is kept until a collector has it.
    fn tell(&mut self, news: News, now: u64) {
        let header = news.header(self.wall.is_set().then(|| self.wall.time(now)));
        keep(self.log, header, |kept| news.write(kept));
    }
}

/// What sensors counted: those before, and the one that is there, if one is.
fn total(before: &Counters, counted: Option<Counters>) -> Counters {
    let mut counters = *before;
    counters.add_assign(counted.unwrap_or_default());
    counters
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
