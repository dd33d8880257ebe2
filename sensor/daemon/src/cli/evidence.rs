use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use super::args::EvidenceArgs;
use crate::Failure;
use crate::config::Config;
use crate::evidence::{Found, find};
use crate::record::Stamp;

/// Shows the packets behind an alert, or writes them to a file.
pub(super) fn evidence(args: &EvidenceArgs) -> Result<(), Failure> {
    let directory = args.folder()?;
    let failed = |error| Failure::input(&directory, &error);
    let found = match find(&directory, &args.id).map_err(failed)?.as_slice() {
        [path] => Found::read(path.clone()).map_err(failed)?,
        [] => return Err(Failure::Usage(format!("{}: no evidence of {}", directory.display(), args.id))),
        several => return Err(Failure::Usage(ambiguous(&args.id, several))),
    };
    match &args.output {
        None => show(&found),
        Some(path) if path.as_os_str() == "-" => io::stdout().write_all(&found.bytes),
        Some(path) => fs::write(path, &found.bytes)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    }
    .map_err(|error| Failure::output("evidence", &error))?;
    match &args.sha256 {
        Some(told) if !told.eq_ignore_ascii_case(&found.sha256) => Err(Failure::Refused(format!(
            "{}: its SHA-256 is {}, not {told}: this is not the file that the alert named",
            found.path.display(),
            found.sha256
        ))),
        _ => Ok(()),
    }
}

impl EvidenceArgs {
    fn folder(&self) -> Result<PathBuf, Failure> {
        if let Some(directory) = &self.directory {
            return Ok(directory.clone());
        }
        let config = self.config.display();
        Config::read(&self.config)?.evidence.directory.ok_or_else(|| {
            Failure::Usage(format!(
                "{config}: no evidence is kept: [evidence] names no directory; --directory names one"
            ))
        })
    }
}

fn ambiguous(id: &str, several: &[PathBuf]) -> String {
    let (count, stems) = (several.len(), several.iter().take(5).filter_map(|path| path.file_stem()));
    let names: Vec<_> = stems.map(|stem| stem.to_string_lossy().into_owned()).collect();
    format!("{id} begins the ids of {count} alerts; write more of it: {}", names.join(", "))
}

fn show(found: &Found) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "file:    {}", found.path.display())?;
    writeln!(out, "sha256:  {}", found.sha256)?;
    if let Some(about) = found.about() {
        writeln!(out, "about:   {about}")?;
    }
    writeln!(out, "packets:")?;
    for packet in found.packets() {
        let (time, after) = (Stamp(packet.time).to_string(), if packet.is_after { "  after" } else { "" });
        let comment = packet.comment.map(|comment| format!("  {comment}")).unwrap_or_default();
        writeln!(out, "  {time}  {:>5} bytes{after}{comment}", packet.wire_len)?;
    }
    out.flush()
}
