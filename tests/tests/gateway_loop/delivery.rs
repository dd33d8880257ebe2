//! Alerts reach a collector, each once and in order, whatever happens to collectors.

use tagout_firmware::Settings;
use tagout_firmware::settings::{TapTimes, Transport};
use tagout_tests::generate::Capture;
use tagout_tests::plant::Protocol;

use crate::host::Host;
use crate::world::{MS, SECOND, World, heapless_vec, settings};
use crate::{parity, replay};

/// A case that raises several alerts.
const CASE: &str = "undisturbed.toml";

/// A gateway with collectors, each of which is a host.
fn watched<const N: usize>(transport: Transport, hosts: [Host; N]) -> World {
    let collectors = heapless_vec(hosts.each_ref().map(|host| host.collector(transport)));
    let settings = Settings { collectors, tap_times: TapTimes::Arista, ..settings() };
    World::new(settings, &replay::image(), hosts.into())
}

fn mirror(world: &mut World, capture: &Capture) {
    for frame in capture.frames() {
        world.mirror(&replay::timestamped(frame));
        world.pass(MS);
    }
}

/// The numbers of messages, in order of arrival.
fn numbers(messages: &[String]) -> Vec<u32> {
    let rest = messages.iter().filter_map(|message| message.split_once("sequenceId=\""));
    rest.map(|(_, rest)| rest.split_once('"').expect("a quoted number").0.parse().expect("a number")).collect()
}

/// Numbers from `first` on, one for each alert and `others` of what else is numbered.
fn from(first: u32, alerts: &[String], others: u32) -> Vec<u32> {
    (first..first + alerts.len() as u32 + others).collect()
}

#[test]
fn alerts_arrive_in_order_and_numbered() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let capture = replay::capture(CASE, Protocol::Modbus);
        let mut world = watched(transport, [Host::new(9)]);
        mirror(&mut world, &capture);
        world.pass(5 * SECOND);
        let messages = world.hosts[0].messages();
        let expected = replay::alerts(&capture);
        assert!(!expected.is_empty());
        assert_eq!(parity::alerts(&messages), expected);
        assert_eq!(numbers(&messages), from(1, &expected, 1));
        let first = messages.iter().find(|message| message.contains("sequenceId=\"1\""));
        assert!(first.is_some_and(|message| message.contains("|start|")), "{messages:#?}");
    }
}

#[test]
fn what_is_raised_while_the_collector_is_down_for_an_hour_arrives_once_it_is_back() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let capture = replay::capture(CASE, Protocol::Modbus);
        let mut world = watched(transport, [Host::new(9)]);
        world.pass(5 * SECOND);
        assert_eq!(numbers(&world.hosts[0].messages()), [1]);
        world.hosts[0].switch_off();
        world.pass(120 * SECOND);
        mirror(&mut world, &capture);
        world.pass(3_600 * SECOND);
        assert!(world.hosts[0].messages().is_empty());
        world.hosts[0].is_up = true;
        world.pass(90 * SECOND);
        let messages = world.hosts[0].messages();
        let expected = replay::alerts(&capture);
        assert_eq!(parity::alerts(&messages), expected);
        assert_eq!(numbers(&messages), from(2, &expected, 0));
    }
}

#[test]
fn the_second_collector_takes_over_and_gives_back() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let capture = replay::capture(CASE, Protocol::Modbus);
        let mut world = watched(transport, [Host::new(9), Host::new(10)]);
        world.hosts[0].switch_off();
        mirror(&mut world, &capture);
        world.pass(30 * SECOND);
        let expected = replay::alerts(&capture);
        assert_eq!(parity::alerts(&world.hosts[1].messages()), expected, "the first one is down");
        world.hosts[0].is_up = true;
        world.pass(1_300 * SECOND);
        mirror(&mut world, &replay::capture(CASE, Protocol::Dnp3));
        world.pass(30 * SECOND);
        assert!(world.hosts[1].messages().is_empty());
        assert!(!world.hosts[0].messages().is_empty(), "the first one is back");
    }
}
