//! The gateway's log of alerts: numbers without gaps, in order, nothing lost that was kept, whenever power fails.

use std::collections::BTreeMap;

use tagout_firmware::{AlertLog, LONGEST_MESSAGE};
use tagout_tests::flash::{Hiccup, SimulatedFlash};

const RAM: usize = 2048;
type Log<'f, const WORD: usize> = AlertLog<&'f mut SimulatedFlash<WORD, 1024>, RAM>;
type Flash<const WORD: usize> = SimulatedFlash<WORD, 1024>;

fn message(number: u32) -> Vec<u8> {
    let len = 20 + (number as usize * 37) % 300;
    (0..len).map(|at| (at as u32 ^ number) as u8).collect()
}

fn keep_all<const WORD: usize>(log: &mut Log<'_, WORD>) {
    while log.keep() {}
}

/// All that is kept above a number.
fn read<const WORD: usize>(log: &mut Log<'_, WORD>, mut after: u32) -> Vec<(u32, Vec<u8>)> {
    let (mut read, mut room) = (Vec::new(), [0; LONGEST_MESSAGE]);
    while let Some((number, len)) = log.next(after, &mut room) {
        assert!(number > after, "{number} comes after {after}");
        read.push((number, room[..len].to_vec()));
        after = number;
    }
    read
}

fn numbers<const WORD: usize>(log: &mut Log<'_, WORD>) -> Vec<u32> {
    read(log, 0).into_iter().map(|(number, _)| number).collect()
}

#[test]
fn messages_are_numbered_from_one_and_come_out_in_order_once_kept() {
    let mut flash = Flash::<16>::new(8);
    let mut log: Log<'_, 16> = AlertLog::open(&mut flash);
    for number in 1..=9 {
        assert_eq!(log.append(&message(number)), number);
    }
    assert_eq!(read(&mut log, 0), [], "what is only in RAM is not given out");
    keep_all(&mut log);
    let expected: Vec<_> = (1..=9).map(|number| (number, message(number))).collect();
    assert_eq!(read(&mut log, 0), expected);
    assert_eq!(read(&mut log, 6), expected[6..]);
    log.acknowledge(4);
    assert_eq!(numbers(&mut log), [5, 6, 7, 8, 9]);
    assert_eq!(log.counts().waiting, 5);
}

#[test]
fn two_readers_at_different_places_each_get_everything() {
    let mut flash = Flash::<16>::new(8);
    let mut log: Log<'_, 16> = AlertLog::open(&mut flash);
    let (mut fast, mut slow, mut room) = (0, 0, [0; LONGEST_MESSAGE]);
    for number in 1..=12 {
        log.append(&message(number));
        keep_all(&mut log);
        let (read, len) = log.next(fast, &mut room).expect("one");
        assert_eq!((read, &room[..len]), (number, &*message(number)));
        fast = read;
        if number.is_multiple_of(3) {
            let (read, len) = log.next(slow, &mut room).expect("one");
            assert_eq!((read, &room[..len]), (number / 3, &*message(number / 3)));
            slow = read;
        }
    }
    assert_eq!(log.next(fast, &mut room), None);
}

#[test]
fn numbers_and_what_is_not_acknowledged_outlast_a_restart() {
    let mut flash = Flash::<32>::new(8);
    let mut log: Log<'_, 32> = AlertLog::open(&mut flash);
    for number in 1..=7 {
        log.append(&message(number));
    }
    keep_all(&mut log);
    log.acknowledge(3);
    keep_all(&mut log);
    let mut log: Log<'_, 32> = AlertLog::open(&mut flash);
    assert_eq!(numbers(&mut log), [4, 5, 6, 7]);
    assert_eq!(log.append(&message(8)), 8);
    log.acknowledge(7);
    keep_all(&mut log);
    let mut log: Log<'_, 32> = AlertLog::open(&mut flash);
    assert_eq!(numbers(&mut log), [8]);
}

