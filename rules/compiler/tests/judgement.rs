//! The engine agrees with a reference that walks over the policy as a person would read it: entry after entry, address
//! after address, without an image, an index or a sorted table.

use proptest::collection::vec;
use proptest::prelude::*;

use tagout_compiler::{SourceFile, compile, render};
use tagout_engine::{Action, Endpoint, Policy, Reason, Space, Touch, Values, Verdict};

const ACTORS: [&str; 3] = ["agent", "hmi", "nobody"];
const DEVICES: [&str; 2] = ["plc1", "plc2"];
const ACTIONS: [Action; 4] = [Action::Read, Action::Write, Action::DirectOperate, Action::Restart];
const SPACES: [Space; 4] = [Space::Coil, Space::HoldingRegister, Space::InputRegister, Space::AnalogOutput];

#[derive(Clone, Debug)]
struct PointModel {
    device: usize,
    space: Space,
    address: u32,
    kind: &'static str,
    low_first: bool,
    swapped: bool,
    /// In tenths, so that the reference can compute with whole numbers.
    scale: i64,
}

#[derive(Clone, Debug)]
struct PermitModel {
    actors: Vec<usize>,
    devices: Vec<usize>,
    actions: Vec<Action>,
    /// Indices of points; `None` is the whole device.
    points: Option<Vec<usize>>,
    /// In tenths.
    min: Option<i64>,
    max: Option<i64>,
}

#[derive(Clone, Debug)]
struct TouchModel {
    space: Space,
    address: u32,
    count: u32,
    carried: CarriedModel,
}

#[derive(Clone, Debug)]
enum CarriedModel {
    None,
    Unknown,
    Bits(Vec<bool>),
    Registers(Vec<u16>),
    Number(i64),
}

/// What the reference knows of a value: nothing to know, something unknown, or a number in tenths.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Value {
    Absent,
    Unknown,
    Tenths(i128),
}

impl PointModel {
    fn width(&self) -> u32 {
        match self.kind {
            "u32" | "i32" => 2,
            "u64" => 4,
            _ => 1,
        }
    }

    fn covers(&self, device: usize, space: Space, address: u32) -> bool {
        self.device == device && self.space == space && (self.address..self.address + self.width()).contains(&address)
    }

    fn toml(&self, name: usize) -> String {
        let mut text = format!("p{name} = {{ {} = {}", self.space.name(), self.address);
        if self.space.is_register() {
            text += &format!(
                ", type = \"{}\", bytes = \"{}\"",
                self.kind,
                if self.swapped { "swapped" } else { "in-order" }
            );
            if self.width() > 1 {
                text += &format!(", words = \"{}\"", if self.low_first { "low-first" } else { "high-first" });
            }
        }
        if self.space != Space::Coil {
            text += &format!(", scale = {}", tenths(self.scale));
        }
        text + " }\n"
    }
}

fn tenths(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}.{}", value.abs() / 10, value.abs() % 10)
}

fn policy_text(points: &[PointModel], permits: &[PermitModel]) -> String {
    let mut text = String::from("[actors.agent]\nkind = \"ai-agent\"\nip = \"10.0.0.1\"\n");
    text += "[actors.hmi]\nkind = \"hmi\"\nip = \"10.0.0.2\"\n";
    for (device, name) in DEVICES.iter().enumerate() {
        text += &format!("[devices.{name}]\nip = \"10.0.1.{device}\"\n[devices.{name}.points]\n");
        for (index, point) in points.iter().enumerate().filter(|(_, point)| point.device == device) {
            text += &point.toml(index);
        }
    }
    for permit in permits {
        text += &permit_text(permit);
    }
    text
}

fn permit_text(permit: &PermitModel) -> String {
    let list = |names: Vec<String>| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let mut text = String::from("[[permits]]\n");
    text += &format!("actor = [{}]\n", list(permit.actors.iter().map(|id| ACTORS[*id].into()).collect()));
    text += &format!("device = [{}]\n", list(permit.devices.iter().map(|id| DEVICES[*id].into()).collect()));
    text += &format!("do = [{}]\n", list(permit.actions.iter().map(|action| action.name().into()).collect()));
    if let Some(points) = &permit.points {
        text += &format!("points = [{}]\n", list(points.iter().map(|id| format!("p{id}")).collect()));
    }
    let ends = [("min", permit.min), ("max", permit.max)];
    let ends: Vec<_> = ends.iter().filter_map(|(key, end)| Some(format!("{key} = {}", tenths((*end)?)))).collect();
    if ends.is_empty() { text } else { text + &format!("value = {{ {} }}\n", ends.join(", ")) }
}

