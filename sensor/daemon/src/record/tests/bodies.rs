//! What records tell of the messages themselves.

use super::*;

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
