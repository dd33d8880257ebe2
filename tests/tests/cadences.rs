//! What `tagout learn` makes of the rhythm of polls, and what is told when they depart from it.

use tagout::learn::{Learned, Limits, Listener, MOST_POINTS};
use tagout_compiler::{SourceFile, compile, format, packs};
use tagout_core::engine::{CadenceEvent, Policy};
use tagout_core::{Alert, Anomaly, Exchange, Output};
use tagout_tests::generate::{Capture, Message, Session, Side, Transport, modbus};
use tagout_tests::observe::observe;
use tagout_tests::plant::{DEVICE, Lan, PANEL, Protocol};

const SECOND: u64 = 1_000_000;
/// How long the plant is listened to, in seconds.
const LENGTH: u64 = 300;

/// What is asked for when, in microseconds.
type Talk = Vec<(u64, Vec<u8>)>;

/// Three reads each second, give or take 20 ms, and every ten seconds one more.
fn rhythm() -> Talk {
    let polls = |second: u64| {
        let at_us = second * SECOND + second * 37 % 20 * 1_000;
        let round = [modbus::read(3, 0, 10), modbus::read(4, 0, 4), modbus::read(1, 0, 8)];
        let round = (0..).zip(round).map(move |(place, poll)| (at_us + place * 60_000, poll));
        round.chain((second % 10 == 5).then(|| (at_us + 500_000, modbus::read(3, 100, 2))))
    };
    (1..=LENGTH).flat_map(polls).collect()
}

/// The panel's connection, on which all of this is asked and answered.
fn connection(port: u16, talk: &[(u64, Vec<u8>)]) -> Session {
    let (client, server) = (Lan::Ipv4.endpoint(PANEL, port), Lan::Ipv4.endpoint(DEVICE, 502));
    let mut session = Session::new(client, server, Transport::Tcp);
    let messages = talk.iter().enumerate().flat_map(|(turn, (at_us, request))| {
        let quantity = usize::from(u16::from_be_bytes([request[3], request[4]]));
        let response = match request[0] {
            1 => vec![1, 1, 0],
            function => modbus::registers_response(function, &vec![7; quantity]),
        };
        let adu = |pdu: &[u8]| modbus::adu(turn as u16, 1, pdu);
        [(Side::Client, *at_us, adu(request)), (Side::Server, at_us + 5_000, adu(&response))]
            .map(|(from, at_us, bytes)| Message { turn, from, at_us, bytes })
    });
    session.play(&messages.collect::<Vec<_>>(), [1_000, 9_000]);
    session
}

fn capture(connections: &[Session]) -> Capture {
    Capture::of(connections, &Lan::Ipv4.network())
}

fn learn(talk: &[(u64, Vec<u8>)]) -> Learned {
    let mut listener = Listener::new(Limits::default());
    observe(&capture(&[connection(40_000, talk)]), Protocol::Modbus, 502, Policy::empty(), &mut listener);
    listener.learn(&["generated".to_owned()], MOST_POINTS)
}

/// What was learned, with the packs.
fn image(learned: &Learned) -> Vec<u8> {
    let mut files = packs().to_vec();
    let policies = learned.files.iter().filter(|(name, _)| name.ends_with(".toml"));
    files.extend(policies.map(|(name, text)| SourceFile::new(*name, text.clone())));
    compile(&files).unwrap_or_else(|errors| panic!("{errors:#?}")).image
}

fn text<'l>(learned: &'l Learned, name: &str) -> &'l str {
    &learned.files.iter().find(|(file, _)| *file == name).expect("the file is written").1
}

#[derive(Default)]
struct Departures(Vec<CadenceEvent>);

