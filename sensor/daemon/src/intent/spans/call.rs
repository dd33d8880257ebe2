//! Calls of tools in OTLP requests (opentelemetry-proto 1, semantic conventions for generative AI and MCP).

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message as _;
use serde_json::{Map, Number, Value};
use tagout_core::Timestamp;

use super::weight;

/// Spans that one call has at most: of the agent, of its client, of the client's request, and of the server.
const MOST_SPANS: usize = 4;

/// A call of a tool, as a span tells it.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// `service.name` of whose span it is.
    pub service: String,
    /// `gen_ai.agent.name`: of the span, of the nearest around it in the same request that tells one, or of whose span it is.
    pub agent: Option<String>,
    /// `gen_ai.tool.name`, or what the span's name says after the method's, as that of a request of the Python SDK for MCP does.
    pub tool: String,
    /// `gen_ai.tool.call.arguments`, if they were recorded.
    pub arguments: Option<Arc<Map<String, Value>>>,
    /// Its trace.
    pub trace_id: [u8; 16],
    /// Its span.
    pub span_id: [u8; 8],
    /// The span around it; zeros if there is none.
    pub parent: [u8; 8],
    /// When the call began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
}

/// The calls in a request in protobuf; where several spans are of one call, each has the arguments that one of them has.
///
/// # Errors
/// When it is none, or has too many parts.
pub fn from_protobuf(octets: &[u8]) -> Result<Vec<Call>, String> {
    weight::of_protobuf(octets)?;
    ExportTraceServiceRequest::decode(octets).map(calls).map_err(|error| format!("no OTLP request: {error}"))
}

/// The calls in a request in JSON, in the same way.
///
/// # Errors
/// When it is none, or has too many parts.
pub fn from_json(octets: &[u8]) -> Result<Vec<Call>, String> {
    weight::of_json(octets)?;
    serde_json::from_slice(octets).map(calls).map_err(|error| format!("no OTLP request: {error}"))
}

fn calls(request: ExportTraceServiceRequest) -> Vec<Call> {
    let of_resource = |spans: ResourceSpans| {
        let attributes = spans.resource.map(|resource| resource.attributes).unwrap_or_default();
        let service = text(&attributes, "service.name").unwrap_or_default();
        let spans: Vec<Span> = spans.scope_spans.into_iter().flat_map(|scope| scope.spans).collect();
        let known: Known<'_> = spans.iter().map(|span| ((&*span.trace_id, &*span.span_id), span)).collect();
        let calls = spans.iter().filter_map(|span| {
            let call = call(service, span)?;
            let agent = agent(span, &known).or_else(|| text(&attributes, AGENT));
            Some(Call { agent: agent.map(str::to_owned), ..call })
        });
        calls.collect::<Vec<_>>()
    };
    let mut calls: Vec<Call> = request.resource_spans.into_iter().flat_map(of_resource).collect();
    share_arguments(&mut calls);
    calls
}

/// Spans by their trace and their own id.
type Known<'a> = HashMap<(&'a [u8], &'a [u8]), &'a Span>;

const AGENT: &str = "gen_ai.agent.name";
/// How many spans around another are looked at: what goes in circles ends.
const MOST_AROUND: usize = 32;

/// The agent that a span tells, or the nearest around it.
fn agent<'a>(span: &'a Span, known: &Known<'a>) -> Option<&'a str> {
    let around = |span: &&'a Span| known.get(&(&*span.trace_id, &*span.parent_span_id)).copied();
    std::iter::successors(Some(span), around).take(MOST_AROUND).find_map(|span| text(&span.attributes, AGENT))
}

/// Gives what one span of a call has as arguments to those around it and within it.
fn share_arguments(calls: &mut [Call]) {
    let places = calls.iter().enumerate().map(|(place, call)| ((call.trace_id, call.span_id), place));
    let places: HashMap<_, usize> = places.collect();
    let pair = |(child, call): (usize, &Call)| {
        let parent = *places.get(&(call.trace_id, call.parent))?;
        (calls.get(parent)?.tool == call.tool).then_some([parent, child])
    };
    let pairs: Vec<[usize; 2]> = calls.iter().enumerate().filter_map(pair).collect();
    for [parent, child] in (1..MOST_SPANS).flat_map(|_| &pairs) {
        for (from, to) in [(parent, child), (child, parent)] {
            let arguments = calls.get(*from).and_then(|call| call.arguments.clone());
            if let Some(to) = calls.get_mut(*to) {
                to.arguments = to.arguments.take().or(arguments);
            }
        }
    }
}

/// The call that a span is of, if it is one, and its ids are.
fn call(service: &str, span: &Span) -> Option<Call> {
    let attribute = |key| text(&span.attributes, key);
    let is_call = attribute("gen_ai.operation.name") == Some("execute_tool")
        || attribute("mcp.method.name") == Some("tools/call");
    let named = attribute("gen_ai.tool.name").or_else(|| attribute("mcp.tool.name"));
    let tool = named.or_else(|| Some(span.name.split_once("tools/call ")?.1)).filter(|_| is_call)?;
    let trace_id = span.trace_id.as_slice().try_into().ok().filter(|id| *id != [0; 16])?;
    let span_id = span.span_id.as_slice().try_into().ok().filter(|id| *id != [0; 8])?;
    let start = Timestamp(span.start_time_unix_nano);
    Some(Call {
        service: service.to_owned(),
        agent: None,
        tool: tool.to_owned(),
        arguments: value(&span.attributes, "gen_ai.tool.call.arguments").and_then(arguments).map(Arc::new),
        trace_id,
        span_id,
        parent: span.parent_span_id.as_slice().try_into().unwrap_or_default(),
        start,
        end: Timestamp(span.end_time_unix_nano).max(start),
    })
}

fn value<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Any> {
    attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    match value(attributes, key)? {
        Any::StringValue(text) => Some(text),
        _ => None,
    }
}

/// An object, or one as text.
fn arguments(of: &Any) -> Option<Map<String, Value>> {
    match of {
        Any::StringValue(text) => serde_json::from_str(text).ok(),
        Any::KvlistValue(list) => Some(members(&list.values)),
        _ => None,
    }
}

fn members(of: &[KeyValue]) -> Map<String, Value> {
    of.iter().map(|member| (member.key.clone(), member.value.as_ref().map_or(Value::Null, json))).collect()
}

/// As deep as the request, whose reader bounds it.
fn json(of: &AnyValue) -> Value {
    match &of.value {
        Some(Any::StringValue(text)) => Value::String(text.clone()),
        Some(Any::BoolValue(is)) => Value::Bool(*is),
        Some(Any::IntValue(number)) => Value::from(*number),
        Some(Any::DoubleValue(number)) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        Some(Any::ArrayValue(list)) => list.values.iter().map(json).collect(),
        Some(Any::KvlistValue(list)) => Value::Object(members(&list.values)),
        _ => Value::Null,
    }
}
