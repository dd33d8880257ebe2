use std::borrow::Cow;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use tagout_compiler::{FileKind, Reference, SourceFile, references};

use crate::failure::Failure;

/// Reads policy files and everything that they ask for; of a folder all files that end in `.toml`, by name.
///
/// # Errors
/// When a file cannot be read. What is asked for and not there is left to the compiler to report.
pub(super) fn gather(paths: &[PathBuf]) -> Result<Vec<SourceFile>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        for file in expand(path)? {
            add(Reference { kind: FileKind::Policy, path: file.display().to_string() }, &mut files)?;
        }
    }
    let mut next = 0;
    while let Some(file) = files.get(next) {
        for reference in references(file) {
            for path in found(&reference)? {
                add(Reference { kind: reference.kind, path }, &mut files)?;
            }
        }
        next += 1;
    }
    Ok(files)
}

/// Of a folder all files that end in `.toml`, by name; else the file itself.
///
/// # Errors
/// When there is no such file or folder, or no such file in it.
pub(crate) fn expand(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.metadata().map_err(|error| Failure::input(path, &error))?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).map_err(|error| Failure::input(path, &error))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|file| file.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(Failure::Usage(format!("{}: there is no file that ends in .toml in this folder", path.display())));
    }
    Ok(files)
}

/// The files that a reference means, by name.
fn found(reference: &Reference) -> Result<Vec<String>, Failure> {
    if !reference.is_pattern() {
        return Ok(vec![reference.path.clone()]);
    }
    // A pattern that is none is reported with its place, by the compiler.
    let Ok(paths) = glob::glob(&reference.path) else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for path in paths {
        let path = path.map_err(|error| Failure::input(error.path(), error.error()))?;
        names.extend(path.is_file().then(|| path.display().to_string()));
    }
    Ok(names)
}

/// Reads a file, unless it is there already or does not exist.
fn add(wanted: Reference, files: &mut Vec<SourceFile>) -> Result<(), Failure> {
    if files.iter().any(|file| wanted.is(file)) {
        return Ok(());
    }
    let path = Path::new(&wanted.path);
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::input(path, &error)),
    };
    let text = match wanted.kind {
        FileKind::Tags => decode(&bytes).into_owned(),
        FileKind::Policy | FileKind::Map => String::from_utf8(bytes).map_err(|error| Failure::input(path, &error))?,
    };
    files.push(SourceFile { name: wanted.path, text, kind: wanted.kind });
    Ok(())
}

/// The text of a tag export. Tools write UTF-8, UTF-16 with a mark, or the code page of western Windows.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default()).0;
    }
    UTF_8
        .decode_without_bom_handling_and_without_replacement(bytes)
        .unwrap_or_else(|| WINDOWS_1252.decode_without_bom_handling(bytes).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_are_read_in_the_encodings_that_tools_write() {
        assert_eq!(decode("Level,m³".as_bytes()), "Level,m³");
        assert_eq!(decode(b"Level,m\xb3,\x80"), "Level,m³,€");
        assert_eq!(decode(b"\xef\xbb\xbfLevel"), "Level");
        let utf16: Vec<u8> = "\u{feff}Level,m³".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&utf16), "Level,m³");
    }
}
