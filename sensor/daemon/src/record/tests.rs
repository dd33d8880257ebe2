//! Records as text, from what the core reports.

use std::net::{IpAddr, Ipv4Addr};

use serde::Serialize;
use serde_json::Value;
use tagout_compiler::{SourceFile, compile};
use tagout_core::engine::{Action, AnomalyKind, Endpoint, Mac, Policy, Severity, Trigger, Verdict};
use tagout_core::modbus::{Framing, Request};
use tagout_core::words::Subject;
use tagout_core::{
    Alert, AlertId, Anomaly, Body, Cause, Counters, Exchange, Finding, Host, Outcome, Path, Protocol, Seen, Term,
    Timestamp, Transport, dnp3, modbus,
};

use super::{AlertRecord, AnomalyRecord, Context, EventRecord, Losses, Origin, StatsRecord};
use crate::policy::{Sources, load};

const SITE: &str = r#"
[actors.optimizer]
kind = "ai-agent"
ip = "10.0.0.20"

[devices.plc1]
ip = "10.0.0.10"
unit = 1

[devices.plc1.points]
pump_speed = { holding-register = 10, type = "u16", scale = 0.1, unit = "%", range = [0, 100] }
level = { input-register = 0, type = "u16" }
inlet = { coil = 3 }

[[permits]]
name = "the optimizer trims the pump"
actor = "optimizer"
device = "plc1"
do = ["read", "write"]
points = ["pump_speed"]
value = { min = 0, max = 80 }

[[rules]]
sid = 2000001
signature = "Bytes that start no MBAP header"
severity = "low"
category = "Misc activity"
on_anomaly = "modbus-protocol-id"
"#;

const AGENT: [u8; 4] = [10, 0, 0, 20];
const STRANGER: [u8; 4] = [10, 0, 0, 66];

/// A policy of the site and, perhaps, of another file.
struct Site {
    image: Vec<u8>,
    sources: Sources,
}

impl Site {
    fn new() -> Self {
        Self::with("")
    }

    fn with(addition: &str) -> Self {
        let files = vec![SourceFile::new("site.toml", SITE), SourceFile::new("addition.toml", addition)];
        let image = compile(&files).unwrap_or_else(|errors| panic!("{errors:?}\n{addition}")).image;
        Self { image, sources: Sources::new(files) }
    }

    fn policy(&self) -> Policy<'_> {
        load(&self.image).expect("the compiler's images load")
    }

    fn context(&self) -> Context<'_> {
        Context { origin: Origin::capture_file("plant.pcap"), policy: self.policy(), sources: &self.sources }
    }
}

fn host(ip: [u8; 4], port: u16) -> Host {
    Host { mac: Some(Mac([2, 0, 0, 0, 0, ip[3]])), ip: IpAddr::V4(Ipv4Addr::from(ip)), port }
}

fn path(client: [u8; 4]) -> Path {
    Path {
        flow: 0xFFF0_0000_0000_0007,
        transport: Transport::Tcp,
        vlan: Some(12),
        client: host(client, 40_000),
        server: host([10, 0, 0, 10], 502),
    }
}

fn seen(frame: u64) -> Seen {
    Seen { frame, time: Timestamp(1_700_000_000_000_000_000 + frame * 1_500_000) }
}

/// An exchange of a client with plc1, as the core reports it.
fn exchange<'a>(site: &Site, client: [u8; 4], action: Action, pdus: [Option<&'a [u8]>; 2]) -> Exchange<'a> {
    let [request, response] = pdus;
    let refused = response.is_some_and(|pdu| pdu[0] & 0x80 != 0);
    let function = request.or(response).map_or(0, |pdu| pdu[0] & 0x7F);
    let path = path(client);
    let endpoint =
        |host: Host| Endpoint { ip: Some(host.ip), port: Some(host.port), unit: Some(1), ..Endpoint::default() };
    Exchange {
        path,
        actor: site.policy().actor(&endpoint(path.client)),
        device: site.policy().device(&endpoint(path.server)),
        action,
        request: request.map(|_| seen(7)),
        response: response.map(|_| seen(9)),
        outcome: match (request, response) {
            (None, _) => Outcome::Unrequested,
            (_, None) => Outcome::Unanswered,
            _ if refused => Outcome::Refused,
            _ => Outcome::Answered,
        },
        body: Body::Modbus(modbus::Exchange {
            framing: Framing::Mbap,
            unit: 1,
            transaction_id: Some(258),
            function,
            request,
            response,
        }),
    }
}

