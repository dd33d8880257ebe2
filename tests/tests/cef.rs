//! CEF lines against the JSON records of the same alerts, read by a parser that knows only the specification.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use serde_json::{Value, json};
use tagout_compiler::{SourceFile, compile, packs};
use tagout_core::engine::{Action, Policy, RuleId};
use tagout_core::words::{CEF_MOST, Facility, SYSLOG_MOST, Subject, SyslogHeader, Topic, syslog};
use tagout_core::{Alert, AlertId, Cause, Host, Path as Way, Timestamp, Transport};
use tagout_tests::binary;
use tagout_tests::both::{self, Both, line};

/// A line taken apart.
#[derive(Debug)]
struct Event {
    /// Version, vendor, product, device version, signature id, name, severity.
    header: Vec<String>,
    extension: BTreeMap<String, String>,
}

impl Event {
    fn parse(line: &str) -> Self {
        assert!(!line.chars().any(char::is_control), "one line of text: {line:?}");
        let (header, extension) = header(line.strip_prefix("CEF:").expect("a line of CEF"));
        Self { header, extension: fields(extension) }
    }

    /// A field, under its label if CEF has no key for it.
    fn get(&self, name: &str) -> Option<&str> {
        let labelled = self.extension.iter().find(|(key, label)| key.ends_with("Label") && *label == name);
        let key = labelled.and_then(|(key, _)| key.strip_suffix("Label")).unwrap_or(name);
        self.extension.get(key).map(String::as_str)
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.get(name).map(|text| text.parse().expect("a number"))
    }
}

/// Seven fields, each up to a bar that no backslash stands before, and what follows.
fn header(text: &str) -> (Vec<String>, &str) {
    let (mut fields, mut field, mut escaped) = (Vec::new(), String::new(), false);
    for (place, character) in text.char_indices() {
        match character {
            '\\' if !escaped => escaped = true,
            '|' if !escaped => {
                fields.push(std::mem::take(&mut field));
                if fields.len() == 7 {
                    return (fields, &text[place + 1..]);
                }
            }
            _ => {
                assert!(!escaped || "\\|".contains(character), "no such escape in a header: {text}");
                escaped = false;
                field.push(character);
            }
        }
    }
    panic!("the header ends early: {text}");
}

/// `key=value` pairs. A value goes up to the last space before the next equals sign that no backslash stands before.
fn fields(text: &str) -> BTreeMap<String, String> {
    let octets = text.as_bytes();
    let is_sign = |place: &usize| octets[*place] == b'=' && backslashes(&octets[..*place]).is_multiple_of(2);
    let signs: Vec<usize> = (0..octets.len()).filter(is_sign).collect();
    let key_start = |sign: usize| text[..sign].rfind(' ').map_or(0, |space| space + 1);
    let mut fields = BTreeMap::new();
    for (place, sign) in signs.iter().enumerate() {
        let key = &text[key_start(*sign)..*sign];
        assert!(
            key.chars().all(|character| character.is_ascii_alphanumeric() || character == '_'),
            "{key:?} is no key in {text}"
        );
        let end = signs.get(place + 1).map_or(text.len(), |next| key_start(*next) - 1);
        let known = fields.insert(key.to_owned(), value(&text[sign + 1..end]));
        assert_eq!(known, None, "{key} stands there twice");
    }
    fields
}

fn backslashes(octets: &[u8]) -> usize {
    octets.iter().rev().take_while(|octet| **octet == b'\\').count()
}

fn value(text: &str) -> String {
    let mut characters = text.chars();
    let mut value = String::new();
    while let Some(character) = characters.next() {
        value.push(match character {
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some(escaped @ ('\\' | '=')) => escaped,
                other => panic!("no such escape: {other:?} in {text}"),
            },
            character => character,
        });
    }
    value
}

#[test]
fn every_alert_says_in_cef_what_its_record_says() {
    let alerts: Vec<Both> = both::disturbances().collect();
    assert!(alerts.len() > 100, "{} alerts", alerts.len());
    for Both { eve, cef } in &alerts {
        says_the_same(&serde_json::from_str(eve).expect("a record"), cef);
    }
}

