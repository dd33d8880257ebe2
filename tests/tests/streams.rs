//! What must hold for any way in which a dialogue reaches the sensor: properties over generated captures.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use tagout_core::engine::Policy;
use tagout_tests::case::{Case, Dialogue, Disturbance, Expect, Scene, Speaker, dangers};
use tagout_tests::collect::Records;
use tagout_tests::dialogue::Kind;
use tagout_tests::generate::disturb::{self, Select, Spot};
use tagout_tests::generate::{Segment, Session, Side};
use tagout_tests::observe::observe;
use tagout_tests::plant::{self, Lan, Protocol};

fn protocols() -> impl Strategy<Value = Protocol> {
    prop::sample::select(Protocol::ALL.to_vec())
}

fn sides() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Client), Just(Side::Server)]
}

/// Dialogues of every function, pipelined or not, in segments of many lengths. No DNP3 sequence number comes twice, so
/// that a turn is known by its own.
fn cases() -> impl Strategy<Value = Case> {
    (prop_oneof![Just(Kind::Mixed), Just(Kind::Poll), Just(Kind::LargeRead)], 1..6_usize, 20..1400_usize).prop_map(
        |(kind, pipelined, segment_bytes)| Case {
            dialogue: Dialogue { turns: 15, kind, pipelined, segment_bytes, ..Dialogue::default() },
            ..Case::default()
        },
    )
}

/// What can happen to one segment.
#[derive(Clone, Debug)]
enum Damage {
    Lost,
    Repeated(u64),
    /// Moved in the stream, and short, so that it does not reach the command.
    Renumbered(u32),
    /// Carries other flags.
    Flagged(u8),
    /// Acknowledges something else.
    Acknowledging(u32),
    /// Carries other bytes, none of them 0, so that they claim no unit.
    Replaced(Vec<u8>),
    /// Sent by the other side.
    Turned,
}

fn damages() -> impl Strategy<Value = Damage> {
    prop_oneof![
        Just(Damage::Lost),
        (0..5_000_000_u64).prop_map(Damage::Repeated),
        any::<u32>().prop_map(Damage::Renumbered),
        (0..30_u32).prop_map(Damage::Renumbered),
        (0..32_u8).prop_map(Damage::Flagged),
        any::<u32>().prop_map(Damage::Acknowledging),
        vec(1..=255_u8, 1..40).prop_map(Damage::Replaced),
        Just(Damage::Turned),
    ]
}

impl Damage {
    /// Adds or removes a segment; those that are damaged go before the sound one.
    fn apply(&self, segments: &mut Vec<Segment>, index: &Index) {
        if segments.is_empty() {
            return;
        }
        let at = index.index(segments.len());
        let mut copy = segments[at].clone();
        match self {
            Self::Lost => {
                segments.remove(at);
                return;
            }
            Self::Repeated(after_us) => copy.at_us += after_us,
            Self::Renumbered(by) => {
                copy.sequence = copy.sequence.wrapping_add(*by);
                copy.payload.truncate(20);
            }
            Self::Flagged(flags) => copy.flags = *flags,
            Self::Acknowledging(by) => copy.acknowledgement = copy.acknowledgement.wrapping_add(*by),
            Self::Replaced(bytes) => copy.payload.clone_from(bytes),
            Self::Turned => copy.from = copy.from.peer(),
        }
        segments.insert(at, copy);
    }
}

/// The agent's session of a case, with what was meant by it.
fn agent(case: &Case, protocol: Protocol) -> (Session, Speaker) {
    case.cast(protocol, Lan::Ipv4).remove(0)
}

fn records(scene: &Scene, protocol: Protocol) -> Records {
    let mut records = Records::default();
    observe(&scene.capture, protocol, scene.port, Policy::empty(), &mut records);
    records
}

