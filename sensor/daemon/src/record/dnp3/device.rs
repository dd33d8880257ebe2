use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::dnp3::objects::{self, DeviceObject};

use super::super::text::{Hex, Text};
use super::{hex, is_false, text};

/// What a device says of itself.
#[derive(Serialize, JsonSchema, Default)]
pub(super) struct Device<'a> {
    /// Percent of the buffer that are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    fill_percent: Option<u8>,
    /// Whether the buffer overflowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    overflow: Option<bool>,
    /// Group of the objects in the buffer.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<u8>,
    /// Their variation.
    #[serde(skip_serializing_if = "Option::is_none")]
    variation: Option<u8>,
    /// Function codes that the device has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    functions: Vec<u8>,
    /// Object headers that it has, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Text<Hex<'a>>>,
    /// Code of the vendor of a private object.
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<Cow<'a, str>>,
    /// The vendor's number of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<u16>,
    /// How many object headers or specifications follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u16>,
    /// The private object or what it consists of, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Text<Hex<'a>>>,
    /// Milliseconds until the configuration is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u32>,
    /// The answers for what is to be activated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    statuses: Vec<Activation<'a>>,
}

/// The answer for a file or an application that is to be activated.
#[derive(Serialize, JsonSchema)]
pub(super) struct Activation<'a> {
    /// The answer.
    status: u8,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_name: Option<&'static str>,
    /// Further words.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
}

impl<'a> From<DeviceObject<'a>> for Device<'a> {
    fn from(object: DeviceObject<'a>) -> Self {
        match object {
            DeviceObject::Storage { fill_percent, overflow, group, variation } => Self {
                fill_percent: Some(fill_percent),
                overflow: Some(overflow),
                group: Some(group),
                variation: Some(variation),
                ..Self::default()
            },
            DeviceObject::Profile { functions, count, headers } => {
                let functions = (0..64).filter(|code| functions >> code & 1 == 1).collect();
                Self { functions, count: Some(count), headers: hex(headers), ..Self::default() }
            }
            DeviceObject::Private { vendor, object, data } => Self { data: hex(data), ..Self::private(vendor, object) },
            DeviceObject::PrivateDescriptor { vendor, object, count, specifications } => {
                Self { count: Some(count), data: hex(specifications), ..Self::private(vendor, object) }
            }
            DeviceObject::Activation { delay_ms, statuses } => {
                Self { delay_ms: Some(delay_ms), statuses: statuses.map(Activation::from).collect(), ..Self::default() }
            }
        }
    }
}

impl Device<'_> {
    fn private(vendor: [u8; 4], object: u16) -> Self {
        let vendor = String::from_utf8_lossy(&vendor).into_owned();
        Self { vendor: Some(Cow::Owned(vendor)), object: Some(object), ..Self::default() }
    }
}

impl<'a> From<objects::Activation<'a>> for Activation<'a> {
    fn from(answer: objects::Activation<'a>) -> Self {
        Self { status: answer.status.0, status_name: answer.status.name(), text: text(answer.text) }
    }
}

/// A device attribute; its value is the point's, its set the point's index.
#[derive(Serialize, JsonSchema)]
pub(super) struct Attribute {
    /// Name of the attribute, if it is one of the standard set, 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    /// Type of its value.
    data_type: u8,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_type_name: Option<&'static str>,
    /// The attributes that it lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    list: Vec<ListedAttribute>,
}

/// A device attribute out of a list.
#[derive(Serialize, JsonSchema)]
pub(super) struct ListedAttribute {
    /// Variation of the attribute.
    variation: u8,
    /// Set if it may be written.
    #[serde(skip_serializing_if = "is_false")]
    writable: bool,
}

impl Attribute {
    /// The attribute of this name, if it has a name of its own.
    pub(super) fn of(attribute: objects::Attribute<'_>, name: Option<&'static str>) -> Self {
        let listed =
            |entry: objects::ListedAttribute| ListedAttribute { variation: entry.variation, writable: entry.writable };
        Self {
            name,
            data_type: attribute.data_type.0,
            data_type_name: attribute.data_type.name(),
            list: attribute.list().map(listed).collect(),
        }
    }
}
