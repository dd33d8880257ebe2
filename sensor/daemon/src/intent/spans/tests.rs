//! Calls of the public servers' tools, by their real names and arguments, and what each declares.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message as _;
use serde_json::{Value, json};
use tagout_compiler::{FileKind, SourceFile};

use super::{Declared, Servers, Spans, from_json, from_protobuf};
use crate::intent::{Declaration, Keys, Source, Told};

const SERVERS: &str = r#"
[[servers]]
mapping = "MAPPING"
services = ["scheduler"]
actor = "scheduler"
device = "plc1"
devices = { boiler = "plc2", "7" = "plc7" }
points = { Setpoint = "speed" }
"#;

/// A mapping, a tool, the arguments of a call, and what of the claims must be there.
const CASES: &str = r#"[
["industriagents-modbus-mcp", "write_register", {"address": 5, "value": 300}, {"device": "plc1", "operation": "write", "raw": [{"space": "holding-register", "address": 5, "quantity": 1}], "value": 300.0}],
["industriagents-modbus-mcp", "write_register", {"address": 5, "value": 300, "slave_id": 7}, {"device": "plc7"}],
["industriagents-modbus-mcp", "write_register", {"address": 5, "value": 300, "slave_id": 8}, {"device": null, "value": 300.0}],
["industriagents-modbus-mcp", "write_register", {"address": 5, "value": 300, "slave_id": null}, {"device": "plc1"}],
["industriagents-modbus-mcp", "write_coil", {"address": 3, "value": true}, {"raw": [{"space": "coil", "address": 3, "quantity": 1}], "value": 1.0}],
["industriagents-modbus-mcp", "write_registers", {"address": 5, "values": [3, 1, 2]}, {"raw": [{"space": "holding-register", "address": 5, "quantity": 3}], "range": [1.0, 3.0]}],
["industriagents-modbus-mcp", "write_coils_bulk", {"address": 0, "values": [true, true]}, {"raw": [{"space": "coil", "address": 0, "quantity": 2}], "value": 1.0}],
["industriagents-modbus-mcp", "mask_write_register", {"address": 4, "and_mask": 65520, "or_mask": 5}, {"raw": [{"space": "holding-register", "address": 4, "quantity": 1}], "mask": {"and": 65520, "or": 5}}],
["industriagents-modbus-mcp", "write_values", {"target": "holding", "address": 4, "values": [1, 3]}, {"device": "plc1", "raw": [{"space": "holding-register", "address": 4, "quantity": 2}], "range": [1.0, 3.0]}],
["industriagents-modbus-mcp", "write_values", {"target": "coils", "address": 4, "values": [true]}, {"raw": [{"space": "coil", "address": 4, "quantity": 1}], "value": 1.0}],
["industriagents-modbus-mcp", "write_values", {"target": "tag", "name": "Setpoint", "value": 41.5}, {"device": "plc1", "points": ["speed"], "value": 41.5}],
["industriagents-modbus-mcp", "write_tag", {"name": "Setpoint", "value": 41.5}, {"device": "plc1", "points": ["speed"], "value": 41.5}],
["industriagents-modbus-mcp", "write_tag", {"name": "unheard of", "value": 41.5}, {"points": null, "value": null, "operation": "write"}],
["industriagents-dnp3-mcp", "control_binary_output", {"target": "address", "outstation_address": 7, "index": 3, "value": false}, {"device": "plc7", "operation": "operate", "raw": [{"space": "binary-output", "address": 3, "quantity": 1}], "value": 0.0}],
["industriagents-dnp3-mcp", "control_binary_output", {"target": "alias", "alias": "Setpoint", "value": true}, {"points": ["speed"], "value": 1.0}],
["industriagents-dnp3-mcp", "write_binary_output", {"outstation_address": 7, "index": 3, "value": false}, {"device": "plc7", "operation": "operate", "raw": [{"space": "binary-output", "address": 3, "quantity": 1}], "value": 0.0}],
["industriagents-dnp3-mcp", "write_point_by_alias", {"alias": "Setpoint", "value": true}, {"points": ["speed"], "value": 1.0}],
["modbus-mcp", "write_register", {"data": 12, "address": 40005, "host": "192.0.2.10", "unit": 3}, {"device": "192.0.2.10/3", "raw": [{"space": "holding-register", "address": 4, "quantity": 1}], "value": 12.0}],
["modbus-mcp", "write_register", {"data": 12, "name": "boiler"}, {"device": "plc2", "raw": [{"space": "holding-register", "address": 0, "quantity": 1}]}],
["modbus-mcp", "write_register", {"data": 12, "address": 4}, {"device": "plc1", "raw": null, "value": null}],
["modbus-mcp", "write_coil", {"data": 1, "address": 10}, {"raw": [{"space": "coil", "address": 9, "quantity": 1}], "value": 1.0}],
["modbus-mcp", "write_coils", {"data": [0, 1], "address": 10}, {"raw": [{"space": "coil", "address": 9, "quantity": 2}], "range": [0.0, 1.0]}],
["modbus-mcp", "write_registers", {"data": [1], "address": 2}, {"raw": [{"space": "coil", "address": 1, "quantity": 1}], "value": 1.0}],
["modbus-mcp", "write_registers", {"data": [7, 8], "address": 40010}, {"raw": [{"space": "holding-register", "address": 9, "quantity": 2}], "range": [7.0, 8.0]}],
["modbus-mcp", "read_write_registers", {"read_address": 40001, "read_count": 1, "write_address": 40003, "write_data": [9]}, {"raw": [{"space": "holding-register", "address": 2, "quantity": 1}], "value": 9.0}],
["modbus-mcp", "mask_write_register", {"or_mask": 1}, {"raw": [{"space": "holding-register", "address": 0, "quantity": 1}], "mask": {"and": 65535, "or": 1}}],
["labmcp-modbus", "write_register", {"address": 1, "value": -2}, {"device": "plc1", "raw": [{"space": "holding-register", "address": 1, "quantity": 1}], "value": 65534.0}],
["labmcp-modbus", "write_registers", {"address": 1, "values": [5, 5]}, {"raw": [{"space": "holding-register", "address": 1, "quantity": 2}], "value": 5.0}],
["labmcp-modbus", "write_coil", {"address": 1, "value": false}, {"value": 0.0}],
["labmcp-modbus", "write_point", {"name": "Setpoint", "value": 3}, {"points": ["speed"], "value": 3.0}],
["labmcp-modbus", "write_point", {"name": "Setpoint", "value": "auto"}, {"points": ["speed"], "value": null}],
["labmcp-modbus", "apply_safe_state", {}, {"device": "plc1", "raw": null, "count": 16}]
]"#;

