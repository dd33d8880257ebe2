//! What a device says of itself: storage, profile and private objects (groups 81 to 83), the configuration that it
//! activates (group 91).

use super::code::codes;
use super::fields::{Fields, Misfit};
use super::value::Value;

/// An object in which a device speaks of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceObject<'a> {
    /// Group 81 variation 1: how full a buffer is.
    Storage {
        /// Percent of the buffer that are taken.
        fill_percent: u8,
        /// True when the buffer overflowed.
        overflow: bool,
        /// The group of the objects in it.
        group: u8,
        /// Their variation.
        variation: u8,
    },
    /// Group 82 variation 1: which functions and points the device has.
    Profile {
        /// A bit for each function code from 0 on.
        functions: u64,
        /// How many object headers follow.
        count: u16,
        /// They themselves.
        headers: &'a [u8],
    },
    /// Group 83 variation 1: an object of a vendor's own.
    Private {
        /// The vendor's code.
        vendor: [u8; 4],
        /// The vendor's number of the object.
        object: u16,
        /// The object.
        data: &'a [u8],
    },
    /// Group 83 variation 2: which objects such an object consists of.
    PrivateDescriptor {
        /// The vendor's code.
        vendor: [u8; 4],
        /// The vendor's number of the object.
        object: u16,
        /// How many specifications follow.
        count: u16,
        /// They themselves.
        specifications: &'a [u8],
    },
    /// Group 91 variation 1: how far the activation of a configuration has come.
    Activation {
        /// Milliseconds that the device still needs.
        delay_ms: u32,
        /// The answer for each file or application that is to be activated.
        statuses: Activations<'a>,
    },
}

/// The answers to a request to activate a configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Activations<'a>(&'a [u8]);

/// The answer for a file or an application that is to be activated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Activation<'a> {
    /// The answer.
    pub status: ActivationStatus,
    /// Further words.
    pub text: &'a [u8],
}

impl<'a> Iterator for Activations<'a> {
    type Item = Activation<'a>;

    fn next(&mut self) -> Option<Activation<'a>> {
        let (len, rest) = self.0.split_first()?;
        let (element, rest) = rest.split_at_checked((*len).into())?;
        let (status, text) = element.split_first()?;
        self.0 = rest;
        Some(Activation { status: ActivationStatus(*status), text })
    }
}

codes! {
    /// The answer to a request to activate a configuration.
    ActivationStatus(u8):
    0 SUCCESS;
    1 REQUEST_ERROR;
    2 DATA_ERROR;
    3 ERROR;
    4 NOT_CHECKED;
}

pub(super) fn storage(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let fill = fields.u8("buffer fill status")?;
    let (group, variation) = (fields.u8("group")?, fields.u8("variation")?);
    fields.end()?;
    let (fill_percent, overflow) = (fill & 0x7f, fill >> 7 == 1);
    Ok(Value::Device(DeviceObject::Storage { fill_percent, overflow, group, variation }))
}

pub(super) fn profile(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let [low, high] = [fields.u32("function support")?, fields.u32("function support")?];
    let functions = u64::from(high) << 32 | u64::from(low);
    let count = fields.u16("count")?;
    Ok(Value::Device(DeviceObject::Profile { functions, count, headers: fields.rest() }))
}

pub(super) fn private(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let vendor = fields.u32("vendor code")?.to_le_bytes();
    let object = fields.u16("object identifier")?;
    let len = fields.u16("length")?;
    let data = fields.take("data objects", len.into())?;
    fields.end()?;
    Ok(Value::Device(DeviceObject::Private { vendor, object, data }))
}

pub(super) fn private_descriptor(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let vendor = fields.u32("vendor code")?.to_le_bytes();
    let object = fields.u16("object identifier")?;
    let count = fields.u16("count")?;
    Ok(Value::Device(DeviceObject::PrivateDescriptor { vendor, object, count, specifications: fields.rest() }))
}

#[expect(clippy::unnecessary_wraps, reason = "the table calls all alike")]
pub(super) const fn application(object: &[u8]) -> Result<Value<'_>, Misfit> {
    Ok(Value::Text(object))
}

pub(super) fn activation(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let delay_ms = fields.u32("time delay")?;
    let count = fields.u8("count")?;
    let mut walk = fields;
    for _ in 0..count {
        let offset = walk.offset();
        let len = walk.u8("element length")?;
        if len == 0 {
            return Err(Misfit { field: "element length", offset, expected: 1, found: 0 });
        }
        walk.take("element", len.into())?;
    }
    walk.end()?;
    Ok(Value::Device(DeviceObject::Activation { delay_ms, statuses: Activations(fields.rest()) }))
}
