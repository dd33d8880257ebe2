use std::net::Ipv4Addr;
use std::ops::ControlFlow;
use std::path::Path;

use tagout_core::engine::Severity;

use super::*;
use crate::notice::Kind;
use crate::record::Stamp;

const SECOND: u64 = 1_000_000_000;

fn notice(second: u64, id: u128, eve: &str) -> Notice {
    Notice {
        id: format!("{id:032x}"),
        kind: Kind::Alert,
        time: Timestamp(second * SECOND),
        severity: Severity::High,
        eve: eve.to_owned(),
        cef: String::new(),
    }
}

fn deed(address: u32, second: u64, answered: u64) -> Deed {
    let time = Stamp(Timestamp(second * SECOND));
    let at = |ip| Party { ip: Some(ip), station: Some(1), ..Party::default() };
    Deed {
        actor: at(Ipv4Addr::LOCALHOST.into()),
        device: at(Ipv4Addr::from(address).into()),
        protocol: Some("modbus".to_owned()),
        function: Some("read-coils".to_owned()),
        action: Some("read".to_owned()),
        is_command: false,
        count: Count { exchanges: 1, answered, first_seen: time, last_seen: time, ..Count::default() },
        points: Vec::new(),
        last_command: None,
        identification: std::collections::BTreeMap::new(),
    }
}

fn batch(notices: Vec<Notice>, deeds: Vec<Deed>) -> Batch {
    let mut batch = Batch::default();
    for notice in notices {
        batch.now = batch.now.max(notice.time);
        batch.put(notice);
    }
    deeds.into_iter().for_each(|deed| batch.count(deed));
    batch
}

fn texts(path: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    let reader = Reader::open(path).unwrap();
    let take = |notice: Notice| {
        texts.push(notice.eve);
        ControlFlow::Continue(())
    };
    reader.alerts(Timestamp(0), Timestamp(u64::MAX), take).unwrap();
    texts
}

const WIDE: Bounds = Bounds { bytes: u64::MAX, age_s: u64::MAX };

#[test]
fn it_is_read_beside_the_process_that_writes_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store/tagout.redb");
    let mut database = Database::open(&path, WIDE).unwrap();
    database.write(&batch(vec![notice(1, 1, "one")], vec![])).unwrap();
    let reader = Reader::open(&path).unwrap();
    database.write(&batch(vec![notice(2, 2, "two")], vec![])).unwrap();
    assert_eq!(texts(&path), ["two", "one"], "the latest first");
    let mut before = 0;
    let count = |_| {
        before += 1;
        ControlFlow::Continue(())
    };
    reader.alerts(Timestamp(0), Timestamp(u64::MAX), count).unwrap();
    assert_eq!(before, 1, "who looks sees one state of it");
}

#[test]
fn the_same_alert_is_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tagout.redb");
    let mut database = Database::open(&path, Bounds { bytes: 10, ..WIDE }).unwrap();
    for _ in 0..5 {
        database.write(&batch(vec![notice(1, 1, "12345"), notice(2, 2, "12345")], vec![])).unwrap();
    }
    assert_eq!(texts(&path).len(), 2);
    assert_eq!(Reader::open(&path).unwrap().lost().unwrap(), Lost::default());
}

#[test]
fn the_oldest_alerts_make_room_and_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tagout.redb");
    let mut database = Database::open(&path, Bounds { bytes: 30, age_s: 100 }).unwrap();
    let all: Vec<Notice> = (0..10).map(|second| notice(second, second.into(), "0123456789")).collect();
    database.write(&batch(all, vec![])).unwrap();
    assert_eq!(texts(&path).len(), 3);
    database.write(&batch(vec![notice(108, 11, "a")], vec![])).unwrap();
    assert_eq!(texts(&path), ["a", "0123456789", "0123456789"]);
    assert_eq!(Reader::open(&path).unwrap().lost().unwrap().alerts_shed, 8);
}

