//! A policy that takes the place of its like at any frame changes nothing in what is told.

use tagout::policy::Written;
use tagout_core::engine::Policy;
use tagout_tests::case::Case;
use tagout_tests::observe::observe_replaced;
use tagout_tests::plant::{Lan, POLICY, compiled};

/// Entries that give all others other numbers.
const OTHERS: &str = r#"
[actors.another]
kind = "historian"
ip = "192.0.2.1"
[devices.another]
ip = "192.0.2.2"
[devices.another.points]
one = { holding-register = 1 }
[[permits]]
actor = "another"
device = "another"
do = "write"
points = ["one"]
"#;

#[test]
fn a_policy_in_the_place_of_its_like_changes_nothing() {
    let site = ("policy.toml", POLICY);
    let [(sources, alone), (more_sources, more)] = [compiled(&[site]), compiled(&[("others.toml", OTHERS), site])];
    let load = |compiled| Policy::load(compiled).expect("what the compiler made loads");
    let one = Written { policy: load(&alone.image), sources: &sources };
    let two = Written { policy: load(&more.image), sources: &more_sources };
    let mut alerts = 0;
    for (name, case) in Case::all() {
        for protocol in case.protocols.clone() {
            let scene = case.build(protocol, Lan::Ipv4);
            let told =
                |policies, before: &[u64]| observe_replaced(&scene.capture, protocol, scene.port, policies, before);
            let undisturbed = told([one, one], &[]);
            alerts += undisturbed.len();
            // At every frame, back and forth.
            let frames: Vec<u64> = (1..=scene.capture.frames().len() as u64).take(60).collect();
            assert_eq!(told([one, one], &frames), undisturbed, "{name}, by itself");
            assert_eq!(told([one, two], &frames), undisturbed, "{name}, by its like");
        }
    }
    assert!(alerts > 100, "{alerts} alerts");
}