#[test]
fn what_the_sensor_tells_of_itself_says_the_same_too() {
    for Both { eve, cef } in both::news() {
        let (record, event) = (serde_json::from_str::<Value>(&eve).expect("a record"), Event::parse(&cef));
        assert!(cef.len() <= CEF_MOST, "{} bytes: {cef}", cef.len());
        let (alert, ot) = (&record["alert"], &record["ot"]);
        assert_eq!(event.header[4..6], [alert["signature_id"].to_string(), text(&alert["signature"])], "{cef}");
        let fields = [
            ("externalId", &ot["alert_id"]),
            ("incident", &ot["incident_id"]),
            ("cat", &alert["category"]),
            ("reason", &ot["sensor"]["event"]),
            ("deviceInboundInterface", &ot["sensor"]["interface"]),
        ];
        fields.iter().for_each(|(name, value)| assert_eq!(event.get(name), value.as_str(), "{name} in {cef}"));
        assert_eq!(event.number("cnt"), ot["sensor"]["count"].as_f64());
        assert!(text(&ot["why"]).starts_with(event.get("msg").expect("a sentence")), "{cef}");
    }

    fn text(value: &Value) -> String {
        value.as_str().expect("text").to_owned()
    }
}

#[test]
fn a_heartbeat_says_what_its_record_says_in_a_gateways_words() {
    for Both { eve, cef } in both::heartbeats() {
        let (record, event) = (serde_json::from_str::<Value>(&eve).expect("a record"), Event::parse(&cef));
        assert!(cef.len() <= CEF_MOST, "{} bytes: {cef}", cef.len());
        assert_eq!(event.header[..3], ["0", "tagout", "tagout"], "{cef}");
        assert_eq!(event.header[4..], ["heartbeat", "Heartbeat", "0"], "{cef}");
        let beat = &record["ot"]["heartbeat"];
        let texts = [
            ("externalId", &record["ot"]["heartbeat_id"]),
            ("dvchost", &record["host"]),
            ("outcome", &beat["status"]),
            ("policy", &beat["policy"]["version"]),
        ];
        texts.iter().for_each(|(name, value)| assert_eq!(event.get(name), value.as_str(), "{name} in {cef}"));
        let lost =
            beat["kernel_drops"].as_f64().zip(beat["interface_drops"].as_f64()).map(|(kernel, own)| kernel + own);
        let numbers = [
            ("uptime_s", beat["uptime_s"].as_f64()),
            ("frames_lost", lost),
            ("waiting", beat["delivery"]["waiting"].as_f64()),
            ("alerts_lost", beat["delivery"]["lost_alerts"].as_f64()),
        ];
        numbers.into_iter().for_each(|(name, value)| assert_eq!(event.number(name), value, "{name} in {cef}"));
        let why = record["ot"]["why"].as_str().expect("a sentence");
        assert!(why.starts_with(event.get("msg").expect("a sentence")), "{cef}");
    }
}

fn says_the_same(record: &Value, line: &str) {
    assert!(line.len() <= CEF_MOST, "{} bytes: {line}", line.len());
    let (event, alert, ot) = (Event::parse(line), &record["alert"], &record["ot"]);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let severity = match alert["severity"].as_u64() {
        Some(1) => "8",
        Some(2) => "5",
        Some(3) => "3",
        _ => "1",
    };
    let sid = alert["signature_id"].to_string();
    let signature = alert["signature"].as_str().expect("a signature");
    let wanted = ["0", "tagout", "tagout", env!("CARGO_PKG_VERSION"), &sid, signature, severity];
    assert_eq!(event.header, wanted, "{line}");
    let fields = [
        ("externalId", &ot["alert_id"]),
        ("incident", &ot["incident_id"]),
        ("proto", &record["proto"]),
        ("actor", &ot["actor"]["name"]),
        ("device", &ot["device"]["name"]),
        ("act", &ot["action"]),
        ("cat", &alert["category"]),
        ("unit", &ot["point"]["unit"]),
        ("technique", &ot["attack"]["technique"]),
    ];
    for (name, value) in fields {
        assert_eq!(event.get(name).map(str::to_owned), text(value), "{name} in {line}");
    }
    // Records tell the MAC address of clients alone.
    if record["src_ip"] == ot["actor"]["ip"] {
        assert_eq!(event.get("smac").map(str::to_owned), text(&ot["actor"]["mac"]), "{line}");
    }
    let address = |v4: &str, v6: &str| event.get(v4).or(event.get(v6)).map(str::to_owned);
    assert_eq!(address("src", "Source IPv6 Address"), text(&record["src_ip"]), "{line}");
    assert_eq!(address("dst", "Destination IPv6 Address"), text(&record["dest_ip"]), "{line}");
    let numbers = [
        ("spt", &record["src_port"]),
        ("dpt", &record["dest_port"]),
        ("value", &ot["value"]),
        ("station", &ot["device"]["station"]),
        ("cnt", &ot["repeats"]["count"]),
        ("refusal", &ot["response"]["exception"]),
    ];
    for (name, value) in numbers {
        assert_eq!(event.number(name), value.as_f64(), "{name} in {line}");
    }
    assert_eq!(event.get("app"), record["app_proto"].as_str().filter(|name| *name != "unknown"), "{line}");
    if let Some(status) = ot["response"]["status"].as_str() {
        assert_eq!(event.get("outcome"), Some(status), "{line}");
    }
    if let Some(reason) = ot["reason"].as_str() {
        assert_eq!(event.get("reason"), Some(reason), "{line}");
    }
    let place =
        ot["policy"].as_object().map(|source| format!("{}:{}", source["file"].as_str().unwrap(), source["line"]));
    assert_eq!(event.get("policy").map(str::to_owned), place, "{line}");
    let why = ot["why"].as_str().expect("a sentence");
    let told = event.get("msg").expect("a sentence");
    assert!(told == why || why.starts_with(told) && line.len() > CEF_MOST - 4, "{told}\n{why}\n{line}");
}

