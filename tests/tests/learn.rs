//! What `tagout learn` makes of traffic: habits become permits, and nothing else does.

use std::collections::BTreeSet;
use std::net::IpAddr;

use tagout::capture::CaptureFile;
use tagout::learn::{Learned, Limits, Listener, MOST_POINTS, Proposal};
use tagout::memory::{self, Memory};
use tagout_compiler::{Compiled, SourceFile, compile};
use tagout_core::engine::Policy;
use tagout_core::{Config, Output, Sensor};
use tagout_tests::collect::Records;
use tagout_tests::corpus;
use tagout_tests::generate::dnp3::{self, Link, function};
use tagout_tests::generate::{Capture, Endpoint, Message, Session, Side, Transport, modbus};
use tagout_tests::observe::observe;
use tagout_tests::plant::{AGENT, DEVICE, Lan, PANEL, Protocol, STRANGER};

const SECOND: u64 = 1_000_000;
/// How long the plant is listened to, in seconds.
const LENGTH: u64 = 300;

/// Requests with their responses, at times in microseconds.
type Talk = Vec<(u64, Vec<u8>, Vec<u8>)>;

/// A Modbus session of one client with the plant's device.
fn session(client: Endpoint, talk: &Talk) -> Session {
    let mut session = Session::new(client, Lan::Ipv4.endpoint(DEVICE, 502), Transport::Tcp);
    let turns = talk.iter().enumerate();
    let messages = turns.flat_map(|(turn, (at_us, request, response))| {
        let adu = |pdu: &[u8]| modbus::adu(turn as u16, 1, pdu);
        [(Side::Client, *at_us, adu(request)), (Side::Server, at_us + 5_000, adu(response))]
            .map(|(from, at_us, bytes)| Message { turn, from, at_us, bytes })
    });
    session.play(&messages.collect::<Vec<_>>(), [1_000, 9_000]);
    session
}

/// The low and the high register of a number.
fn low_first(value: f32) -> [u16; 2] {
    let bits = value.to_bits();
    [bits as u16, (bits >> 16) as u16]
}

/// A panel that reads a level and a few registers every second, and moves a setpoint every twenty.
fn habit() -> Talk {
    let mut talk = Talk::new();
    for second in 0..LENGTH {
        let level = low_first(4.0 + 3.0 * (second as f32 / 37.0).sin());
        let at_us = second * SECOND;
        talk.push((at_us, modbus::read(4, 0, 2), modbus::registers_response(4, &level)));
        let registers = [500 + second as u16 % 7, 3, 0];
        talk.push((at_us + 100_000, modbus::read(3, 10, 3), modbus::registers_response(3, &registers)));
        if second % 20 == 5 {
            let write = modbus::write_register(10, 500 + second as u16 % 7);
            talk.push((at_us + 200_000, write.clone(), write));
        }
    }
    talk
}

fn panel() -> Session {
    session(Lan::Ipv4.endpoint(PANEL, 40_000), &habit())
}

fn capture(sessions: &[Session]) -> Capture {
    Capture::of(sessions, &Lan::Ipv4.network())
}

fn learn(capture: &Capture, protocol: Protocol) -> Learned {
    learn_points(capture, protocol, MOST_POINTS)
}

fn learn_points(capture: &Capture, protocol: Protocol, most_points: usize) -> Learned {
    let mut listener = Listener::new(Limits::default());
    observe(capture, protocol, protocol.default_port(), Policy::empty(), &mut listener);
    listener.learn(&["generated".to_owned()], most_points)
}

fn text<'l>(learned: &'l Learned, name: &str) -> &'l str {
    &learned.files.iter().find(|(file, _)| *file == name).expect("the file is written").1
}

/// The policy, which has to compile without a warning.
fn image(learned: &Learned) -> Vec<u8> {
    let files = learned.files.iter().filter(|(name, _)| name.ends_with(".toml"));
    let files: Vec<_> = files.map(|(name, text)| SourceFile::new(*name, text.clone())).collect();
    let Compiled { image, warnings, .. } = compile(&files).unwrap_or_else(|errors| panic!("{errors:#?}"));
    assert_eq!(warnings, [], "{files:#?}");
    image
}

