//! Modbus: MODBUS Application Protocol V1.1b3; Messaging on TCP/IP Implementation Guide V1.0b.

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
