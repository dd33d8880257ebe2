use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::dnp3::objects::{self, Descriptor, DescriptorCode, Descriptors, Elements};

use super::super::text::{Hex, Text};
use super::super::time::DeviceTime;
use super::{hex, text};

/// Octets of a UUID.
const UUID_LEN: usize = 16;

/// What an object of a data set says.
#[derive(Serialize, JsonSchema, Default)]
pub(super) struct DataSet<'a> {
    /// Identifier of the data set.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    /// When the values were taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<DeviceTime>,
    /// Values of the elements, hexadecimal: their types stand in the data set's descriptor.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<Text<Hex<'a>>>,
    /// What the elements mean.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    elements: Vec<Element<'a>>,
    /// What may be done with the data set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    characteristics: Vec<&'static str>,
    /// The points that the elements are the values of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    points: Vec<ElementPoint>,
}

/// The description of an element of a data set.
#[derive(Serialize, JsonSchema, Default)]
pub(super) struct Element<'a> {
    /// What is described.
    code: u8,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    code_name: Option<&'static str>,
    /// Type of the element's value.
    data_type: u8,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_type_name: Option<&'static str>,
    /// The most octets of its value.
    max_octets: u8,
    /// Name of the element, the data set or its name space.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    /// Identifier of the data set.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    /// UUID of the prototype, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<Text<Hex<'a>>>,
}

/// The point that an element is the value of.
#[derive(Serialize, JsonSchema)]
pub(super) struct ElementPoint {
    /// Group of the point's objects; 0 for none.
    group: u8,
    /// Index of the point.
    index: u32,
}

impl<'a> From<objects::DataSet<'a>> for DataSet<'a> {
    fn from(object: objects::DataSet<'a>) -> Self {
        match object {
            objects::DataSet::Prototype(descriptors) | objects::DataSet::Descriptor(descriptors) => {
                Self::described(descriptors)
            }
            objects::DataSet::Characteristics(bits) => {
                Self { characteristics: bits.names().collect(), ..Self::default() }
            }
            objects::DataSet::PointIndexes(points) => {
                let point = |point: objects::PointIndex| ElementPoint { group: point.group, index: point.index };
                Self { points: points.map(point).collect(), ..Self::default() }
            }
            objects::DataSet::Values(elements) | objects::DataSet::Snapshot(elements) => Self::valued(elements),
        }
    }
}

impl<'a> DataSet<'a> {
    fn described(mut descriptors: Descriptors<'a>) -> Self {
        let elements = descriptors.map(Element::from).collect();
        Self { id: descriptors.find_map(|descriptor| descriptor.id()), elements, ..Self::default() }
    }

    fn valued(elements: Elements<'a>) -> Self {
        let values = elements.map(|octets| Text(Hex(octets))).collect();
        Self { id: elements.id(), time: elements.time_ms().map(|ms| DeviceTime { ms }), values, ..Self::default() }
    }
}

impl<'a> From<Descriptor<'a>> for Element<'a> {
    fn from(descriptor: Descriptor<'a>) -> Self {
        let (uuid, name) = match descriptor.code {
            DescriptorCode::UUID | DescriptorCode::PTYP => {
                descriptor.ancillary.split_at_checked(UUID_LEN).unwrap_or((descriptor.ancillary, &[]))
            }
            DescriptorCode::ID => (&[][..], &[][..]),
            _ => (&[][..], descriptor.ancillary),
        };
        Self {
            code: descriptor.code.0,
            code_name: descriptor.code.name(),
            data_type: descriptor.data_type.0,
            data_type_name: descriptor.data_type.name(),
            max_octets: descriptor.max_octets,
            name: text(name),
            id: descriptor.id(),
            uuid: hex(uuid),
        }
    }
}