/// What the policy says against a capture: who did what.
fn violations(learned: &Learned, capture: &Capture, protocol: Protocol) -> Vec<(IpAddr, &'static str)> {
    let image = image(learned);
    let policy = Policy::load(&image).expect("the image is sound");
    let mut records = Records::default();
    observe(capture, protocol, protocol.default_port(), policy, &mut records);
    against(&records)
}

fn against(records: &Records) -> Vec<(IpAddr, &'static str)> {
    let told = records.violations().filter_map(|alert| Some((alert.client?.ip(), alert.action?.name())));
    told.collect()
}

fn ip(host: u8) -> IpAddr {
    Lan::Ipv4.endpoint(host, 0).ip
}

#[test]
fn a_habit_becomes_a_policy_under_which_it_raises_nothing() {
    let capture = capture(&[panel()]);
    let learned = learn(&capture, Protocol::Modbus);
    assert_eq!(violations(&learned, &capture, Protocol::Modbus), []);
    assert_eq!(learned.to_decide, 0, "{}", text(&learned, "review.md"));
    let (devices, permits) = (text(&learned, "devices.toml"), text(&learned, "permits.toml"));
    assert!(text(&learned, "actors.toml").contains("[actors.hmi_10_0_0_48]\nkind = \"hmi\""));
    assert!(devices.contains("ir_0 = { input-register = 0, type = \"f32\", words = \"low-first\" }"), "{devices}");
    assert!(devices.contains("hr_11 = { holding-register = 11 }"), "{devices}");
    assert!(
        permits.contains("do     = [\"write\"]\npoints = [\"hr_10\"]\nvalue  = { min = 500, max = 506 }"),
        "{permits}"
    );
}

#[test]
fn a_value_beyond_the_habit_is_not_permitted() {
    let learned = learn(&capture(&[panel()]), Protocol::Modbus);
    let mut talk = habit();
    let write = modbus::write_register(10, 5_000);
    talk.push((LENGTH * SECOND, write.clone(), write));
    let later = capture(&[session(Lan::Ipv4.endpoint(PANEL, 40_000), &talk)]);
    assert_eq!(violations(&learned, &later, Protocol::Modbus), [(ip(PANEL), "write")]);
}

#[test]
fn points_with_other_ranges_have_permits_with_names_of_their_own() {
    let mut talk = habit();
    let at = |(at_us, request, _): &(u64, Vec<u8>, Vec<u8>)| (request[0] == 6).then_some(at_us + 50_000);
    let writes: Vec<_> = talk.iter().filter_map(at).collect();
    talk.extend(writes.into_iter().map(|at_us| (at_us, modbus::write_register(12, 7), modbus::write_register(12, 7))));
    talk.sort_by_key(|(at_us, ..)| *at_us);
    let capture = capture(&[session(Lan::Ipv4.endpoint(PANEL, 40_000), &talk)]);
    let learned = learn(&capture, Protocol::Modbus);
    assert_eq!(violations(&learned, &capture, Protocol::Modbus), []);
    let permits = text(&learned, "permits.toml");
    let named = |name: &str| permits.contains(&format!("name   = \"hmi_10_0_0_48 {name}\""));
    assert!(named("commands plc_10_0_0_16_u1") && named("commands plc_10_0_0_16_u1, 2"), "{permits}");
}

/// What is learned of a panel that writes these values to register 10, one every ten seconds, and reads it.
fn learn_written(value: impl Fn(u64) -> u16) -> Learned {
    let mut talk = Talk::new();
    for second in 0..LENGTH {
        let at_us = second * SECOND;
        let now = value(second / 10);
        talk.push((at_us, modbus::read(3, 10, 1), modbus::registers_response(3, &[now])));
        if second % 10 == 0 {
            let write = modbus::write_register(10, now);
            talk.push((at_us + 200_000, write.clone(), write));
        }
    }
    learn(&capture(&[session(Lan::Ipv4.endpoint(PANEL, 40_000), &talk)]), Protocol::Modbus)
}

#[test]
fn a_value_that_still_goes_on_is_permitted_as_much_again_and_told() {
    let learned = learn_written(|step| 200 - 2 * step as u16);
    let (permits, review) = (text(&learned, "permits.toml"), text(&learned, "review.md"));
    assert!(
        permits.contains("value  = { min = 84, max = 258 }  # seen from 142 to 200, but seldom at its ends"),
        "{permits}"
    );
    assert!(review.contains("## Permitted beyond what was seen"), "{review}");
}

