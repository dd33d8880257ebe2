use std::borrow::Cow;

use serde_json::Value;

use super::account::Account;
use super::dissection::{Node, number};
use super::message::{Kind, Message};
use super::record;

/// A field of an object: its path in a point of tagout's record, and what tshark calls it.
struct Row {
    groups: &'static [u8],
    path: &'static str,
    tshark: &'static [&'static str],
    reading: Reading,
}

/// How tshark's text becomes what the record says.
#[derive(Clone, Copy)]
enum Reading {
    /// A number, decimal or hexadecimal.
    Number,
    /// A number with a fraction.
    Real,
    /// `Oct 11, 2004 10:16:34.018000000 UTC`.
    Time,
    /// A bit that says yes.
    Flag,
    /// Octets with colons between them.
    Octets,
    /// How many such octets.
    Count,
    /// As it stands.
    Text,
}

use Reading::{Count, Flag, Number, Octets, Real, Text, Time};

const EVERY: &[u8] = &[];
const FILE: &[u8] = &[70];

const fn row(groups: &'static [u8], path: &'static str, tshark: &'static [&'static str], reading: Reading) -> Row {
    Row { groups, path, tshark, reading }
}

/// Names that begin with `label.` are what tshark tells in labels only; see [`labels`].
#[rustfmt::skip]
const ROWS: &[Row] = &[
    row(EVERY, "index", &["dnp3.al.index", "dnp3.al.point_index"], Number),
    row(EVERY, "value", &[
        "dnp3.al.bit", "dnp3.al.2bit", "dnp3.al.cnt", "dnp3.al.ana.int", "dnp3.al.anaout.int", "dnp3.al.bocs",
        "dnp3.al.time_delay", "dnp3.al.da.uint8", "dnp3.al.da.uint16", "dnp3.al.da.uint32", "dnp3.al.da.int8",
        "dnp3.al.da.int16", "dnp3.al.da.int32",
    ], Number),
    row(EVERY, "value", &[
        "dnp3.al.ana.float", "dnp3.al.ana.double", "dnp3.al.anaout.float", "dnp3.al.anaout.double", "dnp3.al.da.float",
        "dnp3.al.da.double",
    ], Real),
    row(EVERY, "value", &["dnp3.al.da.value"], Text),
    row(&[1, 2, 3, 4, 10, 11], "value", &["label.state"], Number),
    row(&[50, 51], "value", &["dnp3.al.timestamp"], Time),
    row(&[110, 111, 112, 113], "value", &["dnp3.al.octet_string", "dnp3.al.unknown_data_chunk"], Octets),
    row(EVERY, "flags", &["label.flags"], Text),
    row(EVERY, "time", &["label.time"], Time),
    row(EVERY, "status", &["dnp3.al.ctrlstatus"], Number),
    row(EVERY, "control.code", &["label.code"], Number),
    row(EVERY, "control.count", &["dnp3.al.count"], Number),
    row(EVERY, "control.on_time_ms", &["dnp3.al.on_time"], Number),
    row(EVERY, "control.off_time_ms", &["dnp3.al.off_time"], Number),
    row(&[0], "attribute.data_type", &["dnp3.al.datatype"], Number),
    row(FILE, "file.name", &["dnp3.al.file_name"], Text),
    row(FILE, "file.key", &["dnp3.al.file.auth"], Number),
    row(FILE, "file.handle", &["dnp3.al.file.handle"], Number),
    row(FILE, "file.mode", &["dnp3.al.file.mode"], Number),
    row(FILE, "file.size", &["dnp3.al.file.size"], Number),
    row(FILE, "file.created", &["dnp3.al.timestamp"], Time),
    row(FILE, "file.max_block_size", &["dnp3.al.file.maxblock"], Number),
    row(FILE, "file.request_id", &["dnp3.al.file.reqID"], Number),
    row(FILE, "file.block", &["dnp3.al.file.blocknum"], Number),
    row(FILE, "file.last", &["dnp3.al.file.lastblock"], Flag),
    row(FILE, "file.data_octets", &["dnp3.al.file.data"], Count),
    row(FILE, "file.status", &["dnp3.al.file.status"], Number),
];

