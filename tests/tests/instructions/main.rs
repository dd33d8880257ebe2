//! How many instructions the binary spends, counted by callgrind: a figure that does not depend on the machine's load.
//!
//! `UPDATE_INSTRUCTIONS=1 cargo test -p tagout-tests --test instructions` takes what is counted now for the bar.

mod count;
mod declared;
mod policies;
mod worst;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use tagout_tests::traffic::{STEADY_POLL, TRAFFIC};
use tagout_tests::{binary, board};

use count::{Records, per_packet, per_packet_by};
use policies::SIZES;

/// More instructions than the bar by this factor are a regression.
const TOLERANCE: f64 = 1.10;
/// What a policy of a hundred times the size may cost a packet more.
const MOST_FOR_LARGEST: f64 = 1.5;

/// What a thousand intents may cost a packet that nobody has to declare: to look whether one of them ends.
const MOST_FOR_INTENTS: f64 = 1.03;

/// Instructions for one packet.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cost {
    /// With alerts alone.
    judged: u64,
    /// With a line for every exchange.
    recorded: u64,
}

#[test]
fn no_packet_costs_more_than_it_did() {
    if !have_callgrind() {
        return;
    }
    let found: BTreeMap<String, Cost> = TRAFFIC
        .iter()
        .map(|traffic| {
            let cost = |records| per_packet(traffic, records);
            (traffic.name.to_owned(), Cost { judged: cost(Records::Alerts), recorded: cost(Records::All) })
        })
        .collect();
    print!("{}", table(&found));
    if env::var_os("UPDATE_INSTRUCTIONS").is_some() {
        std::fs::write(bar(), toml::to_string(&found).expect("the bar is TOML")).expect("the bar can be written");
        std::fs::write(page(), page_of(&found)).expect("the page can be written");
    }
    let bars = std::fs::read_to_string(bar()).expect("tests/instructions.toml is there");
    let bars: BTreeMap<String, Cost> = toml::from_str(&bars).expect("tests/instructions.toml is a table of costs");
    assert!(
        bars.keys().eq(found.keys()),
        "tests/instructions.toml is about other traffic: run with UPDATE_INSTRUCTIONS=1"
    );
    let worse = found.iter().filter(|(name, cost)| exceeds(**cost, bars[*name]));
    let worse: Vec<String> = worse.map(|(name, cost)| format!("{name}: {:?} became {cost:?}", bars[name])).collect();
    assert!(worse.is_empty(), "more than {TOLERANCE} times the instructions:\n{}", worse.join("\n"));
    let written = std::fs::read_to_string(page()).unwrap_or_default();
    assert!(written == page_of(&bars), "docs/reference/instructions.md is not that of tests/instructions.toml");
}

#[test]
fn a_packet_costs_about_the_same_under_a_policy_of_any_size() {
    if !have_callgrind() {
        return;
    }
    for traffic in TRAFFIC.iter().filter(|traffic| traffic.name.starts_with("Modbus")) {
        let costs = SIZES.map(|size| {
            let policy = size.write();
            let cost = per_packet_by(Some(&policy), traffic, Records::Alerts);
            std::fs::remove_file(&policy).expect("the policy is there");
            println!("{} under {}: {cost}", traffic.name, size.name());
            cost
        });
        let factor = costs[2] as f64 / costs[0] as f64;
        assert!(factor < MOST_FOR_LARGEST, "{}: {costs:?} grows with the policy", traffic.name);
    }
}

#[test]
fn a_packet_that_nobody_declares_costs_the_same_whatever_is_declared() {
    if !have_callgrind() {
        return;
    }
    let poll = &TRAFFIC[0];
    let [without, with] = declared::per_packet(poll);
    println!("{} with {:?} intents: {:?}", poll.name, declared::INTENTS, [without, with]);
    assert!(with as f64 <= without as f64 * MOST_FOR_INTENTS, "{without} became {with}");
}

#[test]
fn time_is_linear_in_the_bytes_of_the_worst_stream() {
    if have_callgrind() {
        worst::is_linear(|to| !to.is_line());
    }
}

#[test]
fn time_is_linear_in_the_bytes_of_the_worst_line() {
    if have_callgrind() {
        worst::is_linear(worst::To::is_line);
    }
}

/// Instructions on a Cortex-M4 that frames of [`TRAFFIC`], in its order, and of [`STEADY_POLL`] do not exceed: half of them, and
/// 99 of 100. The budget of a gateway is 1,500 and 4,000 for polls and writes (docs/design/proof.md tells how far that is).
const ON_A_GATEWAY: [[u64; 2]; 4] = [[1_350, 9_900], [1_350, 11_900], [1_350, 104_000], [1_350, 7_600]];

#[test]
fn no_frame_costs_a_gateway_more_than_it_did() {
    let Some(image) = env::var_os("TAGOUT_FIRMWARE").map(PathBuf::from).and_then(|image| board::measuring(&image))
    else {
        println!("skipped: no TAGOUT_FIRMWARE (`make firmware` builds one), or no qemu-system-arm");
        return;
    };
    let mut worse = Vec::new();
    for (traffic, limits) in TRAFFIC.iter().chain([&STEADY_POLL]).zip(ON_A_GATEWAY) {
        let cost = board::cost(&image, traffic);
        println!("{}: {cost:?}", traffic.name);
        assert_eq!(board::cost(&image, traffic), cost, "another run counts others");
        if cost.median > limits[0] || cost.p99 > limits[1] {
            worse.push(format!("{}: {cost:?} instead of {limits:?}", traffic.name));
        }
    }
    assert!(worse.is_empty(), "more instructions than before:\n{}", worse.join("\n"));
}

fn exceeds(cost: Cost, bar: Cost) -> bool {
    let exceeds = |found: u64, bar: u64| found as f64 > bar as f64 * TOLERANCE;
    exceeds(cost.judged, bar.judged) || exceeds(cost.recorded, bar.recorded)
}

fn have_callgrind() -> bool {
    let valgrind = Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let have = valgrind.is_ok_and(|status| status.success());
    if !have {
        println!("skipped: no valgrind here");
    }
    have
}

fn table(costs: &BTreeMap<String, Cost>) -> String {
    let mut table = "| packet | alerts alone | with its part of an event line |\n| --- | --- | --- |\n".to_owned();
    for (name, Cost { judged, recorded }) in costs {
        let _ = writeln!(table, "| {name} | {judged} | {recorded} |");
    }
    table
}

fn page_of(costs: &BTreeMap<String, Cost>) -> String {
    format!(
        "<!-- Generated: UPDATE_INSTRUCTIONS=1 cargo test -p tagout-tests --test instructions -->\n\n# Instructions a packet\n\n\
         What `tagout replay` of a release build spends on one more packet, reading it from the file included, on x86-64: \
         the instructions that callgrind counts for a long capture, less those for a shorter one of the same traffic, over \
         the packets that it has more. `make test` fails when one of them rises by more than a tenth.\n\n{}",
        table(costs)
    )
}

fn bar() -> PathBuf {
    binary::workspace().join("tests/instructions.toml")
}

fn page() -> PathBuf {
    binary::workspace().join("docs/reference/instructions.md")
}
