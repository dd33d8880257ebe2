//! Reading TOML, with errors for people.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use crate::near::nearest;

/// Takes the text of a TOML file called `name`.
///
/// # Errors
/// The text of an error message for people, with line and column.
pub(crate) fn read_toml<T: de::DeserializeOwned>(name: &str, text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error: toml::de::Error| describe(name, text, error.span(), &explain(error.message())))
}

/// What is wrong as `file:line:column: what`, with the line that it is about.
pub(super) fn describe(name: &str, text: &str, span: Option<Range<usize>>, message: &str) -> String {
    let Some(span) = span else { return format!("{name}: {message}") };
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before[start..].chars().count() + 1;
    let shown = text[start..].lines().next().unwrap_or_default();
    let marked = text.get(span).and_then(|marked| marked.lines().next()).map_or(1, |marked| marked.chars().count());
    let marker = format!("{}{}", " ".repeat(column - 1), "^".repeat(marked.max(1)));
    let gutter = " ".repeat(line.to_string().len());
    format!("{name}:{line}:{column}: {message}\n{gutter} |\n{line} | {shown}\n{gutter} | {marker}")
}

/// serde's message, with the nearest key where one is unknown.
fn explain(message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field ") else { return message.trim_end().to_owned() };
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let found = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.collect();
    match nearest(found, &known) {
        Some(near) => format!("unknown key `{found}`; did you mean `{near}`?"),
        None => format!("unknown key `{found}`; here stand {}", known.join(", ")),
    }
}

/// Takes a list, or a single text as a list of one.
pub(crate) fn one_or_many<'de, D: Deserializer<'de>, T: From<String> + Deserialize<'de>>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    struct OneOrMany<T>(PhantomData<T>);

    impl<'de, T: From<String> + Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or a list of texts")
        }

        fn visit_str<E: de::Error>(self, one: &str) -> Result<Self::Value, E> {
            Ok(vec![one.to_owned().into()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, many: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(many))
        }
    }

    from.deserialize_any(OneOrMany(PhantomData))
}