#[test]
fn a_value_that_goes_to_and_fro_is_permitted_as_it_was_seen() {
    let learned = learn_written(|step| [100, 110, 120, 110][step as usize % 4]);
    let (permits, review) = (text(&learned, "permits.toml"), text(&learned, "review.md"));
    assert!(permits.contains("value  = { min = 100, max = 120 }  # exactly what was seen"), "{permits}");
    assert!(!review.contains("## Permitted beyond what was seen"), "{review}");
}

/// A panel that reads register 10 every other second for twenty minutes, and writes to it at these times in seconds, with
/// these values.
fn paced(writes: &[(u64, u16)]) -> Session {
    let mut talk = Talk::new();
    let mut value = 500;
    for second in (0..1_200).step_by(2) {
        for (at, written) in writes.iter().filter(|(at, _)| (second..second + 2).contains(at)) {
            let write = modbus::write_register(10, *written);
            talk.push((at * SECOND + 200_000, write.clone(), write));
            value = *written;
        }
        talk.push((second * SECOND + 1_900_000, modbus::read(3, 10, 1), modbus::registers_response(3, &[value])));
    }
    session(Lan::Ipv4.endpoint(PANEL, 40_000), &talk)
}

/// Up and down in steps of one, a write every so many seconds.
fn ramps(every: u64) -> Vec<(u64, u16)> {
    let value = |turn: u64| [500, 501, 502, 503, 502, 501][turn as usize % 6];
    (0..1_200 / every).map(|turn| (turn * every, value(turn))).collect()
}

#[test]
fn paces_are_learned_where_the_rest_keeps_to_them() {
    let capture = capture(&[paced(&ramps(10))]);
    let learned = learn(&capture, Protocol::Modbus);
    let (permits, review) = (text(&learned, "permits.toml"), text(&learned, "review.md"));
    for limit in ["at_most = \"10/min\"", "max_step = 2 ", "max_change = \"9/min\"", "opposite_after = \"5 s\""] {
        assert!(permits.contains(limit), "{limit} is not in\n{permits}");
    }
    assert!(review.contains("| `at_most = \"10/min\"` | 6 at most in a minute, in 120 uses |"), "{review}");
    assert_eq!(violations(&learned, &capture, Protocol::Modbus), []);
    let against = |writes: &[(u64, u16)]| {
        let later = self::capture(&[paced(writes)]);
        !violations(&learned, &later, Protocol::Modbus).is_empty()
    };
    assert!(!against(&ramps(11)), "slower");
    assert!(against(&ramps(3)), "more often");
    assert!(against(&[(0, 500), (20, 503)]), "a larger step");
    assert!(against(&[(0, 500), (20, 501), (24, 500)]), "back at once");
}

#[test]
fn a_pace_that_did_not_last_is_left_out_and_told() {
    let mut writes: Vec<_> = ramps(10).into_iter().take(80).collect();
    writes.extend((800..1_200).map(|second| (second, 500 + (second % 2) as u16)));
    let capture = capture(&[paced(&writes)]);
    let learned = learn(&capture, Protocol::Modbus);
    assert!(text(&learned, "review.md").contains("| **none** | no `at_most`: "), "{}", text(&learned, "review.md"));
    assert_eq!(violations(&learned, &capture, Protocol::Modbus), []);
}

#[test]
fn what_was_used_too_little_has_no_pace() {
    let learned = learn(&capture(&[panel()]), Protocol::Modbus);
    assert!(!text(&learned, "permits.toml").contains("at_most"));
    assert!(text(&learned, "review.md").contains("| **none** | 15 uses within "), "{}", text(&learned, "review.md"));
}

#[test]
fn what_a_policy_permits_but_for_its_pace_is_for_decision() {
    let learned = learn(&capture(&[paced(&ramps(10))]), Protocol::Modbus);
    let same = propose(&learned, &capture(&[paced(&ramps(11))]));
    assert!(same.to_decide == 0 && !same.page.contains("## Beyond times"), "{}", same.page);
    let faster = propose(&learned, &capture(&[paced(&ramps(3))]));
    assert!(faster.proposed == 0 && faster.to_decide > 0, "{}", faster.page);
    assert!(faster.page.contains("| pace-exceeded | "), "{}", faster.page);
}

#[test]
fn the_same_traffic_gives_the_same_files() {
    let capture = capture(&[panel()]);
    assert_eq!(learn(&capture, Protocol::Modbus), learn(&capture, Protocol::Modbus));
}