const COMMON_FLAGS: [&str; 5] = ["ONLINE", "RESTART", "COMM_LOST", "REMOTE_FORCED", "LOCAL_FORCED"];

/// Names of the last three flags, by group (IEEE 1815-2012 clause 11).
const LAST_FLAGS: &[(&[u8], [&str; 3])] = &[
    (&[1, 2], ["CHATTER_FILTER", "RESERVED", "STATE"]),
    (&[3, 4], ["CHATTER_FILTER", "STATE_0", "STATE_1"]),
    (&[10, 11], ["RESERVED_0", "RESERVED_1", "STATE"]),
    (&[20, 21, 22, 23], ["ROLLOVER", "DISCONTINUITY", "RESERVED"]),
    (&[30, 31, 32, 33, 40, 42], ["OVER_RANGE", "REFERENCE_ERR", "RESERVED"]),
];

/// tshark's names of the internal indications, least significant bit first, and the record's (IEEE 1815-2012 clause 4).
const INDICATIONS: &[(&str, &str)] = &[
    ("dnp3.al.iin.bmsg", "BROADCAST"),
    ("dnp3.al.iin.cls1d", "CLASS_1_EVENTS"),
    ("dnp3.al.iin.cls2d", "CLASS_2_EVENTS"),
    ("dnp3.al.iin.cls3d", "CLASS_3_EVENTS"),
    ("dnp3.al.iin.tsr", "NEED_TIME"),
    ("dnp3.al.iin.dol", "LOCAL_CONTROL"),
    ("dnp3.al.iin.dt", "DEVICE_TROUBLE"),
    ("dnp3.al.iin.rst", "DEVICE_RESTART"),
    ("dnp3.al.iin.fcni", "NO_FUNC_CODE_SUPPORT"),
    ("dnp3.al.iin.obju", "OBJECT_UNKNOWN"),
    ("dnp3.al.iin.pioor", "PARAMETER_ERROR"),
    ("dnp3.al.iin.ebo", "EVENT_BUFFER_OVERFLOW"),
    ("dnp3.al.iin.oae", "ALREADY_EXECUTING"),
    ("dnp3.al.iin.cc", "CONFIG_CORRUPT"),
];

/// Bits of the application control octet, and what tshark calls them.
const CONTROL: [(&str, &str); 4] =
    [("FIR", "dnp3.al.fir"), ("FIN", "dnp3.al.fin"), ("CON", "dnp3.al.con"), ("UNS", "dnp3.al.uns")];

/// What tshark says of the application fragment that ends in a link frame; `None` if none does.
pub(super) fn of_dissection(frame: u64, layer: &Node) -> Option<Account> {
    let function = u8::try_from(layer.number("dnp3.al.func")?).ok()?;
    let mut account = Account::new(Message::dnp3(frame, function));
    let header = [("source", "dnp3.src"), ("destination", "dnp3.dst"), ("sequence", "dnp3.al.seq")];
    for (field, name) in header {
        layer.values(name).for_each(|value| account.say(field, value));
    }
    let bits = CONTROL.iter().filter(|(_, field)| layer.number(field) == Some(1));
    account.say("control", &joined(bits.map(|(bit, _)| *bit)));
    for (_, indication) in INDICATIONS.iter().filter(|(name, _)| layer.number(name) == Some(1)) {
        account.say("iin", indication);
    }
    objects(layer, &mut |object| say_object(&mut account, object));
    Some(account)
}

/// Hands over every object header below a node.
fn objects(node: &Node, each: &mut dyn FnMut(&Node)) {
    for child in &node.children {
        if child.name == "dnp3.al.obj" { each(child) } else { objects(child, each) }
    }
}

