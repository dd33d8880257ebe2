use super::args::{DestinationsArgs, DestinationsCommand, DestinationsTestArgs};
use super::spool::print;
use crate::Failure;
use crate::config::Config;
use crate::delivery::config::{DestinationTable, check};
use crate::delivery::try_out;

/// Lists destinations, and tries them out.
pub(super) fn destinations(args: &DestinationsArgs) -> Result<(), Failure> {
    match &args.command {
        DestinationsCommand::List(args) => {
            let lines: Result<String, Failure> = read(&args.config)?.iter().map(line).collect();
            print(&lines?)
        }
        DestinationsCommand::Test(args) => test(args),
    }
}

fn read(config: &std::path::Path) -> Result<Vec<DestinationTable>, Failure> {
    let destinations = Config::read(config)?.destinations();
    check(&destinations)?;
    Ok(destinations)
}

fn line(destination: &DestinationTable) -> Result<String, Failure> {
    Ok(format!("{}  {}\n", destination.name(), destination.place()?))
}

fn test(args: &DestinationsTestArgs) -> Result<(), Failure> {
    let destinations = read(&args.config)?;
    if let Some(unknown) = args.names.iter().find(|name| !destinations.iter().any(|known| known.name() == *name)) {
        let names: Vec<&str> = destinations.iter().map(DestinationTable::name).collect();
        return Err(Failure::Usage(format!("there is no destination `{unknown}`; there is {}", names.join(", "))));
    }
    let is_meant = |name: &str| args.names.is_empty() || args.names.iter().any(|meant| meant == name);
    let mut have_failed = false;
    for destination in destinations.iter().filter(|destination| is_meant(destination.name())) {
        let outcome = try_out(destination);
        have_failed |= outcome.is_err();
        let said = outcome.map_or_else(|why| format!("failed: {why}"), |()| "ok".to_owned());
        print(&format!("{}  {said}\n", destination.name()))?;
    }
    if have_failed { Err(Failure::Findings) } else { Ok(()) }
}