/// What one stranger does beside the habit must neither be permitted nor change what the panel may do.
fn rejected(stranger: Session, client: u8, action: &'static str) -> Learned {
    let both = capture(&[panel(), stranger]);
    let learned = learn(&both, Protocol::Modbus);
    let told: BTreeSet<_> = violations(&learned, &both, Protocol::Modbus).into_iter().collect();
    assert_eq!(told, BTreeSet::from([(ip(client), action)]), "{}", text(&learned, "review.md"));
    assert!(learned.to_decide > 0);
    learned
}

#[test]
fn a_single_command_is_for_decision() {
    let write = modbus::write_register(10, 9_000);
    let talk = vec![(60 * SECOND, write.clone(), write)];
    let learned = rejected(session(Lan::Ipv4.endpoint(STRANGER, 41_000), &talk), STRANGER, "write");
    let review = text(&learned, "review.md");
    assert!(review.contains("value  = { min = 9000, max = 9000 }"), "what to paste is told: {review}");
    assert!(text(&learned, "permits.toml").contains("max = 506 }"), "the panel's range is as if it had not been");
}

#[test]
fn a_burst_of_commands_is_for_decision() {
    let burst = (0..200).map(|at| {
        let write = modbus::write_register(10, 500 + at);
        (60 * SECOND + u64::from(at) * 10_000, write.clone(), write)
    });
    let read = (modbus::read(3, 10, 1), modbus::registers_response(3, &[1]));
    let reads = (0..200).map(|at| (70 * SECOND + at * 10_000, read.0.clone(), read.1.clone()));
    let talk = burst.chain(reads).collect();
    let both = capture(&[panel(), session(Lan::Ipv4.endpoint(STRANGER, 41_000), &talk)]);
    let learned = learn(&both, Protocol::Modbus);
    let told = violations(&learned, &both, Protocol::Modbus);
    assert!(!told.is_empty() && told.iter().all(|(client, _)| *client == ip(STRANGER)));
    assert!(!text(&learned, "actors.toml").contains("10.0.0.64"));
}

#[test]
fn who_only_commands_is_for_decision_however_often() {
    let talk = (0..LENGTH).map(|second| {
        let write = modbus::write_register(20, 7);
        (second * SECOND + 500_000, write.clone(), write)
    });
    rejected(session(Lan::Ipv4.endpoint(STRANGER, 41_000), &talk.collect()), STRANGER, "write");
}

#[test]
fn a_scan_is_for_decision_with_all_that_its_source_does() {
    let known = (modbus::read(3, 10, 3), modbus::registers_response(3, &[500, 3, 0]));
    let polls = (0..LENGTH).map(|second| (second * SECOND + 400_000, known.0.clone(), known.1.clone()));
    let tries = (0..60_u16)
        .map(|at| (u64::from(at) * 5 * SECOND + 700_000, modbus::read(3, 1_000 + at, 1), modbus::exception(3, 2)));
    let mut talk: Talk = polls.chain(tries).collect();
    talk.sort_by_key(|(at_us, ..)| *at_us);
    let learned = rejected(session(Lan::Ipv4.endpoint(STRANGER, 41_000), &talk), STRANGER, "read");
    assert!(text(&learned, "review.md").contains("a scan"));
}

#[test]
fn a_borrowed_address_is_for_decision() {
    let read = (modbus::read(3, 10, 3), modbus::registers_response(3, &[500, 3, 0]));
    let talk = (1..40).map(|at| (at * 7 * SECOND + 600_000, read.0.clone(), read.1.clone())).collect();
    let borrowed = Endpoint { mac: Lan::Ipv4.endpoint(STRANGER, 0).mac, ..Lan::Ipv4.endpoint(PANEL, 42_000) };
    let learned = rejected(session(borrowed, &talk), PANEL, "read");
    assert!(text(&learned, "actors.toml").contains("mac = \"02:00:00:00:00:30\""), "{}", text(&learned, "actors.toml"));
}

