//! An interface for as long as the daemon runs: down, renamed, gone, back, silent, overrun.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use tagout_core::{Frame, LinkType, Timestamp};
use tracing::warn;

use super::link::Link;
use super::{InterfaceState, Source, packet};
use crate::Failure;
use crate::capture::interfaces;
use crate::config;
use crate::news::{News, NewsKind};
use crate::record::{Losses, Stamp};

/// An interface is back when nothing was wrong with it for so long: one that flaps is told of once.
const SETTLED: Duration = Duration::from_secs(3);
/// The first pause between two attempts to read an interface, which is doubled up to the last.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];
/// Losses are told this far apart at least.
const LOSSES_INTERVAL: Duration = Duration::from_secs(60);

/// An interface, and what is known of it.
pub(super) struct Port {
    name: String,
    /// What it goes by now.
    alias: String,
    source: Box<dyn Source>,
    is_promiscuous: bool,
    /// The number of the interface that is read; `None` for all together, which are always there.
    index: Option<u32>,
    /// Whether frames can come.
    is_attached: bool,
    retry: Retry,
    trouble: Option<Trouble>,
    frames: u64,
    hearing: Hearing,
    /// What was lost, and what of it was told, and when.
    losses: Losses,
    told_losses: (Losses, Option<Instant>),
    /// The next frame, where several interfaces are put in order.
    held: Option<Held>,
    /// Room for its bytes.
    bytes: Vec<u8>,
}

/// Something is wrong with the interface.
struct Trouble {
    began: Timestamp,
    /// Since when nothing is wrong any more.
    calm: Option<Instant>,
}

/// When to try again.
struct Retry {
    at: Instant,
    pause: Duration,
}

impl Retry {
    fn new() -> Self {
        Self { at: Instant::now(), pause: PAUSES[0] }
    }

    fn failed(&mut self) {
        self.at = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(PAUSES[1]);
    }
}

/// When something last came.
struct Hearing {
    frames: u64,
    last: Instant,
    /// Since when the silence lasts that was told.
    told: Option<Timestamp>,
}

/// A frame that waits for its turn; its bytes are the port's.
#[derive(Clone, Copy)]
pub(super) struct Held {
    pub(super) time: Timestamp,
    link: LinkType,
    wire_len: u32,
}

impl Port {
    /// An interface that is read by `source`.
    pub(super) fn open(name: &str, source: Box<dyn Source>, options: &config::Capture) -> Self {
        let found = Link::find(&source.as_fd(), name, None);
        let index = found.map(|link| link.index).filter(|_| name != interfaces::ANY);
        Self {
            name: name.to_owned(),
            alias: name.to_owned(),
            source,
            is_promiscuous: options.promiscuous,
            index,
            is_attached: true,
            retry: Retry::new(),
            trouble: None,
            frames: 0,
            hearing: Hearing { frames: 0, last: Instant::now(), told: None },
            losses: Losses::default(),
            told_losses: (Losses::default(), None),
            held: None,
            bytes: Vec::new(),
        }
    }

    /// An interface that is not there, and read through a packet socket as soon as it is.
    ///
    /// # Errors
    /// When a packet socket cannot be opened, or cannot do what is asked for.
    pub(super) fn missing(name: &str, options: &config::Capture) -> Result<Self, Failure> {
        let source = Box::new(packet::PacketSocket::unattached(name, options)?);
        Ok(Self { is_attached: false, index: None, ..Self::open(name, source, options) })
    }

