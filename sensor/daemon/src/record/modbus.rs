mod details;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use tagout_core::engine::{Space, Values};
use tagout_core::modbus::{
    self, DEVICE_IDENTIFICATION, Direction, EXCEPTION_BIT, Framing, Request, Response, exception_name, function_class,
    function_name, mei_name, reach, surplus,
};

use super::text::{Hex, Text};
use details::Details;

/// What a coil is switched to, as a response tells it.
const SWITCHED_ON: u16 = 0xFF00;

/// The Modbus part of a record.
///
/// For writes `values` is what was written, for reads what was read. A read-write has both under names of their own.
#[derive(Serialize, JsonSchema, Default)]
pub(super) struct Modbus<'a> {
    /// Unit id: the device behind a gateway, 0 or 255 for the server itself.
    unit: u8,
    /// Transaction id of the MBAP header, which no other framing has.
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<u16>,
    /// What stood around the PDUs, where it was not the MBAP header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["rtu", "ascii"]))]
    framing: Option<&'static str>,
    /// Function code, without the bit that marks exceptions.
    function: u8,
    /// The function's name in the specification, or in wide use.
    #[serde(skip_serializing_if = "Option::is_none")]
    function_name: Option<&'static str>,
    /// What the function code is, if the specification does not assign it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["invalid", "user-defined", "reserved", "unassigned"]))]
    function_class: Option<&'static str>,
    /// Whether it reads or writes values or files.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["read", "write", "read-write"]))]
    access: Option<&'static str>,
    /// What is read or written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["coil", "discrete-input", "holding-register", "input-register"]))]
    table: Option<&'static str>,
    /// The first address, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<u16>,
    /// How many addresses; of a queue, how many registers it held.
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<u16>,
    /// What was read or written: bits are 0 and 1, registers as they are on the wire.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<u16>")]
    values: Option<Numbers<'a>>,
    /// The first address that a read-write reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_address: Option<u16>,
    /// How many addresses a read-write reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_quantity: Option<u16>,
    /// What a read-write read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<u16>")]
    read_values: Option<Numbers<'a>>,
    /// The first address that a read-write writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    write_address: Option<u16>,
    /// How many addresses a read-write writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    write_quantity: Option<u16>,
    /// What a read-write wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<u16>")]
    write_values: Option<Numbers<'a>>,
    /// The bits that a mask write leaves as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    and_mask: Option<u16>,
    /// The bits that a mask write sets among those it does not leave.
    #[serde(skip_serializing_if = "Option::is_none")]
    or_mask: Option<u16>,
    /// With what exception code the device refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<u8>,
    /// The exception's name in the specification.
    #[serde(skip_serializing_if = "Option::is_none")]
    exception_name: Option<&'static str>,
    /// MEI type: which interface is encapsulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    mei: Option<u8>,
    /// The interface's name in the specification.
    #[serde(skip_serializing_if = "Option::is_none")]
    mei_name: Option<&'static str>,
    /// What the functions say that are not about values.
    #[serde(flatten)]
    details: Option<Details<'a>>,
    /// Octets of the request that no other field tells, in hexadecimal: the data of functions that the specification does
    /// not define, octets behind the last field, or all behind the function code of a request that cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_data: Option<Text<Hex<'a>>>,
    /// The same of the response; of one with another function than the request's, all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_data: Option<Text<Hex<'a>>>,
    /// Whether both request and response were seen.
    matched: bool,
    /// Microseconds from request to response.
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_us: Option<u64>,
}

impl<'a> Modbus<'a> {
    pub(super) fn of(exchange: &modbus::Exchange<'a>, latency_us: Option<u64>) -> Self {
        let request = exchange.request.and_then(|pdu| Request::parse(pdu).ok());
        let is_own = |pdu: &[u8]| pdu.first().is_some_and(|code| code & !EXCEPTION_BIT == exchange.function);
        let response = exchange.response.filter(|pdu| is_own(pdu)).and_then(|pdu| Response::parse(pdu).ok());
        let mut record = Self {
            unit: exchange.unit,
            transaction_id: exchange.transaction_id,
            framing: (exchange.framing != Framing::Mbap).then_some(exchange.framing.name()),
            function: exchange.function,
            function_name: function_name(exchange.function),
            function_class: function_class(exchange.function),
            access: access(exchange.function),
            details: Details::of(request, response),
            request_data: exchange.request.and_then(|pdu| untold(request_data(pdu, request))),
            response_data: exchange
                .response
                .and_then(|pdu| untold(if is_own(pdu) { response_data(pdu, response) } else { pdu })),
            matched: exchange.request.is_some() && exchange.response.is_some(),
            latency_us,
            ..Self::default()
        };
        if let Some(request) = request {
            record.ask(request);
        }
        if let Some(response) = response {
            record.answer(request, response);
        }
        record
    }

    fn ask(&mut self, request: Request<'a>) {
        match request {
            Request::Read { table, address, quantity } => self.span(table, address, quantity),
            Request::Write { table, address, quantity, values } => {
                self.span(table, address, quantity);
                self.values = Numbers::of(values, Some(reach(table, quantity, values)));
            }
            Request::MaskWrite { address, and_mask, or_mask } => self.mask(address, and_mask, or_mask),
            Request::ReadWrite { read_address, read_quantity, write_address, write_quantity, values } => {
                self.table = Some(Space::HoldingRegister.name());
                self.read_address = Some(read_address);
                self.read_quantity = Some(read_quantity);
                self.write_address = Some(write_address);
                self.write_quantity = Some(write_quantity);
                self.write_values = Numbers::of(values, Some(reach(Space::HoldingRegister, write_quantity, values)));
            }
            Request::Cut { table, address, quantity, .. } => {
                self.table = Some(table.name());
                self.address = Some(address);
                self.quantity = quantity;
            }
            Request::ReadFifo { address } => {
                self.table = Some(Space::HoldingRegister.name());
                self.address = Some(address);
            }
            Request::ReadIdentification { .. } => self.interface(DEVICE_IDENTIFICATION),
            Request::Encapsulated { mei, .. } => self.interface(mei),
            _ => {}
        }
    }

