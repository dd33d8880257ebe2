//! What agents do, and what is found of it: `tests/cases/agents/calls.toml`.

use serde::Deserialize;
use serde_json::Value;

/// A call of a tool.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    pub name: String,
    pub server: String,
    pub tool: String,
    pub arguments: Value,
    /// What the agent's span notes: `arguments`, only that there is a `call`, or `nothing`, without a span.
    #[serde(default = "arguments")]
    pub notes: String,
    /// What stands between agent and server: how `tests/peers/agents/shim.py` is called.
    #[serde(default)]
    pub shim: Vec<String>,
    /// How long the agent waits.
    #[serde(default = "patience_s")]
    pub patience_s: f64,
    /// How much later the last command may come.
    #[serde(default)]
    pub settles_s: f64,
    /// How well the command is covered, if it is.
    pub grade: Option<String>,
    #[serde(default)]
    pub findings: Vec<String>,
}

fn arguments() -> String {
    "arguments".to_owned()
}

const fn patience_s() -> f64 {
    20.0
}

#[derive(Deserialize)]
struct Calls {
    call: Vec<Call>,
}

impl Call {
    /// All of them, in the order in which they are made.
    pub(crate) fn all() -> Vec<Self> {
        toml::from_str::<Calls>(include_str!("../../cases/agents/calls.toml")).expect("calls").call
    }
}
