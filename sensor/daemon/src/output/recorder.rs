use std::cell::LazyCell;

use serde::Serialize;
use tagout_core::engine::{Severity, SuppressionId};
use tagout_core::intent::{IntentKey, Match};
use tagout_core::words::{Subject, cef};
use tagout_core::{Alert, Anomaly, Command, Counter, Counters, Exchange, Frame, Output, Timestamp};
use tracing::{info, warn};

use super::Recorded;
use super::missed::Missed;
use super::polls::{Polls, Write};
use super::screen::Screen;
use super::sink::{Lines, Sinks};
use super::summary::{Summary, Totals};
use crate::delivery::Delivery;
use crate::evidence::{Evidence, Reference};
use crate::failure::Failure;
use crate::format::{Format, with_fields};
use crate::heartbeat::Pulse;
use crate::intent::{Audience, Declaration, Known};
use crate::json;
use crate::management::Vitals;
use crate::news::{News, NewsKind};
use crate::notice::{Kind, Notice};
use crate::policy::{Heirs, Written};
use crate::record::{
    AlertRecord, AnomalyRecord, Context, DecidedRecord, Delivered, EventRecord, Losses, Origin, StatsRecord,
};
use crate::store::{self, Sample, Store};

/// Takes what the sensor reports and writes it to every output.
pub struct Recorder<'a> {
    context: Context<'a>,
    sinks: Sinks,
    screen: Option<Screen>,
    totals: Totals,
    /// How many alerts each suppression kept back, in this capture.
    suppressed: Vec<u64>,
    /// Polls that are counted where they repeat themselves; `None` if every exchange is written.
    polls: Option<Polls>,
    format: Format,
    delivery: Option<Delivery>,
    /// What was told of alerts that destinations missed.
    missed: Missed,
    /// What became of messages, once delivery has ended.
    delivered: Option<Delivered>,
    evidence: Option<Evidence>,
    store: Option<Store>,
    /// When the first frames came, as the store tells it.
    started: Option<Timestamp>,
    /// Frames that were dropped on the way here, as far as was told.
    dropped: u64,
    /// The words of the intents that the sensor remembers.
    declared: Known,
    /// Write alerts out at once instead of when there are many.
    prompt: bool,
}

impl<'a> Recorder<'a> {
    /// A recorder that has recorded nothing yet and writes every exchange.
    pub fn new(context: Context<'a>, sinks: Sinks, screen: Option<Screen>, prompt: bool) -> Self {
        Self {
            context,
            sinks,
            screen,
            totals: Totals::default(),
            suppressed: Vec::new(),
            polls: None,
            format: Format::default(),
            delivery: None,
            missed: Missed::default(),
            delivered: None,
            evidence: None,
            store: None,
            started: None,
            dropped: 0,
            declared: Known::default(),
            prompt,
        }
    }

    /// The same recorder, which tells of repeated polls once in this many seconds; of each if it is 0.
    pub fn with_repeat_interval(self, interval_s: u32) -> Self {
        Self { polls: Polls::new(interval_s), ..self }
    }

    /// The same recorder, which writes alerts like this.
    pub fn with_format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    /// The same recorder, which sends alerts there too.
    pub fn with_delivery(self, delivery: Option<Delivery>) -> Self {
        Self { delivery, ..self }
    }

    /// The same recorder, which keeps the packets behind alerts.
    pub fn with_evidence(self, evidence: Option<Evidence>) -> Self {
        Self { evidence, ..self }
    }

    /// The same recorder, which keeps what happened for those who look into it here.
    pub fn with_store(self, store: Option<Store>) -> Self {
        Self { store, ..self }
    }

    /// Takes a frame before the sensor does.
    #[inline]
    pub fn take(&mut self, frame: &Frame<'_>) {
        if let Some(evidence) = &mut self.evidence {
            evidence.take(frame);
        }
    }

    /// From here on frames come from somewhere else.
    pub fn set_origin(&mut self, origin: Origin<'a>) {
        self.write_polls(Polls::finish);
        self.context.origin = origin;
    }

    /// Shows where frames come from now.
    pub fn show_origin(&mut self) {
        let origin = self.context.origin;
        if let Some(screen) = self.screen.as_mut().filter(|_| origin.is_capture_file()) {
            screen.capture(origin.name());
        }
    }

    /// Lets time pass: tells of the polls that were counted long enough.
    pub fn advance(&mut self, now: Timestamp) {
        if let Some(evidence) = &mut self.evidence {
            evidence.advance(now);
        }
        self.write_polls(|polls, write| polls.advance(now, write));
        self.tell_of_missed(now);
        if let Some(store) = &mut self.store {
            store.advance(now);
        }
    }

