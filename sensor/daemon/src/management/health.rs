use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::vitals::Vitals;
use crate::delivery::{Fault, Measured};
use crate::record::Stamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The thread that captures gives a sign of life once a second.
const HANGS: Duration = Duration::from_secs(10);
/// A destination that takes nothing for so long is told of: receivers are started anew now and then.
const FAILS_FOR_LONG: Duration = Duration::from_secs(60);
/// So much of the spool may be full, in percent.
const NEARLY_FULL: u64 = 95;

/// What can be unwell.
const PARTS: [&str; 6] = ["capture", "interface", "silence", "policy", "spool", "destination"];

/// Whether the daemon lives, does its work, and what of it is unwell.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Health {
    status: Cow<'static, str>,
    /// The thread that captures is at work: if not, start the daemon anew.
    live: bool,
    /// At least one interface is read.
    ready: bool,
    version: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restarts: Option<u64>,
    unwell: Vec<Unwell>,
}

/// A part that is unwell.
#[derive(Serialize, Deserialize, JsonSchema, Clone, PartialEq, Eq, Debug)]
pub struct Unwell {
    /// What part of it.
    #[schemars(extend("enum" = PARTS))]
    part: Cow<'static, str>,
    /// Which interface or destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Since when, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Stamp>,
    /// What is wrong with it.
    why: String,
}

impl Unwell {
    fn new(part: &'static str, why: impl Into<String>) -> Self {
        Self { part: part.into(), name: None, since: None, why: why.into() }
    }

    fn of(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    fn since(self, time: Stamp) -> Self {
        Self { since: Some(time), ..self }
    }
}

impl Health {
    /// How a daemon does of which this is known.
    pub fn of(vitals: &Vitals, delivery: Option<&Measured>) -> Self {
        let live = vitals.at.elapsed() < HANGS;
        let ready = live && vitals.interfaces.iter().any(|state| state.lost_since.is_none());
        let mut unwell = Vec::new();
        capture(vitals, live, &mut unwell);
        policy(vitals, &mut unwell);
        if let Some(delivery) = delivery {
            spool(delivery, &mut unwell);
            destinations(delivery, &mut unwell);
        }
        let status = if unwell.is_empty() { "ok" } else { "unwell" };
        let (version, restarts) = (env!("CARGO_PKG_VERSION").into(), vitals.restarts);
        Self { status: status.into(), live, ready, version, restarts, unwell }
    }

    /// `ok` or `unwell`.
    pub fn status(&self) -> &str {
        &self.status
    }

    /// Which tagout it is.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// How often the daemon was started anew, where a folder outlives it.
    pub fn restarts(&self) -> Option<u64> {
        self.restarts
    }

    /// Whether the thread that captures is at work.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Whether at least one interface is read.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// What is unwell.
    pub fn unwell(&self) -> &[Unwell] {
        &self.unwell
    }

