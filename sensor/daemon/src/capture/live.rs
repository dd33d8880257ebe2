//! Live interfaces.
//!
//! Each interface has a source of its own: libpcap, or a packet socket of Linux without it.

#[cfg(feature = "libpcap")]
mod libpcap;
mod packet;

use std::fmt::Display;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tagout_core::{Frame, Timestamp};

use super::interfaces::Interface;
use crate::Failure;
use crate::config;
use crate::record::Losses;

/// The kernel hands over a block of frames at the latest after this long.
const BLOCK_TIMEOUT_MS: i32 = 1;
/// How long to wait for frames before time is told to pass.
const POLL: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// When nothing came for [`POLL`], everything captured this long ago has been handed over.
const LAG: Duration = Duration::from_millis(10);
/// Frames taken from one interface before the next one has its turn.
const BATCH: usize = 256;
/// How long frames that are waiting in the kernel are read after the end was asked for.
const DRAIN: Duration = Duration::from_secs(1);

/// One or several interfaces, whose frames make one capture.
pub struct Live {
    sources: Vec<Box<dyn Source>>,
    frames: u64,
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
}

impl Live {
    /// Opens interfaces for reading.
    ///
    /// # Errors
    /// When one cannot be opened, or the filter is wrong.
    pub fn open(interfaces: &[Interface], options: &config::Capture) -> Result<Self, Failure> {
        let sources = interfaces.iter().map(|interface| open(&interface.name, options));
        Ok(Self { sources: sources.collect::<Result<_, _>>()?, frames: 0 })
    }

    /// Reports frames until `stop` is set, and then those that the kernel has captured and not handed over yet.
    ///
    /// # Errors
    /// When an interface fails, or the first error of `on_event`.
    pub fn run(
        &mut self,
        stop: &AtomicBool,
        mut on_event: impl FnMut(Event<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        while !stop.load(Ordering::Relaxed) {
            if self.read(&mut on_event)? > 0 {
                on_event(Event::Pause)?;
            } else if self.wait()? {
                on_event(Event::Idle(now()))?;
            }
        }
        let deadline = Instant::now() + DRAIN;
        while Instant::now() < deadline {
            if self.read(&mut on_event)? == 0 && self.wait()? {
                break;
            }
        }
        Ok(())
    }

    /// What was lost on the way from the wire.
    pub fn losses(&mut self) -> Losses {
        let mut losses = Losses::default();
        self.sources.iter_mut().for_each(|source| losses += source.losses());
        losses
    }

    /// Reports what is at hand, at most [`BATCH`] frames an interface; tells how many.
    fn read(&mut self, on_event: &mut impl FnMut(Event<'_>) -> Result<(), Failure>) -> Result<usize, Failure> {
        let before = self.frames;
        for source in &mut self.sources {
            for _ in 0..BATCH {
                let Some(frame) = source.next(self.frames + 1)? else { break };
                self.frames += 1;
                on_event(Event::Frame(frame))?;
            }
        }
        Ok(usize::try_from(self.frames - before).unwrap_or(usize::MAX))
    }

    /// Waits until frames are at hand; true when none came in time.
    fn wait(&self) -> Result<bool, Failure> {
        let mut ready: Vec<PollFd<'_>> =
            self.sources.iter().map(|source| PollFd::from_borrowed_fd(source.as_fd(), PollFlags::IN)).collect();
        match poll(&mut ready, Some(&POLL)) {
            Ok(count) => Ok(count == 0),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(Failure::Io(format!("cannot wait for frames: {error}"))),
        }
    }
}

fn open(name: &str, options: &config::Capture) -> Result<Box<dyn Source>, Failure> {
    match options.source {
        config::Source::AfPacket => Ok(Box::new(packet::PacketSocket::open(name, options)?)),
        #[cfg(feature = "libpcap")]
        config::Source::Libpcap => Ok(Box::new(libpcap::Libpcap::open(name, options)?)),
    }
}

/// The time up to which all frames have been handed over, on the clock that stamps them.
fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(since_epoch.saturating_sub(LAG).as_nanos().try_into().unwrap_or(u64::MAX))
}

fn failure(name: &str, error: &impl Display) -> Failure {
    let said = error.to_string();
    let denied = said.contains("permi") || said.contains("EPERM");
    let hint = if denied { " (capturing needs root or the capability CAP_NET_RAW)" } else { "" };
    Failure::Io(format!("{name}: {said}{hint}"))
}
