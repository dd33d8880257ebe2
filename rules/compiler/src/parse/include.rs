//! `include`: further files of the same policy.

use std::collections::BTreeMap;

use crate::SourceFile;
use crate::diagnostic::Report;
use crate::node::Entry;
use crate::paths;
use crate::source::{FileKind, Spanned};

/// The files that a file includes, as paths from where the policy is compiled.
pub(super) fn include(entry: Option<Entry<'_>>, files: &[SourceFile], report: &mut Report<'_>) -> Vec<Spanned<String>> {
    let written = entry.map(|entry| entry.node.strings(report)).unwrap_or_default();
    let resolved = |path: Spanned<String>| {
        if let Some(why) = glob::Pattern::new(&path.value).err() {
            report.error(path.span, format!("`{}` is not a pattern of file names", path.value)).label(why.msg);
            return None;
        }
        Some(Spanned { value: paths::resolve(&files[path.span.file].name, &path.value), span: path.span })
    };
    written.into_iter().filter_map(resolved).collect()
}

/// Reports what is not there, and files that include themselves, directly or by way of others.
pub(super) fn check(includes: &[Spanned<String>], files: &[SourceFile], report: &mut Report<'_>) {
    let mut graph: Graph<'_> = BTreeMap::new();
    for include in includes {
        let targets = targets(include, files);
        if targets.is_empty() {
            missing(include, report);
        }
        graph.entry(include.span.file).or_default().extend(targets.into_iter().map(|target| (target, include)));
    }
    let mut state = vec![State::New; files.len()];
    for file in graph.keys() {
        follow(*file, &graph, &mut state, files, report);
    }
}

/// What each file includes, and where it says so.
type Graph<'i> = BTreeMap<usize, Vec<(usize, &'i Spanned<String>)>>;

#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    /// On the way from the file where the search began.
    Open,
    Done,
}

/// The files that an include means. A pattern does not mean the file that writes it.
fn targets(include: &Spanned<String>, files: &[SourceFile]) -> Vec<usize> {
    let pattern = paths::is_pattern(&include.value);
    let meant = |(index, file): &(usize, &SourceFile)| {
        file.kind == FileKind::Policy
            && paths::means(&include.value, &file.name)
            && !(pattern && *index == include.span.file)
    };
    files.iter().enumerate().filter(meant).map(|(index, _)| index).collect()
}

fn missing(include: &Spanned<String>, report: &mut Report<'_>) {
    let path = &include.value;
    if paths::is_pattern(path) {
        report.error(include.span, format!("no file matches `{path}`"));
    } else {
        report
            .error(include.span, format!("there is no file `{path}`"))
            .help("paths are relative to the file that includes".to_owned());
    }
}

fn follow(file: usize, graph: &Graph<'_>, state: &mut [State], files: &[SourceFile], report: &mut Report<'_>) {
    if state[file] != State::New {
        return;
    }
    state[file] = State::Open;
    for (target, include) in graph.get(&file).into_iter().flatten() {
        if state[*target] == State::Open {
            let message = format!("`{}` is included within itself", files[*target].name);
            report.error(include.span, message).label("this closes the circle");
        }
        follow(*target, graph, state, files, report);
    }
    state[file] = State::Done;
}
