use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tagout_core::{Counter, Sensor, Timestamp};
use tracing::{info, warn};

use super::args::RunArgs;
use super::pin::pin;
use super::reload::{Reload, Standing};
use super::ui::{Ui, hidden_bar};
use crate::Failure;
use crate::capture::interfaces::{self, Interface};
use crate::capture::live::{Event, InterfaceState, Live};
use crate::config::Config;
use crate::delivery::{Delivery, host_name};
use crate::evidence::Evidence;
use crate::heartbeat::Pulse;
use crate::intent::{Approvals, Feed, Inlet};
use crate::management::{Board, Census, Management, Vitals};
use crate::memory::Memory;
use crate::news::NewsKind;
use crate::output::{Existing, Recorder, Sinks, Target};
use crate::policy::{Sources, Written};
use crate::record::{Context, Origin, Stamp};
use crate::restarts;
use crate::sandbox::{self, Grants};
use crate::service::Service;
use crate::store::Store;

/// Records are written out at the latest after this long.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

/// Watches live interfaces until interrupted.
pub(super) fn run(args: &RunArgs, ui: Ui) -> Result<(), Failure> {
    let config = args.config()?;
    let (sources, seal) = Sources::read_sealed(&config.policy)?;
    let compiled = sources.compile(ui.stderr_colour())?;
    let standing = Standing::new(sources, compiled, seal)?;
    Opened::confined(args, &config, standing)?.work(args, &config, ui)
}

/// What is open when the process has locked itself in.
struct Opened {
    /// The interfaces' names, joined by `+`.
    name: String,
    live: Live,
    stop: Arc<AtomicBool>,
    standing: Standing,
    reload: Reload,
    sinks: Sinks,
    delivery: Option<Delivery>,
    service: Service,
    management: Option<Management>,
    inlet: Option<Inlet>,
    restarts: Option<u64>,
}

impl Opened {
    /// Opens all that is needed, and gives up the rest, before the first thread is started.
    fn confined(args: &RunArgs, config: &Config, standing: Standing) -> Result<Self, Failure> {
        let Written { policy, sources } = standing.written;
        let (interfaces, missing) = find_any(&config.capture.interface)?;
        let present = interfaces.iter().map(|interface| interface.name.as_str());
        let name = present.chain(missing.iter().map(String::as_str)).collect::<Vec<_>>().join("+");
        let stop = stop_flag()?;
        let reload = Reload::on_signal(config, config.tables()?, standing.clone())?;
        let live = Live::open(&interfaces, &missing, &config.capture, config.prefilter().as_ref())?;
        let target = |path: &Option<_>| path.clone().map(Target::from);
        let sinks = Sinks::open(target(&config.output.alerts), target(&config.output.events), Existing::Keep)?;
        let delivery = Delivery::open(&config.destinations(), &config.spool, false)?;
        let service = Service::find();
        let management = Management::open(&config.management, &interfaces)?;
        let inlet = Inlet::open(&config.intents, &policy)?;
        let mut grants = Grants::needed_by(config, args.config.as_deref(), sources)?;
        inlet.iter().for_each(|inlet| inlet.ask_for(&mut grants));
        let restarts = config.lasting_folder().map(restarts::count);
        sandbox::enter(config.sandbox.mode, &grants, &live.descriptors())?;
        Ok(Self { name, live, stop, standing, reload, sinks, delivery, service, management, inlet, restarts })
    }

    /// Watches until interrupted.
    fn work(mut self, args: &RunArgs, config: &Config, ui: Ui) -> Result<(), Failure> {
        let policy = self.standing.written.policy;
        let screen = (!args.output.quiet).then(|| ui.screen(&self.sinks, &hidden_bar()));
        let board = self.start()?;
        let host = host_name();
        let context =
            Context { origin: Origin::interface(&self.name, &host), policy, sources: self.standing.written.sources };
        let mut recorder = Recorder::new(context, self.sinks, screen, true)
            .with_repeat_interval(config.output.repeat_interval_s)
            .with_format(args.output.format)
            .with_evidence(Evidence::open(&config.evidence, false)?)
            .with_store(Store::open(&config.store)?)
            .with_delivery(self.delivery);
        let mut memory = Memory::new(&config.tables()?, policy);
        let mut sensor = Sensor::new(config.sensor()?, policy, memory.lend());
        let feed = self.inlet.map(|inlet| inlet.start(self.standing.keys.clone())).transpose()?;
        // Behind the other threads, which would be kept there too.
        if let Some(cpu) = config.capture.cpu {
            self.reload.compile_on(pin(cpu)?);
        }
        info!("watching {}", self.name);
        self.service.ready();
        let mut between = Between {
            reload: self.reload,
            feed,
            approvals: self.standing.approvals(),
            service: self.service,
            board,
            pulse: Pulse::new(config.output.heartbeat_s),
            restarts: self.restarts,
            census: Census::new(&sensor),
            known: Timestamp::default(),
            flushed: Instant::now(),
        };
        between.expect_declarations(&mut sensor);
        let watched = watch(&mut self.live, &self.stop, &mut between, &mut sensor, &mut recorder);
        between.service.stopping();
        conclude(watched, &mut self.live, &mut sensor, &mut recorder)
    }

