use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Cell, Paragraph, Row, StatefulWidget, Table, TableState, Widget, Wrap};
use tagout_core::Timestamp;
use tagout_core::engine::Severity;

use super::picture::{Picture, Told};
use crate::cli::stored::{clock, visible};
use crate::output::Paint;
use crate::store::Listing;

/// Rows of busiest actors and devices.
const BUSIEST: u16 = 8;
const KEYS: &str = "q quit  p pause  s sort  ↑↓ choose  enter all of an alert  / filter  esc back";

/// What is shown, and how.
pub(super) struct View {
    paint: Paint,
    picture: Option<Picture>,
    /// Id of the chosen alert, so that it stays chosen when others come; none for the latest.
    chosen: Option<String>,
    pub(super) paused: bool,
    pub(super) detail: bool,
    pub(super) typing: bool,
    pub(super) filter: String,
    pub(super) sort: Sort,
    pub(super) trouble: Option<String>,
}

/// By what the busiest are told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Exchanges,
    Commands,
    Alerts,
    LastSeen,
}

impl Sort {
    pub(super) const fn next(self) -> Self {
        match self {
            Self::Exchanges => Self::Commands,
            Self::Commands => Self::Alerts,
            Self::Alerts => Self::LastSeen,
            Self::LastSeen => Self::Exchanges,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Exchanges => "exchanges",
            Self::Commands => "commands",
            Self::Alerts => "alerts",
            Self::LastSeen => "last seen",
        }
    }

    fn of(self, one: &Listing) -> u64 {
        match self {
            Self::Exchanges => one.count().exchanges,
            Self::Commands => one.commands,
            Self::Alerts => one.count().alerts,
            Self::LastSeen => one.count().last_seen.0.0,
        }
    }
}

impl View {
    pub(super) fn new(paint: Paint) -> Self {
        Self {
            paint,
            picture: None,
            chosen: None,
            paused: false,
            detail: false,
            typing: false,
            filter: String::new(),
            sort: Sort::Exchanges,
            trouble: None,
        }
    }

    /// Shows this from now on.
    pub(super) fn show(&mut self, picture: Picture) {
        self.picture = Some(picture);
        self.trouble = None;
        self.keep_in_view();
    }

    /// Chooses the alert so many rows further down.
    pub(super) fn step(&mut self, by: isize) {
        let place = self.place().saturating_add_signed(by).min(self.alerts().len().saturating_sub(1));
        self.chosen = self.alerts().get(place).filter(|_| place > 0).map(|alert| alert.id.clone());
    }

    /// Lets go of a choice that is not shown any more.
    pub(super) fn keep_in_view(&mut self) {
        let is_shown = |id: &String| self.alerts().iter().any(|alert| alert.id == *id);
        if !self.chosen.as_ref().is_some_and(is_shown) {
            self.chosen = None;
        }
        self.detail &= !self.alerts().is_empty();
    }

    fn alerts(&self) -> Vec<&Told> {
        let all = self.picture.iter().flat_map(|picture| &picture.alerts);
        all.filter(|alert| alert.contains(&self.filter)).collect()
    }

    fn place(&self) -> usize {
        let chosen = |id: &String| self.alerts().iter().position(|alert| alert.id == *id);
        self.chosen.as_ref().and_then(chosen).unwrap_or(0)
    }

    fn dim(&self) -> Style {
        if self.paint.colour() { Style::new().add_modifier(Modifier::DIM) } else { Style::new() }
    }

