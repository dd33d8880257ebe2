mod cadences;
mod intents;
mod rules;

use core::{error, fmt, iter, str};

use zerocopy::little_endian::{F64, U16};
use zerocopy::{FromBytes, Immutable, KnownLayout};

use super::Policy;
use super::describe::all_actions;
use crate::condition::{self, Code};
use crate::image::{
    self, Bounds, CRC, Class, DAY_S, Extent, Grant, Header, MAGIC, NO_CONDITION, NO_TERMS, Pair, Place, SCHEMA,
    Section, Selector, Terms, Text, UNCHECKED, WHOLE_DEVICE, Window, part,
};
use crate::{ActorKind, IntentMode, Kind, Replied, RuleId, Space};

/// What is wrong with an image. Displays as one sentence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoadError {
    /// Where; `None` for the header.
    pub section: Option<Section>,
    /// 0-based number of the record.
    pub record: usize,
    /// Why it is refused.
    pub fault: &'static str,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.section {
            None => write!(f, "policy image: {}", self.fault),
            Some(section) => write!(f, "policy image, {}, record {}: {}", section.name(), self.record, self.fault),
        }
    }
}

impl error::Error for LoadError {}

type Check = Result<(), LoadError>;

pub(super) fn load(image: &[u8]) -> Result<Policy<'_>, LoadError> {
    let policy = trust(image)?;
    policy.check_texts()?;
    policy.check_actors()?;
    policy.check_devices()?;
    policy.check_points()?;
    policy.check_permits()?;
    policy.check_pairs()?;
    policy.check_rules()?;
    policy.check_conditions()?;
    policy.check_invariants()?;
    policy.check_terms()?;
    policy.check_suppressions()?;
    policy.check_cadences()?;
    policy.check_intents()?;
    Ok(policy)
}

pub(super) fn trust(image: &[u8]) -> Result<Policy<'_>, LoadError> {
    let header = header(image)?;
    let mut policy = sections(image, header)?;
    policy.limits_changes = policy.terms.iter().any(Terms::limit_changes);
    policy.expects_replies = policy.terms.iter().any(|terms| terms.replies != 0);
    policy.awaits_reports = policy.points.iter().any(|point| point.stale_ms != 0);
    let looks_at_ends = |id: &U16| policy.rule(RuleId(id.get())).is_some_and(|rule| rule.outcomes != 0);
    policy.has_device_rules_on_ends = policy.device_rules.iter().any(looks_at_ends);
    policy.has_intents = policy.actors.iter().any(|actor| actor.intents != 0);
    policy.has_conditional_permits = policy.terms.iter().any(|terms| terms.when != NO_CONDITION);
    Ok(policy)
}

fn header(image: &[u8]) -> Result<&Header, LoadError> {
    let (header, _) = Header::ref_from_prefix(image).map_err(|_| whole("shorter than a header"))?;
    whole_if(header.magic == MAGIC, "not a tagout policy image")?;
    whole_if(header.schema == SCHEMA, "made for another version of tagout; compile the policy again")?;
    whole_if(header.length.get() as usize == image.len(), "its length is not the one that it states")?;
    let sum = image.get(UNCHECKED..).map(|rest| CRC.checksum(rest));
    whole_if(sum == Some(header.crc.get()), "damaged: the checksum differs")?;
    Ok(header)
}

fn sections<'a>(image: &'a [u8], header: &'a Header) -> Result<Policy<'a>, LoadError> {
    let mut cursor = Cursor {
        image,
        at: size_of::<Header>(),
        extents: header.sections.iter(),
        section: Section::ALL.iter(),
        misplaced: None,
    };
    let strings = cursor.take::<u8>();
    let policy = Policy {
        site: header.site,
        strings: str::from_utf8(strings).map_err(|_| fault(Section::Strings, 0, "not UTF-8"))?,
        files: cursor.take(),
        actors: cursor.take(),
        actor_classes: cursor.take(),
        actor_selectors: cursor.take(),
        devices: cursor.take(),
        device_classes: cursor.take(),
        device_selectors: cursor.take(),
        points: cursor.take(),
        permits: cursor.take(),
        grants: cursor.take(),
        pairs: cursor.take(),
        pair_permits: cursor.take(),
        rules: cursor.take(),
        rule_index: cursor.take(),
        rule_lists: cursor.take(),
        code: Code {
            conditions: cursor.take(),
            instructions: cursor.take(),
            numbers: cursor.take(),
            texts: cursor.take(),
            octets: cursor.take(),
            networks: cursor.take(),
        },
        rule_fields: cursor.take(),
        rule_steps: cursor.take(),
        terms: cursor.take(),
        term_values: cursor.take(),
        term_windows: cursor.take(),
        windows: cursor.take(),
        point_invariants: cursor.take(),
        device_rules: cursor.take(),
        suppressions: cursor.take(),
        suppressed_rules: cursor.take(),
        cadences: cursor.take(),
        cycles: cursor.take(),
        polls: cursor.take(),
        poll_index: cursor.take(),
        intent_terms: cursor.take(),
        intent_keys: cursor.take(),
        key_actors: cursor.take(),
        limits_changes: false,
        has_conditional_permits: false,
        awaits_reports: false,
        has_device_rules_on_ends: false,
        expects_replies: false,
        has_intents: false,
    };
    cursor.misplaced.map_or(Ok(()), Err)?;
    whole_if(cursor.at == image.len(), "bytes behind the last section")?;
    Ok(policy)
}