#[test]
fn a_full_log_loses_the_oldest_and_counts_them() {
    let mut flash = Flash::<16>::new(4);
    let mut log: Log<'_, 16> = AlertLog::open(&mut flash);
    for number in 1..=200 {
        assert_eq!(log.append(&message(number)), number);
        keep_all(&mut log);
        let kept = numbers(&mut log);
        let first = *kept.first().expect("the newest is there");
        assert_eq!(kept, (first..=number).collect::<Vec<_>>(), "without gaps");
        assert_eq!(log.counts().lost, first - 1);
    }
    assert!(log.counts().lost > 150);
    let lost = log.counts();
    let mut log: Log<'_, 16> = AlertLog::open(&mut flash);
    assert_eq!(numbers(&mut log).last(), Some(&200));
    assert_eq!(log.counts().waiting, lost.waiting);
    assert_eq!(log.append(&message(201)), 201);
}

#[test]
fn acknowledged_messages_make_room_and_are_not_lost() {
    let mut flash = Flash::<4>::new(2);
    let mut log: Log<'_, 4> = AlertLog::open(&mut flash);
    for number in 1..=100 {
        log.append(&message(number));
        keep_all(&mut log);
        assert_eq!(numbers(&mut log), [number]);
        log.acknowledge(number);
        keep_all(&mut log);
    }
    assert_eq!((log.counts().lost, log.counts().waiting), (0, 0));
    let mut log: Log<'_, 4> = AlertLog::open(&mut flash);
    assert_eq!((log.counts().lost, log.append(b"next")), (0, 101));
}

#[test]
fn a_burst_that_ram_cannot_hold_goes_straight_to_flash() {
    let mut flash = Flash::<16>::new(64);
    let mut log: Log<'_, 16> = AlertLog::open(&mut flash);
    for number in 1..=60 {
        log.append(&message(number));
    }
    keep_all(&mut log);
    assert_eq!(numbers(&mut log), (1..=60).collect::<Vec<_>>());
    assert_eq!(log.counts().lost, 0);
}

#[test]
fn flash_that_fails_leaves_ram() {
    let mut flash = Flash::<16>::new(4);
    flash.fail_after(40, 1);
    let mut log: Log<'_, 16> = AlertLog::open(&mut flash);
    for number in 1..=50 {
        assert_eq!(log.append(&message(number)), number);
        log.keep();
    }
    let counts = log.counts();
    assert!(counts.failures > 0 && counts.lost > 0, "{counts:?}");
    let mut room = [0; LONGEST_MESSAGE];
    let (number, len) = log.next(49, &mut room).expect("the newest is in RAM");
    assert_eq!((number, &room[..len]), (50, &*message(50)));
    log.acknowledge(50);
    assert_eq!(log.counts().waiting, 0);
}

