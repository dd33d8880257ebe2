extern crate std;

use core::net::{IpAddr, Ipv4Addr};
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;
use tagout_engine::{Reason, Violation};

use super::*;
use crate::record::{Anomaly, Exchange, Host};

const SECOND: u64 = 1_000_000_000;

/// An alert as a test writes it: second of capture time, client, address that it is about.
#[derive(Clone, Copy, Debug)]
struct Raised(u64, u8, u32);

/// What came out: the second, whether it is a summary, and how many it stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Given {
    second: u64,
    summary: bool,
    count: u32,
    incident: AlertId,
}

#[derive(Default)]
struct Listener(Vec<Given>);

impl Output for Listener {
    fn exchange(&mut self, _: &Exchange<'_>) {}

    fn anomaly(&mut self, _: &Anomaly) {}

    fn alert(&mut self, alert: &Alert<'_>) {
        self.0.push(Given {
            second: alert.time.0 / SECOND,
            summary: alert.repeats.is_some(),
            count: alert.repeats.map_or(1, |repeats| repeats.count),
            incident: alert.incident,
        });
    }
}

fn alert(Raised(second, client, address): Raised) -> Alert<'static> {
    let time = Timestamp(second * SECOND);
    let host = |last, port| Host { mac: None, ip: IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), port };
    let path = Path { client: host(client, 40_000), server: host(100, 502), ..Path::default() };
    let violation = Violation {
        reason: Reason::Value,
        found: None,
        place: Some((Space::HoldingRegister, address)),
        point: None,
        value: Some(1.0),
        nearest: None,
        violations: 1,
    };
    let id = AlertId(u128::from(second) << 64 | u128::from(client) << 32 | u128::from(address));
    let (action, protocol) = (Some(Action::Write), Some(Protocol::Modbus));
    Alert { action, protocol, ..Alert::bare(id, time, path, Cause::Violation(violation)) }
}

fn give(folding: Folding, slots: usize, raised: &[Raised]) -> (Vec<Given>, Counters) {
    give_in(folding, slots, 64, raised)
}

/// With room for so many alerts, and so many incidents and rates.
fn give_in(folding: Folding, slots: usize, tallies: usize, raised: &[Raised]) -> (Vec<Given>, Counters) {
    let (mut buckets, mut folds) = (vec![0; slots], vec![FoldSlot::default(); slots]);
    let (mut tally_buckets, mut tallies) = (vec![0; tallies], vec![TallySlot::default(); tallies]);
    let mut folds = Folds::new(folding, (&mut buckets, &mut folds), (&mut tally_buckets, &mut tallies), 0);
    let (mut counters, mut output) = (Counters::default(), Listener::default());
    for one in raised {
        let alert = alert(*one);
        while let Some(due) = folds.next_due().filter(|due| *due <= alert.time) {
            folds.advance(due, &mut counters, &mut output);
        }
        folds.give(alert, 1, None, &mut counters, &mut output);
    }
    folds.finish(&mut counters, &mut output);
    (output.0, counters)
}

fn summaries(given: &[Given]) -> Vec<(u64, u32)> {
    given.iter().filter(|one| one.summary).map(|one| (one.second, one.count)).collect()
}

#[test]
fn what_repeats_itself_is_given_once_and_told_of_ever_more_rarely() {
    let raised: Vec<_> = (0..1_000).map(|second| Raised(second, 1, 7)).collect();
    let (given, counters) = give(Folding::default(), 8, &raised);
    assert_eq!((given[0].second, given[0].summary), (0, false));
    assert_eq!(summaries(&given), [(59, 59), (179, 120), (419, 240), (899, 480), (999, 100)]);
    assert_eq!((counters.get(Counter::Alerts), counters.get(Counter::AlertsFolded)), (1, 999));
    assert_eq!(counters.get(Counter::AlertSummaries), 5);
}

