/// Reads fields front to back, little-endian as everything in DNP3. A read past the end yields `None` and takes
/// nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Milliseconds of a DNP3 time, 48 bits wide.
    pub(super) fn u48(&mut self) -> Option<u64> {
        let [a, b, c, d, e, f] = self.array()?;
        Some(u64::from_le_bytes([a, b, c, d, e, f, 0, 0]))
    }

    /// An unsigned number of one, two or four octets.
    pub(super) fn uint(&mut self, width: Width) -> Option<u32> {
        match width {
            Width::One => self.u8().map(u32::from),
            Width::Two => self.u16().map(u32::from),
            Width::Four => self.u32(),
        }
    }
}

/// How many octets a number in an object header takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// One octet.
    One,
    /// Two octets.
    Two,
    /// Four octets.
    Four,
}

impl Width {
    /// The width in octets.
    pub const fn octets(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
        }
    }
}