#[test]
fn what_is_rare_at_a_point_of_somebody_else_is_for_decision() {
    let own = (modbus::read(3, 11, 1), modbus::registers_response(3, &[3]));
    let mut busy = habit();
    busy.extend((0..LENGTH).map(|second| {
        let write = modbus::write_register(12, (second % 4) as u16);
        (second * SECOND + 300_000, write.clone(), write)
    }));
    busy.sort_by_key(|(at_us, ..)| *at_us);
    let mut talk: Talk = (0..LENGTH).map(|second| (second * SECOND + 600_000, own.0.clone(), own.1.clone())).collect();
    talk.extend((0..8).map(|at| {
        let write = modbus::write_register(12, 1);
        (at * 40 * SECOND + 800_000, write.clone(), write)
    }));
    talk.sort_by_key(|(at_us, ..)| *at_us);
    let sessions =
        [session(Lan::Ipv4.endpoint(PANEL, 40_000), &busy), session(Lan::Ipv4.endpoint(AGENT, 41_000), &talk)];
    let both = capture(&sessions);
    let learned = learn(&both, Protocol::Modbus);
    let told: BTreeSet<_> = violations(&learned, &both, Protocol::Modbus).into_iter().collect();
    assert_eq!(told, BTreeSet::from([(ip(AGENT), "write")]), "{}", text(&learned, "review.md"));
}

#[test]
fn what_finds_no_room_is_told_and_not_permitted() {
    let capture = capture(&[panel()]);
    let learned = learn_points(&capture, Protocol::Modbus, 3);
    assert!(text(&learned, "review.md").contains("## Not kept"), "{}", text(&learned, "review.md"));
    image(&learned);
    let mut small = Listener::new(Limits { things: 1, ..Limits::default() });
    observe(&capture, Protocol::Modbus, 502, Policy::empty(), &mut small);
    let small = small.learn(&[], MOST_POINTS);
    assert!(small.incomplete);
    image(&small);
}

/// A DNP3 master that polls, and operates a breaker by select and operate every twenty seconds.
fn master(restarts: bool) -> Session {
    let link = Link { master: 1, outstation: 10 };
    let mut session =
        Session::new(Lan::Ipv4.endpoint(PANEL, 43_000), Lan::Ipv4.endpoint(DEVICE, 20_000), Transport::Tcp);
    let mut messages = Vec::new();
    let mut sequence = 0;
    let mut say = |at_us: u64, function: u8, objects: &[u8], answer: &[u8]| {
        sequence = (sequence + 1) % 16;
        let request = dnp3::request(sequence, function, objects);
        let response = dnp3::response(sequence, [0, 0], answer);
        for (from, at_us, fragment) in [(Side::Client, at_us, request), (Side::Server, at_us + 5_000, response)] {
            let bytes = dnp3::frames(link, from, sequence, &fragment).concat();
            messages.push(Message { turn: messages.len(), from, at_us, bytes });
        }
    };
    for second in 0..LENGTH {
        let at_us = second * SECOND;
        let analog = dnp3::analog_inputs(0, &[1_000 + second as i32, 7]);
        say(at_us, function::READ, &dnp3::ALL_CLASSES, &analog);
        if second % 20 == 5 {
            let control = if second % 40 == 5 { dnp3::control::LATCH_ON } else { dnp3::control::LATCH_OFF };
            let block = dnp3::crob(3, control, 0);
            say(at_us + 200_000, function::SELECT, &block, &block);
            say(at_us + 300_000, function::OPERATE, &block, &block);
        }
        if restarts && second % 10 == 7 {
            say(at_us + 500_000, function::COLD_RESTART, &[], &dnp3::time_delay(1_000));
        }
    }
    session.play(&messages, [1_000, 9_000]);
    session
}

#[test]
fn a_master_is_learned_with_what_it_is_told() {
    let capture = capture(&[master(false)]);
    let learned = learn(&capture, Protocol::Dnp3);
    assert_eq!(violations(&learned, &capture, Protocol::Dnp3), [], "{}", text(&learned, "permits.toml"));
    let (devices, permits) = (text(&learned, "devices.toml"), text(&learned, "permits.toml"));
    assert!(devices.contains("ai_0 = { analog-input = 0 }") && devices.contains("bo_3 = { binary-output = 3 }"));
    assert!(permits.contains("do     = [\"select\", \"operate\"]\npoints = [\"bo_3\"]"), "{permits}");
}

#[test]
fn a_restart_is_for_decision_however_often() {
    let capture = capture(&[master(true)]);
    let learned = learn(&capture, Protocol::Dnp3);
    let told: BTreeSet<_> = violations(&learned, &capture, Protocol::Dnp3).into_iter().collect();
    assert_eq!(told, BTreeSet::from([(ip(PANEL), "restart")]));
}

