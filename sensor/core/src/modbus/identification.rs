//! Function 43: encapsulated interfaces, of which MEI type 14 identifies the device (AP 6.19 to 6.21).

use super::fields::{Malformed, equal, octet, rest, within};
use super::function::Length;

/// MEI type of CANopen General Reference.
pub(super) const CANOPEN: u8 = 0x0D;
/// MEI type of Read Device Identification.
pub const DEVICE_IDENTIFICATION: u8 = 0x0E;
/// Read device id code that asks for one object.
pub(super) const INDIVIDUAL: u8 = 0x04;
/// Octets of a Read Device Identification response before its objects.
const HEADER_LEN: usize = 7;

/// The name of an encapsulated interface (AP 6.19); reserved ones have none.
pub const fn mei_name(mei: u8) -> Option<&'static str> {
    match mei {
        CANOPEN => Some("canopen-general-reference"),
        DEVICE_IDENTIFICATION => Some("read-device-identification"),
        _ => None,
    }
}

/// What a read device id code asks for (AP 6.21).
pub const fn identification_access(code: u8) -> Option<&'static str> {
    Some(match code {
        1 => "basic",
        2 => "regular",
        3 => "extended",
        INDIVIDUAL => "individual",
        _ => return None,
    })
}

/// What a device says of itself in one response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identification<'a> {
    /// Read device id code: 1 basic, 2 regular, 3 extended, 4 one object.
    pub code: u8,
    /// What the device can tell: 1 to 3 as for the code, with bit 7 if single objects may be asked for.
    pub conformity: u8,
    /// Whether another request will bring more.
    pub more_follows: bool,
    /// The object to ask for then.
    pub next_object: u8,
    /// How many objects this response has.
    pub count: u8,
    /// The objects.
    pub objects: Objects<'a>,
}

impl<'a> Identification<'a> {
    /// Reads a response that has the length that its objects say.
    pub(super) fn parse(pdu: &'a [u8]) -> Result<Self, Malformed> {
        let (code, more_follows) = (octet(pdu, 2)?, octet(pdu, 4)?);
        within("read device id code", 2, u16::from(code), 1..=u16::from(INDIVIDUAL))?;
        if !matches!(more_follows, 0x00 | 0xFF) {
            equal("more follows", 4, 0xFF, usize::from(more_follows))?;
        }
        Ok(Self {
            code,
            conformity: octet(pdu, 3)?,
            more_follows: more_follows != 0,
            next_object: octet(pdu, 5)?,
            count: octet(pdu, 6)?,
            objects: Objects { bytes: rest(pdu, HEADER_LEN) },
        })
    }
}

/// One object of a device's identification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Object<'a> {
    /// Object id.
    pub id: u8,
    /// ASCII text in basic and regular objects, anything in extended ones.
    pub value: &'a [u8],
}

impl Object<'_> {
    /// The object's name, if the specification assigns one (AP 6.21).
    pub const fn name(&self) -> Option<&'static str> {
        Some(match self.id {
            0x00 => "vendor-name",
            0x01 => "product-code",
            0x02 => "major-minor-revision",
            0x03 => "vendor-url",
            0x04 => "product-name",
            0x05 => "model-name",
            0x06 => "user-application-name",
            _ => return None,
        })
    }

    /// The category of objects that it belongs to.
    pub const fn category(&self) -> &'static str {
        match self.id {
            0x00..=0x02 => "basic",
            0x03..=0x7F => "regular",
            0x80..=0xFF => "extended",
        }
    }
}

/// The objects of a response, in their order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Objects<'a> {
    bytes: &'a [u8],
}

impl<'a> Iterator for Objects<'a> {
    type Item = Object<'a>;

    fn next(&mut self) -> Option<Object<'a>> {
        let ([id, length], rest) = self.bytes.split_first_chunk()?;
        let (value, rest) = rest.split_at_checked(usize::from(*length))?;
        self.bytes = rest;
        Some(Object { id: *id, value })
    }
}

/// The length of a response, which its objects tell one by one.
pub(super) fn response_length(pdu: &[u8]) -> Length {
    let Some(&count) = pdu.get(HEADER_LEN.saturating_sub(1)) else { return Length::Needs(HEADER_LEN) };
    let mut end = HEADER_LEN;
    for _ in 0..count {
        let value = end.saturating_add(2);
        match pdu.get(end.saturating_add(1)) {
            Some(&length) => end = value.saturating_add(usize::from(length)),
            None => return Length::Needs(value),
        }
    }
    Length::Exact(end)
}
