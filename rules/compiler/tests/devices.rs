//! Rules that name the devices that they are about are looked at for these alone.

use tagout_compiler::{SourceFile, compile};
use tagout_engine::{Action, DeviceId, Endpoint, Judgement, Policy, Trigger};

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
fn a_device_alone_at_its_address_is_meant_by_its_other_names() {
    let text = r#"
[devices.plc]
ip = "10.0.0.1"
unit = 1
[devices.outstation]
ip = "10.0.0.1"
link = 10
[devices.meter7]
ip = "10.0.0.2"
unit = 7
[devices.meter8]
ip = "10.0.0.2"
unit = 8
[devices.other]
ip = "10.0.0.1"
port = 5020
unit = 1
[devices.others]
ip = "10.0.1.0/24"
unit = 1
"#;
    let compiled = compile(&[SourceFile::new("site.toml", text)]).expect("a valid policy");
    let policy = Policy::load(&compiled.image).expect("a valid image");
    let asked = |ip: [u8; 4], port, unit, link| {
        let at = Endpoint { ip: Some(ip.into()), port: Some(port), unit, link, ..Endpoint::default() };
        let name = policy.device(&at).and_then(|id| policy.device_info(id)).map(|device| device.name);
        name.unwrap_or("none").to_owned()
    };
    let units = |ip, port| [0, 1, 2, 7, 255].map(|unit| asked(ip, port, Some(unit), None));
    assert_eq!(units([10, 0, 0, 1], 502), ["plc", "plc", "none", "none", "plc"]);
    assert_eq!(units([10, 0, 0, 1], 5020), ["other", "other", "none", "none", "other"]);
    assert_eq!(units([10, 0, 0, 2], 502), ["none", "none", "none", "meter7", "none"], "a gateway's own");
    assert_eq!(units([10, 0, 1, 2], 502), ["none", "others", "none", "none", "none"]);
    let links = [1, 10, 0xFFFC, 0xFFFF].map(|link| asked([10, 0, 0, 1], 20000, None, Some(link)));
    assert_eq!(links, ["none", "outstation", "outstation", "none"]);
}

#[test]
fn what_lasts_hears_of_all_devices() {
    assert_eq!(looking(&["when = \"device == 'a'\"\nfor = \"1 min\""]), [[1], [1], [1]]);
}
