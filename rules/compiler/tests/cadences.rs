//! What departs from a cadence: the engine agrees with a reference that keeps the polls of each round and asks of all
//! of them what comes next.

use proptest::collection::vec;
use proptest::prelude::*;

use tagout_compiler::{SourceFile, compile, render};
use tagout_engine::{
    Action, ActorId, Asked, CadenceEvent, ChannelState, CycleState, Departure, DeviceId, Engine, Heard, Memory, Policy,
    PollKey, Space, Timestamp,
};

/// A cycle: how many polls, and the least and greatest milliseconds from round to round and the greatest of a round.
#[derive(Clone, Debug)]
struct CycleModel {
    polls: usize,
    every: Option<(u64, u64)>,
    within: Option<u64>,
}

/// Something that happens on the channel.
#[derive(Clone, Debug)]
enum Happening {
    /// So many milliseconds later this poll comes: the number of a cycle and of a poll in it, or one that there is not.
    Poll { after: u64, cycle: usize, place: usize },
    /// The next poll of a cycle in order.
    Next { after: u64, cycle: usize },
    /// The latest poll is answered.
    Answer,
    /// The polls go on over another connection.
    Move,
    /// Something is wrong with the connection.
    Disturb,
}

const CYCLES: usize = 2;
const MOST: usize = 4;
const RETRY: u64 = 200;
const PATIENCE: u64 = 600_000;

fn cycle() -> impl Strategy<Value = CycleModel> {
    let every = prop::option::of((100_u64..600, 0_u64..500)).prop_map(|band| band.map(|(min, more)| (min, min + more)));
    (1..=MOST, every, prop::option::of(20_u64..200)).prop_map(|(polls, every, within)| CycleModel {
        polls,
        every,
        within: within.map(|within| every.map_or(within, |(_, max)| within.min(max))),
    })
}

fn happening() -> impl Strategy<Value = Happening> {
    let poll =
        (0_u64..400, 0..=CYCLES, 0..=MOST).prop_map(|(after, cycle, place)| Happening::Poll { after, cycle, place });
    let next = (0_u64..400, 0..CYCLES).prop_map(|(after, cycle)| Happening::Next { after, cycle });
    let others = prop_oneof![Just(Happening::Move), Just(Happening::Disturb)];
    prop_oneof![3 => poll, 10 => next, 8 => Just(Happening::Answer), 1 => others]
}

/// Where a poll asks: cycles are a hundred registers apart.
fn key(cycle: usize, place: usize) -> PollKey {
    let asked = Asked::Span { space: Space::HoldingRegister, address: (cycle * 100 + place) as u32, count: 1 };
    PollKey::of(Action::Read, &mut [asked].into_iter())
}

fn policy(cycles: &[CycleModel]) -> Vec<u8> {
    let mut text = "[actors.hmi]\nkind = \"hmi\"\nip = \"10.0.0.1\"\n[devices.plc]\nip = \"10.0.0.2\"\n\
                    [[cadences]]\nactor = \"hmi\"\ndevice = \"plc\"\nalso = \"identify function 17\"\n"
        .to_owned();
    for (number, CycleModel { polls, every, within }) in cycles.iter().enumerate() {
        let polls: Vec<_> =
            (0..*polls).map(|place| format!("\"read holding-register {}\"", number * 100 + place)).collect();
        text += &format!("[[cadences.cycles]]\npolls = [{}]\n", polls.join(", "));
        text += &every.map_or(String::new(), |(min, max)| format!("every = \"{min} ms..{max} ms\"\n"));
        text += &within.map_or(String::new(), |within| format!("within = \"{within} ms\"\n"));
    }
    let files = [SourceFile::new("policy.toml", text)];
    compile(&files).unwrap_or_else(|errors| panic!("{}", render(&errors, &files, false))).image
}

/// What departs: the event, the place of the poll that was to come, and how many were left out.
type Told = Option<(CadenceEvent, usize, usize)>;

#[derive(Clone, Debug, Default)]
struct Round {
    /// The polls of the round so far, with their times.
    polls: Vec<(usize, u64)>,
    told: bool,
    /// Which of all requests was in turn last.
    request: usize,
}

/// The reference.
struct Reference {
    cycles: Vec<CycleModel>,
    rounds: Vec<Round>,
    requests: usize,
    /// The requests before which something happened that excuses what departs.
    disturbed: Vec<usize>,
    heard: Option<(u64, u64)>,
    answered: bool,
    moved: Option<u64>,
}

