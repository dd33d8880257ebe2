//! Alerts in the two forms that every other is made from.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use tagout::capture::live::InterfaceState;
use tagout::delivery::{DestinationMeasured, Fault, Latency, Measured, Outcome, Reason};
use tagout::heartbeat::Heartbeat;
use tagout::management::{self, Health, Vitals};
use tagout::news::{News, NewsKind};
use tagout::notice::{Kind, Notice, PerKind};
use tagout::output::Recorded;
use tagout::policy::Sources;
use tagout::record::{AlertRecord, Context, Losses, Origin};
use tagout_core::engine::Policy;
use tagout_core::words::{Subject, cef};
use tagout_core::{Alert, Anomaly, Counters, Exchange, Output, Timestamp};

use crate::case::Case;
use crate::observe::observe;
use crate::plant::{self, Lan};
use crate::workers;

/// One alert.
#[derive(Clone, Debug)]
pub struct Both {
    /// Its EVE record.
    pub eve: String,
    /// Its line of CEF.
    pub cef: String,
}

/// Every alert that the cases of `cases/disturbances` raise, on every protocol and network that they are for.
pub fn disturbances() -> impl Iterator<Item = Both> {
    static RAISED: LazyLock<Vec<Both>> = LazyLock::new(|| {
        let compiled = plant::policy();
        let policy = Policy::load(&compiled.image).expect("what the compiler made loads");
        workers::each(&Case::all(), |(_, case)| raised_by(case, policy)).concat()
    });
    RAISED.iter().cloned()
}

fn raised_by(case: &Case, policy: Policy<'_>) -> Vec<Both> {
    let sources = Sources::new(Vec::new());
    let context = Context { origin: Origin::capture_file("capture.pcap"), policy, sources: &sources };
    let mut gathered = Gathered { context, alerts: Vec::new() };
    for protocol in case.protocols.clone() {
        for lan in Lan::ALL {
            let scene = case.build(protocol, lan);
            observe(&scene.capture, protocol, scene.port, policy, &mut gathered);
        }
    }
    gathered.alerts
}

/// When everything happens that the sensor tells of itself.
const TIME: Timestamp = Timestamp(1_790_000_000_123_456_789);

/// Everything that happens to the sensor itself, with as much about it as there can be.
pub fn news() -> impl Iterator<Item = Both> {
    NewsKind::ALL.iter().map(|kind| {
        let why = "eth1 = \"mirror|port\"\n is down. ".repeat(60);
        let news = News::new(*kind, TIME, why).of_interface("eth1").with_count(7).ending(Timestamp(TIME.0 - 1));
        let Notice { eve, cef, .. } = Notice::of_news(&news, Origin::interface("eth1+eth2", "plant-7"));
        Both { eve, cef }
    })
}

/// How a sensor does: one that is well, and one of which everything is unwell, whose names anybody may have chosen.
pub fn heartbeats() -> [Both; 2] {
    let well = beat("plant-7", &vitals(interface("eth1")), Some(delivery("soc")));
    let name = "dead \"collector\"|=\n".repeat(30);
    let lost = InterfaceState { lost_since: Some(TIME), ..interface(&name) };
    let silent = InterfaceState { silent_since: Some(TIME), ..interface("eth2") };
    let mut vitals = vitals(lost);
    vitals.interfaces.push(silent);
    vitals.policy.refused_at = Some(TIME);
    let mut delivery = delivery(&name);
    let why = "connection refused".to_owned();
    let trouble = Some(Fault { since: SystemTime::UNIX_EPOCH, why });
    delivery.destinations.iter_mut().for_each(|one| one.trouble.clone_from(&trouble));
    delivery.spool_fault = trouble;
    [well, beat(&"plant=7|".repeat(20), &vitals, Some(delivery))]
}

fn beat(host: &str, vitals: &Vitals, delivery: Option<Measured>) -> Both {
    let heartbeat = Heartbeat {
        time: TIME,
        host,
        started: Timestamp(TIME.0 - 86_400_000_000_000),
        uptime: Duration::from_secs(86_400),
        interval: Duration::from_secs(300),
        health: Health::of(vitals, delivery.as_ref()),
        vitals,
        delivery,
    };
    let Notice { eve, cef, .. } = Notice::of_heartbeat(&heartbeat, Origin::interface("eth1", host));
    Both { eve, cef }
}

fn vitals(interface: InterfaceState) -> Vitals {
    let version = "0123456789abcdef".to_owned();
    Vitals {
        at: Instant::now(),
        last_frame: Some(TIME),
        counters: Counters::default(),
        recorded: Recorded::default(),
        evidence_lost: Some(0),
        records_lost: 0,
        interfaces: vec![interface],
        policy: management::Policy {
            version,
            permits: 12,
            rules: 60,
            loaded: TIME,
            taken: 0,
            refused: 0,
            refused_at: None,
        },
        tables: Vec::new(),
        store: None,
        refused_declarations: None,
        heartbeats: 1,
        restarts: Some(3),
    }
}

fn interface(name: &str) -> InterfaceState {
    let losses = Losses { kernel_drops: 7, interface_drops: 2, cut_off_frames: 0 };
    InterfaceState { name: name.to_owned(), frames: 43_200_000, losses, lost_since: None, silent_since: None }
}

fn delivery(destination: &str) -> Measured {
    let none = PerKind::default();
    let mut waits = none;
    waits.count(Kind::Alert);
    Measured {
        given: waits,
        recovered: none,
        in_memory: none,
        in_memory_bytes: 0,
        spooled: waits,
        spooled_bytes: 1_800,
        spool_limit_bytes: 256 << 20,
        oldest: Some(Duration::from_secs(3)),
        settled: none,
        dropped: Reason::ALL.map(|reason| (reason, none)),
        spool_fault: None,
        kept: Latency::default(),
        destinations: vec![DestinationMeasured {
            name: destination.to_owned(),
            waiting: 1,
            outcomes: Outcome::ALL.map(|outcome| (outcome, u64::from(outcome == Outcome::Delivered) * 41)),
            failures: 2,
            trouble: None,
            taken: None,
            acknowledged: Latency::default(),
        }],
    }
}

struct Gathered<'a> {
    context: Context<'a>,
    alerts: Vec<Both>,
}

impl Output for Gathered<'_> {
    fn exchange(&mut self, _: &Exchange<'_>) {}

    fn anomaly(&mut self, _: &Anomaly) {}

    fn alert(&mut self, alert: &Alert<'_>) {
        let subject = Subject::of(&self.context.policy, alert).expect("the alert fits the policy");
        let eve = serde_json::to_string(&AlertRecord::new(&self.context, alert, &subject)).expect("JSON");
        self.alerts.push(Both { eve, cef: line(&self.context.policy, alert) });
    }
}

/// The alert's line of CEF.
pub fn line(policy: &Policy<'_>, alert: &Alert<'_>) -> String {
    let mut line = String::new();
    let subject = Subject::of(policy, alert).expect("the alert fits the policy");
    cef(&mut line, alert, &subject).expect("a string takes it");
    line
}
