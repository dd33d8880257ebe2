extern crate std;

use std::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use tagout_engine::{
    Action, ActorId, DeviceId, IntentFinding, IntentMode, IntentWaits, Policy, Space, Timestamp, Touch, Values,
};

use super::*;
use crate::record::{Path, Protocol, Seen};

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

/// What is decided of each act, once all intents are known.
fn decided(intents: &[Intent], acts: &[Act]) -> Vec<Match> {
    let mut slots = [IntentSlot::default(); 8];
    let mut table = Intents::new(&mut slots);
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

/// What a call declares in the end contradicts just those commands that it would not have covered if it had said so at first.
fn told_where_it_differs(both: &Intent, acts: &[Act]) -> Result<(), TestCaseError> {
    let mut slots = [IntentSlot::default(); 1];
    let mut table = Intents::new(&mut slots);
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

#[test]
fn the_one_that_expires_first_makes_room() {
    let mut slots = [IntentSlot::default(); 2];
    let mut table = Intents::new(&mut slots);
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
