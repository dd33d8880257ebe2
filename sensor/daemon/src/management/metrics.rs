//! Every metric that there is: names, labels and meaning, for the page that is scraped and for the reference.

use tagout_core::Counter;

/// What kind of number it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It only grows, until the daemon starts anew.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Counts in classes.
    Histogram,
}

/// A metric as it is scraped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Family {
    /// Which one it is.
    pub metric: Metric,
    /// Its name.
    pub name: String,
    /// What kind of number it is.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: String,
}

/// Declares the metrics with their names.
macro_rules! metrics {
    ($($variant:ident, $kind:ident, $name:literal, [$($label:literal),*], $help:literal;)+) => {
        /// A metric.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[expect(missing_docs, reason = "what each means stands in the table")]
        pub enum Metric { Counted(Counter), $($variant,)+ }

        const DECLARED: &[(Metric, Kind, &str, &[&str], &str)] =
            &[$((Metric::$variant, Kind::$kind, $name, &[$($label),*], $help),)+];
    };
}

metrics! {
    BuildInfo, Gauge, "tagout_build_info", ["version", "arch"], "Always 1; the labels tell which tagout runs.";
    LastLook, Gauge, "tagout_capture_look_age_seconds", [],
        "Seconds since the thread that captures last looked at its interfaces, which it does once a second.";
    LastFrame, Gauge, "tagout_last_frame_timestamp_seconds", [], "When the last frame was captured, in seconds since 1970.";
    InterfaceUp, Gauge, "tagout_interface_up", ["interface"], "1 if the interface can be read, 0 if it is down, without carrier or gone.";
    InterfaceSilent, Gauge, "tagout_interface_silent", ["interface"], "1 if nothing has come for capture.silence_s from an interface that is up.";
    InterfaceFrames, Counter, "tagout_interface_frames_total", ["interface"],
        "Frames that came from the interface; together they are tagout_frames_total.";
    InterfaceDrops, Counter, "tagout_interface_dropped_frames_total", ["interface", "reason"],
        "Frames that nobody judged: `kernel` had no room for them in its ring, or the `interface` itself lost them.";
    Exchanges, Counter, "tagout_exchanges_total", ["protocol"], "Requests with their responses.";
    Commands, Counter, "tagout_commands_total", ["protocol"], "Exchanges that change state, configuration or availability.";
    Alerts, Counter, "tagout_alerts_total", ["severity"], "Alerts given, with those by which the sensor tells of itself.";
    Anomalies, Counter, "tagout_anomalies_total", ["kind"], "Reports of traffic that could not be taken at face value.";
    TableEntries, Gauge, "tagout_table_entries", ["table"],
        "What is in a table of the sensor; each is looked at four times a minute. A full one displaces what is oldest in it.";
    TableLimit, Gauge, "tagout_table_limit", ["table"], "What the table has room for.";
    DeclarationsRefused, Counter, "tagout_intents_refused_total", [],
        "Declarations that were not taken, wherever they came from: not readable, not signed by a key that is trusted, or not its to declare.";
    Heartbeats, Counter, "tagout_heartbeats_total", [], "Heartbeats given.";
    EvidenceLost, Counter, "tagout_evidence_lost_total", [], "Files of evidence that could not be kept.";
    RecordsLost, Counter, "tagout_records_lost_total", [], "Records that files of alerts and events did not take.";
    PolicyInfo, Gauge, "tagout_policy_info", ["version"], "Always 1; the label tells which policy is in force.";
    PolicyLoaded, Gauge, "tagout_policy_loaded_timestamp_seconds", [], "When the policy came into force, in seconds since 1970.";
    PolicyPermits, Gauge, "tagout_policy_permits", [], "Permits of the policy in force.";
    PolicyRules, Gauge, "tagout_policy_rules", [], "Rules of the policy in force.";
    PolicyReloads, Counter, "tagout_policy_reloads_total", ["outcome"], "Policies that were read anew: `taken` or `refused`.";
    PolicyCurrent, Gauge, "tagout_policy_last_reload_successful", [], "0 if the last policy that was read anew was refused, else 1.";
    Notices, Counter, "tagout_notices_total", ["kind"],
        "Notices given to delivery: with those recovered, all that are in memory, spooled, settled or dropped.";
    NoticesRecovered, Gauge, "tagout_notices_recovered", ["kind"], "Notices that the spool had from an earlier run.";
    NoticesInMemory, Gauge, "tagout_notices_in_memory", ["kind"], "Notices that wait for the disk.";
    NoticesSpooled, Gauge, "tagout_notices_spooled", ["kind"], "Notices on disk that some destination still needs.";
    NoticesSettled, Counter, "tagout_notices_settled_total", ["kind"], "Notices that every destination is done with.";
    NoticesDropped, Counter, "tagout_notices_dropped_total", ["kind", "reason"],
        "Notices that did not get through: `memory-full`, `spool-full`, `too-old`, or `not-written` by a dead disk at the end.";
    IntakeBytes, Gauge, "tagout_intake_bytes", [], "Bytes of notices in memory that nobody writes yet.";
    SpoolUp, Gauge, "tagout_spool_up", [], "0 if the disk takes nothing, else 1.";
    SpoolBytes, Gauge, "tagout_spool_bytes", [], "Bytes of notices in the spool.";
    SpoolLimit, Gauge, "tagout_spool_limit_bytes", [], "How many bytes of notices there may be in the spool.";
    SpoolAge, Gauge, "tagout_spool_oldest_age_seconds", [], "How long the oldest notice waits in the spool; 0 if none does.";
    AlertKept, Histogram, "tagout_alert_kept_seconds", [], "From the packets of an alert until it was safe in the spool.";
    AlertAcknowledged, Histogram, "tagout_alert_acknowledged_seconds", ["destination"],
        "From the packets of an alert until the destination had acknowledged it, as far as its protocol tells.";
    DestinationNotices, Counter, "tagout_destination_notices_total", ["destination", "outcome"],
        "Notices that the destination is done with: `delivered`, `passed-over` by its filter, `refused` for good, or `skipped`: events for one that takes none, or gone from the spool before their turn.";
    DestinationWaiting, Gauge, "tagout_destination_waiting", ["destination"], "Notices in the spool that the destination is not done with, without events where it takes none.";
    DestinationFailures, Counter, "tagout_destination_failures_total", ["destination"],
        "Attempts to send that came to nothing; each is made again.";
    DestinationUp, Gauge, "tagout_destination_up", ["destination"], "0 while the destination takes nothing, else 1.";
    DestinationSuccess, Gauge, "tagout_destination_last_success_timestamp_seconds", ["destination"],
        "When the destination last took a message, in seconds since 1970.";
    IntentsRequests, Counter, "tagout_intents_requests_total", ["outcome"],
        "Requests to the address for declarations: `taken`, `partly` where some of it was refused, or why they were refused as a whole.";
    IntentsReceived, Counter, "tagout_intents_received_total", ["outcome"],
        "Declarations that came to that address: `taken`, or `refused`.";
    IntentsConnections, Gauge, "tagout_intents_connections", [], "Connections to that address that are open.";
    IntentsTurnedAway, Counter, "tagout_intents_connections_refused_total", ["reason"],
        "Connections to that address that ended before they asked: `too-many`, no TLS (`handshake`), `silent`, or no HTTP (`broken`).";
    StoreUp, Gauge, "tagout_store_up", [], "0 if the disk did not take what was last written to the local store, else 1.";
    StoreBytes, Gauge, "tagout_store_bytes", ["what"],
        "Bytes of `alerts` in the local store, and of `acts`: commands that were held against intents.";
    StoreLimit, Gauge, "tagout_store_limit_bytes", [], "How many bytes of either there may be in the local store.";
    StoreLost, Counter, "tagout_store_lost_total", ["what"],
        "What the local store never had: `alerts` and `acts` that found no room on their way, and `exchanges` that are in no count.";
    StoreShed, Counter, "tagout_store_shed_total", ["what"],
        "What made room in the local store: the oldest `alerts` and `acts`, and `counts` of who did what to whom.";
    ProcessResident, Gauge, "process_resident_memory_bytes", [], "Resident memory of the process.";
    ProcessCpu, Counter, "process_cpu_seconds_total", [], "Processor time of the process, user and system.";
    ProcessFds, Gauge, "process_open_fds", [], "Open file descriptors of the process.";
    ProcessMostFds, Gauge, "process_max_fds", [], "How many file descriptors the process may open.";
    Restarts, Counter, "tagout_restarts_total", [],
        "How often the daemon was started anew since the folder of its spool, or of its local store, was made.";
    ProcessStart, Gauge, "process_start_time_seconds", [], "When the process started, in seconds since 1970.";
}

