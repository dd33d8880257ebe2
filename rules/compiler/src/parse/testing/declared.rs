//! What a test declares, and where nothing can be told of it.

use tagout_engine::IntentFinding;

use crate::diagnostic::Report;
use crate::grammar;
use crate::model::{Declared, Expected, Scene, Signature, Test};
use crate::node::{Entry, Fields, Node};
use crate::parse::deed::deed;
use crate::parse::rule::spanned;
use crate::source::Span;

/// Everything that is declared.
pub(super) fn all(entry: &Entry<'_>, report: &mut Report<'_>) -> Vec<Declared> {
    let nodes = entry.node.array("a list of declarations", report).unwrap_or_default();
    let read = |node: Node<'_>| declared(node.table(&grammar::DECLARED, report)?, report);
    nodes.into_iter().filter_map(read).collect()
}

fn declared(mut fields: Fields<'_>, report: &mut Report<'_>) -> Option<Declared> {
    let actor = fields.require("actor", report).and_then(|entry| spanned(entry.node, report));
    let deed = deed(&mut fields, report);
    let count = fields.take("count").and_then(|entry| entry.node.integer("the count", 1..=i64::from(u32::MAX), report));
    let key = fields.take("key").and_then(|entry| spanned(entry.node, report));
    let mut time = |name| fields.take(name).and_then(|entry| entry.node.duration(report));
    let (pace_ms, after_ms, lasts_ms) = (time("pace"), time("after"), time("lasts"));
    fields.finish(report);
    let (pace_ms, after_ms) = (pace_ms.unwrap_or(0), after_ms.unwrap_or(0));
    Some(Declared { actor: actor?, deed, count, pace_ms, key, after_ms, lasts_ms })
}

/// Whether a feed is one that nothing is heard of.
pub(super) fn is_silent(feed: &Entry<'_>, report: &mut Report<'_>) -> bool {
    let words = [false, true];
    let name = |is_silent| if is_silent { "silent" } else { "alive" };
    feed.node.word("feed", &words, name, report).unwrap_or(false)
}

/// Reports what is expected of declarations by a test that says nothing of them.
pub(super) fn refuse(test: &Test, report: &mut Report<'_>) {
    let of_steps = |scene: &Scene| match scene {
        Scene::Steps { steps, .. } => {
            let graded = steps.iter().filter_map(|step| step.grade.as_ref()).map(|grade| grade.span);
            graded.chain(steps.iter().flat_map(|step| found(step.alerts.as_deref()))).collect()
        }
        Scene::Capture { .. } => Vec::new(),
    };
    for span in of_steps(&test.scene).into_iter().chain(found(test.alerts.as_deref())) {
        let draft = report.error(span, "a test that says nothing of declarations");
        draft.label("this is told of declarations only").related(test.name.span, "the test is here");
        draft.help("say what is declared in `intents` of the test; `intents = []` if it is nothing".to_owned());
    }
}

/// Where something is expected that declarations show.
fn found(alerts: Option<&[Expected]>) -> Vec<Span> {
    let is_finding = |expected: &&Expected| matches!(&expected.rule.value, Signature::Text(text) if IntentFinding::from_name(text).is_some());
    alerts.unwrap_or_default().iter().filter(is_finding).map(|expected| expected.rule.span).collect()
}
