//! Object headers (IEEE 1815-2012, clause 4): which objects a fragment names or carries.

use tagout_engine::Space;

use super::function::Function;
use super::objects::{self, Group, Layout, Variation};
use super::points::{Points, Survey};
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
    pub(super) prefix: Prefix,
    pub(super) layout: &'static Layout,
    pub(super) common_time_ms: Option<u64>,
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

    /// What the standard calls the field.
    const fn field(self) -> &'static str {
        match self {
            Self::Count(_) => "count",
            Self::All | Self::Indexes { .. } | Self::Addresses { .. } => "range",
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

    /// Octets of the range field.
    const fn range_len(self) -> usize {
        match self.0 & 0x0f {
            0x0 | 0x3 | 0x8 => 2,
            0x1 | 0x4 | 0x9 => 4,
            0x2 | 0x5 => 8,
            0x7 | 0xb => 1,
            _ => 0,
        }
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

    /// Whether nothing stands behind the header.
    pub(super) fn is_bare(&self) -> bool {
        matches!((self.layout, self.prefix), (Layout::Bare, Prefix::None))
    }

    /// The common time of occurrence that this header sets for those behind it.
    fn sets_common_time(&self) -> Option<u64> {
        match (self.group == 51).then(|| self.points().next()).flatten()?.value {
            objects::Value::Time(ms) => Some(ms),
            _ => None,
        }
    }
}

/// What is wrong with a fragment's object headers or with an object behind one of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// The field that is wrong, in the standard's words.
    pub field: &'static str,
    /// Octets from the fragment's application control octet to that field.
    pub offset: usize,
    /// What would have been right, or the least of it.
    pub expected: Option<u32>,
    /// What is there.
    pub found: Option<u32>,
}

/// What is wrong with an object header or an object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FaultKind {
    /// The fragment ends within the header: octets that it has, and that are there.
    HeaderCutShort,
    /// The qualifier is a reserved one.
    Qualifier,
    /// Packed bits cannot have prefixes.
    PackedWithPrefix,
    /// The range ends before it starts.
    RangeInverted,
    /// The group or the variation is unknown, and so the size of the objects.
    UnknownObject,
    /// The fragment ends before as many objects as the header announces. Those that are there are yielded.
    ObjectsCutShort,
    /// A field does not fit its object: octets that it needs, and that are there. The walk goes on behind the object.
    ObjectMalformed,
}

impl FaultKind {
    /// Its name in a few words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HeaderCutShort => "header-cut-short",
            Self::Qualifier => "reserved-qualifier",
            Self::PackedWithPrefix => "packed-with-prefix",
            Self::RangeInverted => "range-inverted",
            Self::UnknownObject => "unknown-object",
            Self::ObjectsCutShort => "objects-cut-short",
            Self::ObjectMalformed => "object-malformed",
        }
    }

    /// A fault of this kind in a field; the offset counts from where the caller knows.
    const fn at(self, field: &'static str, offset: usize) -> Fault {
        Fault { kind: self, field, offset, expected: None, found: None }
    }
}

impl Fault {
    const fn expected(self, expected: u32) -> Self {
        Self { expected: Some(expected), ..self }
    }

    const fn found(self, found: u32) -> Self {
        Self { found: Some(found), ..self }
    }

    const fn moved(self, offset: usize) -> Self {
        Self { offset: self.offset.saturating_add(offset), ..self }
    }
}

/// Where the fields of an object header stand, in octets from its first.
mod place {
    pub(super) const GROUP: usize = 0;
    pub(super) const VARIATION: usize = 1;
    pub(super) const QUALIFIER: usize = 2;
    pub(super) const RANGE: usize = 3;
}

