//! Open Cybersecurity Schema Framework, Detection Finding: <https://schema.ocsf.io/classes/detection_finding>.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::eve::Eve;
use super::json::told;

/// The version that has the AI agent among a finding's evidence.
const VERSION: &str = "1.9.0";

/// The class, and its two activities.
const CLASS: u64 = 2004;
const CREATE: u64 = 1;
const UPDATE: u64 = 2;

/// The record as a finding. What OCSF has no place for stands under `unmapped`, as in EVE.
pub(super) fn document(eve: &Eve) -> Value {
    if eve.is_heartbeat() {
        return heartbeat(eve);
    }
    let (activity, activity_name) =
        if eve.get("ot.repeats").is_some() { (UPDATE, "Update") } else { (CREATE, "Create") };
    let (severity_id, severity) = severity(eve.severity());
    told(json!({
        "category_uid": CLASS / 1_000,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Detection Finding",
        "activity_id": activity,
        "activity_name": activity_name,
        "type_uid": CLASS * 100 + activity,
        "type_name": format!("Detection Finding: {activity_name}"),
        "time": millis(eve, "timestamp"),
        "timezone_offset": 0,
        "severity_id": severity_id,
        "severity": severity,
        "status_id": 1,
        "status": "New",
        "is_alert": true,
        "action_id": 3,
        "action": "Observed",
        "disposition_id": 19,
        "disposition": "Alert",
        "message": eve.get("ot.why").or(eve.get("alert.signature")),
        "count": eve.get("ot.repeats.count").or(eve.get("ot.sensor.count")),
        "start_time": millis(eve, "ot.repeats.first_seen"),
        "end_time": millis(eve, "ot.repeats.last_seen"),
        "metadata": metadata(eve, &["host", "security_control"]),
        "finding_info": finding(eve),
        "attacks": attacks(eve),
        "actor": actor(eve),
        "device": device(eve),
        "resources": resources(eve),
        "evidences": evidences(eve),
        "observables": observables(eve),
        "unmapped": unmapped(eve),
    }))
}

/// A heartbeat is none of the activities that OCSF has a class for: <https://schema.ocsf.io/classes/base_event>.
fn heartbeat(eve: &Eve) -> Value {
    let (status_id, status) = if eve.is_well() { (1, "Success") } else { (2, "Failure") };
    told(json!({
        "category_uid": 0,
        "category_name": "Uncategorized",
        "class_uid": 0,
        "class_name": "Base Event",
        "activity_id": 99,
        "activity_name": "Heartbeat",
        "type_uid": 99,
        "type_name": "Base Event: Heartbeat",
        "time": millis(eve, "timestamp"),
        "timezone_offset": 0,
        "severity_id": 1,
        "severity": "Informational",
        "status_id": status_id,
        "status": status,
        "status_code": eve.get("ot.heartbeat.status"),
        "message": eve.get("ot.why"),
        "metadata": metadata(eve, &["host"]),
        "device": { "type_id": 99, "type": "Sensor", "uid": eve.get("host"), "hostname": eve.get("host"), "name": "tagout" },
        "unmapped": unmapped(eve),
    }))
}

fn severity(severity: u64) -> (u64, &'static str) {
    match severity {
        1 => (4, "High"),
        2 => (3, "Medium"),
        3 => (2, "Low"),
        _ => (1, "Informational"),
    }
}

