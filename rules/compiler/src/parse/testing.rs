mod declared;

use tagout_engine::{Action, Grade};

use super::rule::spanned;
use super::window::moment;
use crate::diagnostic::Report;
use crate::grammar::{self, REQUESTS};
use crate::model::{Asked, Expected, Scene, Signature, Step, Test};
use crate::node::{Entry, Fields, Node};
use crate::source::{Span, Spanned};
use crate::testing::{Judged, Reply};
use crate::{SourceFile, paths};

pub(super) fn test(span: Span, mut fields: Fields<'_>, files: &[SourceFile], report: &mut Report<'_>) -> Option<Test> {
    let name = fields.require("name", report).and_then(|entry| spanned(entry.node, report));
    let (capture, steps) = (fields.take("capture"), fields.take("steps"));
    let (frames, start) = (fields.take("frames"), fields.take("start"));
    let intents = fields.take("intents").map(|entry| declared::all(&entry, report));
    let feed = fields.take("feed");
    let is_silent = feed.as_ref().is_some_and(|feed| declared::is_silent(feed, report));
    let alerts = fields.take("alerts").map(|entry| alerts(entry, report));
    let scene = match (capture, steps) {
        (Some(capture), None) => {
            out_of_place(start, "`start`", "a capture has times of its own", report);
            if alerts.is_none() {
                report.error(span, "a test that expects nothing").label("`alerts` is missing");
            }
            recorded(capture, frames, files, report)
        }
        (None, Some(steps)) => {
            out_of_place(frames, "`frames`", "only a capture has frames", report);
            told(steps, start, alerts.is_some(), report)
        }
        (Some(capture), Some(steps)) => {
            let draft = report.error(steps.key, "`steps` beside `capture`");
            draft.label("a test is one or the other").related(capture.key, "the capture is here");
            None
        }
        (None, None) => {
            report.error(span, "a test in which nothing happens").label("`capture` or `steps` is missing");
            None
        }
    };
    fields.finish(report);
    let test = Test { name: name?, scene: scene?, intents, is_silent, alerts };
    if test.intents.is_none() {
        out_of_place(feed, "`feed`", "nothing is held against declarations: `intents` is missing", report);
        declared::refuse(&test, report);
    }
    Some(test)
}

fn out_of_place(entry: Option<Entry<'_>>, what: &str, why: &str, report: &mut Report<'_>) {
    if let Some(entry) = entry {
        report.error(entry.key, format!("{what} is out of place")).label(why);
    }
}

fn recorded(
    capture: Entry<'_>,
    frames: Option<Entry<'_>>,
    files: &[SourceFile],
    report: &mut Report<'_>,
) -> Option<Scene> {
    let path = capture.node.text(report)?;
    let path = paths::resolve(&files[capture.node.span.file].name, path);
    let frames = frames.and_then(|frames| numbers(frames.node, report));
    Some(Scene::Capture { path, frames })
}

/// The first and the last frame.
fn numbers(node: Node<'_>, report: &mut Report<'_>) -> Option<(u64, u64)> {
    let ends = node.array("the first and the last frame such as [1, 100]", report)?;
    let ends: Vec<u64> = ends.into_iter().filter_map(|end| frame(end, report)).collect();
    match ends[..] {
        [first, last] if first <= last => Some((first, last)),
        _ => {
            report.error(node.span, "no run of frames").expected("the first and the last frame such as [1, 100]");
            None
        }
    }
}

fn frame(node: Node<'_>, report: &mut Report<'_>) -> Option<u64> {
    node.integer("frame", 1..=i64::MAX, report)
}

/// The steps; each must expect something, unless the test does or a later step can.
fn told(steps: Entry<'_>, start: Option<Entry<'_>>, expects: bool, report: &mut Report<'_>) -> Option<Scene> {
    let start = start.and_then(|start| moment(start.node, report));
    let nodes = steps.node.array("a list of steps", report)?;
    if nodes.is_empty() {
        report.error(steps.node.span, "empty list").expected("at least one step");
    }
    let count = nodes.len();
    let fields = nodes.into_iter().filter_map(|node| Some((node.span, node.table(&grammar::STEP, report)?)));
    let fields: Vec<_> = fields.collect();
    let says = |fields: &Fields<'_>| ["verdict", "grade", "alerts"].iter().any(|key| fields.has(key));
    let expects = expects || fields.last().is_some_and(|(_, last)| says(last));
    let steps: Vec<_> = fields.into_iter().filter_map(|(span, fields)| step(span, fields, report)).collect();
    if let Some(last) = steps.last().filter(|_| !expects && steps.len() == count) {
        let draft = report.error(last.span, "nothing is expected of the last step");
        draft.label("`verdict`, `grade` or `alerts` is missing, here or in the test");
    }
    Some(Scene::Steps { start, steps })
}

