//! Records as text, from what the core reports.

mod bodies;

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
use crate::format::Format;
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
    let context = site.context();
    let rule = context.policy.rules_on(Trigger::Anomaly(AnomalyKind::ModbusProtocolId), None).next().expect("a rule");
    let alert = Alert::of_anomaly(AlertId(1), Cause::Rule(rule), &anomaly);
    let subject = Subject::of(&context.policy, &alert).expect("the alert fits the policy");
    let record = parsed(&line(&AlertRecord::new(&context, &alert, &subject)));
    assert_eq!(record["ot"]["device"], serde_json::json!({"ip": "10.0.0.10"}));
    assert!(Format::Ocsf.write(&record.to_string(), "", usize::MAX).contains(r#""uid":"10.0.0.10""#));
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
