use serde_json::Value;

use super::account::Account;
use super::dissection::{Node, number};
use super::message::{Kind, Message};
use super::record;
use super::tshark::Frame;

/// A field that both decoders tell: its key in the `modbus` part of tagout's record, and what tshark calls it.
struct Row {
    kinds: &'static [Kind],
    functions: &'static [u8],
    key: &'static str,
    tshark: &'static [&'static str],
    reading: Reading,
}

/// How tshark's text becomes what the record has.
#[derive(Clone, Copy)]
enum Reading {
    /// A number, decimal or hexadecimal.
    Number,
    /// The upper or lower half of a number of 32 bits.
    Upper,
    Lower,
    /// A character, in the upper half of a word.
    Delimiter,
    /// Octets, two of them a register.
    Registers,
    /// The first octet of a coil's value: 0xFF is on.
    Coil,
    /// Octets, their bits those of the coils, as many as `modbus.bit_cnt` says.
    Bits,
    /// An octet: 0xFF is true.
    Flag,
    /// A single octet.
    Octet,
    /// Octets in hexadecimal.
    Octets,
    /// The same behind a byte count.
    Counted,
    /// The first or the second octet, or what is behind them.
    First,
    Second,
    Behind,
    /// As it stands.
    Text,
}

use Kind::{Exception, Request, Response};
use Reading::{
    Behind, Bits, Coil, Counted, Delimiter, First, Flag, Lower, Number, Octet, Octets, Registers, Second, Text, Upper,
};

const BOTH: &[Kind] = &[Request, Response];

const fn row(
    kinds: &'static [Kind],
    functions: &'static [u8],
    key: &'static str,
    tshark: &'static [&'static str],
    reading: Reading,
) -> Row {
    Row { kinds, functions, key, tshark, reading }
}

/// Fields of the functions that AP defines, and of UMAS (90), which tshark leaves undissected. What a record tells once, in request or response, is compared with both.
#[rustfmt::skip]
const DEFINED: &[Row] = &[
    row(&[Request], &[1, 2, 3, 4, 24], "address", &["modbus.reference_num"], Number),
    row(BOTH, &[5, 6, 15, 16, 22], "address", &["modbus.reference_num"], Number),
    row(&[Request], &[1, 2], "quantity", &["modbus.bit_cnt"], Number),
    row(&[Request], &[3, 4], "quantity", &["modbus.word_cnt"], Number),
    row(BOTH, &[15], "quantity", &["modbus.bit_cnt"], Number),
    row(BOTH, &[16], "quantity", &["modbus.word_cnt"], Number),
    row(&[Response], &[24], "quantity", &["modbus.word_cnt"], Number),
    row(&[Response], &[1, 2], "values", &["modbus.bitval"], Number),
    row(&[Response], &[3, 4], "values", &["modbus.regval_uint16"], Number),
    row(BOTH, &[5], "values", &["modbus.data"], Coil),
    row(BOTH, &[6], "values", &["modbus.data"], Registers),
    row(&[Request], &[15], "values", &["modbus.data"], Bits),
    row(&[Request], &[16], "values", &["modbus.regval_uint16"], Number),
    row(&[Response], &[24], "values", &["modbus.data"], Registers),
    row(BOTH, &[22], "and_mask", &["modbus.and_mask"], Number),
    row(BOTH, &[22], "or_mask", &["modbus.or_mask"], Number),
    row(&[Request], &[23], "read_address", &["modbus.read_reference_num"], Number),
    row(&[Request], &[23], "read_quantity", &["modbus.read_word_cnt"], Number),
    row(&[Request], &[23], "write_address", &["modbus.write_reference_num"], Number),
    row(&[Request], &[23], "write_quantity", &["modbus.write_word_cnt"], Number),
    row(&[Request], &[23], "write_values", &["modbus.data"], Registers),
    row(&[Response], &[23], "read_values", &["modbus.data"], Registers),
    row(&[Response], &[7], "exception_status", &["modbus.data"], Octet),
    row(BOTH, &[8], "diagnostic.sub_function", &["modbus.diagnostic_code"], Number),
    row(&[Request], &[8], "diagnostic.request", &["modbus.data", "modbus.diagnostic.return_query_data.request"], Registers),
    row(&[Request], &[8], "diagnostic.request", &["modbus.diagnostic.restart_communication_option"], Number),
    row(&[Request], &[8], "diagnostic.request", &["modbus.diagnostic.ascii_input_delimiter"], Delimiter),
    row(&[Response], &[8], "diagnostic.response", &["modbus.data", "modbus.diagnostic.return_query_data.echo"], Registers),
    row(&[Response], &[8], "diagnostic.response", &[
        "modbus.diagnostic.restart_communication_option", "modbus.diagnostic.return_diag_register",
        "modbus.diagnostic.clear_ctr_diag_reg",
        "modbus.diagnostic.bus_message_count", "modbus.diagnostic.bus_comm_error_count",
        "modbus.diagnostic.bus_exception_error_count", "modbus.diagnostic.slave_message_count",
        "modbus.diagnostic.no_slave_response_count", "modbus.diagnostic.slave_nak_count",
        "modbus.diagnostic.slave_busy_count", "modbus.diagnostic.bus_char_overrun_count",
    ], Number),
    row(&[Response], &[8], "diagnostic.response", &["modbus.diagnostic.ascii_input_delimiter"], Delimiter),
    row(&[Response], &[11], "event_counter.status", &["modbus.ev_status"], Number),
    row(&[Response], &[11], "event_counter.events", &["modbus.ev_count"], Number),
    row(&[Response], &[12], "event_log.status", &["modbus.ev_status"], Number),
    row(&[Response], &[12], "event_log.events", &["modbus.ev_count"], Number),
    row(&[Response], &[12], "event_log.messages", &["modbus.ev_msg_count"], Number),
    row(&[Response], &[12], "event_log.log", &["modbus.event"], Number),
    row(&[Response], &[17], "server_id.id", &["modbus.data"], Counted),
    row(BOTH, &[20, 21], "file_records.reference_type", &["modbus.reference_type"], Number),
    row(&[Request], &[20, 21], "file_records.file", &["modbus.reference_num_32"], Upper),
    row(&[Request], &[20, 21], "file_records.record", &["modbus.reference_num_32"], Lower),
    row(&[Request], &[20, 21], "file_records.length", &["modbus.word_cnt"], Number),
    row(&[Response], &[20], "file_records.values", &["modbus.data"], Registers),
    row(BOTH, &[21], "file_records.values", &["modbus.data"], Registers),
    row(BOTH, &[43], "mei", &["modbus.mei"], Number),
    row(BOTH, &[43], "device_identification.code", &["modbus.read_device_id"], Number),
    row(&[Request], &[43], "device_identification.object_id", &["modbus.object_id"], Number),
    row(&[Response], &[43], "device_identification.conformity", &["modbus.conformity_level"], Number),
    row(&[Response], &[43], "device_identification.more_follows", &["modbus.more_follows"], Flag),
    row(&[Response], &[43], "device_identification.next_object_id", &["modbus.next_object_id"], Number),
    row(&[Response], &[43], "device_identification.objects.id", &["modbus.object_id"], Number),
    row(&[Response], &[43], "device_identification.objects.value", &["modbus.object_str_value"], Text),
    row(&[Response], &[43], "device_identification.objects.data", &["modbus.object_value"], Octets),
    row(BOTH, &[90], "umas.session", &["modbus.data"], First),
    row(&[Request], &[90], "umas.function", &["modbus.data"], Second),
    row(&[Response], &[90], "umas.result", &["modbus.data"], Second),
    row(&[Request], &[90], "request_data", &["modbus.data"], Behind),
    row(&[Response], &[90], "response_data", &["modbus.data"], Behind),
];

