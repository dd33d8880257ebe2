use crate::wire::Skip;

/// Reads forward through captured bytes and cannot overrun them.
///
/// It tells a header that the snap length cut ([`Skip::Truncated`]) from one that never was whole
/// ([`Skip::Malformed`]).
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    missing: u32,
}

impl<'a> Cursor<'a> {
    /// A cursor over `bytes`, behind which `missing` more were on the wire.
    pub(super) const fn new(bytes: &'a [u8], missing: u32) -> Self {
        Self { bytes, missing }
    }

    /// The bytes not read yet.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many bytes were on the wire behind [`rest`](Self::rest).
    pub(super) const fn missing(&self) -> u32 {
        self.missing
    }

    /// How many bytes were on the wire from here on.
    pub(super) const fn wire_len(&self) -> usize {
        self.bytes.len().saturating_add(self.missing as usize)
    }

    /// The next `N` bytes.
    #[inline]
    pub(super) fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], Skip> {
        let Some((head, rest)) = self.bytes.split_first_chunk() else { return Err(self.shortage(N)) };
        self.bytes = rest;
        Ok(head)
    }

    /// Passes over `len` bytes.
    #[inline]
    pub(super) fn skip(&mut self, len: usize) -> Result<(), Skip> {
        let Some(rest) = self.bytes.get(len..) else { return Err(self.shortage(len)) };
        self.bytes = rest;
        Ok(())
    }

    /// Ends the cursor `len` bytes from here; more than were on the wire is malformed.
    #[inline]
    pub(super) fn limit(&mut self, len: usize) -> Result<(), Skip> {
        if let Some(bytes) = self.bytes.get(..len) {
            *self = Self::new(bytes, 0);
            return Ok(());
        }
        if len > self.wire_len() {
            return Err(Skip::Malformed);
        }
        self.missing = u32::try_from(len.saturating_sub(self.bytes.len())).unwrap_or(u32::MAX);
        Ok(())
    }

    const fn shortage(&self, wanted: usize) -> Skip {
        if wanted > self.wire_len() { Skip::Malformed } else { Skip::Truncated }
    }
}