// --- against a policy ---

/// What a policy that was learned would have to change for a capture.
fn propose(learned: &Learned, capture: &Capture) -> Proposal {
    let image = image(learned);
    let policy = Policy::load(&image).expect("the image is sound");
    let mut listener = Listener::against(Limits::default(), policy);
    observe(capture, Protocol::Modbus, 502, policy, &mut listener);
    listener.propose(&["generated".to_owned()])
}

#[test]
fn a_policy_that_permits_every_habit_has_nothing_to_change() {
    let capture = capture(&[panel()]);
    let learned = learn(&capture, Protocol::Modbus);
    let proposal = propose(&learned, &capture);
    assert_eq!((proposal.proposed, proposal.to_decide), (0, 0), "{}", proposal.page);
    assert!(proposal.page.contains("Nothing to change"), "{}", proposal.page);
}

/// The panel's habit, with setpoints that go further, and an agent that reads on and on and commands a register of its own.
fn new_habits() -> [Session; 2] {
    let mut panel = habit();
    for (at_us, request, response) in &mut panel {
        if request[0] == 6 {
            let write = modbus::write_register(10, 500 + (*at_us / SECOND / 20) as u16);
            (*request, *response) = (write.clone(), write);
        }
    }
    let mut agent = Talk::new();
    for second in 0..LENGTH {
        let at_us = second * SECOND + 500_000;
        agent.push((at_us, modbus::read(3, 11, 2), modbus::registers_response(3, &[3, 0])));
        if second % 10 == 3 {
            let write = modbus::write_register(20, 7);
            agent.push((at_us + 100_000, write.clone(), write));
        }
    }
    [session(Lan::Ipv4.endpoint(PANEL, 40_000), &panel), session(Lan::Ipv4.endpoint(AGENT, 41_000), &agent)]
}

#[test]
fn what_is_new_and_a_habit_is_proposed_and_nothing_else() {
    let learned = learn(&capture(&[panel()]), Protocol::Modbus);
    let write = modbus::write_register(11, 9);
    let read = (LENGTH * SECOND / 2, modbus::read(3, 10, 1), modbus::registers_response(3, &[500]));
    let once = [read, (LENGTH * SECOND / 2 + 50_000, write.clone(), write)].to_vec();
    let [panel, agent] = new_habits();
    let both = capture(&[panel, agent, session(Lan::Ipv4.endpoint(STRANGER, 42_000), &once)]);
    let proposal = propose(&learned, &both);
    let page = &proposal.page;
    assert_eq!(propose(&learned, &both), proposal, "two runs say the same");
    assert!(
        page.contains("```diff\n- value  = { min = 500, max = 506 }\n+ value  = { min = 500, max = 514 }\n```"),
        "{page}"
    );
    assert_eq!((proposal.proposed, proposal.to_decide), (3, 2), "{page}");
    let decide = page.split("## To decide").nth(1).expect("the section");
    assert!(decide.contains(&ip(STRANGER).to_string()) && !decide.contains(&ip(AGENT).to_string()), "{page}");
    let added = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("what to add");
    let files = learned.files.iter().filter(|(name, _)| name.ends_with(".toml"));
    let mut files: Vec<_> = files.map(|(name, text)| SourceFile::new(*name, text.clone())).collect();
    files.push(SourceFile::new("added.toml", added));
    let image = compile(&files).unwrap_or_else(|errors| panic!("{errors:#?}")).image;
    let mut records = Records::default();
    let policy = Policy::load(&image).expect("the image is sound");
    observe(&both, Protocol::Modbus, 502, policy, &mut records);
    let told: BTreeSet<_> = against(&records).into_iter().collect();
    assert_eq!(told, BTreeSet::from([(ip(PANEL), "write"), (ip(STRANGER), "read"), (ip(STRANGER), "write")]), "{page}");
}

#[test]
fn a_value_that_goes_too_far_once_is_not_proposed() {
    let learned = learn(&capture(&[panel()]), Protocol::Modbus);
    let mut talk = habit();
    let write = modbus::write_register(10, 900);
    talk.push((LENGTH * SECOND / 2 + 400_000, write.clone(), write));
    talk.sort_by_key(|(at_us, ..)| *at_us);
    let proposal = propose(&learned, &capture(&[session(Lan::Ipv4.endpoint(PANEL, 40_000), &talk)]));
    assert_eq!((proposal.proposed, proposal.to_decide), (0, 1), "{}", proposal.page);
}