    /// Whether nothing is unwell.
    pub fn is_well(&self) -> bool {
        self.unwell.is_empty()
    }
}

impl fmt::Display for Health {
    /// What is unwell, in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, unwell) in self.unwell.iter().enumerate() {
            let between = if place > 0 { "; " } else { "" };
            write!(f, "{between}{unwell}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Unwell {
    /// It in words; with `#` also since when.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, name, since, why } = self;
        f.write_str(part)?;
        if let Some(name) = name {
            write!(f, " {name}")?;
        }
        write!(f, ": {why}")?;
        match since {
            Some(since) if f.alternate() => write!(f, " (since {since})"),
            _ => Ok(()),
        }
    }
}

fn capture(vitals: &Vitals, live: bool, unwell: &mut Vec<Unwell>) {
    if !live {
        let why = format!("the thread that captures gives no sign of life for {} s", vitals.at.elapsed().as_secs());
        unwell.push(Unwell::new("capture", why));
    } else if vitals.interfaces.is_empty() {
        unwell.push(Unwell::new("capture", "no interface was looked at yet"));
    }
    for state in &vitals.interfaces {
        if let Some(since) = state.lost_since {
            unwell.push(Unwell::new("interface", "it cannot be read").of(&state.name).since(Stamp(since)));
        } else if let Some(since) = state.silent_since {
            unwell.push(Unwell::new("silence", "nothing comes from it").of(&state.name).since(Stamp(since)));
        }
    }
}

fn policy(vitals: &Vitals, unwell: &mut Vec<Unwell>) {
    if let Some(since) = vitals.policy.refused_at {
        let why = format!("the last policy that was read was refused; {} stays in force", vitals.policy.version);
        unwell.push(Unwell::new("policy", why).since(Stamp(since)));
    }
}

fn spool(delivery: &Measured, unwell: &mut Vec<Unwell>) {
    if let Some(fault) = &delivery.spool_fault {
        unwell.push(Unwell::new("spool", format!("the disk takes nothing: {}", fault.why)).since(fault.since.into()));
    }
    let (bytes, limit) = (delivery.spooled_bytes, delivery.spool_limit_bytes);
    if bytes.saturating_mul(100) >= limit.saturating_mul(NEARLY_FULL) {
        unwell.push(Unwell::new("spool", format!("{bytes} of {limit} bytes are full")));
    }
}

fn destinations(delivery: &Measured, unwell: &mut Vec<Unwell>) {
    for one in &delivery.destinations {
        let fails_for_long = |fault: &&Fault| fault.since.elapsed().is_ok_and(|lasting| lasting >= FAILS_FOR_LONG);
        if let Some(fault) = one.trouble.as_ref().filter(fails_for_long) {
            let why = format!("{}; {} notices wait", fault.why, one.waiting);
            unwell.push(Unwell::new("destination", why).of(&one.name).since(fault.since.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use tagout_core::Timestamp;

    use super::*;
    use crate::capture::live::InterfaceState;
    use crate::delivery::{DestinationMeasured, Latency, Outcome, Reason};
    use crate::management::{Board, Policy};
    use crate::notice::PerKind;
    use crate::record::Losses;

    const BEGAN: Timestamp = Timestamp(1_790_000_000_000_000_000);

    fn interface(name: &str) -> InterfaceState {
        let losses = Losses::default();
        InterfaceState { name: name.to_owned(), frames: 0, losses, lost_since: None, silent_since: None }
    }

    fn vitals() -> Vitals {
        let (version, taken, refused) = ("0123456789abcdef".to_owned(), 0, 0);
        let policy = Policy { version, permits: 1, rules: 2, loaded: BEGAN, taken, refused, refused_at: None };
        Vitals { interfaces: vec![interface("eth1"), interface("eth2")], ..Board::new(policy, Some(2)).read() }
    }

    fn delivery() -> Measured {
        let none = PerKind::default();
        Measured {
            given: none,
            recovered: none,
            in_memory: none,
            in_memory_bytes: 0,
            spooled: none,
            spooled_bytes: 0,
            spool_limit_bytes: 1_000,
            oldest: None,
            settled: none,
            dropped: Reason::ALL.map(|reason| (reason, none)),
            spool_fault: None,
            kept: Latency::default(),
            destinations: vec![DestinationMeasured {
                name: "soc".to_owned(),
                waiting: 7,
                outcomes: Outcome::ALL.map(|outcome| (outcome, 0)),
                failures: 0,
                trouble: None,
                taken: None,
                acknowledged: Latency::default(),
            }],
        }
    }

    fn fault(lasting_s: u64) -> Option<Fault> {
        Some(Fault { since: SystemTime::now() - Duration::from_secs(lasting_s), why: "connection refused".to_owned() })
    }

    fn parts(vitals: &Vitals, delivery: &Measured) -> Vec<(Cow<'static, str>, Option<String>)> {
        let health = Health::of(vitals, Some(delivery));
        assert_eq!(health.is_well(), health.unwell.is_empty());
        health.unwell.into_iter().map(|unwell| (unwell.part, unwell.name)).collect()
    }

    #[test]
    fn a_daemon_that_does_its_work_is_well() {
        let health = Health::of(&vitals(), Some(&delivery()));
        assert_eq!((health.status(), health.live, health.ready, health.is_well()), ("ok", true, true, true));
        assert!(Health::of(&vitals(), None).is_well());
    }

    #[test]
    fn an_interface_that_is_lost_or_silent_is_named() {
        let mut vitals = vitals();
        vitals.interfaces[0].lost_since = Some(BEGAN);
        vitals.interfaces[1].silent_since = Some(BEGAN);
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(
            parts(&vitals, &delivery()),
            [("interface".into(), named("eth1")), ("silence".into(), named("eth2"))]
        );
        let health = Health::of(&vitals, None);
        assert!(health.live && health.ready, "one of two is read");
        assert_eq!(health.unwell[0].since, Some(Stamp(BEGAN)));
        assert_eq!(health.to_string(), "interface eth1: it cannot be read; silence eth2: nothing comes from it");
        vitals.interfaces[1].lost_since = Some(BEGAN);
        assert!(!Health::of(&vitals, None).ready);
    }

    #[test]
    fn one_that_gives_no_sign_of_life_does_not_live() {
        let mut vitals = vitals();
        vitals.at = std::time::Instant::now().checked_sub(HANGS).expect("the machine runs for longer");
        let health = Health::of(&vitals, None);
        assert_eq!((health.live, health.ready, &*health.unwell[0].part), (false, false, "capture"));
        let health = Health::of(&Vitals { interfaces: Vec::new(), ..self::vitals() }, None);
        assert_eq!((health.live, health.ready, &*health.unwell[0].part), (true, false, "capture"));
    }

    #[test]
    fn a_policy_that_was_refused_is_told_until_one_is_taken() {
        let mut vitals = vitals();
        vitals.policy.refused_at = Some(BEGAN);
        assert_eq!(parts(&vitals, &delivery()), [("policy".into(), None)]);
    }

    #[test]
    fn a_destination_is_unwell_when_it_fails_for_long() {
        let mut delivery = delivery();
        delivery.destinations[0].trouble = fault(30);
        assert_eq!(parts(&vitals(), &delivery), []);
        delivery.destinations[0].trouble = fault(61);
        assert_eq!(parts(&vitals(), &delivery), [("destination".into(), Some("soc".to_owned()))]);
        let why = Health::of(&vitals(), Some(&delivery)).unwell[0].why.clone();
        assert_eq!(why, "connection refused; 7 notices wait");
    }

    #[test]
    fn a_spool_is_unwell_when_the_disk_takes_nothing_or_little_room_is_left() {
        let dead = Measured { spool_fault: fault(1), ..delivery() };
        assert_eq!(parts(&vitals(), &dead), [("spool".into(), None)]);
        for (spooled_bytes, expected) in [(949, 0), (950, 1), (u64::MAX, 1)] {
            assert_eq!(parts(&vitals(), &Measured { spooled_bytes, ..delivery() }).len(), expected, "{spooled_bytes}");
        }
    }
}
