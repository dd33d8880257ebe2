//! Names of files that policy files write: relative to the file that says them.

use glob::{MatchOptions, Pattern};

/// The name that `path`, as the file `from` writes it, stands for: relative to the folder of `from`, with no `.` and as
/// few `..` as can be.
pub(crate) fn resolve(from: &str, path: &str) -> String {
    if path.starts_with('/') {
        return plain(path);
    }
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    if folder.is_empty() && !from.starts_with('/') { plain(path) } else { plain(&format!("{folder}/{path}")) }
}

/// The shortest way to write a path.
fn plain(path: &str) -> String {
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/').filter(|step| !matches!(*step, "" | ".")) {
        match (step, steps.last()) {
            ("..", Some(last)) if *last != ".." => _ = steps.pop(),
            _ => steps.push(step),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", steps.join("/"))
}

/// Whether a path stands for several files.
pub(crate) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// Whether two paths are written for the same file.
pub(crate) fn same(path: &str, name: &str) -> bool {
    plain(path) == plain(name)
}

/// Whether a resolved path or pattern means this file.
pub(crate) fn means(path: &str, name: &str) -> bool {
    let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
    let name = plain(name);
    path == name || is_pattern(path) && Pattern::new(path).is_ok_and(|pattern| pattern.matches_with(&name, options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_file_that_writes_them() {
        let cases = [
            ("site.toml", "plc1.toml", "plc1.toml"),
            ("site/main.toml", "plc1.toml", "site/plc1.toml"),
            ("./site/main.toml", "./devices/*.toml", "site/devices/*.toml"),
            ("site/main.toml", "../shared/tags.csv", "shared/tags.csv"),
            ("main.toml", "../shared/tags.csv", "../shared/tags.csv"),
            ("/etc/tagout/main.toml", "../x.toml", "/etc/x.toml"),
            ("/main.toml", "x.toml", "/x.toml"),
            ("site/main.toml", "/etc/x.toml", "/etc/x.toml"),
        ];
        for (from, path, resolved) in cases {
            assert_eq!(resolve(from, path), resolved, "{path} in {from}");
        }
    }

    #[test]
    fn patterns_stay_in_their_folder() {
        assert!(means("site/*.toml", "site/a.toml") && means("site/*.toml", "./site/a.toml"));
        assert!(!means("site/*.toml", "site/b/a.toml") && !means("site/*.toml", "a.toml"));
        assert!(means("site/**/*.toml", "site/b/a.toml"));
        assert!(means("a.toml", "a.toml") && !means("a.toml", "aXtoml"));
    }
}
