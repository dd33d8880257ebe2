//! What is legal but probably not meant.

mod actors;
mod overlap;
mod permits;
mod points;
mod rules;
mod wider;

use tagout_engine::Action;

use crate::diagnostic::Report;
use crate::model::{Model, Permit, Point};
use crate::resolve::Cover;

/// A policy whose names are resolved; points are sorted by device, space and address, and no longer in their devices.
pub(crate) struct Policy<'m> {
    pub(crate) model: &'m Model,
    pub(crate) points: &'m [(u16, Point)],
    pub(crate) covers: &'m [Cover],
}

/// Warns of everything that is probably not meant. What things say beside each other only counts once all of them are
/// right.
pub(crate) fn lint(policy: &Policy<'_>, report: &mut Report<'_>) {
    points::overlaps(policy, report);
    permits::never(policy, report);
    if report.has_errors() {
        return;
    }
    actors::shadowed(policy.model, report);
    overlap::permits(policy, report);
    wider::permits(policy, report);
    rules::shadowed(&policy.model.rules, report);
}

/// The actions that carry values.
pub(crate) const VALUED: u32 =
    Action::Write.bit() | Action::Select.bit() | Action::Operate.bit() | Action::DirectOperate.bit();

impl<'m> Policy<'m> {
    /// Permits with what they cover.
    fn permits(&self) -> impl Iterator<Item = (&'m Permit, &'m Cover)> + use<'m> {
        self.model.permits.iter().zip(self.covers)
    }

    /// The points that a permit names.
    fn named(&self, cover: &'m Cover) -> Option<Vec<&'m (u16, Point)>> {
        let points = cover.points.as_ref()?;
        Some(points.iter().filter_map(|id| self.points.get(*id as usize)).collect())
    }

    fn device(&self, number: u16) -> &'m str {
        &self.model.devices[usize::from(number)].name.value
    }

    fn actor(&self, number: u16) -> &'m str {
        &self.model.actors[usize::from(number)].name.value
    }
}

/// The words of a set of actions, for people.
fn words(actions: u32) -> String {
    let words = Action::ALL.iter().filter(|action| actions & action.bit() != 0);
    words.map(|action| format!("`{}`", action.name())).collect::<Vec<_>>().join(", ")
}
