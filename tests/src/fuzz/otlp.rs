use std::fs;
use std::sync::{Mutex, OnceLock, PoisonError};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use serde_json::{Value, json};
use tagout::intent::Told;
use tagout::intent::spans::{Call, Servers, Spans, from_json, from_protobuf};

use super::intent::keys;
use super::seeds::Seed;

/// A request of OTLP in protobuf, as it is sent.
///
/// Whatever comes, it is taken or refused; a call declares once what it declares, and what it declares can be read again.
pub fn otlp(input: &[u8]) {
    hold(from_protobuf(input));
}

/// The same in JSON.
pub fn otlp_json(input: &[u8]) {
    hold(from_json(input));
}

fn hold(calls: Result<Vec<Call>, String>) {
    for call in calls.unwrap_or_default() {
        let mut spans = spans();
        let Ok(Some(declared)) = spans.take(&call) else { continue };
        assert_eq!(spans.take(&call), Ok(None), "once is once");
        spans.forget_last();
        spans.forget_last();
        assert_eq!(spans.take(&call), Ok(Some(declared.clone())), "what was forgotten comes again");
        let told = Told::read(&declared.to_json(), &keys()).expect("what is declared can be read");
        let Told::Declared(declaration) = told else { panic!("{told:?} is no declaration") };
        assert_eq!((&declaration.id, declaration.span_id), (&declared.claims.id, Some(call.span_id)));
    }
}

/// Servers of the mapping whose addresses are told in most ways.
fn spans() -> Spans {
    static SERVERS: OnceLock<Mutex<tempfile::TempDir>> = OnceLock::new();
    let folder = SERVERS.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "[[servers]]\nmapping = \"modbus-mcp\"\nactor = \"scheduler\"\ndevice = \"plc1\"\n\
                    [[servers]]\nmapping = \"labmcp-modbus\"\nactor = \"scheduler\"\npoints = { Setpoint = \"speed\" }\n";
        fs::write(folder.path().join("servers.toml"), text).expect("a mapping");
        Mutex::new(folder)
    });
    let folder = folder.lock().unwrap_or_else(PoisonError::into_inner);
    Spans::new(Servers::read(&folder.path().join("servers.toml")).expect("servers"))
}

/// Requests with calls of tools, in JSON.
fn requests() -> Vec<(&'static str, Value)> {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let span = |tool: &str, arguments: Value| {
        json!({"traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7", "parentSpanId": "00f067aa0ba902b6",
            "name": "a call", "kind": 3, "startTimeUnixNano": "1768478400000000000", "endTimeUnixNano": "1768478401000000000",
            "attributes": [text("gen_ai.operation.name", "execute_tool"), text("gen_ai.tool.name", tool),
                {"key": "gen_ai.tool.call.arguments", "value": arguments}],
            "events": [{"timeUnixNano": "1", "name": "begun", "attributes": [text("a", "b")]}],
            "links": [{"traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b8", "attributes": [text("c", "d")]}]})
    };
    let request = |spans: Value| json!({"resourceSpans": [{"resource": {"attributes": [text("service.name", "scheduler")]}, "scopeSpans": [{"spans": spans}]}]});
    let in_text = |arguments: Value| json!({"stringValue": arguments.to_string()});
    let number = |key: &str, value: &str| json!({"key": key, "value": {"intValue": value}});
    let list = json!({"kvlistValue": {"values": [number("address", "40005"),
        {"key": "data", "value": {"arrayValue": {"values": [{"intValue": "7"}, {"doubleValue": 8.5}, {"boolValue": true}]}}}]}});
    vec![
        (
            "one",
            request(json!([span("write_register", in_text(json!({"address": 40_005, "data": 12, "name": "boiler"})))])),
        ),
        ("list", request(json!([span("write_registers", list)]))),
        ("point", request(json!([span("write_point", in_text(json!({"name": "Setpoint", "value": 3})))]))),
        ("mask", request(json!([span("mask_write_register", in_text(json!({"and_mask": 65_520, "or_mask": 5})))]))),
        (
            "several",
            request(json!([
                span("write_coil", in_text(json!({"address": 10, "data": 1}))),
                span("read_coils", in_text(json!({})))
            ])),
        ),
    ]
}

pub(super) fn in_json() -> Vec<Seed> {
    requests().into_iter().map(|(name, request)| (name.to_owned(), request.to_string().into_bytes())).collect()
}

pub(super) fn in_protobuf() -> Vec<Seed> {
    let message =
        |request: Value| serde_json::from_value::<ExportTraceServiceRequest>(request).expect("OTLP").encode_to_vec();
    requests().into_iter().map(|(name, request)| (name.to_owned(), message(request))).collect()
}
