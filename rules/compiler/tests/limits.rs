//! As much as may be fits, and one more is refused with words that tell the limit.

use tagout_compiler::{Diagnostic, SourceFile, compile, render};
use tagout_engine::Policy;

fn compiled(text: String) -> Result<Vec<u8>, Vec<Diagnostic>> {
    compile(&[SourceFile::new("plant.toml", text)]).map(|compiled| compiled.image)
}

/// Whether it compiles to an image that loads.
fn fits(text: String) -> bool {
    compiled(text).is_ok_and(|image| Policy::load(&image).is_ok())
}

/// The first thing that is wrong, with its label.
fn refusal(text: String) -> (String, String) {
    let files = [SourceFile::new("plant.toml", text)];
    let errors = compile(&files).expect_err("beyond the limit");
    assert_eq!(errors.len(), 1, "{}", render(&errors, &files, false));
    (errors[0].to_string(), errors[0].primary.text.clone())
}

fn joined(count: usize, part: impl Fn(usize) -> String, between: &str) -> String {
    (0..count).map(part).collect::<Vec<_>>().join(between)
}

fn rule(when: &str) -> String {
    format!(
        "[[rules]]\nsid = 2000001\nsignature = \"x\"\nseverity = \"low\"\non_action = \"write\"\nwhen = '''{when}'''\n"
    )
}

#[test]
fn lists_have_256_elements() {
    let among = |count, sign: &str| {
        rule(&format!("command.value in [{}]", joined(count, |number| format!("{sign}{number}"), ", ")))
    };
    assert!(fits(among(256, "")) && fits(among(256, "-")));
    let (message, label) = refusal(among(257, ""));
    assert_eq!(message, "plant.toml:6:11: error: a list of 257 elements");
    assert_eq!(label, "expected 1 to 256 elements");
}

#[test]
fn networks_are_256_at_most() {
    let within =
        |count| rule(&format!("in_cidr(client.ip, {})", joined(count, |number| format!("\"10.0.{number}.1\""), ", ")));
    assert!(fits(within(255)));
    let more = |count| rule(&format!("in_cidr(client.ip, {})", joined(count, |_| "\"::1\"".to_owned(), ", ")));
    assert!(fits(more(256)));
    let (message, label) = refusal(more(257));
    assert_eq!(message, "plant.toml:6:11: error: a list of 257 networks");
    assert_eq!(label, "expected 1 to 256 networks");
}

#[test]
fn conditions_have_256_instructions() {
    // A field, a number, a comparison, and what joins it to those before.
    let chain = |count| rule(&joined(count, |number| format!("client.port == {number}"), " || "));
    assert!(fits(chain(64)));
    let (message, label) = refusal(chain(65));
    assert!(message.ends_with("error: too long a condition"), "{message}");
    assert_eq!(label, "more than 256 parts");
    // What is constant among arguments may be an instruction.
    let named = |count| rule(&joined(count, |number| format!("device.contains(\"{number}\")"), " || "));
    assert!(fits(named(64)));
    let (message, label) = refusal(named(65));
    assert_eq!(message, "plant.toml:6:11: error: too long a condition");
    assert_eq!(label, "it takes 259 instructions, 256 are possible");
}

#[test]
fn a_suppression_may_name_as_much_as_fits() {
    let plant = |count| {
        let devices = joined(
            count,
            |number| format!("plc{number} = {{ ip = \"10.0.{}.{}\" }}", number / 250, number % 250),
            "\n",
        );
        format!("[[suppress]]\nname = \"all\"\nreason = \"maintenance\"\ndevice = [\"plc*\"]\n[devices]\n{devices}\n")
    };
    assert!(fits(plant(256)));
    let (message, label) = refusal(plant(257));
    assert_eq!(message, "plant.toml:2:8: error: `all` stands for too many names");
    assert_eq!(label, "all that `plc*` means does not fit into one suppression");
}
