//! How many parts a request has, which is known before room is made for them.
//!
//! An empty span takes two octets of protobuf, and hundreds in memory. So requests are bounded by parts as well as by octets.

use prost::DecodeError;
use prost::bytes::Buf as _;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// Parts that a request has at most: resources, spans, attributes, events, links, and values within values.
const MOST_PARTS: usize = 65_536;

/// Messages of OTLP that hold messages (opentelemetry/proto/trace/v1/trace.proto and those that it imports).
#[derive(Clone, Copy)]
enum Part {
    Request,
    ResourceSpans,
    Resource,
    ScopeSpans,
    Scope,
    Span,
    /// An event, of which attributes are field 3.
    Event,
    /// A link, of which they are field 4.
    Link,
    KeyValue,
    Value,
    Array,
    List,
    /// What holds none.
    Leaf,
}

impl Part {
    /// What this field of it holds.
    const fn field(self, number: u32) -> Self {
        match (self, number) {
            (Self::Request, 1) => Self::ResourceSpans,
            (Self::ResourceSpans, 1) => Self::Resource,
            (Self::ResourceSpans, 2) => Self::ScopeSpans,
            (Self::ScopeSpans, 1) => Self::Scope,
            (Self::ScopeSpans, 2) => Self::Span,
            (Self::Span, 11) => Self::Event,
            (Self::Span, 13) => Self::Link,
            (Self::Resource | Self::List, 1) | (Self::Scope | Self::Event, 3) | (Self::Link, 4) | (Self::Span, 9) => {
                Self::KeyValue
            }
            (Self::KeyValue, 2) | (Self::Array, 1) => Self::Value,
            (Self::Value, 5) => Self::Array,
            (Self::Value, 6) => Self::List,
            _ => Self::Leaf,
        }
    }
}

/// Looks whether a request in protobuf has no more parts than it may.
pub(super) fn of_protobuf(request: &[u8]) -> Result<(), String> {
    let mut left = vec![(Part::Request, request)];
    let mut parts = 0_usize;
    while let Some((part, mut octets)) = left.pop() {
        while octets.has_remaining() {
            let Some((number, inner)) = next(&mut octets)? else { continue };
            let within = part.field(number);
            if !matches!(within, Part::Leaf) {
                parts += 1;
                left.push((within, inner));
            }
            if parts > MOST_PARTS {
                return Err(too_many());
            }
        }
    }
    Ok(())
}

/// The next field, if it is one that can hold a message.
fn next<'a>(octets: &mut &'a [u8]) -> Result<Option<(u32, &'a [u8])>, String> {
    let wrong = |error: DecodeError| format!("no OTLP request: {error}");
    let (number, wire) = decode_key(octets).map_err(wrong)?;
    if wire != WireType::LengthDelimited {
        skip_field(wire, number, octets, DecodeContext::default()).map_err(wrong)?;
        return Ok(None);
    }
    let len = usize::try_from(decode_varint(octets).map_err(wrong)?).unwrap_or(usize::MAX);
    let (inner, rest) = octets.split_at_checked(len).ok_or("no OTLP request: it ends within a field")?;
    *octets = rest;
    Ok(Some((number, inner)))
}

/// Looks whether a request in JSON has no more objects than it may. How deep it is its reader looks after.
pub(super) fn of_json(request: &[u8]) -> Result<(), String> {
    let (mut parts, mut in_text, mut is_escaped) = (0_usize, false, false);
    for octet in request {
        match octet {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'{' if !in_text => parts += 1,
            _ => {}
        }
    }
    if parts > MOST_PARTS { Err(too_many()) } else { Ok(()) }
}

fn too_many() -> String {
    format!("more than {MOST_PARTS} spans, attributes and other parts in one request: send fewer spans at once")
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
    use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use prost::Message as _;

    use super::*;

    fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
        let scope_spans = vec![ScopeSpans { spans, ..Default::default() }];
        ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { scope_spans, ..Default::default() }] }
    }

    fn both(request: &ExportTraceServiceRequest) -> [bool; 2] {
        let json = serde_json::to_vec(request).expect("JSON");
        [of_protobuf(&request.encode_to_vec()).is_ok(), of_json(&json).is_ok()]
    }

    /// Spans with so many of everything that can be there many times.
    fn spans(many: usize) -> [Vec<Span>; 5] {
        let value = |value| AnyValue { value: Some(value) };
        let nested = |value| KeyValue { value: Some(value), ..Default::default() };
        let array = value(Value::ArrayValue(ArrayValue { values: vec![AnyValue::default(); many] }));
        let list = value(Value::KvlistValue(KeyValueList { values: vec![KeyValue::default(); many] }));
        [
            vec![Span::default(); many],
            vec![Span { attributes: vec![KeyValue::default(); many], ..Default::default() }],
            vec![Span { events: vec![Event::default(); many], ..Default::default() }],
            vec![Span { links: vec![Link::default(); many], ..Default::default() }],
            vec![Span { attributes: vec![nested(array), nested(list)], ..Default::default() }],
        ]
    }

    #[test]
    fn whatever_can_be_there_many_times_is_bounded() {
        for (kind, spans) in spans(MOST_PARTS).into_iter().enumerate() {
            assert_eq!(both(&request(spans)), [false, false], "{kind}");
        }
        for (kind, spans) in spans(MOST_PARTS / 3).into_iter().enumerate() {
            assert_eq!(both(&request(spans)), [true, true], "{kind}");
        }
    }

    #[test]
    fn braces_in_texts_are_no_parts() {
        let text = Some(AnyValue { value: Some(Value::StringValue("{\"\\".repeat(MOST_PARTS))) });
        let attributes = vec![KeyValue { key: "{".to_owned(), value: text, ..Default::default() }];
        assert_eq!(both(&request(vec![Span { attributes, ..Default::default() }])), [true, true]);
    }
}
