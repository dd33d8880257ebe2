extern crate std;

use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use tagout_engine::{
    Action, ActorId, Aspect, DeviceId, IntentFinding, IntentMode, IntentWaits, PointId, Policy, Space, Timestamp,
    Touch, Values,
};

use super::compare::Comparison;
use super::*;
use crate::record::{Path, Protocol, Seen};
use crate::store::{Fifo, Links};

const MS: u64 = 1_000_000;

/// Operation, address, value, count, beginning and length.
type Parts = (u8, Option<u32>, Option<u8>, u32, u64, u64);

/// An intent about one register, or about none that it names.
fn intents() -> impl Strategy<Value = Vec<Intent>> {
    let one = (0_u8..4, prop::option::of(0_u32..2), prop::option::of(0_u8..3), 1_u32..3, 0_u64..50, 0_u64..50);
    vec(one, 0..8).prop_map(|all| all.into_iter().zip(0..).map(intent).collect())
}

fn intent(((operation, address, value, count, from, length), key): (Parts, u128)) -> Intent {
    let mut intent = Intent::open(IntentKey(key), ActorId(0));
    intent.targets[0] =
        address.map(|address| IntentTarget::Run { space: Space::HoldingRegister, address, quantity: 1 });
    intent.operation = (operation > 0).then_some(Action::Write);
    intent.value = value.map(|value| Wanted::Is(value.into()));
    (intent.count, intent.not_before, intent.expires) = (count, Timestamp(from * MS), Timestamp((from + length) * MS));
    intent
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    vec((0_u32..3, 0_u8..4), 0..8).prop_map(|all| (0_u64..).zip(all).map(act).collect())
}

fn act((number, (address, value)): (u64, (u32, u8))) -> Act {
    let seen = Seen { frame: number, time: Timestamp(number * 10 * MS) };
    let mut act = Act::new(
        (Path::default(), Protocol::Modbus),
        (ActorId(0), Some(DeviceId(0))),
        Action::Write,
        (1, number, seen),
    );
    let values = Values::Registers(&[0, value]);
    act.touch(&Policy::empty(), &Touch { space: Space::HoldingRegister, address, count: 1, values }, None);
    act
}

/// Room for so many intents.
#[derive(Default)]
struct Room {
    slots: Vec<IntentSlot>,
    buckets: Vec<u32>,
    subjects: Vec<Fifo>,
    links: [Vec<Links>; 2],
}

impl Room {
    fn new(count: usize) -> Self {
        let links = std::vec![Links::EMPTY; count];
        Self {
            slots: std::vec![IntentSlot::default(); count],
            buckets: std::vec![0; count],
            subjects: std::vec![Fifo::default(); count],
            links: [links.clone(), links],
        }
    }

    fn table(&mut self) -> Intents<'_> {
        let Self { slots, buckets, subjects, links: [subject_links, age_links] } = self;
        Intents::new(IntentMemory { slots, buckets, subjects, subject_links, age_links }, 0)
    }
}

/// What is decided of each act, once all intents are known.
fn decided(intents: &[Intent], acts: &[Act]) -> Vec<Match> {
    let mut room = Room::new(8);
    let mut table = room.table();
    intents.iter().for_each(|intent| _ = table.keep(*intent, 0, 0));
    let waits = IntentWaits { skew_ms: 5, ..IntentWaits::default() };
    let decide = |act| decide(&mut table, Question { act, mode: IntentMode::Required, waits: &waits, sound: true });
    acts.iter().map(decide).collect()
}

