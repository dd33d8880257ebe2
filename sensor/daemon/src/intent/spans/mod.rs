//! Spans of OpenTelemetry as declarations: a call of a tool that commands, in the conventions for generative AI and MCP.
//!
//! A span proves nothing: whoever can send one can declare. What it leaves out stays open.

mod call;
mod meaning;
mod server;
mod tool;
mod weight;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

pub use call::{Call, from_json, from_protobuf};
use serde_json::{Value, json};
pub use server::Servers;
use tagout_core::Timestamp;

use super::{Claims, Instant};
use crate::record::Hex;

/// Most octets of a request.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;
/// How many calls are remembered, so that one that several spans tell of counts once.
const REMEMBERED: usize = 4_096;

/// Reads calls as declarations.
///
/// The agent, the client of a server and the server each may have a span for the same call, each the parent of the next.
/// The first to come is taken.
#[derive(Debug)]
pub struct Spans {
    servers: Servers,
    taken: VecDeque<Taken>,
}

/// A span that came: its trace, itself, and its parent.
#[derive(Debug)]
struct Taken {
    tool: String,
    trace_id: [u8; 16],
    span_id: [u8; 8],
    parent: [u8; 8],
}

/// What a span declares.
#[derive(Clone, PartialEq, Debug)]
pub struct Declared {
    /// What was declared.
    pub claims: Claims,
    /// The tool.
    pub tool: String,
    /// The span.
    pub span_id: [u8; 8],
    /// When the call ended, which is the first time at which it can be told of.
    pub ended: Timestamp,
}

impl Spans {
    /// With these servers' tools.
    pub const fn new(servers: Servers) -> Self {
        Self { servers, taken: VecDeque::new() }
    }

    /// What a call declares; nothing if no server has such a tool that commands, or another span told of it.
    ///
    /// # Errors
    /// Why it cannot be taken.
    pub fn take(&mut self, call: &Call) -> Result<Option<Declared>, String> {
        let Some((server, tool)) = self.servers.of(call) else { return Ok(None) };
        let claims = meaning::claims(call, server, tool);
        claims.check()?;
        let is_known = self.is_known(call);
        self.remember(call);
        if is_known {
            return Ok(None);
        }
        Ok(Some(Declared { claims, tool: call.tool.clone(), span_id: call.span_id, ended: call.end }))
    }

    /// Forgets the call that was taken last, which will come again.
    pub fn forget_last(&mut self) {
        self.taken.pop_back();
    }

    /// Whether a span of the same call came: this one, its child, or its parent.
    fn is_known(&self, call: &Call) -> bool {
        self.taken.iter().any(|taken| {
            taken.trace_id == call.trace_id
                && taken.tool == call.tool
                && (taken.parent == call.span_id || taken.span_id == call.parent || taken.span_id == call.span_id)
        })
    }

    fn remember(&mut self, call: &Call) {
        if self.taken.len() >= REMEMBERED {
            self.taken.pop_front();
        }
        let &Call { trace_id, span_id, parent, .. } = call;
        self.taken.push_back(Taken { tool: call.tool.clone(), trace_id, span_id, parent });
    }
}

impl Declared {
    /// As a line of JSON that [`Told`](super::Told) reads: the claims, when they could be known, and by which span.
    pub fn to_json(&self) -> String {
        let span_id = Hex(&self.span_id).to_string();
        let line: Value =
            json!({"received": Instant(self.ended), "intent": self.claims, "tool": self.tool, "span_id": span_id});
        line.to_string()
    }
}
