use super::header::{Body, ObjectHeader, Prefix};
use super::objects::{self, DoubleBit, Group, Layout, Point, Value};
use super::reader::Reader;

/// The objects and indexes behind an object header, as far as they are there.
#[derive(Clone, Copy, Debug)]
pub struct Points<'a> {
    header: ObjectHeader<'a>,
    group: Option<&'static Group>,
    reader: Reader<'a>,
    /// How many were yielded.
    done: u32,
    count: u32,
}

impl<'a> Points<'a> {
    pub(super) fn new(header: ObjectHeader<'a>) -> Self {
        Self {
            header,
            group: header.known_group(),
            reader: Reader(header.data),
            done: 0,
            count: header.range.count().unwrap_or(0),
        }
    }

    /// Octets that the announced objects and their prefixes take; `None` if they end beyond the bytes.
    pub(super) fn octets(mut self) -> Option<usize> {
        let count = usize::try_from(self.count).ok()?;
        match self.header.body {
            Body::Bare => Some(0),
            Body::Bits => Some(count.div_ceil(8)),
            Body::DoubleBits => Some(count.div_ceil(4)),
            Body::Items(prefix, layout) => match fixed_len(prefix, layout, self.header.variation) {
                Some(len) => count.checked_mul(len),
                None => {
                    for _ in 0..count {
                        self.item(prefix, layout)?;
                    }
                    Some(self.header.data.len().saturating_sub(self.reader.0.len()))
                }
            },
        }
    }

    /// The index of the next point where objects have no index of their own.
    fn next_index(&self) -> u32 {
        self.header.range.start().unwrap_or(0).saturating_add(self.done)
    }

    /// Takes the next item: the index of its point, and the object.
    fn item(&mut self, prefix: Prefix, layout: Layout) -> Option<(u32, &'a [u8])> {
        let mut index = self.next_index();
        let mut size = None;
        match prefix {
            Prefix::None => {}
            Prefix::Index(width) => index = self.reader.uint(width)?,
            Prefix::Size(width) => size = Some(usize::try_from(self.reader.uint(width)?).ok()?),
        }
        let len = match size {
            Some(size) => size,
            None => object_len(layout, self.header.variation, self.reader.0)?,
        };
        Some((index, self.reader.take(len)?))
    }

    /// Takes `width` bits of the next packed object.
    fn packed(&self, width: u8) -> Option<u8> {
        let bit = usize::try_from(self.done).ok()?.checked_mul(width.into())?;
        let octet = self.header.data.get(bit.wrapping_shr(3))?;
        Some(octet >> (bit & 7))
    }

    fn point(&mut self) -> Option<Point<'a>> {
        let value = match self.header.body {
            Body::Bare => return None,
            Body::Items(prefix, layout) => return self.decoded(prefix, layout),
            Body::Bits => Value::Bit(self.packed(1)? & 1 == 1),
            Body::DoubleBits => Value::DoubleBit(DoubleBit::from_bits(self.packed(2)?)),
        };
        Some(Point::new(self.next_index(), value, &[]))
    }

    fn decoded(&mut self, prefix: Prefix, layout: Layout) -> Option<Point<'a>> {
        let (index, octets) = self.item(prefix, layout)?;
        match (layout, self.group) {
            (Layout::Bare, _) => Some(Point::new(index, Value::None, octets)),
            (Layout::Attribute, _) => objects::attribute(index, octets),
            (Layout::Fields(fields), Some(group)) if objects::fields_len(fields) == octets.len() => {
                objects::decode(group, fields, index, octets, self.header.common_time_ms)
            }
            _ => Some(Point::new(index, Value::Octets(octets), octets)),
        }
    }
}

impl<'a> Iterator for Points<'a> {
    type Item = Point<'a>;

    fn next(&mut self) -> Option<Point<'a>> {
        if self.done >= self.count {
            return None;
        }
        let point = self.point()?;
        self.done = self.done.saturating_add(1);
        Some(point)
    }
}

/// Octets of an item, if every item of this kind takes the same.
fn fixed_len(prefix: Prefix, layout: Layout, variation: u8) -> Option<usize> {
    let prefix_len = match prefix {
        Prefix::None => 0,
        Prefix::Index(width) => width.octets(),
        Prefix::Size(_) => return None,
    };
    Some(object_len(layout, variation, &[])?.saturating_add(prefix_len))
}

/// Octets of the object at the start of `bytes`.
fn object_len(layout: Layout, variation: u8, bytes: &[u8]) -> Option<usize> {
    match layout {
        Layout::Bare => Some(0),
        Layout::Fields(fields) => Some(objects::fields_len(fields)),
        Layout::Octets => Some(variation.into()),
        Layout::Attribute => objects::attribute_len(bytes),
        Layout::Bits | Layout::DoubleBits | Layout::Prefixed => None,
    }
}
