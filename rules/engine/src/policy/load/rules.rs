//! What is checked of rules, of the lists in which they stand, and of suppressions.

use zerocopy::little_endian::U16;

use super::{Check, IDS, TEXT, ascending, check, each, fault, follow, known, within};
use crate::attack::Technique;
use crate::image::{NO_FIELD, Rule, Section};
use crate::policy::describe::{
    all_actions, all_anomalies, all_cadence_events, all_judgements, all_outcomes, all_process_events,
};
use crate::{
    ConditionId, Field, MOST_DISTINCT, MOST_INVARIANTS, MOST_INVOLVED, MOST_STEPS, Policy, Reason, Setting, Severity,
    Stage, Threshold, Trigger,
};

impl Policy<'_> {
    pub(super) fn check_rules(&self) -> Check {
        within(self.rules.len(), IDS, Section::Rules)?;
        let (mut fields, mut steps) = (0, 0);
        each(Section::Rules, self.rules, |rule| {
            self.check_rule(rule)?;
            let per = follow(&rule.per, self.rule_fields, &mut fields)?;
            known(per.iter().all(|field| Field::from_number(*field).is_some()), "unknown field in its key")?;
            let conditions = follow(&rule.steps, self.rule_steps, &mut steps)?;
            known(conditions.len() <= MOST_STEPS, "more steps than a rule may have")?;
            known(
                conditions.iter().all(|id| usize::from(id.get()) < self.code.conditions.len()),
                "a step does not exist",
            )?;
            known(
                rule.items == u8::from(self.asks_for_items(rule)),
                "it looks at items, or not, against its conditions",
            )
        })?;
        check(fields == self.rule_fields.len(), Section::RuleFields, fields, "belongs to no rule")?;
        check(steps == self.rule_steps.len(), Section::RuleSteps, steps, "belongs to no rule")?;
        self.check_rule_index()
    }

    /// Whether anything that a rule on actions asks is known of each touched point or address by itself.
    fn asks_for_items(&self, rule: &Rule) -> bool {
        let conditions = self.steps(rule).iter().chain([&rule.when]).filter_map(|id| ConditionId::named(*id));
        let asked = conditions.flat_map(|id| self.condition_fields(id)).chain(self.key_fields(rule));
        let mut asked = asked.chain(Field::from_number(rule.distinct));
        rule.actions.get() != 0 && asked.any(|field| field.stage() == Stage::Item)
    }

    fn check_rule(&self, rule: &Rule) -> Result<(), &'static str> {
        self.name(rule.signature, rule.source)?;
        let texts = [rule.category, rule.technique, rule.atlas, rule.owasp];
        known(texts.iter().all(|text| self.is_text(*text)), TEXT)?;
        known(Severity::from_number(rule.severity).is_some(), "unknown severity")?;
        known(rule.actions & !all_actions() == 0, "unknown action")?;
        known(rule.verdicts & !all_judgements() == 0, "unknown verdict")?;
        known(rule.outcomes & !all_outcomes() == 0, "unknown outcome")?;
        known(rule.process & !all_process_events() == 0, "unknown process event")?;
        known(rule.settings & !Setting::ANY.bits() == 0, "unknown setting")?;
        known(rule.cadence & !all_cadence_events() == 0, "unknown departure from a cadence")?;
        known(rule.by_device <= 1, "neither on all devices nor on some")?;
        known(rule.anomalies & !all_anomalies() == 0, "unknown kind of anomaly")?;
        let technique = self.text(rule.technique);
        known(technique.is_empty() || Technique::by_id(technique).is_some(), "unknown technique")?;
        self.check_condition(rule.when)?;
        check_threshold(rule)
    }

    pub(super) fn check_suppressions(&self) -> Check {
        within(self.suppressions.len(), IDS, Section::Suppressions)?;
        let mut rules = 0;
        each(Section::Suppressions, self.suppressions, |suppression| {
            self.name(suppression.name, suppression.source)?;
            known(self.is_text(suppression.reason), TEXT)?;
            known(suppression.any <= 1, "neither of all rules nor of some")?;
            let named = follow(&suppression.rules, self.suppressed_rules, &mut rules)?;
            known(ascending(named, self.rules.len()), "its rules are out of order or do not exist")?;
            let reasons = Reason::ALL.iter().fold(0, |set, reason| set | 1_u16.wrapping_shl(reason.number().into()));
            known(suppression.reasons & !reasons == 0, "unknown reason")?;
            self.check_condition(suppression.scope)?;
            self.check_condition(suppression.when)
        })?;
        check(rules == self.suppressed_rules.len(), Section::SuppressedRules, rules, "belongs to no suppression")
    }

    fn check_rule_index(&self) -> Check {
        let expected = Trigger::all().count();
        check(self.rule_index.len() == expected, Section::RuleIndex, 0, "not one list for each trigger")?;
        let mut next = 0;
        for (record, (extent, trigger)) in self.rule_index.iter().zip(Trigger::all()).enumerate() {
            let listed =
                follow(extent, self.rule_lists, &mut next).map_err(|why| fault(Section::RuleIndex, record, why))?;
            let listable = |rule: &Rule| rule.by_device == 0 && trigger.is_of(rule);
            let matching = self.rules.iter().enumerate().filter(|(_, rule)| listable(rule));
            let complete = listed.iter().map(|id| usize::from(id.get())).eq(matching.map(|(id, _)| id));
            check(complete, Section::RuleIndex, record, "its list is not that of the rules that ask for it")?;
        }
        check(next == self.rule_lists.len(), Section::RuleLists, next, "belongs to no list")?;
        self.check_device_rules()
    }

    fn check_device_rules(&self) -> Check {
        let mut next = 0;
        each(Section::Devices, self.devices, |device| {
            let rules = follow(&device.rules, self.device_rules, &mut next)?;
            known(ascending(rules, self.rules.len()), "its rules are out of order or do not exist")?;
            let named = |id: &U16| self.rules.get(usize::from(id.get())).is_some_and(|rule| rule.by_device == 1);
            known(rules.iter().all(named), "one of its rules is on all devices")
        })?;
        check(next == self.device_rules.len(), Section::DeviceRules, next, "belongs to no device")
    }

    /// Every invariant is listed at each point that it asks for, and nothing else is.
    pub(super) fn check_invariants(&self) -> Check {
        let mut next = 0;
        each(Section::Points, self.points, |point| {
            let listed = follow(&point.invariants, self.point_invariants, &mut next)?;
            known(listed.len() <= MOST_INVARIANTS, "more invariants than a point may have")?;
            known(ascending(listed, self.rules.len()), "its invariants are out of order or do not exist")
        })?;
        check(next == self.point_invariants.len(), Section::PointInvariants, next, "belongs to no point")?;
        let mut involved = 0_usize;
        for (id, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.is_invariant()) {
            let mut points = self.involved(rule);
            let listed = points.try_fold(0_usize, |count, point| {
                let point = self.points.get(point.0 as usize)?;
                let lists = self.invariants_of(point).any(|listed| usize::from(listed.0) == id);
                lists.then(|| count.saturating_add(1))
            });
            let count = listed.filter(|count| (1..=MOST_INVOLVED).contains(count));
            check(count.is_some(), Section::Rules, id, "an invariant of too many points, or not listed at one")?;
            involved = involved.saturating_add(count.unwrap_or(0));
        }
        check(involved == next, Section::PointInvariants, involved, "no invariant of its point")
    }
}

