//! Files that are written: what one writer adds, another would rotate away or tell twice.

use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::Config;
use super::text::describe;
use crate::Failure;
use crate::delivery::config::DestinationTable;

/// The files that a configuration has written to, with where they are named.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Files {
    output: Output,
    destination: Vec<Destination>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Output {
    alerts: Option<Spanned<PathBuf>>,
    events: Option<Spanned<PathBuf>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Destination {
    file: Option<File>,
}

#[derive(Deserialize)]
struct File {
    path: Spanned<PathBuf>,
}

/// Refuses a `file` destination that shares its file with another, or with `[output]`, in the text of a file called `name`.
/// Alerts and events of `[output]` may share one: they have one writer.
pub(super) fn refuse_shared(name: &str, text: &str) -> Result<(), String> {
    // What is wrong with anything else is told by who reads all of it.
    let Ok(Files { output, destination }) = toml::from_str(text) else { return Ok(()) };
    let output = [output.alerts, output.events].into_iter().flatten();
    let mut written: Vec<PathBuf> = output.map(|path| plain(path.as_ref())).collect();
    for path in destination.into_iter().filter_map(|destination| Some(destination.file?.path)) {
        let place = plain(path.as_ref());
        if written.contains(&place) {
            return Err(shared(name, text, path.span(), &place));
        }
        written.push(place);
    }
    Ok(())
}

/// Refuses the same where the command line names the file.
pub(super) fn refuse_shared_by(config: &Config) -> Result<(), Failure> {
    let written: Vec<PathBuf> = config.destination.iter().filter_map(DestinationTable::file).map(plain).collect();
    let named = [&config.output.alerts, &config.output.events].into_iter().flatten();
    match named.into_iter().find(|path| written.contains(&plain(path))) {
        Some(path) => {
            Err(Failure::Usage(format!("{}: a destination writes this file too; name another", path.display())))
        }
        None => Ok(()),
    }
}

/// A path without the steps that lead nowhere.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|step| *step != Component::CurDir).collect()
}

fn shared(name: &str, text: &str, span: Range<usize>, path: &Path) -> String {
    let path = path.display();
    let message = format!("`{path}` is written by `[output]` or another destination too; name a file of its own");
    describe(name, text, Some(span), &message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, path: &str) -> String {
        format!("[[destination]]\nname = \"{name}\"\nfile = {{ path = \"{path}\" }}\n")
    }

    fn said(text: &str) -> Option<String> {
        Config::parse("tagout.toml", text).err()
    }

    #[test]
    fn a_file_has_one_writer() {
        let output = "[output]\nalerts = \"alerts.jsonl\"\nevents = \"alerts.jsonl\"\n";
        assert_eq!(said(&(output.to_owned() + &file("soc", "soc.jsonl"))), None);
        for first in [output.to_owned(), file("archive", "alerts.jsonl")] {
            let text = first + &file("soc", "./alerts.jsonl");
            let said = said(&text).unwrap();
            assert!(said.starts_with("tagout.toml:6:17: `alerts.jsonl` is written by"), "{said}");
        }
    }

    #[test]
    fn a_file_of_the_command_line_has_one_writer_too() {
        let mut config = Config::parse("tagout.toml", &file("soc", "/var/alerts.jsonl")).unwrap();
        assert!(refuse_shared_by(&config).is_ok());
        config.output.events = Some("/var/./alerts.jsonl".into());
        assert!(refuse_shared_by(&config).is_err());
    }
}
