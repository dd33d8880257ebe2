use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

use indicatif::ProgressBar;
use tagout_compiler::{SourceFile, format};
use tagout_core::engine::Policy;
use tagout_core::{Config as SensorConfig, Folding, Sensor};
use tracing::{error, info, warn};

use super::args::LearnArgs;
use super::run::{find, stop_flag};
use super::ui::{STRIDE, Ui, hidden_bar, show_progress};
use crate::Failure;
use crate::capture::CaptureFile;
use crate::capture::live::{Event, Live};
use crate::config::{Config, Ports};
use crate::learn::{Learned, Limits, Listener, Proposal};
use crate::memory::{self, Memory};
use crate::policy::{Sources, load};

/// Writes a policy out of traffic.
pub(super) fn learn(args: &LearnArgs, ui: Ui) -> Result<(), Failure> {
    clear(args)?;
    let image = match args.against.as_slice() {
        [] => None,
        // The shipped rules tell what departs from its cadences.
        policy => Some(Sources::read(policy, true)?.compile(ui.stderr_colour())?.image),
    };
    let policy = image.as_deref().map_or(Ok(Policy::empty()), load)?;
    let config = Config { ports: args.ports.beside(Ports::default()), ..Config::default() };
    let limits = Limits { things: args.max_things, ..Limits::default() };
    let limits = Limits { points: limits.points.max(args.max_points), ..limits };
    let mut listener = Listener::against(limits, policy);
    let (inputs, all_read) = match &args.from_live {
        Some(name) => (listen(args, name, &config, &mut listener)?, true),
        None => read(args, &every_alert(config.sensor()?), &mut listener),
    };
    if image.is_some() {
        let proposal = listener.propose(&inputs);
        write(&args.output, &[(PROPOSAL, &proposal.page)])?;
        tell_proposal(args, &proposal)?;
    } else {
        let learned = listener.learn(&inputs, args.max_points);
        let files: Vec<_> = learned.files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        write(&args.output, &files)?;
        tell(args, &learned)?;
    }
    if all_read { Ok(()) } else { Err(Failure::Captures) }
}

/// Files that learning writes.
const FILES: [&str; 5] = ["actors.toml", "devices.toml", "permits.toml", "cadences.toml", "review.md"];

/// What learning against a policy writes: not `.toml`, so that no folder of policies takes it in.
const PROPOSAL: &str = "proposal.md";

