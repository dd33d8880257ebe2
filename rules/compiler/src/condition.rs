//! Conditions: text in, checked code for the engine's stack machine out. The language is described in
//! `docs/guide/conditions.md`.

mod conditions;
mod devices;
mod draft;
mod lexer;
mod lower;
mod origin;
mod parser;
pub(crate) mod settings;
mod tree;
mod words;

pub(crate) use conditions::Conditions;

use std::collections::BTreeSet;

use tagout_engine::{Field, Stage};

use crate::diagnostic::{Draft, Report};
use crate::resolve::Names;
use crate::source::Spanned;
use origin::Origin;
use tree::Range;

/// A compiled condition and what it asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Condition {
    /// Its number in the image.
    pub(crate) id: u16,
    /// Each field that it asks for, once.
    pub(crate) fields: Vec<Field>,
    /// The number of each point that it asks for, once.
    pub(crate) points: Vec<u32>,
    /// The devices, by name, of which one must be the exchange's for it to hold; `None` if it does not say so.
    pub(crate) devices: Option<BTreeSet<String>>,
    /// The settings in which it may be true.
    pub(crate) settings: u16,
}

/// Compiles a condition that may ask for fields of the `allowed` stages. `None` with everything that is wrong with it
/// in the report.
pub(crate) fn compile(
    text: &Spanned<String>,
    names: &Names<'_>,
    allowed: &[Stage],
    conditions: &mut Conditions,
    report: &mut Report<'_>,
) -> Option<Condition> {
    let origin = Origin::of(text, report.text(text.span));
    let mut faults = Faults { origin: &origin, report, count: 0 };
    let tokens = lexer::tokens(&text.value, &mut faults)?;
    let tree = parser::parse(&tokens, &mut faults)?;
    let draft = lower::lower(&tree, names, allowed, &mut faults)?;
    let (fields, points) = (draft.fields(), draft.points());
    let id = conditions.add(text, draft, report)?;
    Some(Condition { id, fields, points, devices: devices::needed(&tree), settings: settings::of(&tree) })
}

/// Tells what is wrong with a condition, at its place in the file.
struct Faults<'c, 'f> {
    origin: &'c Origin,
    report: &'c mut Report<'f>,
    count: usize,
}

impl Faults<'_, '_> {
    fn error(&mut self, at: Range, message: impl Into<String>) -> &mut Draft {
        self.count += 1;
        self.report.error(self.origin.span(at), message)
    }

    fn warning(&mut self, at: Range, message: impl Into<String>) -> &mut Draft {
        self.report.warning(self.origin.span(at), message)
    }

    /// The value, unless something was wrong.
    fn unless_any<T>(&self, value: T) -> Option<T> {
        (self.count == 0).then_some(value)
    }
}
