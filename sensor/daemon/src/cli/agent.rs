use std::collections::VecDeque;
use std::fmt::Write as _;
use std::ops::ControlFlow;

use comfy_table::{Attribute, Cell, Color};
use serde_json::Value;
use tagout_core::engine::{Grade, IntentFinding};

use super::alerts::lines;
use super::args::{AgentArgs, AlertsFilter};
use super::inventory::listed;
use super::spool::print;
use super::stored::{Record, clock, fitted, missing, visible};
use super::ui::Ui;
use crate::Failure;
use crate::notice::Notice;
use crate::output::{Paint, plain_table};
use crate::store::{Command, Deed, Listing, Reader, Side};

/// Shows what an actor commanded, and who declared it.
pub(super) fn agent(args: &AgentArgs, ui: Ui) -> Result<(), Failure> {
    let reader = args.place.open()?;
    let told = Told::find(&reader, args)?;
    if args.json {
        // Whoever is not known is told of here too.
        return match told.all {
            0 => listed(&reader, Side::Actors, &Some(args.name.clone()), false).map(drop),
            _ => print(&lines(told.shown.as_slices().0)),
        };
    }
    if told.all == 0 {
        return undecided(&reader, args);
    }
    print(&told.table(ui.stdout()))?;
    print(&told.summary(alerts(&reader, args)?, args))?;
    print(&footnote(&reader)?)
}

/// The commands that were held against what was declared.
#[derive(Default)]
struct Told {
    /// Those that are shown, the oldest first.
    shown: VecDeque<Notice>,
    /// How many more are of the grade that is asked for.
    more: usize,
    /// How many there are of any grade, and of each.
    all: usize,
    grades: [usize; Grade::ALL.len()],
}

impl Told {
    fn find(reader: &Reader, args: &AgentArgs) -> Result<Self, Failure> {
        let (since, until) = args.times.ends();
        let mut told = Self::default();
        reader.acts(since, until, |notice| {
            let record = Record::of(&notice);
            if [record.text("/ot/actor"), record.text("/src_ip")].iter().any(|name| args.name.matches(name)) {
                told.take(notice, &record.text("/ot/intent/grade"), args);
            }
            ControlFlow::Continue(())
        })?;
        told.shown.make_contiguous();
        Ok(told)
    }

    /// Takes an earlier command than those before.
    fn take(&mut self, notice: Notice, grade: &str, args: &AgentArgs) {
        self.all += 1;
        for (count, one) in self.grades.iter_mut().zip(Grade::ALL) {
            *count += usize::from(one.name() == grade);
        }
        match args.grade.is_none_or(|asked| asked.name() == grade) {
            true if args.limit == 0 || self.shown.len() < args.limit => self.shown.push_front(notice),
            true => self.more += 1,
            false => {}
        }
    }

    fn table(&self, paint: Paint) -> String {
        if self.shown.is_empty() {
            return "No such command.\n".to_owned();
        }
        let header = ["time (UTC)", "who", "command", "to what", "value", "grade", "declared by"];
        let mut table = plain_table(&header, self.shown.iter().map(|notice| cells(notice, paint)), &[]);
        if paint.colour() {
            table.enforce_styling();
        }
        fitted(table) + "\n"
    }

