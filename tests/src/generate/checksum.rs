//! Checksums, computed bit by bit or word by word from their definitions.

/// The Internet checksum (RFC 1071) over the concatenation of `parts`, of which all but the last have even length.
pub fn internet(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let sum: u64 = words.map(|word| u64::from(word[0]) << 8 | u64::from(*word.get(1).unwrap_or(&0))).sum();
    let mut folded = sum;
    while folded > 0xffff {
        folded = (folded & 0xffff) + (folded >> 16);
    }
    !(folded as u16)
}

/// The CRC of DNP3 link blocks: polynomial 0x3D65, reflected, inverted at the end; sent low byte first.
pub fn dnp3(bytes: &[u8]) -> u16 {
    let mut crc = 0_u16;
    for byte in bytes {
        crc ^= u16::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xa6bc } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    #[test]
    fn dnp3_crc_has_the_catalogued_check_value() {
        assert_eq!(super::dnp3(b"123456789"), 0xea82);
    }

    #[test]
    fn internet_checksum_of_the_rfc_example() {
        assert_eq!(super::internet(&[&[0x00, 0x01, 0xf2, 0x03], &[0xf4, 0xf5, 0xf6, 0xf7]]), !0xddf2);
    }
}