impl Output for Departures {
    fn exchange(&mut self, _: &Exchange<'_>) {}
    fn anomaly(&mut self, _: &Anomaly) {}
    fn alert(&mut self, alert: &Alert<'_>) {
        self.0.extend(alert.departure.map(|departure| departure.event));
    }
}

/// What is told of a capture under what was learned, with the shipped rules.
fn told(learned: &Learned, connections: &[Session]) -> Vec<CadenceEvent> {
    let image = image(learned);
    let mut departures = Departures::default();
    let policy = Policy::load(&image).expect("the image is sound");
    observe(&capture(connections), Protocol::Modbus, 502, policy, &mut departures);
    departures.0
}

#[test]
fn a_rhythm_of_two_cycles_is_learned_and_kept_to() {
    let learned = learn(&rhythm());
    let cadences = text(&learned, "cadences.toml");
    assert!(
        cadences.contains("polls = [\"read holding-register 0..9\", \"read input-register 0..3\", \"read coil 0..7\"]"),
        "{cadences}"
    );
    assert!(cadences.contains("every = \"748 ms..1.28 s\"") && cadences.contains("within = \"320 ms\""), "{cadences}");
    assert!(
        cadences.contains("polls = [\"read holding-register 100..101\"]\nevery = \"7.49 s..12.6 s\""),
        "{cadences}"
    );
    assert!(format(&SourceFile::new("cadences.toml", cadences)).is_ok());
    assert_eq!(learn(&rhythm()), learned, "two runs say the same");
    assert_eq!(told(&learned, &[connection(40_000, &rhythm())]), []);
}

#[test]
fn what_departs_from_what_was_learned_is_told_once() {
    let learned = learn(&rhythm());
    let in_round = |place: usize| move |(n, _): &(usize, (u64, Vec<u8>))| *n != place;
    let without =
        |place| rhythm().into_iter().enumerate().filter(in_round(place)).map(|(_, poll)| poll).collect::<Talk>();
    let with = |at_us, poll| {
        let mut talk = rhythm();
        talk.push((at_us, poll));
        talk.sort();
        talk
    };
    let later = |from_us, by_us| -> Talk {
        rhythm().into_iter().map(|(at_us, poll)| (at_us + if at_us > from_us { by_us } else { 0 }, poll)).collect()
    };
    let middle = 150 * SECOND;
    for (talk, event) in [
        (with(middle + 400_000, modbus::read(3, 0, 5)), CadenceEvent::Unknown),
        (without(200), CadenceEvent::Missing),
        (without(202), CadenceEvent::Missing),
        (without(201), CadenceEvent::Late),
        (with(middle + 400_000, modbus::read(3, 0, 10)), CadenceEvent::Repeated),
        (with(middle + 90_000, modbus::read(3, 0, 10)), CadenceEvent::Repeated),
        (with(middle + 2_000_000, modbus::read(3, 100, 2)), CadenceEvent::Repeated),
        (later(middle + 700_000, 2 * SECOND), CadenceEvent::Late),
    ] {
        assert_eq!(told(&learned, &[connection(40_000, &talk)]), [event]);
    }
}

#[test]
fn learning_against_a_policy_lists_what_departs_from_its_cadences() {
    let image = image(&learn(&rhythm()));
    let propose = |talk: &[(u64, Vec<u8>)]| {
        let policy = Policy::load(&image).expect("the image is sound");
        let mut listener = Listener::against(Limits::default(), policy);
        observe(&capture(&[connection(40_000, talk)]), Protocol::Modbus, 502, policy, &mut listener);
        listener.propose(&["generated".to_owned()])
    };
    let proposal = propose(&rhythm());
    assert_eq!((proposal.proposed, proposal.to_decide), (0, 0), "{}", proposal.page);
    let shorter: Talk = rhythm().into_iter().enumerate().filter(|(n, _)| *n != 200).map(|(_, poll)| poll).collect();
    let proposal = propose(&shorter);
    assert_eq!((proposal.proposed, proposal.to_decide), (0, 1), "{}", proposal.page);
    let section = proposal.page.split("## Beside cadences").nth(1).expect("a section");
    assert!(
        section.lines().any(|line| line.contains("cadences.toml:") && line.contains("| missing | 1 |")),
        "{section}"
    );
}

#[test]
fn a_new_connection_goes_on_anywhere() {
    let learned = learn(&rhythm());
    let (before, after): (Talk, Talk) = rhythm().into_iter().partition(|(at_us, _)| *at_us < 150 * SECOND + 50_000);
    let after: Talk = after.into_iter().skip(4).collect();
    assert_eq!(told(&learned, &[connection(40_000, &before), connection(40_001, &after)]), []);
}

#[test]
fn who_reads_what_comes_to_mind_has_no_cadence() {
    let mut talk = Talk::new();
    for second in 1..=LENGTH {
        let whim = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5][second as usize % 11] * 10 + second as u16 / 20;
        talk.push((second * SECOND + second * second % 17 * 100_000, modbus::read(3, whim, 1)));
        talk.push((second * SECOND + 990_000 - second * 13 % 7 * 120_000, modbus::read(3, 0, 120)));
    }
    talk.sort();
    let learned = learn(&talk);
    assert!(!text(&learned, "cadences.toml").contains("[[cadences]]"), "{}", text(&learned, "cadences.toml"));
    assert!(text(&learned, "review.md").contains("## Cadences: 0\n\n- none of "), "{}", text(&learned, "review.md"));
}