    /// Hands what happened to the store, if there is one and it is time.
    pub fn keep(&mut self, now: Timestamp, counters: &Counters) {
        if self.store.as_ref().is_some_and(Store::is_due) {
            self.keep_now(now, counters);
        }
    }

    fn keep_now(&mut self, now: Timestamp, counters: &Counters) {
        let Some(store) = &mut self.store else { return };
        let destinations = self.delivery.as_ref().map(|delivery| delivery.status().destinations);
        let sample = Sample {
            time: now.0,
            started: self.started.get_or_insert(now).0,
            origin: self.context.origin.name().to_owned(),
            frames: counters.get(Counter::Frames),
            exchanges: self.totals.exchanges(),
            commands: self.totals.commands(),
            alerts: self.totals.alerts(),
            dropped: self.dropped,
            destinations: destinations.unwrap_or_default(),
        };
        store.hand_over_with(sample, &self.context.policy);
    }

    /// Tells which destinations missed alerts.
    fn tell_of_missed(&mut self, now: Timestamp) {
        let Some(delivery) = &self.delivery else { return };
        if let Some(news) = self.missed.news(now, || delivery.missed()) {
            self.tell(&news);
        }
    }

    /// Records in the words of another policy from now on; `heirs` tells which of its entries are those of the one before.
    pub fn replace_policy(&mut self, written: Written<'a>, heirs: &Heirs) {
        self.write_polls(Polls::finish);
        if let Some(store) = &mut self.store {
            store.hand_over(&self.context.policy);
        }
        let succession = heirs.succession();
        self.totals.succeed(&succession);
        let counts = std::mem::take(&mut self.suppressed);
        for (by, count) in (0..).map(SuppressionId).zip(counts) {
            if let Some(by) = succession.suppression(by) {
                *self.suppressions(by) = count;
            }
        }
        (self.context.policy, self.context.sources) = (written.policy, written.sources);
    }

    /// How many alerts a suppression kept back.
    fn suppressions(&mut self, by: SuppressionId) -> &mut u64 {
        let place = usize::from(by.0);
        self.suppressed.resize(self.suppressed.len().max(place + 1), 0);
        &mut self.suppressed[place]
    }

    /// Tells what happened to the sensor itself.
    pub fn tell(&mut self, news: &News) {
        let notice = Notice::of_news(news, self.context.origin);
        self.totals.count_alert(notice.severity);
        if let Some(alerts) = self.sinks.alerts() {
            alerts.put_text(&self.format.write(&notice.eve, &notice.cef, usize::MAX));
        }
        match &mut self.screen {
            Some(screen) => screen.news(news),
            None if news.kind.severity() == Severity::Informational => info!("{}", news.why),
            None => warn!("{}", news.why),
        }
        if matches!(news.kind, NewsKind::KernelDrops | NewsKind::InterfaceDrops) {
            self.dropped += news.count.unwrap_or(0);
        }
        if let Some(store) = &mut self.store {
            store.notice(notice.clone(), &self.context.policy);
        }
        if let Some(delivery) = &self.delivery {
            delivery.put(notice);
        }
        // A failure is kept, and found at the next flush.
        let _ = self.flush();
    }

    /// Tells how the sensor does.
    pub fn beat(&mut self, pulse: &Pulse, vitals: &Vitals) {
        let measured = self.delivery.as_ref().map(|delivery| delivery.observer().measure());
        let notice = Notice::of_heartbeat(&pulse.heartbeat(vitals, measured), self.context.origin);
        if let Some(events) = self.sinks.events() {
            events.put_text(&notice.eve);
        }
        if let Some(delivery) = &self.delivery {
            delivery.put(notice);
        }
    }

    /// Has what is to be delivered written to disk; what is told of a few frames is written together.
    pub fn hand_over(&self) {
        if let Some(delivery) = &self.delivery {
            delivery.hand_over();
        }
    }

    /// Ends delivery: nothing more comes.
    ///
    /// # Errors
    /// When messages are lost, as there is no spool on disk that keeps what was not delivered.
    pub fn end_delivery(&mut self) -> Result<(), Failure> {
        let Some(mut delivery) = self.delivery.take() else { return Ok(()) };
        let status = delivery.finish();
        let waiting = status.waiting();
        let (lost_alerts, lost_events) = (status.lost_alerts, status.lost_events);
        self.delivered = Some(Delivered { waiting, lost_alerts, lost_events });
        if waiting > 0 && !delivery.outlives_the_process() {
            return Err(Failure::Io(format!(
                "not delivered, and lost: {waiting} (counted for each destination); `[spool]` names no directory that keeps them"
            )));
        }
        if waiting > 0 {
            warn!(
                "not delivered yet: {waiting} (counted for each destination); the spool keeps them for the next start"
            );
        }
        Ok(())
    }

