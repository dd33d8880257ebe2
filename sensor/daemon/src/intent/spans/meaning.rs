//! What a call declares, by the mapping of its tool. What cannot be told stays open.

use std::net::IpAddr;

use serde_json::{Map, Value};
use tagout_core::Timestamp;
use tagout_core::engine::Space;

use super::Call;
use super::server::Server;
use super::tool::{Base, Tool};
use crate::intent::claims::{AddressSpace, Mask, Run, TraceId, is_name};
use crate::intent::{Claims, Instant};
use crate::record::Hex;

/// What a call declares.
pub(super) fn claims(call: &Call, server: &Server, tool: &Tool) -> Claims {
    let mut claims = Claims {
        id: format!("{}-{}", Hex(&call.trace_id), Hex(&call.span_id)),
        actor: server.about.actor.clone(),
        agent: call.agent.as_deref().filter(|name| is_name(name)).map(str::to_owned),
        device: None,
        points: Vec::new(),
        raw: Vec::new(),
        operation: tool.operation,
        value: None,
        range: None,
        mask: None,
        count: tool.frames,
        pace_ms: None,
        not_before: Instant(call.start),
        expires: Instant(Timestamp(call.end.0.saturating_add(1))),
        reason: None,
        approver: None,
        trace_id: Some(TraceId(call.trace_id)),
    };
    let arguments = call.arguments.as_ref().map(|arguments| Arguments { given: arguments, defaults: &tool.defaults });
    claims.device = device(arguments.as_ref(), server, tool);
    if let Some(arguments) = arguments {
        touch(&mut claims, &arguments, server, tool);
    }
    claims
}

/// The arguments of a call, and what stands for those that it leaves out.
struct Arguments<'a> {
    given: &'a Map<String, Value>,
    defaults: &'a Map<String, Value>,
}

impl<'a> Arguments<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        let given = self.given.get(name).filter(|value| !value.is_null());
        given.or_else(|| self.defaults.get(name))
    }

    fn named(&self, name: Option<&String>) -> Option<&'a Value> {
        self.get(name?)
    }
}

/// The device that a call tells; the server's own if it tells none and its arguments are known, or tools never tell one.
fn device(arguments: Option<&Arguments<'_>>, server: &Server, tool: &Tool) -> Option<String> {
    let own = || server.about.device.clone();
    let Some(arguments) = arguments else { return tool.device.is_empty().then(own).flatten() };
    let told: Vec<_> = tool.device.iter().filter_map(|name| arguments.get(name).and_then(shown)).collect();
    if told.is_empty() {
        return own();
    }
    let told = told.join("/");
    server.about.devices.get(&told).cloned().or_else(|| is_address(&told).then_some(told))
}

fn shown(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| value.as_u64().map(|number| number.to_string()))
}

/// Whether a policy finds a device by it: an IP address, with a unit or without.
fn is_address(told: &str) -> bool {
    told.split('/').next().is_some_and(|ip| ip.parse::<IpAddr>().is_ok())
}

/// What is touched, and with which values.
fn touch(claims: &mut Claims, arguments: &Arguments<'_>, server: &Server, tool: &Tool) {
    if let Some(point) = arguments.named(tool.point.as_ref()).and_then(Value::as_str) {
        let point = server.about.points.get(point).filter(|_| claims.device.is_some());
        claims.points = point.cloned().into_iter().collect();
        claims.value = arguments.named(tool.value.as_ref()).and_then(number).filter(|_| !claims.points.is_empty());
        return;
    }
    let place = arguments.named(tool.address.as_ref()).and_then(Value::as_u64);
    let Some((space, address)) = place.and_then(|number| place_of(tool, number)) else { return };
    let run = |quantity| Run { space: AddressSpace(space), address, quantity };
    if let Some(mask) = mask(arguments, tool) {
        (claims.mask, claims.raw) = (Some(mask), vec![run(1)]);
        return;
    }
    let values = arguments.named(tool.value.as_ref()).and_then(|value| values(value, space, tool));
    let Some(values) = values.filter(|values| !values.is_empty()) else { return };
    let Ok(quantity) = u16::try_from(values.len()) else { return };
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    claims.raw = vec![run(quantity)];
    if least == most { claims.value = Some(least) } else { claims.range = Some([least, most]) }
}

/// The space and the address, counted from 0, of a number as a tool has it.
fn place_of(tool: &Tool, number: u64) -> Option<(Space, u32)> {
    let number = u32::try_from(number).ok()?;
    let told = tool.space.map(|space| space.0);
    match tool.base {
        Base::From(first) => Some((told?, number.checked_sub(first)?)),
        Base::Reference => {
            let (space, first) = match number / 10_000 {
                0 => (Space::Coil, 1),
                1 => (Space::DiscreteInput, 10_001),
                3 => (Space::InputRegister, 30_001),
                4 => (Space::HoldingRegister, 40_001),
                _ => return None,
            };
            Some((told.unwrap_or(space), number.checked_sub(first)?))
        }
    }
}

fn mask(arguments: &Arguments<'_>, tool: &Tool) -> Option<Mask> {
    let bits = |name: Option<&String>| arguments.named(name)?.as_u64().and_then(|bits| u16::try_from(bits).ok());
    Some(Mask { and: bits(tool.and_mask.as_ref())?, or: bits(tool.or_mask.as_ref())? })
}

/// The numbers that go to a run of addresses.
fn values(value: &Value, space: Space, tool: &Tool) -> Option<Vec<f64>> {
    let of_one = |value: &Value| {
        let value = number(value)?;
        match space.is_register() {
            true => tool.registers(value).map(|registers| registers.into_iter().map(f64::from).collect()),
            false => Some(vec![value]),
        }
    };
    match value.as_array() {
        Some(list) => list.iter().map(of_one).collect::<Option<Vec<Vec<f64>>>>().map(|values| values.concat()),
        None => of_one(value),
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_bool().map(|is_on| f64::from(u8::from(is_on))).or_else(|| value.as_f64())
}