fn line(record: &impl Serialize) -> String {
    serde_json::to_string(record).expect("records are JSON")
}

/// The record of the alert that the policy raises on this request.
fn alert(site: &Site, client: [u8; 4], action: Action, pdus: [Option<&[u8]>; 2]) -> String {
    let exchange = exchange(site, client, action, pdus);
    let request = Request::parse(pdus[0].expect("a request")).expect("a sound request");
    let verdict = site.policy().judge(exchange.actor, exchange.device, action, request.touches(action));
    let Verdict::Unexpected(violation) = verdict else { panic!("{verdict:?}") };
    let alert = Alert::of_exchange(AlertId(0xABC), seen(7).time, Cause::Violation(violation), &exchange);
    let context = site.context();
    let subject = Subject::of(&context.policy, &alert).expect("the alert fits the policy");
    line(&AlertRecord::new(&context, &alert, &subject))
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).expect("records are JSON")
}

#[test]
fn a_read_becomes_one_line_with_what_was_read() {
    let site = Site::new();
    let pdus: [Option<&[u8]>; 2] = [Some(&[3, 0, 10, 0, 2]), Some(&[3, 4, 0x01, 0x02, 0xFF, 0xFF])];
    let exchange = exchange(&site, AGENT, Action::Read, pdus);
    assert_eq!(
        line(&EventRecord::new(&site.context(), &exchange)),
        concat!(
            r#"{"timestamp":"2023-11-14T22:13:20.010500+0000","event_type":"modbus","flow_id":4503599627370503,"#,
            r#""src_ip":"10.0.0.20","src_port":40000,"dest_ip":"10.0.0.10","dest_port":502,"proto":"TCP","vlan":[12],"#,
            r#""capture_file":"plant.pcap","#,
            r#""request":{"frame":7,"timestamp":"2023-11-14T22:13:20.010500+0000"},"#,
            r#""response":{"frame":9,"timestamp":"2023-11-14T22:13:20.013500+0000"},"outcome":"answered","#,
            r#""modbus":{"unit":1,"transaction_id":258,"function":3,"function_name":"read-holding-registers","#,
            r#""access":"read","table":"holding-register","address":10,"quantity":2,"values":[258,65535],"#,
            r#""matched":true,"latency_us":3000},"#,
            r#""ot":{"action":"read","actor":"optimizer","actor_kind":"ai-agent","device":"plc1"}}"#,
        )
    );
}

/// The `modbus` part of an exchange's event.
fn modbus_part(request: Option<&[u8]>, response: Option<&[u8]>) -> Value {
    let site = Site::new();
    let exchange = exchange(&site, AGENT, Action::Other, [request, response]);
    parsed(&line(&EventRecord::new(&site.context(), &exchange)))["modbus"].clone()
}

#[test]
fn bits_are_numbers_and_as_many_as_were_asked_for() {
    let read = modbus_part(Some(&[1, 0, 3, 0, 10]), Some(&[1, 2, 0b0000_0101, 0b1111_1110]));
    assert_eq!(read["values"], serde_json::json!([1, 0, 1, 0, 0, 0, 0, 0, 0, 1]));
    assert_eq!(read["table"], "coil");
    let written = modbus_part(Some(&[15, 0, 0, 0, 3, 1, 0b110]), Some(&[15, 0, 0, 0, 3]));
    assert_eq!(written["values"], serde_json::json!([0, 1, 1]));
    assert_eq!(written["access"], "write");
}

#[test]
fn a_read_write_has_both_sides() {
    let part = modbus_part(Some(&[23, 0, 3, 0, 1, 0, 14, 0, 1, 2, 0, 255]), Some(&[23, 2, 0, 9]));
    assert_eq!((&part["read_address"], &part["write_address"]), (&3.into(), &14.into()));
    assert_eq!(part["read_values"], serde_json::json!([9]));
    assert_eq!(part["write_values"], serde_json::json!([255]));
}

#[test]
fn exceptions_have_code_and_name() {
    let part = modbus_part(Some(&[6, 0, 99, 0, 1]), Some(&[0x86, 2]));
    assert_eq!((&part["exception"], &part["exception_name"]), (&2.into(), &"illegal-data-address".into()));
    assert_eq!(part["values"], serde_json::json!([1]));
}

