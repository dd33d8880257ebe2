use tagout_engine::{Action, Grade, Judgement, Reason};

use super::intents::{COUNT, DEED};
use super::{DURATION, Key, MOMENT, Shape, Table, optional, required};

pub(crate) static TEST: Table = Table {
    what: "a test",
    meaning: "Something that happens, and what the policy must say of it: a capture, or exchanges step by step.",
    keys: &[&[
        required("name", Shape::Text, "What must hold, in a sentence; unique over all files."),
        optional("capture", Shape::Text, "A capture to replay; relative to this file."),
        optional("frames", Shape::Range, "The first and the last frame of the capture to take; all if left out."),
        optional("start", MOMENT, "When the first step happens; 2026-01-01T00:00:00Z if left out."),
        optional("steps", Shape::List(&Shape::Table(&STEP)), "Exchanges, one after another."),
        optional(
            "intents",
            Shape::List(&Shape::Table(&DECLARED)),
            "What is declared meanwhile, `[]` for nothing. Left out, nothing is held against declarations.",
        ),
        optional(
            "feed",
            Shape::Word(|| vec!["alive", "silent"]),
            "Whether declarations can be heard; `alive` if left out.",
        ),
        optional("alerts", ALERTS, "All alerts of the test, and no others; `none` for no alert."),
    ]],
};

pub(crate) static DECLARED: Table = Table {
    what: "a declaration",
    meaning: "What an actor declares in a test.",
    keys: &[
        &[required("actor", Shape::Text, "Who declares it, by name.")],
        &DEED,
        &[
            optional("count", COUNT, "How many commands it covers; one if left out."),
            optional("pace", DURATION, "The least time between two of them."),
            optional("key", Shape::Text, "The key of the policy that signs it; told by a span if left out."),
            optional("after", DURATION, "How long after the test began it comes; before everything if left out."),
            optional(
                "lasts",
                DURATION,
                "How long it is valid from then on; to the end if left out. It is so from the beginning.",
            ),
        ],
    ],
};

/// Rules by sid or by what they say, reasons of violations, findings of intents, with more to say of each in a table; or `none`.
const ALERTS: Shape = Shape::OneOrMore(&Shape::Either(&[SID, Shape::Text, Shape::Table(&EXPECTED)]));
const SID: Shape = Shape::Whole(1, u32::MAX as i64);

pub(crate) static EXPECTED: Table = Table {
    what: "an expected alert",
    meaning: "Alerts of one kind.",
    keys: &[&[
        required(
            "rule",
            Shape::Either(&[SID, Shape::Text]),
            "Sid or signature of a rule, the reason of a violation, or what intents show.",
        ),
        optional("count", Shape::Whole(1, u32::MAX as i64), "How many there are; at least one if left out."),
        optional("frames", Shape::OneOrMore(&Shape::Whole(1, i64::MAX)), "The frames of the capture that raise them."),
    ]],
};

pub(crate) static STEP: Table = Table {
    what: "a step",
    meaning: "A request with its response, and what the policy must say of it.",
    keys: &[
        &[
            required("from", Shape::Text, "Who asks: an actor by name, or an IP address."),
            optional("to", Shape::Text, "Whom, with `modbus` or `dnp3`: a device by name, or an IP address."),
        ],
        &REQUESTS,
        &[
            optional("modbus", HEX, "The request: a Modbus PDU in hexadecimal digits, function code first."),
            optional("dnp3", HEX, "The request: a DNP3 fragment in hexadecimal digits, application control first."),
            optional(
                "value",
                Shape::Either(&[Shape::Number, Shape::Boolean]),
                "What is commanded, or what a read finds, in engineering units.",
            ),
            optional(
                "reply",
                Shape::Text,
                "What the device answers: `accepted` (if left out), `none`, or bytes as above.",
            ),
            optional(
                "exception",
                Shape::Whole(1, 127),
                "The Modbus exception or DNP3 control status that it refuses with.",
            ),
            optional("after", DURATION, "How long after the request before; 1 s if left out."),
            optional("repeat", Shape::Whole(2, 10_000), "How often in all; the verdict is that of each."),
            optional("every", DURATION, "The time from one to the next; 1 s if left out."),
            optional(
                "grade",
                Shape::Word(|| Grade::ALL.iter().map(|word| word.name()).collect()),
                "How well what was declared covers it.",
            ),
            optional("verdict", Shape::Word(verdicts), "What the permits say, or the reason why none covers it."),
            optional("alerts", ALERTS, "All alerts of the step, and no others; `none` for no alert."),
        ],
    ],
};

const HEX: Shape = Shape::Form("^([0-9A-Fa-f]{2}[ :]*)+$", "06 000A 0320");

/// The requests that name a point: the key is the action.
pub(crate) const REQUESTS: [Key; 5] = [
    optional(Action::Read.name(), Shape::Text, "Reads a point: `device.point`."),
    optional(Action::Write.name(), Shape::Text, "Writes a coil or holding register: `device.point`."),
    optional(Action::Select.name(), Shape::Text, "Selects a DNP3 output: `device.point`."),
    optional(Action::Operate.name(), Shape::Text, "Operates a DNP3 output: `device.point`."),
    optional(Action::DirectOperate.name(), Shape::Text, "Operates a DNP3 output without a select: `device.point`."),
];

/// What the policy can say of an exchange: judgements, then reasons.
pub(crate) fn verdicts() -> Vec<&'static str> {
    let judgements = Judgement::ALL.iter().map(|word| word.name());
    judgements.chain(Reason::ALL.iter().map(|word| word.name())).collect()
}