// --- captures of others ---

/// Runs a sensor over a capture file.
fn replay(name: &str, policy: Policy<'_>, output: &mut dyn Output) -> bool {
    let Some(path) = corpus::directory().map(|directory| directory.join(name)).filter(|path| path.exists()) else {
        println!("skipped: no capture {name} (TAGOUT_CAPTURES names the folder)");
        return false;
    };
    let mut memory = Memory::new(&memory::Limits::default(), policy);
    let mut sensor = Sensor::new(Config::default(), policy, memory.lend());
    let mut file = CaptureFile::open(&path).expect("the capture can be read");
    while let Some(frame) = file.next().expect("the capture can be read") {
        sensor.frame(&frame, output);
    }
    sensor.finish(output);
    true
}

fn learn_file(name: &str) -> Option<Learned> {
    let mut listener = Listener::new(Limits::default());
    replay(name, Policy::empty(), &mut listener).then(|| listener.learn(&[name.to_owned()], MOST_POINTS))
}

#[test]
fn clean_captures_raise_nothing_under_what_was_learned_from_them() {
    for name in [
        "resilmesh2+MONT-Dataset-OT-ICS-attacks__Scenario-2_4-Lateral-movement_lateral_movement_traffic.pcap",
        "dumbled00r+DNP3-ICS-Lab__dataset_pcap_NORMAL.pcap",
    ] {
        let Some(learned) = learn_file(name) else { continue };
        let image = image(&learned);
        let mut records = Records::default();
        replay(name, Policy::load(&image).expect("the image is sound"), &mut records);
        assert_eq!(against(&records), [], "{name}");
    }
}

#[test]
fn labelled_attackers_are_not_permitted() {
    let cases = [
        ("JaxsonBrownie+ICS-SimLab-IDS__curtin-ics-simlab-ids_data_pcap_29-46_04-output.pcap", "\"192.168.0.1\""),
        ("antoine-lemay+Modbus_dataset__characterization_modbus_6RTU_with_operate.pcap", "\"192.168.1.101\""),
        (
            "gagandangwal17+IDS_DNP3_Dataset__20200518_DNP3_Replay_Attack_DNP3_PCAP_Files_20200518_Replay_UOWM_DNP3_Dataset_Slave_01.pcap",
            "be:0a:53:35:94:71",
        ),
        (
            "gagandangwal17+IDS_DNP3_Dataset__20200516_DNP3_Enumerate_DNP3_PCAP_Files_20200516_DNP3_Enumerate_UOWM_DNP3_Dataset_Slave_01.pcap",
            "\"192.168.1.1\"",
        ),
        ("qut-infosec+2017QUT_DNP3__Flooding_training_infrequent_attacker.noGOOSE.pcap", "\"192.168.10.66\""),
        ("qut-infosec+2017QUT_DNP3__Replay_training_infrequent_attacker.noGOOSE.pcap", "\"192.168.10.66\""),
        ("qut-infosec+2017QUT_DNP3__Masqurading_training_infrequent_attacker.noGOOSE.pcap", "\"192.168.10.66\""),
        ("qut-infosec+2017QUT_DNP3__Injection_training_frequent_attacker.noGOOSE.pcap", "\"192.168.10.66\""),
        ("qut-infosec+2017QUT_DNP3__MITM_training_infrequent_attacker.noGOOSE.pcap", "00:10:18:cb:8c:13"),
        ("riccardopivato+modbus-tcp-attacks__captures_05_B4.pcap", "\"172.20.0.4\""),
        ("dumbled00r+DNP3-ICS-Lab__dataset_pcap_COLD_RESTART.pcap", "\"restart\""),
        ("dumbled00r+DNP3-ICS-Lab__dataset_pcap_DISABLE_UNSOLICITED.pcap", "\"disable-unsolicited\""),
    ];
    for (name, attack) in cases {
        let Some(learned) = learn_file(name) else { continue };
        image(&learned);
        for file in ["actors.toml", "permits.toml"] {
            assert!(!text(&learned, file).contains(attack), "{name}: {}", text(&learned, file));
        }
    }
}
