use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use tagout_compiler::testing::Test;
use tagout_compiler::{Diagnostic, Label, Level};

use super::args::TestArgs;
use super::ui::Ui;
use crate::Failure;
use crate::config::{Config, Ports};
use crate::intent::Keys;
use crate::policy::{Sources, load};
use crate::testing::{Bench, Problem, packets, run};

/// Holds a policy to its tests.
pub(super) fn test(args: &TestArgs, ui: Ui) -> Result<(), Failure> {
    let sources = Sources::read(&args.files, !args.no_default_rules)?;
    let compiled = sources.compile(ui.stderr_colour())?;
    let policy = load(&compiled.image)?;
    let config = Config { ports: args.ports.beside(Ports::default()), ..Config::default() }.sensor()?;
    let keys = Keys::of(&policy)?;
    let bench = Bench { policy, config: &config, keys: &keys, approvals: &compiled.approvals };
    let chosen = |test: &&Test| args.filter.as_ref().is_none_or(|text| test.name.contains(text.as_str()));
    let tests: Vec<_> = compiled.tests.iter().filter(chosen).collect();
    if let (Some(filter), true, false) = (&args.filter, tests.is_empty(), compiled.tests.is_empty()) {
        return Err(Failure::Usage(format!("no test has `{filter}` in its name")));
    }
    let mut told = Told { ui, json: args.json, failed: Vec::new(), count: 0 };
    for test in tests {
        let problems = run(test, bench).map_err(|error| {
            let path = test.capture().unwrap_or_default();
            Failure::Io(format!("{}: test `{}`: {path}: {error}", test.location, test.name))
        })?;
        if let (Some(folder), Some(Ok(packets))) = (&args.captures, packets(test, policy, &config)) {
            write(folder, test, &packets)?;
        }
        told.tell(test, problems).map_err(|error| Failure::output("standard output", &error))?;
    }
    told.finish(&sources).map_err(|error| Failure::output("standard output", &error))?;
    if told.failed.is_empty() { Ok(()) } else { Err(Failure::Findings) }
}

/// Writes the packets of a test, as `site-12.pcap` for the one in line 12 of `site.toml`.
fn write(folder: &Path, test: &Test, packets: &[u8]) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::input(folder, &error))?;
    let file = Path::new(&test.location.file).file_stem().unwrap_or_default().to_string_lossy();
    let path = folder.join(format!("{file}-{}.pcap", test.location.line));
    fs::write(&path, packets).map_err(|error| Failure::input(&path, &error))
}

/// What was told of tests so far.
struct Told<'t> {
    ui: Ui,
    json: bool,
    failed: Vec<(&'t Test, Vec<Problem>)>,
    count: usize,
}

/// A test and what became of it.
#[derive(Serialize)]
struct Record<'a> {
    name: &'a str,
    file: &'a str,
    line: u32,
    passed: bool,
    problems: Vec<ProblemRecord<'a>>,
}

#[derive(Serialize)]
struct ProblemRecord<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<usize>,
    file: &'a str,
    line: u32,
    expected: &'a str,
    found: &'a str,
}

impl<'t> Told<'t> {
    /// Tells in a line whether a test holds.
    fn tell(&mut self, test: &'t Test, problems: Vec<Problem>) -> io::Result<()> {
        self.count += 1;
        let mut out = io::stdout().lock();
        if self.json {
            serde_json::to_writer(&mut out, &Record::of(test, &problems))?;
            writeln!(out)?;
        } else {
            let (word, style) = self.verdict(problems.is_empty());
            writeln!(out, "test {} ... {style}{word}{style:#}", test.name)?;
        }
        if !problems.is_empty() {
            self.failed.push((test, problems));
        }
        Ok(())
    }

    /// Tells what is wrong with the tests that failed, and how many did.
    fn finish(&self, sources: &Sources) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        let colour = self.ui.stdout().colour();
        for (test, problems) in &self.failed {
            let diagnostics: Vec<_> = problems.iter().map(|problem| diagnostic(test, problem)).collect();
            write!(out, "\n{}", sources.render(&diagnostics, colour))?;
        }
        let failed = self.failed.len();
        let (word, style) = self.verdict(failed == 0);
        let passed = self.count - failed;
        writeln!(out, "\ntest result: {style}{word}{style:#}. {passed} passed, {failed} failed")
    }

    fn verdict(&self, holds: bool) -> (&'static str, Style) {
        let (word, colour) = if holds { ("ok", AnsiColor::Green) } else { ("FAILED", AnsiColor::Red) };
        (word, if self.ui.stdout().colour() { colour.on_default().bold() } else { Style::new() })
    }
}

impl<'a> Record<'a> {
    fn of(test: &'a Test, problems: &'a [Problem]) -> Self {
        let problem = |problem: &'a Problem| ProblemRecord {
            step: problem.step,
            file: &problem.location.file,
            line: problem.location.line,
            expected: &problem.expected,
            found: &problem.found,
        };
        Self {
            name: &test.name,
            file: &test.location.file,
            line: test.location.line,
            passed: problems.is_empty(),
            problems: problems.iter().map(problem).collect(),
        }
    }
}

/// A problem as the compiler would tell of it.
fn diagnostic(test: &Test, problem: &Problem) -> Diagnostic {
    let step = problem.step.map(|step| format!(", step {step}")).unwrap_or_default();
    let text = format!("expected {}", problem.expected);
    Diagnostic {
        level: Level::Error,
        message: format!("test `{}`{step}: found {}", test.name, problem.found),
        primary: Label { location: problem.location.clone(), text },
        related: Vec::new(),
        help: None,
    }
}
