use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::engine::{Action, Aspect, Grade, IntentFinding, IntentMode, Policy, Space};
use tagout_core::intent::{Done, Intent, Match, Wanted};
use tagout_core::words::Declared;

use super::Stamp;
use super::schema::words;
use super::text::Hex;
use crate::intent::{Declaration, Source};

/// What was declared against what was done.
#[derive(Serialize, JsonSchema)]
pub(super) struct IntentRecord<'a> {
    /// What is wrong; not there for a command that was declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = words(IntentFinding::ALL, IntentFinding::name)))]
    finding: Option<&'static str>,
    /// How well the command is covered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = words(Grade::ALL, Grade::name)))]
    grade: Option<&'static str>,
    /// What the actor is held to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = words(IntentMode::ALL, IntentMode::name)))]
    mode: Option<&'static str>,
    /// What the intent leaves open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<OpenAspect>")]
    open: Vec<&'static str>,
    /// The intent that covers the command, or that comes nearest.
    #[serde(skip_serializing_if = "Option::is_none")]
    declared: Option<DeclaredRecord<'a>>,
    /// The command, where it was matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    observed: Option<Observed<'a>>,
    /// Milliseconds from the command to when its declaration came; less than 0 if that came before.
    #[serde(skip_serializing_if = "Option::is_none")]
    declared_after_ms: Option<f64>,
}

/// One word of a part of a command.
#[derive(JsonSchema)]
#[schemars(inline)]
#[expect(dead_code, reason = "stands for a type in the schema")]
struct OpenAspect(#[schemars(extend("enum" = words(Aspect::ALL, Aspect::name)))] &'static str);

#[derive(Serialize, JsonSchema, Default)]
struct DeclaredRecord<'a> {
    /// Its id among what its source declares.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    /// How it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["signed", "span", "window"]))]
    source: Option<&'static str>,
    /// Id of the key that it is signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    /// The human who approved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    approver: Option<&'a str>,
    /// The window of the policy for which that one approves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<&'a str>,
    /// Who sent it, as its certificate calls that one, where senders are told apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    /// The agent that will do it, where several command as one actor.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a str>,
    /// The tool that the agent calls for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<&'a str>,
    /// Why, in the words of whoever declared it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// Trace that it belongs to (W3C Trace Context).
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    /// Span that it is from.
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<String>,
    /// The device's name in the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
    /// What is to be touched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    targets: Vec<Place<'a>>,
    /// What is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = words(Action::ALL, Action::name)))]
    operation: Option<&'static str>,
    #[serde(flatten)]
    values: Values,
    /// How many commands it covers; 0 for any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    /// Least milliseconds between two of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pace_ms: Option<u32>,
    /// The first time at which it may be done, by the clock of whoever declared it.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<Stamp>,
    /// The first time at which it may not be done any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Stamp>,
    /// When it came to be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<Stamp>,
}

#[derive(Serialize, JsonSchema)]
struct Observed<'a> {
    /// When it was captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Stamp>,
    /// Number of its frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<u64>,
    /// What it touches: of several things the one that the alert is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Place<'a>>,
    #[serde(flatten)]
    values: Values,
}

/// A point or a run of addresses.
#[derive(Serialize, JsonSchema)]
pub(super) struct Place<'a> {
    /// The point's name in the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    point: Option<&'a str>,
    /// What its address counts.
    #[schemars(extend("enum" = words(Space::ALL, Space::name)))]
    space: &'static str,
    /// Its first address or index, from 0.
    address: u32,
    /// How many addresses, if it is no point.
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<u32>,
}

/// Values of points in engineering units, of addresses as on the wire.
#[derive(Serialize, JsonSchema, Default)]
pub(super) struct Values {
    /// The value.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// The least of several, or of a range.
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    /// The greatest.
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    /// Of a mask write: bits that stay as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    and_mask: Option<u16>,
    /// Of a mask write: bits that are set among the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    or_mask: Option<u16>,
}

impl<'a> IntentRecord<'a> {
    /// What is told of intents; `words` are those of the declaration.
    pub(super) fn of(
        policy: &Policy<'a>,
        (finding, mode): (Option<IntentFinding>, IntentMode),
        verdict: Option<&Match>,
        words: Option<&'a Declaration>,
    ) -> Self {
        let seen = verdict.and_then(|verdict| verdict.seen);
        let intent = verdict.and_then(|verdict| verdict.intent);
        let apart = seen.zip(intent).map(|(seen, intent)| milliseconds(seen.time.0, intent.received.0));
        Self {
            finding: finding.map(IntentFinding::name),
            grade: verdict.filter(|_| seen.is_some()).map(|verdict| verdict.grade.name()),
            mode: Some(mode.name()),
            open: verdict.map(|verdict| verdict.open.iter().map(Aspect::name).collect()).unwrap_or_default(),
            declared: DeclaredRecord::of(policy, intent.as_ref(), words),
            observed: verdict.filter(|_| seen.is_some()).map(|verdict| Observed::of(policy, verdict)),
            declared_after_ms: apart,
        }
    }
}

