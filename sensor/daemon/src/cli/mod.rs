//! The command line.

mod agent;
mod alerts;
mod args;
mod check;
mod compile;
mod describe;
mod destinations;
mod doctor;
mod evidence;
mod explain;
mod fmt;
mod gateway;
mod health;
mod intent;
mod interfaces;
mod inventory;
mod key;
mod learn;
mod log;
mod pin;
mod reload;
mod replay;
mod run;
mod seal;
mod spool;
mod stored;
mod test;
mod top;
mod ui;

pub use args::Cli;

use args::Command;
use ui::Ui;

use crate::Failure;

/// Does what the command line asks.
///
/// # Errors
/// Why it could not be done.
pub fn main(cli: Cli) -> Result<(), Failure> {
    let ui = Ui::new(cli.color);
    log::start(cli.verbose, ui);
    match cli.command {
        Command::Replay(args) => replay::replay(&args, ui),
        Command::Run(args) => run::run(&args, ui),
        Command::Learn(args) => learn::learn(&args, ui),
        Command::Check(args) => check::check(&args, ui),
        Command::Test(args) => test::test(&args, ui),
        Command::Explain(args) => explain::explain(&args, ui),
        Command::Alerts(args) => alerts::alerts(&args, ui),
        Command::Devices(args) => inventory::devices(&args),
        Command::Actors(args) => inventory::actors(&args),
        Command::Agent(args) => agent::agent(&args, ui),
        Command::Top(args) => top::top(&args, ui),
        Command::Evidence(args) => evidence::evidence(&args),
        Command::Doctor(args) => doctor::doctor(&args, ui),
        Command::Health(args) => health::health(&args, ui),
        Command::Destinations(args) => destinations::destinations(&args),
        Command::Spool(args) => spool::spool(&args),
        Command::Fmt(args) => fmt::fmt(&args, ui),
        Command::Compile(args) => compile::compile(&args, ui),
        Command::Seal(args) => seal::seal(&args),
        Command::Key(args) => key::key(&args),
        Command::Gateway(args) => gateway::gateway(&args),
        Command::Intent(args) => intent::intent(&args, ui),
        Command::Interfaces(args) => interfaces::interfaces(&args),
        Command::Schema(args) => describe::schema(args.of),
        Command::Completions(args) => describe::completions(args.shell),
        Command::Man => describe::man(),
    }
}
