use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// An alert with everything that there can be of text, each of it `text`.
fn alert(text: &str) -> Value {
    json!({
        "timestamp": "2026-11-23T06:53:08.429599+0000", "event_type": "alert", "flow_id": 3_296_225_643_134_108_u64,
        "src_ip": "2001:db8:1111:2222:3333:4444:5555:6666", "src_port": 55_505,
        "dest_ip": "2001:db8:1111:2222:3333:4444:5555:7777", "dest_port": 15_020, "proto": "TCP", "vlan": [4_094],
        "in_iface": text, "host": text, "app_proto": "modbus",
        "alert": {
            "action": "allowed", "gid": 1, "signature_id": 1_001_006, "rev": 1, "signature": text, "category": text,
            "severity": 1, "metadata": {"mitre_technique_id": ["T1692.001"], "mitre_technique_name": [text]},
        },
        "request": {"frame": 24, "timestamp": "2026-11-23T06:53:08.429599+0000"},
        "modbus": {"unit": 1, "function": 16, "values": vec![65_535; 123], "request_data": "ff".repeat(250)},
        "ot": {
            "alert_id": "5791ea781436da4198a55bb530089c43", "incident_id": "f9459c8a86a276fa0d5598b253bac1ea",
            "repeats": {
                "of": "bbba192a99375e12548c576e20ef70f6", "count": 4_000_000_000_u32, "beyond_rate": false,
                "first_seen": "2026-11-23T06:53:07.919313+0000", "last_seen": "2026-11-23T06:53:08.429599+0000",
            },
            "reason": "value-out-of-range",
            "actor": {
                "name": text, "kind": "ai-agent", "ip": "2001:db8:1111:2222:3333:4444:5555:6666",
                "mac": "02:00:00:00:00:20",
            },
            "device": {
                "name": text, "ip": "2001:db8:1111:2222:3333:4444:5555:7777", "port": 15_020, "station": 65_519,
            },
            "action": "write", "point": {"name": text, "space": "holding-register", "address": 65_535, "unit": text},
            "value": -1.234_567_890_123e300, "previous": -1.234_567_890_123e300, "actor_before": text,
            "permitted": {"when": text}, "violations": 123, "response": {"status": "answered", "latency_us": 90},
            "policy": {"file": text, "line": 45, "column": 1, "permit": text, "text": text}, "suggestion": text,
            "attack": {"technique": "T1692.001", "name": text, "version": "19"},
            "agentic": {"atlas": "AML.T0053", "owasp": "ASI02"}, "why": text,
        },
    })
}

fn read(line: &str) -> Value {
    serde_json::from_str(line).expect("JSON")
}

#[test]
fn what_fits_is_left_as_it_is() {
    let eve = alert("pump").to_string();
    assert!(matches!(Format::Eve.write(&eve, "", eve.len()), Cow::Borrowed(line) if line == eve));
    assert!(matches!(Format::Cef.write(&eve, "CEF:0|…", 1), Cow::Borrowed("CEF:0|…")));
    for format in [Format::Ecs, Format::Ocsf] {
        assert!(!format.write(&eve, "", usize::MAX).contains("left_out"));
    }
}

#[test]
fn what_was_said_goes_first_and_then_what_the_policy_says() {
    let eve = alert("pump").to_string();
    let text = alert(&"pump ".repeat(400)).to_string();
    let left_out = |eve: &str, most| read(&Format::Eve.write(eve, "", most))["ot"]["left_out"].clone();
    assert_eq!(left_out(&eve, eve.len()), Value::Null);
    assert_eq!(left_out(&text, text.len() - 1), json!(["modbus"]));
    assert_eq!(left_out(&text, text.len() - 2_000), json!(["modbus", "ot.suggestion"]));
    assert_eq!(left_out(&text, text.len() - 4_000), json!(["modbus", "ot.suggestion", "ot.policy.text"]));
}

#[test]
fn a_finding_that_lacks_something_says_so() {
    let line = Format::Ocsf.write(&alert(&"pump ".repeat(400)).to_string(), "", 8_000).into_owned();
    assert_eq!(read(&line)["metadata"]["is_truncated"], true);
    assert_eq!(read(&line)["unmapped"]["ot"]["left_out"][0], "modbus");
}

#[test]
fn every_scheme_names_the_sensor_where_it_has_a_name() {
    let told = |eve: &Value, format: Format, place: &str| {
        read(&format.write(&eve.to_string(), "", usize::MAX)).pointer(place).cloned()
    };
    let mut eve = alert("pump");
    eve["host"] = "plant-7".into();
    let mut replayed = eve.clone();
    replayed.as_object_mut().expect("an object").remove("host");
    for (format, place) in
        [(Format::Eve, "/host"), (Format::Ecs, "/observer/hostname"), (Format::Ocsf, "/metadata/reporter/hostname")]
    {
        assert_eq!(told(&eve, format, place), Some("plant-7".into()), "{format:?}");
        assert_eq!(told(&replayed, format, place), None, "{format:?}");
    }
    assert_eq!(told(&replayed, Format::Ocsf, "/metadata/reporter"), None);
}

#[test]
fn a_line_for_people_says_how_bad_when_what_and_where_to_look() {
    let line = Format::Plain.write(&alert("optimizer wrote\ntank.pump").to_string(), "", 512).into_owned();
    assert_eq!(
        line,
        "HIGH 2026-11-23 06:53:08.429 UTC optimizer wrote tank.pump \
         [T1692.001, 1001006, 5791ea781436da4198a55bb530089c43]"
    );
}

#[test]
fn a_record_that_is_none_is_told_in_every_form_all_the_same() {
    for format in Format::value_variants() {
        let line = format.write("no record", "CEF:0|…", usize::MAX).into_owned();
        assert!(!line.is_empty(), "{format:?}");
    }
}

#[test]
fn the_name_that_json_lines_had_is_still_theirs() {
    assert_eq!(Format::from_str("json", false), Ok(Format::Eve));
    assert_eq!(serde_json::from_str::<Format>("\"json\"").expect("a format"), Format::Eve);
    assert_eq!(serde_json::from_str::<Format>("\"ocsf\"").expect("a format"), Format::Ocsf);
}

/// Names as anybody may choose them: what JSON writes long, and characters of several bytes.
fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("\u{1}".to_owned()),
        Just("\"\\".to_owned()),
        Just("\n".to_owned()),
        Just("°".to_owned()),
        Just("\u{1F525}".to_owned()),
        "[a-z]{1,9}",
    ];
    prop::collection::vec(part, 0..150).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whatever_names_are_it_fits_on_one_line_and_what_counts_stays(name in hostile(), most in 0..12_000_usize) {
        let eve = alert(&name).to_string();
        for format in [Format::Eve, Format::Ecs, Format::Ocsf, Format::Plain] {
            let line = format.write(&eve, "", most);
            prop_assert!(line.len() <= most.max(format.least()), "{format:?}: {} bytes for {most}", line.len());
            prop_assert!(!line.contains(char::is_control), "{line}");
            prop_assert!(line.contains("5791ea781436da4198a55bb530089c43"), "{line}");
        }
        let record = read(&Format::Eve.write(&eve, "", most));
        for kept in ["/timestamp", "/alert/signature", "/alert/severity", "/ot/actor/name", "/ot/device/ip", "/ot/point/address"] {
            prop_assert!(record.pointer(kept).is_some(), "{kept} is not in {record}");
        }
        prop_assert_eq!(&record["ot"]["action"], "write");
    }
}