#[test]
fn what_cannot_be_read_still_has_its_function() {
    let part = modbus_part(Some(&[3, 0]), None);
    assert_eq!((&part["function"], &part["function_name"]), (&3.into(), &"read-holding-registers".into()));
    assert_eq!((&part["address"], &part["request_data"]), (&Value::Null, &"00".into()));
    let cut = modbus_part(Some(&[16, 0, 9, 0, 2]), None);
    assert_eq!((&cut["address"], &cut["quantity"], &cut["values"]), (&9.into(), &2.into(), &Value::Null));
    assert_eq!(cut["request_data"], "00090002");
    let odd = modbus_part(Some(&[16, 0, 9, 0, 2, 4, 0, 1, 0]), None);
    assert_eq!((&odd["values"], &odd["request_data"]), (&serde_json::json!([1]), &"000100".into()));
}

#[test]
fn an_octet_too_many_or_too_few_hides_no_value() {
    let site = Site::new();
    let violation = |pdu: &[u8]| {
        let alert = parsed(&alert(&site, AGENT, Action::Write, [Some(pdu), None]));
        (alert["ot"]["reason"].clone(), alert["modbus"]["address"].clone())
    };
    let pdus: [&[u8]; 6] = [
        &[6, 0, 10, 0x03, 0xB6],
        &[6, 0, 10, 0x03, 0xB6, 0],
        &[6, 0, 10, 0x03],
        &[16, 0, 10, 0, 1, 2, 0x03, 0xB6, 0],
        &[16, 0, 10, 0, 0, 2, 0x03, 0xB6],
        &[16, 0, 10, 0, 1, 2, 0x03],
    ];
    for pdu in pdus {
        assert_eq!(violation(pdu), ("value-out-of-range".into(), 10.into()), "{pdu:02x?}");
    }
}

#[test]
fn a_diagnostic_has_its_words() {
    let part = modbus_part(Some(&[8, 0, 11, 0, 0]), Some(&[8, 0, 11, 1, 4]));
    assert_eq!(
        part["diagnostic"],
        serde_json::json!({
            "sub_function": 11, "sub_function_name": "return-bus-message-count", "request": [0], "response": [260]
        })
    );
    let odd = modbus_part(Some(&[8, 0, 0, 1, 2, 3]), None);
    assert_eq!((&odd["diagnostic"]["request"], &odd["request_data"]), (&Value::Null, &"010203".into()));
}

#[test]
fn file_records_have_what_was_read_of_each() {
    let request = [20, 14, 6, 0, 4, 0, 1, 0, 2, 6, 0, 3, 0, 9, 0, 1];
    let part = modbus_part(Some(&request), Some(&[20, 10, 5, 6, 0, 7, 0, 8, 3, 6, 1, 0]));
    assert_eq!(
        part["file_records"],
        serde_json::json!([
            {"reference_type": 6, "file": 4, "record": 1, "length": 2, "values": [7, 8]},
            {"reference_type": 6, "file": 3, "record": 9, "length": 1, "values": [256]}
        ])
    );
    let lone = modbus_part(None, Some(&[20, 4, 3, 6, 1, 0]));
    assert_eq!(lone["file_records"], serde_json::json!([{"reference_type": 6, "values": [256]}]));
}

#[test]
fn an_identification_has_text_where_it_is_text() {
    let response = [43, 14, 4, 0x83, 0, 0, 1, 0x80, 2, 0x00, 0xFF];
    let part = modbus_part(Some(&[43, 14, 4, 0x80]), Some(&response));
    assert_eq!(
        part["device_identification"],
        serde_json::json!({
            "code": 4, "access": "individual", "object_id": 128, "conformity": 131, "more_follows": false,
            "next_object_id": 0, "objects": [{"id": 128, "category": "extended", "data": "00ff"}]
        })
    );
    let named = modbus_part(None, Some(&[43, 14, 1, 1, 0xFF, 1, 1, 0, 3, b'A', b'B', b'C']));
    assert_eq!(
        named["device_identification"]["objects"],
        serde_json::json!([{"id": 0, "name": "vendor-name", "category": "basic", "value": "ABC"}])
    );
    assert_eq!((&named["mei"], &named["mei_name"]), (&14.into(), &"read-device-identification".into()));
}

