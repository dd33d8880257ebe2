use std::collections::BTreeMap;
use std::fmt::Write;

use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{CellAlignment, Table, TableStyle};
use tagout_core::engine::Severity;

use crate::lesson::Lesson;
use crate::result::{Alerts, Class, CleanPart, Found, Judged, Outcome};

/// Seconds of clean traffic below which a rate would say nothing.
const LEAST_FOR_A_RATE_S: f64 = 60.0;
/// A policy out of less knows little.
const HOUR_S: f64 = 3_600.0;
const NONE: &str = "–";
/// Exchanges within which a class of attacks has to be detected.
const EARLY: usize = 3;

const HEADER: &str = "<!-- Generated: make score SCORE='--write docs/reference/score.md' -->

# Score on labelled captures

What tagout finds in captures of others whose attacks are known, and what it alerts on their normal traffic: the
[detections that tagout ships](detections.md), a policy that [`tagout learn`](../guide/learning.md) wrote, and both. Nothing
is set for a file. The captures are not part of tagout; `make score` makes this page where they are.

## How it is measured

- **Labels** come with the captures: the authors of some marked frames, of others they gave times, addresses or functions,
  and what no frame label tells was told from these. A frame without a label is normal.
- **Learned** is the first 60 % of the time of a capture's clean part: frames without a label, in conversations in which no
  frame belongs to an attack; answers of the attacked are labelled, too, but do not spoil a conversation. So nothing is
  learned from a frame of an attack, nor from who does nothing but attack. Where a capture has no clean part, other captures
  of the same network are learned from, all of their clean part and nothing of the capture itself. `tests/score/datasets.toml`
  says which and why. Where that is nothing, or too little for any permit, there is no policy, and the detections stand alone.
- The **whole capture** is replayed three times: by the shipped detections, by the learned policy alone, and by both.
- **Requests**: the malicious requests of a class. A request is **detected** if an alert names its frame; many rules alert
  once and then keep silent, so that a class may be detected though few of its requests are. *40 from #2* means that 40 were
  detected, the second of all being the first. **Recall**, **after** (the time from the first request to the first that is
  detected) and **rule** are those of both.
- A **false alert** is any alert, of whatever severity, that names clean frames only, and none that was learned from. All
  clean requests behind those that were learned are **held out** for this. Every alert counts, also those that would be
  folded into one. Of a pause between two requests no more than a minute counts as time. Rates are left out of parts shorter
  than a minute, and are extrapolated: few of the captures last an hour.
- **Amid attacks** are alerts that name frames without a label in conversations in which somebody attacks: the poll of a
  master whose cycle an attacker disturbs is nobody's attack, and is not clean traffic either.
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
            if min_recall.is_some_and(|bar| (class.found.both.detected as f64) < bar * class.events as f64) {
                below.push(format!("{name}: {} of {} requests detected", class.found.both.detected, class.events));
            }
            if within.is_some_and(|bar| class.found.both.first.as_ref().is_none_or(|first| first.exchange > bar)) {
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
            ("What was learned, and false alerts on the rest", self.clean_table(style)),
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
        let classes: Vec<&Class> = self.attacks().map(|(_, class)| class).collect();
        let early = |found: fn(&Judged<Found>) -> Option<&Found>| {
            let firsts = classes.iter().filter_map(|class| found(&class.found)?.first.as_ref());
            firsts.filter(|first| first.exchange <= EARLY).count()
        };
        let taught = classes.iter().filter(|class| class.found.learned.is_some()).count();
        format!(
            "Of {} classes with requests, **{}** are detected within their first {EARLY} exchanges: {} by the shipped \
             detections alone,\n{} by the learned policy alone. For {taught} of them there was something to learn.\n\n{}",
            classes.len(),
            early(|found| Some(&found.both)),
            early(|found| Some(&found.shipped)),
            early(|found| found.learned.as_ref()),
            self.false_alerts(),
        )
    }

    fn false_alerts(&self) -> String {
        let is_taught = |outcome: &&Outcome| outcome.lesson.as_ref().is_some_and(|lesson| lesson.seconds >= HOUR_S);
        let taught = Sum::all(self.outcomes.iter().filter(is_taught));
        format!(
            "{}\nWhere an hour or more of normal traffic was learned, {:.0} minutes were held out, with **{}** false alerts.",
            Sum::all(self.outcomes.iter()).sentence(),
            taught.seconds / 60.0,
            taught.alerts(),
        )
    }

    fn attack_table(&self, style: TableStyle) -> Table {
        let columns = ["capture", "class", "requests", "shipped", "learned", "both", "recall", "after", "rule"];
        let mut table = table(style, &columns, &[2, 3, 4, 5, 6, 7, 8]);
        for (outcome, class) in self.attacks() {
            let Judged { shipped, learned, both } = &class.found;
            let first = both.first.as_ref();
            table.add_row([
                name(&outcome.capture),
                class.name.clone(),
                class.events.to_string(),
                found(shipped),
                learned.as_ref().map_or(NONE.into(), found),
                found(both),
                format!("{:.1} %", 100.0 * both.detected as f64 / class.events as f64),
                first.map_or(NONE.into(), |first| format!("{:.1} s", first.after_s)),
                first.map_or(NONE.into(), |first| first.rule.to_string()),
            ]);
        }
        table
    }

    fn other_table(&self, style: TableStyle) -> Table {
        let columns = ["capture", "class", "frames", "shipped", "learned", "both"];
        let mut table = table(style, &columns, &[2, 3, 4, 5]);
        for (outcome, class) in self.classes().filter(|(_, class)| class.events == 0) {
            let Judged { shipped, learned, both } = &class.found;
            let frames = |found: &Found| found.detected.to_string();
            let learned = learned.as_ref().map_or(NONE.into(), frames);
            let (name, count) = (name(&outcome.capture), class.frames.to_string());
            table.add_row([name, class.name.clone(), count, frames(shipped), learned, frames(both)]);
        }
        table
    }

    fn clean_table(&self, style: TableStyle) -> Table {
        let columns = [
            "capture",
            "learned",
            "permits",
            "held out",
            "minutes",
            "shipped",
            "both",
            "an hour",
            "a day",
            "by severity",
            "by rule",
            "amid attacks",
        ];
        let mut table = table(style, &columns, &[1, 2, 3, 4, 5, 6, 7, 8, 11]);
        for outcome in &self.outcomes {
            let Some(part) = &outcome.clean else { continue };
            let lesson = outcome.lesson.as_ref();
            let told = |number: fn(&Lesson) -> usize| lesson.map_or(NONE.into(), |lesson| number(lesson).to_string());
            let (learned, permits) = (told(|lesson| lesson.requests), told(|lesson| lesson.permits));
            table.add_row([vec![name(&outcome.capture), learned, permits], Sum::of(part).cells()].concat());
        }
        if table.row_count() > 1 {
            let all = Sum::all(self.outcomes.iter());
            table.add_row([vec!["all".into(), String::new(), String::new()], all.cells()].concat());
        }
        table
    }
}