fn check_threshold(rule: &Rule) -> Result<(), &'static str> {
    let threshold = Threshold::from_number(rule.threshold).ok_or("unknown threshold")?;
    let counts = matches!(threshold, Threshold::Count | Threshold::Distinct);
    known(counts == (rule.count != 0), "a number that its threshold does not call for, or none")?;
    let distinct = Field::from_number(rule.distinct).is_some();
    known(distinct || rule.distinct == NO_FIELD, "unknown field whose values count")?;
    known(distinct == (threshold == Threshold::Distinct), "a field that its threshold does not call for, or none")?;
    known(!distinct || rule.count <= MOST_DISTINCT, "more different values than are kept")?;
    let takes_time = !matches!(threshold, Threshold::Each | Threshold::First);
    let fits = threshold == Threshold::Invariant || takes_time == (rule.within_ms != 0);
    known(fits, "a time that its threshold does not call for, or none")?;
    known(threshold != Threshold::Invariant || !rule.has_triggers(), "an invariant that something else triggers")?;
    let steps = match threshold {
        Threshold::Sequence => rule.steps.count > 1,
        Threshold::Absent => rule.steps.count == 1 && rule.anomalies == 0 && rule.process == 0 && rule.cadence == 0,
        _ => rule.steps.count == 0,
    };
    known(steps, "steps or triggers that its threshold does not call for")
}
