use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::Timestamp;

use super::deed::{self, Command, Count, Deed, Party};
use super::span::{self, Span};

/// Which end of exchanges is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Those who issue requests.
    Actors,
    /// Those who answer them.
    Devices,
}

impl Side {
    fn of(self, deed: &Deed) -> &Party {
        match self {
            Self::Actors => &deed.actor,
            Self::Devices => &deed.device,
        }
    }

    fn of_mut(self, deed: &mut Deed) -> &mut Party {
        match self {
            Self::Actors => &mut deed.actor,
            Self::Devices => &mut deed.device,
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Actors => Self::Devices,
            Self::Devices => Self::Actors,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Actors => "actor",
            Self::Devices => "device",
        }
    }
}

/// An actor or a device, with everything that it did or that was done to it.
#[derive(Serialize, JsonSchema, Clone, PartialEq, Debug)]
pub struct Listing {
    /// What it is.
    #[schemars(extend("enum" = ["actor", "device"]))]
    pub role: &'static str,
    /// Whether the policy names it.
    pub in_policy: bool,
    #[serde(flatten)]
    party: Party,
    /// The protocols that it speaks.
    pub protocols: BTreeSet<String>,
    #[serde(flatten)]
    count: Count,
    /// Exchanges that change state, configuration or availability.
    pub commands: u64,
    /// Devices that an actor dealt with, or actors that dealt with a device.
    pub others: usize,
    /// Addresses of a device that were read or written with success.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Span>,
    /// The last command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_command: Option<Command>,
    /// What a device said of itself: Modbus device identification and server id, DNP3 device attributes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub identification: BTreeMap<String, String>,
    /// What was done, by whom, to whom.
    pub deeds: Vec<Deed>,
}

impl Listing {
    /// Who or what it is, as seen last.
    pub fn party(&self) -> &Party {
        &self.party
    }

    /// How often it took part in something.
    pub fn count(&self) -> &Count {
        &self.count
    }

    /// Whether it answered, was commanded or is in alerts: what a scan of addresses asks for in vain is none of it.
    pub fn is_of_note(&self) -> bool {
        self.count.answered > 0 || self.count.alerts > 0 || self.commands > 0
    }

    fn new(side: Side, deeds: Vec<Deed>) -> Self {
        let latest = deeds.iter().max_by_key(|deed| deed.count.last_seen.0);
        let party = latest.map(|deed| side.of(deed).clone()).unwrap_or_default();
        let mut listing = Self {
            role: side.name(),
            in_policy: party.name.is_some(),
            party,
            protocols: deeds.iter().filter_map(|deed| deed.protocol.clone()).collect(),
            count: Count::default(),
            commands: 0,
            others: 0,
            points: Vec::new(),
            last_command: None,
            identification: BTreeMap::new(),
            deeds: Vec::new(),
        };
        deeds.iter().for_each(|deed| listing.add(side, deed));
        let others: BTreeSet<String> = deeds.iter().map(|deed| side.other().of(deed).to_string()).collect();
        Self { others: others.len(), deeds, ..listing }
    }

    fn add(&mut self, side: Side, deed: &Deed) {
        self.count.absorb(&deed.count);
        self.commands += if deed.is_command { deed.count.exchanges } else { 0 };
        let newer = |known: &Command| deed.last_command.as_ref().is_some_and(|command| command.time.0 >= known.time.0);
        if self.last_command.as_ref().is_none_or(newer) {
            self.last_command = deed.last_command.clone().or(self.last_command.take());
        }
        if side == Side::Devices {
            deed.points.iter().for_each(|span| span::add(&mut self.points, *span));
            for (field, value) in &deed.identification {
                deed::tell(&mut self.identification, field, value.clone());
            }
        }
    }
}

/// Every actor, or every device, by name and place; those that the policy does not name come last.
pub fn inventory(mut deeds: Vec<Deed>, side: Side) -> Vec<Listing> {
    deeds.retain(|deed| deed.protocol.is_some());
    name_those_named_since(&mut deeds, Side::Actors);
    name_those_named_since(&mut deeds, Side::Devices);
    let mut groups: BTreeMap<(bool, Option<String>, Party), Vec<Deed>> = BTreeMap::new();
    for deed in deeds {
        let party = side.of(&deed);
        let name = party.name.clone();
        let place = if name.is_some() { Party::default() } else { party.placed() };
        groups.entry((name.is_none(), name, place)).or_default().push(deed);
    }
    groups.into_values().map(|deeds| Listing::new(side, deeds)).collect()
}

/// What had no name when it was seen, and has one since, has it from the beginning.
fn name_those_named_since(deeds: &mut [Deed], side: Side) {
    let mut named: HashMap<String, (Timestamp, Party)> = HashMap::new();
    for deed in deeds.iter().filter(|deed| side.of(deed).name.is_some()) {
        let (party, seen) = (side.of(deed), deed.count.last_seen.0);
        let latest = named.entry(party.place()).or_insert_with(|| (seen, party.clone()));
        if seen > latest.0 {
            *latest = (seen, party.clone());
        }
    }
    for deed in deeds.iter_mut().filter(|deed| side.of(deed).name.is_none()) {
        let seen = deed.count.last_seen.0;
        if let Some((_, party)) = named.get(&side.of(deed).place()).filter(|(since, _)| *since >= seen) {
            let (name, kind) = (party.name.clone(), party.kind.clone());
            let unnamed = side.of_mut(deed);
            (unnamed.name, unnamed.kind) = (name, kind);
        }
    }
}
