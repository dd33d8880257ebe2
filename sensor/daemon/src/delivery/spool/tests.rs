use std::fs;

use super::*;
use crate::delivery::Lost;
use crate::delivery::tests::notice;

const WIDE: Bounds = Bounds { bytes: 1 << 30, age: Duration::from_secs(3_600) };

fn cursor(name: &str, done: u64) -> Cursor {
    Cursor { name: name.to_owned(), done, delivered: done }
}

fn shed(spool: &Spool) -> Lost {
    spool.stock().shed().into()
}

fn sequences(spool: &Spool) -> Vec<u64> {
    spool.after(0, usize::MAX, true).unwrap().into_iter().map(|(sequence, _)| sequence).collect()
}

#[test]
fn what_was_written_is_there_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("spool.redb");
    let first = Spool::open(Some(&path), WIDE, &["a"]).unwrap();
    first.commit(&[notice(Kind::Alert, 1), notice(Kind::Event, 2)], &[cursor("a", 0)]).unwrap();
    drop(first);
    let again = Spool::open(Some(&path), WIDE, &["a"]).unwrap();
    assert_eq!(again.after(0, 9, true).unwrap(), [(1, notice(Kind::Alert, 1)), (2, notice(Kind::Event, 2))]);
    assert_eq!(again.after(0, 9, false).unwrap(), [(1, notice(Kind::Alert, 1))]);
    assert_eq!(again.after(1, 9, false).unwrap(), []);
}

#[test]
fn one_that_was_not_finished_is_begun_anew_and_one_that_is_damaged_is_set_aside() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("spool.redb");
    fs::write(path.with_extension("part"), "begun").unwrap();
    for damage in ["", "damaged", "damaged again"] {
        if !damage.is_empty() {
            fs::write(&path, damage).unwrap();
        }
        let spool = Spool::open(Some(&path), WIDE, &["a"]).unwrap();
        spool.commit(&[notice(Kind::Alert, 1)], &[cursor("a", 0)]).unwrap();
        assert_eq!(sequences(&spool), [1], "{damage}");
    }
    assert_eq!(fs::read_to_string(path.with_extension("damaged")).unwrap(), "damaged again");
}

#[test]
fn one_with_a_damaged_page_is_set_aside_and_left_alone_by_who_only_looks() {
    const PAGE: usize = 4_096;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("spool.redb");
    let spool = Spool::open(Some(&path), WIDE, &["a"]).unwrap();
    let notices: Vec<Notice> = (1..=500).map(|number| notice(Kind::Alert, number)).collect();
    spool.commit(&notices, &[cursor("a", 0)]).unwrap();
    drop(spool);
    let whole = fs::read(&path).unwrap();
    let mut damaged = 0;
    for page in 1..whole.len() / PAGE {
        let _ = fs::remove_file(path.with_extension("damaged"));
        let mut bytes = whole.clone();
        bytes[page * PAGE..][..PAGE].fill(0);
        fs::write(&path, &bytes).unwrap();
        if Spool::inspect(&path).is_err() {
            damaged += 1;
            assert!(!path.with_extension("damaged").exists());
        }
        let spool = Spool::open(Some(&path), WIDE, &["a"]).unwrap();
        spool.commit(&[notice(Kind::Alert, 501)], &[cursor("a", 0)]).unwrap();
        assert!(sequences(&spool).len() == 501 || path.with_extension("damaged").exists(), "page {page}");
    }
    assert!(damaged > 0);
}

#[test]
fn what_every_destination_has_is_removed() {
    let spool = Spool::open(None, WIDE, &["a", "b"]).unwrap();
    let notices: Vec<Notice> = (1..=4).map(|number| notice(Kind::Alert, number)).collect();
    spool.commit(&notices, &[cursor("a", 0), cursor("b", 0)]).unwrap();
    spool.commit(&[], &[cursor("a", 3), cursor("b", 2)]).unwrap();
    assert_eq!(sequences(&spool), [3, 4]);
    spool.commit(&[], &[cursor("a", 4), cursor("b", 4)]).unwrap();
    assert_eq!((sequences(&spool), spool.bytes()), (vec![], 0));
}

#[test]
fn a_destination_that_is_new_gets_what_comes_and_one_that_is_gone_holds_nothing_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("spool.redb");
    let spool = Spool::open(Some(&path), WIDE, &["old"]).unwrap();
    spool.commit(&[notice(Kind::Alert, 1)], &[cursor("old", 0)]).unwrap();
    drop(spool);
    let spool = Spool::open(Some(&path), WIDE, &["new"]).unwrap();
    assert_eq!(spool.cursors(), [Cursor { name: "new".to_owned(), done: 1, delivered: 0 }]);
    assert_eq!(sequences(&spool), Vec::<u64>::new());
}

#[test]
fn events_go_first_and_then_the_oldest_alerts() {
    let bounds = Bounds { bytes: 4 * notice(Kind::Alert, 1).bytes() as u64, ..WIDE };
    let spool = Spool::open(None, bounds, &["a"]).unwrap();
    let behind = [cursor("a", 0)];
    spool.commit(&[notice(Kind::Alert, 1), notice(Kind::Alert, 2)], &behind).unwrap();
    spool.commit(&[notice(Kind::Event, 3), notice(Kind::Event, 4), notice(Kind::Alert, 5)], &behind).unwrap();
    assert_eq!((sequences(&spool), shed(&spool)), (vec![1, 2, 4, 5], Lost { alerts: 0, events: 1 }));
    spool.commit(&[notice(Kind::Alert, 6), notice(Kind::Alert, 7)], &behind).unwrap();
    assert_eq!((sequences(&spool), shed(&spool)), (vec![2, 5, 6, 7], Lost { alerts: 1, events: 2 }));
}