/// Fields of the functions that AP does not define.
#[rustfmt::skip]
const UNDEFINED: &[Row] = &[
    row(&[Request], &[], "request_data", &["modbus.data"], Octets),
    row(&[Response], &[], "response_data", &["modbus.data"], Octets),
];

const EXCEPTION: &[Row] = &[row(&[Exception], &[], "exception", &["modbus.exception_code"], Number)];

/// What stands before every PDU: keys of the record, and tshark's names in Modbus/TCP and in RTU.
#[rustfmt::skip]
const HEADER: &[Row] = &[
    row(&[], &[], "unit", &["mbtcp.unit_id", "mbrtu.unit_id"], Number),
    row(&[], &[], "transaction_id", &["mbtcp.trans_id"], Number),
];

/// What tshark says of a PDU behind its header; `None` if it could not even tell a function.
pub(super) fn of_dissection(frame: &Frame, header: Option<&Node>, pdu: &Node) -> Option<Account> {
    let function = u8::try_from(pdu.number("modbus.func_code")?).ok()?;
    let message = frame.modbus(function, pdu.number("modbus.exception_code").is_some());
    let mut account = Account::new(message);
    if let Some(header) = header {
        HEADER.iter().for_each(|row| row.say(&mut account, header));
    }
    rows_of(message).for_each(|row| row.say(&mut account, pdu));
    Some(account)
}

/// What a record of an exchange says of one of its messages.
pub(super) fn of_record(message: Message, modbus: &Value) -> Account {
    let mut account = Account::new(message);
    let mut keys: Vec<&str> = HEADER.iter().chain(rows_of(message)).map(|row| row.key).collect();
    keys.dedup();
    for key in keys {
        record::texts_at(modbus, key).iter().for_each(|value| account.say(key, value));
    }
    account
}

/// The fields of a message that are compared.
fn rows_of(message: Message) -> impl Iterator<Item = &'static Row> {
    let defined = DEFINED.iter().any(|row| row.functions.contains(&message.function));
    let rows = match (message.kind, defined) {
        (Exception, _) => EXCEPTION,
        (_, true) => DEFINED,
        (_, false) => UNDEFINED,
    };
    let concerned = move |row: &&Row| row.functions.is_empty() || row.functions.contains(&message.function);
    rows.iter().filter(move |row| row.kinds.contains(&message.kind)).filter(concerned)
}

