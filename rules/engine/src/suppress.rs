//! Alerts that nobody wants to see: which they are.

use crate::condition::{ConditionId, Scene};
use crate::image::Suppression;
use crate::{Action, IntentFinding, IntentMode, Policy, Reason, RuleId, Severity, SourceInfo};

/// Index of a suppression in the policy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct SuppressionId(pub u16);

/// What raises an alert.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Suspect {
    /// A rule.
    Rule(RuleId),
    /// No permit covers this, for this reason.
    Violation(Action, Reason),
    /// What was declared and what was done show this, of an actor that is held to that.
    Intent(IntentFinding, IntentMode),
}

/// A suppression of the policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SuppressionInfo<'a> {
    /// Its name.
    pub name: &'a str,
    /// Why nobody wants to see these alerts.
    pub reason: &'a str,
    /// Where it stands.
    pub source: SourceInfo<'a>,
}

impl<'a> Policy<'a> {
    /// The first suppression that an alert falls under. What it asks of points must hold for each that is touched.
    pub fn suppression(&self, suspect: Suspect, scene: &Scene<'_, '_>) -> Option<SuppressionId> {
        let falls_under = |suppression: &Suppression| {
            scene.now.0 < suppression.until.get()
                && self.is_meant(suppression, suspect)
                && [suppression.scope, suppression.when]
                    .into_iter()
                    .filter_map(ConditionId::named)
                    .all(|condition| self.holds_throughout(condition, scene))
        };
        let found = self.suppressions.iter().position(falls_under)?;
        u16::try_from(found).ok().map(SuppressionId)
    }

    /// Describes a suppression; `None` for a number that is not this policy's.
    pub fn suppression_info(&self, id: SuppressionId) -> Option<SuppressionInfo<'a>> {
        let suppression = self.suppressions.get(usize::from(id.0))?;
        Some(SuppressionInfo {
            name: self.text(suppression.name),
            reason: self.text(suppression.reason),
            source: self.source(suppression.source),
        })
    }

    /// How many suppressions it has; their numbers start at 0.
    pub const fn suppression_count(&self) -> usize {
        self.suppressions.len()
    }

    fn is_meant(&self, suppression: &Suppression, suspect: Suspect) -> bool {
        let any = suppression.any != 0;
        match suspect {
            Suspect::Rule(rule) => {
                let named = suppression.rules.of(self.suppressed_rules);
                any || named.iter().any(|named| named.get() == rule.0)
            }
            Suspect::Violation(action, reason) => {
                let named = suppression.reasons.get().wrapping_shr(reason.number().into()) & 1 != 0;
                named || any && Severity::of_violation(action) != Severity::High
            }
            Suspect::Intent(finding, mode) => {
                let named = suppression.findings.get().wrapping_shr(finding.number().into()) & 1 != 0;
                named || any && Severity::of_intent(finding, mode) != Severity::High
            }
        }
    }

    /// Whether a condition holds: for each point or address that is touched, if there is any.
    fn holds_throughout(&self, condition: ConditionId, scene: &Scene<'_, '_>) -> bool {
        let (mut touched, mut throughout) = (false, true);
        scene.facts.touches(&mut |device, touch| {
            scene.items(self, device, touch, &mut |item| {
                touched = true;
                throughout &= self.is_true(condition, &Scene { facts: item, ..*scene });
            });
        });
        if touched { throughout } else { self.is_true(condition, scene) }
    }
}