fn say_object(account: &mut Account, object: &Node) {
    let [.., group, variation] = number(&object.value).unwrap_or(0).to_be_bytes();
    begin_object(account, group, variation, &header(object));
    let mut leaves = Vec::new();
    collect_leaves(object, group, &mut leaves);
    for (leaf, text) in &leaves {
        for row in rows_of(group).filter(|row| row.tshark.contains(&leaf.as_ref())) {
            account.say(row.path, &row.reading.value(text));
        }
    }
}

/// tshark writes variation 0 for octet strings, of which the variation is the length; their values have it too.
fn begin_object(account: &mut Account, group: u8, variation: u8, header: &str) {
    let variation = if matches!(group, 110 | 111) { 0 } else { variation };
    account.begin(format!("g{group}v{variation}"));
    account.say("header", header);
}

/// Qualifier and range, such as `0x00:0-8`, `0x17:5` or `0x06:`.
fn header(object: &Node) -> String {
    let of = |name| object.number(name);
    let qualifier = of("dnp3.al.objq.prefix").unwrap_or(0) << 4 | of("dnp3.al.objq.range").unwrap_or(0);
    let ends = of("dnp3.al.range.start").zip(of("dnp3.al.range.stop"));
    let range = ends.map(|(start, stop)| format!("{start}-{stop}"));
    let range = range.or_else(|| of("dnp3.al.range.quantity").map(|count| count.to_string()));
    format!("0x{qualifier:02x}:{}", range.unwrap_or_default())
}

/// Every value below a node with its name, in the order of the octets.
fn collect_leaves<'a>(node: &'a Node, group: u8, leaves: &mut Vec<(Cow<'a, str>, String)>) {
    for child in &node.children {
        if let Some(octet) = quality(child) {
            leaves.push(("label.flags".into(), flag_names(group, octet)));
            let state = octet >> if matches!(group, 3 | 4) { 6 } else { 7 };
            leaves.push(("label.state".into(), state.to_string()));
            continue;
        }
        leaves.push((child.name.as_str().into(), child.value.clone()));
        leaves.extend(labels(&child.name).map(|(name, text)| (name.into(), text.to_owned())));
        collect_leaves(child, group, leaves);
    }
}

/// What a label tells that no field does: times that are counted from a common time, and codes of controls.
fn labels(label: &str) -> impl Iterator<Item = (&'static str, &str)> {
    let time = label.split_once("Timestamp: ").map(|(_, time)| ("label.time", time));
    let code = label.strip_prefix("Control Code [").map(|code| ("label.code", code.trim_end_matches(']')));
    time.into_iter().chain(code)
}

/// The flag octet, if the node is one: eight fields, of which the last part of the name is the bit's number.
fn quality(node: &Node) -> Option<u8> {
    node.name.strip_prefix("Quality: ")?;
    let bits = node
        .children
        .iter()
        .filter(|bit| bit.value == "1")
        .filter_map(|bit| bit.name.rsplit_once(".b")?.1.parse::<u8>().ok());
    Some(bits.map(|bit| 1 << bit).sum())
}

/// The names of the flags that are set, or `-`.
fn flag_names(group: u8, octet: u8) -> String {
    let last = LAST_FLAGS.iter().find(|(groups, _)| groups.contains(&group)).map_or([""; 3], |(_, names)| *names);
    let names = COMMON_FLAGS.into_iter().chain(last).enumerate();
    joined(names.filter(|(bit, _)| octet >> bit & 1 == 1).map(|(_, name)| name))
}

fn joined<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { "-".to_owned() } else { names.join("+") }
}

fn rows_of(group: u8) -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(move |row| row.groups.is_empty() || row.groups.contains(&group))
}

