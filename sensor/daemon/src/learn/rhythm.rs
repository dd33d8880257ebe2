//! The polls of each channel, that is of one source at one station: how often each comes, and which come in turns.
//!
//! What the engine excuses is left out of account here as well (`docs/design/cadence.md`).

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;
use tagout_core::dnp3::{self, Fragment, Relation};
use tagout_core::engine::{Action, Asked, Touch};
use tagout_core::modbus::{self, Request};
use tagout_core::{Body, Exchange, Seen};

use super::evidence::Thing;

/// A channel with more different polls than this has no rhythm.
const MOST_POLLS: usize = 64;
/// Polls are put in order as long as they are no further apart: responses, or their absence, come later than that.
const ORDERED_NS: u64 = 30_000_000_000;
const MOST_WAITING: usize = 4_096;
/// Nothing at all for so long is a pause of the capture.
const PAUSE_NS: u64 = 60_000_000_000;
/// As the engine has it.
const RETRY_NS: u64 = 200_000_000;
const PATIENCE_NS: u64 = 600_000_000_000;

/// All channels.
#[derive(Debug, Default)]
pub(super) struct Rhythms {
    pub(super) channels: BTreeMap<(usize, usize), Channel>,
    /// How often the time ran back, or stood still.
    run: u64,
    latest: u64,
    /// How often something was wrong with a flow.
    disturbances: HashMap<u64, u64, FixedState>,
}

impl Rhythms {
    /// Takes note that something is wrong with a flow.
    pub(super) fn disturbed(&mut self, flow: u64) {
        *self.disturbances.entry(flow).or_default() += 1;
    }

    /// Takes an exchange between two parties, if it is one of up to `most` channels.
    pub(super) fn hear(&mut self, parties: (usize, usize), exchange: &Exchange<'_>, most: usize) {
        let Some((symbol, things, seen)) = poll(exchange) else { return };
        let now = seen.time.0;
        if now + ORDERED_NS < self.latest || now > self.latest + PAUSE_NS {
            self.run += 1;
            self.latest = now;
        }
        self.latest = self.latest.max(now);
        if self.channels.len() >= most && !self.channels.contains_key(&parties) {
            return;
        }
        let flow = exchange.path.flow;
        let disturbances = self.disturbances.get(&flow).copied().unwrap_or_default();
        let heard = Heard { symbol, things, flow, disturbances, answered: exchange.response.map(|seen| seen.time.0) };
        self.channels.entry(parties).or_default().hear((self.run, now, seen.frame), heard);
    }

    /// Takes account of everything that was heard.
    pub(super) fn settled(&self) -> BTreeMap<(usize, usize), Channel> {
        let mut channels = self.channels.clone();
        channels.values_mut().for_each(|channel| channel.settle(0, 0));
        channels
    }
}

/// What a poll asks for.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Symbol {
    action: Action,
    asked: Vec<Asked>,
}

impl std::fmt::Display for Symbol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let asked: Vec<_> = self.asked.iter().map(ToString::to_string).collect();
        write!(f, "{} {}", self.action.name(), asked.join(", "))
    }
}

impl Symbol {
    pub(super) const fn action(&self) -> Action {
        self.action
    }
}

/// The poll that an exchange is, if it is one, with the things that are judged.
fn poll(exchange: &Exchange<'_>) -> Option<(Symbol, Vec<Thing>, Seen)> {
    let (action, seen) = (exchange.action, exchange.request?);
    if action.is_command() || action == Action::Confirm {
        return None;
    }
    let span = |Touch { space, address, count, .. }: Touch<'_>| Thing::Span { space, address, count };
    let (asked, mut things, code): (Vec<_>, Vec<_>, u8) = match &exchange.body {
        Body::Modbus(body) => {
            let request = Request::parse(body.request?).ok()?;
            let touched = request.touches(action).map(span).collect();
            (modbus::asked(body.request?, action).collect(), touched, body.function)
        }
        Body::Dnp3(body) if body.part <= 1 && !matches!(body.relation, Relation::Link(_)) => {
            let request = Fragment::parse(body.request?)?;
            (dnp3::asked(&request).collect(), dnp3::touches(&request).map(span).collect(), request.function.0)
        }
        Body::Dnp3(_) => return None,
    };
    if things.is_empty() {
        let sub = if let [Asked::Function { sub, .. }] = asked[..] { sub } else { 0 };
        things.push(Thing::Function { code, sub });
    }
    Some((Symbol { action, asked }, things, seen))
}

