use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tagout_core::engine::Space;

/// Runs of addresses that are told apart at most; beyond them the gaps between runs close.
const MOST: usize = 16;

/// A run of addresses.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// What they count.
    pub space: SpaceName,
    /// The first, from 0.
    pub first: u32,
    /// The last.
    pub last: u32,
}

/// An address space by its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SpaceName(pub Space);

impl Serialize for SpaceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl<'de> Deserialize<'de> for SpaceName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(from)?;
        Space::from_name(&name).map(Self).ok_or_else(|| de::Error::custom(format!("`{name}` is no address space")))
    }
}

impl JsonSchema for SpaceName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Space".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "enum": Space::ALL.iter().map(|space| space.name()).collect::<Vec<_>>()})
    }
}

impl Span {
    /// So many addresses from this one on; at least it.
    pub fn new(space: Space, first: u32, count: u32) -> Self {
        Self { space: SpaceName(space), first, last: first.saturating_add(count.saturating_sub(1)) }
    }

    fn touches(&self, other: &Self) -> bool {
        self.space == other.space
            && self.first <= other.last.saturating_add(1)
            && other.first <= self.last.saturating_add(1)
    }

    fn widen(&mut self, other: &Self) {
        (self.first, self.last) = (self.first.min(other.first), self.last.max(other.last));
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.space.0.name(), self.first)?;
        if self.last > self.first { write!(f, "–{}", self.last) } else { Ok(()) }
    }
}

/// Adds a run to others, by space and address.
pub(super) fn add(spans: &mut Vec<Span>, new: Span) {
    if spans.iter().any(|span| span.space == new.space && span.first <= new.first && new.last <= span.last) {
        return;
    }
    let mut whole = new;
    spans.retain(|span| {
        let joins = span.touches(&whole);
        if joins {
            whole.widen(span);
        }
        !joins
    });
    let place = spans.partition_point(|span| (span.space, span.first) < (whole.space, whole.first));
    spans.insert(place, whole);
    if spans.len() > MOST {
        close_a_gap(spans);
    }
}

/// Joins the two neighbours of one space that lie nearest, or forgets the last where every space has one run.
fn close_a_gap(spans: &mut Vec<Span>) {
    let gap = |pair: &[Span]| pair[1].first - pair[0].last;
    let pairs = spans.windows(2).enumerate().filter(|(_, pair)| pair[0].space == pair[1].space);
    let nearest = pairs.min_by_key(|(_, pair)| gap(pair)).map(|(place, _)| place);
    match nearest {
        Some(place) => {
            let next = spans.remove(place + 1);
            spans[place].widen(&next);
        }
        None => spans.truncate(MOST),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(spans: &[Span]) -> String {
        spans.iter().map(Span::to_string).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn neighbours_become_one() {
        let mut spans = Vec::new();
        for (space, first, count) in [
            (Space::HoldingRegister, 10, 5),
            (Space::Coil, 3, 1),
            (Space::HoldingRegister, 0, 5),
            (Space::HoldingRegister, 5, 5),
            (Space::HoldingRegister, 20, 1),
        ] {
            add(&mut spans, Span::new(space, first, count));
        }
        assert_eq!(told(&spans), "coil 3, holding-register 0–14, holding-register 20");
    }

    proptest! {
        #[test]
        fn every_address_stays_within_bounds(runs in prop::collection::vec((0_u8..6, 0_u32..500, 0_u32..20), 0..200)) {
            let mut spans = Vec::new();
            let runs: Vec<Span> =
                runs.iter().map(|(space, first, count)| Span::new(Space::from_number(*space).unwrap(), *first, *count)).collect();
            for run in &runs {
                add(&mut spans, *run);
            }
            prop_assert!(spans.len() <= MOST);
            for run in &runs {
                let covers = |span: &Span| span.space == run.space && span.first <= run.first && run.last <= span.last;
                prop_assert!(spans.iter().any(covers), "{run} is not in {}", told(&spans));
            }
            prop_assert!(spans.windows(2).all(|pair| !pair[0].touches(&pair[1])), "{}", told(&spans));
        }
    }
}