    /// Starts what delivers, and what answers over the management address; the board that it reads from.
    fn start(&mut self) -> Result<Arc<Board>, Failure> {
        self.delivery.as_mut().map_or(Ok(()), Delivery::start)?;
        let board = Arc::new(Board::new(self.reload.state().clone(), self.restarts));
        if let Some(management) = self.management.take() {
            let receipts = self.inlet.as_ref().and_then(Inlet::receipts);
            management.start(Arc::clone(&board), self.delivery.as_ref().map(Delivery::observer), receipts)?;
        }
        Ok(board)
    }
}

/// Tells what it all came to, and hands over what waits; `watched` is the time of the last frame.
fn conclude(
    watched: Result<Timestamp, Failure>,
    live: &mut Live,
    sensor: &mut Sensor<'_>,
    recorder: &mut Recorder<'_>,
) -> Result<(), Failure> {
    sensor.finish(recorder);
    let time = *watched.as_ref().unwrap_or(&Timestamp::default());
    if let Err(lost) = recorder.end_delivery() {
        warn!("{}", lost.message().unwrap_or_default());
    }
    recorder.end_capture(time, live.losses(), &sensor.counters());
    recorder.end_store();
    recorder.summarise(&live.silent());
    recorder.flush()?;
    watched.map(drop)
}

/// Takes frames until the end; returns the time of the last one.
fn watch(
    live: &mut Live,
    stop: &AtomicBool,
    between: &mut Between,
    sensor: &mut Sensor<'_>,
    recorder: &mut Recorder<'_>,
) -> Result<Timestamp, Failure> {
    let mut last = Timestamp::default();
    live.run(stop, |event| {
        match event {
            Event::Frame(frame) => {
                last = last.max(frame.time);
                recorder.take(&frame);
                sensor.frame(&frame, recorder);
                return Ok(());
            }
            Event::Pause => {}
            Event::Idle(now) => {
                between.known = now;
                sensor.advance(now, recorder);
                recorder.advance(now);
            }
            Event::News(news) => {
                if matches!(news.kind, NewsKind::KernelDrops | NewsKind::InterfaceDrops) {
                    sensor.miss(news.count.unwrap_or(1));
                }
                recorder.tell(&news);
            }
            Event::Interfaces(interfaces) => between.post(interfaces, last, sensor, recorder),
        }
        between.step(last, sensor, recorder)
    })?;
    Ok(last)
}

/// What has its turn between two frames.
struct Between {
    reload: Reload,
    feed: Option<Feed>,
    approvals: Approvals,
    service: Service,
    board: Arc<Board>,
    pulse: Pulse,
    restarts: Option<u64>,
    census: Census,
    /// Everything up to this time had been captured when nothing came last.
    known: Timestamp,
    flushed: Instant,
}

impl Between {
    fn step(&mut self, last: Timestamp, sensor: &mut Sensor<'_>, recorder: &mut Recorder<'_>) -> Result<(), Failure> {
        if let Some((standing, renewal)) = self.reload.step(sensor, recorder) {
            self.approvals.succeed(standing.approvals(), sensor, recorder);
            if let Some(feed) = &self.feed {
                feed.renew(standing.keys.clone(), renewal);
            }
            self.expect_declarations(sensor);
        }
        let now = last.max(self.known);
        if now > Timestamp::default() {
            self.approvals.deliver(now, sensor, recorder);
        }
        if let Some(feed) = &self.feed {
            feed.give(now, sensor, recorder);
        }
        self.service.reloading(self.reload.is_at_work());
        self.service.live(|| status(sensor, recorder));
        recorder.hand_over();
        if self.flushed.elapsed() >= FLUSH_INTERVAL {
            self.flushed = Instant::now();
            recorder.advance(last);
            recorder.keep(Stamp::now().0, &sensor.counters());
            recorder.flush()?;
        }
        Ok(())
    }

