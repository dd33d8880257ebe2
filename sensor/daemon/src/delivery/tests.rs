use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use tagout_core::Timestamp;
use tagout_core::engine::Severity;

use super::config::SpoolTable;
use super::courier::{Courier, Form, Pace};
use super::destination::{Destination, Message, Sent, Trouble};
use super::filter::Filter;
use super::progress::{Board, Progress};
use super::spool::Spool;
use super::*;
use crate::format::Format;
use crate::notice::Kind;

/// A notice that is told apart from others by its number.
pub(super) fn notice(kind: Kind, number: u64) -> Notice {
    Notice {
        id: format!("{number:032x}"),
        kind,
        time: Timestamp(number),
        severity: Severity::Low,
        eve: format!(r#"{{"event_type":"alert","number":{number}}}"#),
        cef: format!("CEF:0|{number}"),
    }
}

/// The first message to a destination, with this text.
pub(super) fn message(number: u64, text: &str) -> Message {
    Message { sequence: number, number, text: text.to_owned(), notice: notice(Kind::Alert, number) }
}

/// What a receiver has got, and what it will say next.
#[derive(Default)]
struct Receiver {
    got: Vec<(u64, String)>,
    answers: Vec<Result<usize, Trouble>>,
}

struct Shared(Arc<Mutex<Receiver>>);

impl Destination for Shared {
    fn most(&self) -> usize {
        3
    }

    fn send(&mut self, messages: &[Message]) -> Result<Sent, Trouble> {
        let mut receiver = self.0.lock().unwrap();
        let taken = receiver.answers.pop().unwrap_or(Ok(messages.len()))?.clamp(1, messages.len());
        receiver.got.extend(messages[..taken].iter().map(|message| (message.number, message.text.clone())));
        Ok(Sent::all(taken))
    }
}

/// A delivery out of a spool, of notices of these kinds to a receiver.
fn delivery(spool: Spool, waits: bool, kinds: &[Kind], receiver: &Arc<Mutex<Receiver>>) -> Delivery {
    let filter = Filter {
        kinds: kinds.to_vec(),
        least_severity: Severity::Informational,
        actors: Vec::new(),
        devices: Vec::new(),
    };
    let spool = Arc::new(spool.for_filters(vec![filter.clone()]));
    let progress: Vec<Arc<Progress>> = spool.cursors().into_iter().map(Progress::from).map(Arc::new).collect();
    let board = Arc::new(Board::new(progress, spool.last()));
    let courier = Courier {
        spool: Arc::clone(&spool),
        board: Arc::clone(&board),
        progress: Arc::clone(&board.destinations()[0]),
        filter,
        form: Form { format: Format::Cef, most_bytes: 1_024 },
        pace: Pace::new(None),
        longest_pause: Duration::from_millis(1),
        destination: Box::new(Shared(Arc::clone(receiver))),
    };
    Delivery {
        intake: Arc::default(),
        spool,
        board,
        takes_events: true,
        waits,
        couriers: vec![courier],
        keeper: None,
        end: None,
    }
}

/// What came of delivering notices of these kinds to a receiver that answers like this.
fn deliver(kinds: &[Kind], notices: &[Notice], answers: Vec<Result<usize, Trouble>>) -> (Receiver, Delivery) {
    let receiver = Arc::new(Mutex::new(Receiver { answers, ..Receiver::default() }));
    let spool = Spool::open(None, SpoolTable::default().bounds(), &["soc"]).unwrap();
    let mut delivery = delivery(spool, true, kinds, &receiver);
    delivery.start().unwrap();
    notices.iter().for_each(|notice| delivery.put(notice.clone()));
    delivery.finish();
    let receiver = std::mem::take(&mut *receiver.lock().unwrap());
    (receiver, delivery)
}

fn alerts(count: u64) -> Vec<Notice> {
    (1..=count).map(|number| notice(Kind::Alert, number)).collect()
}

#[test]
fn everything_arrives_once_and_in_order() {
    let (receiver, delivery) = deliver(&[Kind::Alert], &alerts(1_000), Vec::new());
    let expected: Vec<_> = (1..=1_000).map(|number| (number, format!("CEF:0|{number}"))).collect();
    assert_eq!(receiver.got, expected);
    let status = delivery.status();
    assert_eq!((status.destinations[0].delivered, status.spooled_bytes), (1_000, 0));
}

#[test]
fn what_was_not_asked_for_is_passed_over() {
    let mut notices = alerts(10);
    notices.extend((11..=20).map(|number| notice(Kind::Event, number)));
    notices.push(notice(Kind::Sensor, 21));
    let (receiver, delivery) = deliver(&[Kind::Sensor], &notices, Vec::new());
    assert_eq!(receiver.got, [(1, "CEF:0|21".to_owned())]);
    let status = &delivery.status().destinations[0];
    assert_eq!((status.passed_over, status.waiting), (10, 0));
}

#[test]
fn what_is_refused_holds_nothing_up() {
    let (receiver, delivery) = deliver(&[Kind::Alert], &alerts(2), vec![Err(Trouble::Refused("too long".to_owned()))]);
    let status = &delivery.status().destinations[0];
    assert_eq!((status.refused + status.delivered, receiver.got.len(), status.waiting), (2, 1, 0));
}

#[test]
fn what_is_gone_or_never_asked_for_waits_for_nobody() {
    let bounds = SpoolTable { most_mib: 1, ..SpoolTable::default() }.bounds();
    let receiver = Arc::new(Mutex::new(Receiver::default()));
    let spool = Spool::open(None, bounds, &["soc"]).unwrap();
    let delivery = delivery(spool, false, &[Kind::Alert], &receiver);
    let large = |number| Notice { eve: "x".repeat(1 << 18), ..notice(Kind::Alert, number) };
    let notices: Vec<Notice> = (1..=20).map(large).chain([notice(Kind::Event, 21)]).collect();
    let kept = 3;
    delivery.spool.commit(&notices, &delivery.board.cursors()).unwrap();
    let measured = delivery.observer().measure().destinations.remove(0);
    assert_eq!((measured.waiting, measured.outcome(Outcome::Skipped)), (kept, 21 - kept));
    assert_eq!(delivery.status().destinations[0].waiting, kept);
    assert_eq!(delivery.missed(), [("soc".to_owned(), 20 - kept)]);
}

/// The keeper holds the first while the others come in behind it: neither may go uncounted.
#[test]
fn what_a_dead_disk_does_not_take_at_the_end_is_counted() {
    let receiver = Arc::default();
    let mut delivery = delivery(Spool::on_a_dead_disk(&["soc"]), false, &[Kind::Alert], &receiver);
    delivery.start().unwrap();
    delivery.put(notice(Kind::Alert, 1));
    thread::sleep(Duration::from_millis(50));
    alerts(3).into_iter().for_each(|alert| delivery.put(alert));
    delivery.put(notice(Kind::Event, 5));
    let status = delivery.finish();
    assert_eq!((status.lost_alerts, status.lost_events), (4, 1));
    assert_eq!(receiver.lock().unwrap().got, []);
}

fn answer() -> impl Strategy<Value = Result<usize, Trouble>> {
    prop_oneof![
        (1..4_usize).prop_map(Ok),
        Just(Err(Trouble::Later("down".to_owned()))),
        Just(Err(Trouble::Refused("not this one".to_owned()))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// However a receiver behaves, each message is delivered or refused, none twice, none out of order.
    #[test]
    fn emitted_is_delivered_and_refused(count in 1..40_u64, answers in prop::collection::vec(answer(), 0..20)) {
        let (receiver, delivery) = deliver(&[Kind::Alert], &alerts(count), answers);
        let status = delivery.status();
        let soc = &status.destinations[0];
        prop_assert_eq!(soc.delivered + soc.refused, count);
        prop_assert_eq!(receiver.got.len() as u64, soc.delivered);
        let texts: Vec<u64> = receiver.got.iter().map(|(_, text)| text[6..].parse().unwrap()).collect();
        prop_assert!(texts.is_sorted());
        prop_assert_eq!(texts.iter().collect::<HashSet<_>>().len(), texts.len());
        prop_assert_eq!(status.spooled_bytes, 0);
    }
}
