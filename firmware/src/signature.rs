use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use sha2::{Digest, Sha512};

/// The order of the base point (RFC 8032, 5.1), little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Whether `signature` is Ed25519's (RFC 8032, 5.1.7) of `message` by the owner of `key`.
///
/// Of what implementations take differently, all is refused: a scalar that is not reduced, a key of small order, and
/// whatever holds only when multiplied by the cofactor.
pub(crate) fn verify(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    holds(key, message, signature).unwrap_or(false)
}

fn holds(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Option<bool> {
    let (nonce, scalar) = signature.split_first_chunk::<32>()?;
    let scalar = scalar.first_chunk().filter(|scalar| less_order(scalar).is_none())?;
    let signer = CompressedEdwardsY(*key).decompress().filter(|point| !point.is_small_order())?;
    let digest = Sha512::new().chain_update(nonce).chain_update(key).chain_update(message).finalize();
    #[allow(clippy::arithmetic_side_effects, reason = "of a point on a curve, which does not overflow")]
    let expected = sum([(scalar, ED25519_BASEPOINT_POINT), (&modulo_order(&digest), -signer)]);
    Some(expected.compress().as_bytes() == nonce)
}

/// The sum of two points, each so many times.
///
/// Nothing here is secret, so that time may tell what the scalars are: 3 KB less than the library's multiplication, which brings
/// arithmetic of scalars along.
#[allow(clippy::arithmetic_side_effects, reason = "of points on a curve, as above")]
fn sum([(first, one), (second, other)]: [(&[u8; 32], EdwardsPoint); 2]) -> EdwardsPoint {
    bits(first).zip(bits(second)).fold(EdwardsPoint::default(), |sum, (has_one, has_other)| {
        let mut sum = sum + sum;
        for (_, point) in [(has_one, one), (has_other, other)].into_iter().filter(|(has, _)| *has) {
            sum += point;
        }
        sum
    })
}

/// What a number is modulo the order.
fn modulo_order(number: &[u8]) -> [u8; 32] {
    bits(number).fold([0; 32], |rest, bit| {
        let twice = twice_and(rest, bit);
        less_order(&twice).unwrap_or(twice)
    })
}

/// Two times a number that is below the order, and the bit.
fn twice_and(mut number: [u8; 32], bit: bool) -> [u8; 32] {
    let mut carry = u8::from(bit);
    for octet in &mut number {
        (*octet, carry) = (*octet << 1 | carry, *octet >> 7);
    }
    number
}

/// A number less the order; `None` if it is below that.
fn less_order(number: &[u8; 32]) -> Option<[u8; 32]> {
    let (mut rest, mut borrow) = (*number, false);
    for (octet, order) in rest.iter_mut().zip(ORDER) {
        (*octet, borrow) = octet.borrowing_sub(order, borrow);
    }
    Some(rest).filter(|_| !borrow)
}

/// The bits of a little-endian number, from the greatest.
fn bits(number: &[u8]) -> impl Iterator<Item = bool> {
    number.iter().rev().flat_map(|octet| (0..8).rev().map(move |place| octet >> place & 1 == 1))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};
    use proptest::prelude::*;

    use super::*;

    fn octets<const N: usize>(digits: &str) -> [u8; N] {
        core::array::from_fn(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
    }

    /// RFC 8032, 7.1, TEST 3.
    #[test]
    fn the_signature_of_the_specification_holds() {
        let key = octets("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
        let signature = octets(
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        );
        assert!(verify(&key, &[0xaf, 0x82], &signature));
        assert!(!verify(&key, &[0xaf, 0x83], &signature));
    }

    #[test]
    fn a_key_of_small_order_signs_nothing() {
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert!(!verify(&identity, b"anything", &signature));
    }

    #[test]
    fn a_scalar_that_is_not_reduced_is_refused() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let mut signature = key.sign(b"message").to_bytes();
        assert!(verify(&key.verifying_key().to_bytes(), b"message", &signature));
        let mut carry = 0;
        for (octet, more) in signature[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*octet) + u16::from(more) + carry;
            (*octet, carry) = (sum.to_le_bytes()[0], sum >> 8);
        }
        assert!(!verify(&key.verifying_key().to_bytes(), b"message", &signature));
    }

    proptest! {
        #[test]
        fn it_agrees_with_another_implementation(seed: [u8; 32], message: [u8; 40], flipped in 0_usize..2 * 512) {
            let key = SigningKey::from_bytes(&seed);
            let mut signature = key.sign(&message).to_bytes();
            if let Some(octet) = signature.get_mut(flipped / 8) {
                *octet ^= 1 << (flipped % 8);
            }
            let theirs = ed25519_dalek::Signature::from_bytes(&signature);
            let expected = key.verifying_key().verify_strict(&message, &theirs).is_ok();
            prop_assert_eq!(verify(&key.verifying_key().to_bytes(), &message, &signature), expected);
        }
    }
}
