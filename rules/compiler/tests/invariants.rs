//! What must hold of the process: reports and commands one after another, and what is told of each.

use tagout_compiler::{SourceFile, compile, render};
use tagout_engine::{
    ActorId, Audience, DeviceId, Engine, Given, Involved, MOST_INVARIANTS, MOST_INVOLVED, Memory, PointState, Policy,
    Space, Timestamp, Touch, Values, WindowSlot,
};

const PLANT: &str = r#"
[actors.agent]
kind = "ai-agent"
ip = "10.0.0.1"

[devices.plc]
ip = "10.0.1.1"

[devices.plc.points]
level = { holding-register = 0, unit = "%" }
inflow = { holding-register = 1 }
setpoint = { holding-register = 5 }
"#;

const PLC: DeviceId = DeviceId(0);
const AGENT: Option<ActorId> = Some(ActorId(0));

fn files(invariants: &str) -> [SourceFile; 1] {
    [SourceFile::new("plant.toml", format!("{PLANT}{invariants}"))]
}

fn invariant(must: &str, rest: &str) -> String {
    format!("[[invariants]]\nname = \"it holds\"\nmust = '{must}'\nseverity = \"high\"\n{rest}\n")
}

/// A report or a command of registers from an address on.
#[derive(Clone, Copy)]
enum Step {
    Reported(u32, &'static [u8]),
    /// As one that the device does not vouch for.
    Bad(u32, &'static [u8]),
    Commanded(u32, &'static [u8]),
}
use Step::{Bad, Commanded, Reported};

fn registers(address: u32, bytes: &[u8]) -> Touch<'_> {
    Touch { space: Space::HoldingRegister, address, count: bytes.len() as u32 / 2, values: Values::Registers(bytes) }
}

/// What is told at each step, a second apart.
fn told(invariants: &str, steps: &[Step]) -> Vec<Vec<Involved>> {
    let files = files(invariants);
    let image = compile(&files).unwrap_or_else(|errors| panic!("{}", render(&errors, &files, false))).image;
    let policy = Policy::load(&image).expect("a compiled image loads");
    let mut points = vec![PointState::default(); policy.point_count()];
    let (mut windows, mut window_buckets) = (vec![WindowSlot::default(); 8], vec![0; 8]);
    let memory =
        Memory { points: &mut points, windows: &mut windows, window_buckets: &mut window_buckets, ..Memory::default() };
    let mut engine = Engine::new(policy, memory, 0);
    let step = |(second, step): (u64, &Step)| {
        let now = Timestamp((1_000 + second) * 1_000_000_000);
        let touch = match *step {
            Reported(address, bytes) | Bad(address, bytes) | Commanded(address, bytes) => registers(address, bytes),
        };
        match step {
            Commanded(..) => engine.ordered(PLC, &touch, Given { by: AGENT, at: now, unpermitted: None }),
            _ => engine.observe((PLC, &touch), (matches!(step, Reported(..)), Audience(1)), now, &(), |_, _| {}),
        }
        let mut involved = Vec::new();
        engine.check((PLC, &touch), now, &(), |_, breach| involved.extend(breach.points()));
        involved
    };
    (0..).zip(steps).map(step).collect()
}

/// At which steps anything is told.
fn breaks(invariants: &str, steps: &[Step]) -> Vec<usize> {
    let told = told(invariants, steps);
    (0..told.len()).filter(|step| !told[*step].is_empty()).collect()
}

const HIGH: Step = Reported(0, &[0, 95]);
const LOW: Step = Reported(0, &[0, 50]);

#[test]
fn a_breach_is_told_once_until_it_holds_again() {
    let must = invariant("point(\"plc.level\") < 90", "");
    assert_eq!(breaks(&must, &[LOW, HIGH, HIGH, LOW, HIGH]), [1, 4]);
}

#[test]
fn what_is_not_known_breaks_nothing() {
    let must = invariant("point(\"plc.level\") < 90 || point(\"plc.inflow\") == 0", "");
    assert_eq!(breaks(&must, &[HIGH]), []);
    assert_eq!(breaks(&must, &[HIGH, Reported(1, &[0, 3])]), [1]);
    // Nor does it mend anything.
    assert_eq!(breaks(&must, &[Reported(0, &[0, 95, 0, 3]), Bad(0, &[0, 95]), HIGH]), [0]);
}

#[test]
fn the_values_of_one_report_count_together() {
    let must = invariant("point(\"plc.level\") < 90 || point(\"plc.inflow\") == 0", "");
    assert_eq!(breaks(&must, &[Reported(0, &[0, 50, 0, 7]), Reported(0, &[0, 95, 0, 0])]), []);
}

#[test]
fn a_breach_may_have_to_last() {
    let must = invariant("point(\"plc.level\") < 90", "for = \"2 s\"");
    assert_eq!(breaks(&must, &[HIGH, HIGH, HIGH, HIGH]), [2]);
    assert_eq!(breaks(&must, &[HIGH, HIGH, LOW, HIGH, HIGH, HIGH]), [5]);
}

#[test]
fn a_breach_names_the_commands_behind_it() {
    let must = invariant("point(\"plc.level\") < 90 || point(\"plc.setpoint\").commanded < 5", "");
    let told = told(&must, &[HIGH, Commanded(5, &[0, 4]), Commanded(5, &[0, 7])]);
    let told: Vec<_> = told.iter().map(|step| step.iter().map(known).collect::<Vec<_>>()).collect();
    assert_eq!(told, [vec![], vec![], vec![(Some(95.0), None), (None, Some((7.0, AGENT)))]]);
}

type Known = (Option<f64>, Option<(f64, Option<ActorId>)>);

fn known(point: &Involved) -> Known {
    (point.value, point.last_command.map(|order| (order.value, order.by)))
}

#[test]
fn only_what_is_involved_is_looked_at() {
    let must = invariant("point(\"plc.level\") < 90", "");
    assert_eq!(breaks(&must, &[Reported(1, &[0, 9]), Commanded(5, &[0, 9])]), []);
}

#[test]
fn as_many_as_may_be_fit() {
    let names: Vec<_> = (0..=MOST_INVOLVED).map(|number| format!("p{number}")).collect();
    let declared: String =
        (10..).zip(&names).map(|(at, name)| format!("{name} = {{ holding-register = {at} }}\n")).collect();
    let all = |count| {
        let asks: Vec<_> = names.iter().take(count).map(|name| format!("point(\"plc.{name}\") < 90")).collect();
        format!("{declared}{}", invariant(&asks.join(" && "), ""))
    };
    assert!(compile(&files(&all(MOST_INVOLVED))).is_ok());
    let errors = compile(&files(&all(MOST_INVOLVED + 1))).expect_err("too many points");
    assert_eq!(errors[0].message, "an invariant of 9 points");
    let below = |at: usize| {
        invariant(&format!("point(\"plc.level\") < {at}"), "").replace("it holds", &format!("it holds below {at}"))
    };
    let many = |count| (0..count).map(below).collect::<String>();
    assert!(compile(&files(&many(MOST_INVARIANTS))).is_ok());
    let errors = compile(&files(&many(MOST_INVARIANTS + 1))).expect_err("too many invariants");
    assert_eq!(errors[0].message, "too many invariants of `level`");
}

#[test]
fn an_invariant_asks_for_points() {
    let errors = compile(&files(&invariant("1 < 2", ""))).expect_err("no point");
    assert!(errors.iter().any(|error| error.message == "an invariant of no point"), "{errors:?}");
}
