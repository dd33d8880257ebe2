//! Policies that their site has signed: a seal is a signature over all files together.

use std::path::{Path, PathBuf};
use std::{fs, io};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::Deserialize;
use tagout_compiler::SourceFile;

use crate::Failure;
use crate::config::read_toml;
use crate::record::{Hex, octets};
use crate::replace::replace_file;

/// What is signed begins with it: what the key signs for other purposes is no seal.
const PURPOSE: &[u8] = b"tagout policy 1\0";
/// Its name in a folder of policy files, and what it adds to the name of a single one.
const NAME: &str = "policy.seal";
const EXTENSION: &str = "seal";

/// A site's signature (Ed25519, RFC 8032) over the names and texts of its policy files, in order, and a version.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// Grows from one to the next, so that an old policy is not taken for a new one.
    pub version: u64,
    /// 64 octets, in hexadecimal.
    signature: String,
}

impl Seal {
    /// Where the seal of these files and folders is: in the first if that is a folder, else beside it.
    pub fn place(files: &[PathBuf]) -> Option<PathBuf> {
        let first = files.first()?;
        Some(if first.is_dir() { first.join(NAME) } else { first.with_added_extension(EXTENSION) })
    }

    /// Signs files.
    pub fn new(files: &[SourceFile], version: u64, key: &SigningKey) -> Self {
        let signature = key.sign(&message(files, version));
        Self { version, signature: Hex(&signature.to_bytes()).to_string() }
    }

    /// Reads a seal.
    ///
    /// # Errors
    /// When there is none, or it is not one.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path).map_err(|error| {
            let hint = if error.kind() == io::ErrorKind::NotFound { " (`tagout seal` makes one)" } else { "" };
            Failure::Io(format!("{}: {error}{hint}", path.display()))
        })?;
        read_toml(&path.display().to_string(), &text).map_err(Failure::Usage)
    }

    /// Writes it, in place of the one before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        replace_file(path, format!("version = {}\nsignature = \"{}\"\n", self.version, self.signature))
    }

    /// Whether these are the files that the holder of the key signed.
    pub fn is_of(&self, files: &[SourceFile], key: &VerifyingKey) -> bool {
        let Some(signature) = octets(&self.signature) else { return false };
        key.verify_strict(&message(files, self.version), &Signature::from_bytes(&signature)).is_ok()
    }
}

/// Purpose, version, and of each file its name, without folders, and its text, each behind its length (64 bits, big-endian).
fn message(files: &[SourceFile], version: u64) -> Vec<u8> {
    let mut message = [PURPOSE, &version.to_be_bytes()].concat();
    for file in files {
        let name = Path::new(&file.name).file_name().unwrap_or_default();
        for part in [name.as_encoded_bytes(), file.text.as_bytes()] {
            message.extend((part.len() as u64).to_be_bytes());
            message.extend(part);
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(texts: &[(&str, &str)]) -> Vec<SourceFile> {
        texts.iter().map(|(name, text)| SourceFile::new(*name, *text)).collect()
    }

    #[test]
    fn a_seal_is_of_its_files_its_version_and_its_key_alone() {
        let (ours, theirs) = (SigningKey::from_bytes(&[7; 32]), SigningKey::from_bytes(&[8; 32]));
        let signed = files(&[("/a/site.toml", "x = 1"), ("/a/points.csv", "p")]);
        let seal = Seal::new(&signed, 3, &ours);
        let key = ours.verifying_key();
        assert!(seal.is_of(&signed, &key));
        assert!(seal.is_of(&files(&[("/b/site.toml", "x = 1"), ("/b/points.csv", "p")]), &key), "in another folder");
        for changed in [
            &[("site.toml", "x = 2"), ("points.csv", "p")][..],
            &[("site.toml", "x = 1"), ("others.csv", "p")],
            &[("points.csv", "p"), ("site.toml", "x = 1")],
            &[("site.toml", "x = 1")],
            &[("site.toml", "x = 1"), ("points.csv", "p"), ("more.toml", "")],
            &[],
        ] {
            assert!(!seal.is_of(&files(changed), &key), "{changed:?}");
        }
        assert!(!seal.is_of(&signed, &theirs.verifying_key()));
        assert!(!Seal { version: 4, ..Seal::new(&signed, 3, &ours) }.is_of(&signed, &key));
    }

    #[test]
    fn a_seal_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::from_bytes(&[7; 32]);
        let signed = files(&[("site.toml", "x = 1")]);
        let place = Seal::place(&[folder.path().to_owned()]).unwrap();
        Seal::new(&signed, 9, &key).write(&place).unwrap();
        let seal = Seal::read(&place).unwrap();
        assert!(seal.version == 9 && seal.is_of(&signed, &key.verifying_key()));
        assert_eq!(Seal::place(&[PathBuf::from("no/site.toml")]).unwrap(), Path::new("no/site.toml.seal"));
        let said = Seal::read(&folder.path().join("none.seal")).err().unwrap();
        assert!(said.message().unwrap().contains("`tagout seal` makes one"));
    }
}
