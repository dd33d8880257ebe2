use crate::{Encoding, Kind};

impl Encoding {
    /// The number that these registers hold, as they lie on the wire (two bytes a register). `None` unless there are
    /// exactly as many as the type takes.
    ///
    /// Bytes are swapped within each register first, then the registers are put in order. Integers beyond 2⁵³ round
    /// to the nearest `f64`.
    pub fn decode(self, wire: &[u8]) -> Option<f64> {
        // Most take one register.
        if let ([_, _], 1) = (wire, self.kind.width()) {
            return Some(number(self.kind, self.register(wire).into()));
        }
        if wire.len() != usize::from(self.kind.width()).checked_mul(2)? {
            return None;
        }
        let registers = wire.chunks_exact(2).map(|register| self.register(register));
        let append = |high: u64, low: u16| high.wrapping_shl(16) | u64::from(low);
        let bits = if self.low_word_first { registers.rev().fold(0, append) } else { registers.fold(0, append) };
        Some(number(self.kind, bits))
    }

    fn register(self, bytes: &[u8]) -> u16 {
        let pair = bytes.try_into().unwrap_or_default();
        if self.swap_bytes { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }
    }
}

/// Reads the low bits of `bits`, as many as the type has.
fn number(kind: Kind, bits: u64) -> f64 {
    match kind {
        Kind::Native | Kind::U16 => f64::from(bits as u16),
        Kind::I16 => f64::from(bits as u16 as i16),
        Kind::U32 => f64::from(bits as u32),
        Kind::I32 => f64::from(bits as u32 as i32),
        Kind::F32 => f64::from(f32::from_bits(bits as u32)),
        Kind::U64 => bits as f64,
        Kind::I64 => bits as i64 as f64,
        Kind::F64 => f64::from_bits(bits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(kind: Kind, low_word_first: bool, swap_bytes: bool, wire: &[u8]) -> Option<f64> {
        Encoding { kind, low_word_first, swap_bytes }.decode(wire)
    }

    #[test]
    fn numbers_of_every_type() {
        assert_eq!(decode(Kind::U16, false, false, &[0xFF, 0xFE]), Some(65534.0));
        assert_eq!(decode(Kind::I16, false, false, &[0xFF, 0xFE]), Some(-2.0));
        assert_eq!(decode(Kind::U32, false, false, &[0xFF, 0xFF, 0xFF, 0xFE]), Some(4_294_967_294.0));
        assert_eq!(decode(Kind::I32, false, false, &[0xFF, 0xFF, 0xFF, 0xFE]), Some(-2.0));
        assert_eq!(decode(Kind::F32, false, false, &[0x42, 0xF6, 0xE6, 0x66]), Some(f64::from(123.45_f32)));
        assert_eq!(decode(Kind::U64, false, false, &[0xFF; 8]), Some(18_446_744_073_709_551_615.0));
        assert_eq!(decode(Kind::I64, false, false, &[0xFF; 8]), Some(-1.0));
        assert_eq!(decode(Kind::F64, false, false, &1.5e300_f64.to_be_bytes()), Some(1.5e300));
    }

    #[test]
    fn the_four_orders_of_two_registers() {
        assert_eq!(decode(Kind::U32, false, false, &[0x0A, 0x0B, 0x0C, 0x0D]), Some(f64::from(0x0A0B_0C0D)));
        assert_eq!(decode(Kind::U32, true, false, &[0x0C, 0x0D, 0x0A, 0x0B]), Some(f64::from(0x0A0B_0C0D)));
        assert_eq!(decode(Kind::U32, false, true, &[0x0B, 0x0A, 0x0D, 0x0C]), Some(f64::from(0x0A0B_0C0D)));
        assert_eq!(decode(Kind::U32, true, true, &[0x0D, 0x0C, 0x0B, 0x0A]), Some(f64::from(0x0A0B_0C0D)));
    }

    #[test]
    fn too_few_or_too_many_registers_are_no_number() {
        assert_eq!(decode(Kind::U32, false, false, &[1, 2]), None);
        assert_eq!(decode(Kind::U16, false, false, &[1, 2, 3]), None);
        assert_eq!(decode(Kind::U16, false, false, &[]), None);
    }
}
