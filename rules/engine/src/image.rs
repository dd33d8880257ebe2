//! The layout of a compiled policy: a [`Header`], then the sections that it lists, each an array of fixed records.
//!
//! All numbers are little-endian and nothing is aligned, so an image is used where it lies: in a file's bytes or in
//! flash. The compiler writes these records; [`Policy::load`](crate::Policy::load) checks every one of them once.
//! Sections follow each other without gaps in the order of [`Section::ALL`].

use core::net::IpAddr;

use zerocopy::little_endian::{F64, I32, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::{Endpoint, Timestamp};

/// First bytes of every image.
pub const MAGIC: [u8; 8] = *b"tagout\0P";
/// Version of the layout; images of any other version are refused.
pub const SCHEMA: u32 = 2;
/// The checksum over everything that follows [`Header::crc`].
pub const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
/// How many bytes at the start of an image the checksum does not cover: magic, schema and the checksum itself.
pub const UNCHECKED: usize = 16;

macro_rules! record {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $kind:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
        #[repr(C)]
        pub struct $name { $($(#[$doc])* pub $field: $kind,)+ }
    };
}

macro_rules! sections {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $text:literal;)+) => {
        /// A part of an image.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Section { $($(#[$doc])* $variant = $number,)+ }

        impl Section {
            /// Every section, in the order of the image.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The section's name in error messages.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

sections! {
    /// UTF-8 text that [`Text`]s point into.
    Strings = 0, "strings";
    /// [`Text`]: the names of the source files.
    Files = 1, "files";
    /// [`Actor`] by actor number.
    Actors = 2, "actors";
    /// [`Class`]es of the actors' selectors, most specific first.
    ActorClasses = 3, "actor classes";
    /// [`Selector`]s of the actors, class after class.
    ActorSelectors = 4, "actor selectors";
    /// [`Device`] by device number.
    Devices = 5, "devices";
    /// [`Class`]es of the devices' selectors, most specific first.
    DeviceClasses = 6, "device classes";
    /// [`Selector`]s of the devices, class after class.
    DeviceSelectors = 7, "device selectors";
    /// [`Point`] by point number, sorted by device, space and address.
    Points = 8, "points";
    /// [`Permit`] by permit number, in the order of the files.
    Permits = 9, "permits";
    /// [`Grant`]s: the devices' first, in their order, then the points', in theirs.
    Grants = 10, "grants";
    /// [`Pair`]s sorted by device and actor.
    Pairs = 11, "pairs";
    /// Permit numbers: those of each pair in ascending order, pair after pair.
    PairPermits = 12, "pair permits";
    /// [`Rule`] by rule number.
    Rules = 13, "rules";
    /// [`Extent`]s in the rule lists, by the index of the [`Trigger`](crate::Trigger).
    RuleIndex = 14, "rule index";
    /// Rule numbers in ascending order, list after list.
    RuleLists = 15, "rule lists";
    /// [`Condition`] by condition number.
    Conditions = 16, "conditions";
    /// [`Instruction`]s of the conditions, condition after condition.
    Instructions = 17, "instructions";
    /// The numbers that conditions name, finite.
    Numbers = 18, "numbers";
    /// The texts that conditions name.
    Texts = 19, "texts";
    /// The [`Octets`] that conditions name.
    Octets = 20, "octets";
    /// The [`Network`]s that conditions name.
    Networks = 21, "networks";
    /// Numbers of the [`Field`](crate::Field)s of rules' keys, rule after rule.
    RuleFields = 22, "rule fields";
    /// Condition numbers of the steps of rules, rule after rule.
    RuleSteps = 23, "rule steps";
    /// [`Terms`] of the permits that have some, in the order of the permits.
    Terms = 24, "terms";
    /// The numbers that terms list as values, terms after terms.
    TermValues = 25, "term values";
    /// Numbers of the windows that terms name, terms after terms.
    TermWindows = 26, "term windows";
    /// [`Window`] by window number.
    Windows = 27, "windows";
}

/// How many sections an image has.
pub const SECTIONS: usize = Section::ALL.len();

record! {
    /// The start of an image.
    Header {
        /// [`MAGIC`].
        magic: [u8; 8],
        /// [`SCHEMA`].
        schema: U32,
        /// [`CRC`] over all bytes behind this field.
        crc: U32,
        /// Length of the whole image in bytes.
        length: U32,
        /// The site's name; may be empty.
        site: Text,
        /// Where each section lies: offset in bytes from the start of the image, and number of records.
        sections: [Extent; SECTIONS],
    }
}

record! {
    /// A run of consecutive records (or, in the header, a section).
    Extent {
        /// Index of the first.
        first: U32,
        /// How many.
        count: U32,
    }
}

impl Extent {
    /// No records.
    pub const EMPTY: Self = Self { first: U32::ZERO, count: U32::ZERO };

    /// The run's records among `all`; nothing if it exceeds them.
    pub fn of<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        let first = self.first.get() as usize;
        first.checked_add(self.count.get() as usize).and_then(|end| all.get(first..end)).unwrap_or_default()
    }
}

record! {
    /// A piece of the strings section, in bytes.
    Text {
        /// Where it starts.
        offset: U32,
        /// How long it is.
        length: U32,
    }
}

record! {
    /// Where in the policy's text something stands.
    Place {
        /// Number of the source file.
        file: U16,
        /// 1-based line.
        line: U32,
        /// 1-based column, in characters.
        column: U32,
    }
}

record! {
    /// Whoever issues commands.
    Actor {
        /// Its name.
        name: Text,
        /// Where it is declared.
        source: Place,
        /// Number of the [`ActorKind`](crate::ActorKind).
        kind: u8,
    }
}

record! {
    /// A controller or outstation.
    Device {
        /// Its name.
        name: Text,
        /// Where it is declared.
        source: Place,
        /// The permits on the whole device.
        grants: Extent,
        /// Its points.
        points: Extent,
        /// 1 for a device whose violations are for the record only, else 0.
        observe: u8,
    }
}

record! {
    /// A named address or span of addresses of a device.
    Point {
        /// Number of its device.
        device: U16,
        /// Number of its [`Space`](crate::Space).
        space: u8,
        /// First address.
        address: U16,
        /// Number of its [`Kind`](crate::Kind).
        kind: u8,
        /// [`LOW_WORD_FIRST`] and [`SWAP_BYTES`].
        order: u8,
        /// How raw numbers become engineering values.
        scaling: Scaling,
        /// The range that the process knows for it.
        range: Bounds,
        /// The greatest change a second that it can show; may be infinite.
        max_rate: F64,
        /// How far it may be from what was commanded, once it had the time to follow.
        tolerance: F64,
        /// The time that it takes to follow a command; 0 if that is not watched.
        travel_ms: U32,
        /// After this long without a change it counts as frozen; 0 if that is not watched.
        frozen_ms: U32,
        /// The permits on this point.
        grants: Extent,
        /// Its name.
        name: Text,
        /// Its unit of measure; may be empty.
        unit: Text,
        /// Where it is declared.
        source: Place,
    }
}

record! {
    /// Engineering value = (raw × gain + shift) ÷ divisor.
    ///
    /// A scale of 0.1 is no binary fraction: 3 × 0.1 is more than 0.3. Written as tenths (gain 1, divisor 10) the one
    /// rounding is that of the division, and 3 gives the same number as `0.3` in a policy.
    Scaling {
        /// The scale, times the divisor.
        gain: F64,
        /// The offset, times the divisor.
        shift: F64,
        /// A power of ten.
        divisor: F64,
    }
}

impl Scaling {
    /// The engineering value of a raw number.
    pub fn apply(&self, raw: f64) -> f64 {
        (raw * self.gain.get() + self.shift.get()) / self.divisor.get()
    }

    /// Whether it gives a number for every raw number.
    pub fn is_valid(&self) -> bool {
        let parts = [self.gain.get(), self.shift.get(), self.divisor.get()];
        parts.iter().all(|part| part.is_finite()) && self.gain.get() != 0.0 && self.divisor.get() >= 1.0
    }
}

/// Bit of [`Point::order`]: the least significant register comes first.
pub const LOW_WORD_FIRST: u8 = 1;
/// Bit of [`Point::order`]: the bytes within each register are swapped.
pub const SWAP_BYTES: u8 = 2;

record! {
    /// An inclusive range; an open end is infinite.
    Bounds {
        /// Lower bound or −∞.
        min: F64,
        /// Upper bound or +∞.
        max: F64,
    }
}

impl Bounds {
    /// Every number.
    pub const ALL: Self = Self {
        min: F64::from_bytes(f64::NEG_INFINITY.to_le_bytes()),
        max: F64::from_bytes(f64::INFINITY.to_le_bytes()),
    };

    /// Whether `value` lies inside; NaN lies inside no range.
    pub fn contain(&self, value: f64) -> bool {
        value >= self.min.get() && value <= self.max.get()
    }

    /// Whether `value` lies inside as single precision numbers: 0.3 as the wire has it is more than the 0.3 of a
    /// policy, but the same single precision number.
    pub fn contain_single(&self, value: f64) -> bool {
        let value = value as f32;
        value >= self.min.get() as f32 && value <= self.max.get() as f32
    }

    /// Whether any end is closed.
    pub fn limit(&self) -> bool {
        self.min.get() > f64::NEG_INFINITY || self.max.get() < f64::INFINITY
    }
}

record! {
    /// What one policy entry allows.
    Permit {
        /// Its name; may be empty.
        name: Text,
        /// Where it stands.
        source: Place,
        /// Set of [`Action`](crate::Action)s by their bits.
        actions: U32,
        /// The engineering values that it allows.
        value: Bounds,
        /// How many points it names; [`WHOLE_DEVICE`] when it covers whole devices.
        points: U32,
        /// Number of its [`Terms`], or [`NO_TERMS`].
        terms: U32,
    }
}

/// [`Permit::points`] of a permit on whole devices.
pub const WHOLE_DEVICE: u32 = u32::MAX;
/// [`Permit::terms`] of a permit that asks for nothing but a range.
pub const NO_TERMS: u32 = u32::MAX;

record! {
    /// What a permit asks for beside a range. Every limit of 0 is none.
    Terms {
        /// Values lie this far apart, counted from the range's lower end, or from 0 where that is open.
        step: F64,
        /// The only values that it allows, in the term values; any if there are none.
        one_of: Extent,
        /// What must hold, or [`NO_CONDITION`].
        when: U16,
        /// The windows in one of which it holds, in the term windows; at all times if there are none.
        windows: Extent,
        /// Their names, as messages say them.
        during: Text,
        /// How many uses of each actor on each device fit in `per_ms`.
        at_most: U16,
        /// In what time.
        per_ms: U32,
        /// The largest change against the value before.
        max_step: F64,
        /// The least time between commands in opposite directions.
        opposite_ms: U32,
        /// The largest sum of changes in `change_ms`.
        max_change: F64,
        /// In what time.
        change_ms: U32,
    }
}

impl Terms {
    /// Whether it depends on the value that is written.
    pub fn limit_values(&self) -> bool {
        self.step.get() != 0.0 || self.one_of.count.get() != 0 || self.limit_changes()
    }

    /// Whether it depends on what was written before.
    pub fn limit_changes(&self) -> bool {
        self.max_step.get() != 0.0 || self.opposite_ms.get() != 0 || self.max_change.get() != 0.0
    }
}

record! {
    /// A time: hours of some days of the week, or once from a start to an end.
    Window {
        /// Its name.
        name: Text,
        /// Where it is declared.
        source: Place,
        /// The days on which it begins, Monday in the lowest bit; 0 for a window that is there once.
        days: u8,
        /// Seconds of the day at which it begins.
        from_s: U32,
        /// Seconds of the day at which it ends; not above `from_s` where that is on the next day.
        to_s: U32,
        /// Seconds that the site's clock is ahead of UTC.
        offset_s: I32,
        /// When it begins if it is there once, in nanoseconds since the Unix epoch.
        start: U64,
        /// The first time behind it.
        end: U64,
    }
}

/// Seconds of a day.
pub const DAY_S: u32 = 86_400;

impl Window {
    /// Whether it is now.
    pub fn contains(&self, now: Timestamp) -> bool {
        const DAY: i64 = DAY_S as i64;
        if self.days == 0 {
            return (self.start.get()..self.end.get()).contains(&now.0);
        }
        let seconds = i64::try_from(now.0 / 1_000_000_000).unwrap_or(i64::MAX);
        let local = seconds.saturating_add(self.offset_s.get().into());
        let day = local.wrapping_div_euclid(DAY);
        let second = u32::try_from(local.wrapping_rem_euclid(DAY)).unwrap_or(0);
        let (from, to) = (self.from_s.get(), self.to_s.get());
        if from < to {
            self.is_on(day) && second >= from && second < to
        } else {
            (self.is_on(day) && second >= from) || (self.is_on(day.saturating_sub(1)) && second < to)
        }
    }

    /// Whether it begins on this day since the Unix epoch, which was a Thursday.
    fn is_on(&self, day: i64) -> bool {
        let weekday = day.saturating_add(3).wrapping_rem_euclid(7);
        self.days.wrapping_shr(u32::try_from(weekday).unwrap_or(0)) & 1 == 1
    }
}

record! {
    /// One actor's permit on a point or a whole device; sorted by actor, then permit.
    Grant {
        /// Number of the actor.
        actor: U16,
        /// Number of the permit.
        permit: U16,
    }
}

record! {
    /// What an actor may do anywhere on a device.
    Pair {
        /// Number of the device.
        device: U16,
        /// Number of the actor.
        actor: U16,
        /// The union of its permits' actions.
        actions: U32,
        /// Its permits, in the pair permits.
        permits: Extent,
    }
}

record! {
    /// A detection.
    Rule {
        /// Signature id.
        sid: U32,
        /// Number of the [`Severity`](crate::Severity).
        severity: u8,
        /// Number of the [`Threshold`](crate::Threshold).
        threshold: u8,
        /// Set of [`Action`](crate::Action)s by their bits.
        actions: U32,
        /// Set of [`Judgement`](crate::Judgement)s by their bits: what the permits say of an exchange with these actions.
        verdicts: u8,
        /// Set of [`Outcome`](crate::Outcome)s by their bits: the rule looks when an exchange ends so. None: it looks at
        /// the request.
        outcomes: u8,
        /// Set of [`AnomalyKind`](crate::AnomalyKind)s by their bits.
        anomalies: U64,
        /// Set of [`ProcessEvent`](crate::ProcessEvent)s by their bits.
        process: u8,
        /// What must hold, or [`NO_CONDITION`].
        when: U16,
        /// Fields of its key, in the rule fields.
        per: Extent,
        /// Conditions of its steps, in the rule steps.
        steps: Extent,
        /// Number of the field whose different values count, or [`NO_FIELD`].
        distinct: u8,
        /// How many matches or different values fire it.
        count: U16,
        /// The time that they, its steps or what lasts may or must take.
        within_ms: U32,
        /// For how long it is silent for a key after it fired.
        rearm_ms: U32,
        /// For how long after the beginning it takes what is new for known.
        warm_up_ms: U32,
        /// What it says.
        signature: Text,
        /// Suricata's classification; may be empty.
        category: Text,
        /// Id of the [`Technique`](crate::attack::Technique); may be empty.
        technique: Text,
        /// Id of a technique of MITRE ATLAS; may be empty.
        atlas: Text,
        /// Id of a risk of the OWASP lists for agents and language models; may be empty.
        owasp: Text,
        /// Where it stands.
        source: Place,
    }
}

record! {
    /// A condition. One text has one condition, wherever it stands.
    Condition {
        /// Its [`Instruction`]s.
        code: Extent,
        /// As the policy writes it.
        text: Text,
        /// Where it stands first.
        source: Place,
    }
}

/// The number of no condition, in records that may have one.
pub const NO_CONDITION: u16 = u16::MAX;

/// The number of no field, in records that may have one.
pub const NO_FIELD: u8 = u8::MAX;

record! {
    /// A step of a condition.
    Instruction {
        /// Number of the [`Op`](crate::Op).
        op: u8,
        /// What it names, as the op says: a run of constants; or, with a count of 0, a field, a point, a bit or a flag.
        operand: Extent,
        /// The part of the condition's text that it stands for, in bytes: its start.
        start: U16,
        /// The end of that part.
        end: U16,
    }
}

record! {
    /// Bytes that a condition names.
    Octets {
        /// How many.
        length: u8,
        /// The bytes; those behind the length are 0.
        bytes: [u8; OCTETS],
    }
}

/// The most bytes that [`Octets`] hold.
pub const OCTETS: usize = 31;

impl Octets {
    /// The bytes that are meant.
    pub fn get(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// Whether they have a length that fits, and nothing behind it.
    pub fn is_valid(&self) -> bool {
        self.bytes.get(usize::from(self.length)..).is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
    }
}

record! {
    /// An IP address or network that a condition names.
    Network {
        /// Its first address, left-aligned, bits behind the prefix zero.
        ip: [u8; 16],
        /// How many leading bits count.
        prefix: u8,
        /// 4 or 6.
        version: u8,
    }
}

impl Network {
    /// Whether the address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let version = if address.is_ipv4() { 4 } else { 6 };
        version == self.version && network(address, self.prefix) == self.ip
    }

    /// Whether its prefix fits its version, and no bit behind it is set.
    pub fn is_valid(&self) -> bool {
        let longest = match self.version {
            4 => 32,
            6 => 128,
            _ => return false,
        };
        self.prefix <= longest && u128::from_be_bytes(self.ip) & !leading(self.prefix) == 0
    }
}

/// Bits of [`Class::parts`].
pub mod part {
    /// An IPv4 address or network.
    pub const IPV4: u8 = 1;
    /// An IPv6 address or network.
    pub const IPV6: u8 = 2;
    /// A MAC address.
    pub const MAC: u8 = 4;
    /// A VLAN id.
    pub const VLAN: u8 = 8;
    /// A range of ports.
    pub const PORT: u8 = 16;
    /// A Modbus unit id.
    pub const UNIT: u8 = 32;
    /// A DNP3 link address.
    pub const LINK: u8 = 64;
    /// All of them.
    pub const ALL: u8 = 127;
}

record! {
    /// Selectors that ask for the same parts of an endpoint, sorted by [`Selector::order`]; no two of them match the
    /// same endpoint.
    Class {
        /// The parts asked for: bits of [`part`].
        parts: u8,
        /// How many leading bits of the IP address count.
        prefix: u8,
        /// The selectors.
        selectors: Extent,
    }
}

impl Class {
    /// What decides between selectors that match the same endpoint; the greater wins. In this order: a DNP3 link
    /// address, a Modbus unit id, a full IP address, a MAC address, the longer network prefix, a port, a VLAN.
    pub fn specificity(&self) -> [u8; 8] {
        let has = |part: u8| u8::from(self.parts & part != 0);
        let full = u8::from(self.prefix == self.longest_prefix() && self.parts & (part::IPV4 | part::IPV6) != 0);
        let family = self.parts & (part::IPV4 | part::IPV6);
        [has(part::LINK), has(part::UNIT), full, has(part::MAC), self.prefix, has(part::PORT), has(part::VLAN), family]
    }

    /// The prefix length of a full address of the class's family; 0 without an IP part.
    pub fn longest_prefix(&self) -> u8 {
        match self.parts & (part::IPV4 | part::IPV6) {
            part::IPV4 => 32,
            part::IPV6 => 128,
            _ => 0,
        }
    }

    /// The parts of `at` that this class asks for, as a selector of one port; `None` when one is missing.
    pub fn probe(&self, at: &Endpoint) -> Option<Selector> {
        let asks = |part: u8| self.parts & part != 0;
        let port = if asks(part::PORT) { at.port? } else { 0 };
        Some(Selector {
            ip: self.network(at.ip)?,
            mac: if asks(part::MAC) { at.mac?.0 } else { [0; 6] },
            vlan: if asks(part::VLAN) { at.vlan? } else { 0 }.into(),
            unit: if asks(part::UNIT) { at.unit? } else { 0 },
            link: if asks(part::LINK) { at.link? } else { 0 }.into(),
            port_first: port.into(),
            port_last: port.into(),
            owner: 0.into(),
        })
    }

    fn network(&self, ip: Option<IpAddr>) -> Option<[u8; 16]> {
        match self.parts & (part::IPV4 | part::IPV6) {
            0 => Some([0; 16]),
            part::IPV4 => Some(network(ip.filter(IpAddr::is_ipv4)?, self.prefix)),
            _ => Some(network(ip.filter(IpAddr::is_ipv6)?, self.prefix)),
        }
    }
}

/// The leading `prefix` bits of an address, left-aligned, the rest zero.
pub fn network(ip: IpAddr, prefix: u8) -> [u8; 16] {
    let bits = match ip {
        IpAddr::V4(v4) => u128::from(v4.to_bits()).wrapping_shl(96),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    (bits & leading(prefix)).to_be_bytes()
}

/// The leading `prefix` of 128 bits.
fn leading(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128_u32.saturating_sub(u32::from(prefix))).unwrap_or(0)
}

record! {
    /// What an endpoint must look like; parts that the class does not ask for are zero, the ports 0 to 65535.
    Selector {
        /// Network address, left-aligned, bits behind the class's prefix zero.
        ip: [u8; 16],
        /// MAC address.
        mac: [u8; 6],
        /// VLAN id.
        vlan: U16,
        /// Modbus unit id.
        unit: u8,
        /// DNP3 link address.
        link: U16,
        /// First port.
        port_first: U16,
        /// Last port.
        port_last: U16,
        /// Number of the actor or device that it selects.
        owner: U16,
    }
}

/// Everything of a [`Selector`] that must be equal.
pub type Key = ([u8; 16], [u8; 6], u16, u8, u16);

impl Selector {
    /// Everything that must be equal.
    pub fn key(&self) -> Key {
        (self.ip, self.mac, self.vlan.get(), self.unit, self.link.get())
    }

    /// The order of the selectors in a class.
    pub fn order(&self) -> (Key, u16) {
        (self.key(), self.port_first.get())
    }
}
