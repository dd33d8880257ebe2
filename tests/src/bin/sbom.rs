//! Writes what a firmware image or the daemon is made of, as a CycloneDX 1.5 bill of materials in JSON. The same source and image
//! give the same bytes: no time, no random serial number.
//!
//! Usage: `sbom PACKAGE IMAGE TARGET FEATURES`: the crate, its ELF file, and what it was built for and with (`default` for the
//! features that it has of itself).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

use serde::Deserialize;
use serde_json::{Value, json};
use tagout_tests::image::build_id;

type Failed = Box<dyn std::error::Error>;

/// A crate of the image, by name and version.
type Id = (String, String);

/// Crates, with the licence of each and what it depends on.
type Crates = BTreeMap<Id, (String, BTreeSet<Id>)>;

/// What Cargo's lock file has of a crate.
#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

fn main() -> ExitCode {
    match bill(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(bill) => {
            println!("{bill:#}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("sbom: {error}");
            ExitCode::from(2)
        }
    }
}

fn bill(arguments: &[String]) -> Result<Value, Failed> {
    let [package, image, target, features] = arguments else {
        return Err("usage: sbom PACKAGE IMAGE TARGET FEATURES".into());
    };
    let crates = crates(&tree(package, target, features)?)?;
    let checksums = checksums()?;
    let is_image = |id: &Id| id.0 == *package;
    let (image_id, (licence, _)) =
        crates.iter().find(|(id, _)| is_image(id)).ok_or_else(|| format!("cargo tree has no {package}"))?;
    let name = Path::new(image).file_name().and_then(|name| name.to_str()).ok_or("an image has a name")?;
    let kind = if features == "default" { "application" } else { "firmware" };
    let mut described = component(kind, image_id, licence, None);
    described["name"] = json!(name);
    described["properties"] = json!([{ "name": "tagout:build-id", "value": build_id(image.as_ref())? }]);
    let parts = crates.iter().filter(|(id, _)| !is_image(id));
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": described },
        "components": parts
            .map(|(id, (licence, _))| component("library", id, licence, checksums.get(id).map(String::as_str)))
            .collect::<Vec<_>>(),
        "dependencies": crates
            .iter()
            .map(|(id, (_, needs))| json!({ "ref": reference(id), "dependsOn": needs.iter().map(reference).collect::<Vec<_>>() }))
            .collect::<Vec<_>>(),
    }))
}

/// What Cargo compiles into the image: no build scripts, no procedural macros, only the features that are on.
fn tree(package: &str, target: &str, features: &str) -> Result<String, Failed> {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["tree", "--locked", "--package", package, "--target", target, "--features", features])
        .args(["--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", " {p}|{l}"])
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo tree: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Reads lines such as `2 crc v3.4.0|MIT OR Apache-2.0`: how deep in the tree, and what.
fn crates(tree: &str) -> Result<Crates, Failed> {
    let mut crates = Crates::new();
    let mut above: Vec<Id> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let (depth, id, licence) = crate_of(line).ok_or_else(|| format!("not a line of cargo tree: {line}"))?;
        above.truncate(depth);
        if let Some((_, needs)) = above.last().and_then(|parent| crates.get_mut(parent)) {
            needs.insert(id.clone());
        }
        crates.entry(id.clone()).or_insert_with(|| (licence, BTreeSet::new()));
        above.push(id);
    }
    Ok(crates)
}

fn crate_of(line: &str) -> Option<(usize, Id, String)> {
    let (what, licence) = line.split_once('|')?;
    let mut words = what.split_whitespace();
    let depth = words.next()?.parse().ok()?;
    let id = (words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned());
    let licence = licence.trim_end_matches("(*)").trim().replace('/', " OR ");
    Some((depth, id, licence))
}

fn checksums() -> Result<BTreeMap<Id, String>, Failed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    let lock: Lock = toml::from_str(&fs::read_to_string(path)?)?;
    Ok(lock.package.into_iter().filter_map(|locked| Some(((locked.name, locked.version), locked.checksum?))).collect())
}

/// A crate; one from the registry has a checksum, and an address under which others know it.
fn component(kind: &str, id: &Id, licence: &str, checksum: Option<&str>) -> Value {
    let (name, version) = id;
    let mut component = json!({
        "type": kind,
        "bom-ref": reference(id),
        "name": name,
        "version": version,
        "licenses": [{ "expression": licence }],
    });
    if let Some(checksum) = checksum {
        component["purl"] = json!(format!("pkg:cargo/{name}@{version}"));
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    component
}

fn reference((name, version): &Id) -> String {
    format!("{name}@{version}")
}