#[test]
fn umas_says_who_takes_the_controller() {
    let request = b"\x5A\x00\x10\x43\x4C\x00\x00\x02HQ";
    let part = modbus_part(Some(request), Some(&[0x5A, 0, 0xFE, 0xBA]));
    assert_eq!(
        part["umas"],
        serde_json::json!({
            "session": 0, "function": 16, "function_name": "take-plc-reservation", "owner": "HQ", "result": 254,
            "result_name": "ok", "granted_session": 186
        })
    );
    assert_eq!((&part["function_name"], &part["function_class"]), (&"umas".into(), &"reserved".into()));
    assert_eq!((&part["request_data"], &part["response_data"]), (&"434c0000024851".into(), &"ba".into()));
}

#[test]
fn no_octet_is_lost() {
    let state = modbus_part(Some(&[7]), Some(&[7, 0x6D]));
    assert_eq!(state["exception_status"], 0x6D);
    let log = modbus_part(Some(&[12]), Some(&[12, 8, 0, 0, 1, 8, 1, 0x21, 0x20, 0]));
    assert_eq!(log["event_log"], serde_json::json!({"status": 0, "events": 264, "messages": 289, "log": [32, 0]}));
    let counter = modbus_part(Some(&[11]), Some(&[11, 0xFF, 0xFF, 1, 8]));
    assert_eq!(counter["event_counter"], serde_json::json!({"status": 65535, "events": 264}));
    let id = modbus_part(Some(&[17]), Some(&[17, 3, 10, 0xFF, 1]));
    assert_eq!(id["server_id"], serde_json::json!({"id": "0aff01", "running": true}));
    let queue = modbus_part(Some(&[24, 4, 0xDE]), Some(&[24, 0, 6, 0, 2, 1, 0xB8, 0x12, 0x84]));
    assert_eq!((&queue["address"], &queue["quantity"]), (&1246.into(), &2.into()));
    assert_eq!(queue["values"], serde_json::json!([440, 4740]));
    let user = modbus_part(Some(&[65, 1, 2]), Some(&[65, 3]));
    assert_eq!((&user["function_class"], &user["request_data"]), (&"user-defined".into(), &"0102".into()));
    assert_eq!(user["response_data"], "03");
    let padded = modbus_part(Some(&[6, 0, 10, 0, 1, 0xAA]), Some(&[0x86, 2, 0]));
    assert_eq!((&padded["address"], &padded["request_data"]), (&10.into(), &"aa".into()));
    assert_eq!((&padded["exception"], &padded["response_data"]), (&2.into(), &"00".into()));
}

#[test]
fn a_lone_echo_tells_what_was_written() {
    let coil = modbus_part(None, Some(&[5, 0, 3, 0xFF, 0]));
    assert_eq!((&coil["table"], &coil["values"]), (&"coil".into(), &serde_json::json!([1])));
    let register = modbus_part(None, Some(&[6, 0, 3, 1, 0]));
    assert_eq!((&register["address"], &register["values"]), (&3.into(), &serde_json::json!([256])));
    let registers = modbus_part(None, Some(&[16, 0, 3, 0, 2]));
    assert_eq!((&registers["quantity"], &registers["values"]), (&2.into(), &Value::Null));
}

#[test]
fn a_lone_response_is_told_as_such() {
    let site = Site::new();
    let exchange = exchange(&site, AGENT, Action::Read, [None, Some(&[4, 2, 0, 5])]);
    let event = parsed(&line(&EventRecord::new(&site.context(), &exchange)));
    assert_eq!(event["outcome"], "unrequested");
    assert_eq!(event["request"], Value::Null);
    assert_eq!(event["timestamp"], event["response"]["timestamp"]);
    assert_eq!(event["modbus"]["values"], serde_json::json!([5]));
}

const DNP3: dnp3::Exchange<'static> = dnp3::Exchange {
    master: 1,
    outstation: 10,
    request: None,
    response: None,
    part: 1,
    responder: None,
    relation: dnp3::Relation::None,
};