/// A poll that is not taken account of yet.
#[derive(Clone, Debug)]
struct Heard {
    symbol: Symbol,
    things: Vec<Thing>,
    flow: u64,
    disturbances: u64,
    /// When it was answered.
    answered: Option<u64>,
}

/// One source that polls one station.
#[derive(Clone, Debug, Default)]
pub(super) struct Channel {
    /// By run, time, frame, and how many were heard before: a frame may carry several.
    waiting: BTreeMap<(u64, u64, u64, u64), Heard>,
    heard: u64,
    pub(super) polls: Vec<Polled>,
    numbers: HashMap<Symbol, usize, FixedState>,
    /// For each poll and each other one.
    turns: Vec<Vec<Turns>>,
    /// How many polls there were.
    pub(super) count: u64,
    /// There were more different ones than are told apart.
    pub(super) overflowed: bool,
    before: Option<Before>,
    moved: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Before {
    run: u64,
    time: u64,
    flow: u64,
    disturbances: u64,
    answered: Option<u64>,
}

/// A poll that comes again and again.
#[derive(Clone, Debug)]
pub(super) struct Polled {
    pub(super) symbol: Symbol,
    pub(super) things: Vec<Thing>,
    pub(super) count: u64,
    /// How many polls of the channel came before its first.
    pub(super) since: u64,
    /// How long the channel was silent before it, in all.
    silence: u64,
    last: Option<u64>,
    is_excused: bool,
    pub(super) gaps: Gaps,
}

impl Polled {
    /// How long the channel is silent before it, on average, in nanoseconds.
    pub(super) const fn silence(&self) -> u64 {
        self.silence / if self.count == 0 { 1 } else { self.count }
    }

    /// When it came last.
    pub(super) const fn last(&self) -> Option<u64> {
        self.last
    }
}

/// How two polls follow each other.
#[derive(Clone, Copy, Debug, Default)]
struct Turns {
    /// The other came since this one did.
    came: bool,
    /// How often this one came again without the other in between.
    broken: u64,
    /// The longest time from this one to the other.
    longest: u64,
}

/// The times from one to the next, in nanoseconds: the least and the greatest of the first, the next two, the next four,
/// and so on.
#[derive(Clone, Debug, Default)]
pub(super) struct Gaps {
    pub(super) count: u64,
    parts: Vec<(u64, u64)>,
}

impl Gaps {
    fn note(&mut self, gap: u64) {
        self.count += 1;
        let part = self.count.ilog2() as usize;
        self.parts.resize(part + 1, (u64::MAX, 0));
        let (min, max) = &mut self.parts[part];
        (*min, *max) = ((*min).min(gap), (*max).max(gap));
    }

    /// Those of the first part of the time, and those of the rest, which is a third of them or more.
    pub(super) fn halves(&self) -> Option<[(u64, u64); 2]> {
        let last = self.parts.len().checked_sub(1)?;
        let begun = self.count - (1 << last) + 1;
        let cut = if begun >= 1 << last >> 1 { last } else { last.checked_sub(1)? };
        let all =
            |parts: &[(u64, u64)]| parts.iter().copied().reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
        Some([all(&self.parts[..cut])?, all(&self.parts[cut..])?])
    }
}

impl Channel {
    fn hear(&mut self, (run, time, frame): (u64, u64, u64), heard: Heard) {
        self.waiting.insert((run, time, frame, self.heard), heard);
        self.heard += 1;
        self.settle(ORDERED_NS, MOST_WAITING);
    }

