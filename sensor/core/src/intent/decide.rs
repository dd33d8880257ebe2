use tagout_engine::{Aspect, Grade, IntentFinding, IntentMode, IntentWaits, Timestamp};

use super::compare::{Aspects, Comparison};
use super::table::Kept;
use crate::record::Seen;

use super::{Act, Done, Intent, IntentKey, Intents};

/// Among so many intents, those that came last, the one is sought that declares the same for something else.
const MOST_ELSEWHERE: usize = 1_024;

/// How a command and what was declared compare, or what is wrong with a declaration.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Match {
    /// What is wrong; `None` for a command that is covered, or of which it cannot be told.
    pub finding: Option<IntentFinding>,
    /// How well the command is covered.
    pub grade: Grade,
    /// What the actor is held to.
    pub mode: IntentMode,
    /// The intent that covers it, or that comes nearest.
    pub intent: Option<Intent>,
    /// What was done: of several things the first that is not covered, else the first.
    pub done: Option<Done>,
    /// What the intent leaves open.
    pub open: Aspects,
    /// When the command was seen.
    pub seen: Option<Seen>,
    /// How many things that the command does are not covered.
    pub uncovered: u32,
}

/// What is asked of an act.
#[derive(Clone, Copy)]
pub(crate) struct Question<'q> {
    pub(crate) act: &'q Act,
    pub(crate) mode: IntentMode,
    pub(crate) waits: &'q IntentWaits,
    /// Whether the feed of declarations is sound.
    pub(crate) sound: bool,
}

/// Decides on an act by what is declared by now; what covers it is used.
pub(crate) fn decide(intents: &mut Intents<'_>, question: Question<'_>) -> Match {
    let Question { act, mode, sound, .. } = question;
    let mut verdict = Match { seen: Some(act.seen), uncovered: u32::from(act.beyond), ..Match::nothing(mode) };
    let mut taken = Taken::default();
    for done in act.items() {
        verdict.take(done, question.on(intents, &done, &taken), &mut taken);
    }
    if act.beyond && verdict.finding.is_none() {
        (verdict.finding, verdict.intent) = (Some(IntentFinding::None), None);
    }
    taken.0.iter().flatten().for_each(|id| intents.used(*id, act.seen.time));
    verdict.grade = match verdict.finding {
        Some(_) if !sound => Grade::Unknown,
        Some(_) => Grade::None,
        None if verdict.open.is_call() => Grade::Temporal,
        None if verdict.open.is_empty() => Grade::Exact,
        None => Grade::Partial,
    };
    if !sound {
        verdict.finding = None;
    }
    verdict
}

/// What is wrong with an act that an intent covered while it said less; `None` if it is as declared, or as another intent that
/// names what it is about declares it.
pub(crate) fn contradicted(
    intents: &Intents<'_>,
    intent: &Intent,
    (act, mode): (&Act, IntentMode),
    skew_ms: u32,
) -> Option<Match> {
    let otherwise = |done: &Done| {
        intents.about(act, done).any(|(_, kept)| {
            let Comparison { open, differs } = Comparison::of(&kept.intent, act, done);
            let (at, other) = (act.seen.time, &kept.intent);
            let is_there = at.plus_ms(skew_ms) >= other.not_before && at < other.expires.plus_ms(skew_ms);
            is_there && differs.is_empty() && !open.has(Aspect::Point)
        })
    };
    let (done, finding) = act.items().find_map(|done| {
        let Comparison { differs, .. } = Comparison::of(intent, act, &done);
        let finding = match (differs.is_empty(), differs.has(Aspect::Device) || differs.has(Aspect::Point)) {
            (true, _) => return None,
            (false, true) => IntentFinding::Point,
            (false, false) if differs.has(Aspect::Value) => IntentFinding::Value,
            (false, false) => IntentFinding::None,
        };
        (!otherwise(&done)).then_some((done, finding))
    })?;
    Some(Match {
        finding: Some(finding),
        grade: Grade::None,
        intent: Some(*intent),
        done: Some(done),
        seen: Some(act.seen),
        uncovered: 1,
        ..Match::nothing(mode)
    })
}

/// The numbers of the intents that an act uses.
#[derive(Default)]
struct Taken([Option<u32>; super::MOST_ITEMS]);

impl Taken {
    fn has(&self, id: u32) -> bool {
        self.0.contains(&Some(id))
    }

    fn add(&mut self, id: u32) {
        if !self.has(id)
            && let Some(free) = self.0.iter_mut().find(|free| free.is_none())
        {
            *free = Some(id);
        }
    }
}

/// What is declared of one thing that a command does.
#[derive(Clone, Copy)]
enum Declared {
    /// By the intent of this number, which leaves this open.
    By(u32, Intent, Aspects),
    /// Not so; the intent that comes nearest.
    Not(IntentFinding, Option<Intent>),
}