#[test]
fn commands_of_agents_displace_no_alerts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tagout.redb");
    let mut database = Database::open(&path, Bounds { bytes: 30, ..WIDE }).unwrap();
    let command = |second: u64| Notice { kind: Kind::Event, ..notice(second, second.into(), "0123456789") };
    let all: Vec<Notice> = (0..10).map(command).chain([notice(3, 11, "alert")]).collect();
    database.write(&batch(all, vec![])).unwrap();
    assert_eq!(texts(&path), ["alert"]);
    let reader = Reader::open(&path).unwrap();
    let mut left = 0;
    let count = |_| {
        left += 1;
        ControlFlow::Continue(())
    };
    reader.acts(Timestamp(0), Timestamp(u64::MAX), count).unwrap();
    assert_eq!((left, reader.lost().unwrap().acts_shed), (3, 7));
}

#[test]
fn a_scan_of_addresses_displaces_nothing_that_answers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tagout.redb");
    let mut database = Database::open(&path, WIDE).unwrap();
    database.write(&batch(vec![], (0..100).map(|address| deed(address, 1, 1)).collect())).unwrap();
    for round in 1..6 {
        let scanned = (0..4_000).map(|address| deed(round * 10_000 + address, 2, 0)).collect();
        database.write(&batch(vec![], scanned)).unwrap();
    }
    let reader = Reader::open(&path).unwrap();
    let deeds = reader.deeds().unwrap();
    assert!(deeds.len() <= 16_384, "{}", deeds.len());
    assert_eq!(deeds.iter().filter(|deed| deed.count.answered > 0).count(), 100);
    assert_eq!(reader.lost().unwrap().deeds_shed as usize + deeds.len(), 20_100);
}

#[test]
fn counts_go_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tagout.redb");
    for second in [5, 3, 9] {
        Database::open(&path, WIDE).unwrap().write(&batch(vec![], vec![deed(1, second, 1)])).unwrap();
    }
    let [deed] = Reader::open(&path).unwrap().deeds().unwrap().try_into().unwrap();
    let at = |second| Stamp(Timestamp(second * SECOND));
    assert_eq!((deed.count.exchanges, deed.count.first_seen, deed.count.last_seen), (3, at(3), at(9)));
}

#[test]
fn what_a_killed_process_left_is_set_right() {
    let folder = tempfile::tempdir().unwrap();
    let (path, left) = (folder.path().join("tagout.redb"), folder.path().join("left.redb"));
    let mut database = Database::open(&path, WIDE).unwrap();
    database.write(&batch(vec![notice(1, 1, "one")], vec![])).unwrap();
    std::fs::copy(&path, &left).unwrap();
    assert_eq!(texts(&left), ["one"]);
    let mut database = Database::open(&left, WIDE).unwrap();
    database.write(&batch(vec![notice(2, 2, "two")], vec![])).unwrap();
    assert_eq!(texts(&left), ["two", "one"]);
}

#[test]
fn one_that_is_damaged_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tagout.redb");
    std::fs::write(&path, "damaged").unwrap();
    Database::open(&path, WIDE).unwrap().write(&batch(vec![notice(1, 1, "one")], vec![])).unwrap();
    assert_eq!(texts(&path), ["one"]);
    assert_eq!(std::fs::read_to_string(path.with_extension("damaged")).unwrap(), "damaged");
}

#[test]
fn rates_are_those_between_two_samples_of_one_start() {
    let at =
        |second: u64, started: u64, frames: u64| Sample { time: second * SECOND, started, frames, ..Sample::default() };
    let [frames, ..] = at(12, 1, 700).rates_since(&at(10, 1, 100)).unwrap();
    assert_eq!(frames, 300.0);
    assert_eq!(at(12, 2, 700).rates_since(&at(10, 1, 100)), None, "counts began anew");
    assert_eq!(at(10, 1, 700).rates_since(&at(10, 1, 100)), None);
}