    /// Takes account of what is so much older than the latest, or more than `most`.
    fn settle(&mut self, age: u64, most: usize) {
        while let (Some(first), Some(last)) = (self.waiting.first_key_value(), self.waiting.last_key_value()) {
            let ((run, time, ..), (latest_run, latest, ..)) = (*first.0, *last.0);
            if age > 0 && run == latest_run && time + age > latest && self.waiting.len() <= most {
                return;
            }
            let Some((_, heard)) = self.waiting.pop_first() else { return };
            self.take(run, time, heard);
        }
    }

    fn take(&mut self, run: u64, time: u64, heard: Heard) {
        if self.excuses(run, time, &heard) {
            self.polls.iter_mut().for_each(|poll| poll.is_excused = true);
        }
        if self.before.is_some_and(|before| before.run != run) {
            self.polls.iter_mut().for_each(|poll| poll.last = None);
        }
        let silence = self.before.filter(|before| before.run == run).map_or(0, |before| time - before.time);
        let Heard { flow, disturbances, answered, .. } = heard;
        let is_stalled = self.before.is_some_and(|before| (before.run, before.time) == (run, time));
        self.before = Some(Before { run, time, flow, disturbances, answered });
        self.count += 1;
        let Some(number) = self.number(heard) else {
            self.overflowed = true;
            return;
        };
        if is_stalled {
            self.polls[number].count += 1;
            self.polls.iter_mut().for_each(|poll| poll.last = None);
            return;
        }
        self.turn(number, time);
        let poll = &mut self.polls[number];
        if let Some(last) = poll.last.filter(|_| !poll.is_excused) {
            poll.gaps.note(time - last);
        }
        poll.count += 1;
        poll.silence += silence;
        (poll.last, poll.is_excused) = (Some(time), false);
    }

    /// Whether something happened to the channel that excuses what departs from its rhythm.
    fn excuses(&mut self, run: u64, time: u64, heard: &Heard) -> bool {
        let Some(before) = self.before else { return true };
        let has_moved = before.flow != heard.flow && self.moved.is_none_or(|moved| moved + PATIENCE_NS <= time);
        if has_moved {
            self.moved = Some(time);
        }
        let is_disturbed = before.flow == heard.flow && before.disturbances != heard.disturbances;
        let was_answered = before.answered.is_some_and(|answered| answered <= time);
        before.run != run || has_moved || is_disturbed || !was_answered && before.time + RETRY_NS <= time
    }

    fn number(&mut self, heard: Heard) -> Option<usize> {
        let Heard { symbol, things, .. } = heard;
        if let Some(number) = self.numbers.get(&symbol) {
            return Some(*number);
        }
        let number = self.polls.len();
        if number >= MOST_POLLS {
            return None;
        }
        self.numbers.insert(symbol.clone(), number);
        let since = self.count - 1;
        let (last, gaps) = (None, Gaps::default());
        self.polls.push(Polled { symbol, things, count: 0, since, silence: 0, last, is_excused: false, gaps });
        for (turns, poll) in self.turns.iter_mut().zip(&self.polls) {
            turns.push(Turns { broken: poll.count.saturating_sub(1), ..Turns::default() });
        }
        self.turns.push(vec![Turns::default(); number + 1]);
        Some(number)
    }

    /// Takes note of who came in turns with a poll.
    fn turn(&mut self, number: usize, time: u64) {
        let is_judged = self.polls[number].last.is_some() && !self.polls[number].is_excused;
        for other in (0..self.polls.len()).filter(|other| *other != number) {
            let turns = &mut self.turns[number][other];
            turns.broken += u64::from(is_judged && !turns.came);
            turns.came = false;
            let back = &mut self.turns[other][number];
            back.came = true;
            if let Some(last) = self.polls[other].last {
                back.longest = back.longest.max(time - last);
            }
        }
    }

    /// Whether two polls always come in turns.
    pub(super) fn alternate(&self, one: usize, other: usize) -> bool {
        self.turns[one][other].broken == 0 && self.turns[other][one].broken == 0
    }

    /// The longest time from one to the next of another, in nanoseconds.
    pub(super) fn longest(&self, from: usize, to: usize) -> u64 {
        self.turns[from][to].longest
    }
}
