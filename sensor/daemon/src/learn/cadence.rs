//! Cadences out of the rhythm of each channel, where it has one. The rules stand in `docs/design/learning.md`.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use tagout_core::engine::Action;

use super::draft::Draft;
use super::evidence::{Deed, Evidence};
use super::habit::Doubt;
use super::review::is_covered;
use super::rhythm::{Channel, Gaps, Polled};

/// A time from one poll to the next is known after so many.
const TIMES: u64 = 16;
/// An order is, after so many rounds.
const ROUNDS: u64 = 64;
/// So many different polls that are permitted and no habit: somebody reads what comes to mind.
const WHIMS: usize = 3;
/// A time that is so much longer at most than at least tells nothing.
const WIDEST: u64 = 10;
/// No margin is narrower, in nanoseconds.
const NARROWEST: u64 = 50_000_000;
const NS_PER_MS: u64 = 1_000_000;

/// A cadence to write.
pub(super) struct Cadence {
    /// Places in [`Draft::actors`] and [`Draft::devices`].
    actor: usize,
    device: usize,
    cycles: Vec<Cycle>,
    also: Vec<String>,
}

struct Cycle {
    polls: Vec<String>,
    /// In milliseconds.
    every: Option<(u64, u64)>,
    within: Option<u64>,
    /// What was seen: how many rounds, and the least and greatest time from one to the next, in nanoseconds.
    rounds: u64,
    seen: (u64, u64),
}

/// Why a channel has no cadence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lack {
    TooMany,
    Shared,
    Whims,
    Unsettled,
    Unsteady,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooMany => "more different polls than are told apart",
            Self::Shared => "several hosts poll under this actor's address",
            Self::Whims => "it reads this and that beside its habits",
            Self::Unsettled => "it still came to new polls in the second half of the time",
            Self::Unsteady => "no poll comes in steady times, and no two always in turns",
        })
    }
}

/// A channel: places in [`Draft::actors`] and [`Draft::devices`].
pub(super) type Pair = (usize, usize);

/// The cadences of all channels that have one, and the others with the reason.
pub(super) fn cadences(evidence: &Evidence, draft: &Draft) -> (Vec<Cadence>, Vec<(Pair, Lack)>) {
    let channels = evidence.rhythms.settled();
    let (mut found, mut lacking) = (Vec::new(), Vec::new());
    for (actor, device) in readers(draft) {
        let sources = &draft.actors[actor].sources;
        let own = channels
            .iter()
            .filter(|((source, station), _)| sources.contains(source) && *station == draft.devices[device].number);
        let result = match own.collect::<Vec<_>>()[..] {
            [] => continue,
            [(parties, channel)] => Rhythm { draft, channel, parties: *parties }.cadence(),
            _ => Err(Lack::Shared),
        };
        match result {
            Ok((cycles, also)) => found.push(Cadence { actor, device, cycles, also }),
            Err(lack) => lacking.push(((actor, device), lack)),
        }
    }
    (found, lacking)
}

/// Who reads what by a permit, each once.
fn readers(draft: &Draft) -> BTreeSet<Pair> {
    let reads = draft.permits.iter().filter(|permit| permit.actions.contains(&Action::Read));
    reads.map(|permit| (permit.actor, permit.device)).collect()
}

struct Rhythm<'d> {
    draft: &'d Draft,
    channel: &'d Channel,
    parties: (usize, usize),
}