impl Reference {
    fn poll(&mut self, cycle: usize, place: usize, now: u64, stream: u64) -> Told {
        self.requests += 1;
        let stalled = self.heard.is_some_and(|(at, _)| at == now);
        let is_known = cycle < CYCLES && place < self.cycles[cycle].polls;
        if stalled {
            self.rounds.iter_mut().for_each(|round| round.polls.clear());
            (self.heard, self.answered) = (Some((now, stream)), false);
            return (!is_known).then_some((CadenceEvent::Unknown, 0, 0));
        }
        let waited = !self.answered && self.heard.is_some_and(|(at, _)| now >= at + RETRY);
        let moves = self.heard.is_some_and(|(_, before)| before != stream)
            && self.moved.is_none_or(|moved| now >= moved + PATIENCE);
        if moves {
            self.moved = Some(now);
        }
        if waited || moves {
            self.disturbed.push(self.requests);
        }
        (self.heard, self.answered) = (Some((now, stream)), false);
        if !is_known {
            return Some((CadenceEvent::Unknown, 0, 0));
        }
        let (model, before) = (&self.cycles[cycle], self.rounds[cycle].clone());
        let excused = self.disturbed.iter().any(|request| *request > before.request);
        let Some((last, _)) = before.polls.last().copied() else {
            self.rounds[cycle] = Round { polls: vec![(place, now)], told: false, ..before };
            return None;
        };
        let over = last + 1 == model.polls;
        let expected = if over { 0 } else { last + 1 };
        let elapsed = before.polls.first().filter(|(place, _)| *place == 0).map(|(_, at)| now - at);
        let told = if !over && place > last {
            let late = model.within.zip(elapsed).is_some_and(|(within, elapsed)| elapsed > within) && !before.told;
            self.rounds[cycle].polls.push((place, now));
            self.rounds[cycle].told |= late;
            departs(place - last - 1, late)
        } else {
            let is_again = model.polls > 1 && place == last;
            let may_begin = model.every.zip(elapsed).map_or(!is_again, |((min, _), elapsed)| elapsed >= min);
            if may_begin {
                let late = model.every.zip(elapsed).is_some_and(|((_, max), elapsed)| elapsed > max) && !before.told;
                self.rounds[cycle] = Round { polls: vec![(place, now)], told: false, ..before };
                departs(model.polls - 1 - last + place, late)
            } else {
                Some((CadenceEvent::Repeated, 0))
            }
        };
        if excused && told.is_some() {
            self.rounds[cycle] = Round { polls: vec![(place, now)], told: false, ..before };
            return None;
        }
        if told.is_none() {
            self.rounds[cycle].request = self.requests;
        }
        told.map(|(event, missing)| (event, expected, missing))
    }
}

fn departs(missing: usize, late: bool) -> Option<(CadenceEvent, usize)> {
    match missing {
        0 => late.then_some((CadenceEvent::Late, 0)),
        _ => Some((CadenceEvent::Missing, missing)),
    }
}

/// What the engine says, in the words of the reference.
fn told(departure: Departure, policy: &Policy<'_>) -> (CadenceEvent, usize, usize) {
    let text = departure.expected.and_then(|poll| policy.poll_text(poll)).unwrap_or("0");
    let address: usize = text.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("an address");
    (departure.event, address % 100, departure.missing.into())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_a_reference(cycles in vec(cycle(), CYCLES), story in vec(happening(), 1..120)) {
        let image = policy(&cycles);
        let policy = Policy::load(&image).expect("a good image");
        let (mut channels, mut states) = ([ChannelState::default()], [CycleState::default(); CYCLES]);
        let memory = Memory { channels: &mut channels, cycles: &mut states, ..Memory::default() };
        let mut engine = Engine::new(policy, memory, 0);
        let cadence = policy.cadence(ActorId(0), DeviceId(0)).expect("a cadence");
        let mut reference = Reference {
            rounds: vec![Round::default(); CYCLES],
            cycles,
            requests: 0,
            disturbed: Vec::new(),
            heard: None,
            answered: true,
            moved: None,
        };
        let (mut now, mut stream) = (1_000_000, 1);
        let mut next = [0; CYCLES];
        for (number, happening) in story.iter().enumerate() {
            let (cycle, place) = match *happening {
                Happening::Answer => {
                    engine.poll_answered(cadence);
                    reference.answered = true;
                    continue;
                }
                Happening::Move => {
                    stream += 1;
                    continue;
                }
                Happening::Disturb => {
                    engine.poll_disturbed(cadence);
                    reference.disturbed.push(reference.requests + 1);
                    continue;
                }
                Happening::Poll { after, cycle, place } => {
                    now += after;
                    (cycle, place)
                }
                Happening::Next { after, cycle } => {
                    now += after;
                    next[cycle] = (next[cycle] + 1) % reference.cycles[cycle].polls;
                    (cycle, next[cycle])
                }
            };
            let heard = Heard { now: Timestamp(now * 1_000_000), flow: 0, connection: stream };
            let found = engine.polled(cadence, (key(cycle, place), false), heard).map(|one| told(one, &policy));
            prop_assert_eq!(found, reference.poll(cycle, place, now, stream), "happening {}", number);
        }
    }
}

