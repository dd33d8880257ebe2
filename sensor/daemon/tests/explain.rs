//! Why exchanges are judged as they are, and what would permit them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tagout::config::Config;
use tagout::explain::{Declared, Place, Story, explain, remedy, write};
use tagout::intent::{Keys, Script};
use tagout::output::Paint;
use tagout::policy::Sources;
use tagout::testing::packets;
use tagout_compiler::{SourceFile, compile, render};
use tagout_core::engine::{Policy, Reason};

const REASONS: &str = include_str!("testing/reasons.toml");
const POLICY: &str = include_str!("../../../docs/guide/policy.md");
const PAGE: &str = include_str!("../../../docs/guide/explaining.md");

const INTENTS: &str = include_str!("testing/intents.toml");

/// The captures of a policy's tests, in a folder that goes with them.
struct Site {
    folder: PathBuf,
    sources: Sources,
    image: Vec<u8>,
    captures: Vec<PathBuf>,
}

impl Site {
    fn new(name: &str, text: &str) -> Self {
        let sources = Sources::new(vec![SourceFile::new("plant.toml", text)]);
        let compiled =
            compile(sources.files()).unwrap_or_else(|errors| panic!("{}", render(&errors, sources.files(), false)));
        let folder = std::env::temp_dir().join(format!("tagout-explain-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let policy = Policy::load(&compiled.image).expect("a good image");
        let captures = compiled.tests.iter().enumerate().map(|(number, test)| {
            let packets = packets(test, policy, &config()).expect("steps").expect("places");
            let path = folder.join(format!("{number}.pcap"));
            fs::write(&path, packets).expect("a file");
            path
        });
        let captures = captures.collect();
        Self { folder, sources, image: compiled.image.clone(), captures }
    }

    fn policy(&self) -> Policy<'_> {
        Policy::load(&self.image).expect("a good image")
    }

    fn explain(&self, place: Place<'_>) -> Option<Story> {
        explain(place, self.policy(), &config()).expect("a capture")
    }

    fn page(&self, place: Place<'_>) -> String {
        let story = self.explain(place).expect("something to tell");
        let remedy = remedy(place, &story, &self.sources, &config()).expect("a capture");
        let mut page = Vec::new();
        write(&mut page, (place, &story, remedy.as_ref()), (&self.policy(), &self.sources), Paint::new(false))
            .expect("memory takes it");
        String::from_utf8(page).expect("text")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A frame of a capture in which nothing is declared.
fn place(capture: &Path, frame: u64) -> Place<'_> {
    Place { capture, frame, declared: Declared::default() }
}

fn config() -> tagout_core::Config {
    Config::default().sensor().expect("a configuration")
}

#[test]
fn what_is_suggested_permits_whatever_the_reason_was() {
    let site = Site::new("reasons", REASONS);
    let mut reasons = BTreeSet::new();
    for capture in &site.captures {
        for frame in 1..40 {
            let asked = place(capture, frame);
            let Some(story) = site.explain(asked) else { continue };
            let Some(reason) = story.reason() else { continue };
            let remedy = remedy(asked, &story, &site.sources, &config()).expect("a capture").expect("a suggestion");
            assert!(remedy.holds, "{} {frame} {}: {:#?}", capture.display(), reason.name(), remedy.steps);
            assert_eq!(remedy.steps.len(), 1, "{} {frame} {}: {:#?}", capture.display(), reason.name(), remedy.steps);
            reasons.insert(reason);
        }
    }
    assert_eq!(reasons, Reason::ALL.iter().copied().collect());
}

/// Each reason, as an alert tells it and as the minimal change puts it right. After a wanted change,
/// `UPDATE_EXPECTED=1 cargo test -p tagout --test explain` writes the file anew.
#[test]
fn each_reason_is_told_in_these_words() {
    let site = Site::new("words", REASONS);
    let places = site.captures.iter().flat_map(|capture| (1..40).map(move |frame| place(capture, frame)));
    let mut told = BTreeMap::new();
    for place in places {
        if let Some(reason) = site.explain(place).and_then(|story| story.reason()) {
            told.entry(reason).or_insert_with(|| site.page(place));
        }
    }
    let words: String =
        told.iter().map(|(reason, page)| format!("== {}\n{}\n", reason.name(), from_verdict(page))).collect();
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explain/reasons.txt");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&expected, &words).expect("the file can be written");
    }
    let wanted = fs::read_to_string(&expected).expect("tests/explain/reasons.txt is there");
    assert!(words == wanted, "wanted\n{wanted}\nbut found\n{words}");
    assert!(told.keys().eq(Reason::ALL), "a reason is missing");
}

/// What a page tells from the verdict on.
fn from_verdict(page: &str) -> &str {
    page.find("  verdict:").and_then(|start| page.get(start..)).unwrap_or(page)
}

/// A policy with this test at its end.
fn tested(steps: &str) -> String {
    let policy = POLICY.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    format!("{policy}\n[[tests]]\nname = \"it\"\nsteps = [{steps}]\n")
}

#[test]
fn the_page_of_the_guide_is_what_is_told() {
    let steps = r#"
        { from = "optimizer", read = "plc1.level", value = 2.5 },
        { from = "optimizer", write = "plc1.pump_speed", value = 95, exception = 3, verdict = "unexpected" },
        { from = "optimizer", read = "plc1.level", value = 2.75, verdict = "permitted" },
    "#;
    let site = Site::new("guide", &tested(steps));
    let page = site.page(place(&site.captures[0], 6));
    let page = page.replace(&site.captures[0].display().to_string(), "plant.pcap");
    assert!(PAGE.contains(page.trim_end()), "the page does not show\n{page}");
    let of_response = site.page(place(&site.captures[0], 7));
    assert!(of_response.contains("→ plc1.pump_speed = 95 %: value-out-of-range"), "{of_response}");
}

#[test]
fn every_point_that_is_not_covered_is_put_right() {
    // 16 registers from 8 on: the points at 10 and 11, the rest undeclared.
    let pdu = format!("10 0008 0006 0C {}", "0001 ".repeat(6));
    let steps = format!("{{ from = \"optimizer\", to = \"plc1\", modbus = \"{pdu}\", verdict = \"unexpected\" }}");
    let site = Site::new("several", &tested(&steps));
    let asked = place(&site.captures[0], 4);
    let story = site.explain(asked).expect("an exchange");
    let remedy = remedy(asked, &story, &site.sources, &config()).expect("a capture").expect("a suggestion");
    assert!(remedy.holds && remedy.steps.len() == 5, "{remedy:#?}");
}

#[test]
fn frames_in_which_nothing_happens_are_told_from_others() {
    let site = Site::new("nothing", &tested(r#"{ from = "panel", read = "plc1.level", verdict = "permitted" }"#));
    assert!(site.explain(place(&site.captures[0], 1)).is_none());
    let story = site.explain(place(&site.captures[0], 4)).expect("an exchange");
    assert!(story.is_permitted() && story.asked.iter().any(|asked| asked.objection.is_none()));
}

/// The policy of intents without its tests, with these steps as its only one.
fn declaring(steps: &str) -> String {
    let policy = INTENTS.split("[[tests]]").next().unwrap_or_default();
    format!("{policy}\n[[tests]]\nname = \"it\"\nstart = 2026-01-12T12:00:00Z\nintents = []\nsteps = [{steps}]\n")
}

#[test]
fn what_would_be_graded_as_exact_is() {
    let steps = [
        r#"{ from = "agent", write = "plc.speed", value = 30.5, grade = "none" }"#,
        r#"{ from = "agent", direct-operate = "rtu.breaker", value = true, grade = "none" }"#,
        r#"{ from = "agent", to = "plc", modbus = "10 000A 0002 04 012C 0190", grade = "none" }"#,
        r#"{ from = "agent", to = "plc", modbus = "10 0064 0002 04 012C 0190", grade = "none" }"#,
        r#"{ from = "agent", to = "plc", modbus = "06 0064 0007", grade = "none" }"#,
        r#"{ from = "agent", to = "plc", modbus = "16 0064 00F2 0025", grade = "none" }"#,
        r#"{ from = "agent", to = "plc", modbus = "08 0001 0000", grade = "none" }"#,
    ];
    for (number, step) in steps.into_iter().enumerate() {
        let site = Site::new(&format!("exact-{number}"), &declaring(step));
        let keys = Keys::of(&site.policy()).expect("keys");
        let page = |lines: &str| {
            let file = site.folder.join("intents.jsonl");
            fs::write(&file, lines).expect("a file");
            let script = Script::read(&file, &keys).unwrap_or_else(|_| panic!("{lines}"));
            let declared = Declared { script: Some(&script), approvals: &[] };
            site.page(Place { declared, ..place(&site.captures[0], 4) })
        };
        let alive = "{\"received\": \"2026-01-12T11:59:59.9Z\", \"alive\": true}\n";
        let first = page(alive);
        assert!(first.contains("  grade: none, intent.none\n  this would be exact:\n"), "{step}\n{first}");
        assert!(first.contains("the key agent-2026 may declare it"), "{first}");
        let claims =
            first.split("this would be exact:\n    ").nth(1).and_then(|rest| rest.lines().next()).expect("claims");
        let line =
            format!("{{\"received\": \"2026-01-12T12:00:00Z\", \"key\": \"agent-2026\", \"intent\": {claims}}}\n");
        let second = page(&line);
        assert!(second.contains(", signed with agent-2026, as `new`\n  grade: exact\n"), "{step}\n{second}");
    }
}

#[test]
fn what_was_declared_otherwise_is_told_beside_the_command() {
    let site =
        Site::new("nearest", &declaring(r#"{ from = "agent", write = "plc.limit", value = 70, grade = "none" }"#));
    let compiled = compile(site.sources.files()).unwrap_or_else(|errors| panic!("{errors:?}"));
    let declared = Declared { script: None, approvals: &compiled.approvals };
    let page = site.page(Place { declared, ..place(&site.captures[0], 4) });
    assert!(
        page.contains(
            "  approved: CHG-1 by Ada Ruiz, during night: agent: write plc.limit = 40..60, any number of times\n"
        ),
        "{page}"
    );
    let hint = "→ but for approvals nothing is known to be declared: name a file with --intents";
    assert!(page.contains(&format!("    {hint}\n  grade: none")), "{page}");
    let unasked = site.page(place(&site.captures[0], 4));
    assert!(unasked.contains(&format!("    {hint}\n  grade: unknown\n")), "{unasked}");
    let other =
        Site::new("other", &declaring(r#"{ from = "panel", write = "plc.limit", value = 70, alerts = "none" }"#));
    assert!(!other.page(place(&other.captures[0], 4)).contains("Declarations"), "one without is not");
}
