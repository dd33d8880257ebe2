//! The policy examples of the guide are one policy in several files, and compile without a warning.

use tagout_compiler::{FileKind, SourceFile, compile, render};
use tagout_engine::{Action, ActorKind, AnomalyKind, CadenceEvent, Kind, Policy, ProcessEvent, Severity, Space};

const GUIDE: &str = include_str!("../../../docs/guide/policy.md");

const CONDITIONS: &str = include_str!("../../../docs/guide/conditions.md");

const PROCESS: &str = include_str!("../../../docs/guide/process.md");

const CADENCES: &str = include_str!("../../../docs/guide/cadences.md");

const TAGS: &str = include_str!("../../../docs/guide/tags.md");

fn examples() -> impl Iterator<Item = &'static str> {
    examples_of(GUIDE)
}

fn examples_of(page: &'static str) -> impl Iterator<Item = &'static str> {
    page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default())
}

#[test]
fn the_examples_of_tag_exports_read_points() {
    let examples: Vec<_> = examples_of(TAGS).collect();
    let [device, map] = examples.as_slice() else { panic!("a device and a map") };
    let file = |name: &str, text: &str, kind| SourceFile { name: name.into(), text: text.into(), kind };
    let kepware = "Tag Name,Address,Data Type,Description\nSpeed,400011,Word,Pump speed\nSpare,400012,Word,Spare\n";
    let own = "# all\nArea;Signal;Register;Type;Status;Mode;Unit;Factor\nP1;Speed;411;REAL;;linear;%;0,1\nP1;X;412;WORD;spare;;;\n";
    let files = [
        SourceFile::new("site.toml", *device),
        file("plc1.csv", kepware, FileKind::Tags),
        SourceFile::new(
            "own.toml",
            "[devices.plc2]\nip = \"10.0.0.11\"\ntags = { file = \"own.csv\", map = \"map.toml\" }",
        ),
        file("map.toml", map, FileKind::Map),
        file("own.csv", own, FileKind::Tags),
    ];
    let compiled = compile(&files).unwrap_or_else(|errors| panic!("{}", render(&errors, &files, false)));
    let policy = Policy::load(&compiled.image).expect("a good image");
    let names = (0..).map_while(|id| policy.point_info(tagout_engine::PointId(id))).map(|point| point.name);
    assert_eq!(names.collect::<Vec<_>>(), ["Speed", "P1/Speed"]);
}

#[test]
fn the_error_shown_is_the_one_reported() {
    let text = examples().next().expect("an example").replacen("actor  = \"optimizer\"", "actor  = \"optimiser\"", 1);
    let files = [SourceFile::new("plant.toml", text)];
    let said = render(&compile(&files).expect_err("an unknown actor"), &files, false);
    assert!(GUIDE.contains(&said), "the guide does not show\n{said}");
}

#[test]
fn the_examples_compile() {
    let files: Vec<_> =
        (1..).zip(examples()).map(|(number, text)| SourceFile::new(format!("example {number}"), text)).collect();
    assert!(files.len() >= 5, "the guide has examples");
    let compiled = compile(&files).unwrap_or_else(|errors| panic!("{}", render(&errors, &files, false)));
    assert!(compiled.warnings.is_empty(), "{}", render(&compiled.warnings, &files, false));
    let policy = Policy::load(&compiled.image).expect("a good image");
    assert!(policy.actor_count() > 1 && policy.device_count() > 1 && policy.permit_count() > 1);
}

#[test]
fn the_conditions_compile() {
    const PLANT: &str = "[devices.plc1]\nip = \"10.0.0.10\"\npoints = { level = { holding-register = 0 } }\n";
    let lines = CONDITIONS.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).expect("examples");
    assert!(lines.lines().count() > 3);
    let mut rules = String::from(PLANT);
    for (sid, line) in lines.lines().enumerate() {
        rules += &format!(
            "[[rules]]\nsid = {}\nsignature = \"x\"\nseverity = \"low\"\non_action = \"write\"\nwhen = '''{line}'''\n",
            sid + 1
        );
    }
    let files = [SourceFile::new("conditions.toml", rules)];
    if let Err(errors) = compile(&files) {
        panic!("{}", render(&errors, &files, false));
    }
}

#[test]
fn the_examples_of_the_process_compile() {
    let text: String = examples_of(PROCESS).collect();
    let files = [SourceFile::new("process.toml", text)];
    let compiled = compile(&files).unwrap_or_else(|errors| panic!("{}", render(&errors, &files, false)));
    assert!(compiled.warnings.is_empty(), "{}", render(&compiled.warnings, &files, false));
    let explained = |word: &ProcessEvent| assert!(PROCESS.contains(&format!("`{}`", word.name())), "{word:?}");
    ProcessEvent::ALL.iter().for_each(explained);
}

#[test]
fn the_examples_of_cadences_compile() {
    let text: String = examples_of(CADENCES).collect();
    let files = [SourceFile::new("cadences.toml", text)];
    let compiled = compile(&files).unwrap_or_else(|errors| panic!("{}", render(&errors, &files, false)));
    assert!(compiled.warnings.is_empty(), "{}", render(&compiled.warnings, &files, false));
    let explained = |word: &CadenceEvent| assert!(CADENCES.contains(&format!("`{}`", word.name())), "{word:?}");
    CadenceEvent::ALL.iter().for_each(explained);
}

#[test]
fn every_word_is_explained() {
    let explained = |word: &str| assert!(GUIDE.contains(&format!("`{word}`")), "the guide does not mention `{word}`");
    Action::ALL.iter().for_each(|word| explained(word.name()));
    ActorKind::ALL.iter().for_each(|word| explained(word.name()));
    AnomalyKind::ALL.iter().for_each(|word| explained(word.name()));
    Severity::ALL.iter().for_each(|word| explained(word.name()));
    Space::ALL.iter().for_each(|word| explained(word.name()));
    Kind::ALL.iter().skip(1).for_each(|word| explained(word.name()));
}