impl Row {
    fn say(&self, account: &mut Account, node: &Node) {
        for text in self.tshark.iter().flat_map(|name| node.values(name)) {
            self.reading.values(text, node).iter().for_each(|value| account.say(self.key, value));
        }
    }
}

impl Reading {
    fn values(self, text: &str, pdu: &Node) -> Vec<String> {
        let octets = || text.split(':').filter_map(|octet| u16::from_str_radix(octet, 16).ok()).collect::<Vec<_>>();
        let numbers: Vec<u64> = match self {
            Number => number(text).into_iter().collect(),
            Upper => number(text).map(|number| number >> 16).into_iter().collect(),
            Lower => number(text).map(|number| number & 0xFFFF).into_iter().collect(),
            Delimiter => number(text).map(|character| character << 8).into_iter().collect(),
            Registers => octets().chunks_exact(2).map(|pair| u64::from(pair[0] << 8 | pair[1])).collect(),
            Coil => vec![u64::from(octets().first() == Some(&0xFF))],
            Bits => bits(&octets(), pdu.number("modbus.bit_cnt")),
            Octet => octets().into_iter().map(u64::from).collect(),
            Flag => return vec![(number(text) == Some(0xFF)).to_string()],
            Octets => return vec![text.replace(':', "")],
            Counted => return vec![text.replace(':', "").split_off(2)],
            First => octets().first().copied().map(u64::from).into_iter().collect(),
            Second => octets().get(1).copied().map(u64::from).into_iter().collect(),
            Behind => return text.get(6..).map(|rest| rest.replace(':', "")).into_iter().collect(),
            Text => return vec![text.to_owned()],
        };
        numbers.iter().map(u64::to_string).collect()
    }
}

fn bits(octets: &[u16], count: Option<u64>) -> Vec<u64> {
    let bits = octets.iter().flat_map(|octet| (0..8).map(move |bit| u64::from(octet >> bit & 1)));
    bits.take(count.unwrap_or(0) as usize).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::corpus::message::Protocol;

    fn node(name: &str, value: &str) -> Node {
        Node { name: name.to_owned(), value: value.to_owned(), children: Vec::new() }
    }

    /// What tshark says of a message of the device, or of its client, in these fields.
    fn dissected(kind: Kind, fields: &[(&str, &str)]) -> Account {
        let port = if kind == Request { "40000" } else { "502" };
        let children = fields.iter().map(|(name, value)| node(name, value)).collect();
        let frame = Frame::of(&[node("frame.number", "9"), node("tcp.srcport", port)]);
        let header =
            Node { children: vec![node("mbtcp.trans_id", "258"), node("mbtcp.unit_id", "1")], ..Node::default() };
        of_dissection(&frame, Some(&header), &Node { children, ..Node::default() }).expect("a function")
    }

    fn recorded(kind: Kind, record: &Value) -> Account {
        let function = record["function"].as_u64().and_then(|code| u8::try_from(code).ok()).expect("a function code");
        of_record(Message { frame: 9, protocol: Protocol::Modbus, kind, function }, record)
    }

    #[test]
    fn both_decoders_say_the_same_of_a_write_and_its_answer() {
        let record = json!({
            "transaction_id": 258, "unit": 1, "function": 15, "address": 19, "quantity": 10,
            "values": [1, 0, 1, 1, 0, 0, 1, 1, 1, 0]
        });
        let span = [("modbus.func_code", "15"), ("modbus.reference_num", "19"), ("modbus.bit_cnt", "10")];
        assert_eq!(dissected(Request, &[&span[..], &[("modbus.data", "cd:01")]].concat()), recorded(Request, &record));
        assert_eq!(dissected(Response, &span), recorded(Response, &record));
    }

    #[test]
    fn undefined_functions_are_octets_and_exceptions_a_code() {
        let record = json!({"transaction_id": 258, "unit": 1, "function": 65, "request_data": "0a0b", "exception": 1});
        let request = dissected(Request, &[("modbus.func_code", "65"), ("modbus.data", "0a:0b")]);
        assert_eq!(request, recorded(Request, &record));
        let refusal = dissected(Response, &[("modbus.func_code", "65"), ("modbus.exception_code", "1")]);
        assert_eq!(refusal, recorded(Exception, &record));
    }

    #[test]
    fn lists_of_objects_are_taken_apart() {
        let record = json!({
            "transaction_id": 258, "unit": 1, "function": 43, "mei": 14,
            "device_identification": {
                "code": 1, "conformity": 129, "more_follows": false, "next_object_id": 0,
                "objects": [{"id": 0, "value": "Some maker"}, {"id": 1, "value": "P34"}]
            }
        });
        let told = dissected(
            Response,
            &[
                ("modbus.func_code", "43"),
                ("modbus.mei", "14"),
                ("modbus.read_device_id", "1"),
                ("modbus.conformity_level", "0x81"),
                ("modbus.more_follows", "0x00"),
                ("modbus.next_object_id", "0"),
                ("modbus.object_id", "0"),
                ("modbus.object_str_value", "Some maker"),
                ("modbus.object_id", "1"),
                ("modbus.object_str_value", "P34"),
            ],
        );
        assert_eq!(told, recorded(Response, &record));
    }
}
