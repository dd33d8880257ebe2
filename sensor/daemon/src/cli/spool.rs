use std::io::{self, Write};
use std::path::PathBuf;

use super::args::{SpoolArgs, SpoolCommand, SpoolPlace};
use crate::Failure;
use crate::config::Config;
use crate::delivery::status::{Status, drop_waiting, waiting};

/// Looks into the spool, and lets go of what waits in it.
pub(super) fn spool(args: &SpoolArgs) -> Result<(), Failure> {
    match &args.command {
        SpoolCommand::Status(args) => {
            let status = Status::read(&args.place.directory()?)?;
            print(&if args.json { json(&status) } else { table(&status) })
        }
        SpoolCommand::Show(args) => {
            let records = waiting(&args.place.directory()?, args.destination.as_deref())?;
            print(&records.iter().flat_map(|record| [record.as_str(), "\n"]).collect::<String>())
        }
        SpoolCommand::Drop(args) => {
            let count = drop_waiting(&args.place.directory()?, &args.destination)?;
            print(&format!("{count} notices that waited for {} are gone\n", args.destination))
        }
    }
}

impl SpoolPlace {
    fn directory(&self) -> Result<PathBuf, Failure> {
        if let Some(directory) = &self.directory {
            return Ok(directory.clone());
        }
        let place = Config::read(&self.config)?.spool.directory;
        place.ok_or_else(|| {
            Failure::Usage(format!("{}: the spool is in memory: [spool] names no directory", self.config.display()))
        })
    }
}

fn json(status: &Status) -> String {
    // Names and numbers, which JSON takes.
    serde_json::to_string(status).unwrap_or_default() + "\n"
}

fn table(status: &Status) -> String {
    let lines = status.destinations.iter().map(|destination| {
        let trouble = destination.trouble.as_deref().map(|why| format!("; {why}")).unwrap_or_default();
        let refused = match destination.refused {
            0 => String::new(),
            count => format!(", {count} refused"),
        };
        format!(
            "{}: {} delivered, {} waiting{refused}{trouble}\n",
            destination.name, destination.delivered, destination.waiting
        )
    });
    let lines: String = lines.collect();
    let lost = match (status.lost_alerts, status.lost_events) {
        (0, 0) => String::new(),
        (alerts, events) => format!("lost since the start: {alerts} alerts, {events} events\n"),
    };
    format!("{lines}{} bytes in the spool\n{lost}", status.spooled_bytes)
}

pub(super) fn print(text: &str) -> Result<(), Failure> {
    io::stdout().lock().write_all(text.as_bytes()).map_err(|error| Failure::output("standard output", &error))
}
