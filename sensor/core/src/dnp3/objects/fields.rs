use crate::dnp3::reader::Reader;

/// A field that does not fit the object that it stands in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(in crate::dnp3) struct Misfit {
    /// The field, in the standard's words.
    pub(in crate::dnp3) field: &'static str,
    /// Where it stands, in octets from the object's first; the object's end if it should stand behind that.
    pub(in crate::dnp3) offset: usize,
    /// Octets that it needs.
    pub(in crate::dnp3) expected: usize,
    /// Octets that are there.
    pub(in crate::dnp3) found: usize,
}

/// Reads the named fields of an object front to back; a field past the object's end is a [`Misfit`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    object: &'a [u8],
    rest: Reader<'a>,
}

type Field<T> = Result<T, Misfit>;

impl<'a> Fields<'a> {
    pub(super) const fn of(object: &'a [u8]) -> Self {
        Self { object, rest: Reader(object) }
    }

    /// Octets from the object's first to the next field.
    pub(super) const fn offset(&self) -> usize {
        self.object.len().saturating_sub(self.rest.0.len())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.0.is_empty()
    }

    pub(super) fn take(&mut self, field: &'static str, len: usize) -> Field<&'a [u8]> {
        let misfit = Misfit { field, offset: self.offset(), expected: len, found: self.rest.0.len() };
        self.rest.take(len).ok_or(misfit)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Field<[u8; N]> {
        self.take(field, N).map(|octets| octets.try_into().unwrap_or([0; N]))
    }

    pub(super) fn u8(&mut self, field: &'static str) -> Field<u8> {
        self.array(field).map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self, field: &'static str) -> Field<u16> {
        self.array(field).map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self, field: &'static str) -> Field<u32> {
        self.array(field).map(u32::from_le_bytes)
    }

    /// Milliseconds since the beginning of 1970.
    pub(super) fn time(&mut self, field: &'static str) -> Field<u64> {
        let [a, b, c, d, e, f] = self.array(field)?;
        Ok(u64::from_le_bytes([a, b, c, d, e, f, 0, 0]))
    }

    /// What is left of the object.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        core::mem::replace(&mut self.rest, Reader(&[])).0
    }

    /// A string that stands `offset` octets behind the object's first. An empty one may stand anywhere.
    pub(super) fn placed(&self, field: &'static str, offset: u16, len: u16) -> Field<&'a [u8]> {
        let (offset, len) = (usize::from(offset), usize::from(len));
        if len == 0 {
            return Ok(&[]);
        }
        let start = offset.min(self.object.len());
        let there = self.object.get(start..).unwrap_or_default();
        there.get(..len).ok_or(Misfit { field, offset: start, expected: len, found: there.len() })
    }

    /// Checks that nothing stands behind the last field.
    pub(super) const fn end(self) -> Field<()> {
        if self.is_empty() {
            return Ok(());
        }
        Err(Misfit { field: "object size", offset: self.offset(), expected: self.offset(), found: self.object.len() })
    }
}
