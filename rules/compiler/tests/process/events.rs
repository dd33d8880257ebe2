//! What comes to be wrong with a point.

use std::num::NonZeroU32;

use tagout_engine::{Action, Audience, Given, Judgement, News, ProcessEvent, Space, Timestamp, Touch, Trigger, Values};

use crate::{AGENT, HMI, Nothing, PLC, POLICY, Plant, given, image, image_of, registers, seconds};

/// Reports of the tank, a pair of seconds and value each, and what each brings up.
fn reports(plant: &mut Plant<'_>, told: &[(u64, u16)]) -> Vec<Vec<(ProcessEvent, Option<f64>)>> {
    let mut report = |(at, value): &(u64, u16)| {
        let news = plant.observe(PLC, &registers(20, &(value * 10).to_be_bytes()), true, seconds(*at));
        news.iter().map(|news| (news.event, news.limit)).collect()
    };
    told.iter().map(&mut report).collect()
}

#[test]
fn what_is_wrong_is_told_once_until_it_ends() {
    let image = image();
    let of = |told: &[(u64, u16)]| reports(&mut Plant::new(&image), told);
    let (low, high) = ((ProcessEvent::OutOfRange, Some(10.0)), (ProcessEvent::OutOfRange, Some(40.0)));
    assert_eq!(of(&[(0, 5), (1, 6), (2, 15), (3, 5)]), [vec![low], vec![], vec![], vec![low]]);
    assert_eq!(of(&[(0, 40), (1, 41)]), [vec![], vec![high]]);
    assert_eq!(of(&[(0, 10), (1, 30), (2, 31)]), [vec![], vec![(ProcessEvent::Jump, Some(15.0))], vec![]]);
    let frozen = vec![(ProcessEvent::Frozen, Some(6.0))];
    assert_eq!(of(&[(0, 10), (1, 11), (6, 11), (7, 11), (8, 11)]), [vec![], vec![], vec![], frozen, vec![]]);
    assert_eq!(of(&[(0, 10), (50, 10)]), [vec![], vec![]]);
}

#[test]
fn the_same_registers_mean_what_the_policy_in_force_says() {
    let [wide, narrow, scaled] = [
        POLICY.to_owned(),
        POLICY.replace("range = [10, 40]", "range = [10, 20]"),
        POLICY.replace("scale = 0.1, range = [10, 40]", "scale = 0.2, range = [10, 40]"),
    ]
    .map(|policy| image_of(&policy));
    let events = |plant: &mut Plant<'_>, at| -> Vec<_> {
        let told = reports(plant, &[(at, 30), (at + 1, 30)]);
        told.concat().into_iter().map(|(event, _)| event).collect()
    };
    let mut plant = Plant::new(&wide);
    assert_eq!(events(&mut plant, 0), []);
    plant.succeed(&narrow);
    assert_eq!(events(&mut plant, 2), [ProcessEvent::OutOfRange]);
    plant.succeed(&wide);
    assert_eq!(events(&mut plant, 4), []);
    plant.succeed(&scaled);
    assert_eq!(events(&mut plant, 6), [ProcessEvent::OutOfRange, ProcessEvent::Jump]);
    assert_eq!(plant.state("tank").reported.map(|report| report.value), Some(60.0));
}

#[test]
fn a_command_that_is_not_followed_is_told_with_who_gave_it() {
    let image = image();
    let mut plant = Plant::new(&image);
    plant.engine.ordered(PLC, &registers(20, &300_u16.to_be_bytes()), given(AGENT, seconds(0)));
    let mismatch = vec![(ProcessEvent::Mismatch, Some(30.0))];
    assert_eq!(reports(&mut plant, &[(1, 10), (3, 11), (4, 12), (5, 13)]), [vec![], vec![], mismatch, vec![]]);
    plant.engine.ordered(PLC, &registers(20, &310_u16.to_be_bytes()), given(HMI, seconds(6)));
    let news = plant.observe(PLC, &registers(20, &140_u16.to_be_bytes()), true, seconds(10));
    let told: Vec<_> = news.iter().map(|news| (news.event, news.last_command.and_then(|order| order.by))).collect();
    assert_eq!(told, [(ProcessEvent::Mismatch, HMI)]);
    assert_eq!(reports(&mut plant, &[(11, 20), (12, 19)]), [vec![], vec![]]);
    let touch = |bits: &'static [u8]| Touch { space: Space::Coil, address: 3, count: 1, values: Values::Bits(bits) };
    plant.engine.ordered(PLC, &touch(&[1]), given(AGENT, seconds(20)));
    assert_eq!(plant.observe(PLC, &touch(&[0]), true, seconds(21)).len(), 0);
    assert_eq!(plant.observe(PLC, &touch(&[0]), true, seconds(22)).len(), 1);
}

