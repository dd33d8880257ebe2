//! What `tagout run` can do no more once it watches: privileges, files, ports and system calls that it is done with.
//!
//! [`enter`] is called when everything is open and before any thread is started, since Linux confines threads one by one and
//! those that come later inherit it. What is needed afterwards all the same is told by [`Grants`].

mod calls;
mod capabilities;
mod files;
mod grants;
mod needs;

use std::fs;
use std::os::fd::BorrowedFd;
use std::thread;

use clap::ValueEnum;
use landlock::ABI;
use serde::Deserialize;
use tracing::{info, warn};

pub use self::grants::Grants;
use crate::Failure;

/// `[sandbox]`: what the daemon gives up once it watches.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// How much of it there has to be.
    pub mode: Mode,
}

/// How much of the sandbox there has to be.
#[derive(Deserialize, ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// None: for looking for faults
    Off,
    /// What the kernel has of it; what it lacks is told
    #[default]
    Best,
    /// All of it, or the daemon does not start
    Required,
}

/// One thing that is given up, and what speaks against it.
type Measure = (&'static str, Result<(), String>);

/// Gives up everything but what is granted, for this thread and those that it starts. `captures` are the open packet sockets:
/// they stay readable, and nothing can be sent on them.
///
/// # Errors
/// When all of the sandbox is required and the kernel lacks some of it.
pub fn enter(mode: Mode, grants: &Grants, captures: &[BorrowedFd<'_>]) -> Result<(), Failure> {
    if mode == Mode::Off {
        warn!("sandbox: off");
        return Ok(());
    }
    let measures = confine(grants, captures);
    let in_force: Vec<_> = measures.iter().filter(|(_, taken)| taken.is_ok()).map(|(what, _)| *what).collect();
    info!("sandbox: in force: {}", in_force.join(", "));
    let lacking = |(what, taken): &Measure| Some(format!("{what}: {}", taken.as_ref().err()?));
    let lacking = measures.iter().filter_map(lacking).collect::<Vec<_>>().join("; ");
    match mode {
        _ if lacking.is_empty() => Ok(()),
        Mode::Required => Err(Failure::Usage(format!(
            "the sandbox is required and not complete: {lacking} (`--sandbox best` takes what there is)"
        ))),
        _ => {
            warn!("sandbox: not in force: {lacking}");
            Ok(())
        }
    }
}

/// What this machine lacks of it, which a thread that does nothing else finds out by locking itself in.
pub fn try_out() -> Vec<String> {
    let measures = thread::spawn(|| confine(&Grants::default(), &[])).join().unwrap_or_default();
    // Others are outside here, and are meant to be.
    let lacking = measures.into_iter().skip(1).filter_map(|(what, taken)| Some(format!("{what}: {}", taken.err()?)));
    lacking.collect()
}

/// Takes every measure, whether those before it could be taken or not. System calls are last, since the others need some.
fn confine(grants: &Grants, captures: &[BorrowedFd<'_>]) -> Vec<Measure> {
    let mut measures = vec![
        ("every thread", is_alone()),
        ("no capabilities", capabilities::drop_all().map_err(|error| error.to_string())),
    ];
    let kernel = files::restrict(grants);
    let since = |needed: ABI| match &kernel {
        Ok(abi) if *abi >= needed => Ok(()),
        Ok(abi) => Err(format!("needs version {needed} of Landlock, and this kernel has {abi}")),
        Err(error) => Err(error.clone()),
    };
    measures.extend([
        ("files", since(ABI::V3)),
        ("TCP ports", since(ABI::V4)),
        ("devices", since(ABI::V5)),
        ("signals", since(ABI::V6)),
        ("system calls", calls::restrict(grants, captures)),
    ]);
    measures
}

/// Whether no thread was started before, which would be outside.
fn is_alone() -> Result<(), String> {
    // Where there is no /proc there is nothing to tell it from.
    match fs::read_dir("/proc/self/task").map(Iterator::count) {
        Ok(count) if count > 1 => Err(format!("{} were started before", count - 1)),
        _ => Ok(()),
    }
}