/// Every metric, in the order of the page. What the sensor counts by itself has the names and the words of its own table,
/// but for what is told by severity and by kind.
pub fn families() -> impl Iterator<Item = Family> {
    let declared = DECLARED.iter().map(|(metric, kind, name, labels, help)| Family {
        metric: *metric,
        name: (*name).to_owned(),
        kind: *kind,
        labels,
        help: (*help).to_owned(),
    });
    let by_label = |counter: &&Counter| matches!(counter, Counter::Alerts | Counter::Anomalies);
    let counted = Counter::ALL.iter().filter(move |counter| !by_label(counter)).map(|counter| Family {
        metric: Metric::Counted(*counter),
        name: format!("tagout_{}_total", counter.name()),
        kind: Kind::Counter,
        labels: &[],
        help: counter.meaning().trim().to_owned(),
    });
    declared.chain(counted)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_as_prometheus_wants_them() {
        let mut known = HashSet::new();
        for Family { name, kind, labels, help, .. } in families() {
            assert!(name.chars().all(|character| matches!(character, 'a'..='z' | '0'..='9' | '_')), "{name}");
            assert_eq!(name.ends_with("_total"), kind == Kind::Counter, "{name}");
            assert!(help.ends_with('.'), "{name}: {help}");
            assert!(!labels.contains(&"le"), "{name}");
            assert!(known.insert(name.trim_end_matches("_total").to_owned()), "{name} is there twice");
        }
    }
}
