//! Policy text in, checked policy image or diagnostics out.
//!
//! [`compile`] takes every file of a policy at once, because permits in one may name what another declares, and
//! reports everything that is wrong with all of them together. The language is described in `docs/guide/policy.md`.
#![forbid(unsafe_code)]

mod amend;
mod approvals;
mod cadences;
mod condition;
mod deed;
mod diagnostic;
mod emit;
mod format;
pub mod grammar;
mod intents;
mod lint;
mod model;
mod node;
mod pack;
mod parse;
mod paths;
mod references;
mod render;
mod resolve;
mod selectors;
mod source;
mod suggest;
mod suppress;
mod tags;
pub mod testing;
mod unique;

pub use amend::amend;
pub use approvals::Approval;
pub use deed::Deed;
pub use diagnostic::{Diagnostic, Label, Level};
pub use format::format;
pub use model::{Run, Time};
pub use pack::{PACKS, packs};
pub use references::{Reference, references};
pub use render::render;
pub use source::{FileKind, Location, SourceFile};

use diagnostic::Report;
use tagout_engine::Policy;

/// What a policy compiles to.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The image that [`Policy::load`](tagout_engine::Policy::load) takes. The same files give the same bytes.
    pub image: Vec<u8>,
    /// What is legal but probably not meant, in the order of the files.
    pub warnings: Vec<Diagnostic>,
    /// The suppressions that end some time, in the order of the files.
    pub ends: Vec<End>,
    /// What the policy says of itself, in the order of the files.
    pub tests: Vec<testing::Test>,
    /// What humans approve, in the order of the files.
    pub approvals: Vec<Approval>,
}

/// When a suppression ends.
#[derive(Clone, Debug)]
pub struct End {
    /// Its name.
    pub name: String,
    /// Where the end stands.
    pub location: Location,
    /// In nanoseconds since the Unix epoch.
    pub time: u64,
}

/// Compiles all files of a policy into one image.
///
/// # Errors
/// Everything that is wrong with all files, warnings included, in the order of the files. A file that is no TOML is
/// reported with all its syntax errors; names are then not resolved, since that file may declare them.
pub fn compile(files: &[SourceFile]) -> Result<Compiled, Vec<Diagnostic>> {
    let mut report = Report::new(files);
    let policy = parse::parse(files, &mut report);
    let resolved = policy.and_then(|policy| resolve::resolve(policy, &mut report));
    let Some(resolved) = resolved.filter(|_| !report.has_errors()) else { return Err(report.finish()) };
    let image = emit::emit(&resolved, files);
    if let Ok(policy) = Policy::load(&image) {
        approvals::warn_beyond(&resolved.approvals, &resolved.intents.approvals, &policy, &mut report);
    }
    let ends = suppress::ends(&resolved.suppressions, files);
    let approvals = resolved.approvals.into_iter().map(|(approval, _)| approval).collect();
    Ok(Compiled { image, warnings: report.finish(), ends, tests: resolved.tests, approvals })
}
