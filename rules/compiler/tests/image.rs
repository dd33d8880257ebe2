//! What the loader refuses, and that what it takes is whole.

use std::sync::LazyLock;

use proptest::prelude::*;

use tagout_compiler::{SourceFile, compile, packs};
use tagout_engine::image::{CRC, Header, SECTIONS, Section, UNCHECKED};
use tagout_engine::{
    Action, ActorId, ActorKind, Asked, CadenceId, ChannelState, ConditionId, CycleState, DeviceId, Endpoint, Engine,
    Heard, IntentMode, IntentWaits, Judgement, Kind, Memory, PermitId, PointId, Policy, PollId, PollKey, RuleId,
    Severity, Space, SuppressionId, Threshold, Timestamp, Touch, Trigger, Values,
};

const PLANT: &str = r#"
[site]
name = "north"

[actors.agent]
kind = "ai-agent"
ip = ["10.0.0.1", "10.1.0.0/16", "fd00::/8"]
port = "1024-2047"

[actors.hmi]
kind = "hmi"
intents = "observed"
mac = "00:1d:9c:c7:b0:70"

[devices.plc1]
ip = "10.0.0.10"
unit = 1

[devices.plc1.points]
speed = { holding-register = 10, type = "i32", scale = 0.1, offset = -40, unit = "°C", words = "low-first", range = [0, 100] }
inlet = { coil = 3 }

[devices.rtu]
ip = "10.0.0.11"
link = 10

[[permits]]
name = "trim"
actor = "agent"
device = "plc1"
do = ["read", "write"]
points = ["speed"]
value = { max = 80 }

[[permits]]
actor = "*"
device = "*"
do = "read"

[windows.night]
days = ["mon", "fri"]
from = "22:00"
to = "06:00"
utc_offset = "+01:00"

[windows.change]
start = 2026-03-01T22:00:00+01:00
end = 2026-03-02T02:00:00+01:00

[[permits]]
actor = "hmi"
device = "plc1"
do = "write"
points = ["speed"]
value = { one_of = [0, 40, 80] }
when = 'point("plc1.inlet") == 1'
during = ["night", "change"]
at_most = "6/min"
max_step = 40
opposite_after = "30 s"
max_change = "100/min"

[[permits]]
actor = "agent"
device = "rtu"
do = "direct-operate"
value = { min = 0, max = 10, step = 0.5 }
during = "change"

[[cadences]]
name = "steady"
actor = "hmi"
device = "plc1"
also = "identify function 43 sub 14"
cycles = [
    { polls = ["read coil 0..7", "read holding-register 10..11"], every = "0.9 s..1.1 s", within = "500 ms" },
    { polls = "read input-register 0" },
]

[[cadences]]
actor = "agent"
device = "plc1"
also = "read coil 0..7"

[[suppress]]
name = "trials"
reason = "ticket 4711"
rules = ["value-out-of-range", 1000002, 1000003]
actor = "agent"
points = ["speed"]
when = "command.value > 90"
until = 2026-06-30

[[suppress]]
name = "the panel"
reason = "it is new"
actor = "hmi"

[intents]
hold = "5 s"
silence = "1 min"

[[intents.keys]]
id = "lead-2026"
public = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
actors = "*"
approver = "shift lead"
expires = 2027-01-01T00:00:00Z
revoked = 2026-06-01T00:00:00Z
"#;

static FILES: LazyLock<[SourceFile; 2]> = LazyLock::new(|| [packs()[0].clone(), SourceFile::new("plant.toml", PLANT)]);
static IMAGE: LazyLock<Vec<u8>> = LazyLock::new(|| compile(&*FILES).expect("a good policy").image);