    fn alarm(&self, severity: Severity) -> Style {
        if !self.paint.colour() {
            return Style::new();
        }
        match severity {
            Severity::High => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
            Severity::Medium => Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD),
            Severity::Low => Style::new().fg(Color::Cyan),
            Severity::Informational => self.dim(),
        }
    }

    fn head(&self, picture: &Picture) -> Vec<Line<'_>> {
        let sample = &picture.sample;
        let state = match (&self.trouble, picture.silent, self.paused) {
            (Some(trouble), ..) => format!("  {}", visible(trouble)),
            (None, Some(silent), _) => format!("  not written for {}: does `tagout run` run?", ago(silent)),
            (None, None, true) => "  paused".to_owned(),
            (None, None, false) => String::new(),
        };
        let seen = if sample.time == 0 { "nothing yet".to_owned() } else { clock(Timestamp(sample.time)) + " UTC" };
        let rates = picture.rates.map_or_else(
            || "no rates".to_owned(),
            |[frames, exchanges, commands, alerts]| {
                format!(
                    "a second: {frames:.0} frames, {exchanges:.1} exchanges, {commands:.1} commands, {alerts:.1} alerts"
                )
            },
        );
        let totals = format!(
            "{} frames, {} exchanges, {} commands, {} alerts, {} frames dropped",
            sample.frames, sample.exchanges, sample.commands, sample.alerts, sample.dropped
        );
        vec![
            Line::from(vec![
                Span::from("tagout "),
                Span::from(visible(&sample.origin)),
                Span::styled(format!("  {seen}"), self.dim()),
                Span::styled(state, self.alarm(Severity::Medium)),
            ]),
            Line::from(rates),
            Line::from(totals),
        ]
    }

    fn destinations(&self, picture: &Picture) -> Vec<Line<'_>> {
        let line = |destination: &crate::delivery::status::DestinationStatus| {
            let trouble = destination.trouble.as_ref().map(|why| format!("; {}", visible(why))).unwrap_or_default();
            let (name, delivered, waiting) = (&destination.name, destination.delivered, destination.waiting);
            let style = if trouble.is_empty() { Style::new() } else { self.alarm(Severity::Medium) };
            Line::styled(format!("→ {}: {delivered} delivered, {waiting} waiting{trouble}", visible(name)), style)
        };
        picture.sample.destinations.iter().map(line).collect()
    }

    fn busiest<'t>(&self, title: &'t str, other: &'t str, all: &[Listing]) -> Table<'t> {
        let mut sorted: Vec<&Listing> = all.iter().collect();
        sorted.sort_by_key(|one| std::cmp::Reverse(self.sort.of(one)));
        let row = |one: &&Listing| {
            let count = one.count();
            let numbers =
                [one.others as u64, count.exchanges, one.commands, count.alerts].map(|count| count.to_string());
            let name = Cell::from(visible(&one.party().to_string()));
            Row::new([name].into_iter().chain(numbers.map(Cell::from)))
        };
        let header = Row::new([title, other, "exchanges", "commands", "alerts"]).style(self.dim());
        let [others, exchanges, commands, alerts] = [8, 10, 9, 7].map(Constraint::Length);
        let widths = [Constraint::Min(12), others, exchanges, commands, alerts];
        Table::new(sorted.iter().take(BUSIEST.into()).map(row).collect::<Vec<_>>(), widths).header(header)
    }

    fn row<'t>(&self, alert: &'t Told) -> Row<'t> {
        let severity = Cell::from(alert.severity.name()).style(self.alarm(alert.severity));
        let mut cells: Vec<Cell<'_>> = alert.row.iter().map(|cell| Cell::from(cell.as_str())).collect();
        cells.insert(1, severity);
        Row::new(cells)
    }

    fn render_alerts(&self, area: Rect, buffer: &mut Buffer) {
        let alerts = self.alerts();
        let header = Row::new(["time (UTC)", "severity", "signature", "who", "to what", "id"]).style(self.dim());
        let widths = [
            Constraint::Length(19),
            Constraint::Length(13),
            Constraint::Fill(3),
            Constraint::Fill(1),
            Constraint::Fill(1),
            Constraint::Length(12),
        ];
        let title = if self.filter.is_empty() && !self.typing {
            format!(" alerts: {} ", alerts.len())
        } else {
            format!(" alerts with /{}: {} ", self.filter, alerts.len())
        };
        let table = Table::new(alerts.iter().map(|alert| self.row(alert)).collect::<Vec<_>>(), widths)
            .header(header)
            .block(Block::new().borders(Borders::TOP).title(title))
            .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
        let mut state = TableState::new().with_selected((!alerts.is_empty()).then(|| self.place()));
        StatefulWidget::render(table, area, buffer, &mut state);
    }

    fn render_detail(&self, area: Rect, buffer: &mut Buffer) {
        let Some(alert) = self.alerts().get(self.place()).map(|alert| alert.page.as_str()) else { return };
        let block = Block::new().borders(Borders::TOP).title(" alert ");
        Paragraph::new(alert).wrap(Wrap { trim: false }).block(block).render(area, buffer);
    }
}

/// A time that passed, in its largest unit.
fn ago(passed: Duration) -> String {
    match passed.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

impl Widget for &View {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let Some(picture) = &self.picture else { return };
        let destinations = self.destinations(picture);
        let told = u16::try_from(destinations.len()).unwrap_or(u16::MAX).min(4);
        let [head, to, busy, below, keys] = Layout::vertical([
            Constraint::Length(3),
            Constraint::Length(told),
            Constraint::Length(BUSIEST + 3),
            Constraint::Min(3),
            Constraint::Length(1),
        ])
        .areas(area);
        Paragraph::new(self.head(picture)).render(head, buffer);
        Paragraph::new(destinations).render(to, buffer);
        let block = Block::new().borders(Borders::TOP).title(format!(" busiest by {} ", self.sort.name()));
        let inner = block.inner(busy);
        block.render(busy, buffer);
        let [left, right] = Layout::horizontal([Constraint::Fill(1); 2]).spacing(2).areas(inner);
        Widget::render(self.busiest("actor", "devices", &picture.actors), left, buffer);
        Widget::render(self.busiest("device", "actors", &picture.devices), right, buffer);
        if self.detail {
            self.render_detail(below, buffer);
        } else {
            self.render_alerts(below, buffer);
        }
        let footer =
            if self.typing { format!("/{}_  enter keeps it, esc shows all", self.filter) } else { KEYS.to_owned() };
        Line::styled(footer, self.dim()).render(keys, buffer);
    }
}