/// Servers by a file of this text, beside one with a mapping.
fn read(servers: &str, own: &str) -> Result<Servers, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    file("servers.toml", servers);
    file("own.toml", own);
    let read = Servers::read(&folder.path().join("servers.toml"));
    read.map_err(|failure| failure.message().unwrap_or_default().to_owned())
}

fn spans(servers: &str, own: &str) -> Spans {
    Spans::new(read(servers, own).expect("servers"))
}

fn shipped(mapping: &str) -> Spans {
    spans(&SERVERS.replace("MAPPING", mapping), "")
}

/// A request with one span, which has these attributes beside the tool's name.
fn request(tool: &str, ids: [u8; 2], attributes: &Value) -> Value {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let mut all = vec![text("gen_ai.tool.name", tool)];
    all.extend(attributes.as_array().expect("a list").iter().cloned());
    let [span, parent] = ids.map(|id| format!("{id:016x}"));
    json!({"resourceSpans": [{
        "resource": {"attributes": [text("service.name", "scheduler")]},
        "scopeSpans": [{"spans": [{
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": span, "parentSpanId": parent, "name": "a call", "kind": 3,
            "startTimeUnixNano": "1768478400000000000", "endTimeUnixNano": "1768478401000000000", "attributes": all,
        }]}],
    }]})
}