#[test]
fn a_command_that_no_permit_covers_is_told_when_it_takes_effect() {
    let image = image();
    let of = |reported: &[(u64, u16)], command: u16, unpermitted, then: &[(u64, u16)]| -> Vec<Vec<ProcessEvent>> {
        let mut plant = Plant::new(&image);
        reports(&mut plant, reported);
        let given = Given { unpermitted, ..given(AGENT, seconds(1)) };
        plant.engine.ordered(PLC, &registers(20, &(command * 10).to_be_bytes()), given);
        let told = reports(&mut plant, then);
        told.iter().map(|news| news.iter().map(|(event, _)| *event).collect()).collect()
    };
    let (incident, effect) = (NonZeroU32::new(7), vec![ProcessEvent::Effect]);
    assert_eq!(of(&[], 30, incident, &[(2, 30), (3, 31)]), [effect.clone(), vec![]], "once");
    assert_eq!(of(&[(0, 10)], 30, incident, &[(2, 10), (3, 20)]), [vec![], effect.clone()], "within tolerance");
    assert_eq!(of(&[(0, 25)], 30, incident, &[(2, 26), (3, 27)]), [vec![], vec![]], "it was there before");
    assert_eq!(of(&[(0, 10)], 30, None, &[(2, 20), (3, 30)]), [vec![], vec![]], "it was permitted");
    let mut plant = Plant::new(&image);
    let order = |plant: &mut Plant<'_>, value: u16, unpermitted, at| {
        let given = Given { unpermitted, ..given(AGENT, seconds(at)) };
        plant.engine.ordered(PLC, &registers(20, &(value * 10).to_be_bytes()), given);
    };
    order(&mut plant, 30, incident, 0);
    assert_eq!(reports(&mut plant, &[(1, 30)]).concat(), [(ProcessEvent::Effect, Some(30.0))]);
    order(&mut plant, 15, incident, 2);
    assert_eq!(reports(&mut plant, &[(3, 15)]).concat(), [(ProcessEvent::Effect, Some(15.0))], "each command");
    order(&mut plant, 30, incident, 4);
    order(&mut plant, 28, None, 5);
    assert_eq!(reports(&mut plant, &[(6, 28)]).concat(), [], "the last command counts");
}

#[test]
fn what_is_told_differently_to_different_people_is_disputed() {
    let image = image();
    // To whom, and what; a second apart.
    let of = |told: &[(u16, u16)]| -> Vec<usize> {
        let mut plant = Plant::new(&image);
        let mut raised = Vec::new();
        for (at, (to, value)) in told.iter().enumerate() {
            let bytes = value.to_be_bytes();
            let touch = &registers(40, &bytes);
            let news = plant.observe_by(Audience(*to), PLC, touch, true, seconds(at as u64));
            if !news.is_empty() {
                let disputed = [(ProcessEvent::Disputed, Some(f64::from(told[at - 1].1)))];
                assert_eq!(news.iter().map(|news| (news.event, news.limit)).collect::<Vec<_>>(), disputed);
                raised.push(at);
            }
        }
        raised
    };
    let turns = |all: &[(u16, u16)]| all.iter().copied().cycle().take(12).collect::<Vec<_>>();
    assert_eq!(of(&turns(&[(1, 5), (2, 9)])), [5], "told once, after five turns");
    assert_eq!(of(&turns(&[(1, 5), (3, 5), (2, 9)])), [8], "most are told the same");
    assert_eq!(of(&turns(&[(1, 5), (2, 5)])), [0; 0], "the same to all");
    assert_eq!(of(&turns(&[(1, 5), (1, 9)])), [0; 0], "it moves");
    assert_eq!(of(&turns(&[(1, 5), (2, 9), (1, 9), (2, 5)])), [0; 0], "it moves, and everybody is told");
    let ramp: Vec<_> = (0..12).map(|at| (at % 2, at)).collect();
    assert_eq!(of(&ramp), [0; 0], "it never comes back");
}

