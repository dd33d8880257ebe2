//! The layout of a compiled policy: a [`Header`], then the sections that it lists, each an array of fixed records.
//!
//! All numbers are little-endian and nothing is aligned, so an image is used where it lies: in a file's bytes or in
//! flash. The compiler writes these records; [`Policy::load`](crate::Policy::load) checks every one of them once.
//! Sections follow each other without gaps in the order of [`Section::ALL`].

mod cadences;
mod conditions;
mod intents;
mod networks;
mod permits;
mod rules;
mod selectors;
mod site;
mod suppressions;
mod windows;

pub use cadences::{ANY_TIME, Cadence, Cycle, Poll};
pub use conditions::{Condition, Instruction, NO_CONDITION, NO_FIELD, OCTETS, Octets};
pub use intents::{IntentKey, IntentTerms};
pub use networks::{Network, network};
pub use permits::{Grant, NO_TERMS, Pair, Permit, Terms, WHOLE_DEVICE};
pub use rules::Rule;
pub use selectors::{Class, Key, Selector, part};
pub use site::{Actor, Bounds, Device, LOW_WORD_FIRST, Point, SWAP_BYTES, Scaling};
pub use suppressions::Suppression;
pub use windows::{DAY_S, Window};

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// First bytes of every image.
pub const MAGIC: [u8; 8] = *b"tagout\0P";
/// Version of the layout; images of any other version are refused.
pub const SCHEMA: u32 = 6;
/// The checksum over everything that follows [`Header::crc`].
pub const CRC: crc::Crc<u32, Tables> = crc::Crc::<u32, Tables>::new(&crc::CRC_32_ISO_HDLC);
/// Where flash is short, no table, which is 1 KiB: an octet takes eight shifts.
type Tables = crc::Table<{ if cfg!(target_os = "none") { 0 } else { 1 } }>;
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
use record;

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
    /// Numbers of the rules that are invariants of points, ascending, point after point.
    PointInvariants = 28, "point invariants";
    /// Rule numbers: those of the rules on each device alone in ascending order, device after device.
    DeviceRules = 29, "device rules";
    /// [`Suppression`]s, in the order of the files.
    Suppressions = 30, "suppressions";
    /// Rule numbers that suppressions name, in ascending order, suppression after suppression.
    SuppressedRules = 31, "suppressed rules";
    /// [`Cadence`] by cadence number, sorted by device and actor.
    Cadences = 32, "cadences";
    /// [`Cycle`] by cycle number, cadence after cadence.
    Cycles = 33, "cycles";
    /// [`Poll`] by poll number, cadence after cadence.
    Polls = 34, "polls";
    /// Poll numbers: those of each cadence by their keys, cadence after cadence.
    PollIndex = 35, "poll index";
    /// [`IntentTerms`], if the policy says anything of them.
    IntentTerms = 36, "intent terms";
    /// [`IntentKey`]s, in the order of the files.
    IntentKeys = 37, "intent keys";
    /// Actor numbers: those that each key may declare for in ascending order, key after key.
    KeyActors = 38, "key actors";
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
    #[cfg_attr(target_os = "none", inline(never))]
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