/// From one time to another; neither is far from the other.
fn milliseconds(from: u64, to: u64) -> f64 {
    let nanoseconds = i128::from(to) - i128::from(from);
    (nanoseconds / 1_000) as f64 / 1e3
}

impl<'a> DeclaredRecord<'a> {
    fn of(policy: &Policy<'a>, intent: Option<&Intent>, words: Option<&'a Declaration>) -> Option<Self> {
        if intent.is_none() && words.is_none() {
            return None;
        }
        let said = words.map(Self::said).unwrap_or_default();
        let Some(intent) = intent else { return Some(said) };
        let targets = intent.targets().filter_map(|target| Declared::of(policy, target));
        Some(Self {
            device: intent.device.and_then(|id| policy.device_info(id)).map(|device| device.name),
            targets: targets.map(Place::from).collect(),
            operation: intent.operation.map(Action::name),
            values: intent.value.map(Values::from).unwrap_or_default(),
            count: Some(intent.count),
            pace_ms: Some(intent.pace_ms).filter(|ms| *ms > 0),
            not_before: Some(Stamp(intent.not_before)),
            expires: Some(Stamp(intent.expires)),
            received: Some(Stamp(intent.received)),
            ..said
        })
    }

    /// What only the words of a declaration tell.
    fn said(words: &'a Declaration) -> Self {
        let (source, key, approver, window) = match &words.source {
            Source::Signed { key, approver } => ("signed", Some(key.as_str()), approver.as_deref(), None),
            Source::Span => ("span", None, None, None),
            Source::Window { approver, window } => ("window", None, Some(approver.as_str()), Some(window.as_str())),
        };
        Self {
            id: Some(&words.id),
            source: Some(source),
            key,
            approver,
            window,
            client: words.client.as_deref(),
            agent: words.agent.as_deref(),
            tool: words.tool.as_deref(),
            reason: words.reason.as_deref(),
            trace_id: words.trace_id.map(|id| Hex(&id).to_string()),
            span_id: words.span_id.map(|id| Hex(&id).to_string()),
            ..Self::default()
        }
    }
}

impl<'a> Observed<'a> {
    fn of(policy: &Policy<'a>, verdict: &Match) -> Self {
        Self {
            time: verdict.seen.map(|seen| Stamp(seen.time)),
            frame: verdict.seen.map(|seen| seen.frame),
            target: verdict.done.and_then(|done| Place::of(policy, &done)),
            values: verdict.done.map(|done| Values::of(&done)).unwrap_or_default(),
        }
    }
}

impl<'a> Place<'a> {
    pub(super) fn of(policy: &Policy<'a>, done: &Done) -> Option<Self> {
        let point = done.point.and_then(|id| policy.point_info(id));
        if let Some(point) = point {
            return Some(Declared::Point(point).into());
        }
        let (space, address) = done.place?;
        Some(Self { point: None, space: space.name(), address, quantity: Some(done.count) })
    }
}

impl<'a> From<Declared<'a>> for Place<'a> {
    fn from(declared: Declared<'a>) -> Self {
        match declared {
            Declared::Point(point) => {
                let (space, address) = (point.space.name(), point.address.into());
                Self { point: Some(point.name), space, address, quantity: None }
            }
            Declared::Run(space, address, quantity) => {
                Self { point: None, space: space.name(), address, quantity: Some(quantity.into()) }
            }
        }
    }
}

impl Values {
    pub(super) fn of(done: &Done) -> Self {
        let masks = done.mask.map_or_else(Self::default, |(and, or)| Wanted::Masked { and, or }.into());
        match (done.value(), done.values) {
            (Some(value), _) => Wanted::Is(value).into(),
            (None, Some((least, most))) => Wanted::Range { least, most }.into(),
            (None, None) => masks,
        }
    }
}

impl From<Wanted> for Values {
    fn from(wanted: Wanted) -> Self {
        let finite = |value: f64| Some(value).filter(|value| value.is_finite());
        match wanted {
            Wanted::Is(value) => Self { value: finite(value), ..Self::default() },
            Wanted::Range { least, most } => Self { min: finite(least), max: finite(most), ..Self::default() },
            Wanted::Masked { and, or } => Self { and_mask: Some(and), or_mask: Some(or), ..Self::default() },
        }
    }
}