/// The attributes of a call with these arguments.
fn called(arguments: &Value) -> Value {
    json!([
        {"key": "gen_ai.operation.name", "value": {"stringValue": "execute_tool"}},
        {"key": "gen_ai.tool.call.arguments", "value": {"stringValue": arguments.to_string()}},
    ])
}

fn told(spans: &mut Spans, request: &Value) -> Option<Declared> {
    let calls = from_json(request.to_string().as_bytes()).expect("a request");
    calls.first().and_then(|call| spans.take(call).expect("it can be taken"))
}

#[test]
fn calls_of_shipped_tools_declare_what_they_command() {
    let cases: Vec<(String, String, Value, Value)> = serde_json::from_str(CASES).expect("cases");
    for (mapping, tool, arguments, expected) in cases {
        let told = told(&mut shipped(&mapping), &request(&tool, [1, 0], &called(&arguments))).expect("it commands");
        let claims = serde_json::to_value(&told.claims).expect("JSON");
        for (key, value) in expected.as_object().expect("an object") {
            assert_eq!(claims.get(key).unwrap_or(&Value::Null), value, "{key} of {mapping} {tool} {arguments}");
        }
    }
}

#[test]
fn what_is_written_is_read_as_what_a_feed_delivered() {
    let cases: Vec<(String, String, Value, Value)> = serde_json::from_str(CASES).expect("cases");
    for (mapping, tool, arguments, _) in cases {
        let declared = told(&mut shipped(&mapping), &request(&tool, [1, 0], &called(&arguments))).expect("it commands");
        let Told::Declared(read) = Told::read(&declared.to_json(), &Keys::new(Vec::new(), 0)).expect("a line") else {
            panic!("{mapping} {tool} {arguments} is not believed");
        };
        let claimed = declared.claims.declare(Source::Span, declared.ended);
        let span_id = Some([0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(*read, Declaration { tool: Some(tool), span_id, ..claimed }, "{mapping} {arguments}");
    }
}

#[test]
fn what_a_span_leaves_out_stays_open() {
    let call = json!([{"key": "mcp.method.name", "value": {"stringValue": "tools/call"}}]);
    let told = told(&mut shipped("modbus-mcp"), &request("write_register", [1, 0], &call)).expect("it commands");
    assert!(told.claims.device.is_none() && told.claims.raw.is_empty() && told.claims.value.is_none());
    assert!(told.claims.operation.is_some());
}

#[test]
fn reads_and_other_spans_declare_nothing() {
    let read = request("read_registers", [1, 0], &called(&json!({})));
    assert_eq!(told(&mut shipped("modbus-mcp"), &read), None);
    let chat = json!([{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}]);
    assert_eq!(told(&mut shipped("modbus-mcp"), &request("write_register", [1, 0], &chat)), None);
}

#[test]
fn spans_of_one_call_count_once_in_any_order() {
    let arguments = called(&json!({"data": 1}));
    let chain = [[1, 9], [2, 1], [3, 2]];
    for order in [[0, 1, 2], [2, 1, 0], [0, 1, 0], [2, 2, 1]] {
        let mut spans = shipped("modbus-mcp");
        let requests = order.map(|place: usize| request("write_register", chain[place], &arguments));
        assert_eq!(requests.iter().filter(|request| told(&mut spans, request).is_some()).count(), 1, "{order:?}");
    }
    let mut spans = shipped("modbus-mcp");
    let twice = [[1, 9], [2, 9]].map(|ids| request("write_register", ids, &arguments));
    assert_eq!(twice.iter().filter(|request| told(&mut spans, request).is_some()).count(), 2);
}

#[test]
fn spans_of_one_call_that_come_together_share_its_arguments() {
    let bare = json!([{"key": "mcp.method.name", "value": {"stringValue": "tools/call"}}]);
    let whole = called(&json!({"data": 7}));
    // Agent, client, request and server, in the order in which they end; any of them may be the one that notes arguments.
    for noting in 1..=4 {
        let mut together = json!({"resourceSpans": []});
        for span in (1..=4_u8).rev() {
            let mut one = request("write_register", [span, span - 1], if span == noting { &whole } else { &bare });
            if span == 3 {
                one["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"] =
                    json!("MCP send tools/call write_register");
                let attributes = &mut one["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"];
                attributes.as_array_mut().expect("a list").remove(0);
            }
            together["resourceSpans"].as_array_mut().expect("a list").push(one["resourceSpans"][0].clone());
        }
        let mut spans = shipped("modbus-mcp");
        let calls = from_json(together.to_string().as_bytes()).expect("a request");
        let told: Vec<_> = calls.iter().filter_map(|call| spans.take(call).expect("it can be taken")).collect();
        assert_eq!(told.len(), 1, "{noting}");
        assert_eq!(told[0].claims.value, Some(7.0), "{noting}");
    }
}

#[test]
fn a_later_span_of_a_call_tells_the_arguments_that_the_first_left_out() {
    let bare = json!([{"key": "mcp.method.name", "value": {"stringValue": "tools/call"}}]);
    let whole = called(&json!({"data": 7}));
    // The server's span, then the agent's: its parent, or of one trace and time with another span between.
    for [server, agent] in [[[2, 1], [1, 9]], [[2, 5], [1, 9]]] {
        let mut spans = shipped("modbus-mcp");
        let first = told(&mut spans, &request("write_register", server, &bare)).expect("a call").claims;
        let later = told(&mut spans, &request("write_register", agent, &whole)).expect("more of it").claims;
        assert_eq!((&later.id, first.value, later.value), (&first.id, None, Some(7.0)));
        assert!(told(&mut spans, &request("write_register", agent, &whole)).is_none(), "it tells no more");
        assert!(told(&mut spans, &request("write_register", server, &bare)).is_none());
    }
    // Two calls at a time: it cannot be told of which of them the arguments are, nor are those with one parent the same.
    for (first, second) in [(vec![[2, 5], [3, 6]], [1, 9]), (vec![[2, 9]], [1, 9])] {
        let mut spans = shipped("modbus-mcp");
        let known: Vec<_> = first
            .into_iter()
            .map(|ids| told(&mut spans, &request("write_register", ids, &bare)).expect("a call").claims.id)
            .collect();
        let other = told(&mut spans, &request("write_register", second, &whole)).expect("a call").claims;
        assert!(!known.contains(&other.id), "{known:?}");
    }
}

#[test]
fn a_call_without_arguments_leaves_open_what_a_tool_of_several_meanings_touches() {
    let call = json!([{"key": "gen_ai.operation.name", "value": {"stringValue": "execute_tool"}}]);
    let mut spans = shipped("industriagents-modbus-mcp");
    let open = told(&mut spans, &request("write_values", [1, 0], &call)).expect("it commands").claims;
    assert!(open.device.is_none() && open.raw.is_empty() && open.points.is_empty() && open.value.is_none());
    assert!(open.operation.is_some());
    let unheard =
        request("write_values", [2, 0], &called(&json!({"target": "unheard of", "address": 1, "values": [1]})));
    assert_eq!(told(&mut spans, &unheard), None);
}

/// A mapping of a site's own.
const OWN: &str = "[[tools]]\nname = \"set\"\nspace = \"holding-register\"\naddress = \"at\"\nbase = 1\nvalue = \"to\"\n\
                   type = \"u32\"\nwords = \"low-first\"\nscale = 0.5\noffset = 10\nframes = 2\n";

#[test]
fn a_mapping_of_ones_own_scales_and_puts_words_in_order() {
    let mut spans = spans(&SERVERS.replace("MAPPING", "own.toml"), OWN);
    let told =
        told(&mut spans, &request("set", [1, 0], &called(&json!({"at": 11, "to": 32_778.5})))).expect("it commands");
    let claims = serde_json::to_value(&told.claims).expect("JSON");
    assert_eq!(claims["raw"], json!([{"space": "holding-register", "address": 10, "quantity": 2}]));
    // (32778.5 - 10) / 0.5 = 65537: 1 in both registers.
    assert_eq!((&claims["value"], &claims["count"]), (&json!(1.0), &json!(2)));
}

#[test]
fn protobuf_says_the_same_as_json() {
    let request = request("write_register", [1, 0], &called(&json!({"data": 1})));
    let message: ExportTraceServiceRequest = serde_json::from_value(request.clone()).expect("a request");
    assert_eq!(from_protobuf(&message.encode_to_vec()), from_json(request.to_string().as_bytes()));
}

#[test]
fn every_shipped_mapping_is_read() {
    Servers::shipped().for_each(|name| drop(shipped(name)));
}

proptest! {
    #[test]
    fn whatever_comes_is_taken_or_refused(mut octets in prop::collection::vec(any::<u8>(), 0..400), place: prop::sample::Index) {
        let _ = (from_protobuf(&octets), from_json(&octets));
        let message: ExportTraceServiceRequest =
            serde_json::from_value(request("write_register", [1, 0], &called(&json!({"data": 1})))).expect("a request");
        let mut good = message.encode_to_vec();
        let place = place.index(good.len());
        good.truncate(place);
        good.append(&mut octets);
        for call in from_protobuf(&good).unwrap_or_default() {
            let _ = shipped("modbus-mcp").take(&call);
        }
    }
}

/// Two agents behind one server, and what nobody tells whose it is.
const AGENTS: &str = r#"
[[servers]]
mapping = "labmcp-modbus"
agents = ["planner", "planner-night"]
actor = "planner"
[[servers]]
mapping = "labmcp-modbus"
agents = ["cleaner"]
actor = "cleaner"
"#;

#[test]
fn agents_behind_one_server_are_told_apart_by_what_spans_tell() {
    let named = |name: &str| json!({"key": "gen_ai.agent.name", "value": {"stringValue": name}});
    let told = |own: Option<&str>, around: Option<&str>, of_resource: Option<&str>| {
        let mut request = request("write_coil", [2, 1], &called(&json!({"address": 1, "value": true})));
        let spans = &mut request["resourceSpans"][0]["scopeSpans"][0]["spans"];
        let mut list = spans.as_array().expect("spans").clone();
        let mut parent = list[0].clone();
        (parent["spanId"], parent["parentSpanId"]) = ("0000000000000001".into(), "0000000000000001".into());
        parent["attributes"] = around.map(named).into_iter().collect();
        own.into_iter().for_each(|name| list[0]["attributes"].as_array_mut().expect("a list").push(named(name)));
        list.push(parent);
        *spans = list.into();
        let resource = request["resourceSpans"][0]["resource"]["attributes"].as_array_mut().expect("a list");
        resource.extend(of_resource.map(named));
        let calls = from_json(request.to_string().as_bytes()).expect("a request");
        spans_of(AGENTS, &calls[0])
    };
    for (own, around, of_resource, actor) in [
        (Some("planner"), Some("cleaner"), None, Some("planner")),
        (None, Some("cleaner"), Some("planner"), Some("cleaner")),
        (None, None, Some("planner-night"), Some("planner")),
        (Some("stranger"), None, None, None),
        (None, None, None, None),
    ] {
        assert_eq!(told(own, around, of_resource).as_deref(), actor, "{own:?} {around:?} {of_resource:?}");
    }
}

/// Whose a call is, by these servers.
fn spans_of(servers: &str, call: &super::Call) -> Option<String> {
    spans(servers, "").take(call).expect("claims").map(|declared| declared.claims.actor)
}

/// Names that files have to quote, few enough that calls and servers meet.
fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b \"2\"", "ç\\", "#"]).prop_map(str::to_owned)
}

