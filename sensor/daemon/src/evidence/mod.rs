//! The packets behind an alert.
//!
//! The latest frames of plant protocols are kept in a ring. When there is an alert, those of its flow that led to it are put
//! into a file, whose name and hash the alert carries; what came right after it goes into a second file, a little later.

mod file;
mod ring;
mod shelf;
mod viewer;

use std::collections::VecDeque;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tagout_core::words::Subject;
use tagout_core::{Alert, AlertId, Frame, Path, Timestamp};

use self::file::PcapNg;
use self::ring::{Kept, Ring};
use self::shelf::Shelf;
pub use self::viewer::{Found, Packet, find};
use crate::Failure;
use crate::record::{Hex, Stamp};

/// Frames of one file at most: an exchange can be spread over many segments.
const MOST_FRAMES: usize = 512;
/// Alerts of which what comes after is awaited at most; more of them have it cut short.
const MOST_LATER: usize = 1_024;

/// `[evidence]`: the packets behind alerts.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Where they are kept, a folder a day; none are if this is left out. Relative to the configuration file.
    pub directory: Option<PathBuf>,
    /// Packets of the flow before the exchange.
    pub before: usize,
    /// Packets of the flow after the alert.
    pub after: usize,
    /// How long after the alert.
    pub after_ms: u32,
    /// Room for the latest packets in memory.
    pub ring_mib: usize,
    /// How many packets that is at most.
    pub ring_packets: usize,
    /// Room on disk: the oldest files make room for new ones.
    pub most_mib: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            directory: None,
            before: 32,
            after: 8,
            after_ms: 1_000,
            ring_mib: 16,
            ring_packets: 65_536,
            most_mib: 1_024,
        }
    }
}

/// Where the packets behind an alert are.
#[derive(Serialize, JsonSchema, Clone, PartialEq, Eq, Debug)]
#[schemars(rename = "Evidence")]
pub struct Reference {
    /// The pcapng file, in the folder for evidence.
    pub file: String,
    /// Its SHA-256, in hexadecimal.
    #[schemars(extend("pattern" = "^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// How many packets are in it.
    pub packets: usize,
    /// Whether packets of the exchange are missing, which were in memory no more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
}

/// Keeps the packets behind alerts.
pub struct Evidence {
    options: Options,
    ring: Ring,
    shelf: Shelf,
    /// Alerts of which what came after is still to be kept, in the order in which that is due.
    later: VecDeque<Later>,
    /// The latest time that is known of.
    now: Timestamp,
}

/// What came after an alert.
struct Later {
    due: Timestamp,
    path: Path,
    /// Number of the last frame that has been kept.
    behind: u64,
    name: String,
    about: String,
}

/// What an alert is about, as numbers of frames.
struct Span {
    first: u64,
    request: Option<u64>,
    response: Option<u64>,
}

impl Evidence {
    /// Begins to keep the packets behind alerts; `None` if there is no folder for them. Who waits for the disk loses
    /// none, but is kept waiting.
    ///
    /// # Errors
    /// When the folder cannot be made, or no thread be started.
    pub fn open(options: &Options, waits: bool) -> Result<Option<Self>, Failure> {
        let Some(directory) = &options.directory else { return Ok(None) };
        let most = options.most_mib.saturating_mul(1 << 20);
        let shelf = Shelf::open(directory, most, waits).map_err(|error| Failure::input(directory, &error))?;
        let ring = Ring::new(options.ring_mib.saturating_mul(1 << 20), options.ring_packets);
        Ok(Some(Self { options: options.clone(), ring, shelf, later: VecDeque::new(), now: Timestamp::default() }))
    }

    /// Takes a frame, before the sensor does.
    #[inline]
    pub fn take(&mut self, frame: &Frame<'_>) {
        self.advance(frame.time);
        self.ring.take(frame);
    }

    /// The frame that was taken last belongs to this flow.
    #[inline]
    pub fn belongs(&mut self, flow: Option<u64>) {
        self.ring.keep(flow);
    }

