use std::collections::HashMap;

use tagout_core::Output;
use tagout_core::intent::IntentKey;

use super::Declaration;

/// Who is told of what comes of declarations. Its words come before the sensor takes what is declared.
pub trait Audience: Output {
    /// Takes the words of a declaration that goes by this key.
    fn declared(&mut self, _key: IntentKey, _words: &Declaration) {}
    /// Forgets the words of one that did not become an intent.
    fn undeclared(&mut self, _key: IntentKey) {}
}

/// The words of the intents that a sensor remembers: as many as that has room for, since it tells which it forgets.
#[derive(Debug, Default)]
pub struct Known(HashMap<IntentKey, Declaration>);

impl Known {
    /// Takes a declaration that goes by this key, before the sensor does. One that came before stays as it was; a further span may
    /// tell what it left open.
    pub fn take(&mut self, key: IntentKey, words: &Declaration) {
        self.0.entry(key).and_modify(|known| known.refine(words)).or_insert_with(|| words.clone());
    }

    /// Forgets one.
    pub fn forget(&mut self, key: IntentKey) {
        self.0.remove(&key);
    }

    /// The words of an intent.
    pub fn of(&self, key: IntentKey) -> Option<&Declaration> {
        self.0.get(&key)
    }
}

#[cfg(test)]
mod tests {
    use tagout_core::Timestamp;

    use super::*;
    use crate::intent::{Claims, Source};

    fn span(more: &str, source: Source) -> Declaration {
        let times = r#""not_before": "2026-01-15T12:00:00Z", "expires": "2026-01-15T12:00:01Z""#;
        let claims = Claims::read(format!(r#"{{"id": "1", "actor": "planner", {times}{more}}}"#).as_bytes());
        claims.expect("claims").declare(source, Timestamp(1))
    }

    fn known_of(words: &[Declaration]) -> String {
        let mut known = Known::default();
        words.iter().for_each(|words| known.take(IntentKey(1), words));
        let known = known.of(IntentKey(1)).expect("it is known");
        format!("{known} {:?} {:?}", known.agent, known.tool)
    }

    #[test]
    fn a_further_span_tells_what_the_first_left_open_and_nothing_else() {
        let bare = || span("", Source::Span);
        let first = Declaration { tool: Some("set".to_owned()), ..bare() };
        let whole = span(
            r#", "agent": "night", "operation": "write", "device": "plc1", "points": ["speed"], "value": 3"#,
            Source::Span,
        );
        let other = span(r#", "device": "plc1", "points": ["level"], "value": 9"#, Source::Span);
        assert_eq!(known_of(&[first.clone(), whole.clone()]), r#"write plc1.speed = 3 Some("night") Some("set")"#);
        assert_eq!(known_of(&[whole.clone(), other, bare()]), r#"write plc1.speed = 3 Some("night") None"#);
        let elsewhere = Declaration { actor: "cleaner".to_owned(), ..whole.clone() };
        assert_eq!(known_of(&[first, elsewhere]), r#"anything at any device None Some("set")"#);
        let signed = || Source::Signed { key: "k".to_owned(), approver: None };
        assert_eq!(
            known_of(&[span("", signed()), span(r#", "device": "plc1""#, signed())]),
            "anything at any device None None"
        );
    }
}