/// Takes the sections off an image in their order.
struct Cursor<'a> {
    image: &'a [u8],
    at: usize,
    extents: core::slice::Iter<'a, Extent>,
    section: core::slice::Iter<'static, Section>,
    /// What is wrong with the first section that could not be taken.
    misplaced: Option<LoadError>,
}

impl<'a> Cursor<'a> {
    /// The next section; nothing where it is misplaced.
    fn take<T: FromBytes + KnownLayout + Immutable>(&mut self) -> &'a [T] {
        <[T]>::ref_from_bytes(self.bytes(size_of::<T>())).unwrap_or_default()
    }

    /// The bytes of the next section, whose records have this `size`.
    #[inline(never)]
    fn bytes(&mut self, size: usize) -> &'a [u8] {
        let bytes = self.next(size);
        if let Err(error) = bytes {
            self.misplaced = self.misplaced.or(Some(error));
        }
        bytes.unwrap_or_default()
    }

    fn next(&mut self, size: usize) -> Result<&'a [u8], LoadError> {
        let (Some(extent), Some(section)) = (self.extents.next(), self.section.next()) else {
            return Err(whole("a section is missing"));
        };
        let first = extent.first.get() as usize;
        let end = (extent.count.get() as usize).checked_mul(size).and_then(|size| first.checked_add(size));
        let bytes = end.and_then(|end| self.image.get(first..end)).filter(|_| first == self.at);
        let misplaced = "the section does not lie behind the one before it, inside the image";
        let bytes = bytes.ok_or_else(|| fault(*section, 0, misplaced))?;
        self.at = self.at.saturating_add(bytes.len());
        Ok(bytes)
    }
}

