//! `tagout fmt`: a formatted policy says what it said, and formatting it again changes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;

use tagout_compiler::{SourceFile, format, render};

fn formatted(text: &str) -> String {
    let file = SourceFile::new("policy.toml", text);
    format(&file).unwrap_or_else(|errors| panic!("{}\n{text}", render(&errors, std::slice::from_ref(&file), false)))
}

#[track_caller]
fn becomes(before: &str, after: &str) {
    assert_eq!(formatted(before), after);
    assert_eq!(formatted(after), after, "formatted again");
}

#[test]
fn keys_come_in_the_order_of_the_grammar_with_their_comments() {
    becomes(
        "[[permits]]\n# up to\nvalue={max=80,min=0}# percent\ndo = 'write'\n\n# who\nactor = \"a\"\ndevice = \"d\"\n",
        "[[permits]]\n# who\nactor = \"a\"\ndevice = \"d\"\ndo = \"write\"\n# up to\nvalue = { min = 0, max = 80 }  # percent\n",
    );
}

#[test]
fn what_is_said_above_the_first_key_stays_above() {
    becomes(
        "#:schema ./policy.schema.json\n# The tags of area one.\n\n# where\ncolumns.name = 1\ntitle = \"one\"\n",
        "#:schema ./policy.schema.json\n# The tags of area one.\n\ntitle = \"one\"\n# where\ncolumns.name = 1\n",
    );
}

#[test]
fn names_keep_their_order_and_stand_in_columns() {
    becomes(
        "[devices.plc.points]\nlong_name={unit='%',coil=1}\n\"b\" = {coil=2}\n\nc.coil=3\nc.unit = \"\"\n",
        "[devices.plc.points]\nlong_name = { coil = 1, unit = \"%\" }\nb         = { coil = 2 }\n\nc.coil = 3\nc.unit = \"\"\n",
    );
}

#[test]
fn one_empty_line_stands_between_tables() {
    becomes(
        "\n\n# site\n\n\n[site]  # here\n  name = \"x\"\n# no more of it\n[ actors . 'b' ]\n[actors.c]\nkind='hmi'\n\n\n# end\n\n",
        "# site\n\n[site]  # here\nname = \"x\"\n\n# no more of it\n[actors.b]\n\n[actors.c]\nkind = \"hmi\"\n\n# end\n",
    );
    becomes("a = 1\n# of a\n\n\n[site]", "a = 1\n# of a\n\n[site]\n");
    becomes("", "");
    becomes("\n \n# only this", "# only this\n");
    becomes("[site]\r\nname = \"x\"\r\n", "[site]\nname = \"x\"\n");
}

#[test]
fn lists_are_broken_where_they_do_not_fit_or_are_commented() {
    let long = |count: usize| (0..count).map(|number| format!("\"a_name_{number:03}\"")).collect::<Vec<_>>();
    let (first, rest) = (long(8).join(", "), long(11)[8..].join(", "));
    becomes(&format!("include = [{first}\n,\n{rest}]\n"), &format!("include = [\n    {first},\n    {rest},\n]\n"));
    becomes("include = [\n  'a',\n  \"b\",\n]", "include = [\"a\", \"b\"]\n");
    let long = "a".repeat(110);
    becomes(&format!("include = ['{long}', 'b']\n"), &format!("include = [\n    \"{long}\",\n    \"b\",\n]\n"));
    becomes(
        "include = [ # these\n'a' # one\n, # first\n 'b', # second\n# others\n] # all",
        "include = [\n    # these\n    \"a\",  # one\n    # first\n    \"b\",  # second\n    # others\n]  # all\n",
    );
    becomes(
        "[actors.a]\nkind = \"hmi\"\nselectors = [{ vlan = 1, ip = [ # two\n'10.0.0.1' ] }]\n",
        "[actors.a]\nkind = \"hmi\"\nselectors = [\n    { ip = [\n        # two\n        \"10.0.0.1\",\n    ], vlan = 1 },\n]\n",
    );
}

