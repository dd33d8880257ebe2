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
        let mut all = self.suppressions.iter();
        let found = all.position(|one| self.is_meant(one, suspect) && self.is_in_force(one, scene))?;
        u16::try_from(found).ok().map(SuppressionId)
    }

    /// Tells of each suppression that is in force, in their order, which findings it keeps back of an actor that is held to this.
    pub fn intent_suppressions(
        &self,
        mode: IntentMode,
        scene: &Scene<'_, '_>,
        mut tell: impl FnMut(IntentFinding, SuppressionId),
    ) {
        for (id, suppression) in (0..).map(SuppressionId).zip(self.suppressions) {
            let meant =
                || IntentFinding::ALL.iter().filter(|one| self.is_meant(suppression, Suspect::Intent(**one, mode)));
            if meant().next().is_some() && self.is_in_force(suppression, scene) {
                meant().for_each(|finding| tell(*finding, id));
            }
        }
    }

    fn is_in_force(&self, suppression: &Suppression, scene: &Scene<'_, '_>) -> bool {
        let conditions = [suppression.scope, suppression.when].into_iter().filter_map(ConditionId::named);
        let lasts = scene.now.0 < suppression.until.get();
        lasts && { conditions }.all(|condition| self.holds_throughout(condition, scene))
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