    /// Lets time pass.
    #[inline]
    pub fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        while self.later.front().is_some_and(|later| later.due <= now) {
            self.keep_later();
        }
    }

    /// Ends a capture: what comes then has nothing to do with it.
    pub fn end_capture(&mut self) {
        while !self.later.is_empty() {
            self.keep_later();
        }
        self.now = Timestamp::default();
        self.ring.clear();
    }

    /// How many files could not be kept: the disk was full, or too slow.
    pub fn lost(&self) -> u64 {
        self.shelf.lost()
    }

    /// Keeps what led to an alert, and says where. `None` for a summary, which has no packets of its own, for an alert
    /// of whose flow no packet is in memory, and where no more can be kept.
    pub fn of(&mut self, alert: &Alert<'_>, subject: &Subject<'_>) -> Option<Reference> {
        if alert.repeats.is_some() {
            return None;
        }
        let span = Span::of(alert);
        let kept = self.led_to(&alert.path, &span);
        let behind = kept.last()?.number;
        let mut file = PcapNg::about(&format!("alert {}: {}. {}", alert.id, subject.signature(), subject.why()));
        for frame in &kept {
            file.frame(&self.ring, frame, span.comment(frame.number, subject).as_deref());
        }
        let (bytes, name) = (file.finish(), name(alert.time, alert.id));
        let reference = Reference {
            file: format!("{name}.pcapng"),
            sha256: Hex(&Sha256::digest(&bytes)).to_string(),
            packets: kept.len(),
            incomplete: span.is_cut(&kept),
        };
        if !self.shelf.put(reference.file.clone(), bytes) {
            return None;
        }
        if self.later.len() == MOST_LATER {
            self.keep_later();
        }
        let (due, about) = (self.now.plus_ms(self.options.after_ms), format!("after alert {}", alert.id));
        self.later.push_back(Later { due, path: alert.path, behind, name, about });
        Some(reference)
    }

    /// The frames of the exchange, some before it, and what there is behind it, in their order.
    fn led_to(&self, path: &Path, span: &Span) -> Vec<Kept> {
        let mut before = 0;
        let mut kept: Vec<Kept> = (self.ring.between(path).rev())
            .take_while(|frame| {
                before += usize::from(frame.number < span.first);
                before <= self.options.before
            })
            .take(MOST_FRAMES)
            .copied()
            .collect();
        kept.reverse();
        kept
    }

    fn keep_later(&mut self) {
        let Some(Later { path, behind, name, about, .. }) = self.later.pop_front() else { return };
        let mut frames =
            self.ring.between(&path).filter(|frame| frame.number > behind).take(self.options.after).peekable();
        if frames.peek().is_some() {
            let mut file = PcapNg::about(&about);
            frames.for_each(|frame| file.frame(&self.ring, frame, None));
            self.shelf.put(format!("{name}.after.pcapng"), file.finish());
        }
    }
}

impl Span {
    fn of(alert: &Alert<'_>) -> Self {
        let number = |seen: Option<tagout_core::Seen>| seen.map(|seen| seen.frame);
        let request = alert.exchange.and_then(|exchange| number(exchange.request));
        let response = alert.exchange.and_then(|exchange| number(exchange.response));
        let request = request.or(alert.anomaly.map(|anomaly| anomaly.seen.frame));
        let first = request.into_iter().chain(response).min().unwrap_or(u64::MAX);
        Self { first, request, response }
    }

    /// What was seen in the frame of this number.
    fn comment(&self, number: u64, subject: &Subject<'_>) -> Option<String> {
        if self.request == Some(number) {
            Some(format!("{} → {}: {}", subject.who(), subject.what(), subject.complaint()))
        } else if self.response == Some(number) {
            subject.answer.map(|answer| answer.to_string())
        } else {
            None
        }
    }

    /// Whether a frame of the exchange is not among these.
    fn is_cut(&self, kept: &[Kept]) -> bool {
        let is_kept = |number: &u64| kept.iter().any(|frame| frame.number == *number);
        !self.request.iter().chain(&self.response).all(is_kept)
    }
}

/// A file's name without its ending: the day, and the alert.
fn name(time: Timestamp, alert: AlertId) -> String {
    let day = Stamp(time).to_string();
    format!("{}/{alert}", day.get(..10).unwrap_or_default())
}