/// What was alerted on normal traffic, by the shipped detections alone and by both.
#[derive(Default)]
struct Sum {
    requests: usize,
    seconds: f64,
    shipped: usize,
    both: Alerts,
    amid: usize,
}

impl Sum {
    fn of(part: &CleanPart) -> Self {
        let shipped = part.alerts.shipped.values().sum();
        Self {
            requests: part.requests,
            seconds: part.seconds,
            shipped,
            both: part.alerts.both.clone(),
            amid: part.amid,
        }
    }

    fn all<'o>(outcomes: impl Iterator<Item = &'o Outcome>) -> Self {
        let parts = outcomes.filter_map(|outcome| outcome.clean.as_ref());
        parts.map(Self::of).fold(Self::default(), |mut all, part| {
            all.requests += part.requests;
            all.seconds += part.seconds;
            all.shipped += part.shipped;
            all.amid += part.amid;
            part.both.iter().for_each(|(kind, count)| *all.both.entry(*kind).or_default() += count);
            all
        })
    }

    fn alerts(&self) -> usize {
        self.both.values().sum()
    }

    fn sentence(&self) -> String {
        let severe = self.both.iter().filter(|((severity, _), _)| *severity != Severity::Informational);
        format!(
            "Held out were {} requests over {:.0} minutes, with **{}** false alerts, of which {} are more than informational.\n\
             {} more alerts name frames without a label in conversations in which somebody attacks.",
            self.requests,
            self.seconds / 60.0,
            self.alerts(),
            severe.map(|(_, count)| count).sum::<usize>(),
            self.amid,
        )
    }

    fn cells(&self) -> Vec<String> {
        let alerts = self.alerts();
        let an_hour = (self.seconds >= LEAST_FOR_A_RATE_S).then(|| alerts as f64 * 3600.0 / self.seconds);
        let rate = |times: f64, digits| an_hour.map_or(NONE.into(), |rate| format!("{:.digits$}", rate * times));
        vec![
            self.requests.to_string(),
            format!("{:.1}", self.seconds / 60.0),
            self.shipped.to_string(),
            alerts.to_string(),
            rate(1.0, 1),
            rate(24.0, 0),
            counted(self.both.iter().map(|((severity, _), count)| (*severity, *count)), |severity| {
                severity.name().into()
            }),
            counted(self.both.iter().map(|((_, rule), count)| (*rule, *count)), ToString::to_string),
            self.amid.to_string(),
        ]
    }
}

/// Things with how often each is there.
fn counted<T: Ord>(things: impl Iterator<Item = (T, usize)>, name: impl Fn(&T) -> String) -> String {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    things.for_each(|(thing, count)| *counts.entry(thing).or_default() += count);
    counts.iter().map(|(thing, count)| format!("{}: {count}", name(thing))).collect::<Vec<_>>().join(", ")
}

fn found(found: &Found) -> String {
    let Found { detected, first } = found;
    first.as_ref().map_or(NONE.into(), |first| format!("{detected} from #{}", first.exchange))
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