/// The reference: what is violated, as (address, point if declared, reason), and whether the device is known.
struct Reference<'m> {
    points: &'m [PointModel],
    permits: &'m [PermitModel],
    actor: Option<usize>,
    device: usize,
    action: Action,
}

#[derive(Clone, PartialEq, Debug)]
struct Found {
    place: Option<(Space, u32)>,
    point: Option<usize>,
    reason: Reason,
}

impl Reference<'_> {
    fn of_pair(&self) -> Vec<&PermitModel> {
        let here = |permit: &&PermitModel| match &permit.points {
            None => permit.devices.contains(&self.device),
            Some(points) => points.iter().any(|id| self.points[*id].device == self.device),
        };
        let own = |permit: &&PermitModel| self.actor.is_some_and(|actor| permit.actors.contains(&actor));
        self.permits.iter().filter(own).filter(here).collect()
    }

    fn violations(&self, touches: &[TouchModel]) -> Vec<Found> {
        if touches.is_empty() && self.action.sets_points() {
            return self.undeclared(None, Value::Unknown).into_iter().collect();
        }
        if touches.is_empty() {
            let allowed = self.of_pair().iter().any(|permit| permit.actions.contains(&self.action));
            let refusal = Found { place: None, point: None, reason: self.reason(false, true) };
            return if allowed { Vec::new() } else { vec![refusal] };
        }
        touches.iter().flat_map(|touch| self.in_touch(touch)).collect()
    }

    fn in_touch(&self, touch: &TouchModel) -> Vec<Found> {
        let mut judged = Vec::new();
        let mut found = Vec::new();
        for address in touch.address..touch.address + touch.count {
            let mut here: Vec<_> = (0..self.points.len())
                .filter(|id| self.points[*id].covers(self.device, touch.space, address))
                .collect();
            here.sort_by_key(|id| (self.points[*id].address, *id));
            if here.is_empty() {
                found.extend(self.unmapped(touch, address));
            }
            for id in here {
                if !judged.contains(&id) {
                    judged.push(id);
                    found.extend(self.point(touch, id, address));
                }
            }
        }
        found
    }

    fn unmapped(&self, touch: &TouchModel, address: u32) -> Option<Found> {
        let value = raw(touch, address, &PointModel { scale: 10, ..NO_POINT });
        self.undeclared(Some((touch.space, address)), value)
    }

    fn undeclared(&self, place: Option<(Space, u32)>, value: Value) -> Option<Found> {
        let able: Vec<_> = self
            .of_pair()
            .into_iter()
            .filter(|permit| permit.points.is_none() && permit.actions.contains(&self.action))
            .collect();
        let refused = Found { place, point: None, reason: self.reason(!able.is_empty(), false) };
        (!able.iter().any(|permit| permit.holds(value))).then_some(refused)
    }

    fn point(&self, touch: &TouchModel, id: usize, address: u32) -> Option<Found> {
        let value = value_of(touch, &self.points[id]);
        let able: Vec<_> = self
            .of_pair()
            .into_iter()
            .filter(|permit| permit.points.as_ref().is_none_or(|points| points.contains(&id)))
            .filter(|permit| permit.points.is_some() || permit.devices.contains(&self.device))
            .filter(|permit| permit.actions.contains(&self.action))
            .collect();
        let reason = match self.reason(!able.is_empty(), false) {
            Reason::Unmapped => Reason::Point,
            other => other,
        };
        let refused = Found { place: Some((touch.space, address)), point: Some(id), reason };
        (!able.iter().any(|permit| permit.holds(value))).then_some(refused)
    }

    fn reason(&self, able: bool, everywhere: bool) -> Reason {
        let pair = self.of_pair();
        match self.actor {
            None => Reason::UnknownActor,
            Some(_) if pair.is_empty() => Reason::NoPermit,
            Some(_) if able => Reason::Value,
            Some(_) if !everywhere && pair.iter().any(|permit| permit.actions.contains(&self.action)) => {
                Reason::Unmapped
            }
            Some(_) => Reason::Action,
        }
    }
}

const NO_POINT: PointModel =
    PointModel { device: 0, space: Space::Coil, address: 0, kind: "u16", low_first: false, swapped: false, scale: 10 };

impl PermitModel {
    fn holds(&self, value: Value) -> bool {
        match value {
            Value::Absent => true,
            Value::Unknown => self.min.is_none() && self.max.is_none(),
            Value::Tenths(value) => {
                self.min.is_none_or(|min| i128::from(min) <= value)
                    && self.max.is_none_or(|max| value <= i128::from(max))
            }
        }
    }
}