proptest! {
    #[test]
    fn the_order_in_which_intents_come_does_not_matter(intents in intents(), swaps in vec(any::<[Index; 2]>(), 0..8), acts in acts()) {
        let mut shuffled = intents.clone();
        for [a, b] in swaps.iter().filter(|_| !intents.is_empty()) {
            shuffled.swap(a.index(intents.len()), b.index(intents.len()));
        }
        prop_assert_eq!(decided(&intents, &acts), decided(&shuffled, &acts));
    }

    #[test]
    fn an_intent_covers_no_more_than_its_count(intents in intents(), acts in acts()) {
        let all = decided(&intents, &acts);
        for intent in &intents {
            let covered = all.iter().filter(|one| one.finding.is_none() && one.intent.is_some_and(|by| by.key == intent.key));
            prop_assert!(covered.count() <= intent.count as usize);
        }
    }

    /// What covers a command declares nothing else than what was done, at that time.
    #[test]
    fn what_covers_contradicts_nothing(intents in intents(), acts in acts()) {
        for (one, act) in decided(&intents, &acts).iter().zip(&acts) {
            let Some(by) = one.intent.filter(|_| one.finding.is_none()) else {
                prop_assert!(one.finding.is_some());
                continue;
            };
            let done = one.done.unwrap_or_default();
            let place = |target: IntentTarget| match target {
                IntentTarget::Run { space, address, .. } => Some((space, address)),
                IntentTarget::Point(_) => None,
            };
            let same_place = by.targets().all(|target| place(target) == done.place);
            prop_assert!(same_place, "{by:?} for {done:?}");
            prop_assert!(by.value.is_none_or(|value| done.value().map(Wanted::Is) == Some(value)));
            prop_assert!(act.seen.time.plus_ms(5) >= by.not_before && act.seen.time < by.expires.plus_ms(5));
        }
    }

    /// A further span fills in what the first left open, and changes nothing else; a second time it changes nothing at all.
    #[test]
    fn a_further_span_fills_in_and_changes_nothing(spans in intents(), acts in acts()) {
        let span = |intent: &Intent| Intent { source: IntentSource::Span, ..*intent };
        for [first, later] in spans.windows(2).filter_map(|pair| <&[Intent; 2]>::try_from(pair).ok()).map(|pair| pair.each_ref().map(span)) {
            let Some(both) = first.with(&later) else { return Err(TestCaseError::fail("two spans of one actor")) };
            prop_assert!(first.targets().next().is_none() || both.targets == first.targets);
            prop_assert!(first.value.is_none() || both.value == first.value);
            prop_assert!(first.operation.is_none() || both.operation == first.operation);
            prop_assert_eq!(both.with(&later), Some(both));
            prop_assert_eq!((both.key, both.count, both.pace_ms), (first.key, first.count, first.pace_ms));
            let signed = Intent { source: IntentSource::Signed, ..first };
            prop_assert_eq!((signed.with(&later), first.with(&Intent { source: IntentSource::Signed, ..later })), (None, None));
            told_where_it_differs(&both, &acts)?;
        }
    }
}

/// A device or none, points, addresses besides, and when it expires.
type About = (Option<u16>, Vec<u32>, bool, u64);