fn step(span: Span, mut fields: Fields<'_>, report: &mut Report<'_>) -> Option<Step> {
    let from = fields.require("from", report).and_then(|entry| spanned(entry.node, report));
    let asked = asked(span, &mut fields, report);
    let reply = reply(&mut fields, report);
    let (after, repeat, every) = (fields.take("after"), fields.take("repeat"), fields.take("every"));
    if let Some(every) = every.filter(|_| repeat.is_none()) {
        report.error(every.key, "`every` without `repeat`").label("there is but one");
    }
    let after_ms = after.and_then(|entry| entry.node.duration(report));
    let every_ms = every.and_then(|entry| entry.node.duration(report));
    let repeat = repeat.and_then(|entry| entry.node.integer("count", 2..=10_000, report));
    let grade = fields.take("grade").and_then(|entry| {
        let value = entry.node.word("grade", Grade::ALL, Grade::name, report)?;
        Some(Spanned { value, span: entry.node.span })
    });
    let verdict = fields.take("verdict").and_then(|entry| judged(entry.node, report));
    let alerts = fields.take("alerts").map(|entry| alerts(entry, report));
    fields.finish(report);
    Some(Step {
        span,
        from: from?,
        asked: asked?,
        reply: reply?,
        after_ms: after_ms.unwrap_or(PAUSE_MS),
        repeat: repeat.unwrap_or(1),
        every_ms: every_ms.unwrap_or(PAUSE_MS),
        grade,
        verdict,
        alerts,
    })
}

/// Between requests where nothing else is said.
const PAUSE_MS: u32 = 1_000;

fn judged(node: Node<'_>, report: &mut Report<'_>) -> Option<Judged> {
    let word = node.word("verdict", &grammar::verdicts(), |word| word, report)?;
    Judged::from_name(word)
}

/// What a step asks: one of the keys that are requests.
fn asked(span: Span, fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Asked> {
    let keys: Vec<_> = REQUESTS.iter().map(|key| key.name).chain(["modbus", "dnp3"]).collect();
    let entries: Vec<_> = keys.iter().filter_map(|key| fields.take(key)).collect();
    let (to, value) = (fields.take("to"), fields.take("value"));
    let entry = match entries[..] {
        [entry] => entry,
        [] => {
            let words = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            report.error(span, "a step without a request").expected(format!("one of {words}"));
            return None;
        }
        [first, second, ..] => {
            let draft = report.error(second.key, format!("`{}` beside `{}`", second.name, first.name));
            draft.label("a step is one request").related(first.key, "the other is here");
            return None;
        }
    };
    match Action::from_name(entry.name) {
        Some(action) => {
            out_of_place(to, "`to`", "the point tells the device", report);
            let value = value.map(|value| Some(Spanned { value: value.node.value(report)?, span: value.node.span }));
            Some(Asked::Point { action, point: spanned(entry.node, report)?, value: value.unwrap_or(None) })
        }
        None => {
            out_of_place(value, "`value`", "the bytes say it", report);
            let bytes = octets(entry.node, report);
            if to.is_none() {
                report.error(entry.key, format!("`{}` without `to`", entry.name)).label("whom?");
            }
            let (to, bytes) = (spanned(to?.node, report)?, bytes?);
            let is_modbus = entry.name == "modbus";
            Some(if is_modbus { Asked::Modbus { to, pdu: bytes } } else { Asked::Dnp3 { to, fragment: bytes } })
        }
    }
}

fn reply(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Reply> {
    let (reply, exception) = (fields.take("reply"), fields.take("exception"));
    match (reply, exception) {
        (None, None) => Some(Reply::Accepted),
        (None, Some(exception)) => exception.node.integer("exception", 1..=127, report).map(Reply::Refused),
        (Some(reply), None) => match reply.node.text(report)? {
            "accepted" => Some(Reply::Accepted),
            "none" => Some(Reply::None),
            _ => octets(reply.node, report).map(Reply::Octets),
        },
        (Some(reply), Some(exception)) => {
            let draft = report.error(exception.key, "`exception` beside `reply`");
            draft.label("a device answers once").related(reply.key, "the other is here");
            None
        }
    }
}

/// Bytes as hexadecimal digits, perhaps with spaces or colons between them.
fn octets(node: Node<'_>, report: &mut Report<'_>) -> Option<Vec<u8>> {
    let text = node.text(report)?;
    let digits: String = text.chars().filter(|character| !matches!(character, ' ' | ':')).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let octets: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(pair).collect();
    let octets = octets.filter(|_| is_hex && digits.len().is_multiple_of(2));
    if octets.is_none() {
        let draft = report.error(node.span, format!("`{text}` is not bytes"));
        draft.expected("pairs of hexadecimal digits such as \"06 000A 0320\"");
    }
    octets
}

/// Alerts that are expected; `none` is a list of none.
fn alerts(entry: Entry<'_>, report: &mut Report<'_>) -> Vec<Expected> {
    if entry.node.as_text() == Some("none") {
        return Vec::new();
    }
    let nodes = entry.node.one_or_more(report);
    nodes.into_iter().filter_map(|node| expected(node, report)).collect()
}

fn expected(node: Node<'_>, report: &mut Report<'_>) -> Option<Expected> {
    if !node.is_table() {
        return Some(Expected { rule: signature(node, report)?, count: None, frames: Vec::new() });
    }
    let mut fields = node.table(&grammar::EXPECTED, report)?;
    let rule = fields.require("rule", report).and_then(|entry| signature(entry.node, report));
    let count = fields.take("count").and_then(|entry| entry.node.integer("count", 1..=u32::MAX.into(), report));
    let frames = fields.take("frames").map(|entry| entry.node.one_or_more(report)).unwrap_or_default();
    let frames = frames.into_iter().filter_map(|node| frame(node, report)).collect();
    fields.finish(report);
    Some(Expected { rule: rule?, count, frames })
}

pub(super) fn signature(node: Node<'_>, report: &mut Report<'_>) -> Option<Spanned<Signature>> {
    let value = match node.as_text() {
        Some(_) => Signature::Text(node.text(report)?.to_owned()),
        None => Signature::Sid(node.integer("sid", 1..=u32::MAX.into(), report)?),
    };
    Some(Spanned { value, span: node.span })
}
