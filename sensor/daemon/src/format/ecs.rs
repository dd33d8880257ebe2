//! Elastic Common Schema: <https://www.elastic.co/docs/reference/ecs>.

use serde_json::{Value, json};

use super::eve::Eve;
use super::json::told;

/// The version whose fields these are.
const VERSION: &str = "9.4.0";

/// The record's fields that ECS has a place for. What it has none for stands under `ot`, as in EVE, and what was said of
/// frames and messages under `ot` too.
pub(super) fn document(eve: &Eve) -> Value {
    let why = eve.text("ot.why").or(eve.text("alert.signature"));
    told(json!({
        "@timestamp": eve.text("timestamp").map(time),
        "ecs": { "version": VERSION },
        "message": why,
        "event": if eve.is_heartbeat() { heartbeat(eve) } else { event(eve) },
        "rule": rule(eve),
        "threat": threat(eve),
        "source": { "ip": eve.get("src_ip"), "port": eve.get("src_port"), "address": eve.get("src_ip") },
        "destination": { "ip": eve.get("dest_ip"), "port": eve.get("dest_port"), "address": eve.get("dest_ip") },
        "client": client(eve),
        "server": server(eve),
        "network": network(eve),
        "observer": {
            "vendor": "tagout",
            "product": "tagout",
            "type": "ids",
            "version": env!("CARGO_PKG_VERSION"),
            "hostname": eve.get("host"),
            "ingress": { "interface": { "name": eve.get("in_iface") } },
        },
        "log": { "file": { "path": eve.get("capture_file") } },
        "related": {
            "ip": eve.ends(&["src_ip", "dest_ip"]),
            "hosts": eve.ends(&["ot.actor.name", "ot.device.name"]),
        },
        "ot": ot(eve),
    }))
}

/// The state of the sensor, told on a regular interval.
fn heartbeat(eve: &Eve) -> Value {
    json!({
        "kind": "state",
        "category": ["host"],
        "type": ["info"],
        "module": "tagout",
        "dataset": "tagout.heartbeat",
        "id": eve.id(),
        "code": "heartbeat",
        "outcome": if eve.is_well() { "success" } else { "failure" },
    })
}

fn event(eve: &Eve) -> Value {
    let (category, dataset) = if eve.is_of_sensor() {
        (["host"].as_slice(), "tagout.sensor")
    } else {
        (["intrusion_detection", "network"].as_slice(), "tagout.alert")
    };
    json!({
        "kind": "alert",
        "category": category,
        "type": ["info"],
        "module": "tagout",
        "dataset": dataset,
        "id": eve.id(),
        "code": eve.get("alert.signature_id").map(ToString::to_string),
        "action": eve.get("ot.action"),
        "reason": reason(eve),
        "outcome": eve.text("ot.response.status").map(outcome),
        "severity": severity(eve.severity()),
        "start": eve.text("ot.repeats.first_seen").map(time),
        "end": eve.text("ot.repeats.last_seen").map(time),
    })
}

/// What is wrong, in a word.
fn reason(eve: &Eve) -> Option<&Value> {
    let words = ["ot.reason", "ot.process.event", "ot.cadence.event", "anomaly.event", "ot.sensor.event"];
    words.iter().find_map(|field| eve.get(field))
}

/// The default scores of Elastic's own detection rules.
fn severity(severity: u64) -> u64 {
    match severity {
        1 => 73,
        2 => 47,
        3 => 21,
        _ => 1,
    }
}

fn outcome(status: &str) -> &'static str {
    match status {
        "answered" => "success",
        "refused" => "failure",
        _ => "unknown",
    }
}

fn rule(eve: &Eve) -> Value {
    json!({
        "id": eve.get("alert.signature_id").map(ToString::to_string),
        "name": eve.get("alert.signature"),
        "category": eve.get("alert.category"),
        "ruleset": eve.get("ot.policy.file"),
        "version": eve.get("alert.rev").map(ToString::to_string),
    })
}

fn threat(eve: &Eve) -> Value {
    let Some(technique) = eve.text("ot.attack.technique") else { return Value::Null };
    let (top, sub) = technique.split_once('.').unwrap_or((technique, ""));
    let name = eve.get("ot.attack.name");
    let link = format!("https://attack.mitre.org/techniques/{}/", technique.replace('.', "/"));
    if sub.is_empty() {
        return json!({"framework": FRAMEWORK, "technique": {"id": [top], "name": [name], "reference": [link]}});
    }
    let subtechnique = json!({"id": [technique], "name": [name], "reference": [link]});
    json!({"framework": FRAMEWORK, "technique": {"id": [top], "subtechnique": subtechnique}})
}

const FRAMEWORK: &str = "MITRE ATT&CK";

fn client(eve: &Eve) -> Value {
    if eve.get("src_ip").is_none() {
        return json!({ "address": eve.get("ot.actor.name") });
    }
    json!({
        "ip": eve.get("ot.actor.ip"),
        "port": if is_forward(eve) { eve.get("src_port") } else { eve.get("dest_port") },
        "mac": eve.text("ot.actor.mac").map(|mac| mac.replace(':', "-").to_uppercase()),
        "address": eve.get("ot.actor.name").or(eve.get("ot.actor.ip")),
    })
}

fn server(eve: &Eve) -> Value {
    let (ip, port) = if eve.get("src_ip").is_some() {
        (eve.get("ot.device.ip"), if is_forward(eve) { eve.get("dest_port") } else { eve.get("src_port") })
    } else {
        (None, None)
    };
    json!({ "ip": ip, "port": port, "address": eve.get("ot.device.name").or(ip) })
}

/// Whether the sender is the client; in anomalies it can be the server.
fn is_forward(eve: &Eve) -> bool {
    eve.get("src_ip") == eve.get("ot.actor.ip") && eve.get("dest_port") == eve.get("ot.device.port")
}

fn network(eve: &Eve) -> Value {
    let kind = |ip: &str| if ip.contains(':') { "ipv6" } else { "ipv4" };
    json!({
        "transport": eve.text("proto").map(str::to_lowercase),
        "protocol": eve.text("app_proto").filter(|protocol| *protocol != "unknown"),
        "type": eve.text("src_ip").map(kind),
        "vlan": { "id": eve.get("vlan").and_then(|ids| ids.get(0)).map(ToString::to_string) },
    })
}

/// EVE's `ot`, with what else is of plants alone.
fn ot(eve: &Eve) -> Option<Value> {
    let mut ot = eve.get("ot")?.as_object()?.clone();
    for field in ["flow_id", "line", "anomaly", "modbus", "dnp3"] {
        ot.insert(field.to_owned(), json!(eve.get(field)));
    }
    ot.insert("messages".to_owned(), json!({ "request": eve.get("request"), "response": eve.get("response") }));
    Some(ot.into())
}

/// EVE's time with the zone that ECS knows.
fn time(stamp: &str) -> String {
    stamp.strip_suffix("+0000").map_or_else(|| stamp.to_owned(), |utc| format!("{utc}Z"))
}
