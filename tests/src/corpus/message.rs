use std::fmt;

use serde_json::Value;

/// A plant protocol.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "the names are the protocols")]
pub enum Protocol {
    Modbus,
    Dnp3,
}

/// What a message is to its exchange.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "the names are the standards'")]
pub enum Kind {
    Request,
    Response,
    Exception,
}

/// A Modbus PDU or DNP3 application fragment, as far as two decoders can be compared on it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Message {
    /// 1-based number of the frame that carries its last byte.
    pub frame: u64,
    /// The protocol.
    pub protocol: Protocol,
    /// What it is to its exchange.
    pub kind: Kind,
    /// Function code, of Modbus without the exception bit.
    pub function: u8,
}

impl Message {
    /// A DNP3 fragment: its function code alone tells who sends it (IEEE 1815 table 4-1).
    pub fn dnp3(frame: u64, function: u8) -> Self {
        let kind = if function < 0x80 { Kind::Request } else { Kind::Response };
        Self { frame, protocol: Protocol::Dnp3, kind, function }
    }

    /// The messages that one line of tagout's events tells of.
    pub fn of_event(event: &Value) -> Vec<Self> {
        let modbus = &event["modbus"];
        if modbus.is_object() { of_modbus(event, modbus) } else { of_dnp3(event) }
    }

    /// Everything but the frame, as the list of explained differences writes it.
    pub fn class(&self) -> String {
        format!("{} {} {}", self.protocol, self.kind, self.function)
    }
}

fn of_modbus(event: &Value, modbus: &Value) -> Vec<Message> {
    let function = code(&modbus["function"]);
    let answer = if modbus["exception"].is_null() { Kind::Response } else { Kind::Exception };
    let sides = [(Kind::Request, &event["request"]), (answer, &event["response"])];
    let messages = sides.into_iter().flat_map(|(kind, side)| frames(side).map(move |frame| (kind, frame)));
    messages.map(|(kind, frame)| Message { frame, protocol: Protocol::Modbus, kind, function }).collect()
}

fn of_dnp3(event: &Value) -> Vec<Message> {
    let sides = ["request", "response"].into_iter().map(|side| &event[side]);
    sides.flat_map(|side| frames(side).map(|frame| Message::dnp3(frame, code(&side["function"])))).collect()
}

/// The frame or frames of one side of an exchange; none if the side was not seen.
fn frames(side: &Value) -> impl Iterator<Item = u64> {
    let frame = &side["frame"];
    let list = frame.as_array().map_or(std::slice::from_ref(frame), Vec::as_slice);
    list.iter().filter_map(Value::as_u64)
}

fn code(value: &Value) -> u8 {
    let number = value.as_u64().unwrap_or_else(|| panic!("a function code, not {value}"));
    u8::try_from(number).expect("function codes are bytes")
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Modbus => "modbus",
            Self::Dnp3 => "dnp3",
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Response => "response",
            Self::Exception => "exception",
        })
    }
}
