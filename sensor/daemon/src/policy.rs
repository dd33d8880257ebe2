//! Policies from files: what the command line names, compiled, with the shipped detections beside it.

mod gather;
mod heirs;
pub mod schema;
mod seal;

use std::io::{self, Write as _};
use std::path::PathBuf;

use tagout_compiler::{Compiled, Diagnostic, SourceFile, compile, packs, render};
use tagout_core::engine::Policy;

use crate::config;
use crate::failure::Failure;
use crate::gateway::public;
pub(crate) use gather::expand;
pub use heirs::{Heirs, Written};
pub use seal::Seal;

/// The text of a policy's files.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<SourceFile>);

impl Sources {
    /// Takes files that have been read.
    pub fn new(files: Vec<SourceFile>) -> Self {
        Self(files)
    }

    /// Reads policy files and everything that they ask for; of a folder all files that end in `.toml`, by name.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(paths: &[PathBuf], default_rules: bool) -> Result<Self, Failure> {
        let mut files = gather::gather(paths)?;
        if default_rules {
            files.extend(packs());
        }
        Ok(Self(files))
    }

    /// Reads what is configured, and looks whether the site has signed it if it has to. Tells the version of its seal.
    ///
    /// # Errors
    /// When a file cannot be read, or is not as it was signed.
    pub fn read_sealed(asked: &config::Policy) -> Result<(Self, Option<u64>), Failure> {
        let Some(key) = &asked.key else { return Ok((Self::read(&asked.files, asked.default_rules)?, None)) };
        let mut sources = Self::read(&asked.files, false)?;
        let no_file = || Failure::Usage("[policy] names a key, and no file that it could have signed".to_owned());
        let place = Seal::place(&asked.files).ok_or_else(no_file)?;
        let seal = Seal::read(&place)?;
        if !seal.is_of(&sources.0, &public(key)?) {
            let (place, key) = (place.display(), key.display());
            return Err(Failure::Usage(format!(
                "{place}: these are not the policy files that the holder of {key} signed"
            )));
        }
        if asked.default_rules {
            sources.0.extend(packs());
        }
        Ok((sources, Some(seal.version)))
    }

    /// The files.
    pub fn files(&self) -> &[SourceFile] {
        &self.0
    }

    /// The policy entry that starts in line `number` (1-based) of a file: up to the next empty line or table.
    pub fn entry(&self, file: &str, number: u32) -> Option<&str> {
        let source = self.0.iter().find(|source| source.name == file)?;
        let text = source.text.as_str();
        let above = usize::try_from(number).ok()?.checked_sub(1)?;
        let start = text.split_inclusive('\n').take(above).map(str::len).sum();
        let entry = text.get(start..)?;
        let more = |line: &&str| !line.trim().is_empty() && !line.starts_with('[');
        let mut lines = entry.split_inclusive('\n');
        let first = lines.next()?.len();
        let len =
            if entry.starts_with('[') { first + lines.take_while(more).map(str::len).sum::<usize>() } else { first };
        entry.get(..len).map(str::trim).filter(|entry| !entry.is_empty())
    }

    /// Compiles the files; tells warnings as text.
    ///
    /// # Errors
    /// What is wrong with the policy, as text.
    pub fn compile_quietly(&self) -> Result<(Compiled, String), String> {
        let compiled = compile(&self.0).map_err(|diagnostics| render(&diagnostics, &self.0, false))?;
        let warnings = render(&compiled.warnings, &self.0, false);
        Ok((compiled, warnings))
    }

    /// Compiles the files; warnings and errors go to standard error.
    ///
    /// # Errors
    /// When the policy is wrong; what is wrong has been said.
    pub fn compile(&self, colour: bool) -> Result<Compiled, Failure> {
        match compile(&self.0) {
            Ok(compiled) => {
                let _ = write!(io::stderr(), "{}", render(&compiled.warnings, &self.0, colour));
                Ok(compiled)
            }
            Err(diagnostics) => {
                let _ = write!(io::stderr(), "{}", render(&diagnostics, &self.0, colour));
                Err(Failure::Policy)
            }
        }
    }
}

/// Takes an image that was just compiled.
///
/// # Errors
/// When compiler and engine disagree on it.
pub fn load(image: &[u8]) -> Result<Policy<'_>, Failure> {
    Policy::load(image).map_err(|error| Failure::Usage(format!("the compiled policy cannot be loaded: {error}")))
}

impl Sources {
    /// The diagnostics as text for people.
    pub fn render(&self, diagnostics: &[Diagnostic], colour: bool) -> String {
        render(diagnostics, &self.0, colour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_file_and_line() {
        let text = "a = 1\n  b = 2\n\n[[permits]]\nactor = \"x\"\ndo = []\n[devices.y]\nip = []";
        let sources = Sources(vec![SourceFile::new("a.toml", text)]);
        assert_eq!(sources.entry("a.toml", 2), Some("b = 2"));
        assert_eq!(sources.entry("a.toml", 4), Some("[[permits]]\nactor = \"x\"\ndo = []"));
        assert_eq!(sources.entry("a.toml", 7), Some("[devices.y]\nip = []"));
        assert_eq!(sources.entry("a.toml", 3), None);
        assert_eq!(sources.entry("a.toml", 0), None);
        assert_eq!(sources.entry("a.toml", 9), None);
        assert_eq!(sources.entry("b.toml", 1), None);
    }
}