impl Reading {
    fn value(self, text: &str) -> String {
        match self {
            Number => number(text).map_or_else(|| text.to_owned(), |number| number.to_string()),
            Real => text.parse().map_or_else(|_| text.to_owned(), record::real),
            Time => time(text).unwrap_or_else(|| text.to_owned()),
            Flag => (number(text) == Some(1)).to_string(),
            Octets => text.replace(':', ""),
            Count => text.split(':').count().to_string(),
            Text => text.to_owned(),
        }
    }
}

const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";

/// A time of tshark's as records write it.
fn time(text: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    let month = MONTHS.find(words.next()?)? / 3 + 1;
    let day: u8 = words.next()?.trim_end_matches(',').parse().ok()?;
    let (year, clock) = (words.next()?, words.next()?);
    Some(format!("{year}-{month:02}-{day:02}T{}+0000", clock.get(..15)?))
}

/// What a record of an exchange says of one of its messages.
pub(super) fn of_record(message: Message, dnp3: &Value) -> Account {
    let mut account = Account::new(message);
    let answer = message.kind == Kind::Response;
    let [source, destination] = match answer && dnp3["matched"] == true {
        true => ["destination", "source"],
        false => ["source", "destination"],
    };
    for (field, key) in [("source", source), ("destination", destination)] {
        record::texts_at(dnp3, key).iter().for_each(|value| account.say(field, value));
    }
    sequence(answer, dnp3).iter().for_each(|sequence| account.say("sequence", sequence));
    account
        .say("control", &recorded_control(if answer { &dnp3["response_control"] } else { &dnp3["request_control"] }));
    let indications = record::texts_at(dnp3, "iin");
    indications.iter().filter(|_| answer).for_each(|name| account.say("iin", name));
    let from = if answer { "response" } else { "request" };
    let objects = dnp3["objects"].as_array().into_iter().flatten();
    objects.filter(|object| object["from"] == from).for_each(|object| say_recorded(&mut account, object));
    account
}

/// A record leaves out the bits of a message that has one fragment and wants no confirm.
fn recorded_control(bits: &Value) -> String {
    bits.as_array().map_or("FIR+FIN".into(), |bits| joined(bits.iter().filter_map(Value::as_str)))
}

/// A record has the sequence number of the request, which its response repeats and the response's further fragments
/// count up from (IEEE 1815-2012 clause 4).
fn sequence(answer: bool, dnp3: &Value) -> Option<String> {
    let first = dnp3["sequence"].as_u64()?;
    let later = if answer && dnp3["matched"] == true { dnp3["part"].as_u64()?.saturating_sub(1) } else { 0 };
    Some(((first + later) % 16).to_string())
}

fn say_recorded(account: &mut Account, object: &Value) {
    let octet = |key: &str| object[key].as_u64().and_then(|number| u8::try_from(number).ok()).unwrap_or_default();
    begin_object(account, octet("group"), octet("variation"), &recorded_header(object));
    let mut paths: Vec<&str> = rows_of(octet("group")).map(|row| row.path).collect();
    paths.dedup();
    paths.retain(|path| *path != "index" || !is_size_prefixed(octet("qualifier")));
    for point in object["points"].as_array().into_iter().flatten() {
        for path in &paths {
            say_point(account, path, point);
        }
    }
}

/// Objects behind a size have no index; a record numbers them.
fn is_size_prefixed(qualifier: u8) -> bool {
    qualifier >> 4 >= 4
}

fn say_point(account: &mut Account, path: &'static str, point: &Value) {
    match point["flags"].as_array().filter(|_| path == "flags") {
        Some(names) => account.say(path, &joined(names.iter().filter_map(Value::as_str))),
        None => {
            let texts = record::texts_at(point, path);
            texts.iter().filter(|text| !is_empty_block(path, text)).for_each(|text| account.say(path, text));
        }
    }
}

/// tshark has no field for a block without data.
fn is_empty_block(path: &str, text: &str) -> bool {
    path == "file.data_octets" && text == "0"
}

