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

/// Where frames come from, and which sensor took them.
#[derive(Serialize, JsonSchema, Clone, Copy, Debug)]
pub struct Origin<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    /// The sensor's name: that of its machine. A replay says the same on every machine, and has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
}

#[derive(Serialize, JsonSchema, Clone, Copy, Debug)]
#[serde(rename_all = "snake_case")]
enum Place<'a> {
    /// A live interface; several are joined by `+`.
    InIface(&'a str),
    /// A capture file as it was named on the command line.
    CaptureFile(&'a str),
}

impl<'a> Origin<'a> {
    /// A live interface, or several joined by `+`, of the sensor of this name; one without a name tells none.
    pub const fn interface(name: &'a str, host: &'a str) -> Self {
        Self { place: Place::InIface(name), host: if host.is_empty() { None } else { Some(host) } }
    }

    /// A capture file as it was named on the command line.
    pub const fn capture_file(name: &'a str) -> Self {
        Self { place: Place::CaptureFile(name), host: None }
    }

    /// The interface, or the file.
    pub const fn name(self) -> &'a str {
        match self.place {
            Place::InIface(name) | Place::CaptureFile(name) => name,
        }
    }

    /// Whether frames come from a file.
    pub const fn is_capture_file(self) -> bool {
        matches!(self.place, Place::CaptureFile(_))
    }

    /// The sensor's name, where it is told.
    pub const fn host(self) -> Option<&'a str> {
        self.host
    }
}