#[test]
fn texts_keep_what_they_say() {
    becomes(
        "[site]\nname = 'a \"b\" \\ c'\n[actors.'a b']\n[actors.\"é\"]\n[actors.'1']\n",
        "[site]\nname = 'a \"b\" \\ c'\n\n[actors.\"a b\"]\n\n[actors.\"é\"]\n\n[actors.'1']\n",
    );
    becomes("[site]\nname = \"\"\"\na\n  b\"\"\"\n", "[site]\nname = \"\"\"\na\n  b\"\"\"\n");
    becomes("[site]\nname = \"\\u00e9\"\n", "[site]\nname = \"\\u00e9\"\n");
}

#[test]
fn what_is_no_toml_is_refused_as_by_check() {
    let file = SourceFile::new("policy.toml", "[site]\nname = waterworks\n");
    let files = std::slice::from_ref(&file);
    let said = render(&format(&file).expect_err("no TOML"), files, false);
    let checked = render(&tagout_compiler::compile(files).expect_err("no TOML"), files, false);
    assert_eq!(said, checked);
}

/// Every TOML file of the repository that is a policy or a map, right or wrong.
fn repository() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = ["rules/packs", "rules/compiler/tests/errors", "tests/demo", "tests/cases/golden"];
    let mut files: Vec<_> = folders.iter().flat_map(|folder| toml_files(&root.join(folder))).collect();
    files.push(root.join("tests/cases/disturbances/policy.toml"));
    let read = |path: PathBuf| (path.clone(), fs::read_to_string(&path).expect("a file in UTF-8"));
    files.into_iter().map(read).collect()
}

fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let found = |path: PathBuf| match path.extension() {
        _ if path.is_dir() => toml_files(&path),
        Some(extension) if extension == "toml" => vec![path],
        _ => Vec::new(),
    };
    entries.flat_map(|entry| found(entry.expect("an entry").path())).collect()
}

/// What a text says, without the order of keys.
fn said(text: &str) -> toml::Table {
    text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// All comments; a text may hold a `#`, so that only those of texts without are compared.
fn comments(text: &str) -> Vec<&str> {
    let mut comments: Vec<_> =
        text.lines().filter_map(|line| line.split_once('#')).map(|(_, said)| said.trim()).collect();
    comments.sort_unstable();
    comments
}

fn holds(name: &str, text: &str) {
    let Ok(once) = format(&SourceFile::new("policy.toml", text)) else { return };
    assert_eq!(said(&once), said(text), "{name} says something else:\n{text}\n== formatted\n{once}");
    assert_eq!(formatted(&once), once, "{name} is formatted differently again:\n{text}");
    assert_eq!(comments(&once), comments(text), "{name} has other comments:\n{text}\n== formatted\n{once}");
}

#[test]
fn every_policy_of_the_repository_keeps_what_it_says() {
    let files = repository();
    assert!(files.len() > 40, "found {} files", files.len());
    files.iter().for_each(|(path, text)| holds(&path.display().to_string(), text));
}

/// The repository's own, but for those that are wrong on purpose, and cases, which are no policies.
#[test]
fn the_policies_of_the_repository_are_formatted() {
    let files = repository();
    let is_own =
        |path: &Path| !path.to_string_lossy().contains("/errors/") && !path.to_string_lossy().ends_with("cases.toml");
    let own = files.iter().filter(|(path, _)| is_own(path));
    let unformatted: Vec<_> = own.filter(|(_, text)| formatted(text) != *text).map(|(path, _)| path).collect();
    assert!(unformatted.is_empty(), "run `tagout fmt` on {unformatted:?}");
}

/// A value, with whatever may stand between its parts.
fn value() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("true".to_owned()),
        Just("0x1F".to_owned()),
        "-?[1-9][0-9]{0,4}(\\.[0-9]{1,3})?",
        "\"[a-z {}=\\[\\],']{0,30}\"",
        "'[a-z \"\\\\]{0,30}'",
    ];
    scalar.prop_recursive(3, 24, 6, |inner| {
        let element =
            (gap(), inner.clone(), gap()).prop_map(|(before, value, after)| format!("{before}{value}{after}"));
        let field = (gap(), name(), inner, gap())
            .prop_map(|(before, name, value, after)| (name.clone(), format!("{before}{name} = {value}{after}")));
        prop_oneof![
            (vec(element, 0..7), gap()).prop_map(|(elements, end)| format!("[{}{end}]", comma(elements))),
            (vec(field, 0..5), gap()).prop_map(|(mut fields, end)| {
                fields.sort();
                fields.dedup_by(|(one, _), (other, _)| one == other);
                format!("{{{}{end}}}", comma(fields.into_iter().map(|(_, field)| field).collect()))
            }),
        ]
    })
}

