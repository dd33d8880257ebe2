use tagout_engine::Values;

use super::header::{ObjectHeader, Prefix};
use super::objects::{self, DoubleBit, Group, Layout, Misfit, Point, Value};
use super::reader::Reader;
use super::touch::values;

/// The objects and indexes behind an object header, as far as they are there.
#[derive(Clone, Copy, Debug)]
pub struct Points<'a> {
    data: &'a [u8],
    /// What is left of it, where objects are not packed.
    reader: Reader<'a>,
    group: Option<&'static Group>,
    prefix: Prefix,
    layout: &'static Layout,
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
            prefix: header.prefix,
            layout: header.layout,
            object_len: object_len(header),
            common_time_ms: header.common_time_ms,
            first_index: header.range.start().unwrap_or(0),
            done: 0,
            count: header.range.count().unwrap_or(0),
        }
    }

    /// What of the announced objects is there, where each tells its size.
    fn survey(mut self) -> Survey {
        let mut misfit = None;
        while self.done < self.count {
            let Some((index, octets)) = self.item() else {
                return Survey { octets: None, objects: self.done, misfit };
            };
            misfit = misfit.or_else(|| self.misfit(index, octets));
            self.done = self.done.saturating_add(1);
        }
        Survey { octets: Some(self.taken()), objects: self.done, misfit }
    }

    /// What of the object just taken does not fit it, with its offset from the first octet behind the header.
    fn misfit(&self, index: u32, octets: &[u8]) -> Option<Misfit> {
        let mut point = Point::new(index, Value::None, octets);
        let misfit = objects::decode(self.group, self.layout, None, &mut point).err()?;
        let start = self.taken().saturating_sub(octets.len());
        Some(Misfit { offset: misfit.offset.saturating_add(start), ..misfit })
    }

    /// Octets taken so far.
    const fn taken(&self) -> usize {
        self.data.len().saturating_sub(self.reader.0.len())
    }

    /// The index of the next point where objects have no index of their own.
    fn next_index(&self) -> u32 {
        self.first_index.saturating_add(self.done)
    }

    /// Takes the next item: the index of its point, and the object.
    fn item(&mut self) -> Option<(u32, &'a [u8])> {
        let index = match self.prefix {
            Prefix::Index(width) => self.reader.uint(width)?,
            Prefix::None | Prefix::Size(_) => self.next_index(),
        };
        let len = match (self.object_len, self.prefix) {
            (Some(len), _) => len,
            (None, Prefix::Size(width)) => usize::try_from(self.reader.uint(width)?).ok()?,
            (None, _) => self.self_described_len()?,
        };
        Some((index, self.reader.take(len)?))
    }

    /// Octets of the next object, which tells them itself.
    fn self_described_len(&self) -> Option<usize> {
        matches!(self.layout, Layout::Attribute).then(|| objects::attribute_len(self.reader.0)).flatten()
    }

    /// The octet that holds the next packed object of `width` bits, shifted so that it is the lowest.
    fn packed(&self, width: usize) -> Option<u8> {
        let bit = usize::try_from(self.done).ok()?.checked_mul(width)?;
        Some(self.data.get(bit.wrapping_shr(3))? >> (bit & 7))
    }

    fn point(&mut self) -> Option<Point<'a>> {
        let value = match (self.layout, self.prefix) {
            (Layout::Bits, _) => Value::Bit(self.packed(1)? & 1 == 1),
            (Layout::DoubleBits, _) => Value::DoubleBit(DoubleBit::from_bits(self.packed(2)?)),
            (Layout::Bare, Prefix::None) => return None,
            _ => return self.object(),
        };
        Some(Point::new(self.next_index(), value, &[]))
    }

    /// What the next object says of its point's value, in few words: there may be hundreds in a response.
    pub(super) fn reading(&mut self) -> Option<Reading<'a>> {
        let Layout::Fields { fields, len } = self.layout else {
            return self.next().map(Reading::of);
        };
        if self.done >= self.count {
            return None;
        }
        let (index, octets) = self.item()?;
        self.done = self.done.saturating_add(1);
        let (number, flags) =
            if octets.len() == usize::from(*len) { objects::reading(fields, octets) } else { (None, None) };
        Some(Reading { index, values: number.map_or(Values::Unknown, Values::Number), flags })
    }

    /// The next object. One whose fields do not fit it keeps its octets alone.
    fn object(&mut self) -> Option<Point<'a>> {
        let (index, octets) = self.item()?;
        let mut point = Some(Point::new(index, Value::Octets(octets), octets));
        // A misfit is told by the header.
        let _ = objects::decode(self.group, self.layout, self.common_time_ms, point.as_mut()?);
        point
    }
}

/// What an object says of its point's value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading<'a> {
    pub(super) index: u32,
    pub(super) values: Values<'a>,
    /// Its flag octet, if the format has one.
    pub(super) flags: Option<u8>,
}

impl<'a> Reading<'a> {
    fn of(point: Point<'a>) -> Self {
        Self { index: point.index, values: values(&point), flags: point.flags.map(|flags| flags.octet) }
    }
}

/// What of the objects that a header announces is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Survey {
    /// Octets of all of them with their prefixes; `None` if they end beyond the bytes.
    pub(super) octets: Option<usize>,
    /// How many of them are there whole.
    pub(super) objects: u32,
    /// The first field that does not fit its object, with its offset from the first octet behind the header.
    pub(super) misfit: Option<Misfit>,
}

impl Survey {
    /// What of the objects that a header announces is there, without yielding them.
    pub(super) fn of(header: &ObjectHeader<'_>) -> Self {
        let (there, count) = (header.data.len(), header.range.count().unwrap_or(0));
        match (header.layout, object_len(header)) {
            (Layout::Bits, _) => Self::alike(there, 1, 8, count),
            (Layout::DoubleBits, _) => Self::alike(there, 1, 4, count),
            (_, Some(len)) => Self::alike(there, len.saturating_add(header.prefix.index_len()), 1, count),
            (_, None) => Points::new(header).survey(),
        }
    }

    /// Of `count` objects that stand in pieces of `len` octets, so many in each, where `there` octets are.
    fn alike(there: usize, len: usize, in_each: u32, count: u32) -> Self {
        let octets = usize::try_from(count.div_ceil(in_each)).ok().and_then(|pieces| pieces.checked_mul(len));
        let octets = octets.filter(|octets| *octets <= there);
        let pieces = || there.checked_div(len).and_then(|pieces| u32::try_from(pieces).ok());
        let objects =
            if octets.is_some() { count } else { pieces().unwrap_or(count).saturating_mul(in_each).min(count) };
        Self { octets, objects, misfit: None }
    }
}

impl<'a> Iterator for Points<'a> {
    type Item = Point<'a>;

    fn next(&mut self) -> Option<Point<'a>> {
        if self.done >= self.count {
            return None;
        }
        let point = self.point();
        self.done = self.done.saturating_add(point.is_some().into());
        point
    }
}

/// Octets of each object, where they are the same for all.
fn object_len(header: &ObjectHeader<'_>) -> Option<usize> {
    match (header.layout, header.prefix) {
        (_, Prefix::Size(_)) => None,
        (Layout::Bare, _) => Some(0),
        (Layout::Fields { len, .. }, _) => Some(usize::from(*len)),
        (Layout::Composite { len, .. }, _) => len.map(usize::from),
        (Layout::Octets, _) => Some(header.variation.into()),
        _ => None,
    }
}
