use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;
use tagout_compiler::grammar;

use super::Cli;
use super::args::SchemaOf;
use crate::{Failure, gateway, policy, record, store};

/// Prints a schema.
pub(super) fn schema(of: SchemaOf) -> Result<(), Failure> {
    let text = match of {
        SchemaOf::Records => record::schema::text(),
        SchemaOf::Policy => policy::schema::text(&grammar::POLICY),
        SchemaOf::Map => policy::schema::text(&grammar::MAP),
        SchemaOf::Gateway => gateway::config::schema(),
        SchemaOf::Inventory => store::schema::text(),
    };
    print(text.as_bytes())
}

/// Prints a completion script.
pub(super) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tagout", &mut script);
    print(&script)
}

/// Prints the manual page, that of every command behind it.
pub(super) fn man() -> Result<(), Failure> {
    let mut page = Vec::new();
    let mut command = Cli::command();
    command.build();
    let mut render = |command: clap::Command| clap_mangen::Man::new(command).render(&mut page);
    every(command).into_iter().try_for_each(&mut render).map_err(|error| Failure::output("manual", &error))?;
    print(&page)
}

/// A command and all below it.
fn every(command: clap::Command) -> Vec<clap::Command> {
    let below: Vec<clap::Command> = command.get_subcommands().cloned().flat_map(every).collect();
    [command].into_iter().chain(below).collect()
}

fn print(text: &[u8]) -> Result<(), Failure> {
    io::stdout().write_all(text).map_err(|error| Failure::output("standard output", &error))
}