impl Policy<'_> {
    fn check_texts(&self) -> Check {
        whole_if(self.is_text(self.site), "the site's name lies outside the strings")?;
        within(self.files.len(), u16::MAX.into(), Section::Files)?;
        each(Section::Files, self.files, |name| if self.is_text(*name) { Ok(()) } else { Err(TEXT) })
    }

    fn check_actors(&self) -> Check {
        within(self.actors.len(), IDS, Section::Actors)?;
        each(Section::Actors, self.actors, |actor| {
            self.name(actor.name, actor.source)?;
            known(ActorKind::from_number(actor.kind).is_some(), "unknown kind of actor")?;
            known(actor.intents == 0 || IntentMode::from_number(actor.intents).is_some(), "unknown mode of intents")
        })?;
        let selectors = (self.actor_classes, self.actor_selectors, self.actors.len());
        check_selectors(selectors, Section::ActorClasses, Section::ActorSelectors)
    }

    fn check_devices(&self) -> Check {
        within(self.devices.len(), IDS, Section::Devices)?;
        let mut next = 0;
        each(Section::Devices, self.devices, |device| {
            self.name(device.name, device.source)?;
            known(device.observe <= 1, "neither observed nor enforced")?;
            self.check_grants(&device.grants, &mut next)
        })?;
        let selectors = (self.device_classes, self.device_selectors, self.devices.len());
        check_selectors(selectors, Section::DeviceClasses, Section::DeviceSelectors)?;
        each(Section::Points, self.points, |point| self.check_grants(&point.grants, &mut next))?;
        check(next == self.grants.len(), Section::Grants, next, "belongs to nothing")
    }

    /// Each extent begins where the one before it ended, so that checking all of them costs one pass.
    fn check_grants(&self, extent: &Extent, next: &mut usize) -> Result<(), &'static str> {
        let grants = follow(extent, self.grants, next)?;
        let order = |grant: &Grant| (grant.actor.get(), grant.permit.get());
        known(grants.is_sorted_by(|a, b| order(a) < order(b)), "its grants are out of order")?;
        let exists = |grant: &Grant| {
            usize::from(grant.actor.get()) < self.actors.len() && usize::from(grant.permit.get()) < self.permits.len()
        };
        known(grants.iter().all(exists), "a grant names an actor or permit that does not exist")
    }

    fn check_points(&self) -> Check {
        within(self.points.len(), u32::MAX as usize, Section::Points)?;
        self.check_owners()?;
        let order = |point: &image::Point| (point.device.get(), point.space, point.address.get());
        sorted(Section::Points, self.points, |a, b| order(a) <= order(b))?;
        each(Section::Points, self.points, |point| {
            self.name(point.name, point.source)?;
            known(self.is_text(point.unit), TEXT)?;
            check_encoding(point)?;
            known(point.scaling.is_valid(), "its scale or offset is no number, or its scale is zero")?;
            let rates = [point.max_rate.get(), point.tolerance.get()];
            known(rates.iter().all(|rate| *rate >= 0.0), "its rate or tolerance is no number")?;
            check_bounds(&point.range)
        })
    }

    /// Every point belongs to the device that it names, one device after the other.
    fn check_owners(&self) -> Check {
        let (mut device, mut next) = (0_usize, 0);
        each(Section::Devices, self.devices, |record| {
            let points = follow(&record.points, self.points, &mut next)?;
            let all_own = points.iter().all(|point| usize::from(point.device.get()) == device);
            device = device.saturating_add(1);
            known(all_own, "one of its points names another device")
        })?;
        check(next == self.points.len(), Section::Points, next, "belongs to no device")
    }

    fn check_permits(&self) -> Check {
        within(self.permits.len(), IDS, Section::Permits)?;
        let mut next = 0_usize;
        each(Section::Permits, self.permits, |permit| {
            if permit.terms.get() != NO_TERMS {
                known(permit.terms.get() as usize == next, "its terms do not follow those before them")?;
                next = next.saturating_add(1);
            }
            known(self.is_text(permit.name), TEXT)?;
            self.check_place(permit.source)?;
            known(permit.actions & !all_actions() == 0 && permit.actions != 0, "no action, or an unknown one")?;
            let all = permit.points == WHOLE_DEVICE || permit.points.get() as usize <= self.points.len();
            known(all, "more points than there are")?;
            check_bounds(&permit.value)
        })?;
        check(next == self.terms.len(), Section::Terms, next, "belongs to no permit, or is missing")
    }

    fn check_terms(&self) -> Check {
        let (mut values, mut windows) = (0, 0);
        each(Section::Terms, self.terms, |terms| {
            known(self.is_text(terms.during), TEXT)?;
            self.check_condition(terms.when)?;
            follow(&terms.one_of, self.term_values, &mut values)?;
            let named = follow(&terms.windows, self.term_windows, &mut windows)?;
            let exists = |id: &U16| usize::from(id.get()) < self.windows.len();
            known(named.iter().all(exists), "one of its windows does not exist")?;
            check_limits(terms)
        })?;
        check(values == self.term_values.len(), Section::TermValues, values, "belongs to no terms")?;
        check(windows == self.term_windows.len(), Section::TermWindows, windows, "belongs to no terms")?;
        each(Section::TermValues, self.term_values, |value| known(value.get().is_finite(), "not finite"))?;
        within(self.windows.len(), IDS, Section::Windows)?;
        each(Section::Windows, self.windows, |window| {
            self.name(window.name, window.source)?;
            check_window(window)
        })
    }

    fn check_pairs(&self) -> Check {
        let order = |pair: &Pair| (pair.device.get(), pair.actor.get());
        sorted(Section::Pairs, self.pairs, |a, b| order(a) < order(b))?;
        let mut next = 0;
        each(Section::Pairs, self.pairs, |pair| {
            known(usize::from(pair.device.get()) < self.devices.len(), "its device does not exist")?;
            known(usize::from(pair.actor.get()) < self.actors.len(), "its actor does not exist")?;
            let permits = follow(&pair.permits, self.pair_permits, &mut next)?;
            known(ascending(permits, self.permits.len()), "its permits are out of order or do not exist")?;
            let actions = permits.iter().filter_map(|id| self.permits.get(usize::from(id.get())));
            let union = actions.fold(0, |set, permit| set | permit.actions.get());
            known(union == pair.actions.get(), "its actions are not those of its permits")
        })?;
        check(next == self.pair_permits.len(), Section::PairPermits, next, "belongs to no pair")
    }

    fn check_conditions(&self) -> Check {
        let code = &self.code;
        within(code.conditions.len(), NO_CONDITION.into(), Section::Conditions)?;
        each(Section::Numbers, code.numbers, |number| known(number.get().is_finite(), "not finite"))?;
        each(Section::Texts, code.texts, |text| known(self.is_text(*text), TEXT))?;
        each(Section::Octets, code.octets, |octets| known(octets.is_valid(), "longer than it can be, or not padded"))?;
        each(Section::Networks, code.networks, |network| {
            known(network.is_valid(), "neither an address nor a network")
        })?;
        let mut next = 0;
        each(Section::Conditions, code.conditions, |condition| {
            self.name(condition.text, condition.source)?;
            let instructions = follow(&condition.code, code.instructions, &mut next)?;
            condition::check(code, instructions, self.points.len(), self.text(condition.text))
        })?;
        check(next == code.instructions.len(), Section::Instructions, next, "belongs to no condition")
    }

    fn name(&self, text: Text, place: Place) -> Result<(), &'static str> {
        known(self.is_text(text), TEXT)?;
        self.check_place(place)
    }

    /// Whether a record that may have a condition has one that exists, or none.
    pub(super) fn check_condition(&self, id: U16) -> Result<(), &'static str> {
        let exists = usize::from(id.get()) < self.code.conditions.len();
        known(exists || id == NO_CONDITION, "its condition does not exist")
    }

    fn check_place(&self, place: Place) -> Result<(), &'static str> {
        known(usize::from(place.file.get()) < self.files.len(), "its source file does not exist")?;
        known(place.line.get() > 0 && place.column.get() > 0, "its line or column is 0")
    }

    fn is_text(&self, text: Text) -> bool {
        let start = text.offset.get() as usize;
        start.checked_add(text.length.get() as usize).and_then(|end| self.strings.get(start..end)).is_some()
    }
}