impl Match {
    /// Nothing that was done, of an actor that is held to this.
    pub(crate) fn nothing(mode: IntentMode) -> Self {
        let open = Aspects::default();
        Self { finding: None, grade: Grade::Exact, mode, intent: None, done: None, open, seen: None, uncovered: 0 }
    }

    /// A command that is covered.
    pub(crate) fn covered(mode: IntentMode, act: &Act) -> Self {
        Self { done: act.items().next(), seen: Some(act.seen), ..Self::nothing(mode) }
    }

    fn take(&mut self, done: Done, declared: Declared, taken: &mut Taken) {
        match declared {
            Declared::By(id, intent, open) => {
                taken.add(id);
                if self.finding.is_none() {
                    self.open = self.open.and(open);
                    self.intent.get_or_insert(intent);
                    self.done.get_or_insert(done);
                }
            }
            Declared::Not(finding, nearest) => {
                self.uncovered = self.uncovered.saturating_add(1);
                if self.finding.is_none() {
                    (self.finding, self.intent, self.done) = (Some(finding), nearest, Some(done));
                    self.open = Aspects::default();
                }
            }
        }
    }
}

/// The best and the nearest of the intents that were looked at for one thing that an act does.
#[derive(Default)]
struct Search {
    best: Option<(Rank, u32, Aspects)>,
    nearest: Option<(Rank, u32, IntentFinding)>,
}

impl Search {
    fn look(&mut self, question: Question<'_>, done: &Done, (id, kept): (u32, &Kept), taken: bool) {
        let comparison = Comparison::of(&kept.intent, question.act, done);
        match question.objection(kept, comparison, taken) {
            Ok(()) => {
                let rank = Rank::of(comparison.open.len(), &kept.intent);
                if self.best.is_none_or(|(known, ..)| rank < known) {
                    self.best = Some((rank, id, comparison.open));
                }
            }
            Err(Some(finding)) => {
                let rank = Rank::of(distance(finding), &kept.intent);
                if self.nearest.is_none_or(|(known, ..)| rank < known) {
                    self.nearest = Some((rank, id, finding));
                }
            }
            Err(None) => {}
        }
    }
}

impl Question<'_> {
    /// What is declared of something that the act does.
    fn on(self, intents: &Intents<'_>, done: &Done, taken: &Taken) -> Declared {
        let mut search = Search::default();
        intents.about(self.act, done).for_each(|one| search.look(self, done, one, taken.has(one.0)));
        let of = |id: u32| intents.get(id).map(|kept| kept.intent);
        if let Some((_, id, open)) = search.best {
            return of(id).map_or(Declared::Not(IntentFinding::None, None), |intent| Declared::By(id, intent, open));
        }
        // What is about something else comes last among those that are near.
        if search.nearest.is_none_or(|(_, _, finding)| finding == IntentFinding::Point) {
            let lately = intents.latest_of(self.act.actor, MOST_ELSEWHERE);
            lately.for_each(|one| search.look(self, done, one, taken.has(one.0)));
        }
        search
            .nearest
            .map_or(Declared::Not(IntentFinding::None, None), |(_, id, finding)| Declared::Not(finding, of(id)))
    }

    /// What stands against an intent as the one that covers something: nothing, one thing, or so much that it tells nothing.
    fn objection(self, kept: &Kept, comparison: Comparison, taken: bool) -> Result<(), Option<IntentFinding>> {
        let (intent, at) = (&kept.intent, self.act.seen.time);
        let begun = at.plus_ms(self.waits.skew_ms) >= intent.not_before;
        let over = at >= intent.expires.plus_ms(self.waits.skew_ms);
        let free = taken || kept.is_free(at);
        let Comparison { open, differs } = comparison;
        if differs.is_empty() && begun && !over && free {
            return Ok(());
        }
        // What says little fits too much to tell anything.
        if open.has(Aspect::Device) || open.has(Aspect::Point) || !begun {
            return Err(None);
        }
        let place = differs.has(Aspect::Device) || differs.has(Aspect::Point);
        Err(match (differs.is_empty(), over, free) {
            (true, false, false) => Some(IntentFinding::Exceeded),
            (true, true, true) => Some(IntentFinding::Expired),
            (false, false, true) if !place && !differs.has(Aspect::Operation) => Some(IntentFinding::Value),
            (false, false, true) if place && !differs.has(Aspect::Operation) && !differs.has(Aspect::Value) => {
                Some(IntentFinding::Point)
            }
            _ => None,
        })
    }
}

/// How near a finding comes to being covered.
const fn distance(finding: IntentFinding) -> u32 {
    match finding {
        IntentFinding::Exceeded => 0,
        IntentFinding::Expired => 1,
        IntentFinding::Value => 2,
        _ => 3,
    }
}

/// The order of intents: what says more, then what expires first, then the key, so that it does not depend on how they came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank(u32, Timestamp, IntentKey);

impl Rank {
    const fn of(first: u32, intent: &Intent) -> Self {
        Self(first, intent.expires, intent.key)
    }
}