#[test]
fn a_control_has_its_fields_and_both_statuses() {
    let request = [0xC5, 5, 12, 1, 0x28, 1, 0, 7, 0, 0x41, 1, 100, 0, 0, 0, 0, 0, 0, 0, 0];
    let response = [0xC5, 129, 0x80, 0, 12, 1, 0x28, 1, 0, 7, 0, 0x41, 1, 100, 0, 0, 0, 0, 0, 0, 0, 9];
    let site = Site::new();
    let body = dnp3::Exchange { request: Some(&request), response: Some(&response), ..DNP3 };
    let exchange = Exchange {
        body: Body::Dnp3(body),
        outcome: Outcome::Refused,
        ..exchange(&site, STRANGER, Action::DirectOperate, [Some(&[5]), Some(&[5])])
    };
    let event = parsed(&line(&EventRecord::new(&site.context(), &exchange)));
    let control = |from: &str, status: u8, name: &str| {
        serde_json::json!({
            "from": from, "group": 12, "group_name": "binary output command",
            "variation": 1, "variation_name": "control relay output block", "qualifier": 0x28, "count": 1,
            "points": [{
                "index": 7, "status": status, "status_name": name,
                "control": {
                    "code": 0x41, "operation": "PULSE_ON", "trip_close": "CLOSE", "count": 1,
                    "on_time_ms": 100, "off_time_ms": 0
                }
            }]
        })
    };
    assert_eq!(
        event["dnp3"],
        serde_json::json!({
            "source": 1, "destination": 10, "function": 5, "function_name": "DIRECT_OPERATE", "response_function": 129,
            "iin": ["DEVICE_RESTART"], "sequence": 5, "part": 1, "matched": true, "latency_us": 3000,
            "objects": [control("request", 0, "SUCCESS"), control("response", 9, "NOT_AUTHORIZED")]
        })
    );
}

#[test]
fn reported_values_have_index_flags_and_time() {
    let objects = [
        [30, 1, 0x00, 4, 5, 0x01, 0xFE, 0xFF, 0xFF, 0xFF, 0x05, 7, 0, 0, 0].as_slice(),
        &[2, 2, 0x17, 1, 3, 0x81, 0x00, 0x68, 0xE5, 0xCF, 0x8B, 0x01],
    ];
    let response = [&[0xD0, 130, 0, 0], objects.concat().as_slice()].concat();
    let site = Site::new();
    let body = dnp3::Exchange { response: Some(&response), ..DNP3 };
    let exchange = Exchange { body: Body::Dnp3(body), ..exchange(&site, STRANGER, Action::Read, [None, Some(&[1])]) };
    let event = parsed(&line(&EventRecord::new(&site.context(), &exchange)));
    assert_eq!(
        (&event["dnp3"]["source"], &event["dnp3"]["function_name"]),
        (&10.into(), &"UNSOLICITED_RESPONSE".into())
    );
    assert_eq!(
        event["dnp3"]["objects"][0]["points"],
        serde_json::json!([
            {"index": 4, "value": -2, "flags": ["ONLINE"]},
            {"index": 5, "value": 7, "flags": ["ONLINE", "COMM_LOST"]}
        ])
    );
    assert_eq!(
        event["dnp3"]["objects"][1]["points"],
        serde_json::json!([
            {"index": 3, "value": 1, "flags": ["ONLINE", "STATE"], "time": "2023-11-14T22:13:20.000000+0000"}
        ])
    );
}

