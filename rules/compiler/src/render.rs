use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level as Severity, Renderer, Snippet};

use crate::{Diagnostic, Label, Level, SourceFile};

/// The diagnostics as text for people: for each a line `file:line:column: error: message`, the lines of the policy
/// that it is about, and what to do. Ends with a line feed unless there are none. `files` are those that were compiled.
pub fn render(diagnostics: &[Diagnostic], files: &[SourceFile], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.decor_style(DecorStyle::Ascii);
    let texts: Vec<_> = diagnostics.iter().map(|diagnostic| one(diagnostic, files, &renderer, colour)).collect();
    texts.join("\n")
}

fn one(diagnostic: &Diagnostic, files: &[SourceFile], renderer: &Renderer, colour: bool) -> String {
    let level = match diagnostic.level {
        Level::Error => Severity::ERROR,
        Level::Warning => Severity::WARNING,
    };
    let primary = (AnnotationKind::Primary, &diagnostic.primary);
    let labels: Vec<_> =
        [primary].into_iter().chain(diagnostic.related.iter().map(|label| (AnnotationKind::Context, label))).collect();
    let mut group = Group::with_level(level);
    let shown = files_of(&labels, files);
    let several = shown.len() > 1;
    for file in shown {
        let here = labels.iter().filter(|(_, label)| label.location.file == file.name);
        let path = several.then_some(file.name.as_str());
        let snippet = Snippet::source(file.text.as_str()).path(path);
        group = group.element(snippet.annotations(here.map(|(kind, label)| annotation(*kind, label))));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Severity::HELP.message(help.as_str()));
    }
    format!("{}\n{}\n", headline(diagnostic, colour), renderer.render(&[group]))
}

fn headline(diagnostic: &Diagnostic, colour: bool) -> String {
    let Diagnostic { level, message, primary, .. } = diagnostic;
    if !colour {
        return diagnostic.to_string();
    }
    let sgr = match level {
        Level::Error => "\x1b[1;91m",
        Level::Warning => "\x1b[1;33m",
    };
    format!("\x1b[1m{}:\x1b[0m {sgr}{}\x1b[0m\x1b[1m: {message}\x1b[0m", primary.location, level.name())
}

/// The files that the labels are in, that of the first label first.
fn files_of<'f>(labels: &[(AnnotationKind, &Label)], files: &'f [SourceFile]) -> Vec<&'f SourceFile> {
    let mut named: Vec<&SourceFile> = Vec::new();
    for (_, label) in labels {
        let file = files.iter().find(|file| file.name == label.location.file);
        named.extend(file.filter(|file| named.iter().all(|known| known.name != file.name)));
    }
    named
}

fn annotation<'l>(kind: AnnotationKind, label: &'l Label) -> Annotation<'l> {
    let text = Some(label.text.as_str()).filter(|text| !text.is_empty());
    kind.span(label.location.span.clone()).label(text)
}