/// Makes sure that nobody's work is written over.
fn clear(args: &LearnArgs) -> Result<(), Failure> {
    let names: &[&str] = if args.against.is_empty() { &FILES } else { &[PROPOSAL] };
    let standing = names.iter().map(|name| args.output.join(name)).find(|path| path.exists());
    match standing {
        Some(path) if !args.force => Err(Failure::Usage(format!(
            "{} is there already: name another folder, or give --force to write over it",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// What is learned counts, and not what is worth telling.
fn every_alert(config: SensorConfig) -> SensorConfig {
    SensorConfig { folding: Folding::OFF, ..config }
}

/// Reads captures, each by itself; returns their names, and whether all could be read.
fn read(args: &LearnArgs, config: &SensorConfig, listener: &mut Listener<'_>) -> (Vec<String>, bool) {
    let bar = hidden_bar();
    let mut all_read = true;
    let mut names = Vec::new();
    for path in &args.captures {
        let policy = listener.policy();
        let mut memory = Memory::new(&memory::Limits::default(), policy);
        let mut sensor = Sensor::new(config.clone(), policy, memory.lend());
        if let Err(problem) = capture(path, &mut sensor, listener, &bar) {
            error!("{}: {problem}", path.display());
            all_read = false;
        }
        sensor.finish(listener);
        names.push(path.display().to_string());
    }
    bar.finish_and_clear();
    (names, all_read)
}

fn capture(
    path: &Path,
    sensor: &mut Sensor<'_>,
    listener: &mut Listener<'_>,
    bar: &ProgressBar,
) -> Result<(), crate::capture::CaptureError> {
    let started = Instant::now();
    let mut file = CaptureFile::open(path)?;
    while let Some(frame) = file.next()? {
        sensor.frame(&frame, listener);
        if frame.number.is_multiple_of(STRIDE) {
            show_progress(&file, bar, started);
        }
    }
    if let Some(cut_off) = file.cut_off() {
        warn!("{}: cut off within frame {}; everything before it was read", path.display(), cut_off.frame);
    }
    Ok(())
}

/// Learns from an interface, for as long as asked or until interrupted; returns its name.
fn listen(args: &LearnArgs, name: &str, config: &Config, listener: &mut Listener<'_>) -> Result<Vec<String>, Failure> {
    let interfaces = find(&[name.to_owned()])?;
    let stop = stop_flag()?;
    let mut live = Live::open(&interfaces, &[], &config.capture, config.prefilter().as_ref())?;
    let policy = listener.policy();
    let mut memory = Memory::new(&memory::Limits::default(), policy);
    let mut sensor = Sensor::new(every_alert(config.sensor()?), policy, memory.lend());
    let started = Instant::now();
    info!("learning from {name}");
    live.run(&stop, |event| {
        match event {
            Event::Frame(frame) => sensor.frame(&frame, listener),
            Event::Pause | Event::Interfaces(_) => {}
            Event::Idle(now) => sensor.advance(now, listener),
            Event::News(news) => warn!("{}", news.why),
        }
        if args.duration.is_some_and(|duration| started.elapsed() >= duration) {
            stop.store(true, Ordering::Relaxed);
        }
        Ok(())
    })?;
    sensor.finish(listener);
    let lost: u64 = live.losses().named().into_iter().map(|(_, count)| count).sum();
    if lost > 0 {
        warn!("{name}: {lost} frames were lost before they could be read");
    }
    Ok(interfaces.into_iter().map(|interface| interface.name).collect())
}

fn write(folder: &Path, files: &[(&str, &str)]) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::input(folder, &error))?;
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, laid_out(name, text)).map_err(|error| Failure::input(&path, &error))?;
    }
    Ok(())
}

/// A policy file as `tagout fmt` lays it out; any other as it is.
fn laid_out(name: &str, text: &str) -> String {
    let tidy = name.ends_with(".toml").then(|| format(&SourceFile::new(name, text)));
    tidy.and_then(Result::ok).unwrap_or_else(|| text.to_owned())
}

/// A summary for people.
fn tell(args: &LearnArgs, learned: &Learned) -> Result<(), Failure> {
    let [actors, devices, points, permits] = learned.counts;
    let folder = args.output.display();
    let mut out = io::stdout().lock();
    let decide = match learned.to_decide {
        0 => "Nothing is left to decide.".to_owned(),
        count => format!("To decide: {count}, not permitted."),
    };
    let lost = if learned.incomplete { "\nNot everything found room; the review tells." } else { "" };
    writeln!(
        out,
        "Learned {actors} actors, {devices} devices, {points} points, {permits} permits and {} cadences.\n{decide}{lost}\n\
         Read {folder}/review.md, then try: tagout check {folder}",
        learned.cadences
    )
    .map_err(|error| Failure::output("standard output", &error))
}

/// A summary of a proposal.
fn tell_proposal(args: &LearnArgs, proposal: &Proposal) -> Result<(), Failure> {
    let change = match proposal.proposed {
        0 => "Nothing to change: the policy permits every habit that was seen.".to_owned(),
        count => format!("Proposed: {count} new or wider permits. The policy was left as it is."),
    };
    let path = args.output.join(PROPOSAL);
    writeln!(io::stdout(), "{change}\nTo decide: {}, not proposed.\nRead {}", proposal.to_decide, path.display())
        .map_err(|error| Failure::output("standard output", &error))
}