/// A time in milliseconds since 1970.
fn millis(eve: &Eve, field: &str) -> Option<i64> {
    eve.text(field)?.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

fn metadata(eve: &Eve, profiles: &[&str]) -> Value {
    json!({
        "version": VERSION,
        "profiles": profiles,
        "product": { "name": "tagout", "vendor_name": "tagout", "version": env!("CARGO_PKG_VERSION") },
        "uid": eve.id(),
        "correlation_uid": eve.get("ot.incident_id"),
        "event_code": code(eve),
        "original_time": eve.get("timestamp"),
        "reporter": eve.get("host").map(|host| json!({ "name": "tagout", "hostname": host })),
        "log_source": eve.get("in_iface").or(eve.get("capture_file")),
        "is_truncated": eve.get("ot.left_out").map(|_| true),
    })
}

fn code(eve: &Eve) -> Option<String> {
    let sid = eve.get("alert.signature_id").map(ToString::to_string);
    sid.or_else(|| eve.is_heartbeat().then(|| "heartbeat".to_owned()))
}

fn finding(eve: &Eve) -> Value {
    json!({
        "uid": eve.get("ot.alert_id"),
        "title": eve.get("alert.signature"),
        "desc": eve.get("ot.why"),
        "types": [eve.get("alert.category")],
        "created_time": millis(eve, "timestamp"),
        "first_seen_time": millis(eve, "ot.repeats.first_seen"),
        "last_seen_time": millis(eve, "ot.repeats.last_seen"),
        "analytic": {
            "uid": eve.get("alert.signature_id").map(ToString::to_string),
            "name": eve.get("ot.policy.permit").or(eve.get("alert.category")),
            "category": eve.get("alert.category"),
            "type_id": 1,
            "type": "Rule",
        },
        "attacks": attacks(eve),
    })
}

fn attacks(eve: &Eve) -> Value {
    let version = eve.get("ot.attack.version");
    let technique = |id: &Value| json!({ "uid": id, "name": eve.get("ot.attack.name") });
    let of_plants = eve.get("ot.attack.technique").map(|id| match id.as_str() {
        Some(text) if text.contains('.') => json!({ "sub_technique": technique(id), "version": version }),
        _ => json!({ "technique": technique(id), "version": version }),
    });
    let of_agents = eve.get("ot.agentic.atlas").map(|id| json!({ "technique": { "uid": id } }));
    json!([of_plants, of_agents])
}

/// Its name in the policy, else its address; a client on a serial line has neither.
fn actor(eve: &Eve) -> Value {
    let address = eve.get("src_ip").and(eve.get("ot.actor.ip"));
    json!({ "app_name": eve.get("ot.actor.name").or(address) })
}

/// The controller; the interface where the sensor tells of itself.
fn device(eve: &Eve) -> Value {
    if eve.is_of_sensor() {
        let interface = eve.get("ot.sensor.interface").or(eve.get("in_iface"));
        return json!({ "type_id": 99, "type": "Sensor", "uid": interface, "hostname": eve.get("host"), "name": "tagout" });
    }
    json!({
        "type_id": 99,
        "type": "Controller",
        "uid": device_uid(eve),
        "name": eve.get("ot.device.name"),
        "ip": eve.get("src_ip").and(eve.get("ot.device.ip")),
    })
}

/// Where the device answers: address, port and station, or line and station. What a link says of it knows its address alone.
fn device_uid(eve: &Eve) -> String {
    let station = eve.get("ot.device.station").map_or(String::new(), |station| format!("/{station}"));
    match (eve.get("line"), eve.text("ot.device.ip"), eve.get("ot.device.port")) {
        (Some(line), ..) => format!("line-{line}{station}"),
        (None, Some(ip), Some(port)) if ip.contains(':') => format!("[{ip}]:{port}{station}"),
        (None, Some(ip), Some(port)) => format!("{ip}:{port}{station}"),
        (None, Some(ip), None) => format!("{ip}{station}"),
        (None, None, _) => station,
    }
}

/// The point that the alert is about.
fn resources(eve: &Eve) -> Value {
    let Some(space) = eve.text("ot.point.space") else { return Value::Null };
    let address = eve.get("ot.point.address").map_or(String::new(), ToString::to_string);
    json!([{
        "uid": format!("{}/{space}/{address}", device_uid(eve)),
        "name": eve.get("ot.point.name"),
        "type": space,
    }])
}

/// The exchange, and the AI agent where one is behind it.
fn evidences(eve: &Eve) -> Value {
    let (name, kind) = (eve.get("ot.actor.name"), eve.text("ot.actor.kind"));
    let agent = (kind == Some("ai-agent")).then(|| json!({ "uid": name, "name": name, "type_id": 0 }));
    json!([{
        "name": eve.get("app_proto"),
        "uid": eve.get("flow_id").map(ToString::to_string),
        "ai_agent": agent,
        "device": device(eve),
        "src_endpoint": { "ip": eve.get("src_ip"), "port": eve.get("src_port") },
        "dst_endpoint": { "ip": eve.get("dest_ip"), "port": eve.get("dest_port") },
        "connection_info": connection(eve),
        "data": said(eve),
    }])
}

fn connection(eve: &Eve) -> Value {
    let (number, name) = match eve.text("proto") {
        Some("TCP") => (6, "tcp"),
        Some("UDP") => (17, "udp"),
        Some("IPv6-ICMP") => (58, "ipv6-icmp"),
        _ => return Value::Null,
    };
    json!({ "direction_id": 0, "direction": "Unknown", "protocol_num": number, "protocol_name": name })
}

/// What was said, and what was wrong with it.
fn said(eve: &Eve) -> Value {
    json!({
        "request": eve.get("request"),
        "response": eve.get("response"),
        "modbus": eve.get("modbus"),
        "dnp3": eve.get("dnp3"),
        "anomaly": eve.get("anomaly"),
    })
}

fn observables(eve: &Eve) -> Value {
    let of = |kind: u64, caption: &str, name: &str, value: Option<&Value>| {
        value.map(|value| json!({ "name": name, "type_id": kind, "type": caption, "value": value }))
    };
    json!([
        of(2, "IP Address", "evidences[0].src_endpoint.ip", eve.get("src_ip")),
        of(2, "IP Address", "evidences[0].dst_endpoint.ip", eve.get("dest_ip")),
        of(3, "MAC Address", "unmapped.ot.actor.mac", eve.get("ot.actor.mac")),
    ])
}

fn unmapped(eve: &Eve) -> Value {
    json!({
        "ot": eve.get("ot"),
        "line": eve.get("line"),
        "vlan": eve.get("vlan"),
    })
}
