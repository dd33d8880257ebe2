use std::collections::HashSet;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::thread;
use std::time::Duration;

use comfy_table::{Attribute, Cell, Color};
use glob::Pattern;
use serde_json::Value;
use tagout_core::Timestamp;
use tagout_core::engine::Severity;

use super::args::{AlertsArgs, AlertsCommand, AlertsFilter, AlertsShowArgs, StorePlace, Times};
use super::spool::print;
use super::stored::{Record, clock, fitted, missing, visible};
use super::ui::Ui;
use crate::Failure;
use crate::notice::Notice;
use crate::output::{Paint, plain_table};
use crate::record::Stamp;
use crate::store::Reader;

/// How often it is looked for alerts that came.
const INTERVAL: Duration = Duration::from_secs(1);
/// An alert that waited for an answer is told later than others: so far back it is looked for those that came.
const LATEST_MS: u32 = 600_000;
/// Digits of an id that tell it from others at sight.
const ID_DIGITS: usize = 12;

/// Shows the alerts of the store.
pub(super) fn alerts(args: &AlertsArgs, ui: Ui) -> Result<(), Failure> {
    if let Some(AlertsCommand::Show(args)) = &args.command {
        return show(args);
    }
    let reader = args.place.open()?;
    let found = args.filter.find(&reader, args.limit)?;
    if args.json {
        print(&lines(&found))?;
    } else {
        print(&table(&found, ui.stdout()))?;
        print(&footnote(&reader)?)?;
    }
    drop(reader);
    if args.follow { follow(args, &found, ui) } else { Ok(()) }
}

/// Shows alerts as they come, until interrupted.
fn follow(args: &AlertsArgs, found: &[Notice], ui: Ui) -> Result<(), Failure> {
    let mut known: HashSet<(u64, String)> = found.iter().map(key).collect();
    let mut latest = found.last().map_or_else(Stamp::now, |notice| Stamp(notice.time));
    loop {
        thread::sleep(INTERVAL);
        let since = Timestamp(latest.0.0.saturating_sub(u64::from(LATEST_MS) * 1_000_000));
        let since = args.filter.times.since.map_or(since, |told| since.max(told.0));
        let filter = AlertsFilter { times: Times { since: Some(Stamp(since)), until: None }, ..args.filter.clone() };
        let mut came = filter.find(&args.place.open()?, 0)?;
        // What stood there before the first look is not shown, however many that were.
        came.retain(|notice| !known.contains(&key(notice)) && (found.is_empty() || notice.time >= found[0].time));
        latest = came.iter().map(|notice| Stamp(notice.time)).max().map_or(latest, |last| last.max(latest));
        known.retain(|(time, _)| *time >= since.0);
        known.extend(came.iter().map(key));
        print(&if args.json { lines(&came) } else { rows(&came, ui.stdout()) })?;
    }
}

fn key(notice: &Notice) -> (u64, String) {
    (notice.time.0, notice.id.clone())
}