/// What another parser finds in each line; `None` where it is not installed.
fn read_by_others(lines: &str) -> Option<Vec<BTreeMap<String, String>>> {
    let python = binary::workspace().join(".venv/bin/python");
    if !python.exists() {
        println!("skipped: no .venv (tests/setup.sh peers)");
        return None;
    }
    let mut command = Command::new(python);
    command.arg(binary::workspace().join("tests/peers/cef.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("Python can be run");
    let mut input = child.stdin.take().expect("a pipe");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(lines.as_bytes()));
        child.wait_with_output().expect("it ends")
    });
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("text");
    Some(text.lines().map(|line| serde_json::from_str(line).expect("an object of texts")).collect())
}

/// A line whose header has no equals sign: these stand there as they are, and pycef takes them for the extension's.
fn without_signs_in_header(line: &str) -> String {
    let extension = line.len() - header(line).1.len();
    line[..extension].replace('=', "~") + &line[extension..]
}

#[test]
fn a_parser_of_others_finds_the_same() {
    let told = both::disturbances().chain(both::news()).chain(both::heartbeats());
    let lines: Vec<String> = told.map(|both| without_signs_in_header(&both.cef)).collect();
    let Some(read) = read_by_others(&(lines.join("\n") + "\n")) else { return };
    assert_eq!(read.len(), lines.len());
    for (line, mut found) in lines.iter().zip(read) {
        let Event { header, extension } = Event::parse(line);
        let names =
            ["CEFVersion", "DeviceVendor", "DeviceProduct", "DeviceVersion", "DeviceEventClassID", "Name", "Severity"];
        let fields = names.map(|name| found.remove(name).unwrap_or_default());
        assert_eq!(header, fields, "{line}");
        found.retain(|name, _| !["DeviceName", "DeviceSeverity"].contains(&name.as_str()));
        // It puts values under their labels, and leaves escapes as they are.
        let labelled = extension.iter().filter(|(key, _)| !key.ends_with("Label"));
        let labelled =
            labelled.map(|(key, text)| (extension.get(&format!("{key}Label")).unwrap_or(key).clone(), text.clone()));
        let found: BTreeMap<String, String> = found.into_iter().map(|(name, text)| (name, value(&text))).collect();
        assert_eq!(labelled.collect::<BTreeMap<_, _>>(), found, "{line}");
    }
}

/// A policy with one rule and one device, whose names anybody may have chosen.
fn policy_of(signature: &str, category: &str, file: &str) -> Vec<u8> {
    let text = |text: &str| toml::Value::from(text).to_string();
    let rule = format!(
        "[[rules]]\nsid = 7\nsignature = {}\ncategory = {}\nseverity = \"high\"\non_action = \"write\"\n",
        text(signature),
        text(category),
    );
    compile(&[SourceFile::new(file, rule.as_str())]).unwrap_or_else(|errors| panic!("{errors:?}\n{rule}")).image
}

fn alert() -> Alert<'static> {
    Alert::bare(AlertId(0xABC), Timestamp(1_700_000_000_123_456_789), Way::default(), Cause::Rule(RuleId(0)))
}

