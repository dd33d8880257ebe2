//! Requests that come again and again are judged as if each came for the first time.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use proptest::collection::vec;
use proptest::prelude::*;
use tagout::policy::Written;
use tagout_core::engine::Policy;
use tagout_core::{Counter, Counters};
use tagout_tests::collect::Records;
use tagout_tests::generate::{Capture, Endpoint, Message, Network, Session, Side, Transport, dnp3, modbus};
use tagout_tests::observe::{observe, observe_each_anew, observe_replaced};
use tagout_tests::plant::{Protocol, compiled};

/// What a client asks next, and how long after what it asked before.
#[derive(Clone, Copy, Debug)]
struct Turn {
    what: u8,
    unit: u8,
    after_ms: u64,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let pause = prop_oneof![4 => 20..400_u64, 1 => 1_000..9_000_u64, 1 => 50_000..70_000_u64];
    let what = prop_oneof![6 => 0..4_u8, 1 => Just(4_u8)];
    let unit = prop_oneof![5 => Just(1_u8), 1 => 2..5_u8];
    vec((what, unit, pause).prop_map(|(what, unit, after_ms)| Turn { what, unit, after_ms }), 1..60)
}

/// Nobody whom the policy knows, or a client that may read and write, as it likes or on terms.
fn sites() -> impl Strategy<Value = String> {
    let site = |terms: &str| {
        format!(
            "[actors.one]\nkind = \"hmi\"\nip = \"10.0.0.1\"\n[devices.plc]\nip = \"10.0.0.200\"\n[devices.plc.points]\n\
             low = {{ holding-register = 5, range = [0, 20] }}\n\
             [[permits]]\nactor = \"one\"\ndevice = \"plc\"\ndo = [\"read\"]\n{terms}\n\
             [[permits]]\nactor = \"one\"\ndevice = \"plc\"\ndo = [\"write\"]\npoints = [\"low\"]\nvalue = {{ min = 0, max = 9 }}\n\n"
        )
    };
    let sites = [String::new(), site(""), site("at_most = \"6/min\""), site("when = \"modbus.quantity < 100\"")];
    prop::sample::select(sites.to_vec())
}

/// Rules of every threshold over fields that polls have in common and over such as they do not.
fn policies() -> impl Strategy<Value = String> {
    let when = prop::sample::select(vec![
        "true == true",
        "modbus.quantity >= 100",
        "modbus.address == 0",
        "protocol == 'dnp3'",
        "dnp3.group == 60 || modbus.unit > 1",
        "action == 'read'",
        "is_command",
        "!(modbus.unit == 1)",
        "client.port > 40000",
        "modbus.address in [0, 5]",
        "client.ip != server.ip",
        "verdict == 'permitted'",
    ]);
    let threshold = prop::sample::select(vec![
        "",
        "once = true",
        "once = true\nwarm_up = \"5 s\"",
        "count = 3\nwithin = \"10 s\"",
        "count = 2\ndistinct = \"modbus.unit\"\nwithin = \"1 s\"",
        "count = 2\ndistinct = \"modbus.address\"\nwithin = \"1 min\"",
        "sequence = [\"is_command\", \"action == 'read'\"]\nwithin = \"2 s\"",
        "sequence = [\"modbus.unit == 2\", \"action == 'read'\", \"modbus.quantity < 100\"]\nwithin = \"1 min\"",
        "absent = \"is_command\"\nwithin = \"2 s\"",
        "for = \"3 s\"",
    ]);
    let on = prop::sample::select(vec!["\"read\"", "[\"read\", \"write\"]"]);
    let per = prop::sample::select(vec!["", "per = \"client.ip\"", "per = [\"client.ip\", \"modbus.unit\"]"]);
    vec((when, threshold, on, per), 1..12).prop_map(|rules| {
        (1..).zip(rules).fold(String::new(), |mut text, (sid, (when, threshold, on, per))| {
            // A rule that counts by nothing has no key to set.
            let per = if threshold.is_empty() { "" } else { per };
            let _ = writeln!(
                text,
                "[[rules]]\nsid = {sid}\nsignature = \"Rule {sid}\"\nseverity = \"low\"\non_action = {on}\nwhen = \"{when}\"\n\
                 {threshold}\n{per}\n"
            );
            text
        })
    })
}

fn capture(protocol: Protocol, clients: &[Vec<Turn>]) -> Capture {
    let mut capture = Capture::default();
    for (number, turns) in (1_u8..).zip(clients) {
        let endpoint = |host, port| Endpoint { mac: [2, 0, 0, 0, 0, host], ip: address(host), port };
        let server = endpoint(200, protocol.default_port());
        let mut session = Session::new(endpoint(number, 40_000 + u16::from(number)), server, Transport::Tcp);
        let mut at_us = u64::from(number) * 700;
        let mut messages = Vec::new();
        for (turn, Turn { what, unit, after_ms }) in turns.iter().copied().enumerate() {
            at_us += after_ms * 1_000;
            let [request, response] = match protocol {
                Protocol::Modbus => modbus_turn(turn as u16, what, unit),
                Protocol::Dnp3 => dnp3_turn(turn as u8, what, unit),
            };
            messages.push(Message { turn, from: Side::Client, at_us, bytes: request });
            messages.push(Message { turn, from: Side::Server, at_us: at_us + 3_000, bytes: response });
        }
        session.play(&messages, [1_000, 5_000]);
        capture.add(&session, &Network::default());
    }
    capture
}

