//! Scores tagout on labelled captures: what its detections, and a policy learned from clean traffic, find of each class of
//! attack, and what they alert on clean traffic.

mod clean;
mod datasets;
mod labels;
mod lesson;
mod report;
mod result;
mod sensor;

use std::error::Error;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use tagout_tests::{binary, corpus, workers};

use datasets::Dataset;
use report::Report;
use result::Outcome;
use sensor::Sensor;

/// What any step may fail with.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Learns from clean traffic, replays each labelled capture, and compares the alerts with the labels.
#[derive(Debug, Parser)]
#[command(name = "score", after_help = EXAMPLES)]
struct Arguments {
    /// Folder of captures with `MANIFEST.csv`, `labels/` and `truth/` [default: what TAGOUT_CAPTURES names, else
    /// ../shared/captures beside the workspace]
    #[arg(long, value_name = "FOLDER")]
    captures: Option<PathBuf>,
    /// Only captures whose name contains this; repeat for several
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Keep what is cut and alerted in this folder [default: a temporary one]
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Write the report as Markdown to this file, too
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Exit with 1 if of any class a smaller share of its events is detected
    #[arg(long, value_name = "SHARE")]
    min_recall: Option<f64>,
    /// Exit with 1 if any class is not detected within so many of its exchanges
    #[arg(long, value_name = "EXCHANGES")]
    within: Option<usize>,
}

const EXAMPLES: &str = "Examples:
  make score                                   every labelled capture
  make score SCORE='--only QUT --keep /tmp/s'  some of them; look at their alerts afterwards
  make score SCORE='--within 3'                exit with 1 if a class of attacks is found later

TAGOUT_BIN names the tagout to score; without it, one is built.
Exit codes: 0 fine; 1 below the bars given; 2 usage; 3 input or output.";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Some(captures) = folder(&arguments) else {
        println!(
            "skipped: no labelled captures at ../shared/captures (--captures or TAGOUT_CAPTURES names another place)"
        );
        return ExitCode::SUCCESS;
    };
    match score(&arguments, &captures) {
        Ok(report) => judge(&arguments, &report),
        Err(error) => {
            eprintln!("score: {error}");
            ExitCode::from(3)
        }
    }
}

/// The folder of captures, if it has labels.
fn folder(arguments: &Arguments) -> Option<PathBuf> {
    let folder = arguments.captures.clone().or_else(corpus::directory)?;
    folder.join("labels").is_dir().then_some(folder)
}

fn score(arguments: &Arguments, captures: &Path) -> Result<Report> {
    let temporary = tempfile::tempdir()?;
    let stage = arguments.keep.as_deref().unwrap_or(temporary.path());
    let is_asked_for = |dataset: &Dataset| {
        arguments.only.is_empty() || arguments.only.iter().any(|text| dataset.capture.contains(text))
    };
    let datasets: Vec<Dataset> = datasets::datasets(captures)?.into_iter().filter(is_asked_for).collect();
    let mut report = Report::default();
    for outcome in workers::each(&datasets, |dataset| outcome(dataset, captures, stage)) {
        report.add(outcome?);
    }
    println!("{}", report.text());
    if let Some(file) = &arguments.write {
        fs::write(file, report.markdown())?;
    }
    Ok(report)
}

/// What becomes of one, in a folder of its own of the stage.
fn outcome(dataset: &Dataset, captures: &Path, stage: &Path) -> Result<Outcome> {
    let capture = &dataset.capture;
    if io::stderr().is_terminal() {
        eprintln!("{capture}");
    }
    let stage = stage.join(capture);
    fs::create_dir_all(&stage)?;
    let sensor = Sensor { binary: binary::tagout(), stage: &stage };
    result::of(dataset, captures, &sensor).map_err(|error| format!("{capture}: {error}").into())
}

fn judge(arguments: &Arguments, report: &Report) -> ExitCode {
    let below = report.below(arguments.min_recall, arguments.within);
    below.iter().for_each(|line| eprintln!("score: {line}"));
    if below.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