/// Keeps thirty messages; tells which are there, and which are after a restart.
fn kept_by<const WORD: usize>(flash: &mut Flash<WORD>) -> [Vec<u32>; 2] {
    let mut log: Log<'_, WORD> = AlertLog::open(flash);
    for number in 1..=30 {
        log.append(&message(number));
        keep_all(&mut log);
    }
    keep_all(&mut log);
    [numbers(&mut log), numbers(&mut Log::<'_, WORD>::open(flash))]
}

fn one_step_fails<const WORD: usize>() {
    let mut whole = Flash::<WORD>::new(24);
    let expected = kept_by(&mut whole);
    for step in 0..whole.steps() {
        for hiccup in [Hiccup::Untouched, Hiccup::Disorder] {
            let mut flash = Flash::<WORD>::new(24);
            flash.fail_once_after(step, hiccup);
            assert_eq!(kept_by(&mut flash), expected, "words of {WORD}, step {step}, {hiccup:?}");
        }
    }
}

#[test]
fn a_step_that_fails_by_itself_hides_nothing() {
    one_step_fails::<4>();
    one_step_fails::<16>();
    one_step_fails::<32>();
}

/// What a run saw before power failed.
#[derive(Default)]
struct Seen {
    /// Messages that were given out: their numbers mean them for ever.
    given: BTreeMap<u32, Vec<u8>>,
    /// The last that was known to be in flash.
    kept: u32,
    /// Up to where was acknowledged, and the acknowledgement kept.
    acknowledged: u32,
    /// How many were counted as lost.
    lost: u32,
    /// Messages so far, over all restarts: each is another.
    messages: u32,
}

fn run<const WORD: usize>(flash: &mut Flash<WORD>, seen: &mut Seen, rounds: u32) {
    let mut log: Log<'_, WORD> = AlertLog::open(flash);
    work(&mut log, seen, rounds);
    seen.lost += log.counts().lost;
}

/// Appends, keeps, reads and acknowledges until power fails or `rounds` are done.
fn work<const WORD: usize>(log: &mut Log<'_, WORD>, seen: &mut Seen, rounds: u32) {
    let mut content: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    for round in 0..rounds {
        for _ in 0..=round % 3 {
            seen.messages += 1;
            let text = message(seen.messages);
            content.insert(log.append(&text), text);
        }
        keep_all(log);
        if log.counts().failures > 0 {
            return;
        }
        seen.kept = *content.last_key_value().expect("one").0;
        for (number, text) in read(log, 0) {
            assert_eq!(
                *seen.given.entry(number).or_insert_with(|| text.clone()),
                text,
                "{number} means another message"
            );
        }
        if round % 4 == 3 {
            let upto = seen.kept - 2;
            log.acknowledge(upto);
            keep_all(log);
            if log.counts().failures > 0 {
                return;
            }
            seen.acknowledged = upto;
        }
    }
}

fn check<const WORD: usize>(flash: &mut Flash<WORD>, seen: &mut Seen, what: &str) {
    let mut log: Log<'_, WORD> = AlertLog::open(flash);
    let read = read(&mut log, 0);
    for pair in read.windows(2) {
        assert_eq!(pair[0].0 + 1, pair[1].0, "{what}: in order without gaps");
    }
    let first = read.first().map_or(seen.kept + 1, |(number, _)| *number);
    let last = read.last().map_or(seen.kept, |(number, _)| *number);
    assert!(
        first <= seen.acknowledged + 1 + seen.lost + log.counts().lost,
        "{what}: {first} is first after {}",
        seen.acknowledged
    );
    assert!(last >= seen.kept, "{what}: {} was kept, {last} is the last", seen.kept);
    for (number, text) in read {
        let given = seen.given.entry(number).or_insert_with(|| text.clone());
        assert_eq!(*given, text, "{what}: {number} means another message");
    }
    seen.messages += 1;
    let text = message(seen.messages);
    assert_eq!(log.append(&text), last + 1, "{what}: the numbers go on");
    keep_all(&mut log);
    seen.given.insert(last + 1, text);
    seen.kept = last + 1;
    seen.lost += log.counts().lost;
}

/// `roomy`: nothing is ever overwritten, so that nothing may be lost either.
fn power_fails_at_every_step<const WORD: usize>(sectors: usize, roomy: bool) {
    let mut whole = Flash::<WORD>::new(sectors);
    run(&mut whole, &mut Seen::default(), 16);
    let steps = whole.steps();
    for step in (0..steps).step_by(if WORD < 16 { 5 } else { 1 }) {
        let (mut flash, mut seen) = (Flash::<WORD>::new(sectors), Seen::default());
        flash.fail_after(step, step);
        run(&mut flash, &mut seen, 16);
        assert!(!flash.is_powered());
        flash.restore();
        let what = format!("words of {WORD}, step {step} of {steps}");
        check(&mut flash, &mut seen, &what);
        if roomy {
            let log: Log<'_, WORD> = AlertLog::open(&mut flash);
            assert_eq!(log.counts().lost, 0, "{what}");
        }
        // And once more, in what was left.
        flash.fail_after(step % 61, step + 1);
        run(&mut flash, &mut seen, 16);
        flash.restore();
        check(&mut flash, &mut seen, &what);
    }
}

#[test]
fn power_may_fail_at_any_step() {
    power_fails_at_every_step::<16>(24, true);
    power_fails_at_every_step::<32>(24, true);
    power_fails_at_every_step::<4>(24, true);
}

#[test]
fn power_may_fail_at_any_step_of_a_log_that_overflows() {
    power_fails_at_every_step::<16>(3, false);
    power_fails_at_every_step::<32>(3, false);
    power_fails_at_every_step::<4>(4, false);
}
