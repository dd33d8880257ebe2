//! The text that Prometheus reads: exposition format 0.0.4, and OpenMetrics 1.0 for who asks for it.

use std::fmt::Write as _;

use super::metrics::{Family, Kind};
use crate::delivery::Latency;

/// How metrics are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Notation {
    /// Prometheus' text exposition format, version 0.0.4.
    #[default]
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Notation {
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// One value of a family.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Sample {
    /// What the family's labels say, in their order.
    pub(super) labels: Vec<String>,
    pub(super) value: Value,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    Count(u64),
    Number(f64),
    Times(Latency),
}

/// A page under way.
pub(super) struct Exposition {
    notation: Notation,
    text: String,
}

impl Exposition {
    pub(super) fn new(notation: Notation) -> Self {
        Self { notation, text: String::with_capacity(32 << 10) }
    }

    /// Adds a family, if there is anything of it.
    pub(super) fn put(&mut self, family: &Family, samples: &[Sample]) {
        if samples.is_empty() {
            return;
        }
        let name = match self.notation {
            Notation::Text => family.name.as_str(),
            // The suffix belongs to the sample there.
            Notation::OpenMetrics => family.name.strip_suffix("_total").unwrap_or(&family.name),
        };
        let help = family.help.replace('\\', "\\\\").replace('\n', "\\n");
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {}", family.kind.name()));
        samples.iter().for_each(|sample| self.sample(family, sample));
    }

    /// The whole page.
    pub(super) fn end(mut self) -> String {
        if self.notation == Notation::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    fn sample(&mut self, family: &Family, Sample { labels, value }: &Sample) {
        let name = &family.name;
        let labels: Vec<String> =
            family.labels.iter().zip(labels).map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        match value {
            Value::Count(count) => self.line(format_args!("{name}{} {count}", braced(&labels))),
            Value::Number(number) => self.line(format_args!("{name}{} {number:?}", braced(&labels))),
            Value::Times(times) => self.times(name, &labels, times),
        }
    }

    fn times(&mut self, name: &str, labels: &[String], times: &Latency) {
        let bounds = times.cumulative().map(|(bound_s, count)| (format!("{bound_s:?}"), count));
        for (bound, count) in bounds.chain([("+Inf".to_owned(), times.count)]) {
            let with_bound = [labels, &[format!("le=\"{bound}\"")]].concat();
            self.line(format_args!("{name}_bucket{} {count}", braced(&with_bound)));
        }
        let labels = braced(labels);
        self.line(format_args!("{name}_sum{labels} {:?}", times.sum_s));
        self.line(format_args!("{name}_count{labels} {}", times.count));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Text takes whatever is written to it.
        let _ = writeln!(self.text, "{line}");
    }
}

fn braced(labels: &[String]) -> String {
    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

impl Kind {
    /// What Prometheus calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::management::Metric;
    use crate::management::families;

    fn page(notation: Notation, metric: Metric, samples: &[Sample]) -> String {
        let mut page = Exposition::new(notation);
        let family = families().find(|family| family.metric == metric).expect("every metric has a family");
        page.put(&family, samples);
        page.end()
    }

    #[test]
    fn a_counter_keeps_its_suffix_where_the_notation_wants_it() {
        let sample = [Sample { labels: vec!["a\"b\\\n".to_owned()], value: Value::Count(3) }];
        let text = page(Notation::Text, Metric::DestinationFailures, &sample);
        assert!(text.contains("\n# TYPE tagout_destination_failures_total counter\n"), "{text}");
        assert!(text.ends_with("\ntagout_destination_failures_total{destination=\"a\\\"b\\\\\\n\"} 3\n"), "{text}");
        let text = page(Notation::OpenMetrics, Metric::DestinationFailures, &sample);
        assert!(
            text.contains("\n# TYPE tagout_destination_failures counter\ntagout_destination_failures_total{"),
            "{text}"
        );
        assert!(text.ends_with(" 3\n# EOF\n"), "{text}");
    }

    #[test]
    fn what_there_is_nothing_of_is_left_out() {
        assert_eq!(page(Notation::Text, Metric::DestinationFailures, &[]), "");
    }

    #[test]
    fn times_are_written_as_a_histogram() {
        let sample = [Sample { labels: vec![], value: Value::Times(Latency::default()) }];
        let text = page(Notation::Text, Metric::AlertKept, &sample);
        assert!(text.contains("\ntagout_alert_kept_seconds_bucket{le=\"0.001\"} 0\n"), "{text}");
        assert!(
            text.ends_with("{le=\"+Inf\"} 0\ntagout_alert_kept_seconds_sum 0.0\ntagout_alert_kept_seconds_count 0\n"),
            "{text}"
        );
    }
}
