use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::net::IpAddr;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Row, Table};
use foldhash::fast::FixedState;
use tagout_core::engine::{Action, ActorId, AnomalyKind, DeviceId, Policy, Severity, Succession, SuppressionId};
use tagout_core::{Counter, Counters, Exchange, Outcome};

use super::{Paint, Recorded};
use crate::record::Losses;

/// Rows kept of who did what to whom; exchanges beyond them are counted together.
const MAX_ROWS: usize = 4_096;
/// Rows shown.
const SHOWN_ROWS: usize = 40;

/// What to do where nothing of a plant was seen on the wire.
const OTHER_PORTS: &str = "If devices speak on other ports than 502 and 20000, name these with --modbus-port and --dnp3-port, or under [ports].";

/// What a run came to so far, in bounded memory.
#[derive(Default)]
pub struct Totals {
    rows: HashMap<Deed, Tally, FixedState>,
    /// Exchanges that found no row.
    beyond: u64,
    recorded: Recorded,
    suppressed: BTreeMap<SuppressionId, u64>,
    counters: Counters,
    losses: Losses,
}

/// Who did what to whom.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct Deed {
    actor: Result<ActorId, IpAddr>,
    device: Result<DeviceId, (IpAddr, u16)>,
    action: Action,
}

/// How often, and how it ended.
#[derive(Clone, Copy, Default, Debug)]
struct Tally {
    exchanges: u64,
    refused: u64,
    unanswered: u64,
}

impl Totals {
    /// Counts an exchange.
    pub fn count_exchange(&mut self, exchange: &Exchange<'_>) {
        self.recorded.count_exchange(exchange);
        let deed = Deed {
            actor: exchange.actor.ok_or(exchange.path.client.ip),
            device: exchange.device.ok_or_else(|| (exchange.path.server.ip, exchange.station())),
            action: exchange.action,
        };
        let full = self.rows.len() >= MAX_ROWS;
        match self.rows.get_mut(&deed) {
            Some(tally) => tally.count(exchange.outcome),
            None if full => self.beyond += 1,
            None => self.rows.entry(deed).or_default().count(exchange.outcome),
        }
    }

    /// Counts an alert.
    pub fn count_alert(&mut self, severity: Severity) {
        self.recorded.count_alert(severity);
    }

    /// Counts a report of an anomaly.
    pub fn count_anomaly(&mut self, kind: AnomalyKind) {
        self.recorded.count_anomaly(kind);
    }

    /// What was reported so far.
    pub fn recorded(&self) -> &Recorded {
        &self.recorded
    }

    /// Goes on under the numbers of another policy; what has none there is counted with what found no row.
    pub fn succeed(&mut self, succession: &Succession<'_>) {
        for (deed, tally) in std::mem::take(&mut self.rows) {
            let actor = deed.actor.map(|id| succession.actor(id));
            let device = deed.device.map(|id| succession.device(id));
            let actor = actor.map_or_else(|ip| Some(Err(ip)), |id| id.map(Ok));
            let device = device.map_or_else(|place| Some(Err(place)), |id| id.map(Ok));
            match actor.zip(device) {
                Some((actor, device)) => drop(self.rows.insert(Deed { actor, device, ..deed }, tally)),
                None => self.beyond += tally.exchanges,
            }
        }
        let suppressed = std::mem::take(&mut self.suppressed);
        self.suppressed =
            suppressed.into_iter().filter_map(|(by, count)| Some((succession.suppression(by)?, count))).collect();
    }

    /// Counts an alert that was not given.
    pub fn count_suppressed(&mut self, by: SuppressionId) {
        *self.suppressed.entry(by).or_default() += 1;
    }

    /// Adds what was counted in one capture.
    pub fn add_capture(&mut self, losses: Losses, counters: &Counters) {
        self.counters += *counters;
        self.losses += losses;
    }

    /// Exchanges so far.
    pub fn exchanges(&self) -> u64 {
        self.recorded.total()[0]
    }