/// What happens to a table: an intent of this key comes, or a further span of it, or it is withdrawn, or time passes.
#[derive(Clone, Debug)]
enum Step {
    Comes(u128, About),
    Withdrawn(u128),
    Passes(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let about = (prop::option::of(0_u16..2), vec(0_u32..3, 0..3), any::<bool>(), 0_u64..100);
    let step = prop_oneof![
        4 => (0_u128..12, about).prop_map(|(key, about)| Step::Comes(key, about)),
        1 => (0_u128..12).prop_map(Step::Withdrawn),
        1 => (0_u64..700_000).prop_map(Step::Passes),
    ];
    vec(step, 0..60)
}

fn about(key: u128, (device, points, addresses, expires): About) -> Intent {
    let mut intent = Intent::open(IntentKey(key), ActorId((key % 2) as u16));
    let run = addresses.then_some(IntentTarget::Run { space: Space::Coil, address: 0, quantity: 9 });
    let targets = points.into_iter().map(|point| IntentTarget::Point(PointId(point))).chain(run);
    intent.targets.iter_mut().zip(targets).for_each(|(place, target)| *place = Some(target));
    (intent.device, intent.expires) = (device.map(DeviceId), Timestamp(expires * MS));
    Intent { source: IntentSource::Span, ..intent }
}

/// Something done to a point of a device, where addresses are known too.
fn done_to(point: u32) -> Done {
    let mut done = Done::default();
    (done.place, done.count, done.point) = (Some((Space::Coil, point)), 1, Some(PointId(point)));
    done
}

proptest! {
    /// Whatever happens to a table, what does not contradict a command is found among what is about it, each intent is known
    /// until it is told that it is gone, and there are no more than fit.
    #[test]
    fn what_might_cover_is_found(steps in steps()) {
        let mut room = Room::new(6);
        let mut table = room.table();
        let mut known: BTreeMap<IntentKey, Intent> = BTreeMap::new();
        let mut now = Timestamp(0);
        for step in steps {
            match step {
                Step::Comes(key, what) if table.knows(IntentKey(key)) => {
                    let further = about(key, what);
                    known.extend(table.refine(&further).map(|refined| (refined.key, refined)));
                }
                Step::Comes(key, what) => {
                    let intent = about(key, what);
                    table.keep(intent, 0, 0).inspect(|gone| assert!(known.remove(gone).is_some()));
                    known.insert(intent.key, intent);
                }
                Step::Withdrawn(key) => {
                    prop_assert_eq!(table.withdraw(IntentKey(key)), known.remove(&IntentKey(key)).is_some());
                }
                Step::Passes(ms) => {
                    now = now.plus_ms(ms as u32);
                    while let Some(passed) = table.passed(now, 0, 0) {
                        if let Passed::Gone(key) = passed {
                            prop_assert!(known.remove(&key).is_some());
                        }
                    }
                }
            }
            prop_assert_eq!(table.occupancy().entries, known.len());
            prop_assert!(known.values().all(|intent| table.of(intent.key) == Some(*intent)));
            for (actor, device, point) in (0..2).flat_map(|actor| (0..2).flat_map(move |device| (0..3).map(move |point| (actor, device, point)))) {
                found(&table, &known, (ActorId(actor), DeviceId(device)), &done_to(point))?;
            }
        }
    }
}

fn found(
    table: &Intents<'_>,
    known: &BTreeMap<IntentKey, Intent>,
    (actor, device): (ActorId, DeviceId),
    done: &Done,
) -> Result<(), TestCaseError> {
    let request = (1, 0, Seen { frame: 0, time: Timestamp(0) });
    let act = Act::new((Path::default(), Protocol::Modbus), (actor, Some(device)), Action::Write, request);
    let found: BTreeSet<IntentKey> = table.about(&act, done).map(|(_, kept)| kept.intent.key).collect();
    for intent in known.values().filter(|intent| intent.actor == actor) {
        let fits = Comparison::of(intent, &act, done).differs.is_empty();
        prop_assert!(!fits || found.contains(&intent.key), "{intent:?} is not found for {device:?} {done:?}");
    }
    Ok(())
}

/// What a call declares in the end contradicts just those commands that it would not have covered if it had said so at first.
fn told_where_it_differs(both: &Intent, acts: &[Act]) -> Result<(), TestCaseError> {
    let mut room = Room::new(1);
    let mut table = room.table();
    let always = Intent { not_before: Timestamp(0), expires: Timestamp(u64::MAX), count: 0, pace_ms: 0, ..*both };
    table.keep(always, 0, 0);
    for act in acts {
        let told = contradicted(&table, &always, (act, IntentMode::Required), 0);
        let waits = IntentWaits::default();
        let question = Question { act, mode: IntentMode::Required, waits: &waits, sound: true };
        let decided = decide(&mut table, question);
        prop_assert_eq!(told.is_some(), decided.finding.is_some(), "{:?} of {:?}", act, always);
        prop_assert_eq!(told.and_then(|told| told.done), decided.done.filter(|_| decided.finding.is_some()));
    }
    Ok(())
}

/// What a program computed is told from what was written by more than the last bits of double precision.
#[test]
fn what_computing_adds_to_a_value_is_no_other_value() {
    let act = act((0, (0, 0)));
    let differs = |wanted: Wanted, value: f64| {
        let mut done = act.items().next().unwrap_or_default();
        done.values = Some((value, value));
        done.raw = None;
        let intent = Intent { value: Some(wanted), ..intent(((1, None, None, 1, 0, 0), 1)) };
        Comparison::of(&intent, &act, &done).differs.has(Aspect::Value)
    };
    let (computed, written) = (23.3 + 0.1, 23.4);
    assert!(computed != written);
    assert!(!differs(Wanted::Is(computed), written));
    assert!(!differs(Wanted::Range { least: computed, most: 30.0 }, written));
    assert!(!differs(Wanted::Range { least: 20.0, most: written }, computed));
    assert!(differs(Wanted::Is(23.400_001), written));
    assert!(differs(Wanted::Is(f64::NAN), written));
    assert!(differs(Wanted::Is(written), f64::INFINITY));
    assert!(differs(Wanted::Range { least: 20.0, most: written }, f64::INFINITY));
    let large = (1_u64 << 48) as f64;
    assert!(differs(Wanted::Is(large), large + 1.0), "registers of 64 bits are told apart");
    assert!(differs(Wanted::Range { least: large, most: large }, large + 1.0));
}

#[test]
fn the_one_that_expires_first_makes_room() {
    let mut room = Room::new(2);
    let mut table = room.table();
    let lasting =
        |key: u128, until: u64| Intent { expires: Timestamp(until), ..Intent::open(IntentKey(key), ActorId(0)) };
    assert_eq!((table.keep(lasting(1, 30), 0, 0), table.keep(lasting(2, 20), 0, 0)), (None, None));
    assert_eq!(table.keep(lasting(3, 40), 0, 0), Some(IntentKey(2)));
    assert!(table.knows(IntentKey(1)) && table.knows(IntentKey(3)) && !table.knows(IntentKey(2)));
}

#[test]
fn what_is_used_up_is_told_from_what_was_never_declared() {
    let declared = Intent { device: Some(DeviceId(0)), ..intent(((1, Some(0), Some(1), 1, 0, 49), 7)) };
    let all = decided(&[declared], &[act((1, (0, 1))), act((2, (0, 1))), act((3, (2, 2)))]);
    let findings: Vec<_> = all.iter().map(|one| one.finding).collect();
    assert_eq!(findings, [None, Some(IntentFinding::Exceeded), Some(IntentFinding::None)]);
}
