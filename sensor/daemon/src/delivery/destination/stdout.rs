use std::io::{self, Write};

use serde::Deserialize;

use super::{Destination, Message, Sent, Trouble};

/// `[destination.stdout]`: standard output, as for a supervisor that collects lines.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub(in crate::delivery) struct StdoutTable {}

/// Has a line when the system has it.
pub(in crate::delivery) struct Stdout;

impl Destination for Stdout {
    fn most(&self) -> usize {
        64
    }

    fn send(&mut self, messages: &[Message]) -> Result<Sent, Trouble> {
        let mut out = io::stdout().lock();
        let lines: String = messages.iter().flat_map(|message| [&message.text, "\n"]).collect();
        out.write_all(lines.as_bytes()).and_then(|()| out.flush()).map_err(Trouble::later)?;
        Ok(Sent::all(messages.len()))
    }
}
