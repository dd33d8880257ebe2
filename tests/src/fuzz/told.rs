use tagout::intent::Told;
use tagout_core::Timestamp;

use super::intent::{keys, signed};
use super::seeds::Seed;

/// A line of what a feed delivered, as `replay --intents` reads it.
///
/// Whatever comes, it is read or refused; and nothing is delivered later than it is known.
pub fn told(input: &[u8]) {
    let Ok(line) = std::str::from_utf8(input) else { return };
    let Ok(told) = Told::read(line, &keys()) else { return };
    let received = told.received();
    assert_eq!(told.known_by(Timestamp(1_000)).received(), received.min(Timestamp(1_000)));
}

/// Lines of every kind.
pub(super) fn lines() -> Vec<Seed> {
    const RECEIVED: &str = r#""received": "2026-01-15T12:00:00Z""#;
    let mut lines = vec![("alive".to_owned(), format!(r#"{{{RECEIVED}, "alive": true}}"#))];
    for (name, text) in signed() {
        let text = String::from_utf8(text).expect("text");
        match name.as_str() {
            name if name.ends_with("-compact") => {
                lines.push((name.to_owned(), format!(r#"{{{RECEIVED}, "jws": "{text}"}}"#)));
            }
            name if name.ends_with("-flattened") => {}
            name => lines.extend([
                (format!("{name}-key"), format!(r#"{{{RECEIVED}, "key": "key", "intent": {text}}}"#)),
                (format!("{name}-refused"), format!(r#"{{{RECEIVED}, "refused": "bad-signature", "intent": {text}}}"#)),
                (
                    format!("{name}-span"),
                    format!(r#"{{{RECEIVED}, "tool": "write", "span_id": "00f067aa0ba902b7", "intent": {text}}}"#),
                ),
            ]),
        }
    }
    lines.into_iter().map(|(name, line)| (name, line.replace('\n', " ").into_bytes())).collect()
}
