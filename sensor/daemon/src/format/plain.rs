use serde_json::Value;

use super::eve::Eve;
use super::fit::{cut, printable};

/// The alert as a person reads it: how bad, when, what, and where to look.
pub(super) fn line(eve: &Eve, most: usize) -> String {
    let (head, tail) = (head(eve), tail(eve));
    let mut sentence = sentence(eve);
    cut(&mut sentence, most.saturating_sub(head.len()).saturating_sub(tail.len()));
    head + &sentence + &tail
}

fn head(eve: &Eve) -> String {
    let word = if eve.is_heartbeat() { "HEARTBEAT" } else { severity(eve) };
    let time = eve.text("timestamp").unwrap_or_default();
    let (day, clock) = time.split_once('T').unwrap_or_default();
    format!("{word} {day} {} UTC ", clock.get(..12).unwrap_or(clock))
}

fn severity(eve: &Eve) -> &'static str {
    let words = ["HIGH", "MEDIUM", "LOW", "INFORMATIONAL"];
    words.get(eve.severity().saturating_sub(1) as usize).unwrap_or(&"INFORMATIONAL")
}

/// The sentence for the analyst on one line, else what the alert is called.
fn sentence(eve: &Eve) -> String {
    printable(eve.text("ot.why").or(eve.text("alert.signature")).unwrap_or_default())
}

fn tail(eve: &Eve) -> String {
    let id = eve.id().and_then(Value::as_str).map(ToOwned::to_owned);
    let technique = eve.text("ot.attack.technique").map(ToOwned::to_owned);
    let told = [technique, eve.get("alert.signature_id").map(ToString::to_string), id];
    format!(" [{}]", told.into_iter().flatten().collect::<Vec<_>>().join(", "))
}