/// Numbers of actors, devices, permits and rules are 16 bits wide.
const IDS: usize = 1 << 16;
const TEXT: &str = "a text lies outside the strings";

fn check_encoding(point: &image::Point) -> Result<(), &'static str> {
    let space = Space::from_number(point.space).ok_or("unknown address space")?;
    let kind = Kind::from_number(point.kind).ok_or("unknown type")?;
    known(space.is_register() == (kind != Kind::Native), "its type does not fit its address space")?;
    known(point.order & !(image::LOW_WORD_FIRST | image::SWAP_BYTES) == 0, "unknown order of words or bytes")?;
    known(space.is_register() || point.order == 0, "an order of words or bytes without registers")?;
    known(point.end() <= 1 << 16, "it exceeds the last address")
}

fn check_limits(terms: &Terms) -> Result<(), &'static str> {
    let limits = [terms.step, terms.max_step, terms.max_change];
    let sound = |limit: &F64| limit.get().is_finite() && limit.get() >= 0.0;
    known(limits.iter().all(sound), "a limit that is no number, or below 0")?;
    known((terms.at_most.get() == 0) == (terms.per_ms.get() == 0), "a pace without a time, or a time without one")?;
    let changes = terms.max_change.get() != 0.0;
    known(changes == (terms.change_ms.get() != 0), "a change without a time, or a time without one")?;
    let all = Replied::ALL.iter().fold(0, |set, word| set | word.bit());
    known(terms.replies & !all == 0, "an unknown reply")?;
    let codes = terms.refusals.iter().any(|codes| codes.get() != 0);
    known(terms.replies != 0 || !codes && terms.reply_ms.get() == 0, "a time or codes of replies that are not expected")
}

fn check_window(window: &Window) -> Result<(), &'static str> {
    let (from, to, offset) = (window.from_s.get(), window.to_s.get(), window.offset_s.get());
    if window.days == 0 {
        let is_plain = (from, to, offset) == (0, 0, 0);
        return known(is_plain && window.start.get() < window.end.get(), "a window that is there once, and never");
    }
    let in_day = from < DAY_S && to <= DAY_S && offset.unsigned_abs() < DAY_S;
    known(window.days < 1 << 7 && in_day, "days or hours that no week has")?;
    known(window.start.get() == 0 && window.end.get() == 0, "a window that is there once and every week")
}

fn check_bounds(bounds: &Bounds) -> Result<(), &'static str> {
    let end = |end: &F64| !end.get().is_nan();
    let ordered = end(&bounds.min) && end(&bounds.max) && bounds.min.get() <= bounds.max.get();
    known(ordered && bounds.min.get() < f64::INFINITY && bounds.max.get() > f64::NEG_INFINITY, "its range is no range")
}