    /// Tells the sensor whether it is going to hear of declarations: from a feed, or from the policy.
    fn expect_declarations(&self, sensor: &mut Sensor<'_>) {
        let is_there = self.feed.is_some() || !self.approvals.is_empty();
        if !is_there && sensor.policy().has_intents() {
            warn!("the policy asks for declarations, and [intents] names no place where they come from");
        }
        sensor.expect_feed(is_there);
    }

    /// Tells how it stands when it is time to, and leaves it for whoever asks over the management address.
    fn post(
        &mut self,
        interfaces: Vec<InterfaceState>,
        last: Timestamp,
        sensor: &Sensor<'_>,
        recorder: &mut Recorder<'_>,
    ) {
        let at = Instant::now();
        let is_due = self.pulse.beat(at);
        let vitals = Vitals {
            at,
            last_frame: (last > Timestamp::default()).then_some(last),
            counters: sensor.counters(),
            recorded: recorder.recorded().clone(),
            evidence_lost: recorder.evidence_lost(),
            records_lost: recorder.records_lost(),
            interfaces,
            policy: self.reload.state().clone(),
            tables: self.census.step(sensor).to_vec(),
            store: recorder.store(),
            refused_declarations: self.feed.as_ref().map(Feed::refused),
            heartbeats: self.pulse.beats(),
            restarts: self.restarts,
        };
        if is_due {
            recorder.beat(&self.pulse, &vitals);
        }
        self.board.post(vitals);
    }
}

/// What has been seen, for the service manager.
fn status(sensor: &Sensor<'_>, recorder: &Recorder<'_>) -> String {
    format!("{} frames, {} alerts", sensor.counters().get(Counter::Frames), recorder.alerts())
}

impl RunArgs {
    /// The configuration file with the options of the command line over it.
    fn config(&self) -> Result<Config, Failure> {
        let mut config = self.config.as_deref().map_or_else(|| Ok(Config::default()), Config::read)?;
        if !self.interface.is_empty() {
            config.capture.interface.clone_from(&self.interface);
        }
        if config.capture.interface.is_empty() {
            return Err(Failure::Usage(
                "no interface: name one with --interface, or in the configuration under \
                                       [capture]; `tagout interfaces` lists them"
                    .to_owned(),
            ));
        }
        config.capture.bpf = self.bpf.clone().or(config.capture.bpf);
        config.policy.files.extend(self.policy.policy.iter().cloned());
        config.policy.default_rules &= !self.policy.no_default_rules;
        config.output.alerts = self.output.alerts.clone().or(config.output.alerts);
        config.output.events = self.output.events.clone().or(config.output.events);
        config.evidence.directory = self.output.evidence.clone().or(config.evidence.directory);
        config.output.syslog.extend(self.syslog.iter().cloned());
        config.output.repeat_interval_s = self.output.repeat_interval.unwrap_or(config.output.repeat_interval_s);
        if self.output.every_alert {
            config.output.fold_interval_s = 0;
        }
        config.ports = self.ports.beside(config.ports);
        config.sandbox.mode = self.sandbox.unwrap_or(config.sandbox.mode);
        config.refuse_shared_files()?;
        Ok(config)
    }
}

pub(super) fn find(names: &[String]) -> Result<Vec<Interface>, Failure> {
    let all = interfaces::all();
    let found = names.iter().map(|name| interfaces::find(name, &all));
    found.collect::<Result<_, _>>().map_err(|error| Failure::Usage(error.to_string()))
}

/// The interfaces that are there, and the names of those that are not, which may come later. One must be there: a sensor that
/// sees nothing is a mistake. What has an address is there.
fn find_any(names: &[String]) -> Result<(Vec<Interface>, Vec<String>), Failure> {
    let all = interfaces::all();
    let (found, missing): (Vec<_>, Vec<_>) =
        names.iter().map(|name| (name, interfaces::find(name, &all))).partition(|(_, found)| found.is_ok());
    let is_address = |(name, _): &(&String, _)| name.parse::<IpAddr>().is_ok();
    if found.is_empty() || missing.iter().any(is_address) {
        return find(names).map(|found| (found, Vec::new()));
    }
    let missing = missing.into_iter().map(|(name, _)| name.clone()).collect();
    Ok((found.into_iter().filter_map(|(_, found)| found.ok()).collect(), missing))
}

/// A flag that is set by the signals that ask for an end.
pub(super) fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register(signal, Arc::clone(&stop))
            .map_err(|error| Failure::Io(format!("cannot listen for signals: {error}")))?;
    }
    Ok(stop)
}
