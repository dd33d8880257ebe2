use std::path::Path;
use std::time::Instant;

use indicatif::ProgressBar;
use tagout_core::engine::Policy;
use tagout_core::{Config as SensorConfig, Frame, Sensor, Timestamp};
use tracing::{error, warn};

use super::args::ReplayArgs;
use super::ui::{STRIDE, Ui, hidden_bar, show_progress};
use crate::Failure;
use crate::capture::CaptureFile;
use crate::config::{Config, Ports};
use crate::delivery::Delivery;
use crate::evidence::Evidence;
use crate::intent::{Coming, Keys, Script};
use crate::memory::{Limits, Memory};
use crate::output::Recorder;
use crate::policy::load;
use crate::record::{Context, Losses, Origin};
use crate::store::Store;

/// Records of frames that come through a pipe are written out once in so much capture time.
const FLUSH_INTERVAL_MS: u32 = 1_000;

/// Reads capture files.
pub(super) fn replay(args: &ReplayArgs, ui: Ui) -> Result<(), Failure> {
    let sources = args.policy.sources()?;
    let compiled = sources.compile(ui.stderr_colour())?;
    let policy = load(&compiled.image)?;
    let mut config = Config { ports: args.ports.beside(Ports::default()), ..Config::default() };
    if args.output.every_alert {
        config.output.fold_interval_s = 0;
    }
    config.evidence.directory.clone_from(&args.output.evidence);
    let evidence = Evidence::open(&config.evidence, true)?;
    let config = config.sensor()?;
    let bar = hidden_bar();
    let sinks = args.output.sinks(&args.captures)?;
    let screen = (!args.output.quiet).then(|| ui.screen(&sinks, &bar));
    let piped = args.captures.iter().any(|capture| capture == Path::new("-"));
    let several = args.captures.len() > 1;
    let names: Vec<String> = args.captures.iter().map(|path| path.display().to_string()).collect();
    let context = Context { origin: Origin::capture_file(""), policy, sources: &sources };
    let delivery = args.delivery()?;
    let recorder = Recorder::new(context, sinks, screen, piped)
        .with_delivery(delivery)
        .with_repeat_interval(args.output.repeat_interval.unwrap_or(0))
        .with_format(args.output.format)
        .with_evidence(evidence)
        .with_store(args.store.as_deref().map(Store::replace).transpose()?);
    let keys = Keys::of(&policy)?;
    let script = args.intents.as_deref().map(|path| Script::read(path, &keys)).transpose()?;
    let mut replay = Replay {
        recorder,
        coming: Coming::new(script, &compiled.approvals, &policy),
        bar,
        piped,
        several,
        started: Instant::now(),
        flushed: Timestamp::default(),
        unreadable: false,
    };
    if args.continued {
        replay.joined(&names, config, policy);
    } else {
        replay.one_by_one(&names, &config, policy);
    }
    replay.finish(args)
}

impl ReplayArgs {
    /// The way to the destinations that were asked for; a replay waits for them.
    fn delivery(&self) -> Result<Option<Delivery>, Failure> {
        let Some(path) = &self.deliver else { return Ok(None) };
        let config = Config::read(path)?;
        let mut delivery = Delivery::open(&config.destinations(), &config.spool, true)?;
        delivery.as_mut().map_or(Ok(()), Delivery::start)?;
        Ok(delivery)
    }
}

/// A replay in progress.
struct Replay<'a> {
    recorder: Recorder<'a>,
    /// What was declared meanwhile.
    coming: Coming,
    bar: ProgressBar,
    /// Whether frames may be coming as they happen.
    piped: bool,
    /// Whether there are several captures, so that it has to be told which one it is.
    several: bool,
    started: Instant,
    /// Capture time of the last flush of what comes through a pipe.
    flushed: Timestamp,
    /// Whether a capture could not be read to its end; why has been said.
    unreadable: bool,
}

