//! What the compiler says of bad policies, as text: each folder of `errors/` holds the files of one policy and the
//! expected diagnostics. After a wanted change, `UPDATE_EXPECTED=1 cargo test -p tagout-compiler --test errors` writes
//! them anew; read the difference before committing it.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;

use tagout_compiler::{FileKind, SourceFile, compile, render};

const EXPECTED: &str = "expected.txt";

#[test]
fn bad_policies_are_explained() {
    let cases = sorted(&folder());
    assert!(!cases.is_empty(), "no cases in {}", folder().display());
    let wrong: Vec<_> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever becomes of a policy in an editor, it is explained or compiled, never a panic.
    #[test]
    fn cut_and_pasted_policies_are_explained(case: prop::sample::Index, file: prop::sample::Index, cuts in vec(any::<[prop::sample::Index; 3]>(), 1..6)) {
        let cases = sorted(&folder());
        let mut files = policy(&cases[case.index(cases.len())]);
        for [from, to, at] in cuts {
            let chosen = file.index(files.len());
            let text = &mut files[chosen].text;
            let place = |index: prop::sample::Index| text.floor_char_boundary(index.index(text.len() + 1));
            let (from, to, at) = (place(from), place(to), place(at));
            let piece = text[from.min(to)..from.max(to)].to_owned();
            text.insert_str(at, &piece);
        }
        diagnostics(&files);
    }

    #[test]
    fn any_text_is_explained(text in "(\\PC|[\n=\\[\\]{}\".,0-9a-z]){0,80}") {
        let files = [SourceFile::new("policy.toml", text)];
        diagnostics(&files);
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors")
}

fn check(case: &Path) -> Result<(), String> {
    let said = diagnostics(&policy(case));
    let expected = case.join(EXPECTED);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&expected, &said).map_err(|error| format!("{}: {error}", expected.display()))?;
    }
    let wanted = fs::read_to_string(&expected).unwrap_or_default();
    if said == wanted { Ok(()) } else { Err(format!("== {}: wanted\n{wanted}\n== but found\n{said}", case.display())) }
}

fn diagnostics(files: &[SourceFile]) -> String {
    match compile(files) {
        Ok(compiled) => render(&compiled.warnings, files, false),
        Err(diagnostics) => render(&diagnostics, files, false),
    }
}

#[test]
fn colour_changes_nothing_but_the_colour() {
    for case in sorted(&folder()) {
        let files = policy(&case);
        let diagnostics = compile(&files).map_or_else(|errors| errors, |compiled| compiled.warnings);
        let coloured = render(&diagnostics, &files, true);
        let bare: String = coloured
            .split('\x1b')
            .enumerate()
            .map(|(index, part)| if index == 0 { part } else { after_colour(part) })
            .collect();
        assert!(coloured.contains('\x1b'), "{}", case.display());
        assert_eq!(bare, render(&diagnostics, &files, false), "{}", case.display());
    }
}

/// What follows a `[…m`.
fn after_colour(part: &str) -> &str {
    part.split_once('m').map_or(part, |(_, rest)| rest)
}

fn policy(case: &Path) -> Vec<SourceFile> {
    let file = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.to_owned();
        let text = || fs::read_to_string(&path).expect("a case is UTF-8");
        kind(&name).map(|kind| SourceFile { name: name.clone(), text: text(), kind })
    };
    sorted(case).into_iter().filter_map(file).collect()
}

fn kind(name: &str) -> Option<FileKind> {
    match name.split_once('.')?.1 {
        "toml" => Some(FileKind::Policy),
        "map.toml" => Some(FileKind::Map),
        "csv" => Some(FileKind::Tags),
        _ => None,
    }
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder of cases");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}