fn comma(parts: Vec<String>) -> String {
    parts.into_iter().map(|part| part + ",").collect()
}

/// Space within a value.
fn gap() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(String::new()), 2 => Just(" ".to_owned()), 1 => Just("\n\n  ".to_owned()), 1 => "# [a-z]{0,9}\n"]
}

const KNOWN: [&str; 12] =
    ["name", "kind", "ip", "unit", "actor", "device", "do", "points", "value", "min", "coil", "range"];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![3 => prop::sample::select(&KNOWN[..]).prop_map(str::to_owned), 1 => "[a-z]{1,40}"]
}

/// Lines between keys and tables.
fn lines() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(String::new()), 1 => Just("\n\n\n".to_owned()), 1 => "  #[a-z ]{0,9}\n", 1 => "\n# [a-z]{0,9}\n\n"]
}

fn key_value() -> impl Strategy<Value = (String, String)> {
    let beside = prop_oneof![3 => Just(String::new()), 1 => "#[a-z ]{0,9}"];
    (lines(), name(), prop::option::of(name()), value(), beside).prop_map(|(above, name, dotted, value, beside)| {
        let key = dotted.map_or(name.clone(), |dotted| format!("{name} . '{dotted}'"));
        (name, format!("{above}  {key}={value} {beside}\n"))
    })
}

fn section() -> impl Strategy<Value = String> {
    let header = prop_oneof![
        Just("[[permits]]".to_owned()),
        Just("[[rules]]".to_owned()),
        "\\[actors\\.[a-z]{6}\\]",
        "\\[devices\\.[a-z]{6}\\.points\\]",
        "\\[ \"[a-z]{8}\" \\] # [a-z]{0,9}",
    ];
    (lines(), header, body()).prop_map(|(above, header, body)| format!("{above}{header}\n{body}"))
}

fn body() -> impl Strategy<Value = String> {
    vec(key_value(), 0..8).prop_map(|mut pairs| {
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other).reverse());
        pairs.dedup_by(|(one, _), (other, _)| one == other);
        pairs.into_iter().map(|(_, pair)| pair).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_formatted_policy_says_what_it_said(top in body(), sections in vec(section(), 0..6), end in lines()) {
        let text = format!("{top}{}{end}", sections.concat());
        formatted(&text);
        holds("generated", &text);
    }

    /// Whatever becomes of a policy in an editor.
    #[test]
    fn cut_and_pasted_policies_say_what_they_said(file: prop::sample::Index, cuts in vec(any::<[prop::sample::Index; 3]>(), 1..4)) {
        let files = repository();
        let mut text = files[file.index(files.len())].1.clone();
        for [from, to, at] in cuts {
            let place = |index: prop::sample::Index| text.floor_char_boundary(index.index(text.len() + 1));
            let (from, to, at) = (place(from), place(to), place(at));
            let piece = text[from.min(to)..from.max(to)].to_owned();
            text.insert_str(at, &piece);
        }
        let Ok(once) = format(&SourceFile::new("policy.toml", text.clone())) else { return Ok(()) };
        prop_assert_eq!(said(&once), said(&text));
        prop_assert_eq!(formatted(&once), once);
    }
}