    fn summary(&self, alerts: usize, args: &AgentArgs) -> String {
        let mut text = String::from("\n");
        if self.more > 0 {
            let _ = writeln!(text, "{} earlier ones are not shown (--limit 0 shows all).", self.more);
        }
        let grades = Grade::ALL.iter().zip(self.grades).map(|(grade, count)| format!("{count} {}", grade.name()));
        let grades = grades.collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "{}: {grades}; {}.", counted(self.all, "command"), counted(alerts, "alert"));
        if alerts > 0 {
            let _ = writeln!(text, "`tagout alerts --actor {}` shows the alerts.", args.name);
        }
        text
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// How many alerts there are of the actor in that time.
fn alerts(reader: &Reader, args: &AgentArgs) -> Result<usize, Failure> {
    let (times, actor) = (args.times.clone(), Some(args.name.clone()));
    let filter = AlertsFilter { times, actor, severity: None, device: None, signature: None };
    Ok(filter.find(reader, 0)?.len())
}

/// A command in a few words.
fn cells(notice: &Notice, paint: Paint) -> Vec<Cell> {
    let record = Record::of(notice);
    let who = record.text("/ot/actor");
    let done: Vec<Record> = match record.0.pointer("/ot/done") {
        Some(Value::Array(done)) => done.iter().cloned().map(Record).collect(),
        _ => Vec::new(),
    };
    let joined = |of: &dyn Fn(&Record) -> String| done.iter().map(of).collect::<Vec<_>>().join("\n");
    let device = match record.text("/ot/device") {
        unnamed if unnamed.is_empty() => record.text("/dest_ip"),
        named => named,
    };
    let to_what = if done.is_empty() { device.clone() } else { joined(&|done| place(&device, done)) };
    let refused = if record.text("/ot/refused") == "true" { " (refused)" } else { "" };
    let command = record.text("/ot/action") + refused;
    let words = [clock(notice.time), who, command, to_what, joined(&value)].map(Cell::new);
    let grade = record.text("/ot/intent/grade");
    let coloured = coloured(Cell::new(grade_with_open(&record, &grade)), &grade, paint);
    words.into_iter().chain([coloured, Cell::new(declared_by(&record, &grade))]).collect()
}

fn place(device: &str, done: &Record) -> String {
    match done.text("/point") {
        unnamed if unnamed.is_empty() => format!("{device} {} {}", done.text("/space"), addresses(done)),
        point => format!("{device}.{point}"),
    }
}

fn addresses(done: &Record) -> String {
    let number = |path: &str| done.0.pointer(path).and_then(Value::as_u64);
    let (first, count) = (number("/address").unwrap_or(0), number("/quantity").unwrap_or(1));
    if count > 1 { format!("{first}–{}", first + count - 1) } else { first.to_string() }
}

fn value(done: &Record) -> String {
    let unit = done.text("/unit");
    let text = if done.0.get("and_mask").is_some() {
        format!("and {} or {}", done.text("/and_mask"), done.text("/or_mask"))
    } else if done.0.get("min").is_some() {
        format!("{} to {}", done.text("/min"), done.text("/max"))
    } else {
        done.text("/value")
    };
    format!("{text} {unit}").trim().to_owned()
}

/// The grade, with what the intent leaves open.
fn grade_with_open(record: &Record, grade: &str) -> String {
    let open = record.0.pointer("/ot/intent/open").and_then(Value::as_array);
    let open: Vec<&str> = open.into_iter().flatten().filter_map(Value::as_str).collect();
    if open.is_empty() || grade != Grade::Partial.name() {
        return grade.to_owned();
    }
    format!("{grade}: {} open", open.join(", "))
}

/// The intent that covers it with whoever stands for that; or what is wrong, with the intent that comes nearest.
fn declared_by(record: &Record, grade: &str) -> String {
    if grade == Grade::Unknown.name() {
        return "not known".to_owned();
    }
    let said = |field: &str, before: &str| match record.text(&format!("/ot/intent/declared/{field}")) {
        nothing if nothing.is_empty() => None,
        text => Some(format!("{before}{text}")),
    };
    let parts = [
        said("id", ""),
        said("approver", "approved by "),
        said("window", "in "),
        said("key", "key "),
        said("tool", "tool "),
    ];
    let intent = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    match record.text("/ot/intent/finding") {
        finding if finding == IntentFinding::None.name() => "nobody".to_owned(),
        covered if covered.is_empty() => intent,
        finding => format!("{finding}: {intent}"),
    }
}

fn coloured(cell: Cell, grade: &str, paint: Paint) -> Cell {
    let is = |one: Grade| one.name() == grade;
    match paint.colour() {
        false => cell,
        true if is(Grade::None) => cell.fg(Color::Red),
        true if is(Grade::Unknown) => cell.fg(Color::Yellow),
        true if is(Grade::Exact) => cell.add_attribute(Attribute::Dim),
        true => cell.fg(Color::Cyan),
    }
}

/// What is known of an actor none of whose commands was held against intents.
fn undecided(reader: &Reader, args: &AgentArgs) -> Result<(), Failure> {
    let all = listed(reader, Side::Actors, &Some(args.name.clone()), false)?;
    let commands: Vec<(&Listing, &Deed)> = all
        .iter()
        .flat_map(|actor| actor.deeds.iter().map(move |deed| (actor, deed)))
        .filter(|(_, deed)| deed.is_command)
        .collect();
    if commands.is_empty() {
        return print("No command.\n");
    }
    let header = ["last time (UTC)", "who", "command", "commands", "last one", "declared by"];
    let row = |(actor, deed): &(&Listing, &Deed)| {
        let last = deed.last_command.as_ref().map(Command::to_string).unwrap_or_default();
        let who = actor.party().name.clone().unwrap_or_else(|| actor.party().place());
        let action = deed.action.clone().unwrap_or_default();
        let to_what = visible(&format!("{} {last}", deed.device));
        [
            clock(deed.count.last_seen.0),
            visible(&who),
            action,
            deed.count.exchanges.to_string(),
            to_what,
            "unknown".into(),
        ]
    };
    print(&(fitted(plain_table(&header, commands.iter().map(row), &[3])) + "\n"))?;
    print(&format!(
        "\nHere are counts of all the time that the store knows, and the last command of each kind; {}. \
         Single commands, and who declared them, are\nkept of actors whose policy says `intents = \"observed\"` or `\"required\"`; \
         there are none of that time.\n",
        counted(alerts(reader, args)?, "alert")
    ))
}

/// What the store does not have.
fn footnote(reader: &Reader) -> Result<String, Failure> {
    let lost = reader.lost()?;
    Ok(missing("commands of all actors", lost.acts_shed, lost.acts))
}