#[test]
fn heartbeats_go_before_any_alert_and_reach_those_who_take_no_events() {
    let bounds = Bounds { bytes: 3 * notice(Kind::Alert, 1).bytes() as u64, ..WIDE };
    let spool = Spool::open(None, bounds, &["a"]).unwrap();
    let behind = [cursor("a", 0)];
    spool.commit(&[notice(Kind::Alert, 1), notice(Kind::Heartbeat, 2)], &behind).unwrap();
    assert_eq!(spool.after(0, 9, false).unwrap()[1], (2, notice(Kind::Heartbeat, 2)));
    spool.commit(&[notice(Kind::Alert, 3), notice(Kind::Alert, 4)], &behind).unwrap();
    assert_eq!((sequences(&spool), shed(&spool)), (vec![1, 3, 4], Lost { alerts: 0, events: 1 }));
}

#[test]
fn what_a_destination_never_gets_is_counted_for_it_alone() {
    let bounds = Bounds { bytes: 3 * notice(Kind::Alert, 1).bytes() as u64, ..WIDE };
    let asks = |kinds: &[Kind]| Filter {
        kinds: kinds.to_vec(),
        least_severity: Severity::Medium,
        actors: Vec::new(),
        devices: Vec::new(),
    };
    let filters = vec![asks(&[Kind::Alert]), asks(&[Kind::Alert]), asks(&[Kind::Event])];
    let spool = Spool::open(None, bounds, &["dead", "well", "events"]).unwrap().for_filters(filters);
    let alerts = [1, 2, 3, 4, 5].map(|number| Notice { severity: Severity::High, ..notice(Kind::Alert, number) });
    let slight = notice(Kind::Alert, 6);
    let cursors = |well: u64| [cursor("dead", 0), cursor("well", well), cursor("events", 0)];
    spool.commit(&[slight], &cursors(0)).unwrap();
    spool.commit(&alerts[..3], &cursors(1)).unwrap();
    spool.commit(&alerts[3..], &cursors(4)).unwrap();
    let missed: Vec<u64> = (0..3).map(|place| spool.alerts_missed(place, PerKind::default())).collect();
    assert_eq!((missed, sequences(&spool)), (vec![2, 0, 0], vec![4, 5, 6]));
}

#[test]
fn what_is_too_old_goes() {
    let spool = Spool::open(None, Bounds { age: Duration::ZERO, ..WIDE }, &["a"]).unwrap();
    spool.commit(&[notice(Kind::Alert, 1)], &[cursor("a", 0)]).unwrap();
    let second = Duration::from_millis(2_100);
    std::thread::sleep(second);
    spool.commit(&[notice(Kind::Alert, 2)], &[cursor("a", 0)]).unwrap();
    assert_eq!((sequences(&spool), shed(&spool).alerts), (vec![2], 1));
}

/// A spool in which an alert was kept a moment ago, by machines whose clock said `machine_s` then.
fn kept_when_the_clock_said(path: &Path, machine_s: u64) {
    let spool = Spool::open(Some(path), WIDE, &["a"]).unwrap();
    spool.commit(&[notice(Kind::Alert, 1)], &[cursor("a", 0)]).unwrap();
    let read = Reading { machine_s, ..spool.clock.read() };
    write(&spool.database().unwrap(), &mut Books::default(), |change| change.note_time(read)).unwrap();
}

#[test]
fn a_clock_that_was_set_makes_nothing_too_old() {
    let now_s = machine_s();
    for said_s in [now_s - 365 * 86_400, now_s, now_s + 365 * 86_400] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("spool.redb");
        kept_when_the_clock_said(&path, said_s);
        for number in 2..5 {
            let spool = Spool::open(Some(&path), WIDE, &["a"]).unwrap();
            spool.commit(&[notice(Kind::Alert, number)], &[cursor("a", 0)]).unwrap();
            assert_eq!((sequences(&spool)[0], shed(&spool).alerts), (1, 0), "{said_s}, then {number}");
        }
    }
}

#[test]
fn a_clock_that_was_set_back_keeps_nothing_for_ever() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("spool.redb");
    kept_when_the_clock_said(&path, machine_s() + 365 * 86_400);
    let mut spool = Spool::open(Some(&path), WIDE, &["a"]).unwrap();
    let last = Reading { own_s: spool.clock.now_s() + WIDE.age.as_secs() + 1, machine_s: machine_s() };
    spool.clock = Clock::resumed(Some(last), last.machine_s, Duration::ZERO);
    assert!(spool.oldest(&spool.stock()) > Some(WIDE.age));
    spool.commit(&[notice(Kind::Alert, 2)], &[cursor("a", 0)]).unwrap();
    assert_eq!((sequences(&spool), shed(&spool).alerts), (vec![2], 1));
}

#[test]
fn what_waits_for_a_destination_can_be_let_go() {
    let spool = Spool::open(None, WIDE, &["a"]).unwrap();
    spool.commit(&[notice(Kind::Alert, 1), notice(Kind::Alert, 2)], &[cursor("a", 1)]).unwrap();
    assert_eq!(spool.drop_for("a").unwrap(), 1);
    assert_eq!(sequences(&spool), Vec::<u64>::new());
    assert_eq!(spool.drop_for("b").unwrap(), 0);
}
