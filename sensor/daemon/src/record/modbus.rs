use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use tagout_core::engine::{Space, Values};
use tagout_core::modbus::{self, Request, Response, exception_name, function_name};

use super::schema::words;

/// The Modbus part of a record.
///
/// For writes `values` is what was written, for reads what was read. A read-write has both under names of their own.
#[derive(Serialize, JsonSchema, Default)]
pub(super) struct Modbus<'a> {
    /// Unit id of the header: the device behind a gateway.
    unit: u8,
    /// Transaction id of the MBAP header.
    transaction_id: u16,
    /// Function code without the exception bit.
    function: u8,
    /// The function's name, if it is public.
    #[serde(skip_serializing_if = "Option::is_none")]
    function_name: Option<&'static str>,
    /// Whether the function reads or writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["read", "write", "read-write"]))]
    access: Option<&'static str>,
    /// What the addresses count.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = words(Space::ALL, Space::name)))]
    table: Option<&'static str>,
    /// First address, from 0 as on the wire.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<u16>,
    /// How many addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<u16>,
    /// What was written, or what was read: registers as numbers, bits as 0 and 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<u16>")]
    values: Option<Numbers<'a>>,
    /// Function 23: first address to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_address: Option<u16>,
    /// Function 23: how many to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_quantity: Option<u16>,
    /// Function 23: what was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<u16>")]
    read_values: Option<Numbers<'a>>,
    /// Function 23: first address to write.
    #[serde(skip_serializing_if = "Option::is_none")]
    write_address: Option<u16>,
    /// Function 23: how many to write.
    #[serde(skip_serializing_if = "Option::is_none")]
    write_quantity: Option<u16>,
    /// Function 23: what was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<u16>")]
    write_values: Option<Numbers<'a>>,
    /// Function 22: bits of the register to keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    and_mask: Option<u16>,
    /// Function 22: bits to set where they are not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    or_mask: Option<u16>,
    /// Exception code with which the device refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<u8>,
    /// Its name, if it is public.
    #[serde(skip_serializing_if = "Option::is_none")]
    exception_name: Option<&'static str>,
    /// Whether both request and response were seen.
    matched: bool,
    /// Microseconds from request to response.
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_us: Option<u64>,
}

impl<'a> Modbus<'a> {
    pub(super) fn of(exchange: &modbus::Exchange<'a>, latency_us: Option<u64>) -> Self {
        let mut record = Self {
            unit: exchange.unit,
            transaction_id: exchange.transaction_id,
            function: exchange.function,
            function_name: function_name(exchange.function),
            access: access(exchange.function),
            matched: exchange.request.is_some() && exchange.response.is_some(),
            latency_us,
            ..Self::default()
        };
        let request = exchange.request.and_then(|pdu| Request::parse(pdu).ok());
        if let Some(request) = request {
            record.ask(request);
        }
        if let Some(response) = exchange.response.and_then(|pdu| Response::parse(pdu).ok()) {
            record.answer(request, response);
        }
        record
    }

    fn ask(&mut self, request: Request<'a>) {
        match request {
            Request::Read { table, address, quantity } => self.span(table, address, quantity),
            Request::Write { table, address, quantity, values } => {
                self.span(table, address, quantity);
                self.values = Some(Numbers { values, limit: usize::from(quantity) });
            }
            Request::MaskWrite { address, and_mask, or_mask } => {
                self.span(Space::HoldingRegister, address, 1);
                self.and_mask = Some(and_mask);
                self.or_mask = Some(or_mask);
            }
            Request::ReadWrite { read_address, read_quantity, write_address, write_quantity, values } => {
                self.table = Some(Space::HoldingRegister.name());
                self.read_address = Some(read_address);
                self.read_quantity = Some(read_quantity);
                self.write_address = Some(write_address);
                self.write_quantity = Some(write_quantity);
                self.write_values = Some(Numbers { values, limit: usize::from(write_quantity) });
            }
            _ => {}
        }
    }

    fn span(&mut self, table: Space, address: u16, quantity: u16) {
        self.table = Some(table.name());
        self.address = Some(address);
        self.quantity = Some(quantity);
    }

    fn answer(&mut self, request: Option<Request<'a>>, response: Response<'a>) {
        match response {
            Response::Exception { code } => {
                self.exception = Some(code);
                self.exception_name = exception_name(code);
            }
            Response::Values { table, values } => {
                self.table = Some(table.name());
                let limit = self.quantity.or(self.read_quantity).map_or(usize::MAX, usize::from);
                let read = Some(Numbers { values, limit });
                match request {
                    Some(Request::ReadWrite { .. }) => self.read_values = read,
                    _ => self.values = read,
                }
            }
            Response::Written { address, .. } if request.is_none() => self.address = Some(address),
            _ => {}
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

/// The values of consecutive addresses, at most `limit` of them, as a list of numbers; bits are 0 and 1.
struct Numbers<'a> {
    values: Values<'a>,
    limit: usize,
}

impl Serialize for Numbers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.values {
            Values::Bits(bytes) => {
                let bits = bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
                serializer.collect_seq(bits.take(self.limit))
            }
            Values::Registers(bytes) => {
                let registers = bytes.as_chunks().0.iter().map(|pair| u16::from_be_bytes(*pair));
                serializer.collect_seq(registers.take(self.limit))
            }
            Values::Number(value) => serializer.collect_seq([value]),
            Values::None | Values::Unknown => serializer.collect_seq([0_u8; 0]),
        }
    }
}