#[test]
fn what_was_not_repeated_in_time_is_an_alert_of_its_own() {
    let (given, _) = give(Folding::default(), 8, &[Raised(0, 1, 7), Raised(61, 1, 7), Raised(200, 1, 7)]);
    assert!(given.iter().all(|one| !one.summary));
    assert_eq!(given.len(), 3);
}

#[test]
fn other_clients_and_other_places_are_other_alerts_of_one_incident_each_client() {
    let (given, _) = give(Folding::default(), 8, &[Raised(0, 1, 7), Raised(1, 1, 8), Raised(2, 2, 7)]);
    assert_eq!(given.len(), 3);
    assert_eq!(given[0].incident, given[1].incident);
    assert_ne!(given[0].incident, given[2].incident);
}

#[test]
fn a_pause_of_more_than_ten_minutes_ends_an_incident() {
    let raised = [Raised(0, 1, 1), Raised(590, 1, 2), Raised(1_100, 1, 3), Raised(1_701, 1, 4)];
    let (given, _) = give(Folding::default(), 8, &raised);
    assert!(given.iter().take(3).all(|one| one.incident == given[0].incident));
    assert_ne!(given[3].incident, given[0].incident);
}

#[test]
fn what_was_forgotten_to_make_room_is_counted_if_something_could_belong_to_it() {
    let forgotten = |slots, tallies, raised: &[Raised]| {
        give_in(Folding::default(), slots, tallies, raised).1.get(Counter::AlertsForgotten)
    };
    let clients: Vec<_> = (1..5).map(|client| Raised(0, client, 7)).collect();
    assert_eq!(forgotten(8, 5, &clients), 0, "four incidents and a rate");
    assert!(forgotten(8, 3, &clients) > 0);
    assert_eq!(forgotten(3, 5, &clients), 1);
    let long_after: Vec<_> = (1..5).map(|client| Raised(700 * u64::from(client), client, 7)).collect();
    assert_eq!(forgotten(8, 2, &long_after), 0, "incidents that were over");
}

#[test]
fn a_flood_of_one_cause_is_cut_off_and_counted() {
    let raised: Vec<_> = (0..200).map(|address| Raised(1, 1, address)).collect();
    let (given, counters) = give(Folding { interval_ms: 60_000, alerts_a_minute: 20 }, 256, &raised);
    assert_eq!(given.iter().filter(|one| !one.summary).count(), 20);
    assert_eq!(summaries(&given), [(1, 180)]);
    assert_eq!(counters.get(Counter::AlertsFolded), 180);
}

#[test]
fn every_alert_is_given_where_folding_is_off() {
    let (given, counters) = give(Folding::OFF, 8, &[Raised(0, 1, 7); 100]);
    assert_eq!((given.len(), counters.get(Counter::AlertsFolded)), (100, 0));
}

proptest! {
    /// Nothing is lost: every alert was given, or a summary counts it, however small the table is.
    #[test]
    fn alerts_are_given_or_counted(
        steps in proptest::collection::vec((0_u64..90, 1_u8..4, 0_u32..6), 0..300),
        slots in 0_usize..6,
        alerts_a_minute in 0_u16..20,
    ) {
        let mut now = 0;
        let raised: Vec<_> = steps
            .iter()
            .map(|(pause, client, address)| {
                now += pause;
                Raised(now, *client, *address)
            })
            .collect();
        let (given, counters) = give(Folding { interval_ms: 60_000, alerts_a_minute }, slots, &raised);
        let alone = given.iter().filter(|one| !one.summary).count();
        let counted: u32 = given.iter().filter(|one| one.summary).map(|one| one.count).sum();
        let folded = counters.get(Counter::AlertsFolded);
        prop_assert_eq!(alone as u64, counters.get(Counter::Alerts));
        prop_assert_eq!(alone as u64 + folded, raised.len() as u64);
        prop_assert_eq!(u64::from(counted), folded);
    }
}
