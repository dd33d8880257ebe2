//! Object headers (IEEE 1815-2012, clause 4): which objects a fragment names or carries.

use tagout_engine::Space;

use super::function::Function;
use super::objects::{self, Group, Layout, Variation};
use super::points::Points;
use super::reader::{Reader, Width};

/// An object header with the objects behind it.
#[derive(Clone, Copy, Debug)]
pub struct ObjectHeader<'a> {
    /// Group number.
    pub group: u8,
    /// Variation number.
    pub variation: u8,
    /// Qualifier octet.
    pub qualifier: Qualifier,
    /// What the range field says.
    pub range: Range,
    /// Where the header stands in the fragment, in octets from its application control octet.
    pub offset: usize,
    /// The prefixes and objects behind the header, as far as they are there.
    pub data: &'a [u8],
    pub(super) known: Option<&'static Group>,
    pub(super) body: Body,
    pub(super) common_time_ms: Option<u64>,
}

/// What stands behind an object header.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body {
    /// Nothing.
    Bare,
    /// Bits of objects, packed.
    Bits,
    /// Pairs of bits of objects, packed.
    DoubleBits,
    /// Items: a prefix each, if the qualifier says so, and an object of this layout.
    Items(Prefix, Layout),
}

/// Qualifier octet of an object header: prefix code in bits 4 to 6, range specifier code in bits 0 to 3.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Qualifier(pub u8);

/// What stands in front of each object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Prefix {
    /// Nothing.
    None,
    /// The point's index.
    Index(Width),
    /// The object's size in octets.
    Size(Width),
}

impl Prefix {
    /// Octets of the index, if it is one.
    pub(super) const fn index_len(self) -> usize {
        match self {
            Self::Index(width) => width.octets(),
            Self::None | Self::Size(_) => 0,
        }
    }
}

/// The range field of an object header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Range {
    /// Every object of the group and variation.
    All,
    /// Indexes from `start` to `stop`, both included.
    Indexes {
        /// First index.
        start: u32,
        /// Last index.
        stop: u32,
    },
    /// Virtual addresses from `start` to `stop`, both included (obsolete).
    Addresses {
        /// First address.
        start: u32,
        /// Last address.
        stop: u32,
    },
    /// So many objects.
    Count(u32),
}

impl Range {
    /// How many objects; `None` for all of them. 2^32 of them count as one less.
    pub const fn count(self) -> Option<u32> {
        match self {
            Self::All => None,
            Self::Indexes { start, stop } | Self::Addresses { start, stop } => {
                Some(stop.saturating_sub(start).saturating_add(1))
            }
            Self::Count(count) => Some(count),
        }
    }

    /// The index of the first object, if the range gives indexes.
    pub const fn start(self) -> Option<u32> {
        match self {
            Self::Indexes { start, .. } | Self::Addresses { start, .. } => Some(start),
            Self::All | Self::Count(_) => None,
        }
    }
}

impl Qualifier {
    /// What stands in front of each object; `None` for the combinations of codes that the standard reserves.
    pub const fn prefix(self) -> Option<Prefix> {
        Some(match self.0 {
            0x00..=0x09 => Prefix::None,
            0x17..=0x19 => Prefix::Index(Width::One),
            0x27..=0x29 => Prefix::Index(Width::Two),
            0x37..=0x39 => Prefix::Index(Width::Four),
            0x4b => Prefix::Size(Width::One),
            0x5b => Prefix::Size(Width::Two),
            0x6b => Prefix::Size(Width::Four),
            _ => return None,
        })
    }

    fn read_range(self, reader: &mut Reader<'_>) -> Option<Range> {
        let start_stop = |reader: &mut Reader<'_>, width| Some((reader.uint(width)?, reader.uint(width)?));
        let indexes = |(start, stop)| Range::Indexes { start, stop };
        let addresses = |(start, stop)| Range::Addresses { start, stop };
        match self.0 & 0x0f {
            0x0 => start_stop(reader, Width::One).map(indexes),
            0x1 => start_stop(reader, Width::Two).map(indexes),
            0x2 => start_stop(reader, Width::Four).map(indexes),
            0x3 => start_stop(reader, Width::One).map(addresses),
            0x4 => start_stop(reader, Width::Two).map(addresses),
            0x5 => start_stop(reader, Width::Four).map(addresses),
            0x6 => Some(Range::All),
            0x7 | 0xb => reader.uint(Width::One).map(Range::Count),
            0x8 => reader.uint(Width::Two).map(Range::Count),
            0x9 => reader.uint(Width::Four).map(Range::Count),
            _ => None,
        }
    }
}

impl<'a> ObjectHeader<'a> {
    /// What the library knows of the group.
    pub const fn known_group(&self) -> Option<&'static Group> {
        self.known
    }

    /// What the library knows of the variation. Variation 0 of most groups, which asks for any, is not in it.
    pub fn known_variation(&self) -> Option<&'static Variation> {
        self.known?.variation(self.variation)
    }

    /// The address space that the indexes belong to, if they name points.
    pub fn space(&self) -> Option<Space> {
        self.known?.space
    }

    /// The objects and indexes behind the header. A header that only names points by a range has none: see
    /// [`range`](Self::range).
    pub fn points(&self) -> Points<'a> {
        Points::new(self)
    }

    /// True when the header gives each object an index: by its range or by prefixes.
    pub fn has_indexes(&self) -> bool {
        self.range.start().is_some() || matches!(self.qualifier.prefix(), Some(Prefix::Index(_)))
    }

    /// Octets that the announced objects and their prefixes take; `None` if they end beyond the bytes.
    fn octets(&self) -> Option<usize> {
        let count = usize::try_from(self.range.count().unwrap_or(0)).ok()?;
        match self.body {
            Body::Bare => Some(0),
            Body::Bits => Some(count.div_ceil(8)),
            Body::DoubleBits => Some(count.div_ceil(4)),
            Body::Items(..) => self.points().items_len(count),
        }
    }

    /// The common time of occurrence that this header sets for those behind it.
    fn sets_common_time(&self) -> Option<u64> {
        (self.group == 51).then(|| Reader(self.data).u48()).flatten()
    }
}