impl Rhythm<'_> {
    fn cadence(&self) -> Result<(Vec<Cycle>, Vec<String>), Lack> {
        if self.channel.overflowed {
            return Err(Lack::TooMany);
        }
        if self.whims() >= WHIMS {
            return Err(Lack::Whims);
        }
        let polls = self.established();
        if polls.iter().any(|poll| self.poll(*poll).since * 2 > self.channel.count) {
            return Err(Lack::Unsettled);
        }
        let (mut cycles, mut also) = (Vec::new(), Vec::new());
        for group in self.groups(&polls) {
            match self.cycle(&group) {
                Some(cycle) => cycles.push(cycle),
                None => also.extend(group.iter().map(|poll| self.poll(*poll).symbol.to_string())),
            }
        }
        if cycles.is_empty() { Err(Lack::Unsteady) } else { Ok((cycles, also)) }
    }

    fn poll(&self, number: usize) -> &Polled {
        &self.channel.polls[number]
    }

    /// The polls all of whose parts are habits.
    fn established(&self) -> Vec<usize> {
        let all = 0..self.channel.polls.len();
        all.filter(|number| self.doubts(*number).iter().all(|(doubt, _)| doubt.is_none())).collect()
    }

    /// How many polls are permitted since they read what others read as a habit.
    fn whims(&self) -> usize {
        let is_whim = |number: &usize| {
            let doubts = self.doubts(*number);
            let permitted = doubts.iter().all(|(doubt, covered)| doubt.is_none() || *covered);
            permitted && doubts.iter().any(|(doubt, _)| doubt.is_some())
        };
        (0..self.channel.polls.len()).filter(is_whim).count()
    }

    /// What speaks against each part of a poll, and whether it is permitted nevertheless.
    fn doubts(&self, number: usize) -> Vec<(Option<Doubt>, bool)> {
        let (source, station) = self.parties;
        let Polled { symbol, things, .. } = self.poll(number);
        let judged = |thing| {
            let deed = Deed { source, station, action: symbol.action(), thing };
            let place = self.draft.judged.binary_search_by_key(&deed, |judged| judged.deed).ok()?;
            let judged = &self.draft.judged[place];
            Some((judged.doubt, is_covered(self.draft, judged)))
        };
        things.iter().map(|thing| judged(*thing).unwrap_or((Some(Doubt::Rare), false))).collect()
    }

    /// Polls that come in turns, in their order; each of the others by itself.
    fn groups(&self, polls: &[usize]) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for poll in polls {
            let is_one = |group: &&mut Vec<usize>| {
                self.poll(*poll).count >= ROUNDS && group.iter().all(|one| self.channel.alternate(*one, *poll))
            };
            match groups.iter_mut().find(is_one) {
                Some(group) => group.push(*poll),
                None => groups.push(vec![*poll]),
            }
        }
        groups.iter_mut().for_each(|group| self.arrange(group));
        groups
    }

    /// Puts polls that come in turns into their order, with the one first before which the channel is silent for longest.
    fn arrange(&self, group: &mut [usize]) {
        group.sort_by_key(|poll| (self.poll(*poll).last(), *poll));
        let first = (0..group.len()).max_by_key(|place| (self.poll(group[*place]).silence(), usize::MAX - place));
        group.rotate_left(first.unwrap_or(0));
    }

    /// The cycle of polls that come in turns, or of one that comes in steady times.
    fn cycle(&self, group: &[usize]) -> Option<Cycle> {
        let (first, last) = (*group.first()?, *group.last()?);
        let gaps = &self.poll(first).gaps;
        let every = band(gaps);
        if every.is_none() && group.len() == 1 {
            return None;
        }
        let seen = gaps.halves().map(|[fit, rest]| (fit.0.min(rest.0), fit.1.max(rest.1))).unwrap_or_default();
        let within = every.filter(|_| group.len() > 1).and_then(|(min, _)| {
            let longest = self.channel.longest(first, last);
            let limit = rounded(longest + (longest / 2).max(4 * NARROWEST), true);
            Some(limit).filter(|limit| *limit < min)
        });
        let polls = group.iter().map(|poll| self.poll(*poll).symbol.to_string()).collect();
        Some(Cycle { polls, every, within, rounds: gaps.count, seen })
    }
}

