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
/// Spans of one tool in one trace that are looked at by their time: a flood of them costs no more than many calls at a time do.
const AT_A_TIME: usize = 32;

/// Reads calls as declarations.
///
/// The agent, the client of a server and the server each may have a span for the same call, each the parent of the next.
/// The first to come is taken. One that comes in a later request with arguments, where those before had none, declares the same
/// intent once more, with all that it says.
#[derive(Debug)]
pub struct Spans {
    servers: Servers,
    taken: VecDeque<Taken>,
}

/// A span that came.
#[derive(Debug)]
struct Taken {
    /// Id of what its call declares: all spans of a call have the same.
    id: String,
    tool: String,
    trace_id: [u8; 16],
    span_id: [u8; 8],
    parent: [u8; 8],
    start: Timestamp,
    end: Timestamp,
    has_arguments: bool,
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

    /// Goes by these servers' tools from now on. Calls that came stay known.
    pub fn go_by(&mut self, servers: Servers) {
        self.servers = servers;
    }

    /// What a call declares; nothing if no server has such a tool that commands.
    ///
    /// # Errors
    /// Why it cannot be taken.
    pub fn read(&self, call: &Call) -> Result<Option<Declared>, String> {
        let Some((server, tool)) = self.servers.of(call) else { return Ok(None) };
        let claims = meaning::claims(call, server, tool);
        claims.check()?;
        Ok(Some(Declared { claims, tool: call.tool.clone(), span_id: call.span_id, ended: call.end }))
    }

    /// The same, unless another span told of it. The call is remembered.
    ///
    /// # Errors
    /// As [`Spans::read`].
    pub fn take(&mut self, call: &Call) -> Result<Option<Declared>, String> {
        Ok(self.read(call)?.and_then(|declared| self.admit(call, declared)))
    }

    /// Remembers a call, which declares this, unless another span told of it.
    pub fn admit(&mut self, call: &Call, mut declared: Declared) -> Option<Declared> {
        let known = self.known(call).map(str::to_owned);
        let says_more = call.arguments.is_some() && known.as_ref().is_some_and(|id| !self.has_arguments(id));
        let is_new = known.is_none();
        if let Some(id) = known {
            declared.claims.id = id;
        }
        self.remember(call, declared.claims.id.clone());
        (is_new || says_more).then_some(declared)
    }

    /// Forgets the call that was taken last, which will come again.
    pub fn forget_last(&mut self) {
        self.taken.pop_back();
    }

    /// The id of the call that a span is of, if one of its spans came: this one, its child, its parent, or else the only one that
    /// it can be by its time.
    fn known(&self, call: &Call) -> Option<&str> {
        let by_ids = self.taken.iter().find(|taken| taken.is_kin(call));
        by_ids.map(|taken| taken.id.as_str()).or_else(|| self.known_by_time(call))
    }

    /// The id of the only call of which one side came with arguments and the other without, one while the other was under way,
    /// and which have not the same parent: those are two calls.
    fn known_by_time(&self, call: &Call) -> Option<&str> {
        let may_be = |taken: &&Taken| {
            taken.parent != call.parent
                && taken.is_around_or_within(call)
                && self.of(&taken.id).all(|span| span.has_arguments != call.arguments.is_some())
        };
        let lately = self.taken.iter().rev().filter(|taken| taken.is_of(call)).take(AT_A_TIME);
        let mut ids = lately.filter(may_be).map(|taken| taken.id.as_str());
        let id = ids.next()?;
        ids.all(|other| other == id).then_some(id)
    }

    fn has_arguments(&self, id: &str) -> bool {
        self.of(id).any(|span| span.has_arguments)
    }

    /// The spans of a call that came.
    fn of<'s>(&'s self, id: &'s str) -> impl Iterator<Item = &'s Taken> {
        self.taken.iter().filter(move |taken| taken.id == id)
    }

    fn remember(&mut self, call: &Call, id: String) {
        if self.taken.len() >= REMEMBERED {
            self.taken.pop_front();
        }
        let &Call { trace_id, span_id, parent, start, end, .. } = call;
        let has_arguments = call.arguments.is_some();
        self.taken.push_back(Taken {
            id,
            tool: call.tool.clone(),
            trace_id,
            span_id,
            parent,
            start,
            end,
            has_arguments,
        });
    }
}

impl Taken {
    /// Whether it is of the same tool in the same trace.
    fn is_of(&self, call: &Call) -> bool {
        self.trace_id == call.trace_id && self.tool == call.tool
    }

    /// Whether it is the span of a call, its child or its parent.
    fn is_kin(&self, call: &Call) -> bool {
        let are_kin = self.parent == call.span_id || self.span_id == call.parent || self.span_id == call.span_id;
        self.is_of(call) && are_kin
    }

    fn is_around_or_within(&self, call: &Call) -> bool {
        let is_around = self.start <= call.start && self.end >= call.end;
        is_around || self.start >= call.start && self.end <= call.end
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
