use std::collections::BTreeMap;
use std::fmt::Write;

use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{CellAlignment, Table, TableStyle};

use crate::result::{Class, CleanPart, Outcome};

/// Seconds of clean traffic below which a rate would say nothing.
const LEAST_FOR_A_RATE_S: f64 = 60.0;
const NONE: &str = "–";

const HEADER: &str = "<!-- Generated: make score SCORE='--write docs/reference/score.md' -->

# Score on labelled captures

What the [detections that tagout ships](detections.md) find in captures of others whose attacks are known, and what they
alert on their clean traffic, without a policy and with nothing set for a file. The captures are not part of tagout;
`make score` makes this page where they are.

- **Requests**: the malicious requests of a class. A request is **detected** if an alert names its frame; many rules alert
  once and then keep silent, so that a class may be detected though few of its requests are.
- **First**: which of these requests was the first that was detected, how long after the first of all, and by which rule.
- A **false alert** is any alert, of whatever severity, on clean frames: those without a label, in conversations without a
  labelled frame. Rates are left out of parts shorter than a minute, and are extrapolated: few of the captures last an hour.
";

/// All outcomes.
#[derive(Debug, Default)]
pub(crate) struct Report {
    outcomes: Vec<Outcome>,
}

impl Report {
    /// Adds the outcome of one capture.
    pub(crate) fn add(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
    }

    /// The report for a terminal.
    pub(crate) fn text(&self) -> String {
        self.sections(NOTHING, "")
    }

    /// The report as a page.
    pub(crate) fn markdown(&self) -> String {
        format!("{HEADER}{}", self.sections(ASCII_MARKDOWN, "## "))
    }

    /// A line for every class that stays below a bar.
    pub(crate) fn below(&self, min_recall: Option<f64>, within: Option<usize>) -> Vec<String> {
        let mut below = Vec::new();
        for (outcome, class) in self.attacks() {
            let name = format!("{} {}", name(&outcome.capture), class.name);
            if min_recall.is_some_and(|bar| (class.detected as f64) < bar * class.events as f64) {
                below.push(format!("{name}: {} of {} requests detected", class.detected, class.events));
            }
            if within.is_some_and(|bar| class.first.as_ref().is_none_or(|first| first.exchange > bar)) {
                below.push(format!("{name}: not detected within the exchanges asked for"));
            }
        }
        below
    }

    fn sections(&self, style: TableStyle, heading: &str) -> String {
        let mut text = String::new();
        let tables = [
            ("Attacks by request", self.attack_table(style)),
            ("Attacks without a request", self.other_table(style)),
            ("False alerts on clean traffic", self.clean_table(style)),
        ];
        for (title, table) in tables.into_iter().filter(|(_, table)| table.row_count() > 0) {
            let lines = table.to_string();
            let lines: Vec<&str> = lines.lines().map(str::trim_end).collect();
            let _ = write!(text, "\n{heading}{title}\n\n{}\n", lines.join("\n"));
        }
        let _ = write!(text, "\n{}\n", self.summary());
        text
    }

    /// Every class with requests.
    fn attacks(&self) -> impl Iterator<Item = (&Outcome, &Class)> {
        self.classes().filter(|(_, class)| class.events > 0)
    }

    fn classes(&self) -> impl Iterator<Item = (&Outcome, &Class)> {
        self.outcomes.iter().flat_map(|outcome| outcome.classes.iter().map(move |class| (outcome, class)))
    }

    fn summary(&self) -> String {
        let firsts = || self.attacks().filter_map(|(_, class)| class.first.as_ref());
        let early = firsts().filter(|first| first.exchange <= 3).count();
        let (ever, all) = (firsts().count(), self.attacks().count());
        format!(
            "Of {all} classes with requests, {early} are detected within their first three exchanges, {ever} at all."
        )
    }

    fn attack_table(&self, style: TableStyle) -> Table {
        let mut table = table(style, &["capture", "class", "requests", "detected", "recall", "first"], &[2, 3, 4]);
        for (outcome, class) in self.attacks() {
            let recall = format!("{:.1} %", 100.0 * class.detected as f64 / class.events as f64);
            let first = class.first.as_ref().map_or(NONE.into(), |first| {
                format!("#{} after {:.1} s: {}", first.exchange, first.after_s, first.rule)
            });
            let (events, detected) = (class.events.to_string(), class.detected.to_string());
            table.add_row([name(&outcome.capture), class.name.clone(), events, detected, recall, first]);
        }
        table
    }

    fn other_table(&self, style: TableStyle) -> Table {
        let mut table = table(style, &["capture", "class", "frames", "alerted"], &[2, 3]);
        for (outcome, class) in self.classes().filter(|(_, class)| class.events == 0) {
            let (frames, alerted) = (class.frames.to_string(), class.detected.to_string());
            table.add_row([name(&outcome.capture), class.name.clone(), frames, alerted]);
        }
        table
    }

    fn clean_table(&self, style: TableStyle) -> Table {
        let columns = ["capture", "requests", "minutes", "alerts", "an hour", "a day", "of which by rule"];
        let mut table = table(style, &columns, &[1, 2, 3, 4, 5]);
        let mut all = CleanPart { requests: 0, seconds: 0.0, alerts: BTreeMap::new() };
        for outcome in &self.outcomes {
            let Some(part) = &outcome.clean else { continue };
            table.add_row(clean_row(name(&outcome.capture), part));
            all.requests += part.requests;
            all.seconds += part.seconds;
            part.alerts.iter().for_each(|(rule, count)| *all.alerts.entry(*rule).or_default() += count);
        }
        if table.row_count() > 1 {
            table.add_row(clean_row("all".into(), &all));
        }
        table
    }
}

fn clean_row(name: String, part: &CleanPart) -> Vec<String> {
    let alerts: usize = part.alerts.values().sum();
    let an_hour = (part.seconds >= LEAST_FOR_A_RATE_S).then(|| alerts as f64 * 3600.0 / part.seconds);
    let rate = |times: f64, digits| an_hour.map_or(NONE.into(), |rate| format!("{:.digits$}", rate * times));
    let rules: Vec<String> = part.alerts.iter().map(|(rule, count)| format!("{rule}: {count}")).collect();
    let minutes = format!("{:.1}", part.seconds / 60.0);
    vec![name, part.requests.to_string(), minutes, alerts.to_string(), rate(1.0, 1), rate(24.0, 0), rules.join(", ")]
}

/// A table with these columns, those numbered aligned to the right.
fn table(style: TableStyle, columns: &[&str], numbers: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(style).set_header(columns.iter().copied());
    for number in numbers {
        if let Some(column) = table.column_mut(*number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A capture's source and file, short enough for a table.
fn name(capture: &str) -> String {
    let (source, _) = capture.split_once('+').unwrap_or((capture, ""));
    format!("{source}: {}", short(file(capture)))
}

/// The part of a capture's name that is about the file, not its source.
fn file(capture: &str) -> &str {
    let (_, file) = capture.split_once("__").unwrap_or(("", capture));
    file.rsplit_once(".pcap").map_or(file, |(stem, _)| stem)
}

/// Both ends of a long name.
fn short(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    match characters.len() {
        0..=48 => name.to_owned(),
        length => characters[..33].iter().chain(&['…']).chain(&characters[length - 14..]).collect(),
    }
}
