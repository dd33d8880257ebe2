//! Data sets (groups 85 to 88): lists of elements, each with its length in front.

use super::attribute::DataType;
use super::code::{codes, named_bits};
use super::fields::{Fields, Misfit};
use super::value::Value;
use crate::dnp3::reader::Reader;

/// An object of a data set, by its group and variation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataSet<'a> {
    /// Group 85 variation 1: what elements other descriptors may take over.
    Prototype(Descriptors<'a>),
    /// Group 86 variation 1: what the elements of a data set mean.
    Descriptor(Descriptors<'a>),
    /// Group 86 variation 2: what may be done with the data set.
    Characteristics(Characteristics),
    /// Group 86 variation 3: the points that the elements are the values of.
    PointIndexes(PointIndexes<'a>),
    /// Group 87 variation 1: the values now.
    Values(Elements<'a>),
    /// Group 88 variation 1: the values at an event.
    Snapshot(Elements<'a>),
}

/// The values of a data set's elements, as octets: their types stand in its descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// The data set's identifier, which is the first element.
    pub fn id(mut self) -> Option<u32> {
        self.next().and_then(number)
    }

    /// When the values were taken, in milliseconds since the beginning of 1970: the second element.
    pub fn time_ms(mut self) -> Option<u64> {
        self.nth(1).filter(|octets| octets.len() == 6).and_then(|octets| Reader(octets).u48())
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.0.split_first()?;
        let (element, rest) = rest.split_at_checked((*len).into())?;
        self.0 = rest;
        Some(element)
    }
}

/// The descriptions of a data set's elements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Descriptors<'a>(Elements<'a>);

/// The description of an element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Descriptor<'a> {
    /// What is described.
    pub code: DescriptorCode,
    /// The type of the element's value.
    pub data_type: DataType,
    /// The most octets that its value has.
    pub max_octets: u8,
    /// A number, a UUID or a name, as the code calls for.
    pub ancillary: &'a [u8],
}

impl Descriptor<'_> {
    /// The number that the description gives: the data set's identifier.
    pub fn id(&self) -> Option<u32> {
        number(self.ancillary).filter(|_| self.code == DescriptorCode::ID)
    }
}

impl<'a> Iterator for Descriptors<'a> {
    type Item = Descriptor<'a>;

    fn next(&mut self) -> Option<Descriptor<'a>> {
        let [code, data_type, max_octets, ancillary @ ..] = self.0.next()? else { return None };
        let (code, data_type) = (DescriptorCode(*code), DataType(*data_type));
        Some(Descriptor { code, data_type, max_octets: *max_octets, ancillary })
    }
}

codes! {
    /// What a descriptor describes.
    DescriptorCode(u8):
    0 NONE;
    1 ID;
    2 UUID;
    3 NSPC;
    4 NAME;
    5 DAEL;
    6 PTYP;
    7 CTLV;
    8 CTLS;
}

/// What may be done with a data set, and who defined it: bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Characteristics(pub u8);

impl Characteristics {
    /// The names of the bits that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        named_bits(self.0.into(), &["READABLE", "WRITABLE", "STATIC", "EVENT", "DEFINED_BY_MASTER"])
    }
}

/// The points that a data set's elements are the values of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PointIndexes<'a>(Elements<'a>);

/// The point that an element is the value of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PointIndex {
    /// The group of the point's objects; 0 for none.
    pub group: u8,
    /// The point's index.
    pub index: u32,
}

impl Iterator for PointIndexes<'_> {
    type Item = PointIndex;

    fn next(&mut self) -> Option<PointIndex> {
        let (group, index) = self.0.next()?.split_first()?;
        Some(PointIndex { group: *group, index: number(index).unwrap_or(0) })
    }
}

/// A little-endian number of one to four octets.
fn number(octets: &[u8]) -> Option<u32> {
    let mut number = [0; 4];
    number.get_mut(..octets.len())?.copy_from_slice(octets);
    (!octets.is_empty()).then_some(u32::from_le_bytes(number))
}

/// The elements in `object`, each of which has at least `min` octets and at most `max`.
fn elements(object: &[u8], min: u8, max: u8) -> Result<Elements<'_>, Misfit> {
    let mut fields = Fields::of(object);
    while !fields.is_empty() {
        let offset = fields.offset();
        let len = fields.u8("element length")?;
        let bound = len.max(min).min(max);
        if len != bound {
            return Err(Misfit { field: "element length", offset, expected: bound.into(), found: len.into() });
        }
        fields.take("element", len.into())?;
    }
    Ok(Elements(object))
}

pub(super) fn prototype(object: &[u8]) -> Result<Value<'_>, Misfit> {
    Ok(Value::DataSet(DataSet::Prototype(Descriptors(elements(object, 3, u8::MAX)?))))
}

pub(super) fn descriptor(object: &[u8]) -> Result<Value<'_>, Misfit> {
    Ok(Value::DataSet(DataSet::Descriptor(Descriptors(elements(object, 3, u8::MAX)?))))
}

pub(super) fn characteristics(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let bits = fields.u8("characteristics")?;
    fields.end()?;
    Ok(Value::DataSet(DataSet::Characteristics(Characteristics(bits))))
}

pub(super) fn point_indexes(object: &[u8]) -> Result<Value<'_>, Misfit> {
    Ok(Value::DataSet(DataSet::PointIndexes(PointIndexes(elements(object, 1, 5)?))))
}

pub(super) fn values(object: &[u8]) -> Result<Value<'_>, Misfit> {
    Ok(Value::DataSet(DataSet::Values(elements(object, 0, u8::MAX)?)))
}

pub(super) fn snapshot(object: &[u8]) -> Result<Value<'_>, Misfit> {
    Ok(Value::DataSet(DataSet::Snapshot(elements(object, 0, u8::MAX)?)))
}
