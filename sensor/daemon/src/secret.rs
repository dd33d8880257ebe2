//! Secrets: tokens, passwords and keys, from files that nobody else can read.
//!
//! A secret never stands in a configuration, on a command line or in the environment, which others see. It stands in a
//! file of its own, or is a credential of systemd's (`LoadCredential=`), which the configuration names.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::Failure;

/// Permission bits of anybody but the owner.
const OTHERS: u32 = 0o077;
/// More than any key or token has.
const MOST_BYTES: usize = 64 * 1024;
/// Where systemd puts the credentials of a service.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// The text of a secret. It is wiped from memory with the value, and not shown by `Debug`.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Where a secret is, as a configuration names it.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(from = "String")]
pub enum Place {
    /// In a file that only its owner may read.
    File(PathBuf),
    /// In a credential of systemd's of this name: `credential:NAME`.
    Credential(String),
}

impl Secret {
    /// Reads a secret from a file.
    ///
    /// # Errors
    /// When others than its owner may read or change the file, or it cannot be read, or it is no text, or longer than 64 KiB.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::input(path, &error);
        let file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.mode();
        if mode & OTHERS != 0 {
            let shown = path.display();
            return Err(Failure::Usage(format!(
                "{shown}: others than its owner may use this secret (mode {:o}): chmod 600 {shown}",
                mode & 0o777
            )));
        }
        text(&file).map(Self).map_err(failed)
    }

    /// The text, without the line's end that editors put behind it.
    pub fn text(&self) -> &str {
        self.0.trim_end_matches(['\r', '\n'])
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Place {
    /// Reads the secret.
    ///
    /// # Errors
    /// As [`Secret::read`], and when there is no such credential.
    pub fn read(&self) -> Result<Secret, Failure> {
        match self {
            Self::File(path) => Secret::read(path),
            Self::Credential(name) => credential(name, std::env::var_os(CREDENTIALS_DIRECTORY)),
        }
    }

    /// Its path, if it is a file.
    pub(crate) fn file(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::File(path) => Some(path),
            Self::Credential(_) => None,
        }
    }

    /// Where its text is, if that is known.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Credential(name) => {
                std::env::var_os(CREDENTIALS_DIRECTORY).map(|directory| Path::new(&directory).join(name))
            }
        }
    }

    /// The same place, relative to where the configuration file lies.
    pub fn beside(self, config: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(config.parent().unwrap_or(Path::new("")).join(path)),
            Self::Credential(name) => Self::Credential(name),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Credential(name) => write!(f, "credential:{name}"),
        }
    }
}

impl From<String> for Place {
    fn from(text: String) -> Self {
        match text.strip_prefix("credential:") {
            Some(name) => Self::Credential(name.to_owned()),
            None => Self::File(text.into()),
        }
    }
}

/// Reads a credential. Who may read its file is systemd's business: its access list shows as permission of a group.
fn credential(name: &str, directory: Option<OsString>) -> Result<Secret, Failure> {
    let Some(directory) = directory else {
        return Err(Failure::Usage(format!(
            "there are no credentials: give the service `LoadCredential={name}:/path/of/the/secret`"
        )));
    };
    if name.is_empty() || name.contains('/') {
        return Err(Failure::Usage(format!("`credential:{name}` names no credential: its name is that of a file")));
    }
    let path = Path::new(&directory).join(name);
    File::open(&path).and_then(|file| text(&file)).map(Secret).map_err(|error| Failure::input(&path, &error))
}

fn text(file: &File) -> io::Result<Zeroizing<String>> {
    // Of one size from the beginning: what grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES + 1));
    file.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MOST_BYTES {
        return Err(io::Error::other("longer than a secret can be (64 KiB)"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| io::Error::other("this is no text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn message(read: Result<Secret, Failure>) -> String {
        read.unwrap_err().message().unwrap_or_default().to_owned()
    }

    fn file(text: &[u8], mode: u32) -> tempfile::TempPath {
        let file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        file
    }

    #[test]
    fn a_secret_is_read_without_its_line_end_and_never_shown() {
        for mode in [0o600, 0o400] {
            let secret = Secret::read(&file(b"hunter2\n", mode)).unwrap();
            assert_eq!((secret.text(), format!("{secret:?}").as_str()), ("hunter2", "Secret"));
        }
    }

    #[test]
    fn a_file_that_others_may_read_or_change_is_refused_with_what_to_do() {
        for mode in [0o640, 0o604, 0o620, 0o602, 0o610] {
            let file = file(b"hunter2", mode);
            let said = message(Secret::read(&file));
            let expected = format!("others than its owner may use this secret (mode {mode:o}): chmod 600");
            assert!(said.contains(&expected) && !said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn what_is_no_secret_is_told() {
        assert!(message(Secret::read(&file(&[0xff, 0xfe], 0o600))).ends_with("this is no text"));
        assert!(message(Secret::read(&file(&[b'a'; MOST_BYTES + 1], 0o600))).contains("longer than"));
        assert!(message(Secret::read(Path::new("/nowhere/token"))).starts_with("/nowhere/token: "));
    }

    #[test]
    fn a_place_is_a_file_or_a_credential() {
        let place = |text: &str| Place::from(text.to_owned()).beside(Path::new("/etc/tagout/tagout.toml"));
        assert_eq!(place("hec.token"), Place::File("/etc/tagout/hec.token".into()));
        assert_eq!(place("/run/hec.token"), Place::File("/run/hec.token".into()));
        assert_eq!(place("credential:hec"), Place::Credential("hec".to_owned()));
    }

    #[test]
    fn a_credential_is_what_systemd_put_there() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("hec"), "hunter2").unwrap();
        // As systemd's access lists show.
        fs::set_permissions(directory.path().join("hec"), Permissions::from_mode(0o440)).unwrap();
        let of = |name| credential(name, Some(directory.path().into()));
        assert_eq!(of("hec").unwrap().text(), "hunter2");
        assert!(message(of("../hec")).contains("names no credential"));
        assert!(message(of("nats")).contains("nats: "));
        assert!(message(credential("hec", None)).contains("LoadCredential=hec:"));
    }
}