fn recorded_header(object: &Value) -> String {
    let ends = object["range"].as_array().map(|ends| ends.iter().map(Value::to_string).collect::<Vec<_>>().join("-"));
    let range = ends.or_else(|| object["count"].as_u64().map(|count| count.to_string()));
    format!("0x{:02x}:{}", object["qualifier"].as_u64().unwrap_or_default(), range.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::corpus::dissection::read_frames;

    #[test]
    fn both_decoders_say_the_same_of_a_report() {
        let dissection = br#"[{"_source": {"layers": {"dnp3": {
            "Data Link Layer": {"dnp3.dst": "3", "dnp3.src": "4"},
            "Application Layer": {
                "dnp3.al.ctl_tree": {
                    "dnp3.al.fir": "1", "dnp3.al.fin": "1", "dnp3.al.con": "1", "dnp3.al.uns": "1", "dnp3.al.seq": "5"},
                "dnp3.al.func": "130", "dnp3.al.iin_tree": {"dnp3.al.iin.rst": "1", "dnp3.al.iin.tsr": "0"},
                "RESPONSE Data Objects": {
                    "dnp3.al.obj": "0x0203",
                    "dnp3.al.obj_tree": {
                        "Qualifier Field": {"dnp3.al.objq.prefix": "2", "dnp3.al.objq.range": "8"},
                        "Number of Items: 1": {"dnp3.al.range.quantity": "1"},
                        "Point Number 7, Timestamp: Oct  1, 2004 10:16:34.018000000": {
                            "dnp3.al.index": "7", "Quality: Online": {"dnp3.al.biq.b7": "1", "dnp3.al.biq.b0": "1"},
                            "dnp3.al.reltimestamp": "0.001000000"}},
                    "dnp3.al.obj": "0x1e05",
                    "dnp3.al.obj_tree": {
                        "Qualifier Field": {"dnp3.al.objq.prefix": "0", "dnp3.al.objq.range": "0"},
                        "Number of Items: 1": {"dnp3.al.range.start": "2", "dnp3.al.range.stop": "2"},
                        "Point Number 2": {
                            "dnp3.al.point_index": "2", "Quality: None": {"dnp3.al.aiq.b0": "0"},
                            "dnp3.al.ana.float": "0.333333"}}}}}}}}]"#;
        let record = json!({
            "source": 4, "destination": 3, "function": 130, "response_function": 130, "iin": ["DEVICE_RESTART"],
            "sequence": 5, "response_control": ["FIR", "FIN", "CON", "UNS"], "part": 1, "matched": false,
            "objects": [
                {"from": "response", "group": 2, "variation": 3, "qualifier": 40, "count": 1, "points": [
                    {"index": 7, "value": 1, "flags": ["ONLINE", "STATE"], "time": "2004-10-01T10:16:34.018000+0000"}]},
                {"from": "response", "group": 30, "variation": 5, "qualifier": 0, "range": [2, 2], "points": [
                    {"index": 2, "value": 1.0 / 3.0, "flags": []}]},
            ]
        });
        let mut said = None;
        read_frames(dissection, &mut |layers| said = of_dissection(9, &layers[0])).expect("well-formed JSON");
        assert_eq!(said, Some(of_record(Message::dnp3(9, 130), &record)));
    }

    #[test]
    fn a_response_goes_the_other_way_and_counts_its_fragments() {
        let record = json!({
            "source": 3, "destination": 4, "function": 1, "response_function": 129, "iin": ["NEED_TIME"], "sequence": 15,
            "response_control": ["FIN"], "part": 2, "matched": true, "objects": []
        });
        let mut expected = Account::new(Message::dnp3(9, 129));
        let said = [("source", "4"), ("destination", "3"), ("sequence", "0"), ("control", "FIN"), ("iin", "NEED_TIME")];
        for (field, value) in said {
            expected.say(field, value);
        }
        assert_eq!(of_record(Message::dnp3(9, 129), &record), expected);
    }
}