    /// Waits until the store has everything.
    pub fn end_store(&mut self) {
        self.store = None;
    }

    /// Records the end of a capture.
    pub fn end_capture(&mut self, time: Timestamp, losses: Losses, counters: &Counters) {
        self.write_polls(Polls::finish);
        if let Some(evidence) = &mut self.evidence {
            evidence.end_capture();
        }
        let (evidence_lost, records_lost) = (self.evidence_lost(), self.records_lost());
        if let Some(events) = self.sinks.events() {
            let stats = StatsRecord::new(&self.context, time, losses, counters, &self.suppressed);
            events.put(
                &stats.with_delivery(self.delivered).with_evidence_lost(evidence_lost).with_records_lost(records_lost),
            );
        }
        if self.store.is_some() {
            self.keep_now(time, counters);
        }
        self.totals.add_capture(losses, counters);
        self.suppressed.clear();
    }

    /// Shows the summary, in which these interfaces are named as those that no frame came from.
    pub fn summarise(&mut self, silent: &[String]) {
        if let Some(screen) = &mut self.screen {
            screen.summary(&Summary { totals: &self.totals, policy: self.context.policy, silent });
        }
    }

    /// Has the polls do something that may write exchanges.
    fn write_polls(&mut self, work: impl FnOnce(&mut Polls, &mut Write<'_>)) {
        let events = Events::of(&mut self.sinks, self.delivery.as_ref());
        if let (Some(polls), Some(mut events)) = (&mut self.polls, events) {
            let context = &self.context;
            work(polls, &mut |exchange, repeated| {
                let record = EventRecord::new(context, exchange).standing_for(repeated);
                events.put(record.time(), &record);
            });
        }
    }

    /// What was reported so far, by what it is.
    pub fn recorded(&self) -> &Recorded {
        self.totals.recorded()
    }

    /// Files of evidence that could not be kept, where evidence is kept.
    pub fn evidence_lost(&self) -> Option<u64> {
        self.evidence.as_ref().map(Evidence::lost)
    }

    /// Records that files did not take, because the disk was full for instance.
    pub fn records_lost(&self) -> u64 {
        self.sinks.lost()
    }

    /// How it stands with the local store, where there is one.
    pub fn store(&self) -> Option<store::Measured> {
        self.store.as_ref().map(Store::measure)
    }

    /// Alerts so far.
    pub fn alerts(&self) -> u64 {
        self.totals.alerts()
    }

    /// The worst severity among the alerts so far.
    pub fn worst(&self) -> Option<Severity> {
        self.totals.worst()
    }

    /// Writes out what was held back.
    ///
    /// # Errors
    /// The first failure of any output since the beginning.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.sinks.flush()?;
        self.screen.as_mut().map_or(Ok(()), Screen::flush)
    }

    /// Whether there is no point in going on, because an output has failed.
    pub fn has_failed(&self) -> bool {
        self.sinks.have_failed() || self.screen.as_ref().is_some_and(Screen::has_failed)
    }
}

/// Where events go: to the file for them, and to destinations that ask for them.
struct Events<'a> {
    lines: Option<&'a mut Lines>,
    delivery: Option<&'a Delivery>,
}

impl<'a> Events<'a> {
    /// `None` if nobody wants them.
    fn of(sinks: &'a mut Sinks, delivery: Option<&'a Delivery>) -> Option<Self> {
        let events = Self { lines: sinks.events(), delivery: delivery.filter(|delivery| delivery.takes_events()) };
        (events.lines.is_some() || events.delivery.is_some()).then_some(events)
    }

    fn put(&mut self, time: Timestamp, record: &impl Serialize) {
        if let Some(delivery) = self.delivery {
            delivery.put(event(time, record));
        }
        if let Some(lines) = &mut self.lines {
            lines.put(record);
        }
    }
}

fn event(time: Timestamp, record: &impl Serialize) -> Notice {
    Notice::of_event(time, json::line(record))
}

