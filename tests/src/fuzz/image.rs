use std::net::{IpAddr, Ipv4Addr};

use tagout_core::engine::image::{CRC, MAGIC, SCHEMA, UNCHECKED};
use tagout_core::engine::{
    Action, ActorId, DeviceId, Endpoint, Engine, Fact, Facts, Field, Mac, Memory, PermitId, PointId, PointState,
    Policy, RuleId, SeenSlot, Space, Timestamp, Touch, Trigger, Values, Verdict, WindowSlot,
};

/// Loads the input as a policy image, as it is and with its magic, schema, length and checksum put right, which random
/// inputs never have.
///
/// What loads is used in every way: nothing fails, and every number that it answers with is one of its own.
pub fn image(input: &[u8]) {
    if let Ok(policy) = Policy::load(input) {
        exercise(&policy);
    }
    if let Ok(policy) = Policy::load(&repaired(input)) {
        exercise(&policy);
    }
}

fn repaired(input: &[u8]) -> Vec<u8> {
    let mut image = input.to_vec();
    image.resize(image.len().max(UNCHECKED + 4), 0);
    let length = (image.len() as u32).to_le_bytes();
    image[UNCHECKED..UNCHECKED + 4].copy_from_slice(&length);
    let crc = CRC.checksum(&image[UNCHECKED..]).to_le_bytes();
    image[..UNCHECKED].copy_from_slice(&[&MAGIC[..], &SCHEMA.to_le_bytes(), &crc].concat());
    image
}

fn exercise(policy: &Policy<'_>) {
    describe(policy);
    for endpoint in endpoints() {
        let (actor, device) = (policy.actor(&endpoint), policy.device(&endpoint));
        assert!(actor.is_none_or(|id| usize::from(id.0) < policy.actor_count()), "{actor:?}");
        assert!(device.is_none_or(|id| usize::from(id.0) < policy.device_count()), "{device:?}");
    }
    let actors = (0..policy.actor_count().min(4) as u16).map(|id| Some(ActorId(id))).chain([None]);
    for actor in actors {
        for device in (0..policy.device_count().min(4) as u16).map(DeviceId) {
            Action::ALL.iter().for_each(|action| judge(policy, actor, device, *action));
        }
    }
    for trigger in Trigger::all() {
        assert_eq!(policy.rules_on(trigger, None).next().is_some(), policy.has_rules_on(trigger, None));
        policy.rules_on(trigger, None).for_each(|rule| assert!(policy.rule_info(rule).is_some(), "{rule:?}"));
    }
    react(policy);
}

/// Nothing is known of what is asked, twice, so that what was remembered is asked again.
fn react(policy: &Policy<'_>) {
    struct Nothing;
    impl Facts for Nothing {
        fn fact(&self, _: Field) -> Fact<'_> {
            Fact::Unknown
        }
    }
    let (mut seen, mut windows) = (vec![SeenSlot::default(); 8], vec![WindowSlot::default(); 8]);
    let (mut seen_buckets, mut window_buckets, mut points) = (vec![0; 8], vec![0; 8], vec![PointState::default(); 8]);
    let memory = Memory {
        points: &mut points,
        seen: &mut seen,
        seen_buckets: &mut seen_buckets,
        windows: &mut windows,
        window_buckets: &mut window_buckets,
        ..Memory::default()
    };
    let mut engine = Engine::new(*policy, memory, 0);
    for trigger in Trigger::all().chain(Trigger::all()) {
        engine.react(trigger, Timestamp(1), &Nothing, |firing| {
            assert!(policy.rule_info(firing.rule).is_some(), "{firing:?}");
        });
    }
}

fn describe(policy: &Policy<'_>) {
    policy.site();
    assert!((0..policy.actor_count()).all(|id| policy.actor_info(ActorId(id as u16)).is_some()), "actors");
    assert!((0..policy.device_count()).all(|id| policy.device_info(DeviceId(id as u16)).is_some()), "devices");
    assert!((0..policy.point_count()).all(|id| policy.point_info(PointId(id as u32)).is_some()), "points");
    assert!((0..policy.permit_count()).all(|id| policy.permit_info(PermitId(id as u16)).is_some()), "permits");
    assert!((0..policy.rule_count()).all(|id| policy.rule_info(RuleId(id as u16)).is_some()), "rules");
}

fn judge(policy: &Policy<'_>, actor: Option<ActorId>, device: DeviceId, action: Action) {
    for touches in touches() {
        let verdict = || policy.judge(actor, Some(device), action, touches.iter().copied());
        let first = verdict();
        assert_eq!(format!("{first:?}"), format!("{:?}", verdict()), "the same question has one answer");
        match first {
            Verdict::Unjudged => panic!("a named device is judged"),
            Verdict::Permitted(permit) => {
                assert!(permit.is_none_or(|permit| policy.permit_info(permit).is_some()), "{permit:?}");
            }
            Verdict::Unexpected(violation) => {
                assert!(violation.point.is_none_or(|point| policy.point_info(point).is_some()), "{violation:?}");
                assert!(violation.nearest.is_none_or(|permit| policy.permit_info(permit).is_some()), "{violation:?}");
            }
        }
    }
}

fn endpoints() -> [Endpoint; 4] {
    let ip = |last| Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)));
    let mac = Some(Mac([2, 0, 0, 0, 0, 1]));
    [
        Endpoint::default(),
        Endpoint { ip: ip(10), port: Some(502), unit: Some(1), ..Endpoint::default() },
        Endpoint { ip: ip(20), mac, vlan: Some(7), link: Some(10), ..Endpoint::default() },
        Endpoint { ip: Some(IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped())), mac, ..Endpoint::default() },
    ]
}

fn touches() -> Vec<Vec<Touch<'static>>> {
    const VALUES: &[u8] = &[0x00, 0x2a, 0xff, 0xff, 0x7f, 0xf0, 0x00, 0x00];
    let one = |space, address, count, values| vec![Touch { space, address, count, values }];
    let mut all = vec![Vec::new()];
    all.extend(Space::ALL.iter().map(|space| one(*space, 0, 65_536, Values::None)));
    all.extend(Space::ALL.iter().map(|space| one(*space, 3, 1, Values::Number(1.0))));
    all.push(one(Space::HoldingRegister, 10, 4, Values::Registers(VALUES)));
    all.push(one(Space::HoldingRegister, 65_535, 1, Values::Unknown));
    all.push(one(Space::Coil, 0, 64, Values::Bits(VALUES)));
    all.push(one(Space::AnalogOutput, u32::MAX, 1, Values::Number(f64::NAN)));
    all
}
