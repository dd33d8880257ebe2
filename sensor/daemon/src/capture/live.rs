//! Live interfaces.
//!
//! Each interface has a source of its own: libpcap, or a packet socket of Linux without it.

mod clock;
mod drops;
#[cfg(feature = "libpcap")]
mod libpcap;
mod link;
mod offloads;
mod packet;
mod port;
mod prefilter;

use std::fmt::Display;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, socket};
use tagout_core::{Frame, Timestamp};

use self::clock::Clock;
pub use self::offloads::Offloads;
use self::port::Port;
pub use self::prefilter::Prefilter;
use super::interfaces::Interface;
use crate::Failure;
use crate::config;
use crate::news::News;
use crate::record::{Losses, Stamp};

/// The kernel hands over a block of frames at the latest after this long.
const BLOCK_TIMEOUT_MS: i32 = 1;
/// How long to wait for frames before time is told to pass.
const POLL: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// The same where a frame waits for an earlier one of another interface.
const MERGE_POLL: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
/// When nothing came for [`POLL`], everything captured this long ago has been handed over.
const LAG: Duration = Duration::from_millis(10);
/// Frames taken from one interface before the next one has its turn.
const BATCH: usize = 256;
/// How long frames that are waiting in the kernel are read after the end was asked for.
const DRAIN: Duration = Duration::from_secs(1);

/// Interfaces are looked after this often.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// One or several interfaces, whose frames make one capture, in the order of their times.
pub struct Live {
    ports: Vec<Port>,
    frames: u64,
    /// How long a frame of one interface waits for an earlier one of another.
    merge_ms: u32,
    silence: Option<Duration>,
    checked: Instant,
    clock: Clock,
}

/// An open interface, whose descriptor is readable when frames are at hand.
trait Source: AsFd {
    /// The next of the frames at hand, which gets this number.
    fn next(&mut self, number: u64) -> Result<Option<Frame<'_>>, Failure>;

    /// What was lost since the interface was opened.
    fn losses(&mut self) -> Losses;
}

/// What happens on a live capture.
#[derive(Debug)]
pub enum Event<'a> {
    /// A frame was captured.
    Frame(Frame<'a>),
    /// The frames at hand have been read.
    Pause,
    /// No frame came for a while: everything captured before this time has been reported.
    Idle(Timestamp),
    /// Something happened to an interface.
    News(News),
    /// How it stands with every interface: told once a second, whatever happens.
    Interfaces(Vec<InterfaceState>),
}

/// How it stands with an interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InterfaceState {
    /// What the configuration calls it.
    pub name: String,
    /// Frames that came from it and were reported.
    pub frames: u64,
    /// What was lost on the way.
    pub losses: Losses,
    /// Since when it cannot be read, if so.
    pub lost_since: Option<Timestamp>,
    /// Since when nothing comes from it, where that was told.
    pub silent_since: Option<Timestamp>,
}

impl Live {
    /// Opens interfaces for reading; the `missing` ones as soon as they are there.
    ///
    /// # Errors
    /// When one cannot be opened, or the filter is wrong.
    pub fn open(
        interfaces: &[Interface],
        missing: &[String],
        options: &config::Capture,
        prefilter: Option<&Prefilter>,
    ) -> Result<Self, Failure> {
        let present = interfaces
            .iter()
            .map(|interface| Ok(Port::open(&interface.name, open(&interface.name, options, prefilter)?, options)));
        let missing = missing.iter().map(|name| Port::missing(name, options));
        Ok(Self {
            ports: present.chain(missing).collect::<Result<_, _>>()?,
            frames: 0,
            merge_ms: options.merge_ms,
            silence: (options.silence_s > 0).then(|| Duration::from_secs(options.silence_s.into())),
            checked: Instant::now(),
            clock: Clock::new(),
        })
    }

    /// Reports frames until `stop` is set, and then those that the kernel has captured and not handed over yet.
    ///
    /// # Errors
    /// The first error of `on_event`, or when waiting for frames fails.
    pub fn run(
        &mut self,
        stop: &AtomicBool,
        mut on_event: impl FnMut(Event<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        while !stop.load(Ordering::Relaxed) {
            if self.read(&mut on_event)? > 0 {
                on_event(Event::Pause)?;
            } else if self.wait()? {
                on_event(Event::Idle(self.clock.time(now())))?;
            }
            if self.checked.elapsed() >= CHECK_INTERVAL {
                self.checked = Instant::now();
                self.clock.check().map_or(Ok(()), |news| on_event(Event::News(news)))?;
                let silence = self.silence;
                self.tell(&mut on_event, |port, tell| port.check(silence, tell))?;
                on_event(Event::Interfaces(self.ports.iter().map(Port::state).collect()))?;
            }
        }
        let deadline = Instant::now() + DRAIN;
        self.merge_ms = 0;
        while Instant::now() < deadline {
            if self.read(&mut on_event)? == 0 && self.wait()? {
                break;
            }
        }
        self.tell(&mut on_event, Port::finish)
    }

    /// The descriptors of its packet sockets, which stay the same as long as it lives.
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.ports.iter().map(Port::descriptor).collect()
    }

    /// What was lost on the way from the wire.
    pub fn losses(&mut self) -> Losses {
        let mut losses = Losses::default();
        self.ports.iter_mut().for_each(|port| losses += port.losses());
        losses
    }