/// The times that are permitted from one poll to the next, in milliseconds: what was seen, and a quarter or half of how far
/// that spreads more. `None` unless the rest of the time kept to what was told by the first part.
fn band(gaps: &Gaps) -> Option<(u64, u64)> {
    let [fit, rest] = gaps.halves().filter(|_| gaps.count >= TIMES)?;
    let told = widened(fit);
    let keeps = told.0 <= rest.0 && rest.1 <= told.1;
    let (min, max) = widened((fit.0.min(rest.0), fit.1.max(rest.1)));
    let (min, max) = (rounded(min, false).max(1), rounded(max, true));
    (keeps && max <= WIDEST * min && max <= u64::from(u32::MAX)).then_some((min, max))
}

fn widened((min, max): (u64, u64)) -> (u64, u64) {
    let spread = ((max - min) / 2).max(NARROWEST);
    (min.saturating_sub(spread.max(min / 4)), max + spread.max(max / 4))
}

/// Nanoseconds as milliseconds of three digits.
fn rounded(ns: u64, up: bool) -> u64 {
    let ms = ns.div_ceil(NS_PER_MS);
    let unit = 10_u64.pow(ms.max(1).ilog10().saturating_sub(2));
    if up { ms.div_ceil(unit) * unit } else { ms / unit * unit }
}

/// Milliseconds as policies write them.
struct Time(u64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ms if ms < 1_000 => write!(f, "{ms} ms"),
            ms if ms % 3_600_000 == 0 => write!(f, "{} h", ms / 3_600_000),
            ms if ms % 60_000 == 0 => write!(f, "{} min", ms / 60_000),
            ms => write!(f, "{} s", ms as f64 / 1e3),
        }
    }
}

/// The policy file.
pub(super) fn file(draft: &Draft, cadences: &[Cadence]) -> String {
    let mut text = String::from(
        "# In which rhythm devices are polled, where there is one. `every` is what was seen from round to round, and a quarter\n\
         # more on either side, or half of how far it spread. Polls that came in no steady times stand in `also`.\n",
    );
    for cadence in cadences {
        put(&mut text, draft, cadence);
    }
    text
}

fn put(text: &mut String, draft: &Draft, cadence: &Cadence) {
    let (actor, device) = (&draft.actors[cadence.actor].name, &draft.devices[cadence.device].name);
    let _ =
        writeln!(text, "\n[[cadences]]\nname = \"{actor} polls {device}\"\nactor = \"{actor}\"\ndevice = \"{device}\"");
    if !cadence.also.is_empty() {
        let _ = writeln!(text, "also = [{}]", quoted(&cadence.also));
    }
    for Cycle { polls, every, within, rounds, seen } in &cadence.cycles {
        let (least, most) = (Time(rounded(seen.0, false)), Time(rounded(seen.1, true)));
        let _ = writeln!(text, "\n# {rounds} rounds, {least} to {most} apart\n[[cadences.cycles]]");
        let _ = writeln!(text, "polls = [{}]", quoted(polls));
        if let Some((min, max)) = every {
            let _ = writeln!(text, "every = \"{}..{}\"", Time(*min), Time(*max));
        }
        if let Some(within) = within {
            let _ = writeln!(text, "within = \"{}\"", Time(*within));
        }
    }
}

fn quoted(polls: &[String]) -> String {
    polls.iter().map(|poll| format!("\"{poll}\"")).collect::<Vec<_>>().join(", ")
}

/// The part of the review that tells who has no cadence, and why.
pub(super) fn put_lacking(text: &mut String, draft: &Draft, cadences: &[Cadence], lacking: &[(Pair, Lack)]) {
    if cadences.is_empty() && lacking.is_empty() {
        return;
    }
    let _ = writeln!(text, "## Cadences: {}\n", cadences.len());
    for ((actor, device), lack) in lacking {
        let (actor, device) = (&draft.actors[*actor].name, &draft.devices[*device].name);
        let _ = writeln!(text, "- none of {actor} on {device}: {lack}");
    }
    if !lacking.is_empty() {
        text.push('\n');
    }
}
