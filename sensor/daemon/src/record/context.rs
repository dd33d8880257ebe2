use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::engine::Policy;

use crate::policy::Sources;

/// What every record of a run shares.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Where the frames come from.
    pub origin: Origin<'a>,
    /// What names actors, devices and points.
    pub policy: Policy<'a>,
    /// The text that the policy was compiled from.
    pub sources: &'a Sources,
}

/// Where frames come from.
#[derive(Serialize, JsonSchema, Clone, Copy, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Origin<'a> {
    /// A live interface; several are joined by `+`.
    InIface(&'a str),
    /// A capture file as it was named on the command line.
    CaptureFile(&'a str),
}

impl<'a> Origin<'a> {
    /// The interface, or the file.
    pub const fn name(self) -> &'a str {
        match self {
            Self::InIface(name) | Self::CaptureFile(name) => name,
        }
    }
}