    /// The interfaces from which no frame came.
    pub fn silent(&self) -> Vec<String> {
        let states = self.ports.iter().map(Port::state);
        states.filter(|state| state.frames == 0).map(|state| state.name).collect()
    }

    /// Reports the news that `look` finds of each interface.
    fn tell(
        &mut self,
        on_event: &mut impl FnMut(Event<'_>) -> Result<(), Failure>,
        look: impl Fn(&mut Port, &mut dyn FnMut(News)),
    ) -> Result<(), Failure> {
        let mut news = Vec::new();
        self.ports.iter_mut().for_each(|port| look(port, &mut |one| news.push(one)));
        news.into_iter().try_for_each(|one| on_event(Event::News(one)))
    }

    /// Reports what is at hand, at most [`BATCH`] frames an interface; tells how many.
    fn read(&mut self, on_event: &mut impl FnMut(Event<'_>) -> Result<(), Failure>) -> Result<usize, Failure> {
        let [port] = self.ports.as_mut_slice() else { return self.read_merged(on_event) };
        let mut count = 0;
        while count < BATCH
            && let Some(frame) = port.next(self.frames + 1)
        {
            self.frames += 1;
            count += 1;
            on_event(Event::Frame(Frame { time: self.clock.time(frame.time), ..frame }))?;
        }
        Ok(count)
    }

    /// The same with several interfaces: the earliest frame first, as soon as there is one of each, or none that could be
    /// earlier can be under way still.
    fn read_merged(&mut self, on_event: &mut impl FnMut(Event<'_>) -> Result<(), Failure>) -> Result<usize, Failure> {
        let now = Stamp::now().0;
        let mut count = 0;
        let mut is_any_missing = false;
        for port in &mut self.ports {
            is_any_missing |= hold(port);
        }
        while count < BATCH * self.ports.len() {
            let held = self.ports.iter_mut().filter_map(|port| Some((port.held()?.time, port)));
            let Some((time, port)) = held.min_by_key(|(time, _)| *time) else { break };
            if is_any_missing && !is_over(time, self.merge_ms, now) {
                break;
            }
            self.frames += 1;
            count += 1;
            if let Some(frame) = port.release(self.frames) {
                on_event(Event::Frame(Frame { time: self.clock.time(frame.time), ..frame }))?;
            }
            is_any_missing |= hold(port);
        }
        Ok(count)
    }

    /// Waits until frames are at hand; true when none came in time.
    fn wait(&self) -> Result<bool, Failure> {
        let is_held = |port: &&Port| port.held().is_some();
        let waiting = self.ports.iter().filter(|port| !is_held(port)).filter_map(Port::live);
        let mut ready: Vec<PollFd<'_>> =
            waiting.map(|source| PollFd::from_borrowed_fd(source.as_fd(), PollFlags::IN)).collect();
        let is_any_held = self.ports.iter().any(|port| is_held(&port));
        let patience = if is_any_held { MERGE_POLL } else { POLL };
        match poll(&mut ready, Some(&patience)) {
            Ok(count) => Ok(count == 0 && !is_any_held),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(Failure::Io(format!("cannot wait for frames: {error}"))),
        }
    }
}

/// Has an interface hold its next frame; true if one may come that is not at hand.
fn hold(port: &mut Port) -> bool {
    port.hold().is_none() && port.may_speak()
}

/// Whether the wait for earlier frames than this is over. What is of the future was stamped before the clock was set.
fn is_over(time: Timestamp, merge_ms: u32, now: Timestamp) -> bool {
    time.plus_ms(merge_ms) <= now || time > now
}

fn open(name: &str, options: &config::Capture, prefilter: Option<&Prefilter>) -> Result<Box<dyn Source>, Failure> {
    let source: Box<dyn Source> = match options.source {
        config::Source::AfPacket => Box::new(packet::PacketSocket::open(name, options)?),
        #[cfg(feature = "libpcap")]
        config::Source::Libpcap => Box::new(libpcap::Libpcap::open(name, options)?),
    };
    let socket = source.as_fd();
    let header = packet::header_len(name, link::hardware(&socket, name).unwrap_or(u16::MAX));
    if let Some((prefilter, header)) = prefilter.zip(header) {
        packet::set_filter(&socket, &prefilter.program(header)).map_err(|error| failure(name, &error))?;
    }
    Ok(source)
}

/// What keeps an interface from receiving, if anything is known to.
pub(crate) fn fault(name: &str) -> Option<&'static str> {
    let any = socket(AddressFamily::INET, SocketType::DGRAM, None).ok()?;
    link::Link::find(&any, name, None)?.fault
}

/// The time up to which all frames have been handed over.
fn now() -> Timestamp {
    Timestamp(Stamp::now().0.0.saturating_sub(LAG.as_nanos() as u64))
}

fn failure(name: &str, error: &impl Display) -> Failure {
    let said = error.to_string();
    let denied = said.contains("permi") || said.contains("EPERM");
    let hint = if denied { " (capturing needs root or the capability CAP_NET_RAW)" } else { "" };
    Failure::Io(format!("{name}: {said}{hint}"))
}

#[cfg(test)]
mod tests;
