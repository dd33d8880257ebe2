use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::words::{Broken, Part};

use super::process::LastCommand;

/// What must hold of the process and does not.
#[derive(Serialize, JsonSchema)]
pub(super) struct Invariant<'a> {
    /// What must hold, as the policy writes it.
    must: &'a str,
    /// The points that it asks for.
    points: Vec<InvolvedPoint<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct InvolvedPoint<'a> {
    /// The device's name in the policy.
    device: &'a str,
    /// The point's name in the policy.
    name: &'a str,
    /// As it was reported last, in engineering units.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// Unit of measure of its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
    /// The command that moved the point last.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_command: Option<LastCommand<'a>>,
}

impl<'a> From<&Broken<'a>> for Invariant<'a> {
    fn from(broken: &Broken<'a>) -> Self {
        let point = |part: Part<'a>| InvolvedPoint {
            device: part.device.name,
            name: part.point.name,
            value: part.involved.value.filter(|value| value.is_finite()),
            unit: part.point.unit,
            last_command: part.involved.last_command.map(|order| LastCommand::of(order, part.commander)),
        };
        Self { must: broken.must, points: broken.parts().map(point).collect() }
    }
}