#[test]
fn what_the_disk_does_not_take_is_written_with_what_comes_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store/tagout.redb");
    let mut keeper = Keeper::new(Database::open(&path, WIDE).unwrap().after_an_error());
    let mut take = |second: u64| {
        let (queue, batches) = sync_channel(1);
        queue.send(batch(vec![notice(second, second.into(), &second.to_string())], vec![deed(1, second, 1)])).unwrap();
        drop(queue);
        keeper.run(&batches);
    };
    let away = folder.path().join("away");
    std::fs::rename(&path, &away).unwrap();
    take(1);
    std::fs::rename(&away, &path).unwrap();
    take(2);
    drop(keeper);
    assert_eq!(texts(&path), ["2", "1"]);
    assert_eq!(Reader::open(&path).unwrap().deeds().unwrap()[0].count.exchanges, 2);
}

#[test]
fn a_replay_makes_its_own_anew_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replayed");
    for _ in 0..2 {
        Database::replace(&path).unwrap().write(&batch(vec![], vec![deed(1, 1, 1)])).unwrap();
    }
    assert_eq!(Reader::open(&path).unwrap().deeds().unwrap()[0].count.exchanges, 1);
    let refused = |path: &Path| Database::replace(path).err().and_then(|failure| failure.message().map(str::to_owned));
    let live = folder.path().join("live");
    drop(Database::open(&live, WIDE).unwrap());
    assert!(refused(&live).unwrap().contains("`tagout run` keeps this store"));
    let other = folder.path().join("other");
    std::fs::write(&other, "a letter").unwrap();
    assert!(refused(&other).is_some());
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "a letter");
}

#[test]
fn two_daemons_do_not_write_one_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tagout.redb");
    let _first = Database::open(&path, WIDE).unwrap();
    let message = Database::open(&path, WIDE).err().and_then(|failure| failure.message().map(str::to_owned));
    assert!(message.unwrap().contains("is another tagout running with this store?"));
}

#[test]
fn what_waits_is_bounded_and_counted() {
    let mut batch = Batch::default();
    let large = "x".repeat(1 << 20);
    for id in 0..20 {
        batch.put(notice(1, id, &large));
    }
    for address in 0..10_000 {
        batch.count(deed(address, 1, 0));
    }
    assert_eq!((batch.alerts.notices.len(), batch.lost.alerts), (8, 12));
    assert_eq!((batch.deeds.len(), batch.lost.exchanges), (8_192, 1_808));
}

#[test]
fn what_gets_a_name_has_it_from_the_beginning() {
    let named = |mut deed: Deed, name: &str| {
        deed.device.name = Some(name.to_owned());
        deed
    };
    let names = |deeds: Vec<Deed>| -> Vec<(String, u64)> {
        let all = inventory(deeds, Side::Devices);
        all.iter().map(|one| (one.party().to_string(), one.count().exchanges)).collect()
    };
    let later = vec![deed(1, 1, 1), named(deed(1, 2, 1), "plc1"), deed(2, 1, 1)];
    assert_eq!(names(later), [("plc1".to_owned(), 2), ("0.0.0.2/1".to_owned(), 1)]);
    let forgotten = vec![named(deed(1, 1, 1), "plc1"), deed(1, 2, 1)];
    assert_eq!(names(forgotten), [("plc1".to_owned(), 1), ("0.0.0.1/1".to_owned(), 1)]);
}

#[test]
fn what_never_answered_is_of_note_if_it_was_commanded_or_is_in_an_alert() {
    let silent = |change: fn(&mut Deed)| {
        let mut silent = deed(1, 1, 0);
        change(&mut silent);
        inventory(vec![silent], Side::Devices)[0].is_of_note()
    };
    assert!(!silent(|_| {}));
    assert!(silent(|deed| deed.is_command = true));
    assert!(silent(|deed| (deed.count.exchanges, deed.count.alerts) = (0, 1)));
    assert!(silent(|deed| deed.count.answered = 1));
}