#[test]
fn a_value_out_of_range_is_told_in_full() {
    let pdu = [6, 0, 10, 0x03, 0xB6];
    assert_eq!(
        alert(&Site::new(), AGENT, Action::Write, [Some(&pdu), Some(&pdu)]),
        concat!(
            r#"{"timestamp":"2023-11-14T22:13:20.010500+0000","event_type":"alert","flow_id":4503599627370503,"#,
            r#""src_ip":"10.0.0.20","src_port":40000,"dest_ip":"10.0.0.10","dest_port":502,"proto":"TCP","vlan":[12],"#,
            r#""capture_file":"plant.pcap","app_proto":"modbus","#,
            r#""alert":{"action":"allowed","gid":1,"signature_id":1001006,"rev":1,"#,
            r#""signature":"tagout policy: ai-agent optimizer wrote plc1.pump_speed = 95 % outside 0..80 %","#,
            r#""category":"Policy Violation","severity":1,"#,
            r#""metadata":{"mitre_technique_id":["T0836"],"mitre_technique_name":["Modify Parameter"]}},"#,
            r#""request":{"frame":7,"timestamp":"2023-11-14T22:13:20.010500+0000"},"#,
            r#""response":{"frame":9,"timestamp":"2023-11-14T22:13:20.013500+0000"},"#,
            r#""modbus":{"unit":1,"transaction_id":258,"function":6,"function_name":"write-single-register","#,
            r#""access":"write","table":"holding-register","address":10,"quantity":1,"values":[950],"#,
            r#""matched":true,"latency_us":3000},"#,
            r#""ot":{"alert_id":"00000000000000000000000000000abc","incident_id":"00000000000000000000000000000abc","#,
            r#""reason":"value-out-of-range","#,
            r#""actor":{"name":"optimizer","kind":"ai-agent","ip":"10.0.0.20","mac":"02:00:00:00:00:14"},"#,
            r#""device":{"name":"plc1","ip":"10.0.0.10","port":502,"station":1},"action":"write","#,
            r#""point":{"name":"pump_speed","space":"holding-register","address":10,"unit":"%"},"value":95.0,"#,
            r#""permitted":{"min":0.0,"max":80.0},"violations":1,"#,
            r#""response":{"status":"answered","frame":9,"latency_us":3000},"#,
            r#""policy":{"file":"site.toml","line":15,"column":1,"permit":"the optimizer trims the pump","#,
            r#""text":"[[permits]]\nname = \"the optimizer trims the pump\"\nactor = \"optimizer\"\n"#,
            r#"device = \"plc1\"\ndo = [\"read\", \"write\"]\npoints = [\"pump_speed\"]\nvalue = { min = 0, max = 80 }"},"#,
            r##""suggestion":"# in the permit at site.toml:15:1\nvalue = { min = 0, max = 95 }\n","##,
            r#""attack":{"technique":"T0836","name":"Modify Parameter","version":"19"},"#,
            r#""why":"ai-agent optimizer wrote plc1.pump_speed = 95 %; the policy permits 0..80 %. The device accepted it."}}"#,
        )
    );
}

#[test]
fn why_tells_the_reason_and_the_answer() {
    let site = Site::new();
    let why = |client, action, request: &[u8], response: Option<&[u8]>| {
        let line = alert(&site, client, action, [Some(request), response]);
        parsed(&line)["ot"]["why"].as_str().expect("a text").to_owned()
    };
    assert_eq!(
        why(STRANGER, Action::Write, &[5, 0, 3, 0xFF, 0], None),
        "10.0.0.66 wrote plc1.inlet = 1; the policy knows no actor at 10.0.0.66. The device did not answer."
    );
    assert_eq!(
        why(AGENT, Action::Write, &[5, 0, 3, 0xFF, 0], Some(&[0x85, 4])),
        "ai-agent optimizer wrote plc1.inlet = 1; the policy permits it write on other points only. \
         The device refused it: server-device-failure."
    );
    assert_eq!(
        why(AGENT, Action::Write, &[6, 0, 99, 0, 1], Some(&[0x86, 99])),
        "ai-agent optimizer wrote plc1 holding-register 99 = 1; the policy declares no point there and permits write \
         only on points. The device refused it: code 99."
    );
    assert_eq!(
        why(AGENT, Action::Restart, &[8, 0, 1, 0, 0], None),
        "ai-agent optimizer restarted plc1; the policy permits it no restart on plc1. The device did not answer."
    );
}

#[test]
fn a_suggestion_added_to_the_policy_permits_what_it_was_made_for() {
    let cases: [([u8; 4], Action, &[u8]); 5] = [
        (STRANGER, Action::Write, &[5, 0, 3, 0xFF, 0]),
        (STRANGER, Action::Read, &[4, 0, 0, 0, 1]),
        (AGENT, Action::Write, &[5, 0, 3, 0xFF, 0]),
        (AGENT, Action::Write, &[6, 0, 99, 0, 1]),
        (AGENT, Action::Restart, &[8, 0, 1, 0, 0]),
    ];
    for (client, action, request) in cases {
        let line = alert(&Site::new(), client, action, [Some(request), None]);
        let suggestion = parsed(&line)["ot"]["suggestion"].as_str().expect("a suggestion").to_owned();
        let site = Site::with(&suggestion);
        let exchange = exchange(&site, client, action, [Some(request), None]);
        let touches = Request::parse(request).expect("a sound request").touches(action);
        let verdict = site.policy().judge(exchange.actor, exchange.device, action, touches);
        assert!(matches!(verdict, Verdict::Permitted(_)), "{verdict:?} with\n{suggestion}");
    }
}