/// The object headers of a fragment. What cannot be followed ends the iteration with its [`Fault`]; an object whose
/// fields do not fit it is told behind its header, and the iteration goes on.
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

    /// The octets that cannot be followed: from the header on that ends the walk, or all behind the one that announces more
    /// objects than there are.
    pub(super) fn unfollowed(mut self) -> &'a [u8] {
        let ends = |fault: Fault| fault.kind != FaultKind::ObjectMalformed;
        loop {
            let rest = self.reader.0;
            match self.next() {
                Some(Ok(header)) if self.fault.is_some_and(ends) => return header.data,
                Some(Err(fault)) if ends(fault) => return rest,
                Some(_) => {}
                None => return &[],
            }
        }
    }

    /// Ends the walk with a fault whose offset counts from the header at hand.
    fn end(&mut self, fault: Fault) -> Fault {
        self.reader = Reader(&[]);
        fault.moved(self.offset)
    }

    fn read_header(&mut self) -> Result<ObjectHeader<'a>, Fault> {
        let there = self.reader.0.len();
        let cut_short = |len: usize| {
            Err(FaultKind::HeaderCutShort.at("object header", place::GROUP).expected(len as u32).found(there as u32))
        };
        let Some([group, variation, octet]) = self.reader.array() else { return cut_short(place::RANGE) };
        let qualifier = Qualifier(octet);
        let Some(prefix) = qualifier.prefix() else {
            return Err(FaultKind::Qualifier.at("qualifier", place::QUALIFIER).found(octet.into()));
        };
        let Some(range) = qualifier.read_range(&mut self.reader) else {
            return cut_short(place::RANGE.saturating_add(qualifier.range_len()));
        };
        if let Range::Indexes { start, stop } | Range::Addresses { start, stop } = range
            && stop < start
        {
            return Err(FaultKind::RangeInverted.at("range", place::RANGE).expected(start).found(stop));
        }
        let known = objects::group(group);
        let layout = match (range, prefix) {
            (Range::All, _) => Ok(&Layout::Bare),
            _ if self.carries_objects(group, prefix) => layout(known, prefix, variation),
            _ => Ok(&Layout::Bare),
        };
        let layout = match layout {
            Ok(layout) => layout,
            Err(kind) => return Err(unfollowed(kind, known, group, variation, qualifier)),
        };
        let (offset, data, common_time_ms) = (self.offset, self.reader.0, self.common_time_ms);
        Ok(ObjectHeader { group, variation, qualifier, range, offset, data, known, prefix, layout, common_time_ms })
    }

    /// Takes the objects behind the header. Those that are not there, or do not fit, are the fault of the next step.
    fn take_objects(&mut self, header: &mut ObjectHeader<'a>, header_len: usize) {
        let survey = Survey::of(header);
        self.fault = survey.misfit.map(|misfit| {
            let fault = FaultKind::ObjectMalformed.at(misfit.field, misfit.offset);
            fault.expected(misfit.expected as u32).found(misfit.found as u32).moved(self.offset).moved(header_len)
        });
        match survey.octets.and_then(|len| self.reader.take(len)) {
            Some(data) => header.data = data,
            None => {
                let announced = header.range.count().unwrap_or(u32::MAX);
                let fault = FaultKind::ObjectsCutShort.at(header.range.field(), place::RANGE);
                self.fault = Some(self.end(fault.expected(announced).found(survey.objects)));
            }
        }
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

/// How objects lie behind such a prefix.
fn layout(known: Option<&'static Group>, prefix: Prefix, variation: u8) -> Result<&'static Layout, FaultKind> {
    let layout = known.and_then(|known| known.variation(variation)).map(|variation| &variation.layout);
    match (layout, prefix) {
        (Some(layout @ (Layout::Fields { .. } | Layout::Composite { .. } | Layout::Attribute)), Prefix::Size(_)) => {
            Ok(layout)
        }
        (_, Prefix::Size(_)) => Ok(&Layout::Prefixed),
        (Some(Layout::Bits | Layout::DoubleBits), Prefix::Index(_)) => Err(FaultKind::PackedWithPrefix),
        (Some(Layout::Octets), Prefix::None) if variation == 0 => Ok(&Layout::Bare),
        (Some(Layout::Prefixed | Layout::Composite { len: None, .. }) | None, _) => Err(FaultKind::UnknownObject),
        (Some(layout), _) => Ok(layout),
    }
}

/// Why the objects behind a header cannot be followed.
fn unfollowed(kind: FaultKind, known: Option<&Group>, group: u8, variation: u8, qualifier: Qualifier) -> Fault {
    match (kind, known) {
        (FaultKind::PackedWithPrefix, _) => kind.at("qualifier", place::QUALIFIER).found(qualifier.0.into()),
        (_, None) => kind.at("group", place::GROUP).found(group.into()),
        (_, Some(_)) => kind.at("variation", place::VARIATION).found(variation.into()),
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
            Err(fault) => return Some(Err(self.end(fault))),
        };
        let header_len = before.saturating_sub(self.reader.0.len());
        self.take_objects(&mut header, header_len);
        self.offset = self.offset.saturating_add(before.saturating_sub(self.reader.0.len()));
        self.common_time_ms = header.sets_common_time().or(self.common_time_ms);
        Some(Ok(header))
    }
}