/// Where a capture ended.
#[derive(Default)]
struct End {
    /// Number of its last frame.
    frame: u64,
    /// Time of its last frame.
    time: Timestamp,
    losses: Losses,
}

impl<'a> Replay<'a> {
    /// Each capture by itself.
    fn one_by_one(&mut self, names: &'a [String], config: &SensorConfig, policy: Policy<'_>) {
        for name in names {
            let mut memory = Memory::new(&Limits::default(), policy);
            let mut sensor = Sensor::new(config.clone(), policy, memory.lend());
            self.coming.begin(&mut sensor);
            let end = self.capture(name, 0, &mut sensor);
            self.coming.settle(&mut sensor, &mut self.recorder);
            sensor.finish(&mut self.recorder);
            self.recorder.end_capture(end.time, end.losses, &sensor.counters());
        }
    }

    /// All captures as one.
    fn joined(&mut self, names: &'a [String], config: SensorConfig, policy: Policy<'_>) {
        let mut memory = Memory::new(&Limits::default(), policy);
        let mut sensor = Sensor::new(config, policy, memory.lend());
        self.coming.begin(&mut sensor);
        let mut end = End::default();
        for name in names {
            let next = self.capture(name, end.frame, &mut sensor);
            end.losses += next.losses;
            end = End { losses: end.losses, ..next };
        }
        self.coming.settle(&mut sensor, &mut self.recorder);
        sensor.finish(&mut self.recorder);
        self.recorder.end_capture(end.time, end.losses, &sensor.counters());
    }

    /// Reads a capture, whose frames are numbered from the one behind `before`.
    fn capture(&mut self, name: &'a str, before: u64, sensor: &mut Sensor<'_>) -> End {
        self.recorder.set_origin(Origin::capture_file(name));
        if self.several {
            self.recorder.show_origin();
        }
        let mut end = End { frame: before, ..End::default() };
        let result = CaptureFile::open(Path::new(name)).and_then(|mut file| {
            while let Some(frame) = file.next()? {
                let frame = Frame { number: before + frame.number, ..frame };
                self.coming.deliver(frame.time, sensor, &mut self.recorder);
                self.recorder.take(&frame);
                sensor.frame(&frame, &mut self.recorder);
                (end.frame, end.time) = (frame.number, frame.time);
                if self.is_due(&frame) && !self.pause(&file, end.time) {
                    break;
                }
            }
            Ok(file.cut_off())
        });
        match result {
            Ok(None) => {}
            Ok(Some(cut_off)) => {
                end.losses.cut_off_frames = 1;
                warn!("{name}: cut off within frame {}; everything before it was read", before + cut_off.frame);
            }
            Err(problem) => {
                self.unreadable = true;
                error!("{name}: {problem}");
            }
        }
        end
    }

    /// Whether it is time for a pause behind this frame.
    #[inline]
    fn is_due(&self, frame: &Frame<'_>) -> bool {
        frame.number.is_multiple_of(STRIDE) || self.piped && frame.time > self.flushed.plus_ms(FLUSH_INTERVAL_MS)
    }

    /// Shows how far it is; tells whether there is a point in going on.
    fn pause(&mut self, file: &CaptureFile, now: Timestamp) -> bool {
        if self.piped {
            self.flushed = now;
            // A failure is kept, and asked for below.
            let _ = self.recorder.flush();
        }
        show_progress(file, &self.bar, self.started);
        !self.recorder.has_failed()
    }

    fn finish(mut self, args: &ReplayArgs) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        let delivered = self.recorder.end_delivery();
        self.recorder.end_store();
        self.recorder.summarise(&[]);
        self.recorder.flush()?;
        delivered?;
        match (args.fail_on_alert, self.recorder.worst()) {
            _ if self.unreadable => Err(Failure::Captures),
            (Some(limit), Some(worst)) if worst <= limit => Err(Failure::Findings),
            _ => Ok(()),
        }
    }
}