    /// The descriptor of its packet socket.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.source.as_fd()
    }

    /// The source, if something may come from it.
    pub(super) fn live(&self) -> Option<&dyn Source> {
        self.is_attached.then_some(&*self.source)
    }

    /// Whether something can come from it at present.
    pub(super) fn may_speak(&self) -> bool {
        self.is_attached && self.trouble.is_none()
    }

    /// The next frame at hand, which gets this number. A source that fails is attached anew later.
    #[inline]
    pub(super) fn next(&mut self, number: u64) -> Option<Frame<'_>> {
        if !self.is_attached {
            return None;
        }
        match self.source.next(number) {
            Ok(frame) => {
                self.frames += u64::from(frame.is_some());
                frame
            }
            Err(error) => {
                warn!("{}", error.message().unwrap_or_default());
                self.is_attached = false;
                None
            }
        }
    }

    /// The frame that waits for its turn; the next at hand if there was none.
    pub(super) fn hold(&mut self) -> Option<Held> {
        if self.held.is_none() {
            let mut bytes = std::mem::take(&mut self.bytes);
            self.held = self.next(0).map(|frame| {
                bytes.clear();
                bytes.extend_from_slice(frame.bytes);
                Held { time: frame.time, link: frame.link, wire_len: frame.wire_len }
            });
            self.bytes = bytes;
        }
        self.held
    }

    /// The frame that waits.
    pub(super) fn held(&self) -> Option<Held> {
        self.held
    }

    /// The frame that waited, whose turn it is, with this number.
    pub(super) fn release(&mut self, number: u64) -> Option<Frame<'_>> {
        let Held { time, link, wire_len } = self.held.take()?;
        Some(Frame { number, time, link, bytes: &self.bytes, wire_len })
    }

    /// How it stands with it, as of the last look.
    pub(super) fn state(&self) -> InterfaceState {
        InterfaceState {
            name: self.name.clone(),
            frames: self.frames - u64::from(self.held.is_some()),
            losses: self.losses,
            lost_since: self.trouble.as_ref().map(|trouble| trouble.began),
            silent_since: self.hearing.told,
        }
    }

    /// What was lost since the beginning.
    pub(super) fn losses(&mut self) -> Losses {
        self.losses = self.source.losses();
        self.losses
    }

    /// Looks after the interface; tells what changed. A silence of `silence` is told of, if there is to be a limit.
    pub(super) fn check(&mut self, silence: Option<Duration>, tell: &mut dyn FnMut(News)) {
        if self.name != interfaces::ANY {
            let link = Link::find(&self.source.as_fd(), &self.name, self.index);
            self.follow(link.as_ref(), tell);
            let fault = self.attach(link);
            self.tell_trouble(fault, tell);
        }
        if let Some(limit) = silence {
            self.tell_silence(limit, tell);
        }
        let losses = self.losses();
        self.tell_losses(losses, false, tell);
    }

    /// Tells what was not told yet, at the end.
    pub(super) fn finish(&mut self, tell: &mut dyn FnMut(News)) {
        let losses = self.losses();
        self.tell_losses(losses, true, tell);
    }

    fn news(&self, kind: NewsKind, why: impl Into<String>) -> News {
        News::new(kind, Stamp::now().0, why).of_interface(&self.name)
    }

    /// Takes note of what the interface is called.
    fn follow(&mut self, link: Option<&Link>, tell: &mut dyn FnMut(News)) {
        let Some(link) = link.filter(|link| link.name != self.alias) else { return };
        if link.name != self.name {
            let why = format!("{} is called {} now; it is read as before", self.alias, link.name);
            tell(self.news(NewsKind::InterfaceRenamed, why));
        }
        self.alias.clone_from(&link.name);
    }

    /// Attaches the source to the interface where it is not; what is wrong with the interface.
    fn attach(&mut self, link: Option<Link>) -> Option<String> {
        let Some(link) = link else {
            self.is_attached = false;
            return Some(format!("there is no interface {}", self.name));
        };
        if (!self.is_attached || self.index != Some(link.index)) && self.retry.at <= Instant::now() {
            let attached = packet::attach(&self.source.as_fd(), link.index, self.is_promiscuous);
            if let Err(error) = attached {
                self.retry.failed();
                return Some(format!("{} cannot be read: {error}", self.name));
            }
            (self.index, self.is_attached) = (Some(link.index), true);
        }
        match link.fault {
            None if !self.is_attached => Some(format!("{} cannot be read", self.name)),
            fault => fault.map(|fault| format!("{} {fault}", self.name)),
        }
    }

    fn tell_trouble(&mut self, fault: Option<String>, tell: &mut dyn FnMut(News)) {
        let Some(fault) = fault else { return self.tell_end_of_trouble(tell) };
        if let Some(trouble) = &mut self.trouble {
            trouble.calm = None;
            return;
        }
        let news = self.news(NewsKind::InterfaceLost, format!("{fault}; nothing is seen there until it is back"));
        self.trouble = Some(Trouble { began: news.time, calm: None });
        tell(news);
    }

    fn tell_end_of_trouble(&mut self, tell: &mut dyn FnMut(News)) {
        let Some(trouble) = &mut self.trouble else { return };
        let began = trouble.began;
        if trouble.calm.get_or_insert_with(Instant::now).elapsed() >= SETTLED {
            tell(self.news(NewsKind::InterfaceBack, format!("{} can be read again", self.name)).ending(began));
            self.trouble = None;
            self.retry = Retry::new();
            self.hearing.last = Instant::now();
        }
    }

    fn tell_silence(&mut self, limit: Duration, tell: &mut dyn FnMut(News)) {
        let quiet = self.hearing.last.elapsed();
        if self.frames != self.hearing.frames {
            (self.hearing.frames, self.hearing.last) = (self.frames, Instant::now());
            if let Some(began) = self.hearing.told.take() {
                let why = format!("frames come from {} again", self.name);
                tell(self.news(NewsKind::SilenceOver, why).ending(began));
            }
        } else if quiet >= limit && self.hearing.told.is_none() && self.may_speak() {
            let why = format!(
                "no frame has come from {} for {} s; is the mirror still configured, and the cable in its place?",
                self.name,
                limit.as_secs()
            );
            let news = self.news(NewsKind::Silence, why).with_count(limit.as_secs());
            self.hearing.told = Some(news.time);
            tell(news);
        }
    }

    /// Tells of frames that were lost since it was last told, at once if it is the first time for long, or the last.
    fn tell_losses(&mut self, now: Losses, is_last: bool, tell: &mut dyn FnMut(News)) {
        let (before, told) = self.told_losses;
        let is_due = is_last || told.is_none_or(|told| told.elapsed() >= LOSSES_INTERVAL);
        if now == before || !is_due {
            return;
        }
        self.told_losses = (now, Some(Instant::now()));
        let by_kernel = now.kernel_drops.saturating_sub(before.kernel_drops);
        let by_interface = now.interface_drops.saturating_sub(before.interface_drops);
        if by_kernel > 0 {
            let why = format!(
                "the kernel dropped {by_kernel} frames from {}, which nobody has judged: its buffer was full \
                 (capture.buffer_mib)",
                self.name
            );
            tell(self.news(NewsKind::KernelDrops, why).with_count(by_kernel));
        }
        if by_interface > 0 {
            let why = format!("{} itself dropped {by_interface} frames, which nobody has judged", self.name);
            tell(self.news(NewsKind::InterfaceDrops, why).with_count(by_interface));
        }
    }
}