/// What a header can hold of a text.
fn of_one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("\\".to_owned()),
        Just("|".to_owned()),
        Just("=".to_owned()),
        Just(" msg=".to_owned()),
        Just("\n".to_owned()),
        Just("\r\u{85}\t".to_owned()),
        Just("°".to_owned()),
        Just("\u{1F525}".to_owned()),
        "[a-z]{1,9}",
    ];
    prop::collection::vec(part, 1..80).prop_map(|parts| format!("x{}", parts.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_names_are_the_line_reads_back(signature in hostile(), category in hostile(), file in hostile()) {
        let image = policy_of(&signature, &category, &file);
        let policy = Policy::load(&image).expect("what the compiler made loads");
        let line = line(&policy, &alert());
        prop_assert!(line.len() <= CEF_MOST, "{} bytes", line.len());
        let event = Event::parse(&line);
        let name = &event.header[5];
        let whole = of_one_line(&signature);
        prop_assert!(*name == whole || whole.starts_with(name) && name.len() > 80, "{name}\n{whole}");
        prop_assert_eq!(event.get("externalId"), Some("00000000000000000000000000000abc"));
        prop_assert_eq!(event.get("rt"), Some("1700000000123"));
        let tab = |text: &str| text.replace(['\t', '\u{85}'], " ");
        // A field stands there whole or not at all.
        prop_assert!(event.get("cat").is_none_or(|told| told == tab(&category)), "{line}");
        prop_assert!(event.get("policy").is_none_or(|told| told == tab(&format!("{file}:1"))), "{line}");
        let subject = Subject::of(&policy, &alert()).expect("the alert fits the policy").why().to_string();
        prop_assert!(tab(&subject).starts_with(event.get("msg").unwrap_or_default()), "{line}");
    }

    #[test]
    fn whatever_the_host_is_the_message_fits(signature in hostile(), host in hostile(), number: u32, local in 0..8_u8) {
        let image = policy_of(&signature, &signature, "policy.toml");
        let policy = Policy::load(&image).expect("what the compiler made loads");
        let (line, subject) = (line(&policy, &alert()), Subject::of(&policy, &alert()).map(|subject| subject.severity()));
        let severity = subject.expect("the alert fits the policy");
        let (facility, time) = (Facility::Local(local), alert().time);
        let mut message = String::new();
        let (topic, time) = (Topic::Alert, Some(time));
        let header = SyslogHeader { facility, severity, topic, time, host: &host, number: Some(number) };
        syslog(&mut message, &header, &line).expect("text");
        prop_assert!(message.len() <= SYSLOG_MOST, "{} bytes", message.len());
        let words: Vec<_> = message.splitn(7, ' ').collect();
        prop_assert_eq!(words[0], format!("<{}>1", (16 + local) * 8 + 2));
        prop_assert_eq!(words[1], "2023-11-14T22:13:20.123456Z");
        prop_assert_eq!(&words[3..6], ["tagout", "-", "alert"]);
        let (number_told, text) = words[6].split_once("] ").expect("structured data");
        prop_assert_eq!(number_told, format!("[meta sequenceId=\"{number}\""));
        prop_assert_eq!(text.strip_prefix('\u{feff}').unwrap_or(text), line);
    }
}

#[test]
fn whoever_has_no_name_on_a_serial_line_is_called_by_the_line() {
    let image = policy_of("A write", "Test", "policy.toml");
    let policy = Policy::load(&image).expect("what the compiler made loads");
    let end = Host { port: 3, ..Way::default().server };
    let path = Way { transport: Transport::Serial, client: end, server: end, ..Way::default() };
    let alert = Alert { path, action: Some(Action::Write), ..alert() };
    let event = Event::parse(&line(&policy, &alert));
    assert_eq!(event.get("deviceInboundInterface"), Some("line 3"));
    assert_eq!(event.get("msg"), Some("line 3 wrote line 3."));
    let mut subject = Subject::of(&policy, &alert).expect("the alert fits the policy");
    subject.station = Some(7);
    assert_eq!(subject.whom().to_string(), "line 3/7");
}

#[test]
fn the_lines_of_shipped_rules_are_whole() {
    let image = compile(packs().as_slice()).expect("packs compile").image;
    let policy = Policy::load(&image).expect("what the compiler made loads");
    for rule in (0..policy.rule_count() as u16).map(RuleId) {
        let alert = Alert { cause: Cause::Rule(rule), ..alert() };
        let event = Event::parse(&line(&policy, &alert));
        let info = policy.rule_info(rule).expect("a rule");
        assert_eq!(event.header[5], info.signature);
        let why = Subject::of(&policy, &alert).expect("the alert fits the policy").why().to_string();
        assert_eq!(json!(event.get("msg")), json!(why));
    }
}
