//! Managers ask how the gateway is and bring packages; others get nothing.

use tagout_firmware::Settings;
use tagout_firmware::protocol::{Answer, Assembly, Request, Status};
use tagout_firmware::settings::{Network, Transport};
use tagout_tests::package::{key, package, requests};

use crate::host::Host;
use crate::replay;
use crate::world::{IP, MAC, MS, SECOND, World, heapless_vec, settings};

/// A gateway that sends its messages to the one host, which may manage it or not.
fn managed(may_manage: bool) -> World {
    let host = Host::new(9);
    let collector = host.collector(Transport::Udp);
    let manager = Network { ip: [192, 0, 2, if may_manage { 9 } else { 10 }].into(), prefix: 32 };
    let (collectors, managers) = (heapless_vec([collector]), heapless_vec([manager]));
    let mut world = World::new(Settings { collectors, managers, ..settings() }, &replay::image(), vec![host]);
    world.pass(2 * SECOND);
    world.hosts[0].messages();
    world
}

/// Connects from another port each time; true if the gateway takes the connection.
fn call(world: &mut World, from: u16) -> bool {
    world.hosts[0].call((IP, settings().update_port), from);
    world.pass(100 * MS);
    world.hosts[0].is_connected()
}

/// Asks, and returns the answer if one comes.
fn ask(world: &mut World, request: &Request<'_>) -> Option<Answer> {
    world.hosts[0].say(&request.frame().expect("a frame"));
    world.pass(50 * MS);
    let heard = world.hosts[0].heard();
    let mut assembly = Assembly::default();
    let answer = assembly.take(&mut heard.as_slice()).expect("frames")?.to_vec();
    Some(Answer::read(&answer).expect("an answer"))
}

fn status(world: &mut World) -> Status {
    match ask(world, &Request::Status) {
        Some(Answer::Status(status)) => status,
        other => panic!("{other:?}"),
    }
}

/// What the gateway tells of itself under this id.
fn told(world: &mut World, id: &str) -> Vec<String> {
    world.pass(SECOND);
    let id = format!("|{id}|");
    world.hosts[0].messages().into_iter().filter(|message| message.contains(&id)).collect()
}

fn packed(version: u64) -> Vec<u8> {
    package(version, &key(), &settings(), &replay::image())
}

#[test]
fn a_manager_is_told_how_the_gateway_is() {
    let mut world = managed(true);
    assert!(call(&mut world, 50_001));
    let status = status(&mut world);
    assert_eq!((status.host_name.as_str(), status.serial_number.as_str()), ("gate-1", "GW-1"));
    assert_eq!((status.firmware.as_str(), status.package, status.pending), (env!("CARGO_PKG_VERSION"), None, None));
    assert_eq!((status.uptime_s, status.restarts, status.alerts_waiting), (2, 0, 0));
    world.hosts[0].close();
    world.pass(SECOND);
    assert!(call(&mut world, 50_002), "the next one is served at once");
}

#[test]
fn a_package_is_taken_and_the_gateway_starts_again_once_it_has_said_so() {
    let mut world = managed(true);
    assert!(call(&mut world, 50_001));
    let package = packed(4);
    let answers: Vec<_> = requests(&package).iter().map(|request| ask(&mut world, request)).collect();
    assert_eq!(answers.last(), Some(&Some(Answer::Committed(4))));
    assert!(world.restarts > 0);
    let told = told(&mut world, "updated");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("src=192.0.2.9 package=4"), "{told:?}");
}

#[test]
fn what_is_no_package_is_refused_and_told_and_the_next_has_to_wait_ever_longer() {
    let mut world = managed(true);
    let mut damaged = packed(4);
    damaged[20] ^= 1;
    let mut waits = Vec::new();
    for from in 50_001..50_004 {
        let began = world.now();
        while !call(&mut world, from) {
            assert!(world.now() - began < 60 * SECOND, "nobody is served any more");
        }
        waits.push((world.now() - began) / SECOND);
        let answer = ask(&mut world, &requests(&damaged)[0]);
        assert!(matches!(answer, Some(Answer::Refused(_))), "{answer:?}");
    }
    assert!(waits.is_sorted() && waits[2] > waits[0], "{waits:?}");
    let told = told(&mut world, "update-refused");
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("<130>1 - gate-1 tagout - sensor [meta sequenceId="), "{told:?}");
    assert!(told[0].contains("|8|src=192.0.2.9 reason="), "{told:?}");
    assert_eq!(world.restarts, 0);
}

#[test]
fn who_is_no_manager_is_hung_up_on_and_told_of() {
    let mut world = managed(false);
    world.hosts[0].call((IP, settings().update_port), 50_001);
    world.pass(SECOND);
    assert!(!world.hosts[0].is_connected());
    let told = told(&mut world, "stranger");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].ends_with("|8|src=192.0.2.9"), "{told:?}");
}

#[test]
fn who_begins_a_connection_in_the_name_of_nobody_keeps_nobody_out() {
    let mut world = managed(true);
    let frame = etherparse::PacketBuilder::ethernet2([2, 0, 0, 0, 0, 66], MAC)
        .ipv4([192, 0, 2, 66], IP.octets(), 64)
        .tcp(50_000, settings().update_port, 1, 1_024)
        .syn();
    let mut syn = Vec::new();
    frame.write(&mut syn, &[]).expect("a frame");
    world.mirror(&syn);
    world.pass(6 * SECOND);
    assert!(call(&mut world, 50_001));
    assert_eq!(status(&mut world).package, None);
}

#[test]
fn a_manager_who_says_nothing_makes_room_for_the_next() {
    let mut world = managed(true);
    assert!(call(&mut world, 50_001));
    world.pass(17 * SECOND);
    assert!(!world.hosts[0].is_connected());
    assert!(call(&mut world, 50_002));
    assert_eq!(status(&mut world).package, None);
}

#[test]
fn a_package_that_stops_half_way_leaves_the_next_one_nothing() {
    let mut world = managed(true);
    assert!(call(&mut world, 50_001));
    let package = packed(4);
    for request in &requests(&package)[..2] {
        assert!(matches!(ask(&mut world, request), Some(Answer::Received(_))));
    }
    world.hosts[0].close();
    world.pass(5 * SECOND);
    assert!(call(&mut world, 50_002));
    assert_eq!(status(&mut world).pending, None);
    let answers: Vec<_> = requests(&package).iter().map(|request| ask(&mut world, request)).collect();
    assert_eq!(answers.last(), Some(&Some(Answer::Committed(4))));
}
