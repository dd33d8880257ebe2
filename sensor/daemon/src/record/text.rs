use std::borrow::Cow;
use std::fmt::{self, Display};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

/// Writes what displays as a JSON string, without building it first.
pub(super) struct Text<T>(pub(super) T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<T> JsonSchema for Text<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

/// Reads what [`Hex`] writes, in either case; `None` for anything else than digits of so many octets.
pub(crate) fn octets<const COUNT: usize>(hexadecimal: &str) -> Option<[u8; COUNT]> {
    let digits = hexadecimal.as_bytes();
    if digits.len() != 2 * COUNT || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut octets = [0; COUNT];
    for (octet, pair) in octets.iter_mut().zip(digits.chunks(2)) {
        *octet = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(octets)
}

/// Octets in hexadecimal, without separators.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_of_so_many_octets_are_octets() {
        for text in ["", "zz", &"é".repeat(64), &"0".repeat(127), &"0".repeat(129), &"+f".repeat(64)] {
            assert_eq!(octets::<64>(text), None, "{text}");
        }
        assert_eq!(octets(&"0f".repeat(64)), Some([15; 64]));
        assert_eq!(octets(&Hex(&[0, 171, 255]).to_string().to_uppercase()), Some([0, 171, 255]));
    }
}