/// The value of a lone address, read as an unsigned register or a bit.
fn raw(touch: &TouchModel, address: u32, point: &PointModel) -> Value {
    let scaled = |raw: i128| Value::Tenths(raw * i128::from(point.scale));
    let offset = (address - touch.address) as usize;
    match &touch.carried {
        CarriedModel::None => Value::Absent,
        CarriedModel::Unknown => Value::Unknown,
        CarriedModel::Bits(bits) => bits.get(offset).map_or(Value::Unknown, |bit| scaled(i128::from(*bit))),
        CarriedModel::Registers(words) => words.get(offset).map_or(Value::Unknown, |word| scaled(i128::from(*word))),
        CarriedModel::Number(number) => scaled(i128::from(*number)),
    }
}

fn value_of(touch: &TouchModel, point: &PointModel) -> Value {
    let inside = point.address >= touch.address && point.address + point.width() <= touch.address + touch.count;
    match &touch.carried {
        CarriedModel::None => Value::Absent,
        CarriedModel::Number(_) if point.address == touch.address => raw(touch, point.address, point),
        CarriedModel::Bits(_) if point.space.is_register() => Value::Unknown,
        _ if !inside => Value::Unknown,
        CarriedModel::Registers(words) if point.space.is_register() => {
            let start = (point.address - touch.address) as usize;
            let own = words.get(start..start + point.width() as usize);
            own.map_or(Value::Unknown, |own| Value::Tenths(integer(point, own) * i128::from(point.scale)))
        }
        _ => raw(touch, point.address, point),
    }
}

fn integer(point: &PointModel, words: &[u16]) -> i128 {
    let mut words: Vec<u16> =
        words.iter().map(|word| if point.swapped { word.rotate_left(8) } else { *word }).collect();
    if point.low_first {
        words.reverse();
    }
    let unsigned = words.iter().fold(0_i128, |number, word| number * 65536 + i128::from(*word));
    let bits = 16 * words.len() as u32;
    let negative = point.kind.starts_with('i') && unsigned >= 1 << (bits - 1);
    if negative { unsigned - (1_i128 << bits) } else { unsigned }
}

fn point_model() -> impl Strategy<Value = PointModel> {
    let kinds = prop::sample::select(vec!["u16", "i16", "u32", "i32", "u64"]);
    let spaces = prop::sample::select(SPACES.to_vec());
    let scale = prop_oneof![Just(10_i64), Just(1), Just(25), Just(-10)];
    (0..DEVICES.len(), spaces, 0_u32..24, kinds, any::<bool>(), any::<bool>(), scale).prop_map(
        |(device, space, address, kind, low_first, swapped, scale)| {
            let kind = if space.is_register() { kind } else { "native" };
            let wide = matches!(kind, "u32" | "i32" | "u64");
            let scale = if space == Space::Coil { 10 } else { scale };
            PointModel { device, space, address, kind, low_first: low_first && wide, swapped, scale }
        },
    )
}

fn permit_model(points: usize) -> impl Strategy<Value = PermitModel> {
    let actions = prop::sample::subsequence(ACTIONS.to_vec(), 1..=ACTIONS.len());
    let named = if points == 0 { Just(None).boxed() } else { prop::option::of(vec(0..points, 1..4)).boxed() };
    let bound = || prop_oneof![-30_i64..60, -10_000_i64..700_000];
    (
        vec(0_usize..2, 1..3),
        vec(0..DEVICES.len(), 1..3),
        actions,
        named,
        prop::option::of(bound()),
        prop::option::of(bound()),
    )
        .prop_map(|(actors, devices, actions, points, min, max)| {
            let (min, max) = match (min, max) {
                (Some(min), Some(max)) => (Some(min.min(max)), Some(min.max(max))),
                ends => ends,
            };
            PermitModel { actors, devices, actions, points, min, max }
        })
}

/// Bits travel in whole bytes; those that fill up the last are 0.
fn whole_bytes(mut bits: Vec<bool>) -> Vec<bool> {
    bits.resize(bits.len().next_multiple_of(8), false);
    bits
}