impl AlertsFilter {
    /// The latest alerts that are asked for, the oldest first; all if `most` is 0.
    pub(super) fn find(&self, reader: &Reader, most: usize) -> Result<Vec<Notice>, Failure> {
        let (since, until) = self.times.ends();
        let mut found = Vec::new();
        reader.alerts(since, until, |notice| {
            if self.lets_through(&notice) {
                found.push(notice);
            }
            if most > 0 && found.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        found.reverse();
        Ok(found)
    }

    fn lets_through(&self, notice: &Notice) -> bool {
        if self.severity.is_some_and(|least| notice.severity > least) {
            return false;
        }
        if self.actor.is_none() && self.device.is_none() && self.signature.is_none() {
            return true;
        }
        let record = Record::of(notice);
        record.is(&self.actor, "actor") && record.is(&self.device, "device") && self.is_signature(&record)
    }

    fn is_signature(&self, record: &Record) -> bool {
        let Some(asked) = &self.signature else { return true };
        let words = record.text("/alert/signature").to_lowercase();
        record.text("/alert/signature_id") == *asked || words.contains(&asked.to_lowercase())
    }
}

impl Record {
    fn either(&self, first: &str, second: &str) -> String {
        let found = self.text(first);
        if found.is_empty() { self.text(second) } else { found }
    }

    fn is(&self, asked: &Option<Pattern>, end: &str) -> bool {
        asked.as_ref().is_none_or(|pattern| self.names(end).iter().any(|name| pattern.matches(name)))
    }

    /// By what tables call an end: its name, its address, and that with its station.
    fn names(&self, end: &str) -> [String; 3] {
        let line = self.text("/line");
        let ip = self.text(&format!("/ot/{end}/ip"));
        let place = if line.is_empty() { ip.clone() } else { format!("line {line}") };
        let station = self.station(end);
        let placed = if station.is_empty() { place } else { format!("{place}/{station}") };
        [self.text(&format!("/ot/{end}/name")), ip, placed]
    }

    /// The station of an end; that of an actor is a DNP3 link address, and told of messages alone.
    fn station(&self, end: &str) -> String {
        let device = self.text("/ot/device/station");
        if end == "device" {
            return device;
        }
        let [source, destination] = ["/dnp3/source", "/dnp3/destination"].map(|field| self.text(field));
        if source == device { destination } else { source }
    }

    fn who(&self) -> String {
        let interface = self.text("/ot/sensor/interface");
        if interface.is_empty() { self.either("/ot/actor/name", "/ot/actor/ip") } else { interface }
    }

    /// Kind, name and address.
    fn actor(&self) -> String {
        let mut words = ["/ot/actor/kind", "/ot/actor/name", "/ot/actor/ip"].map(|field| self.text(field)).to_vec();
        words.push(self.text("/ot/sensor/interface"));
        words.retain(|word| !word.is_empty());
        words.join(" ")
    }

    /// Device and point with the value, as in `plc1.pump_speed = 95 %`.
    fn what(&self) -> String {
        let mut what = self.text("/ot/device/name");
        if what.is_empty() {
            what = self.text("/ot/device/ip");
            let station = self.text("/ot/device/station");
            what += &if station.is_empty() { String::new() } else { format!("/{station}") };
        }
        let point = self.text("/ot/point/name");
        if !point.is_empty() {
            what += &format!(".{point}");
        } else if !self.text("/ot/point/space").is_empty() {
            what += &format!(" {} {}", self.text("/ot/point/space"), self.text("/ot/point/address"));
        }
        let (value, unit) = (self.text("/ot/value"), self.text("/ot/point/unit"));
        if value.is_empty() { what } else { format!("{what} = {value} {unit}").trim_end().to_owned() }
    }
}

pub(super) fn lines(found: &[Notice]) -> String {
    found.iter().flat_map(|notice| [notice.eve.as_str(), "\n"]).collect()
}

fn table(found: &[Notice], paint: Paint) -> String {
    if found.is_empty() {
        return "No such alert.\n".to_owned();
    }
    let header = ["time (UTC)", "severity", "signature", "who", "to what", "id"];
    let cells = |notice: &Notice| {
        let mut cells: Vec<Cell> = row(notice).into_iter().map(Cell::new).collect();
        cells.insert(1, severity_cell(notice.severity, paint));
        cells
    };
    let mut table = plain_table(&header, found.iter().map(cells), &[]);
    if paint.colour() {
        table.enforce_styling();
    }
    fitted(table) + "\n"
}

/// Alerts that come one by one, for which no table can be laid out.
fn rows(found: &[Notice], paint: Paint) -> String {
    let line = |notice: &Notice| {
        let (alarm, mut row) = (paint.severity(notice.severity), row(notice));
        row.insert(1, format!("{alarm}{:<13}{alarm:#}", notice.severity.name()));
        row.join("  ") + "\n"
    };
    found.iter().map(line).collect()
}

fn severity_cell(severity: Severity, paint: Paint) -> Cell {
    let cell = Cell::new(severity.name());
    match severity {
        _ if !paint.colour() => cell,
        Severity::High => cell.fg(Color::Red),
        Severity::Medium => cell.fg(Color::Yellow),
        Severity::Low => cell.fg(Color::Cyan),
        Severity::Informational => cell.add_attribute(Attribute::Dim),
    }
}

/// An alert in a few words, without its severity.
pub(super) fn row(notice: &Notice) -> Vec<String> {
    let record = Record::of(notice);
    vec![
        clock(notice.time),
        record.text("/alert/signature"),
        record.who(),
        record.what(),
        notice.id.get(..ID_DIGITS).unwrap_or(&notice.id).to_owned(),
    ]
}

/// What the store does not have.
fn footnote(reader: &Reader) -> Result<String, Failure> {
    let lost = reader.lost()?;
    Ok(missing("alerts", lost.alerts_shed, lost.alerts))
}

fn show(args: &AlertsShowArgs) -> Result<(), Failure> {
    let reader = args.place.open()?;
    let id = args.id.to_lowercase();
    let mut found = Vec::new();
    reader.alerts(Timestamp::default(), Timestamp(u64::MAX), |notice| {
        if notice.id.starts_with(&id) {
            found.push(notice);
        }
        ControlFlow::Continue(())
    })?;
    match found.as_slice() {
        [] => Err(Failure::Usage(format!("the store has no alert {}", args.id))),
        [notice] if args.json => print(&lines(std::slice::from_ref(notice))),
        [notice] => print(&page(notice, &args.place)),
        several => {
            let names: Vec<&str> = several.iter().take(5).map(|notice| notice.id.as_str()).collect();
            let (count, names) = (several.len(), names.join(", "));
            Err(Failure::Usage(format!("{} begins the ids of {count} alerts; write more of it: {names}", args.id)))
        }
    }
}

/// Everything of an alert that people ask for first, from a store at this place.
pub(super) fn page(notice: &Notice, place: &StorePlace) -> String {
    let record = Record::of(notice);
    let evidence = record.text("/ot/evidence/file");
    let technique = format!("{} {}", record.text("/ot/attack/technique"), record.text("/ot/attack/name"));
    let entry = format!("{}:{}", record.text("/ot/policy/file"), record.text("/ot/policy/line"));
    let fields = [
        ("id", notice.id.clone()),
        ("time", format!("{} UTC", clock(notice.time))),
        ("severity", notice.severity.name().to_owned()),
        ("signature", format!("{} ({})", record.text("/alert/signature"), record.text("/alert/signature_id"))),
        ("why", record.text("/ot/why")),
        ("actor", record.actor()),
        ("device", record.what()),
        ("action", record.text("/ot/action")),
        ("answer", record.either("/ot/response/name", "/ot/response/status")),
        ("technique", technique.trim().to_owned()),
        ("policy", entry.trim_matches(':').to_owned()),
        ("incident", record.text("/ot/incident_id")),
        ("evidence", evidence.clone()),
    ];
    let mut text = String::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "{name:<10} {value}");
    }
    if let Some(suggestion) = record.0.pointer("/ot/suggestion").and_then(Value::as_str) {
        let lines: Vec<String> = suggestion.lines().map(visible).collect();
        let _ = writeln!(text, "\nThis would permit it:\n{}", lines.join("\n"));
    }
    if !evidence.is_empty() {
        let (id, options) = (notice.id.get(..ID_DIGITS).unwrap_or(&notice.id), place.evidence());
        let _ = writeln!(text, "\n`tagout evidence {id}{options}` shows the packets.");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_found_by_what_tables_call_them() {
        let ends = r#""actor":{"ip":"192.0.2.8"},"device":{"name":"rtu","ip":"192.0.2.3","station":4}"#;
        let of = |rest: &str| Record(serde_json::from_str(&format!(r#"{{"ot":{{{ends}}}{rest}}}"#)).unwrap());
        let is = |record: &Record, end: &str, asked: &str| record.is(&Some(Pattern::new(asked).unwrap()), end);
        let request = of(r#","dnp3":{"source":3,"destination":4}"#);
        let response = of(r#","dnp3":{"source":4,"destination":3}"#);
        for record in [&request, &response] {
            for asked in ["rtu", "192.0.2.3", "192.0.2.3/4", "192.0.2.*/4"] {
                assert!(is(record, "device", asked), "{asked}");
            }
            assert!(is(record, "actor", "192.0.2.8/3") && is(record, "actor", "192.0.2.8"));
            assert!(!is(record, "device", "192.0.2.3/3") && !is(record, "actor", "192.0.2.8/4"));
        }
        assert_eq!(request.actor(), "192.0.2.8", "once");
        assert!(!is(&of(""), "actor", "192.0.2.8/*"), "what is no message has no link address");
        assert!(is(&of(r#","line":2"#), "device", "line 2/4"));
    }
}
