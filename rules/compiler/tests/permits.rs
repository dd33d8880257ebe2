//! What permits ask beside a range, by example: exchanges one after another, and what is said of each.

use tagout_compiler::{SourceFile, compile, render};
use tagout_engine::{
    Action, Codes, Endpoint, Engine, Fact, Facts, Field, Memory, Outcome, PastSlot, PermitId, Policy, Question, Reason,
    Reply, Space, Timestamp, Touch, Values, Verdict, Violation,
};

const PLANT: &str = r#"
[actors.agent]
kind = "ai-agent"
ip = "10.0.0.1"

[actors.hmi]
kind = "hmi"
ip = "10.0.0.2"

[devices.plc]
ip = "10.0.1.1"

[devices.plc.points]
speed = { holding-register = 10, scale = 0.1, unit = "%" }
level = { holding-register = 12, type = "f32" }
heat  = { holding-register = 20, type = "f32", offset = -273.15, unit = "degC" }
inlet = { coil = 3 }
"#;

/// Who, at which second, writes what where: and the reason against it with what was found, or `None`.
type Line = (u8, f64, Touch<'static>, Option<(Reason, Option<f64>)>);

const AGENT: u8 = 1;
const HMI: u8 = 2;
/// A Thursday, 00:00 UTC.
const MIDNIGHT: f64 = 1_767_225_600.0;

const fn speed(register: &'static [u8; 2]) -> Touch<'static> {
    Touch { space: Space::HoldingRegister, address: 10, count: 1, values: Values::Registers(register) }
}

const fn inlet(bits: &'static [u8; 1]) -> Touch<'static> {
    Touch { space: Space::Coil, address: 3, count: 1, values: Values::Bits(bits) }
}

const ON: Touch<'static> = inlet(&[1]);
const OFF: Touch<'static> = inlet(&[0]);

const READ: Touch<'static> = Touch { space: Space::Coil, address: 3, count: 1, values: Values::None };

struct Night;

impl Facts for Night {
    fn fact(&self, field: Field) -> Fact<'_> {
        if field == Field::ModbusQuantity { Fact::Number(2.0) } else { Fact::Unknown }
    }
}

/// Judges the lines, one after another, under a policy with these permits of the agent for the whole plant; the panel may
/// do anything.
fn tell(permit: &str, lines: &[Line]) {
    let text = format!(
        "{PLANT}\n[[permits]]\nactor = \"hmi\"\ndevice = \"plc\"\ndo = [\"read\", \"write\"]\n\
         [[permits]]\nactor = \"agent\"\ndevice = \"plc\"\ndo = [\"read\", \"write\", \"select\"]\n{permit}"
    );
    let files = [SourceFile::new("plant.toml", text)];
    let image = compile(&files).unwrap_or_else(|errors| panic!("{}", render(&errors, &files, false))).image;
    let policy = Policy::load(&image).expect("a good image");
    let (mut past, mut past_buckets) = (vec![PastSlot::default(); 64], vec![0; 64]);
    let memory = Memory { past: &mut past, past_buckets: &mut past_buckets, ..Memory::default() };
    let mut engine = Engine::new(policy, memory, 0);
    let at = |ip: [u8; 4]| Endpoint { ip: Some(ip.into()), ..Endpoint::default() };
    for (index, (actor, seconds, touch, expected)) in lines.iter().enumerate() {
        let question = Question {
            now: Timestamp(((MIDNIGHT + seconds) * 1e9) as u64),
            actor: policy.actor(&at([10, 0, 0, *actor])),
            device: policy.device(&at([10, 0, 1, 1])),
            action: if touch.values == Values::None { Action::Read } else { Action::Write },
        };
        let found = match engine.judge(&question, &Night, std::iter::once(*touch)) {
            Verdict::Permitted(Some(_)) => None,
            Verdict::Unexpected(Violation { reason, found, .. }) => {
                Some((reason, found.map(|found| (found * 1e6).round() / 1e6)))
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(found, *expected, "line {index} of\n{permit}");
    }
}

#[test]
fn values_lie_on_steps_from_the_lower_end() {
    let no = Some((Reason::NotAllowed, None));
    tell(
        "points = [\"speed\"]\nvalue = { min = 0.2, max = 80, step = 0.5, unit = \"%\" }",
        &[
            (AGENT, 0.0, speed(&[0, 2]), None),
            (AGENT, 1.0, speed(&[0, 7]), None),
            (AGENT, 2.0, speed(&[0, 5]), no),
            (AGENT, 3.0, speed(&[0, 1]), Some((Reason::Value, None))),
        ],
    );
}

#[test]
fn conditions_on_what_is_written_are_asked_of_each_point() {
    let no = Some((Reason::Condition, None));
    tell(
        "when = \"command.value < 40 && command.space == 'holding-register'\"",
        &[
            (AGENT, 0.0, speed(&[1, 0x8F]), None),
            (AGENT, 1.0, speed(&[1, 0x90]), no),
            (AGENT, 2.0, OFF, no),
            // A raw value, where no point is declared.
            (AGENT, 3.0, Touch { address: 30, ..speed(&[0, 39]) }, None),
            // Of two registers the second is a point.
            (AGENT, 4.0, Touch { address: 9, count: 2, ..speed(&[0, 39]) }, no),
            (AGENT, 5.0, READ, no),
        ],
    );
}

fn single(address: u32, value: f32) -> Touch<'static> {
    let values = Values::Registers(Box::leak(Box::new(value.to_be_bytes())));
    Touch { space: Space::HoldingRegister, address, count: 2, values }
}

#[test]
fn an_offset_does_not_take_a_single_precision_value_over_its_limit() {
    let heat = |kelvin| single(20, kelvin);
    let below = f32::from_bits(293.15_f32.to_bits() - 1);
    let (outside, not_listed) = (Some((Reason::Value, None)), Some((Reason::NotAllowed, None)));
    tell(
        "points = [\"heat\"]\nvalue = { min = 20, max = 60 }",
        &[
            (AGENT, 0.0, heat(293.15), None),
            (AGENT, 1.0, heat(333.15), None),
            (AGENT, 2.0, heat(below), outside),
            (AGENT, 3.0, heat(f32::INFINITY), outside),
        ],
    );
    let listed = "points = [\"heat\"]\nvalue = { one_of = [20, 60] }";
    tell(listed, &[(AGENT, 0.0, heat(293.15), None), (AGENT, 1.0, heat(below), not_listed)]);
}

#[test]
fn single_precision_values_lie_on_decimal_steps() {
    let level = |value| single(12, value);
    let no = Some((Reason::NotAllowed, None));
    tell(
        "points = [\"level\"]\nvalue = { step = 0.1 }",
        &[
            (AGENT, 0.0, level(0.3), None),
            (AGENT, 1.0, level(1234.1), None),
            (AGENT, 2.0, level(0.35), no),
            (AGENT, 3.0, level(-0.7), None),
            (AGENT, 4.0, level(f32::NAN), no),
        ],
    );
}

#[test]
fn values_are_among_those_listed() {
    let no = Some((Reason::NotAllowed, None));
    tell(
        "points = [\"speed\"]\nvalue = { one_of = [0, 0.3, 80] }",
        &[(AGENT, 0.0, speed(&[0, 3]), None), (AGENT, 1.0, speed(&[0, 4]), no)],
    );
}

#[test]
fn a_condition_that_is_not_known_does_not_hold() {
    let no = Some((Reason::Condition, None));
    tell("when = \"modbus.quantity < 3\"", &[(AGENT, 0.0, ON, None)]);
    tell("when = \"modbus.quantity < 2\"", &[(AGENT, 0.0, ON, no)]);
    tell("when = 'actor == \"agent\"'", &[(AGENT, 0.0, ON, no)]);
    tell("when = 'point(\"plc.level\") < 4'", &[(AGENT, 0.0, ON, no)]);
}

#[test]
fn windows_open_and_close() {
    let no = Some((Reason::Window, None));
    let hour = |hours: f64| hours * 3_600.0;
    let night = "during = [\"night\"]\n[windows.night]\ndays = [\"thu\"]\nfrom = \"22:00\"\nto = \"06:00\"\nutc_offset = \"+01:00\"\n";
    tell(
        night,
        &[
            (AGENT, hour(20.9), ON, no),
            (AGENT, hour(21.0), ON, None),
            (AGENT, hour(24.0 + 4.99), ON, None),
            (AGENT, hour(24.0 + 5.0), ON, no),
            (AGENT, hour(24.0 + 21.5), ON, no),
        ],
    );
    let once = "during = \"change*\"\n[windows.change-17]\nstart = 2026-01-01T12:00:00+02:00\nend = 2026-01-01T12:30:00+02:00\n";
    tell(once, &[(AGENT, hour(9.9), ON, no), (AGENT, hour(10.2), ON, None), (AGENT, hour(10.5), ON, no)]);
}

#[test]
fn what_is_permitted_uses_up_the_pace() {
    let no = Some((Reason::Pace, Some(3.0)));
    tell(
        "at_most = \"2/min\"",
        &[
            (AGENT, 0.0, READ, None),
            (AGENT, 10.0, ON, None),
            (HMI, 11.0, ON, None),
            (AGENT, 20.0, READ, no),
            (AGENT, 21.0, READ, no),
            (AGENT, 60.1, READ, None),
        ],
    );
}

#[test]
fn steps_are_taken_from_the_value_before_whoever_set_it() {
    tell(
        "points = [\"speed\"]\nmax_step = 0.5",
        &[
            (AGENT, 0.0, speed(&[0, 100]), None),
            (AGENT, 1.0, speed(&[0, 105]), None),
            (AGENT, 2.0, speed(&[0, 99]), Some((Reason::Step, Some(0.6)))),
            (HMI, 3.0, speed(&[0, 200]), None),
            (AGENT, 4.0, speed(&[0, 195]), None),
        ],
    );
}

#[test]
fn the_other_direction_takes_time() {
    let soon = |seconds| Some((Reason::Reversal, Some(seconds)));
    let permit = "points = [\"*\"]\nopposite_after = \"30 s\"";
    tell(
        permit,
        &[(AGENT, 0.0, ON, None), (AGENT, 20.0, ON, None), (AGENT, 40.0, OFF, soon(20.0)), (AGENT, 50.0, OFF, None)],
    );
    tell(
        permit,
        &[
            (AGENT, 0.0, speed(&[0, 10]), None),
            (AGENT, 1.0, speed(&[0, 20]), None),
            (AGENT, 2.0, speed(&[0, 20]), None),
            (AGENT, 11.0, speed(&[0, 15]), soon(10.0)),
            (AGENT, 12.0, speed(&[0, 30]), None),
            (AGENT, 42.0, speed(&[0, 15]), None),
        ],
    );
}

#[test]
fn changes_sum_up() {
    tell(
        "points = [\"speed\"]\nmax_change = \"1/min\"",
        &[
            (AGENT, 0.0, speed(&[0, 10]), None),
            (AGENT, 1.0, speed(&[0, 16]), None),
            (AGENT, 2.0, speed(&[0, 12]), None),
            (AGENT, 3.0, speed(&[0, 13]), Some((Reason::Change, Some(1.1)))),
            (AGENT, 70.0, speed(&[0, 20]), None),
        ],
    );
}

/// What stands against these replies under a permit that expects some.
fn replied(expects: &str, outcome: Outcome, codes: &[u8], after_ms: Option<f64>) -> Option<Option<f64>> {
    let text = format!("{PLANT}\n[[permits]]\nactor = \"agent\"\ndevice = \"plc\"\ndo = \"write\"\n{expects}\n");
    let files = [SourceFile::new("plant.toml", text)];
    let image = compile(&files).unwrap_or_else(|errors| panic!("{}", render(&errors, &files, false))).image;
    let policy = Policy::load(&image).expect("a good image");
    assert_eq!(policy.expects_replies(), !expects.is_empty());
    let engine = Engine::new(policy, Memory::default(), 0);
    let mut refused = Codes::default();
    codes.iter().for_each(|code| refused.insert(*code));
    let reply = Reply { outcome, codes: refused, after_ms };
    let violation = engine.against_reply(PermitId(0), reply, Timestamp(0), &Night)?;
    assert_eq!((violation.reason, violation.nearest), (Reason::Reply, Some(PermitId(0))));
    Some(violation.found)
}

#[test]
fn a_permit_may_say_what_the_device_is_to_reply() {
    use Outcome::{Answered, NoResponseDue, Refused, Unanswered};
    let (success, either) = ("reply = \"success\"", "reply = [\"success\", 6]");
    for outcome in [Answered, Refused, Unanswered, NoResponseDue] {
        assert_eq!(replied("", outcome, &[2], Some(9e9)), None, "nothing is demanded");
    }
    assert_eq!(replied(success, Answered, &[], Some(9e9)), None);
    assert_eq!(replied(success, NoResponseDue, &[], None), None);
    assert_eq!(replied(success, Refused, &[6], Some(1.0)), Some(None));
    assert_eq!(replied(success, Unanswered, &[], None), Some(None));
    assert_eq!(replied(either, Refused, &[6], Some(1.0)), None);
    assert_eq!(replied(either, Refused, &[70], Some(1.0)), Some(None));
    assert_eq!(replied(either, Refused, &[6, 4], Some(1.0)), Some(None), "one of several");
    assert_eq!(replied(either, Refused, &[], Some(1.0)), Some(None));
    assert_eq!(replied("reply = 70", Refused, &[70], Some(1.0)), None);
    assert_eq!(replied("reply = 70", Answered, &[], Some(1.0)), None, "success, too");
    assert_eq!(replied("reply = [\"success\", \"refused\"]", Refused, &[], Some(1.0)), None);
    assert_eq!(replied("reply = \"none\"", Unanswered, &[], None), None);
    assert_eq!(replied("reply = \"none\"", Answered, &[], Some(1.0)), Some(None));
    assert_eq!(replied("reply_within = \"500 ms\"", Answered, &[], Some(500.0)), None);
    assert_eq!(replied("reply_within = \"500 ms\"", Answered, &[], Some(500.5)), Some(Some(500.5)));
    assert_eq!(replied("reply_within = \"500 ms\"", Refused, &[1], Some(1.0)), Some(None));
    assert_eq!(replied("reply = [\"success\", 1]\nreply_within = \"1 s\"", Refused, &[1], Some(9e3)), None);
}
