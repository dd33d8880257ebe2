//! What humans approve: checked here, and declared by who watches; the image has none of it.

use tagout_engine::{ActorId, Policy};

use crate::deed::{self, Aim, Deed};
use crate::diagnostic::Report;
use crate::model::{self, Intents, Model, Point, Time};
use crate::resolve::named;
use crate::unique;

const NANOS_PER_SECOND: u64 = 1_000_000_000;
const DAY_S: i64 = 86_400;

/// What a human approves for some time, by the names of the policy.
#[derive(Clone, PartialEq, Debug)]
pub struct Approval {
    /// Its id.
    pub id: String,
    /// The human.
    pub approver: String,
    /// Who may do it, each for itself.
    pub actors: Vec<String>,
    /// Each time at which one of these windows begins, it is declared anew: their names, and when they are there.
    pub windows: Vec<(String, Time)>,
    /// What is to be done.
    pub deed: Deed,
    /// How many commands it covers each time.
    pub count: Option<u32>,
    /// The least time between two of them.
    pub pace_ms: u32,
    /// Why.
    pub reason: Option<String>,
}

/// The numbers of what approvals name: actors, and what is to be done.
pub(crate) type Approved = (Vec<u16>, Aim);

/// Resolves the names of all approvals; points are those of the image.
pub(crate) fn resolve(model: &Model, points: &[(u16, Point)], report: &mut Report<'_>) -> Vec<(Approval, Approved)> {
    let Intents { approvals, .. } = &model.intents;
    unique::names("approval", approvals.iter().map(|approval| &approval.id), report);
    approvals.iter().map(|approval| resolved(approval, (model, points), report)).collect()
}

fn resolved(
    approval: &model::Approval,
    (model, points): (&Model, &[(u16, Point)]),
    report: &mut Report<'_>,
) -> (Approval, Approved) {
    let all: Vec<_> = model.actors.iter().map(|actor| actor.name.value.as_str()).zip(0_u16..).collect();
    let mut actors: Vec<u16> = approval.actors.iter().flat_map(|name| named("actor", name, &all, report)).collect();
    actors.sort_unstable();
    actors.dedup();
    if !actors.is_empty() && actors.iter().all(|actor| model.actors[usize::from(*actor)].intents.is_none()) {
        report
            .warning(approval.id.span, "an approval that nobody needs")
            .label("none of its actors has `intents = \"required\"` or `\"observed\"`");
    }
    let windows: Vec<_> = model.windows.iter().map(|window| (window.name.value.as_str(), window)).collect();
    let windows = approval.during.iter().flat_map(|name| named("window", name, &windows, report));
    let windows = windows.map(|window| (window.name.value.clone(), window.time.clone())).collect();
    let (deed, aim) = deed::resolve(&approval.deed, (model, points), report);
    let name = |actor: &u16| model.actors[usize::from(*actor)].name.value.clone();
    let compiled = Approval {
        id: approval.id.value.clone(),
        approver: approval.approver.clone(),
        actors: actors.iter().map(name).collect(),
        windows,
        deed,
        count: approval.count,
        pace_ms: approval.pace_ms,
        reason: approval.reason.clone(),
    };
    (compiled, (actors, aim))
}

/// Warns of approvals that no permit of their actors covers, as the engine sees it: whoever does what they approve is an alert.
pub(crate) fn warn_beyond(
    approvals: &[(Approval, Approved)],
    model: &[model::Approval],
    policy: &Policy<'_>,
    report: &mut Report<'_>,
) {
    for ((approval, (actors, aim)), said) in approvals.iter().zip(model) {
        if let Some(actor) = actors.iter().find(|actor| !approval.deed.is_permitted(aim, **actor, policy)) {
            let name = policy.actor_info(ActorId(*actor)).map(|actor| actor.name).unwrap_or_default();
            report
                .warning(said.id.span, format!("no permit of `{name}` covers what is approved here"))
                .label("it permits nothing: done, it is an alert all the same");
        }
    }
}

impl Time {
    /// The first time at which it is there that ends after `now`: its first moment and the first one behind it. All are
    /// nanoseconds since the Unix epoch.
    pub fn ending_after(&self, now: u64) -> Option<(u64, u64)> {
        match *self {
            Self::Once { start, end } => Some((start, end)).filter(|_| end > now),
            Self::Weekly { days, from_s, to_s, offset_s } => {
                let local = i64::try_from(now / NANOS_PER_SECOND).ok()?.saturating_add(offset_s.into());
                let today = local.div_euclid(DAY_S);
                let lasts = i64::from(to_s) - i64::from(from_s);
                let lasts = if lasts > 0 { lasts } else { lasts + DAY_S };
                let begins_on = |day: &i64| days >> (day + 3).rem_euclid(7) & 1 == 1;
                let all = (today - 1..today + 9).filter(begins_on).filter_map(|day| {
                    let start = day * DAY_S + i64::from(from_s) - i64::from(offset_s);
                    let nanoseconds = |second: i64| u64::try_from(second).ok()?.checked_mul(NANOS_PER_SECOND);
                    Some((nanoseconds(start)?, nanoseconds(start + lasts)?))
                });
                { all }.find(|(_, end)| *end > now)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zerocopy::FromZeros as _;

    use super::*;

    proptest! {
        /// It is there when the engine, which judges permits by it, says so.
        #[test]
        fn windows_begin_and_end_as_permits_see_them(
            days in 1_u8..128, from_s in 0_u32..1_440, to_s in 1_u32..=1_440, offset_s in -14_i32..=14, minute in 0_u64..40_000
        ) {
            let (from_s, to_s, offset_s) = (60 * from_s, 60 * to_s, 3_600 * offset_s);
            let now = (60 * minute + 2 * 86_400) * NANOS_PER_SECOND;
            let mut window = tagout_engine::image::Window::new_zeroed();
            (window.days, window.from_s, window.to_s, window.offset_s) = (days, from_s.into(), to_s.into(), offset_s.into());
            let time = Time::Weekly { days, from_s, to_s, offset_s };
            let (start, end) = time.ending_after(now).expect("every week has one");
            prop_assert!(end > now && end > start);
            let at = |time: u64| window.contains(tagout_engine::Timestamp(time));
            prop_assert_eq!(at(now), start <= now);
            prop_assert!(at(start) && at(end - 1));
        }
    }
}
