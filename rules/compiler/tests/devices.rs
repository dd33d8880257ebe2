//! Rules that name the devices that they are about are looked at for these alone.

use tagout_compiler::{SourceFile, compile};
use tagout_engine::{Action, DeviceId, Judgement, Policy, Trigger};

const SITE: &str = r#"
[devices.a]
ip = "10.0.0.1"
[devices.b]
ip = "10.0.0.2"
"#;

/// The sids of the rules that look at writes to the first, to the second, and to an unknown device.
fn looking(rules: &[&str]) -> [Vec<u32>; 3] {
    let rule = |(sid, keys): (usize, &&str)| {
        format!("[[rules]]\nsid = {}\nsignature = \"x\"\nseverity = \"low\"\non_action = \"write\"\n{keys}\n", sid + 1)
    };
    let text = [SITE.to_owned(), rules.iter().enumerate().map(rule).collect()].concat();
    let compiled = compile(&[SourceFile::new("site.toml", &text)]).expect("a valid policy");
    let policy = Policy::load(&compiled.image).expect("a valid image");
    let trigger = Trigger::Request(Action::Write, Judgement::Unjudged);
    [Some(DeviceId(0)), Some(DeviceId(1)), None].map(|device| {
        let ids = policy.rules_on(trigger, device);
        ids.map(|id| policy.rule_info(id).expect("a rule of the policy").sid).collect()
    })
}

#[test]
fn a_rule_is_looked_at_where_its_condition_can_hold() {
    let one = ["when = \"device == 'a' && is_command\"", "when = \"is_command\"", ""];
    assert_eq!(looking(&one), [vec![2, 3, 1], vec![2, 3], vec![2, 3]]);
    let several = ["when = \"'b' == device || device in ['a']\"", "when = \"is_command || device == 'b'\""];
    assert_eq!(looking(&several), [vec![2, 1], vec![2, 1], vec![2]]);
    let not = ["when = \"!(device == 'a')\"", "when = \"device != 'a'\""];
    assert_eq!(looking(&not), [vec![1, 2], vec![1, 2], vec![1, 2]]);
}

#[test]
fn what_lasts_hears_of_all_devices() {
    assert_eq!(looking(&["when = \"device == 'a'\"\nfor = \"1 min\""]), [[1], [1], [1]]);
}