    /// Those of them that are commands.
    pub fn commands(&self) -> u64 {
        self.recorded.total()[1]
    }

    /// Alerts so far.
    pub fn alerts(&self) -> u64 {
        self.recorded.alerts().map(|(_, count)| count).sum()
    }

    /// The worst severity among the alerts so far.
    pub fn worst(&self) -> Option<Severity> {
        self.recorded.alerts().find(|(_, count)| *count > 0).map(|(severity, _)| severity)
    }

    /// Everything that was not inspected, by name, where there is any.
    fn lost(&self) -> Vec<(&'static str, u64)> {
        let sensor = self.counters.iter().filter(|(counter, _)| counter.is_loss());
        let sensor = sensor.map(|(counter, count)| (counter.name(), count));
        self.losses.named().into_iter().chain(sensor).filter(|(_, count)| *count > 0).collect()
    }
}

impl Tally {
    fn count(&mut self, outcome: Outcome) {
        self.exchanges += 1;
        match outcome {
            Outcome::Refused => self.refused += 1,
            Outcome::Unanswered => self.unanswered += 1,
            Outcome::Answered | Outcome::NoResponseDue | Outcome::Unrequested | Outcome::Pending => {}
        }
    }
}

/// What a run came to, as text.
pub struct Summary<'a> {
    /// What was counted.
    pub totals: &'a Totals,
    /// What names actors and devices.
    pub policy: Policy<'a>,
    /// Interfaces from which no frame came.
    pub silent: &'a [String],
}