/// Touches whose bytes are mostly, but not always, as many as their count asks for.
fn touch_model() -> impl Strategy<Value = TouchModel> {
    let carried = prop_oneof![
        Just(CarriedModel::None),
        Just(CarriedModel::Unknown),
        vec(any::<bool>(), 0..24).prop_map(whole_bytes).prop_map(CarriedModel::Bits),
        vec(prop_oneof![0_u16..8, any::<u16>()], 0..12).prop_map(CarriedModel::Registers),
        (-20_i64..1000).prop_map(CarriedModel::Number),
    ];
    let spaces = prop::sample::select(SPACES.to_vec());
    (spaces, 0_u32..28, 1_u32..10, carried, 0_u32..8).prop_map(|(space, address, count, carried, honest)| {
        let count = match &carried {
            CarriedModel::Number(_) => 1,
            CarriedModel::Bits(bits) if !bits.is_empty() && honest > 0 => bits.len() as u32 - honest,
            CarriedModel::Registers(words) if !words.is_empty() && honest > 0 => words.len() as u32,
            _ => count,
        };
        TouchModel { space, address, count, carried }
    })
}

#[derive(Clone, Debug)]
struct World {
    points: Vec<PointModel>,
    permits: Vec<PermitModel>,
    actor: usize,
    device: usize,
    action: Action,
    touches: Vec<TouchModel>,
}

fn world() -> impl Strategy<Value = World> {
    let points = vec(point_model(), 0..10);
    points.prop_flat_map(|points| {
        let permits = vec(permit_model(points.len()), 0..6);
        let action = prop::sample::select(ACTIONS.to_vec());
        (Just(points), permits, 0..ACTORS.len(), 0..DEVICES.len(), action, vec(touch_model(), 0..4)).prop_map(
            |(points, permits, actor, device, action, touches)| World {
                points,
                permits,
                actor,
                device,
                action,
                touches,
            },
        )
    })
}

/// Permits name points; those of devices that they do not name would be a compile error.
fn consistent(world: &mut World) {
    for permit in &mut world.permits {
        if let Some(points) = &mut permit.points {
            points.retain(|id| permit.devices.contains(&world.points[*id].device));
        }
    }
    world.permits.retain(|permit| permit.points.as_ref().is_none_or(|points| !points.is_empty()));
}

/// The wire bytes of a touch: bits packed from the least significant on, registers big-endian.
fn wire(touch: &TouchModel) -> Vec<u8> {
    match &touch.carried {
        CarriedModel::Registers(words) => words.iter().flat_map(|word| word.to_be_bytes()).collect(),
        CarriedModel::Bits(bits) => {
            let byte = |bits: &[bool]| bits.iter().rev().fold(0_u8, |byte, bit| byte << 1 | u8::from(*bit));
            bits.chunks(8).map(byte).collect()
        }
        _ => Vec::new(),
    }
}

fn check(mut world: World) -> Result<(), TestCaseError> {
    consistent(&mut world);
    let World { points, permits, actor, device, action, touches } = &world;
    let files = [SourceFile::new("policy.toml", policy_text(points, permits))];
    let compiled = compile(&files).map_err(|errors| TestCaseError::fail(render(&errors, &files, false)))?;
    let policy = Policy::load(&compiled.image).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let at = |ip: [u8; 4]| Endpoint { ip: Some(ip.into()), ..Endpoint::default() };
    let wires: Vec<_> = touches.iter().map(wire).collect();
    let touched = touches.iter().zip(&wires).map(|(touch, bytes)| Touch {
        space: touch.space,
        address: touch.address,
        count: touch.count,
        values: match &touch.carried {
            CarriedModel::None => Values::None,
            CarriedModel::Unknown => Values::Unknown,
            CarriedModel::Bits(_) => Values::Bits(bytes),
            CarriedModel::Registers(_) => Values::Registers(bytes),
            CarriedModel::Number(number) => Values::Number(*number as f64),
        },
    });
    let verdict = policy.judge(
        policy.actor(&at([10, 0, 0, 1 + *actor as u8])),
        policy.device(&at([10, 0, 1, *device as u8])),
        *action,
        touched,
    );
    let actor = Some(*actor).filter(|actor| *actor < 2);
    let expected = Reference { points, permits, actor, device: *device, action: *action }.violations(touches);
    match (verdict, expected.first()) {
        (Verdict::Permitted(Some(_)), None) => Ok(()),
        (Verdict::Unexpected(violation), Some(first)) => {
            let name = violation.point.and_then(|id| policy.point_info(id)).map(|point| point.name.to_owned());
            prop_assert_eq!(violation.place, first.place);
            prop_assert_eq!(name, first.point.map(|id| format!("p{id}")));
            prop_assert_eq!(violation.reason, first.reason);
            prop_assert_eq!(violation.violations as usize, expected.len());
            prop_assert_eq!(violation.nearest.is_none(), first.reason <= Reason::NoPermit);
            Ok(())
        }
        (verdict, expected) => Err(TestCaseError::fail(format!("{verdict:?}, but the reference says {expected:?}"))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_a_naive_reading(world in world()) {
        check(world)?;
    }
}