fn words() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(word(), 0..3)
}

proptest! {
    /// A call is of the first server that its service and its agent are named by.
    #[test]
    fn a_call_is_of_the_first_server_that_names_it(
        servers in prop::collection::vec((words(), words()), 1..5),
        (service, agent) in (word(), prop::option::of(word())),
    ) {
        // What JSON writes of texts and lists of them is TOML too.
        let entry = |(number, (services, agents)): (usize, &(Vec<String>, Vec<String>))| {
            let (services, agents) = (json!(services), json!(agents));
            format!("[[servers]]\nmapping = \"labmcp-modbus\"\nservices = {services}\nagents = {agents}\nactor = \"{number}\"\n")
        };
        let text: String = servers.iter().enumerate().map(entry).collect();
        let names = |(services, agents): &(Vec<String>, Vec<String>)| {
            let is_of = |all: &[String], one: Option<&String>| all.is_empty() || one.is_some_and(|one| all.contains(one));
            is_of(services, Some(&service)) && is_of(agents, agent.as_ref())
        };
        let wanted = servers.iter().position(names).map(|number| number.to_string());
        let request = request("write_coil", [1, 0], &called(&json!({"address": 1, "value": true})));
        let mut calls = from_json(request.to_string().as_bytes()).expect("a request");
        (calls[0].service, calls[0].agent) = (service, agent);
        prop_assert_eq!(spans_of(&text, &calls[0]), wanted);
    }

    /// What is wrong with files is told with the name of one, and what they mean can be declared.
    #[test]
    fn mistyped_files_are_refused_by_name_or_read(is_own: bool, place: prop::sample::Index, put in ".{0,6}", value: f64) {
        let mut files = [SERVERS.replace("MAPPING", "own.toml"), OWN.to_owned()];
        let file = &mut files[usize::from(is_own)];
        let at = file.floor_char_boundary(place.index(file.len()));
        file.insert_str(at, &put);
        match read(&files[0], &files[1]) {
            Ok(servers) => {
                let request = request("set", [1, 0], &called(&json!({"at": 11, "to": value})));
                let calls = from_json(request.to_string().as_bytes()).expect("a request");
                if let Ok(Some(declared)) = Spans::new(servers).take(&calls[0]) {
                    prop_assert_eq!(declared.claims.check(), Ok(()));
                }
            }
            Err(why) => prop_assert!(["servers.toml", "own.toml", &put].iter().any(|name| why.contains(name)), "{}", why),
        }
    }
}

