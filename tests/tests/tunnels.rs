//! What comes in tunnels, as from a mirror port elsewhere, is told as if it came alone.

use std::fs;

use tagout::config::Config;
use tagout_core::engine::Policy;
use tagout_core::{Counter, Counters};
use tagout_tests::bpf;
use tagout_tests::case::Case;
use tagout_tests::corpus::{self, Differences, Message, tshark};
use tagout_tests::generate::{Capture, Tunnel};
use tagout_tests::observe::{Told, observe};
use tagout_tests::plant::{self, Lan};

/// More frames than this would take long; a frame must fit into a packet.
const MOST_FRAMES: usize = 1_000;
const LONGEST_FRAME: usize = 60_000;
/// The payload of a packet on an Ethernet, and one so small that most frames come in pieces.
const ETHERNET: usize = 65_000;
const PIECES: usize = 64;

/// Cases of which tshark says what tagout says.
const WITNESSED: [&str; 3] = ["undisturbed", "refused", "udp"];

/// What is told of each case, which tunnels are then to carry, on these networks in turn.
fn each_case(lans: &[Lan], mut with: impl FnMut(&str, &Capture, &dyn Fn(&Capture) -> (Vec<String>, Counters))) {
    let compiled = plant::policy();
    let policy = Policy::load(&compiled.image).expect("the policy loads");
    let mut lans = lans.iter().cycle();
    for (name, case) in Case::all().into_iter().filter(|(_, case)| case.dialogue.mib.is_none()) {
        for (protocol, lan) in case.protocols.clone().into_iter().zip(lans.by_ref().copied()) {
            let scene = case.build(protocol, lan);
            let frames = scene.capture.frames();
            let is_carried = frames.iter().all(|frame| frame.bytes.len() == frame.wire_len as usize)
                && frames.iter().all(|frame| frame.bytes.len() < LONGEST_FRAME);
            if is_carried && frames.len() <= MOST_FRAMES {
                with(&format!("{name} over {lan:?}"), &scene.capture, &|capture| {
                    let mut told = Told::new(policy);
                    let counters = observe(capture, protocol, scene.port, policy, &mut told);
                    (told.lines, counters)
                });
            }
        }
    }
}

/// What was counted, but for the bytes, of which there are more.
fn but_bytes(counters: &Counters) -> Vec<(Counter, u64)> {
    counters.iter().filter(|(what, _)| *what != Counter::Bytes).collect()
}

#[test]
fn frames_in_a_tunnel_are_told_as_if_they_came_alone() {
    let tunnels = Tunnel::OF_FRAMES.into_iter().chain(Tunnel::OF_FRAMES_IN_FRAMES);
    let (mut tunnels, mut cases) = (tunnels.cycle(), 0);
    each_case(&Lan::ALL, |name, capture, told_of| {
        let Some(tunnel) = tunnels.next() else { return };
        let (alone, counted) = told_of(capture);
        let (carried, counted_within) = told_of(&capture.tunnelled(tunnel, ETHERNET));
        assert_eq!(carried, alone, "{name} in {tunnel:?}");
        assert_eq!(but_bytes(&counted_within), but_bytes(&counted), "{name} in {tunnel:?}");
        cases += 1;
    });
    assert!(cases > 100, "{cases} cases");
}

#[test]
fn frames_that_come_in_pieces_are_put_together() {
    let mut tunnels = Tunnel::OF_FRAMES.into_iter().cycle();
    each_case(&[Lan::Ipv4], |name, capture, told_of| {
        let Some(tunnel) = tunnels.next() else { return };
        let (_, alone) = told_of(capture);
        // Fragments within fragments have no buffer.
        if alone.get(Counter::Fragments) > 0 {
            return;
        }
        let (_, pieces) = told_of(&capture.tunnelled(tunnel, PIECES));
        for counter in [Counter::Requests, Counter::Responses, Counter::Anomalies, Counter::Alerts] {
            assert_eq!(pieces.get(counter), alone.get(counter), "{name} in {tunnel:?}: {}", counter.name());
        }
        assert_eq!(pieces.get(Counter::FragmentsLost), 0, "{name} in {tunnel:?}");
    });
}

#[test]
fn fragments_within_fragments_are_lost_and_counted() {
    each_case(&[Lan::Ipv4], |name, capture, told_of| {
        let (_, alone) = told_of(capture);
        if alone.get(Counter::Fragments) > 0 {
            let (_, pieces) = told_of(&capture.tunnelled(Tunnel::ErspanII, 32));
            assert!(pieces.get(Counter::FragmentsLost) > 0, "{name}");
        }
    });
}

#[test]
fn the_kernel_hands_over_what_comes_in_tunnels() {
    let prefilter = Config::default().prefilter().expect("it is on unless told otherwise").program(14);
    each_case(&[Lan::Ipv4], |name, capture, _| {
        for tunnel in Tunnel::all() {
            for frame in capture.tunnelled(tunnel, ETHERNET).frames().iter().take(4) {
                let (protocol, packet) = bpf::untagged(&frame.bytes).expect("an IP packet");
                assert!(bpf::run(&prefilter, protocol, &packet) > 0, "{name} in {tunnel:?}");
            }
        }
    });
}

#[test]
fn tshark_finds_the_same_in_tunnels() {
    if !tshark::available() {
        println!("skipped: there is no tshark");
        return;
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let mut captures = Vec::new();
    each_case(&[Lan::Ipv4], |name, capture, _| {
        if WITNESSED.iter().any(|case| name.strip_prefix(case).is_some_and(|rest| rest.starts_with(' '))) {
            captures.push(capture.clone());
        }
    });
    for (tunnel, capture) in Tunnel::all().flat_map(|tunnel| captures.iter().map(move |capture| (tunnel, capture))) {
        let file = folder.path().join("capture.pcap");
        fs::write(&file, capture.tunnelled(tunnel, ETHERNET).pcap()).expect("the capture is written");
        let (witness, replay) = (tshark::witness(&file, &[]), corpus::replay(&file, &[]));
        let [told, repeated, found] = [&witness.accounts, &witness.repeated, &replay.accounts]
            .map(|accounts| accounts.iter().map(|account| account.message).collect::<Vec<Message>>());
        let mut differences = Differences::of(&told, &repeated, &found);
        differences.extend(corpus::compare(&witness.accounts, &replay.accounts));
        assert!(!told.is_empty() && differences.0.is_empty(), "{tunnel:?}: {:?}", differences.0);
    }
}
