use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, KeypairBytes,
};
use ed25519_dalek::{SECRET_KEY_LENGTH, SigningKey, VerifyingKey};

use crate::Failure;
use crate::secret::Secret;

/// Makes a key of a site: the secret half as `NAME.key`, which only its owner may read (PKCS #8), and the public half as
/// `NAME.pub` (SubjectPublicKeyInfo), both in PEM. Returns their names.
///
/// # Errors
/// When one of them is there already, or they cannot be written.
pub fn create(name: &Path) -> Result<[PathBuf; 2], Failure> {
    let [secret, public] = ["key", "pub"].map(|extension| name.with_added_extension(extension));
    if let Some(standing) = [&secret, &public].into_iter().find(|path| path.exists()) {
        return Err(Failure::Usage(format!(
            "{} is there already: gateways trust its key; name another file",
            standing.display()
        )));
    }
    let mut seed = [0; SECRET_KEY_LENGTH];
    getrandom::fill(&mut seed).map_err(|error| Failure::Io(format!("no random numbers: {error}")))?;
    let key = SigningKey::from_bytes(&seed);
    // Without the public half, with which RFC 5958 has a version of its own: OpenSSL and what is built on it refuse that.
    let bytes = KeypairBytes { secret_key: key.to_bytes(), public_key: None };
    let pem = bytes.to_pkcs8_pem(LineEnding::LF).map_err(|error| Failure::input(&secret, &error))?;
    write_new(&secret, 0o600, &pem).map_err(|error| Failure::input(&secret, &error))?;
    let pem = key.verifying_key().to_public_key_pem(LineEnding::LF).map_err(|error| Failure::input(&public, &error))?;
    write_new(&public, 0o644, &pem).map_err(|error| Failure::input(&public, &error))?;
    Ok([secret, public])
}

fn write_new(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Reads the secret half of a key.
///
/// # Errors
/// When others may read it too, or it is none.
pub fn secret(path: &Path) -> Result<SigningKey, Failure> {
    let text = Secret::read(path)?;
    SigningKey::from_pkcs8_pem(text.text()).map_err(|_| not_a(path, "secret key, as `tagout key new` writes one"))
}

/// Reads the public half of a key.
///
/// # Errors
/// When it is none.
pub fn public(path: &Path) -> Result<VerifyingKey, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::input(path, &error))?;
    VerifyingKey::from_public_key_pem(&text).map_err(|_| not_a(path, "public key, as `tagout key new` writes one"))
}

fn not_a(path: &Path, what: &str) -> Failure {
    Failure::Usage(format!("{}: this is not a {what}", path.display()))
}