fn cef_line(alert: &Alert<'_>, subject: &Subject<'_>, host: Option<&str>, evidence: Option<&Reference>) -> String {
    let mut line = String::new();
    // Text takes whatever is written to it.
    let _ = cef(&mut line, alert, subject);
    let mut fields: Vec<(&str, &str)> = host.map(|host| ("dvchost", host)).into_iter().collect();
    if let Some(Reference { file, sha256, .. }) = evidence {
        fields.extend([("fname", file.as_str()), ("fileHash", sha256)]);
    }
    with_fields(line, &fields)
}

impl Audience for Recorder<'_> {
    fn declared(&mut self, key: IntentKey, words: &Declaration) {
        self.declared.take(key, words);
    }

    fn undeclared(&mut self, key: IntentKey) {
        self.declared.forget(key);
    }
}

impl Output for Recorder<'_> {
    fn suppressed(&mut self, _: &Alert<'_>, by: SuppressionId) {
        *self.suppressions(by) += 1;
        self.totals.count_suppressed(by);
    }

    fn matched(&mut self, command: &Command<'_>, verdict: &Match) {
        let events = Events::of(&mut self.sinks, self.delivery.as_ref());
        if events.is_none() && self.store.is_none() {
            return;
        }
        let words = verdict.intent.and_then(|intent| self.declared.of(intent.key));
        let record = DecidedRecord::new(&self.context, command, verdict, words);
        if let Some(mut events) = events {
            events.put(record.time(), &record);
        }
        if let Some(store) = &mut self.store {
            store.notice(event(record.time(), &record), &self.context.policy);
        }
    }

    fn intent_gone(&mut self, key: IntentKey) {
        self.declared.forget(key);
    }

    #[inline]
    fn belongs(&mut self, flow: Option<u64>) {
        if let Some(evidence) = &mut self.evidence {
            evidence.belongs(flow);
        }
    }

    fn exchange(&mut self, exchange: &Exchange<'_>) {
        self.totals.count_exchange(exchange);
        if let Some(store) = &mut self.store {
            store.exchange(exchange, &self.context.policy);
        }
        if self.polls.is_some() {
            self.write_polls(|polls, write| polls.take(exchange, write));
        } else if let Some(mut events) = Events::of(&mut self.sinks, self.delivery.as_ref()) {
            let record = EventRecord::new(&self.context, exchange);
            events.put(record.time(), &record);
        }
    }

    fn anomaly(&mut self, anomaly: &Anomaly) {
        self.totals.count_anomaly(anomaly.finding.kind);
        if let Some(mut events) = Events::of(&mut self.sinks, self.delivery.as_ref()) {
            events.put(anomaly.seen.time, &AnomalyRecord::new(&self.context, anomaly));
        }
    }

    fn alert(&mut self, alert: &Alert<'_>) {
        let Some(subject) = Subject::of(&self.context.policy, alert) else { return };
        self.totals.count_alert(subject.severity());
        if let Some(exchange) = alert.exchange {
            self.write_polls(|polls, write| polls.alerted(exchange, write));
        }
        let evidence = self.evidence.as_mut().and_then(|evidence| evidence.of(alert, &subject));
        let cef = LazyCell::new(|| cef_line(alert, &subject, self.context.origin.host(), evidence.as_ref()));
        let key = alert.declared.or(alert.intent.and_then(|verdict| Some(verdict.intent?.key)));
        let words = key.and_then(|key| self.declared.of(key));
        let record = || {
            let record = AlertRecord::new(&self.context, alert, &subject).with_evidence(evidence.as_ref());
            record.with_declaration(&self.context.policy, alert, words)
        };
        let eve = LazyCell::new(|| json::line(&record()));
        if let Some(alerts) = self.sinks.alerts() {
            match self.format {
                Format::Eve => alerts.put_text(&eve),
                Format::Cef => alerts.put_text(&cef),
                format => alerts.put_text(&format.write(&eve, &cef, usize::MAX)),
            }
        }
        let notice = |cef: &str| Notice {
            id: alert.id.to_string(),
            kind: Kind::Alert,
            time: alert.time,
            severity: subject.severity(),
            eve: eve.clone(),
            cef: cef.to_owned(),
        };
        if let Some(store) = &mut self.store {
            store.alert(alert);
            store.notice(notice(""), &self.context.policy);
        }
        if let Some(delivery) = &self.delivery {
            delivery.put(notice(&cef));
        }
        if let Some(screen) = &mut self.screen {
            screen.alert(alert.time, &subject);
        }
        if self.prompt {
            // A failure is kept, and found at the next flush.
            let _ = self.flush();
        }
    }
}