/// Asks everything that can be asked: nothing may panic, whatever was loaded.
fn exercise(policy: &Policy<'_>) {
    for id in 0..policy.actor_count() as u16 + 1 {
        let _ = policy.actor_info(ActorId(id));
    }
    for id in 0..policy.point_count() as u32 + 1 {
        let _ = policy.point_info(PointId(id)).map(|point| point.decode(&[0; 4]));
    }
    for id in 0..policy.permit_count().max(policy.rule_count()) as u16 + 1 {
        let _ = (policy.permit_info(PermitId(id)), policy.rule_info(RuleId(id)));
    }
    for id in 0..policy.suppression_count().max(policy.condition_count()) as u16 + 1 {
        let _ = (policy.suppression_info(SuppressionId(id)), policy.condition_info(ConditionId(id)));
    }
    for action in Action::ALL {
        for device in 0..policy.device_count() as u16 + 1 {
            let touch =
                Touch { space: Space::HoldingRegister, address: 9, count: 5, values: Values::Registers(&[7; 10]) };
            let all = Touch { count: u32::MAX, values: Values::Unknown, ..touch };
            let _ = policy.judge(Some(ActorId(0)), Some(DeviceId(device)), *action, [touch, all].into_iter());
            let _ = policy.judge(None, Some(DeviceId(device)), *action, std::iter::empty());
        }
    }
    for trigger in Trigger::all() {
        let _ = policy.rules_on(trigger, None).count();
    }
    poll(policy);
    let everywhere = Endpoint { ip: Some([10, 0, 0, 1].into()), port: Some(1025), ..Endpoint::default() };
    let _ = (policy.actor(&everywhere), policy.device(&everywhere));
}

/// Polls all devices in their cadences, as they are and with a poll that they do not have.
fn poll(policy: &Policy<'_>) {
    let mut channels = vec![ChannelState::default(); policy.cadence_count()];
    let mut cycles = vec![CycleState::default(); policy.cycle_count()];
    let memory = Memory { channels: &mut channels, cycles: &mut cycles, ..Memory::default() };
    let mut engine = Engine::new(*policy, memory, 0);
    for turn in 0..4 * policy.cadence_count() as u64 {
        let cadence = CadenceId(turn as u16 / 4);
        let _ = policy.cadence_info(cadence);
        let coils = Asked::Span { space: Space::Coil, address: 0, count: 8 - turn as u32 % 2 };
        let heard = Heard { now: Timestamp(turn * 1_000_000_000), flow: 0, connection: 0 };
        let key = PollKey::of(Action::Read, &mut [coils].into_iter());
        let departure = engine.polled(cadence, (key, false), heard);
        let expected = departure.and_then(|departure| departure.expected);
        let _ = expected.map(|poll| (policy.poll_text(poll), policy.cycle_info(poll)));
        engine.poll_answered(cadence);
        while engine.overdue_poll(heard.now).is_some() {}
    }
}