impl Summary<'_> {
    pub(super) fn write(&self, to: &mut dyn Write, paint: Paint) -> io::Result<()> {
        writeln!(to)?;
        self.write_silence(to)?;
        self.write_deeds(to, paint)?;
        self.write_alerts(to, paint)?;
        self.write_suppressed(to, paint)?;
        self.write_losses(to, paint)
    }

    /// What to look at where an interface gave nothing.
    fn write_silence(&self, to: &mut dyn Write) -> io::Result<()> {
        if self.silent.is_empty() {
            return Ok(());
        }
        let options: String = self.silent.iter().map(|name| format!(" --interface {name}")).collect();
        writeln!(
            to,
            "No frame was seen on {}. Check that the switch mirrors to it and that its cable is in place: \
             `tagout doctor{options}` looks and listens there. {OTHER_PORTS}",
            self.silent.join(", ")
        )
    }

    fn write_deeds(&self, to: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let rows = self.rows();
        let dim = paint.dim();
        if rows.is_empty() {
            return self.write_no_deeds(to);
        }
        writeln!(to, "{}", self.table(&rows[..rows.len().min(SHOWN_ROWS)]).trim_fmt())?;
        let hidden = rows.len().saturating_sub(SHOWN_ROWS);
        if hidden > 0 || self.totals.beyond > 0 {
            let exchanges = rows.iter().skip(SHOWN_ROWS).map(|row| row.1.exchanges).sum::<u64>() + self.totals.beyond;
            writeln!(to, "{dim}… and {exchanges} exchanges of others{dim:#}")?;
        }
        writeln!(to)
    }

    fn write_no_deeds(&self, to: &mut dyn Write) -> io::Result<()> {
        match self.frames() {
            0 if self.silent.is_empty() => writeln!(to, "No frame was read."),
            0 => Ok(()),
            frames => writeln!(to, "No Modbus or DNP3 exchange was seen in {frames} frames. {OTHER_PORTS}"),
        }
    }

    fn frames(&self) -> u64 {
        self.totals.counters.get(Counter::Frames)
    }

    /// Every row: commands first, then by address or by the policy's order.
    fn rows(&self) -> Vec<(Deed, Tally)> {
        let mut rows: Vec<(Deed, Tally)> = self.totals.rows.iter().map(|(deed, tally)| (*deed, *tally)).collect();
        rows.sort_by_key(|(deed, _)| (!deed.action.is_command(), *deed));
        rows
    }

    fn table(&self, rows: &[(Deed, Tally)]) -> Table {
        let header = ["who", "to whom", "what", "exchanges", "refused", "unanswered"];
        let rows = rows.iter().map(|(deed, tally)| {
            let names = [self.actor_name(deed), self.device_name(deed), deed.action.name().to_owned()];
            let counts = [tally.exchanges, tally.refused, tally.unanswered].map(|count| count.to_string());
            names.into_iter().chain(counts).collect::<Vec<String>>()
        });
        plain_table(&header, rows, &[3, 4, 5])
    }

    fn actor_name(&self, deed: &Deed) -> String {
        match deed.actor {
            Ok(id) => self.policy.actor_info(id).map(|actor| actor.name.to_owned()).unwrap_or_default(),
            Err(ip) => ip.to_string(),
        }
    }

    fn device_name(&self, deed: &Deed) -> String {
        match deed.device {
            Ok(id) => self.policy.device_info(id).map(|device| device.name.to_owned()).unwrap_or_default(),
            Err((ip, station)) => format!("{ip}/{station}"),
        }
    }

    fn write_alerts(&self, to: &mut dyn Write, paint: Paint) -> io::Result<()> {
        match self.totals.worst() {
            // Where nothing was seen, it would be no good news.
            None if self.frames() == 0 => return Ok(()),
            None => return writeln!(to, "Alerts: none"),
            Some(_) => write!(to, "Alerts:")?,
        }
        let mut separator = "";
        for (severity, count) in self.totals.recorded.alerts().filter(|(_, count)| *count > 0) {
            let style = paint.severity(severity);
            write!(to, "{separator} {style}{count} {}{style:#}", severity.name())?;
            separator = ",";
        }
        writeln!(to)
    }

    fn write_suppressed(&self, to: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let dim = paint.dim();
        for (id, count) in &self.totals.suppressed {
            if let Some(info) = self.policy.suppression_info(*id) {
                writeln!(to, "{count} suppressed by `{}`{dim}: {}{dim:#}", info.name, info.reason)?;
            }
        }
        Ok(())
    }

    fn write_losses(&self, to: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let (frames, lost) = (self.frames(), self.totals.lost());
        if lost.is_empty() && frames == 0 {
            return Ok(());
        }
        if lost.is_empty() {
            return writeln!(to, "Inspected {frames} frames; nothing was lost.");
        }
        writeln!(to, "Inspected {frames} frames; not everything could be inspected:")?;
        let style = paint.loss();
        lost.iter().try_for_each(|(name, count)| writeln!(to, "  {style}{name}: {count}{style:#}"))
    }
}

/// A table without lines, as wide as it needs to be; `numbers` are the columns to align on the right.
pub fn plain_table(header: &[&str], rows: impl Iterator<Item = impl Into<Row>>, numbers: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.iter().copied());
    rows.for_each(|row| {
        table.add_row(row);
    });
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    for index in numbers {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown of a run that saw nothing, on these interfaces if it was a live one.
    fn shown(silent: &[&str]) -> String {
        let silent: Vec<String> = silent.iter().map(ToString::to_string).collect();
        let mut text = Vec::new();
        let summary = Summary { totals: &Totals::default(), policy: Policy::empty(), silent: &silent };
        summary.write(&mut text, Paint::new(false)).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_run_that_saw_nothing_says_where_and_what_to_look_at() {
        let live = shown(&["eth1", "eth2"]);
        assert!(live.starts_with("\nNo frame was seen on eth1, eth2. Check that the switch mirrors"), "{live}");
        assert!(live.contains("`tagout doctor --interface eth1 --interface eth2`"), "{live}");
        assert!(!live.contains("Alerts") && !live.contains("nothing was lost"), "{live}");
        assert_eq!(shown(&[]), "\nNo frame was read.\n");
    }
}
