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

    /// The messages that one line of tagout's events tells of; none if it is no exchange.
    pub fn of_event(event: &Value) -> Vec<Self> {
        match event["event_type"].as_str() {
            Some("modbus") => of_modbus(event),
            Some("dnp3") => of_dnp3(event),
            _ => Vec::new(),
        }
    }

    /// Everything but the frame, as the list of explained differences writes it.
    pub fn class(&self) -> String {
        format!("{} {} {}", self.protocol, self.kind, self.function)
    }
}

fn of_modbus(event: &Value) -> Vec<Message> {
    let modbus = &event["modbus"];
    let function = code(&modbus["function"]);
    let answer = if modbus["exception"].is_null() { Kind::Response } else { Kind::Exception };
    let sides = [(Kind::Request, frame(event, "request")), (answer, frame(event, "response"))];
    let seen = sides.into_iter().filter_map(|(kind, frame)| Some((kind, frame?)));
    seen.map(|(kind, frame)| Message { frame, protocol: Protocol::Modbus, kind, function }).collect()
}

/// Every fragment of a response is an event of its own, which names the request again. Link frames without a fragment
/// have no function.
fn of_dnp3(event: &Value) -> Vec<Message> {
    let dnp3 = &event["dnp3"];
    let message = |side, function| {
        let frame = frame(event, side).filter(|_| !dnp3[function].is_null());
        frame.map(|frame| Message::dnp3(frame, code(&dnp3[function])))
    };
    let request = message("request", "function").filter(|_| dnp3["part"] == 1);
    request.into_iter().chain(message("response", "response_function")).collect()
}

/// The frame of one side of an exchange; `None` if that side was not seen.
fn frame(event: &Value, side: &str) -> Option<u64> {
    event[side]["frame"].as_u64()
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