    fn span(&mut self, table: Space, address: u16, quantity: u16) {
        self.table = Some(table.name());
        self.address = Some(address);
        self.quantity = Some(quantity);
    }

    fn mask(&mut self, address: u16, and_mask: u16, or_mask: u16) {
        self.span(Space::HoldingRegister, address, 1);
        self.and_mask = Some(and_mask);
        self.or_mask = Some(or_mask);
    }

    fn interface(&mut self, mei: u8) {
        self.mei = Some(mei);
        self.mei_name = mei_name(mei);
    }

    fn answer(&mut self, request: Option<Request<'a>>, response: Response<'a>) {
        match response {
            Response::Exception { code } => {
                self.exception = Some(code);
                self.exception_name = exception_name(code);
            }
            Response::Values { table, values } => {
                self.table = Some(table.name());
                let read = Numbers::of(values, self.quantity.or(self.read_quantity));
                match self.function {
                    23 => self.read_values = read,
                    _ => self.values = read,
                }
            }
            Response::Fifo { count, values } => {
                self.table = Some(Space::HoldingRegister.name());
                self.quantity = Some(count);
                self.values = Numbers::of(values, None);
            }
            _ if request.is_none() => self.confirm(response),
            _ => {}
        }
    }

    /// Takes from a response what its request would have said.
    fn confirm(&mut self, response: Response<'a>) {
        match response {
            Response::Written { address, echo } => self.confirm_write(address, echo),
            Response::MaskWritten { address, and_mask, or_mask } => self.mask(address, and_mask, or_mask),
            Response::Identification(_) => self.interface(DEVICE_IDENTIFICATION),
            Response::Encapsulated { mei, .. } => self.interface(mei),
            _ => {}
        }
    }

    fn confirm_write(&mut self, address: u16, echo: u16) {
        match self.function {
            5 => {
                self.span(Space::Coil, address, 1);
                self.values = Some(Numbers::One((echo == SWITCHED_ON).into()));
            }
            6 => {
                self.span(Space::HoldingRegister, address, 1);
                self.values = Some(Numbers::One(echo));
            }
            15 => self.span(Space::Coil, address, echo),
            _ => self.span(Space::HoldingRegister, address, echo),
        }
    }
}

/// Whether a function reads or writes.
const fn access(function: u8) -> Option<&'static str> {
    match function {
        1..=4 | 20 | 24 => Some("read"),
        5 | 6 | 15 | 16 | 21 | 22 => Some("write"),
        23 => Some("read-write"),
        _ => None,
    }
}

/// The octets of a request that its fields do not tell.
fn request_data<'a>(pdu: &'a [u8], request: Option<Request<'a>>) -> &'a [u8] {
    match request {
        None | Some(Request::Cut { .. }) => pdu.get(1..).unwrap_or_default(),
        Some(Request::Write { values: Values::Registers(octets), .. }) if octets.len() % 2 == 1 => octets,
        Some(Request::Write { values: Values::Unknown, .. }) => pdu.get(3..).unwrap_or_default(),
        Some(Request::Diagnostic { data, .. }) if data.len() % 2 == 1 => data,
        Some(Request::Encapsulated { data, .. } | Request::Umas { data, .. } | Request::Other { data, .. }) => data,
        Some(_) => surplus(pdu, Direction::Request),
    }
}

/// The octets of a response that its fields do not tell.
fn response_data<'a>(pdu: &'a [u8], response: Option<Response<'a>>) -> &'a [u8] {
    match response {
        None => pdu.get(1..).unwrap_or_default(),
        Some(Response::Diagnostic { data, .. }) if data.len() % 2 == 1 => data,
        Some(Response::Encapsulated { data, .. } | Response::Umas { data, .. } | Response::Other { data, .. }) => data,
        Some(_) => surplus(pdu, Direction::Response),
    }
}

fn untold(octets: &[u8]) -> Option<Text<Hex<'_>>> {
    (!octets.is_empty()).then_some(Text(Hex(octets)))
}

/// The values of consecutive addresses as a list of numbers; bits are 0 and 1.
enum Numbers<'a> {
    /// The first so many bits of these octets.
    Bits(&'a [u8], usize),
    /// The first so many registers of these octets.
    Registers(&'a [u8], usize),
    One(u16),
}

impl<'a> Numbers<'a> {
    /// The first `limit` values, or all.
    fn of(values: Values<'a>, limit: Option<u16>) -> Option<Self> {
        let limit = limit.map_or(usize::MAX, usize::from);
        match values {
            Values::Bits(octets) => Some(Self::Bits(octets, limit)),
            Values::Registers(octets) => Some(Self::Registers(octets, limit)),
            Values::Number(_) | Values::None | Values::Unknown => None,
        }
    }

    /// All registers of these octets.
    const fn registers(octets: &'a [u8]) -> Self {
        Self::Registers(octets, usize::MAX)
    }
}

impl Serialize for Numbers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Bits(octets, limit) => {
                let bits = octets.iter().flat_map(|octet| (0..8).map(move |bit| octet >> bit & 1));
                serializer.collect_seq(bits.take(limit))
            }
            Self::Registers(octets, limit) => {
                let registers = octets.as_chunks().0.iter().map(|pair| u16::from_be_bytes(*pair));
                serializer.collect_seq(registers.take(limit))
            }
            Self::One(value) => serializer.collect_seq([value]),
        }
    }
}
