use super::header::{Body, ObjectHeader, Prefix};
use super::objects::{self, DoubleBit, Group, Layout, Point, Value};
use super::reader::Reader;

/// The objects and indexes behind an object header, as far as they are there.
#[derive(Clone, Copy, Debug)]
pub struct Points<'a> {
    data: &'a [u8],
    /// What is left of it, where the body is items.
    reader: Reader<'a>,
    group: Option<&'static Group>,
    body: Body,
    /// Octets of each object, where they are the same for all.
    object_len: Option<usize>,
    common_time_ms: Option<u64>,
    first_index: u32,
    /// How many were yielded.
    done: u32,
    count: u32,
}

impl<'a> Points<'a> {
    pub(super) fn new(header: &ObjectHeader<'a>) -> Self {
        Self {
            data: header.data,
            reader: Reader(header.data),
            group: header.known_group(),
            body: header.body,
            object_len: object_len(header.body, header.variation),
            common_time_ms: header.common_time_ms,
            first_index: header.range.start().unwrap_or(0),
            done: 0,
            count: header.range.count().unwrap_or(0),
        }
    }

    /// Octets of `count` items; `None` if they end beyond the bytes.
    pub(super) fn items_len(mut self, count: usize) -> Option<usize> {
        let Body::Items(prefix, layout) = self.body else { return Some(0) };
        if let Some(len) = self.object_len {
            return len.checked_add(prefix.index_len())?.checked_mul(count);
        }
        for _ in 0..count {
            self.item(prefix, layout)?;
        }
        Some(self.data.len().saturating_sub(self.reader.0.len()))
    }

    /// The index of the next point where objects have no index of their own.
    fn next_index(&self) -> u32 {
        self.first_index.saturating_add(self.done)
    }

    /// Takes the next item: the index of its point, and the object.
    fn item(&mut self, prefix: Prefix, layout: Layout) -> Option<(u32, &'a [u8])> {
        let index = match prefix {
            Prefix::Index(width) => self.reader.uint(width)?,
            Prefix::None | Prefix::Size(_) => self.next_index(),
        };
        let len = match (self.object_len, prefix) {
            (Some(len), _) => len,
            (None, Prefix::Size(width)) => usize::try_from(self.reader.uint(width)?).ok()?,
            (None, _) => self.self_described_len(layout)?,
        };
        Some((index, self.reader.take(len)?))
    }

    /// Octets of the next object, which tells them itself.
    fn self_described_len(&self, layout: Layout) -> Option<usize> {
        matches!(layout, Layout::Attribute).then(|| objects::attribute_len(self.reader.0)).flatten()
    }

    /// The octet that holds the next packed object of `width` bits, shifted so that it is the lowest.
    fn packed(&self, width: usize) -> Option<u8> {
        let bit = usize::try_from(self.done).ok()?.checked_mul(width)?;
        Some(self.data.get(bit.wrapping_shr(3))? >> (bit & 7))
    }

    fn point(&mut self) -> Option<Point<'a>> {
        let value = match self.body {
            Body::Bare => return None,
            Body::Items(prefix, layout) => return self.object(prefix, layout),
            Body::Bits => Value::Bit(self.packed(1)? & 1 == 1),
            Body::DoubleBits => Value::DoubleBit(DoubleBit::from_bits(self.packed(2)?)),
        };
        Some(Point::new(self.next_index(), value, &[]))
    }

    fn object(&mut self, prefix: Prefix, layout: Layout) -> Option<Point<'a>> {
        let (index, octets) = self.item(prefix, layout)?;
        match (layout, self.group) {
            (Layout::Bare, _) => Some(Point::new(index, Value::None, octets)),
            (Layout::Attribute, _) => objects::attribute(index, octets),
            (Layout::Fields { fields, len }, Some(group)) if len == octets.len() => {
                objects::decode(group, fields, index, octets, self.common_time_ms)
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

/// Octets of each object, where they are the same for all.
fn object_len(body: Body, variation: u8) -> Option<usize> {
    match body {
        Body::Items(Prefix::Size(_), _) => None,
        Body::Items(_, Layout::Bare) => Some(0),
        Body::Items(_, Layout::Fields { len, .. }) => Some(len),
        Body::Items(_, Layout::Octets) => Some(variation.into()),
        _ => None,
    }
}
