//! What the compiler says of bad policies, as text: each folder of `errors/` holds the files of one policy and the
//! expected diagnostics. After a wanted change, `UPDATE_EXPECTED=1 cargo test -p tagout-compiler --test errors` writes
//! them anew; read the difference before committing it.

use std::fs;
use std::path::{Path, PathBuf};

use tagout_compiler::{SourceFile, compile, render};

const EXPECTED: &str = "expected.txt";

#[test]
fn bad_policies_are_explained() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors");
    let cases = sorted(&folder);
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    let wrong: Vec<_> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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

fn policy(case: &Path) -> Vec<SourceFile> {
    let toml = sorted(case).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    toml.map(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        SourceFile::new(name, fs::read_to_string(&path).expect("a case is UTF-8"))
    })
    .collect()
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder of cases");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}
