use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::args::ExplainArgs;
use super::ui::Ui;
use crate::Failure;
use crate::config::{Config, Ports};
use crate::explain::{Declared, Place, explain as story_of, remedy, write};
use crate::intent::{Keys, Script};
use crate::policy::load;

/// Tells why an exchange is judged as it is.
pub(super) fn explain(args: &ExplainArgs, ui: Ui) -> Result<(), Failure> {
    let (capture, frame) = asked(args)?;
    let sources = args.policy.sources()?;
    let compiled = sources.compile(ui.stderr_colour())?;
    let policy = load(&compiled.image)?;
    let config = Config { ports: args.ports.beside(Ports::default()), ..Config::default() }.sensor()?;
    let keys = Keys::of(&policy)?;
    let script = args.intents.as_deref().map(|path| Script::read(path, &keys)).transpose()?;
    let declared = Declared { script: script.as_ref(), approvals: &compiled.approvals };
    let place = Place { capture: &capture, frame, declared };
    let unreadable = |error| Failure::input(&capture, &error);
    let story = story_of(place, policy, &config).map_err(unreadable)?;
    let Some(story) = story else {
        return Err(Failure::Usage(format!(
            "{}: no Modbus or DNP3 message ends in frame {frame}, and no alert is about it",
            capture.display()
        )));
    };
    let remedy = remedy(place, &story, &sources, &config).map_err(unreadable)?;
    let mut page = Vec::new();
    let to_page: &mut dyn Write = &mut page;
    write(to_page, (place, &story, remedy.as_ref()), (&policy, &sources), ui.stdout())
        .and_then(|()| io::stdout().write_all(&page))
        .map_err(|error| Failure::output("standard output", &error))
}

/// The capture and the frame that are meant.
fn asked(args: &ExplainArgs) -> Result<(PathBuf, u64), Failure> {
    let record = args.alert.as_ref().map(|path| record(path, args.id.as_deref())).transpose()?;
    let frame = args.frame.or_else(|| record.as_ref().and_then(frame_of));
    let named = || record.as_ref()?.get("capture_file")?.as_str().map(PathBuf::from);
    match (args.capture.clone().or_else(named), frame) {
        (Some(capture), Some(frame)) => Ok((capture, frame)),
        (None, _) => Err(Failure::Usage(
            "the alert is from a live interface: name a capture of that time with --capture, and --frame".to_owned(),
        )),
        (_, None) => Err(Failure::Usage(frameless(record.as_ref()).to_owned())),
    }
}

/// Why no frame can be told.
fn frameless(record: Option<&Value>) -> &'static str {
    match record {
        Some(record) if record.pointer("/ot/repeats").is_some() => {
            "the alert names no frame: it is a summary of others, of which `ot.repeats.of` is the first"
        }
        _ => "the alert names no frame: it is about what did not come in time; name the frame before it with --frame",
    }
}

/// The frame that an alert is about.
fn frame_of(record: &Value) -> Option<u64> {
    let message = ["request", "response"].iter().find_map(|side| record.get(side)?.get("frame")?.as_u64());
    message.or_else(|| record.get("anomaly")?.get("frame")?.as_u64())
}

/// The alert of this id, or the only one, in a file of records.
fn record(path: &Path, id: Option<&str>) -> Result<Value, Failure> {
    let mut text = String::new();
    let failed = |error| Failure::input(path, &error);
    if path == Path::new("-") {
        io::stdin().read_to_string(&mut text).map_err(failed)?;
    } else {
        text = fs::read_to_string(path).map_err(failed)?;
    }
    let records = text.lines().filter(|line| !line.trim().is_empty()).map(serde_json::from_str::<Value>);
    let records: Vec<_> = records.collect::<Result<_, _>>().map_err(|error| {
        Failure::Usage(format!("{}: expected JSON lines as --alerts writes them: {error}", path.display()))
    })?;
    let is_meant = |record: &Value| match (id, record["ot"]["alert_id"].as_str()) {
        (Some(id), Some(alert)) => alert.starts_with(id),
        (None, Some(_)) => record["event_type"] == "alert",
        (_, None) => false,
    };
    let mut meant: Vec<_> = records.into_iter().filter(is_meant).collect();
    match (meant.len(), id) {
        (1, _) => Ok(meant.remove(0)),
        (0, Some(id)) => Err(Failure::Usage(format!("{}: no alert has the id {id}", path.display()))),
        (0, None) => Err(Failure::Usage(format!("{}: no alert in it", path.display()))),
        (count, _) => Err(Failure::Usage(format!("{}: {count} alerts: name one with --id", path.display()))),
    }
}
