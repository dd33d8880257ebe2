//! How an export writes addresses: forms such as `4{n}` or `%Q{octet}.{bit}`.

use tagout_engine::{Kind, Space};

/// A form of address and what it means.
#[derive(Clone, Debug)]
pub(super) struct Notation {
    pub(super) form: Form,
    /// The address space, where the form tells it.
    pub(super) space: Option<Space>,
    /// The type, where the form tells it.
    pub(super) kind: Option<Kind>,
    /// What the first address is called.
    pub(super) base: i64,
    /// How far apart two addresses are called.
    pub(super) stride: i64,
    /// Why such an address is no point, where it is none.
    pub(super) left_out: Option<String>,
}

/// Text with gaps.
#[derive(Clone, Debug)]
pub(super) struct Form {
    /// As it is written in a map.
    pub(super) text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, PartialEq, Debug)]
enum Piece {
    /// This text, in any case.
    Text(String),
    /// A number: of so many digits if that is said, decimal or hexadecimal.
    Number { digits: Option<usize>, radix: u32 },
    /// A number of octets, each of eight bits.
    Octet,
    /// A bit within what comes before.
    Bit,
    /// Anything.
    Any,
}

/// What a gap holds.
#[derive(Clone, Copy, Default)]
struct Found {
    number: i64,
    octets: i64,
    bit: i64,
}

/// What the gaps are called.
pub(super) const GAPS: &str = "`{n}`, `{n:5}`, `{hex}`, `{octet}`, `{bit}` or `{any}`";

impl Form {
    /// Reads a form; the gap that is unknown otherwise.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            pieces
                .extend(Some(before).filter(|before| !before.is_empty()).map(|before| Piece::Text(before.to_owned())));
            let (gap, behind) = after.split_once('}').ok_or_else(|| after.to_owned())?;
            pieces.push(Piece::gap(gap).ok_or_else(|| gap.to_owned())?);
            rest = behind;
        }
        pieces.extend(Some(rest).filter(|rest| !rest.is_empty()).map(|rest| Piece::Text(rest.to_owned())));
        Ok(Self { text: text.to_owned(), pieces })
    }

    /// The number that an address of this form has.
    fn number(&self, address: &str) -> Option<i64> {
        let mut found = Found::default();
        let mut rest = address;
        for (index, piece) in self.pieces.iter().enumerate() {
            rest = piece.take(rest, self.pieces.get(index + 1), &mut found)?;
        }
        rest.is_empty().then(|| found.number.saturating_add(found.octets.saturating_mul(8)).saturating_add(found.bit))
    }
}

impl Piece {
    fn gap(name: &str) -> Option<Self> {
        let decimal = |digits| Self::Number { digits, radix: 10 };
        match name {
            "n" => Some(decimal(None)),
            "hex" => Some(Self::Number { digits: None, radix: 16 }),
            "octet" => Some(Self::Octet),
            "bit" => Some(Self::Bit),
            "any" => Some(Self::Any),
            _ => name.strip_prefix("n:")?.parse().ok().map(|digits| decimal(Some(digits))),
        }
    }

    /// What is left of `text` behind this piece, if it begins with it.
    fn take<'t>(&self, text: &'t str, next: Option<&Self>, found: &mut Found) -> Option<&'t str> {
        match self {
            Self::Text(own) => text
                .get(..own.len())
                .filter(|start| start.eq_ignore_ascii_case(own))
                .and_then(|_| text.get(own.len()..)),
            Self::Number { digits, radix } => {
                let (number, rest) = number(text, *digits, *radix)?;
                found.number = number;
                Some(rest)
            }
            Self::Octet => {
                let (number, rest) = number(text, None, 10)?;
                found.octets = number;
                Some(rest)
            }
            Self::Bit => {
                let (number, rest) = number(text, None, 10)?;
                found.bit = number;
                Some(rest)
            }
            Self::Any => match next {
                Some(Self::Text(next)) => text.find(next.as_str()).and_then(|at| text.get(at..)),
                _ => Some(""),
            },
        }
    }
}

fn number(text: &str, digits: Option<usize>, radix: u32) -> Option<(i64, &str)> {
    let len = text.find(|letter: char| !letter.is_digit(radix)).unwrap_or(text.len());
    let len = digits.map_or(Some(len), |digits| (digits == len).then_some(len))?;
    Some((i64::from_str_radix(text.get(..len)?, radix).ok()?, text.get(len..)?))
}

/// What a text is, as an address.
#[derive(Debug, PartialEq)]
pub(super) enum Reading<'n> {
    /// This address on the wire, counted from 0, in the words of that notation.
    Address(i64),
    /// No point, and why.
    LeftOut(&'n str),
}

impl Notation {
    /// What a text means, if it has this form.
    pub(super) fn read(&self, text: &str) -> Option<Reading<'_>> {
        let number = self.form.number(text)?.checked_sub(self.base)?;
        if let Some(why) = &self.left_out {
            return Some(Reading::LeftOut(why));
        }
        let whole = number.checked_rem(self.stride) == Some(0);
        Some(if whole {
            Reading::Address(number / self.stride)
        } else {
            Reading::LeftOut("it begins within a register")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str, base: i64, stride: i64, text: &str) -> Option<i64> {
        let form = Form::parse(form).expect("a form");
        let notation = Notation { form, space: None, kind: None, base, stride, left_out: None };
        match notation.read(text) {
            Some(Reading::Address(address)) => Some(address),
            _ => None,
        }
    }

    #[test]
    fn addresses_are_read_as_their_form_says() {
        let cases = [
            ("4{n:5}", 1, 1, "400011", Some(10)),
            ("4{n:5}", 1, 1, "40011", None),
            ("4{n:4}", 1, 1, "40011", Some(10)),
            ("4{n}", 1, 1, "41", Some(0)),
            ("4{n}", 1, 1, "300011", None),
            ("4x{n}", 1, 1, "4X11", Some(10)),
            ("%MW{n}", 0, 1, "%mw10", Some(10)),
            ("%MW{n}", 0, 1, "%MW10.3", None),
            ("%MW{n}", 0, 2, "%MW10", Some(5)),
            ("%MW{n}", 0, 2, "%MW11", None),
            ("%Q{octet}.{bit}", 0, 1, "%Q2.3", Some(19)),
            ("HR{n}", 1, 1, "HR10", Some(9)),
            ("{any}]HR{n}", 1, 1, "ns=1;s=[plc]HR10", Some(9)),
            ("0x{hex}", 0, 1, "0x1F", Some(31)),
            ("{n}", 0, 1, "", None),
            ("{n}", 0, 1, "99999999999999999999", None),
        ];
        for (form, base, stride, text, expected) in cases {
            assert_eq!(read(form, base, stride, text), expected, "{text} as {form}");
        }
    }

    #[test]
    fn unknown_gaps_are_told() {
        assert_eq!(Form::parse("4{number}").err().as_deref(), Some("number"));
        assert_eq!(Form::parse("4{n").err().as_deref(), Some("n"));
    }
}
