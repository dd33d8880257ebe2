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
    let severity = ["HIGH", "MEDIUM", "LOW", "INFORMATIONAL"];
    let severity = severity.get(eve.severity().saturating_sub(1) as usize).unwrap_or(&"INFORMATIONAL");
    let time = eve.text("timestamp").unwrap_or_default();
    let (day, clock) = time.split_once('T').unwrap_or_default();
    format!("{severity} {day} {} UTC ", clock.get(..12).unwrap_or(clock))
}

/// The sentence for the analyst on one line, else what the alert is called.
fn sentence(eve: &Eve) -> String {
    printable(eve.text("ot.why").or(eve.text("alert.signature")).unwrap_or_default())
}

fn tail(eve: &Eve) -> String {
    let (sid, id) = (eve.get("alert.signature_id"), eve.text("ot.alert_id").unwrap_or_default());
    let technique = eve.text("ot.attack.technique").map_or(String::new(), |technique| format!("{technique}, "));
    format!(" [{technique}{}, {id}]", sid.map_or(String::new(), ToString::to_string))
}
