//! Alerts in the two forms that every other is made from.

use tagout::news::{News, NewsKind};
use tagout::notice::Notice;
use tagout::policy::Sources;
use tagout::record::{AlertRecord, Context, Origin};
use tagout_core::engine::Policy;
use tagout_core::words::{Subject, cef};
use tagout_core::{Alert, Anomaly, Exchange, Output, Timestamp};

use crate::case::Case;
use crate::observe::observe;
use crate::plant::{self, Lan};

/// One alert.
#[derive(Debug)]
pub struct Both {
    /// Its EVE record.
    pub eve: String,
    /// Its line of CEF.
    pub cef: String,
}

/// Every alert that the cases of `cases/disturbances` raise, on every protocol and network that they are for.
pub fn disturbances() -> Vec<Both> {
    let compiled = plant::policy();
    let policy = Policy::load(&compiled.image).expect("what the compiler made loads");
    let sources = Sources::new(Vec::new());
    let context = Context { origin: Origin::CaptureFile("capture.pcap"), policy, sources: &sources };
    let mut gathered = Gathered { context, alerts: Vec::new() };
    for (_, case) in Case::all() {
        for protocol in case.protocols.clone() {
            for lan in Lan::ALL {
                let scene = case.build(protocol, lan);
                observe(&scene.capture, protocol, scene.port, policy, &mut gathered);
            }
        }
    }
    gathered.alerts
}

/// Everything that the sensor tells of itself, with as much about it as there can be.
pub fn news() -> impl Iterator<Item = Both> {
    const TIME: Timestamp = Timestamp(1_790_000_000_123_456_789);
    NewsKind::ALL.iter().map(|kind| {
        let why = "eth1 = \"mirror|port\"\n is down. ".repeat(60);
        let news = News::new(*kind, TIME, why).of_interface("eth1").with_count(7).ending(Timestamp(TIME.0 - 1));
        let Notice { eve, cef, .. } = Notice::of_news(&news, Origin::InIface("eth1+eth2"));
        Both { eve, cef }
    })
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