#[test]
fn an_image_says_what_the_policy_said() {
    let policy = Policy::load(&IMAGE).expect("a good image");
    exercise(&policy);
    assert_eq!(policy.site(), Some("north"));
    let agent = policy.actor_info(ActorId(0)).expect("the first actor");
    assert_eq!(
        (agent.name, agent.kind, agent.source.to_string().as_str()),
        ("agent", ActorKind::AiAgent, "plant.toml:5:9")
    );
    let device = policy.device_info(DeviceId(0)).expect("the first device");
    assert_eq!((device.name, device.source.line), ("plc1", 15));
    let speed = policy.point_info(PointId(1)).expect("a point");
    assert_eq!((speed.name, speed.space, speed.address, speed.unit), ("speed", Space::HoldingRegister, 10, Some("°C")));
    assert_eq!((speed.encoding.kind, speed.encoding.low_word_first, speed.width()), (Kind::I32, true, 2));
    assert_eq!((speed.scale(), speed.offset()), (0.1, -40.0));
    assert_eq!(speed.decode(&[0x00, 0x03, 0x00, 0x00]), Some(-39.7));
    let range = speed.range.expect("a range");
    assert_eq!((range.min, range.max), (Some(0.0), Some(100.0)));
    let trim = policy.permit_info(PermitId(0)).expect("a permit");
    assert_eq!((trim.name, trim.points, trim.source.line), (Some("trim"), Some(1), 27));
    assert_eq!(trim.allowed().collect::<Vec<_>>(), [Action::Read, Action::Write]);
    assert_eq!(trim.value.map(|range| (range.min, range.max)), Some((None, Some(80.0))));
    let rest = policy.permit_info(PermitId(1)).expect("a permit");
    assert_eq!((rest.name, rest.points, rest.value), (None, None, None));
    let terms = policy.permit_info(PermitId(2)).expect("a permit").terms;
    assert_eq!((terms.during, terms.max_step, terms.opposite_ms), (Some("night, change"), Some(40.0), Some(30_000)));
    assert_eq!(terms.one_of.iter().map(|one| one.get()).collect::<Vec<_>>(), [0.0, 40.0, 80.0]);
    assert_eq!(policy.permit_info(PermitId(3)).expect("a permit").terms.step, Some(0.5));
    let trials = policy.suppression_info(SuppressionId(0)).expect("a suppression");
    assert_eq!((trials.name, trials.reason, policy.suppression_count()), ("trials", "ticket 4711", 2));
    assert_eq!((policy.cadence_count(), policy.cycle_count()), (2, 2));
    let steady = policy.cadence(ActorId(1), DeviceId(0)).expect("a cadence");
    let info = policy.cadence_info(steady).expect("a cadence");
    assert_eq!((info.name, info.actor, info.device), (Some("steady"), ActorId(1), DeviceId(0)));
    assert!(policy.cadence(ActorId(1), DeviceId(1)).is_none());
    let texts: Vec<_> = (0..4).map(|id| policy.poll_text(PollId(id))).collect();
    assert_eq!(texts[..2], [Some("read coil 0..7"), Some("read coil 0..7")]);
    assert_eq!(texts[2..], [Some("read holding-register 10..11"), Some("read input-register 0")]);
    let cycle = policy.cycle_info(PollId(1)).expect("a cycle");
    assert_eq!((cycle.min_ms, cycle.max_ms, cycle.within_ms), (900, 1_100, 500));
    assert!(policy.cycle_info(PollId(0)).is_none(), "that poll may come at any time");
    let restart = policy
        .rules_on(Trigger::Request(Action::Restart, Judgement::Unjudged), None)
        .next()
        .and_then(|id| policy.rule_info(id))
        .expect("a rule");
    assert_eq!((restart.sid, restart.severity, restart.threshold), (1_000_002, Severity::High, Threshold::Each));
    assert_eq!(restart.technique.map(|technique| technique.id), Some("T0816"));
    assert!(policy.point_info(PointId(2)).is_none());
    let at = policy.points_at(DeviceId(0), Space::HoldingRegister, 11, 1).collect::<Vec<_>>();
    assert_eq!(at, [PointId(1)]);
    assert_eq!(policy.points_at(DeviceId(0), Space::HoldingRegister, 12, 1).count(), 0);
}

#[test]
fn an_image_says_whose_intents_matter_and_whom_to_believe() {
    let policy = Policy::load(&IMAGE).expect("the image");
    assert!(policy.has_intents());
    let [agent, hmi] = ["agent", "hmi"].map(|name| policy.actor_named(name).expect("an actor"));
    assert_eq!((policy.intent_mode(agent), policy.intent_mode(hmi)), (None, Some(IntentMode::Observed)));
    let waits = IntentWaits { hold_ms: 5_000, skew_ms: 1_000, delay_ms: None, silence_ms: Some(60_000) };
    assert_eq!(policy.intent_waits(), waits);
    let keys: Vec<_> = policy.intent_keys().collect();
    let [key] = keys.as_slice() else { panic!("{keys:?}") };
    assert_eq!((key.id, key.approver), ("lead-2026", Some("shift lead")));
    assert_eq!(key.public[..4], [0xD7, 0x5A, 0x98, 0x01], "RFC 8032, section 7.1, test 1");
    assert!(key.speaks_for(agent) && key.speaks_for(hmi) && !key.speaks_for(ActorId(9)));
    let [before, after] = [1_780_271_999, 1_780_272_000].map(|second| Timestamp(second * 1_000_000_000));
    assert!(key.is_valid(before) && !key.is_valid(after), "revoked on the first of June");
}

#[test]
fn the_same_policy_gives_the_same_image() {
    assert_eq!(compile(&*FILES).expect("a good policy").image, *IMAGE);
}

#[test]
fn nothing_at_all_is_a_policy() {
    let compiled = compile(&[]).expect("no files");
    let policy = Policy::load(&compiled.image).expect("an image");
    exercise(&policy);
    exercise(&Policy::empty());
    assert_eq!(policy.rule_count(), 0);
}