/// Why object headers could not be followed to the fragment's end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fault {
    /// Octets from the fragment's application control octet to the header that could not be followed.
    pub offset: usize,
    /// What is wrong with it or with what it announces.
    pub kind: FaultKind,
}

/// What is wrong with an object header.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FaultKind {
    /// The fragment ends within the header.
    HeaderCutShort,
    /// The qualifier is a reserved one.
    Qualifier(u8),
    /// Packed bits cannot have prefixes.
    PackedWithPrefix,
    /// The range ends before it starts.
    RangeInverted,
    /// The objects have no known size.
    UnknownObject,
    /// The fragment ends before as many objects as the header announces. Those that are there are yielded.
    ObjectsCutShort,
}

/// The object headers of a fragment. What cannot be followed ends the iteration with its [`Fault`].
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    function: Function,
    reader: Reader<'a>,
    offset: usize,
    common_time_ms: Option<u64>,
    fault: Option<Fault>,
}

impl<'a> Headers<'a> {
    /// The headers in `objects`, which stand at `offset` of a fragment with this function.
    pub(super) const fn new(function: Function, objects: &'a [u8], offset: usize) -> Self {
        Self { function, reader: Reader(objects), offset, common_time_ms: None, fault: None }
    }

    fn end(&mut self, kind: FaultKind) -> Fault {
        self.reader = Reader(&[]);
        Fault { offset: self.offset, kind }
    }

    fn read_header(&mut self) -> Result<ObjectHeader<'a>, FaultKind> {
        let [group, variation, qualifier] = self.reader.array().ok_or(FaultKind::HeaderCutShort)?;
        let qualifier = Qualifier(qualifier);
        let prefix = qualifier.prefix().ok_or(FaultKind::Qualifier(qualifier.0))?;
        let range = qualifier.read_range(&mut self.reader).ok_or(FaultKind::HeaderCutShort)?;
        if let Range::Indexes { start, stop } | Range::Addresses { start, stop } = range
            && stop < start
        {
            return Err(FaultKind::RangeInverted);
        }
        let known = objects::group(group);
        let body = match (range, prefix) {
            (Range::All, _) => Body::Bare,
            _ if self.carries_objects(group, prefix) => {
                let layout = known.and_then(|known| known.variation(variation)).map(|variation| variation.layout);
                body(layout, prefix, variation)?
            }
            (_, Prefix::None) => Body::Bare,
            _ => Body::Items(prefix, Layout::Bare),
        };
        let (offset, data, common_time_ms) = (self.offset, self.reader.0, self.common_time_ms);
        Ok(ObjectHeader { group, variation, qualifier, range, offset, data, known, body, common_time_ms })
    }

    /// Whether objects stand behind the header. Requests that only name points carry those of the groups that say how
    /// (freeze time, authentication) and those that bring their size along (a file block's handle and number).
    fn carries_objects(&self, group: u8, prefix: Prefix) -> bool {
        !self.function.only_names_points()
            || matches!(prefix, Prefix::Size(_))
            || group == 120
            || group == 50 && self.function.freezes_at_time()
    }
}

/// What stands behind a header whose objects have this layout.
fn body(layout: Option<Layout>, prefix: Prefix, variation: u8) -> Result<Body, FaultKind> {
    match (layout, prefix) {
        (Some(layout @ Layout::Fields { .. }), _) => Ok(Body::Items(prefix, layout)),
        (_, Prefix::Size(_)) => Ok(Body::Items(prefix, Layout::Prefixed)),
        (Some(Layout::Bits), Prefix::None) => Ok(Body::Bits),
        (Some(Layout::DoubleBits), Prefix::None) => Ok(Body::DoubleBits),
        (Some(Layout::Bits | Layout::DoubleBits), _) => Err(FaultKind::PackedWithPrefix),
        (Some(Layout::Octets), Prefix::None) if variation == 0 => Ok(Body::Bare),
        (Some(Layout::Bare), Prefix::None) => Ok(Body::Bare),
        (Some(Layout::Prefixed) | None, _) => Err(FaultKind::UnknownObject),
        (Some(layout), _) => Ok(Body::Items(prefix, layout)),
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Result<ObjectHeader<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(fault) = self.fault.take() {
            return Some(Err(fault));
        }
        if self.reader.0.is_empty() {
            return None;
        }
        let before = self.reader.0.len();
        let mut header = match self.read_header() {
            Ok(header) => header,
            Err(kind) => return Some(Err(self.end(kind))),
        };
        let len = header.octets();
        match self.reader.take(len.unwrap_or(usize::MAX)) {
            Some(data) => header.data = data,
            None => self.fault = Some(self.end(FaultKind::ObjectsCutShort)),
        }
        self.offset = self.offset.saturating_add(before.saturating_sub(self.reader.0.len()));
        self.common_time_ms = header.sets_common_time().or(self.common_time_ms);
        Some(Ok(header))
    }
}
