//! Against everything that happened.

use proptest::prelude::*;
use tagout_engine::ProcessEvent;

use crate::{AGENT, HMI, PLC, Plant, given, image, registers, seconds};

/// What happens to the level, in tenths.
#[derive(Clone, Copy, Debug)]
enum Event {
    Reported(u16, bool),
    Commanded(u16, bool),
    Other,
}

fn event() -> impl Strategy<Value = (u64, Event)> {
    let what = prop_oneof![
        (0_u16..6, any::<bool>()).prop_map(|(value, good)| Event::Reported(value * 100, good)),
        (0_u16..6, any::<bool>()).prop_map(|(value, agent)| Event::Commanded(value * 100, agent)),
        Just(Event::Other),
    ];
    (0_u64..3, what)
}

/// Everything that happened, with its time.
type History = Vec<(u64, Event)>;

fn commands(history: &History) -> impl DoubleEndedIterator<Item = (u64, f64, bool)> {
    history.iter().filter_map(|(at, event)| match event {
        Event::Commanded(value, agent) => Some((*at, f64::from(*value) / 10.0, *agent)),
        _ => None,
    })
}

fn good_reports(history: &History) -> impl DoubleEndedIterator<Item = (u64, f64)> {
    history.iter().filter_map(|(at, event)| match event {
        Event::Reported(value, true) => Some((*at, f64::from(*value) / 10.0)),
        _ => None,
    })
}

/// The latest value of all; a report wins over a command of the same time. A bad report takes the good one before it back.
fn latest(history: &History) -> Option<f64> {
    let last_report = history.iter().rev().find(|(_, event)| matches!(event, Event::Reported(..)));
    let is_good = matches!(last_report, Some((_, Event::Reported(_, true))));
    let report = good_reports(history).next_back().filter(|_| is_good);
    let command = commands(history).next_back();
    match (report, command) {
        (Some((reported, _)), Some((at, value, _))) if at > reported => Some(value),
        (Some((_, value)), _) => Some(value),
        (None, command) => command.map(|(_, value, _)| value),
    }
}

/// How often in a row the latest commands moved the value into one direction, and which.
fn run(history: &History) -> i32 {
    let mut run = 0;
    for at in 0..history.len() {
        let Event::Commanded(value, _) = history[at].1 else { continue };
        let past = history[..at].to_vec();
        let before = commands(&past).next_back().map(|(_, value, _)| value).or_else(|| latest(&past));
        let Some(before) = before else { continue };
        let value = f64::from(value) / 10.0;
        if value > before {
            run = run.max(0) + 1;
        } else if value < before {
            run = run.min(0) - 1;
        }
    }
    run
}

proptest! {
    #[test]
    fn the_image_agrees_with_everything_that_happened(events in proptest::collection::vec(event(), 1..40)) {
        let image = image();
        let mut plant = Plant::new(&image);
        let (mut history, mut now) = (History::new(), 0);
        for (pause, event) in events {
            now += pause;
            history.push((now, event));
            let bytes = |value: u16| value.to_be_bytes();
            match event {
                Event::Reported(value, good) => {
                    plant.observe(PLC, &registers(10, &bytes(value)), good, seconds(now));
                }
                Event::Commanded(value, agent) => {
                    plant.engine.ordered(PLC, &registers(10, &bytes(value)), given(if agent { AGENT } else { HMI }, seconds(now)));
                }
                Event::Other => {
                    plant.observe(PLC, &registers(16, &bytes(1)), true, seconds(now));
                }
            }
            let state = plant.state("level");
            prop_assert_eq!(state.latest(), latest(&history));
            prop_assert_eq!(i32::from(state.trend), run(&history));
            let ordered = commands(&history).next_back().map(|(at, value, agent)| (seconds(at), value, if agent { AGENT } else { HMI }));
            prop_assert_eq!(state.commanded.map(|order| (order.at, order.value, order.by)), ordered);
        }
    }
}

/// What is wrong with the tank after all this, told by walking over everything; `None` where it is not judged anew.
fn wrong(history: &History) -> Option<Vec<ProcessEvent>> {
    let reports = history.iter().enumerate().filter_map(|(place, (at, event))| match event {
        Event::Reported(value, good) => Some((place, *at, f64::from(*value) / 10.0, *good)),
        _ => None,
    });
    let reports: Vec<_> = reports.collect();
    let (place, now, value, good) = *reports.last()?;
    good.then(|| {
        let rates = reports.windows(2).scan(None, |rate, pair| {
            let [(_, before, from, vouched), (_, at, to, vouches)] = *pair else { return None };
            let passed = (at - before) as f64;
            *rate = match (vouched && vouches, passed > 0.0) {
                (true, true) => Some((to - from) / passed),
                (true, false) => *rate,
                _ => None,
            };
            Some(*rate)
        });
        let moved = reports.windows(2).rfind(|pair| pair[0].2 != pair[1].2).map(|pair| pair[1].1);
        let order = commands(&history[..place].to_vec()).next_back();
        let holds = |event: &ProcessEvent| match event {
            ProcessEvent::OutOfRange => !(10.0..=40.0).contains(&value),
            ProcessEvent::Jump => rates.clone().last().flatten().is_some_and(|rate: f64| rate.abs() > 15.0),
            ProcessEvent::Mismatch => order.is_some_and(|(at, told, _)| now >= at + 4 && (told - value).abs() > 12.0),
            ProcessEvent::Frozen => moved.is_some_and(|moved| now >= moved + 6),
            ProcessEvent::BadQuality | ProcessEvent::Stale | ProcessEvent::Effect | ProcessEvent::Disputed => false,
        };
        ProcessEvent::ALL.iter().copied().filter(holds).collect()
    })
}

proptest! {
    #[test]
    fn events_agree_with_everything_that_happened(events in proptest::collection::vec(event(), 1..60)) {
        let image = image();
        let mut plant = Plant::new(&image);
        let (mut history, mut now, mut raised) = (History::new(), 0, Vec::new());
        for (pause, event) in events {
            now += pause;
            history.push((now, event));
            match event {
                Event::Reported(value, good) => {
                    let news = plant.observe(PLC, &registers(20, &value.to_be_bytes()), good, seconds(now));
                    let vouched = good_reports(&history).next().is_some();
                    let bad = if vouched { vec![ProcessEvent::BadQuality] } else { Vec::new() };
                    let before = raised.clone();
                    raised = wrong(&history).unwrap_or_else(|| [raised, bad].concat());
                    let told: Vec<_> = news.iter().map(|news| news.event).collect();
                    let mut expected: Vec<_> = raised.iter().filter(|event| !before.contains(event)).copied().collect();
                    expected.dedup();
                    prop_assert_eq!(told, expected);
                }
                Event::Commanded(value, _) => {
                    plant.engine.ordered(PLC, &registers(20, &value.to_be_bytes()), given(AGENT, seconds(now)));
                    raised.retain(|event| *event != ProcessEvent::Mismatch);
                }
                Event::Other => {}
            }
        }
    }
}