#[test]
fn an_anomaly_goes_the_way_of_its_bytes_and_a_rule_makes_it_an_alert() {
    let site = Site::new();
    let anomaly = Anomaly {
        path: path(AGENT),
        actor: None,
        device: None,
        protocol: Some(Protocol::Modbus),
        from_client: false,
        finding: Finding::new(AnomalyKind::ModbusProtocolId, 17)
            .at("protocol identifier", 2)
            .because(Term::Number(0), Term::Number(0x1234)),
        seen: seen(3),
        unreported: 2,
    };
    let context = site.context();
    let record = parsed(&line(&AnomalyRecord::new(&context, &anomaly)));
    assert_eq!((&record["event_type"], &record["src_ip"]), (&"anomaly".into(), &"10.0.0.10".into()));
    assert_eq!(
        record["anomaly"],
        serde_json::json!({
            "event": "modbus-protocol-id", "layer": "modbus-adu", "direction": "to_client", "frame": 3, "bytes": 17,
            "field": "protocol identifier", "offset": 2, "expected": 0, "found": 0x1234, "unreported": 2
        })
    );
    let rule = context.policy.rules_on(Trigger::Anomaly(anomaly.finding.kind), None).next().expect("the site's rule");
    let alert = Alert::of_anomaly(AlertId(1), Cause::Rule(rule), &anomaly);
    let subject = Subject::of(&context.policy, &alert).expect("the alert fits the policy");
    assert_eq!(subject.severity(), Severity::Low);
    let record = parsed(&line(&AlertRecord::new(&context, &alert, &subject)));
    assert_eq!((&record["src_ip"], &record["app_proto"]), (&"10.0.0.10".into(), &"modbus".into()));
    assert_eq!(record["alert"]["signature_id"], 2_000_001);
    assert_eq!(record["alert"]["category"], "Misc activity");
    assert_eq!(record["anomaly"]["event"], "modbus-protocol-id");
    assert_eq!(record["ot"]["suggestion"], Value::Null);
    let why = "10.0.0.10 sent an MBAP header of another protocol than Modbus to 10.0.0.20: protocol identifier 4660 instead of 0.";
    assert_eq!(record["ot"]["why"], why);
}

#[test]
fn an_arp_anomaly_has_addresses_and_no_ports() {
    let site = Site::new();
    let (before, now) = (Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 9]));
    let anomaly = Anomaly {
        path: Path { transport: Transport::Link, ..path(AGENT) },
        actor: None,
        device: None,
        protocol: None,
        from_client: true,
        finding: Finding::new(AnomalyKind::IpMacChanged, 0)
            .at("ARP sender hardware address", 8)
            .because(Term::Mac(before), Term::Mac(now)),
        seen: seen(3),
        unreported: 0,
    };
    let record = parsed(&line(&AnomalyRecord::new(&site.context(), &anomaly)));
    assert_eq!(
        (&record["proto"], &record["src_port"], &record["app_proto"]),
        (&"ARP".into(), &Value::Null, &Value::Null)
    );
    assert_eq!(
        (&record["anomaly"]["expected"], &record["anomaly"]["found"]),
        (&"02:00:00:00:00:01".into(), &"02:00:00:00:00:09".into())
    );
}

#[test]
fn statistics_name_every_loss() {
    let site = Site::new();
    let losses = Losses { kernel_drops: 3, ..Losses::default() };
    let context = Context { origin: Origin::interface("eth1+eth2", "plant-7"), ..site.context() };
    let text = line(&StatsRecord::new(&context, seen(2).time, losses, &Counters::default(), &[]));
    assert!(
        text.starts_with(concat!(
            r#"{"timestamp":"2023-11-14T22:13:20.003000+0000","event_type":"stats","in_iface":"eth1+eth2","host":"plant-7","#,
            r#""stats":{"capture":{"kernel_drops":3,"interface_drops":0,"cut_off_frames":0},"sensor":{"frames":0,"#
        )),
        "{text}"
    );
}