fn address(host: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, host))
}

fn modbus_turn(id: u16, what: u8, unit: u8) -> [Vec<u8>; 2] {
    let read = |address, quantity: u16| {
        [modbus::read(3, address, quantity), modbus::registers_response(3, &vec![id; quantity.into()])]
    };
    let pdus = match what {
        0 => read(0, 10),
        1 => read(0, 120),
        2 => read(40, 2),
        3 => [modbus::read(1, 0, 8), modbus::bits_response(1, &[true; 8])],
        _ => [modbus::write_register(5, id), modbus::write_register(5, id)],
    };
    pdus.map(|pdu| modbus::adu(id, unit, &pdu))
}

fn dnp3_turn(turn: u8, what: u8, outstation: u8) -> [Vec<u8>; 2] {
    let link = dnp3::Link { master: 1, outstation: outstation.into() };
    let sequence = turn & 0x0F;
    let (function, asked) = match what {
        0 | 1 => (dnp3::function::READ, dnp3::ALL_CLASSES.to_vec()),
        2 | 3 => (dnp3::function::READ, dnp3::EVENT_CLASSES.to_vec()),
        _ => (dnp3::function::DIRECT_OPERATE, dnp3::crob(3, dnp3::control::LATCH_ON, 0)),
    };
    let answered = if what == 4 { asked.clone() } else { dnp3::binary_event(2, true) };
    [
        dnp3::frames(link, Side::Client, turn, &dnp3::request(sequence, function, &asked)).concat(),
        dnp3::frames(link, Side::Server, turn, &dnp3::response(sequence, [0, 0], &answered)).concat(),
    ]
}

/// Records and counters of both ways to look at a capture.
fn both(policy: &str, protocol: Protocol, clients: &[Vec<Turn>]) -> [(Records, Counters); 2] {
    let (_, compiled) = compiled(&[("policy.toml", policy)]);
    let capture = capture(protocol, clients);
    [observe, observe_each_anew].map(|observe| {
        let mut records = Records::default();
        let counters = observe(
            &capture,
            protocol,
            protocol.default_port(),
            Policy::load(&compiled.image).expect("a compiled policy loads"),
            &mut records,
        );
        (records, counters)
    })
}

/// Entries that give all others other numbers.
const OTHERS: &str = r#"
[actors.another]
kind = "historian"
ip = "192.0.2.1"
[devices.another]
ip = "192.0.2.2"
[devices.another.points]
one = { holding-register = 1 }
two = { holding-register = 2 }
[[permits]]
actor = "another"
device = "another"
do = "write"
points = ["one"]
at_most = "1/min"
[[rules]]
sid = 9001
signature = "Nothing"
severity = "low"
on_action = "file"
"#;

#[test]
fn rules_beyond_those_that_can_be_settled_are_asked_each_time() {
    // The last two would stand at the places of the first two if places began anew after 256.
    let quiet = |sid: usize| {
        format!("[[rules]]\nsid = {sid}\nsignature = \"Rule {sid}\"\nseverity = \"low\"\non_action = \"read\"\n")
    };
    let rules = (1..=258)
        .map(|sid| quiet(sid) + if sid <= 256 { "when = \"is_command\"\n" } else { "count = 3\nwithin = \"10 s\"\n" });
    let policy: String = rules.collect();
    let polls = vec![Turn { what: 0, unit: 1, after_ms: 100 }; 9];
    let [(again, counted), (anew, counted_anew)] = both(&policy, Protocol::Modbus, &[polls]);
    assert_eq!((&again, counted), (&anew, counted_anew));
    assert_eq!(counted.get(Counter::Alerts), 14, "each of the two from the third poll on");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]
    #[test]
    fn a_request_is_judged_as_if_it_were_the_first(
        (site, rules) in (sites(), policies()),
        protocol in prop::sample::select(Protocol::ALL.to_vec()),
        clients in vec(turns(), 1..4),
    ) {
        let [(again, counted), (anew, counted_anew)] = both(&[site, rules].concat(), protocol, &clients);
        prop_assert_eq!(again, anew);
        prop_assert_eq!(counted, counted_anew);
    }

    #[test]
    fn another_policy_with_the_same_entries_goes_on_as_if_it_had_been_in_force(
        (site, policy) in (sites(), policies()),
        clients in vec(turns(), 1..3),
        is_dnp3 in any::<bool>(),
        before in vec(1..400_u64, 1..5),
    ) {
        let protocol = if is_dnp3 { Protocol::Dnp3 } else { Protocol::Modbus };
        let text = format!("{site}{policy}");
        let [(sources, site), (others, more)] =
            [compiled(&[("site.toml", &text)]), compiled(&[("others.toml", OTHERS), ("site.toml", &text)])];
        let load = |compiled| Policy::load(compiled).expect("a compiled policy loads");
        let one = Written { policy: load(&site.image), sources: &sources };
        let two = Written { policy: load(&more.image), sources: &others };
        let capture = capture(protocol, &clients);
        let alerts = |policies, before| observe_replaced(&capture, protocol, protocol.default_port(), policies, before);
        let undisturbed = alerts([one, one], &[]);
        prop_assert_eq!(&alerts([one, one], &before), &undisturbed, "by itself");
        prop_assert_eq!(&alerts([one, two], &before), &undisturbed, "by its like");
    }
}
