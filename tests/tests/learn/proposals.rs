//! What a policy that is there would have to change.

use std::collections::BTreeSet;

use tagout::learn::{Learned, Limits, Listener, Proposal};
use tagout_compiler::{SourceFile, compile};
use tagout_core::engine::Policy;
use tagout_tests::collect::Records;
use tagout_tests::generate::{Capture, Session, modbus};
use tagout_tests::observe::observe;
use tagout_tests::plant::{AGENT, Lan, PANEL, Protocol, STRANGER};

use crate::{LENGTH, SECOND, Talk, against, capture, habit, image, ip, learn, panel, session};

/// What a policy that was learned would have to change for a capture.
pub(super) fn propose(learned: &Learned, capture: &Capture) -> Proposal {
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
