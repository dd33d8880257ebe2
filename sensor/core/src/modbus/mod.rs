//! Modbus: MODBUS Application Protocol V1.1b3 ("AP"); MODBUS Messaging on TCP/IP V1.0b ("TCP").

mod contradiction;
mod diagnostics;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
mod encode;
mod fields;
mod file_record;
mod function;
mod identification;
pub mod mbap;
mod request;
mod response;
#[cfg(test)]
mod tests;
mod umas;

pub use contradiction::{Contradiction, contradiction};
pub use diagnostics::diagnostic_name;
pub use fields::{Malformed, surplus};
pub use file_record::{FileContents, FileData, FileRecord, FileRecords};
pub(crate) use function::action;
pub use function::{exception_name, function_class, function_name};
pub use identification::{DEVICE_IDENTIFICATION, Identification, Object, Objects, identification_access, mei_name};
pub use request::Request;
pub use response::{Response, ServerId};
pub(crate) use response::refuses;
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
    /// Unit id: the device behind a gateway, 0 or 255 for the server itself.
    pub unit: u8,
    /// Transaction id of the MBAP header.
    pub transaction_id: u16,
    /// Function code without the exception bit.
    pub function: u8,
    /// The request's PDU, from its function code on.
    pub request: Option<&'a [u8]>,
    /// The response's PDU, from its function code on.
    pub response: Option<&'a [u8]>,
}