#[test]
fn names_that_the_policy_does_not_know_are_told() {
    const POLICY: &str = "[actors.scheduler]\nkind = \"ai-agent\"\nip = \"10.0.0.1\"\n\
                          [devices.plc1]\nip = \"10.0.0.10\"\npoints = { speed = { holding-register = 1 } }\n";
    let (name, text) = ("site.toml".to_owned(), POLICY.to_owned());
    let compiled = tagout_compiler::compile(&[SourceFile { kind: FileKind::Policy, name, text }]).expect("a policy");
    let policy = crate::policy::load(&compiled.image).expect("an image");
    for (actor, others, point, told) in [
        ("scheduler", ["plc1", "10.0.0.10"], "speed", vec![]),
        ("scheduler", ["plc2", "10.0.0.10"], "speed", vec!["the policy knows no device `plc2`"]),
        (
            "planner",
            ["plc1", "plc1"],
            "spead",
            vec!["the policy knows no actor `planner`", "none of these devices has a point `spead`"],
        ),
    ] {
        let [boiler, seven] = others;
        let servers = format!(
            "[[servers]]\nmapping = \"labmcp-modbus\"\nactor = \"{actor}\"\ndevice = \"plc1\"\n\
             devices = {{ boiler = \"{boiler}\", \"7\" = \"{seven}\" }}\npoints = {{ Setpoint = \"{point}\" }}\n"
        );
        let servers = read(&servers, "").expect("servers");
        assert_eq!(servers.strangers(&policy).collect::<Vec<_>>(), told);
    }
}
