//! Modbus: MODBUS Application Protocol V1.1b3 ("AP"); MODBUS Messaging on TCP/IP V1.0b ("TCP");
//! MODBUS over Serial Line V1.02 ("SL").

pub mod ascii;
mod asked;
mod contradiction;
mod diagnostics;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
mod encode;
mod fields;
mod file_record;
pub(crate) mod framing;
mod function;
mod identification;
pub mod mbap;
mod reported;
mod request;
mod response;
pub mod rtu;
mod sums;
#[cfg(test)]
mod tests;
mod umas;

pub use asked::asked;
pub use contradiction::{Contradiction, contradiction};
pub use diagnostics::diagnostic_name;
pub use fields::{Malformed, surplus};
pub use file_record::{FileContents, FileData, FileRecord, FileRecords};
pub use framing::{Adu, Framing};
pub(crate) use function::action;
pub use function::{exception_name, function_class, function_name};
pub use identification::{DEVICE_IDENTIFICATION, Identification, Object, Objects, identification_access, mei_name};
pub use reported::reported;
pub use request::{Request, reach};
pub(crate) use response::refuses;
pub use response::{Response, ServerId};
pub use umas::{umas_function_name, umas_granted_session, umas_owner, umas_result_name};

/// Which way a PDU goes; requests and responses of one function differ in shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// From the client.
    Request,
    /// From the server.
    Response,
}

/// The bit of the function code that marks an exception response (AP 7).
pub const EXCEPTION_BIT: u8 = 0x80;

/// A Modbus request with its response.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// What stood around the PDUs.
    pub framing: Framing,
    /// Unit id: the device behind a gateway. In MBAP, 0 and 255 are the server itself; in RTU and ASCII, 0 is all devices.
    pub unit: u8,
    /// Transaction id of the MBAP header, which no other framing has.
    pub transaction_id: Option<u16>,
    /// Function code without the exception bit.
    pub function: u8,
    /// The request's PDU, from its function code on.
    pub request: Option<&'a [u8]>,
    /// The response's PDU, from its function code on.
    pub response: Option<&'a [u8]>,
}
