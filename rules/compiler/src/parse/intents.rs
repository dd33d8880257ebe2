use base64ct::{Base64UrlUnpadded, Encoding};

use super::approval::approval;
use super::listed;
use super::rule::spanned;
use super::window::moment;
use crate::diagnostic::Report;
use crate::grammar::{APPROVAL, INTENTS, KEY};
use crate::model::{Intents, Key};
use crate::node::{Entry, Fields, Node};
use crate::source::{Span, Spanned};

/// Reads what a file says of intents; each thing may be said once over all files.
pub(super) fn intents(entry: Entry<'_>, intents: &mut Intents, report: &mut Report<'_>) {
    let Some(mut fields) = entry.node.table(&INTENTS, report) else { return };
    for (name, place) in [
        ("hold", &mut intents.hold_ms),
        ("skew", &mut intents.skew_ms),
        ("delay", &mut intents.delay_ms),
        ("silence", &mut intents.silence_ms),
    ] {
        if let Some(entry) = fields.take(name) {
            once(entry, place, report);
        }
    }
    for (span, fields) in listed(fields.take("keys"), &KEY, report) {
        intents.keys.extend(key(span, fields, report));
    }
    for (_, fields) in listed(fields.take("approvals"), &APPROVAL, report) {
        intents.approvals.extend(approval(fields, report));
    }
    fields.finish(report);
}

fn once(entry: Entry<'_>, place: &mut Option<Spanned<u32>>, report: &mut Report<'_>) {
    let Some(value) = entry.node.duration(report) else { return };
    match place {
        None => *place = Some(Spanned { value, span: entry.key }),
        Some(first) => {
            let draft = report.error(entry.key, format!("a second `{}` of the intents", entry.name));
            draft.related(first.span, "the first is here");
        }
    }
}

fn key(span: Span, mut fields: Fields<'_>, report: &mut Report<'_>) -> Option<Key> {
    let id = fields.require("id", report).and_then(|entry| spanned(entry.node, report));
    let public = fields.require("public", report).and_then(|entry| public(entry.node, report));
    let actors = fields.require("actors", report).map(|entry| entry.node.strings(report));
    let approver = fields.take("approver").and_then(|entry| entry.node.text(report)).unwrap_or_default().to_owned();
    let mut time = |name| {
        let entry = fields.take(name)?;
        Some(Spanned { value: moment(entry.node, report)?, span: entry.node.span })
    };
    let (not_before, expires, revoked) = (time("not_before"), time("expires"), time("revoked"));
    fields.finish(report);
    if let Some((from, to)) = not_before.as_ref().zip(expires.as_ref()).filter(|(from, to)| from.value >= to.value) {
        report
            .error(to.span, "a key that expires before it is valid")
            .expected("a later time")
            .related(from.span, "it is valid from here on");
        return None;
    }
    let time = |time: Option<Spanned<u64>>| time.map(|time| time.value);
    Some(Key {
        span,
        id: id?,
        public: public?,
        actors: actors?,
        approver,
        not_before: time(not_before),
        expires: time(expires),
        revoked: time(revoked),
    })
}

/// The 32 octets of a public key.
fn public(node: Node<'_>, report: &mut Report<'_>) -> Option<[u8; 32]> {
    let text = node.text(report)?;
    let octets = Base64UrlUnpadded::decode_vec(text.trim_end_matches('=')).ok();
    let public = octets.and_then(|octets| octets.try_into().ok());
    if public.is_none() {
        report
            .error(node.span, "no Ed25519 public key")
            .expected("32 octets in base64url: 43 letters, digits, `-` and `_`");
    }
    public
}