/// Classes from the most specific on, each with its selectors in order and free of overlaps.
fn check_selectors(
    (classes, selectors, owners): (&[Class], &[Selector], usize),
    in_classes: Section,
    in_selectors: Section,
) -> Check {
    sorted(in_classes, classes, |a, b| a.specificity() > b.specificity())?;
    let mut next = 0;
    each(in_classes, classes, |class| {
        known(class.parts != 0 && class.parts & !part::ALL == 0, "it asks for nothing, or for unknown parts")?;
        known(class.parts & (part::IPV4 | part::IPV6) != part::IPV4 | part::IPV6, "it asks for IPv4 and IPv6 at once")?;
        known(class.prefix <= class.longest_prefix(), "its prefix is longer than an address")?;
        let members = follow(&class.selectors, selectors, &mut next)?;
        known(members.iter().all(|member| fits(class, member)), "a selector has parts that it does not ask for")?;
        known(members.is_sorted_by(precedes), "its selectors are out of order or overlap")
    })?;
    check(next == selectors.len(), in_selectors, next, "belongs to no class")?;
    each(in_selectors, selectors, |selector| {
        known(usize::from(selector.owner.get()) < owners, "its owner does not exist")
    })
}

fn precedes(a: &Selector, b: &Selector) -> bool {
    a.key() < b.key() || (a.key() == b.key() && a.port_last.get() < b.port_first.get())
}

/// Whether every part that the class does not ask for is absent.
fn fits(class: &Class, selector: &Selector) -> bool {
    let asks = |part: u8| class.parts & part != 0;
    let mask = u128::MAX.checked_shl(128_u32.saturating_sub(class.prefix.into())).unwrap_or(0);
    let ports = (selector.port_first.get(), selector.port_last.get());
    u128::from_be_bytes(selector.ip) & !mask == 0
        && (asks(part::MAC) || selector.mac == [0; 6])
        && (asks(part::VLAN) || selector.vlan.get() == 0)
        && (asks(part::UNIT) || selector.unit == 0)
        && (asks(part::LINK) || selector.link.get() == 0)
        && if asks(part::PORT) { ports.0 <= ports.1 } else { ports == (0, u16::MAX) }
}

/// The run that `extent` names, which must begin at `next`; moves `next` behind it.
fn follow<'t, T>(extent: &Extent, all: &'t [T], next: &mut usize) -> Result<&'t [T], &'static str> {
    let run = extent.of(all);
    let whole = run.len() == extent.count.get() as usize && extent.first.get() as usize == *next;
    known(whole, "its run of records does not follow the one before it")?;
    *next = next.saturating_add(run.len());
    Ok(run)
}

fn ascending(ids: &[U16], limit: usize) -> bool {
    ids.is_sorted_by(|a, b| a.get() < b.get()) && ids.last().is_none_or(|last| usize::from(last.get()) < limit)
}

fn ascending_keys<T, K: PartialOrd>(records: &[T], key: impl Fn(&T) -> K) -> bool {
    records.is_sorted_by(|a, b| key(a) < key(b))
}

fn each<T>(section: Section, records: &[T], mut valid: impl FnMut(&T) -> Result<(), &'static str>) -> Check {
    records.iter().enumerate().try_for_each(|(index, record)| valid(record).map_err(|why| fault(section, index, why)))
}

fn sorted<T>(section: Section, records: &[T], ordered: impl Fn(&T, &T) -> bool) -> Check {
    let pairs = iter::zip(records, records.iter().skip(1));
    let misplaced = pairs.enumerate().find(|(_, (a, b))| !ordered(a, b));
    misplaced.map_or(Ok(()), |(index, _)| Err(fault(section, index.saturating_add(1), "out of order")))
}

fn within(count: usize, limit: usize, section: Section) -> Check {
    check(count <= limit, section, limit, "more records than can be numbered")
}

fn known(holds: bool, why: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(why) }
}

fn check(holds: bool, section: Section, record: usize, why: &'static str) -> Check {
    if holds { Ok(()) } else { Err(fault(section, record, why)) }
}

fn whole_if(holds: bool, why: &'static str) -> Check {
    if holds { Ok(()) } else { Err(whole(why)) }
}

fn whole(fault: &'static str) -> LoadError {
    LoadError { section: None, record: 0, fault }
}

fn fault(section: Section, record: usize, fault: &'static str) -> LoadError {
    LoadError { section: Some(section), record, fault }
}
