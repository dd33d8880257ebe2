//! The schemas that editors take accept what the compiler accepts, and refuse what is wrong at sight.

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::Value;
use tagout_compiler::grammar::{MAP, POLICY, Table};

const GUIDE: &str = include_str!("../../docs/guide/policy.md");
const TAGS: &str = include_str!("../../docs/guide/tags.md");

fn validator(file: &Table) -> Validator {
    let schema: Value = serde_json::from_str(&tagout::policy::schema::text(file)).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("a schema of draft 7")
}

fn parsed(text: &str) -> Value {
    let document = toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    with_times_as_text(document)
}

/// Editors hand dates to a schema as text.
fn with_times_as_text(value: Value) -> Value {
    match value {
        Value::Object(mut table) => match table.remove("$__toml_private_datetime") {
            Some(time) => time,
            None => table.into_iter().map(|(key, value)| (key, with_times_as_text(value))).collect(),
        },
        Value::Array(items) => items.into_iter().map(with_times_as_text).collect(),
        other => other,
    }
}

#[track_caller]
fn accepts(schema: &Validator, name: &str, text: &str) {
    if let Err(error) = schema.validate(&parsed(text)) {
        panic!("{name}: {}: {error}", error.instance_path());
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files of this name under a folder of the repository.
fn files(folder: &str, wanted: impl Fn(&str) -> bool + Copy) -> Vec<PathBuf> {
    let folder = root().join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let found = |path: PathBuf| match path.file_name().and_then(|name| name.to_str()) {
        Some(name) if path.is_dir() => files(&format!("{}/{name}", folder.display()), wanted),
        Some(name) if wanted(name) => vec![path],
        _ => Vec::new(),
    };
    entries.flat_map(|entry| found(entry.expect("an entry").path())).collect()
}

fn accepts_files(schema: &Validator, files: &[PathBuf]) {
    for path in files {
        accepts(schema, &path.display().to_string(), &fs::read_to_string(path).expect("a file in UTF-8"));
    }
}

fn examples(page: &str) -> Vec<&str> {
    page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect()
}

#[test]
fn every_policy_of_the_repository_is_accepted() {
    let schema = validator(&POLICY);
    let mut policies = files("tests", |name| name == "policy.toml");
    policies.extend(tagout_compiler::packs().map(|pack| root().join("rules").join(pack.name)));
    policies.extend(files("rules/compiler/tests/errors/warnings", |name| name == "policy.toml"));
    assert!(policies.len() >= 8, "found {policies:?}");
    accepts_files(&schema, &policies);
    examples(GUIDE).iter().for_each(|text| accepts(&schema, "policy.md", text));
    accepts(&schema, "tags.md", examples(TAGS)[0]);
}

#[test]
fn every_map_of_the_repository_is_accepted() {
    let schema = validator(&MAP);
    let maps = files("rules/packs/tags", |name| name.ends_with(".toml"));
    assert!(maps.len() >= 7, "found {maps:?}");
    accepts_files(&schema, &maps);
    accepts(&schema, "tags.md", examples(TAGS)[1]);
}

/// Wrong policies, and where the schema must find them wrong.
const WRONG: [(&str, &str); 12] = [
    ("an unknown table", "actor = 1"),
    ("an unknown key", "[devices.plc]\nip = \"10.0.0.1\"\nunits = 1"),
    ("an actor without a kind", "[actors.agent]\nip = \"10.0.0.1\""),
    ("an unknown kind", "[actors.agent]\nkind = \"robot\"\nip = \"10.0.0.1\""),
    ("a number out of its range", "[devices.plc]\nip = \"10.0.0.1\"\nunit = 256"),
    ("an unknown action", "[[permits]]\nactor = \"a\"\ndevice = \"d\"\ndo = [\"read\", \"writes\"]"),
    ("an empty list", "[[permits]]\nactor = \"a\"\ndevice = \"d\"\ndo = []"),
    ("a permit without actions", "[[permits]]\nactor = \"a\"\ndevice = \"d\""),
    ("a range of one number", "[devices.plc.points]\nlevel = { coil = 1, range = [0] }"),
    ("a point that is a number", "[devices.plc.points]\nlevel = 1"),
    ("ports that are no range", "[devices.plc]\nip = \"10.0.0.1\"\nport = \"502-\""),
    (
        "a text where a number belongs",
        "[[permits]]\nactor = \"a\"\ndevice = \"d\"\ndo = \"write\"\nvalue = { max = \"80\" }",
    ),
];

#[test]
fn wrong_policies_are_refused() {
    let schema = validator(&POLICY);
    for (what, text) in WRONG {
        assert!(!schema.is_valid(&parsed(text)), "{what} is accepted:\n{text}");
    }
}