#[test]
fn every_flipped_bit_is_refused() {
    let mut image = IMAGE.clone();
    for bit in 0..image.len() * 8 {
        image[bit / 8] ^= 1 << (bit % 8);
        assert!(Policy::load(&image).is_err(), "bit {bit}");
        image[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(Policy::load(&image).is_ok());
}

#[test]
fn every_truncation_and_extension_is_refused() {
    for length in 0..IMAGE.len() {
        assert!(Policy::load(&IMAGE[..length]).is_err(), "{length} bytes");
    }
    let longer = [IMAGE.as_slice(), &[0]].concat();
    assert!(Policy::load(&longer).is_err());
}

/// Writes the checksum anew, so that only the checks behind it stand in the way.
fn resealed(mut image: Vec<u8>) -> Vec<u8> {
    let sum = CRC.checksum(&image[UNCHECKED..]);
    image[UNCHECKED - 4..UNCHECKED].copy_from_slice(&sum.to_le_bytes());
    image
}

#[test]
fn a_resealed_flip_is_refused_or_harmless() {
    for bit in UNCHECKED * 8..IMAGE.len() * 8 {
        let mut image = IMAGE.clone();
        image[bit / 8] ^= 1 << (bit % 8);
        if let Ok(policy) = Policy::load(&resealed(image)) {
            exercise(&policy);
        }
    }
}

/// The header as words: offsets and counts of the sections follow magic, schema, checksum, length and site.
fn section_start(image: &[u8], section: Section) -> usize {
    let at = size_of::<Header>() - 8 * SECTIONS + 8 * section as usize;
    u32::from_le_bytes(image[at..at + 4].try_into().expect("four bytes")) as usize
}

#[test]
fn errors_name_section_record_and_reason() {
    let damaged = |section: Section, offset: usize, byte: u8| {
        let mut image = IMAGE.clone();
        let at = section_start(&image, section) + offset;
        image[at] = byte;
        Policy::load(&resealed(image)).expect_err("a damaged image").to_string()
    };
    let point = size_of::<tagout_engine::image::Point>();
    let said = [
        Policy::load(b"").expect_err("nothing").to_string(),
        Policy::load(&[0; 400]).expect_err("zeros").to_string(),
        Policy::load(&{
            let mut image = IMAGE.clone();
            image[8] = 9;
            image
        })
        .expect_err("schema")
        .to_string(),
        Policy::load(&{
            let mut image = IMAGE.clone();
            image[100] ^= 9;
            image
        })
        .expect_err("flip")
        .to_string(),
        Policy::load(&IMAGE[..IMAGE.len() - 1]).expect_err("cut").to_string(),
        damaged(Section::Strings, 0, 0xFF),
        damaged(Section::Actors, 18, 77),
        damaged(Section::Points, point, 9),
        damaged(Section::Points, point + 5, 99),
        damaged(Section::Grants, 4, 200),
        damaged(Section::Rules, 4, 0),
        damaged(Section::RuleLists, 0, 5),
    ];
    let expected = [
        "policy image: shorter than a header",
        "policy image: not a tagout policy image",
        "policy image: made for another version of tagout; compile the policy again",
        "policy image: damaged: the checksum differs",
        "policy image: its length is not the one that it states",
        "policy image, strings, record 0: not UTF-8",
        "policy image, actors, record 0: unknown kind of actor",
        "policy image, devices, record 0: one of its points names another device",
        "policy image, points, record 1: unknown type",
        "policy image, devices, record 0: a grant names an actor or permit that does not exist",
        "policy image, rules, record 0: unknown severity",
        "policy image, rule index, record 3: its list is not that of the rules that ask for it",
    ];
    assert_eq!(said.each_ref().map(String::as_str), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn resealed_damage_is_refused_or_harmless(damage in prop::collection::vec((UNCHECKED..IMAGE.len(), any::<u8>()), 1..8)) {
        let mut image = IMAGE.clone();
        for (at, byte) in damage {
            image[at] = byte;
        }
        if let Ok(policy) = Policy::load(&resealed(image)) {
            exercise(&policy);
        }
    }

    #[test]
    fn arbitrary_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(Policy::load(&bytes).is_err());
    }
}
