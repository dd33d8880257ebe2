use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use sha2::{Digest, Sha512};

/// Whether `signature` is Ed25519's (RFC 8032, 5.1.7) of `message` by the owner of `key`.
///
/// Of what implementations take differently, all is refused: a scalar that is not reduced, a key of small order, and
/// whatever holds only when multiplied by the cofactor.
pub(crate) fn verify(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    holds(key, message, signature).unwrap_or(false)
}

fn holds(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Option<bool> {
    let (nonce, scalar) = signature.split_first_chunk::<32>()?;
    let scalar = reduced(scalar.first_chunk()?)?;
    let signer = CompressedEdwardsY(*key).decompress().filter(|point| !point.is_small_order())?;
    let digest = Sha512::new().chain_update(nonce).chain_update(key).chain_update(message).finalize();
    let challenge = Scalar::from_bytes_mod_order_wide(&digest.into());
    #[allow(clippy::arithmetic_side_effects, reason = "of points on a curve, which does not overflow")]
    let expected = EdwardsPoint::mul_base(&scalar) - signer * challenge;
    Some(expected.compress().as_bytes() == nonce)
}

/// The scalar of these octets, if they are what the scalar itself would be written as.
///
/// The library's own check brings a second reduction into the image, of 2 KB.
fn reduced(octets: &[u8; 32]) -> Option<Scalar> {
    let mut wide = [0; 64];
    wide.first_chunk_mut().map(|low| *low = *octets)?;
    Some(Scalar::from_bytes_mod_order_wide(&wide)).filter(|scalar| scalar.as_bytes() == octets)
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
        // The order of the base point, little-endian, is added to the scalar.
        let order: [u8; 32] = octets("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
        let mut carry = 0;
        for (octet, more) in signature[32..].iter_mut().zip(order) {
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
