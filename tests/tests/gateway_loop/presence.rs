//! What the gateway does on the network by itself, and what it does not.

use std::net::SocketAddrV4;

use tagout_firmware::Settings;
use tagout_firmware::settings::{Management, Transport};

use crate::host::Host;
use crate::replay;
use crate::world::{IP, MAC, MS, SECOND, World, heapless_vec, settings};

/// A TCP SYN with the addresses of `to`, from a host that the gateway does not know.
pub(crate) fn syn(mac: [u8; 6], ip: [u8; 4], port: u16) -> Vec<u8> {
    syn_from([0x02, 0, 0, 0, 0x99, 9], mac, ip, port)
}

pub(crate) fn syn_from(from: [u8; 6], mac: [u8; 6], ip: [u8; 4], port: u16) -> Vec<u8> {
    let builder = etherparse::PacketBuilder::ethernet2(from, mac);
    let builder = builder.ipv4([192, 0, 2, 9], ip, 64).tcp(40_000, port, 7, 1_024).syn();
    let mut frame = Vec::new();
    builder.write(&mut frame, &[]).expect("a vector takes it");
    frame
}

#[test]
fn a_mirrored_syn_opens_nothing_and_is_not_answered() {
    let mut world = World::new(settings(), &replay::image(), vec![]);
    for port in [23, 80, 502, 514, 601, 20_000] {
        world.mirror(&syn([0x02, 0, 0, 0, 0, 0x77], [192, 0, 2, 77], port));
        world.mirror(&syn([0x02, 0, 0, 0, 0, 0x77], IP.octets(), port));
        world.pass(10 * MS);
    }
    assert_eq!(world.sent, Vec::<Vec<u8>>::new());
}

#[test]
fn a_gateway_without_management_sends_nothing() {
    let mut world = World::new(Settings { management: Management::None, ..settings() }, &replay::image(), vec![]);
    world.mirror(&syn(MAC, IP.octets(), 514));
    world.pass(SECOND);
    assert_eq!(world.sent, Vec::<Vec<u8>>::new());
}

#[test]
fn the_time_server_sets_the_clock_and_heartbeats_say_so() {
    let mut host = Host::new(9);
    host.epoch = Some(1_767_225_600 * SECOND);
    let collector = host.collector(Transport::Udp);
    let settings = Settings {
        collectors: heapless_vec([collector]),
        time_server: Some(SocketAddrV4::new(host.ip, 123)),
        heartbeat_s: 5,
        ..settings()
    };
    let mut world = World::new(settings, &replay::image(), vec![host]);
    world.pass(30 * SECOND);
    let messages = world.hosts[0].messages();
    let beats: Vec<_> = messages.iter().filter(|message| message.contains("|heartbeat|")).collect();
    assert_eq!(beats.len(), 6, "{messages:#?}");
    assert!(
        beats[0].starts_with("<134>1 - gate-1 tagout - sensor - ") && beats[0].contains("clock=unset"),
        "{}",
        beats[0]
    );
    assert!(beats[5].starts_with("<134>1 2026-01-01T00:00:2") && beats[5].contains("clock=set"), "{}", beats[5]);
}

#[test]
fn a_burst_beyond_the_controllers_memory_loses_frames_and_says_so() {
    let host = Host::new(9);
    let collector = host.collector(Transport::Udp);
    let settings = Settings { collectors: heapless_vec([collector]), heartbeat_s: 1, ..settings() };
    let mut world = World::new(settings, &replay::image(), vec![host]);
    world.pass(2 * SECOND);
    for _ in 0..100 {
        world.mirror(&syn([0x02, 0, 0, 0, 0, 0x77], [192, 0, 2, 77], 502));
    }
    world.pass(2 * SECOND);
    let messages = world.hosts[0].messages();
    assert!(messages.iter().any(|message| message.contains("frames_lost=36 ")), "{messages:#?}");
}
