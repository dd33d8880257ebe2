//! Keys that sign declarations, from names to numbers.

use std::collections::BTreeSet;

use tagout_engine::IntentWaits;

use crate::diagnostic::Report;
use crate::model::{Intents, Model};
use crate::resolve::named;
use crate::unique;

/// The actors that a key may declare for, by number.
pub(crate) type SpokenFor = BTreeSet<u16>;

/// The actors of each key.
pub(crate) fn resolve(model: &Model, report: &mut Report<'_>) -> Vec<SpokenFor> {
    let Intents { keys, hold_ms, silence_ms, delay_ms, .. } = &model.intents;
    unique::names("key", keys.iter().map(|key| &key.id), report);
    let actors: Vec<_> = model.actors.iter().map(|actor| actor.name.value.as_str()).zip(0..).collect();
    let mut spoken_for = |names: &[_]| names.iter().flat_map(|name| named("actor", name, &actors, report)).collect();
    let all = keys.iter().map(|key| spoken_for(&key.actors)).collect();
    let watched = [silence_ms, delay_ms].into_iter().flatten().next();
    if let Some(watched) = watched.filter(|_| model.actors.iter().all(|actor| actor.intents.is_none())) {
        report
            .warning(watched.span, "a feed of declarations that nobody needs")
            .label("no actor has `intents = \"required\"` or `\"observed\"`");
    }
    if let (Some(silence), hold) =
        (silence_ms, hold_ms.as_ref().map_or(IntentWaits::default().hold_ms, |hold| hold.value))
        && silence.value > hold
    {
        report
            .warning(silence.span, "silence that is told after commands are decided")
            .label("once the feed has died, commands are not declared, and not unknown, until this is over")
            .help("let it be no longer than `hold`".to_owned());
    }
    all
}
