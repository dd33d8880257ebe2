//! Numbers that stand for the values of fields, for keys and for values that are to differ.

use core::hash::{BuildHasher, Hasher};
use core::net::IpAddr;

use crate::{DigestHasher, Fact, Facts, Field};

/// Stands for what is not known; no value's number, but by a chance of one in 2⁶⁴.
pub(super) const UNKNOWN: u64 = u64::MAX;

/// The numbers of the fields of one scene: rules mostly ask for the same few, so each is found once.
pub(super) struct Prints<'e> {
    facts: &'e dyn Facts,
    hasher: &'e DigestHasher,
    /// Made when the first is asked for: most scenes are looked at by rules that ask for none.
    known: Option<Known>,
}

struct Known {
    /// The fields that were found, by their bits.
    found: u64,
    prints: [u64; Field::ALL.len()],
}

const _: () = assert!(Field::ALL.len() <= u64::BITS as usize, "every field has its bit");

impl<'e> Prints<'e> {
    pub(super) fn new(facts: &'e dyn Facts, hasher: &'e DigestHasher) -> Self {
        Self { facts, hasher, known: None }
    }

    /// The number of a field's value; `None` if that is not known.
    pub(super) fn of(&mut self, field: Field) -> Option<u64> {
        let bit = 1_u64.wrapping_shl(field.number().into());
        let known = self.known.get_or_insert(Known { found: 0, prints: [UNKNOWN; Field::ALL.len()] });
        let print = known.prints.get_mut(usize::from(field.number()))?;
        if known.found & bit == 0 {
            known.found |= bit;
            *print = print_of(self.facts.fact(field), self.hasher);
        }
        (*print != UNKNOWN).then_some(*print)
    }
}

/// The number of a value, among those of one field.
fn print_of(fact: Fact<'_>, hasher: &DigestHasher) -> u64 {
    match fact {
        Fact::Unknown => UNKNOWN,
        // What is no number is not known; 0 has no sign.
        Fact::Number(number) if number.is_nan() => UNKNOWN,
        Fact::Number(number) => (number + 0.0).to_bits(),
        Fact::Flag(flag) => flag.into(),
        Fact::Text(text) => print_of_bytes(text.as_bytes(), hasher),
        Fact::Bytes(bytes) => print_of_bytes(bytes, hasher),
        Fact::Address(IpAddr::V4(ip)) => ip.to_bits().into(),
        Fact::Address(IpAddr::V6(ip)) => hasher.hash_one(ip.to_bits()),
    }
}

fn print_of_bytes(bytes: &[u8], hasher: &DigestHasher) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_are_one_and_what_is_no_number_is_not_known() {
        let print = |number| print_of(Fact::Number(number), &DigestHasher::with_seed(0));
        assert_eq!(print(-0.0), print(0.0));
        assert_ne!(print(-1.0), print(1.0));
        assert_eq!(print(f64::NAN), UNKNOWN);
    }
}
