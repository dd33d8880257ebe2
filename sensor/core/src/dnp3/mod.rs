//! DNP3: IEEE Std 1815-2012.

/// A DNP3 request with its response, or a message that stands alone.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// Link address of the master.
    pub master: u16,
    /// Link address of the outstation.
    pub outstation: u16,
    /// The request's application fragment, from its application control octet on.
    pub request: Option<&'a [u8]>,
    /// The response's application fragment, from its application control octet on.
    pub response: Option<&'a [u8]>,
    /// 1 for the first fragment of a response, 2 for the next, and so on; every fragment is a record of its own.
    pub part: u16,
}