#[test]
fn a_value_that_nobody_vouches_for_is_not_judged() {
    let image = image();
    let mut plant = Plant::new(&image);
    let mut report = |value: u16, good, at| -> Vec<_> {
        let news = plant.observe(PLC, &registers(20, &value.to_be_bytes()), good, seconds(at));
        news.iter().map(|news| news.event).collect()
    };
    assert_eq!(report(900, false, 0), [], "it never vouched for it");
    assert_eq!(report(900, false, 1), []);
    assert_eq!(report(900, true, 2), [ProcessEvent::OutOfRange]);
    assert_eq!(report(100, false, 3), [ProcessEvent::BadQuality]);
    assert_eq!(report(100, false, 4), []);
    assert_eq!(report(900, true, 5), []);
    assert_eq!(report(900, false, 6), [ProcessEvent::BadQuality]);
}

/// What is stale by then, and when the next thing will be.
fn overdue(plant: &mut Plant<'_>, at: u64) -> (Vec<String>, Option<Timestamp>) {
    let mut told = Vec::new();
    let next = plant.engine.overdue(PLC, seconds(at), &Nothing, |_, news| told.push(news));
    let name = |news: &News| {
        assert_eq!((news.event, news.value), (ProcessEvent::Stale, 7.0));
        plant.policy.point_info(news.point).expect("a point").name.to_owned()
    };
    (told.iter().map(name).collect(), next)
}

#[test]
fn what_is_not_reported_again_is_stale_once() {
    let image = image();
    let mut plant = Plant::new(&image);
    assert_eq!(overdue(&mut plant, 0), (vec![], None), "nothing was reported yet");
    let both = [0, 7, 0, 7];
    let first = registers(30, &both[..2]);
    assert_eq!(plant.observe(PLC, &registers(30, &both), true, seconds(0)), []);
    assert_eq!(plant.engine.stale_from(PLC, &first), Some(seconds(5)));
    assert_eq!(plant.engine.stale_from(PLC, &registers(10, &both)), None);
    assert_eq!(overdue(&mut plant, 4), (vec![], Some(seconds(5))));
    assert_eq!(overdue(&mut plant, 5), (vec!["gauge".to_owned()], Some(seconds(8))));
    let news = plant.observe(PLC, &first, false, seconds(6));
    assert_eq!(news.iter().map(|news| news.event).collect::<Vec<_>>(), [ProcessEvent::BadQuality]);
    assert_eq!(overdue(&mut plant, 9), (vec!["dial".to_owned()], Some(seconds(11))));
    assert_eq!(overdue(&mut plant, 99), (vec!["gauge".to_owned()], None));
    assert_eq!(overdue(&mut plant, 999), (vec![], None));
}

#[test]
fn what_is_stale_is_not_known_but_for_its_age_and_quality() {
    let image = image();
    let mut plant = Plant::new(&image);
    plant.observe(PLC, &registers(30, &[0, 7]), true, seconds(0));
    plant.observe(PLC, &registers(30, &[0, 7]), true, seconds(1));
    let mut fired = |at| {
        let mut sids = Vec::new();
        let trigger = Trigger::Request(Action::Identify, Judgement::Unjudged);
        plant.engine.react(trigger, seconds(at), &Nothing, |firing| sids.push(firing.rule.0 + 1));
        sids
    };
    assert_eq!((fired(1), fired(5), fired(6)), (vec![2], vec![2], vec![3]));
}
