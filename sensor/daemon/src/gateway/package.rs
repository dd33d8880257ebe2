use ed25519_dalek::{Signer as _, SigningKey};
use tagout_core::engine::Policy;
use tagout_firmware::{Header, LONGEST, Settings, Signed, Use, uses};
use zerocopy::IntoBytes as _;

use crate::Failure;

/// Puts settings and a policy image into a package that `key` signs, made `created` seconds after the Unix epoch.
///
/// # Errors
/// When the policy does not fit a gateway: with what it has, and what there is room for.
pub fn package(
    settings: &Settings,
    image: &[u8],
    (version, created): (u64, u64),
    key: &SigningKey,
) -> Result<Vec<u8>, Failure> {
    let policy = crate::policy::load(image)?;
    let mut room = [0; 1024];
    let settings = settings
        .write(&mut room)
        .ok_or_else(|| Failure::Usage("the settings are longer than a package can hold".into()))?;
    fits(&policy, size_of::<Signed>() + settings.len() + image.len())?;
    let header = Header::new(version, created, &key.verifying_key().to_bytes(), settings, image)
        .ok_or_else(|| Failure::Usage("the policy image is longer than a package can hold".into()))?;
    let signed = header.signed(key.sign(header.as_bytes()).to_bytes());
    Ok([signed.as_bytes(), settings, image].concat())
}

/// Whether a policy fits the tables of a gateway, and its package a slot.
fn fits(policy: &Policy<'_>, octets: usize) -> Result<(), Failure> {
    let slot = Use { what: "octets of the package", taken: octets, room: LONGEST };
    let excess: Vec<String> = uses(policy)
        .into_iter()
        .chain([slot])
        .filter(|usage| !usage.fits())
        .map(|Use { what, taken, room }| format!("{what}: {taken}, and a gateway has room for {room}"))
        .collect();
    if excess.is_empty() {
        return Ok(());
    }
    Err(Failure::Usage(format!("the policy does not fit a gateway\n  {}", excess.join("\n  "))))
}
