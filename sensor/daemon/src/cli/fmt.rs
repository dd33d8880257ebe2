use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tagout_compiler::{SourceFile, format, render};
use tempfile::NamedTempFile;

use super::args::FmtArgs;
use super::ui::Ui;
use crate::Failure;
use crate::policy::expand;

/// Lays out policy files; those that are no TOML are left alone, and told of.
pub(super) fn fmt(args: &FmtArgs, ui: Ui) -> Result<(), Failure> {
    let (mut readable, mut changed) = (true, false);
    for path in args.files.iter().map(|path| files(path)).collect::<Result<Vec<_>, _>>()?.concat() {
        let file = read(&path)?;
        match format(&file) {
            Ok(text) if args.check => changed |= tell(&file, &text)?,
            Ok(text) if is_standard_input(&path) => print(&text)?,
            Ok(text) if tell(&file, &text)? => replace(&path, &text).map_err(|error| Failure::input(&path, &error))?,
            Ok(_) => {}
            Err(errors) => {
                let _ = write!(io::stderr(), "{}", render(&errors, std::slice::from_ref(&file), ui.stderr_colour()));
                readable = false;
            }
        }
    }
    match (readable, changed) {
        (false, _) => Err(Failure::Policy),
        (true, true) => Err(Failure::Findings),
        (true, false) => Ok(()),
    }
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The files of a folder, or the file itself.
fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if is_standard_input(path) { Ok(vec![path.to_owned()]) } else { expand(path) }
}

fn read(path: &Path) -> Result<SourceFile, Failure> {
    let failed = |error| Failure::input(path, &error);
    if !is_standard_input(path) {
        return Ok(SourceFile::new(path.display().to_string(), fs::read_to_string(path).map_err(failed)?));
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map_err(failed)?;
    Ok(SourceFile::new("standard input", text))
}

/// Names a file if its text is another one.
fn tell(file: &SourceFile, text: &str) -> Result<bool, Failure> {
    let changed = file.text != text;
    if changed {
        print(&format!("{}\n", file.name))?;
    }
    Ok(changed)
}

fn print(text: &str) -> Result<(), Failure> {
    io::stdout().write_all(text.as_bytes()).map_err(|error| Failure::output("standard output", &error))
}

/// Puts a text in the place of a file, whole or not at all, with the permissions of the file.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    let mut file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(path.metadata()?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}