/// How the exchanges of a session differ from what was meant, but for what `expect` says.
fn differences(session: Session, speaker: Speaker, protocol: Protocol, expect: &Expect) -> Vec<String> {
    let scene = Scene::of(vec![(session, speaker)], Lan::Ipv4);
    expect.differences(&scene, &records(&scene, protocol))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn segmentation_changes_nothing(case in cases(), protocol in protocols(), lengths in vec(1..60_usize, 1..20)) {
        let (mut session, speaker) = agent(&case, protocol);
        disturb::cut(&mut session.segments, Select::default(), &lengths);
        prop_assert_eq!(differences(session, speaker, protocol, &Expect::default()), Vec::<String>::new());
    }

    #[test]
    fn order_within_eight_segments_changes_nothing(
        case in cases(),
        protocol in protocols(),
        lengths in vec(4..60_usize, 1..20),
        steps in vec(0..8_usize, 1..40),
    ) {
        let (mut session, speaker) = agent(&case, protocol);
        disturb::cut(&mut session.segments, Select::default(), &lengths);
        disturb::shuffle(&mut session.segments, Select::default(), &steps);
        prop_assert_eq!(differences(session, speaker, protocol, &Expect::default()), Vec::<String>::new());
    }

    #[test]
    fn repetition_changes_nothing(
        case in cases(),
        protocol in protocols(),
        lengths in vec(4..60_usize, 1..20),
        repeated in vec((any::<Index>(), 1..5_000_000_u64), 1..20),
    ) {
        let (mut session, speaker) = agent(&case, protocol);
        disturb::cut(&mut session.segments, Select::default(), &lengths);
        let copies: Vec<Segment> = repeated.iter().map(|(index, after_us)| {
            let original = index.get(&session.segments);
            Segment { at_us: original.at_us + after_us, ..original.clone() }
        }).filter(|copy| !copy.payload.is_empty()).collect();
        session.segments.extend(copies);
        session.segments.sort_by_key(|segment| segment.at_us);
        prop_assert_eq!(differences(session, speaker, protocol, &Expect::default()), Vec::<String>::new());
    }

    #[test]
    fn a_lost_segment_costs_what_it_carried(
        case in cases(),
        protocol in protocols(),
        lengths in vec(4..60_usize, 1..20),
        lost in any::<Index>(),
    ) {
        let (mut session, speaker) = agent(&case, protocol);
        disturb::cut(&mut session.segments, Select::default(), &lengths);
        let with_data: Vec<usize> = (0..session.segments.len()).filter(|at| !session.segments[*at].payload.is_empty()).collect();
        let lost = session.segments.remove(*lost.get(&with_data));
        let expect = Expect {
            turns: lost.turns.iter().map(|turn| (turn.to_string(), "any".into())).collect(),
            ..Expect::default()
        };
        let scene = Scene::of(vec![(session, speaker)], Lan::Ipv4);
        prop_assert_eq!(expect.losses(&scene, &records(&scene, protocol)), Vec::<String>::new());
    }

    /// The bytes hold no zero, so that none of them claims to be the header of a unit.
    #[test]
    fn stray_bytes_cost_the_unit_that_they_hit(
        kind in prop_oneof![Just(Kind::Mixed), Just(Kind::Poll)],
        protocol in protocols(),
        turn in 1..17_usize,
        from in sides(),
        place in any::<Index>(),
        bytes in vec(1_u8..0xff, 1..40),
    ) {
        let plain = Case { dialogue: Dialogue { kind, ..Dialogue::default() }, ..Case::default() };
        let (_, speaker) = agent(&plain, protocol);
        let unit = match from {
            Side::Client => &speaker.turns[turn].request,
            Side::Server => &speaker.turns[turn].response,
        };
        prop_assume!(unit.is_some());
        let offset = place.index(unit.as_ref().map_or(1, Vec::len));
        let hit = if offset == 0 { vec![] } else { vec![(turn.to_string(), "any".to_owned())] };
        let expect = Expect { turns: hit.into_iter().collect(), ..Expect::default() };
        let stray = Disturbance::InsertBytes { at: Spot { turn, from }, offset, bytes };
        let (session, speaker) = agent(&Case { disturbances: vec![stray], ..plain }, protocol);
        let scene = Scene::of(vec![(session, speaker)], Lan::Ipv4);
        prop_assert_eq!(expect.losses(&scene, &records(&scene, protocol)), Vec::<String>::new());
    }

    /// Whatever happens at the beginning of a dialogue, the dangerous command at its end is alerted.
    #[test]
    fn nothing_blinds_the_sensor_for_good(
        case in cases(),
        protocol in protocols(),
        lengths in vec(4..200_usize, 1..20),
        damages in vec((any::<Index>(), damages()), 1..30),
    ) {
        let (mut session, speaker) = agent(&case, protocol);
        disturb::cut(&mut session.segments, Select::default(), &lengths);
        let middle = session.segments.iter().position(|segment| segment.turns.contains(&4));
        let mut before: Vec<Segment> = session.segments.drain(..middle.unwrap_or(0)).collect();
        for (index, damage) in &damages {
            damage.apply(&mut before, index);
        }
        session.segments.iter_mut().for_each(|segment| segment.at_us += 5_000_000);
        session.segments.splice(..0, before);
        let scene = Scene::of(vec![(session, speaker)], Lan::Ipv4);
        let policy = plant::policy();
        let policy = Policy::load(&policy.image).expect("what the compiler made loads");
        let mut records = Records::default();
        observe(&scene.capture, protocol, scene.port, policy, &mut records);
        let told: Vec<String> = records.violations().map(|alert| alert.told(policy)).collect();
        let alerted = told.iter().filter(|alert| *alert == dangers(protocol)[0]).count();
        prop_assert!(alerted > 0, "{:?}, {:?}", told, records.anomalies);
    }

    #[test]
    fn the_same_bytes_give_the_same_records(
        case in cases(),
        protocol in protocols(),
        dropped in vec(any::<Index>(), 0..10),
        repeated in vec(any::<Index>(), 0..10),
    ) {
        let (mut session, speaker) = agent(&case, protocol);
        disturb::cut(&mut session.segments, Select::default(), &[33]);
        for index in &dropped {
            let at = index.index(session.segments.len());
            session.segments.remove(at);
        }
        let copies: Vec<Segment> = repeated.iter().map(|index| index.get(&session.segments).clone()).collect();
        session.segments.extend(copies);
        let scene = Scene::of(vec![(session, speaker)], Lan::Ipv4);
        prop_assert_eq!(records(&scene, protocol), records(&scene, protocol));
    }
}