/// An engine at work on one cycle of three polls, each second.
fn with_engine(
    work: impl FnOnce(&mut Engine<'_, '_>, &mut dyn FnMut(&mut Engine<'_, '_>, u64, usize) -> Option<Departure>),
) {
    let image = policy(&[
        CycleModel { polls: 3, every: Some((900, 1_100)), within: Some(300) },
        CycleModel { polls: 1, every: None, within: None },
    ]);
    let policy = Policy::load(&image).expect("a good image");
    let (mut channels, mut states) = ([ChannelState::default()], [CycleState::default(); CYCLES]);
    let memory = Memory { channels: &mut channels, cycles: &mut states, ..Memory::default() };
    let mut engine = Engine::new(policy, memory, 0);
    let cadence = policy.cadence(ActorId(0), DeviceId(0)).expect("a cadence");
    let mut poll = |engine: &mut Engine<'_, '_>, ms: u64, place: usize| {
        let heard = Heard { now: at(ms), flow: 7, connection: 1 };
        let departure = engine.polled(cadence, (key(0, place), false), heard);
        engine.poll_answered(cadence);
        departure
    };
    work(&mut engine, &mut poll);
}

fn at(ms: u64) -> Timestamp {
    Timestamp((1_000_000 + ms) * 1_000_000)
}

#[test]
fn a_cycle_on_which_nothing_comes_is_late_once_others_went_on_for_as_long_again() {
    with_engine(|engine, poll| {
        assert_eq!([(0, 0), (100, 1), (200, 2)].map(|(ms, place)| poll(engine, ms, place)), [None; 3]);
        assert_eq!(engine.next_poll_due(), Some(at(1_100)));
        assert_eq!(engine.overdue_poll(at(1_500)), None, "it was only noticed");
        assert_eq!(engine.next_poll_due(), Some(at(2_600)));
        let (late, heard) = engine.overdue_poll(at(2_600)).expect("it is late");
        assert_eq!((late.event, late.poll, late.ms, heard.flow), (CadenceEvent::Late, None, Some(2_600), 7));
        assert_eq!(engine.overdue_poll(at(9_000)), None, "it is told once");
        assert_eq!(engine.next_poll_due(), None);
        assert_eq!(poll(engine, 9_500, 1), None, "where it goes on is where it stands");
        assert_eq!(poll(engine, 9_600, 2), None);
    });
}

#[test]
fn what_comes_right_behind_a_pause_is_late_by_itself() {
    with_engine(|engine, poll| {
        assert_eq!([(0, 0), (100, 1), (200, 2)].map(|(ms, place)| poll(engine, ms, place)), [None; 3]);
        assert_eq!(engine.overdue_poll(at(7_000)), None);
        assert_eq!(poll(engine, 7_000, 0).map(|departure| departure.event), Some(CadenceEvent::Late));
        assert_eq!(poll(engine, 7_100, 1), None);
    });
}

#[test]
fn a_device_that_does_not_answer_is_not_polled_late() {
    with_engine(|engine, poll| {
        assert_eq!([(0, 0), (100, 1), (200, 2)].map(|(ms, place)| poll(engine, ms, place)), [None; 3]);
        let cadence = engine.policy().cadence(ActorId(0), DeviceId(0)).expect("a cadence");
        let heard = Heard { now: at(1_200), flow: 7, connection: 1 };
        let late = engine.polled(cadence, (key(0, 0), false), heard);
        assert_eq!(late.map(|departure| departure.event), Some(CadenceEvent::Late));
        (1..20).for_each(|turn| assert_eq!(engine.overdue_poll(at(1_200 + turn * 1_000)), None));
    });
}

#[test]
fn commands_are_no_polls_unless_the_cadence_has_them() {
    with_engine(|engine, _| {
        let cadence = engine.policy().cadence(ActorId(0), DeviceId(0)).expect("a cadence");
        let heard = Heard { now: at(0), flow: 7, connection: 1 };
        assert_eq!(engine.polled(cadence, (key(5, 5), true), heard), None);
        let unknown = engine.polled(cadence, (key(5, 5), false), heard);
        assert_eq!(unknown.map(|departure| departure.event), Some(CadenceEvent::Unknown));
    });
}
