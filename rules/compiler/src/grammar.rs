//! What a policy file may say: every table with its keys, and of each key the shape and the meaning of its value.
//!
//! The parser takes keys from here and from nowhere else; so do the schema for editors and the reference.

mod intents;
mod tags;
mod testing;

use tagout_engine::attack::TECHNIQUES;
use tagout_engine::{
    Action, ActorKind, AnomalyKind, CadenceEvent, Field, Judgement, Kind, Outcome, ProcessEvent, Replied, Severity,
    Space,
};

use crate::suggest::one_of;

pub(crate) use intents::{APPROVAL, INTENTS, KEY};
pub use tags::MAP;
pub(crate) use tags::{MAP_ADDRESS, MAP_COLUMN, MAP_COLUMNS, MAP_ORDER, TAGS};
pub(crate) use testing::{DECLARED, EXPECTED, REQUESTS, STEP, TEST, verdicts};

/// A table of a policy file.
#[derive(Debug)]
pub struct Table {
    /// How messages name it, such as `a permit`.
    pub what: &'static str,
    /// What it is for.
    pub meaning: &'static str,
    /// Its keys, in groups, as some tables share some.
    pub keys: &'static [&'static [Key]],
}

/// A key of a table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// Whether the table is wrong without it.
    pub required: bool,
    /// What its value may look like.
    pub shape: Shape,
    /// What it says, for people.
    pub meaning: &'static str,
}

/// What a value may look like.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Any text.
    Text,
    /// Text of this form: a regular expression (the common subset of JSON Schema), and an example.
    Form(&'static str, &'static str),
    /// `true` or `false`.
    Boolean,
    /// A finite number.
    Number,
    /// A whole number in a range, both ends included.
    Whole(i64, i64),
    /// One of some words.
    Word(fn() -> Vec<&'static str>),
    /// Two numbers: a lower and an upper end.
    Range,
    /// A table.
    Table(&'static Table),
    /// A table of such values, each under a name.
    Named(&'static Shape),
    /// One value or a list of at least one.
    OneOrMore(&'static Shape),
    /// A list of any length.
    List(&'static Shape),
    /// Any of some shapes.
    Either(&'static [Shape]),
}

impl Table {
    /// All keys, in the order in which they are told.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.keys.iter().copied().flatten()
    }

    /// What messages ask for where there is something else: its keys, if they are few.
    pub(crate) fn shape(&self) -> String {
        const FEW: usize = 6;
        let keys: Vec<_> = self.keys().map(|key| key.name).collect();
        if keys.len() <= FEW { format!("a table with {}", one_of(keys)) } else { "a table".to_owned() }
    }

    /// Whether it stands under a name that the site gives.
    pub(crate) fn is_named(&self) -> bool {
        [&ACTOR, &DEVICE, &POINT, &WINDOW].iter().any(|named| std::ptr::eq(*named, self))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.keys().any(|key| key.name == name)
    }
}

const fn required(name: &'static str, shape: Shape, meaning: &'static str) -> Key {
    Key { name, required: true, shape, meaning }
}

const fn optional(name: &'static str, shape: Shape, meaning: &'static str) -> Key {
    Key { name, required: false, shape, meaning }
}

/// One name or pattern, or a list.
const NAMES: Shape = Shape::OneOrMore(&Shape::Text);
const ACTIONS: Shape = Shape::OneOrMore(&Shape::Word(|| Action::ALL.iter().map(|word| word.name()).collect()));

/// A policy file.
pub static POLICY: Table = Table {
    what: "a policy",
    meaning: "A policy of tagout: who may do what to which points of which device.",
    keys: &[&[
        optional("include", NAMES, "Further files of the policy: paths or patterns, relative to this file."),
        optional("site", Shape::Table(&SITE), "The site that the policy is for."),
        optional("actors", Shape::Named(&Shape::Table(&ACTOR)), "Whoever issues commands, by name."),
        optional("devices", Shape::Named(&Shape::Table(&DEVICE)), "Controllers and outstations, by name."),
        optional("intents", Shape::Table(&INTENTS), "What actors declare before they command it."),
        optional("windows", Shape::Named(&Shape::Table(&WINDOW)), "Times at which permits hold, by name."),
        optional("permits", Shape::List(&Shape::Table(&PERMIT)), "What is allowed; nothing forbids."),
        optional("cadences", Shape::List(&Shape::Table(&CADENCE)), "In which rhythm actors poll devices."),
        optional("invariants", Shape::List(&Shape::Table(&INVARIANT)), "What must hold of the process at all times."),
        optional("rules", Shape::List(&Shape::Table(&RULE)), "Rules that raise an alert by themselves."),
        optional("suppress", Shape::List(&Shape::Table(&SUPPRESS)), "Alerts that are counted instead of given."),
        optional("tests", Shape::List(&Shape::Table(&TEST)), "What `tagout test` holds the policy to."),
    ]],
};

pub(crate) static SITE: Table = Table {
    what: "a site",
    meaning: "The site that the policy is for.",
    keys: &[&[required("name", Shape::Text, "Its name.")]],
};

pub(crate) static ACTOR: Table = Table {
    what: "an actor",
    meaning: "Whoever issues commands. At least one of `ip`, `mac`, `vlan`, `port`, `link` and `line` is needed.",
    keys: &[
        &[required(
            "kind",
            Shape::Word(|| ActorKind::ALL.iter().map(|word| word.name()).collect()),
            "What kind of actor it is.",
        )],
        &[intents::MODE],
        &PLACE,
        &[optional(
            "selectors",
            Shape::OneOrMore(&Shape::Table(&ACTOR_SELECTOR)),
            "Further places, whose parts belong together.",
        )],
    ],
};

pub(crate) static ACTOR_SELECTOR: Table =
    Table { what: "a selector", meaning: "A place where an actor sits.", keys: &[&PLACE] };

/// Where an actor or a device is.
const PLACE: [Key; 6] = [
    optional("ip", NAMES, "An IP address, or a network such as `10.0.0.0/24`; one or a list."),
    optional("mac", NAMES, "Six octets such as `00:1d:9c:c7:b0:70`; one or a list."),
    optional("vlan", Shape::OneOrMore(&Shape::Whole(1, 4094)), "802.1Q VLAN id, the innermost where tags are stacked."),
    optional(
        "port",
        Shape::OneOrMore(&Shape::Either(&[Shape::Whole(0, 65535), PORTS])),
        "TCP or UDP port, or a range such as `1024-2047`.",
    ),
    optional("link", Shape::OneOrMore(&Shape::Whole(0, 65535)), "DNP3 link address."),
    optional(
        "line",
        Shape::OneOrMore(&Shape::Whole(1, 65535)),
        "Number of a gateway's serial line, in place of addresses.",
    ),
];

const PORTS: Shape = Shape::Form("^[0-9]+( *- *[0-9]+)?$", "1024-2047");

/// What only a device's place has.
const UNIT: [Key; 1] = [optional("unit", Shape::OneOrMore(&Shape::Whole(0, 255)), "Modbus unit id; any if left out.")];

pub(crate) static DEVICE: Table = Table {
    what: "a device",
    meaning: "A controller or outstation. At least one of `ip`, `mac`, `link` and `line` is needed, unless it only adds points.",
    keys: &[
        &PLACE,
        &UNIT,
        &[
            optional(
                "selectors",
                Shape::OneOrMore(&Shape::Table(&DEVICE_SELECTOR)),
                "Further places, whose parts belong together.",
            ),
            optional("points", Shape::Named(&Shape::Table(&POINT)), "Its points, by name."),
            optional("tags", Shape::OneOrMore(&Shape::Table(&TAGS)), "Tag exports whose rows are points of it."),
            optional("observe", Shape::Boolean, "Its permits are in the making: violations are for the record only."),
        ],
    ],
};

pub(crate) static DEVICE_SELECTOR: Table =
    Table { what: "a selector", meaning: "A place where a device is.", keys: &[&PLACE, &UNIT] };

pub(crate) static POINT: Table = Table {
    what: "a point",
    meaning: "A name for an address, or for the registers of one value. One key says where it is.",
    keys: &[
        &SPACES,
        &[
            optional("group", Shape::Whole(0, 255), "DNP3 object group; with `index`."),
            optional("index", Shape::Whole(0, 65535), "Index within the DNP3 object group."),
            optional("type", Shape::Word(register_types), "Type of a value in registers; `u16` if left out."),
        ],
        &ORDER,
        &[
            optional("scale", Shape::Number, "Engineering value = raw × scale + offset; 1 if left out."),
            optional("offset", Shape::Number, "Engineering value = raw × scale + offset; 0 if left out."),
            optional("unit", Shape::Text, "Unit of measure, shown in alerts."),
            optional("range", Shape::Range, "The engineering range; it permits nothing."),
            optional("max_rate", Shape::Number, "The greatest change a second that the process can show."),
            optional("travel", DURATION, "The time that the point takes to follow a command."),
            optional(
                "tolerance",
                Shape::Number,
                "How far it may be from what was commanded after that; a hundredth of `range` if left out, or else nothing.",
            ),
            optional("frozen", DURATION, "After so long without a change its value counts as frozen."),
            optional("stale", DURATION, "After so long without a report its value counts as stale, and is not known."),
        ],
    ],
};

/// In which order the parts of a value in registers come.
const ORDER: [Key; 2] = [
    optional(
        "words",
        Shape::Word(|| vec!["high-first", "low-first"]),
        "Which register of a wider value comes first; `high-first` if left out.",
    ),
    optional(
        "bytes",
        Shape::Word(|| vec!["in-order", "swapped"]),
        "The bytes within each register; `in-order` if left out.",
    ),
];

fn register_types() -> Vec<&'static str> {
    Kind::ALL.iter().filter(|kind| **kind != Kind::Native).map(|kind| kind.name()).collect()
}

/// The keys that say where a point is: one for each address space.
const SPACES: [Key; Space::ALL.len()] = {
    let mut keys = [optional("", Shape::Whole(0, 65535), ""); Space::ALL.len()];
    let mut index = 0;
    while index < keys.len() {
        keys[index].name = Space::ALL[index].name();
        keys[index].meaning = Space::ALL[index].meaning();
        index += 1;
    }
    keys
};

pub(crate) static PERMIT: Table = Table {
    what: "a permit",
    meaning: "Allows something. What no permit allows is unexpected.",
    keys: &[&[
        optional("name", Shape::Text, "Shown in alerts; best given to one permit only."),
        required("actor", NAMES, "Actors, by name; `*` stands for any letters, `?` for one."),
        required("device", NAMES, "Devices, by name; `*` and `?` as above."),
        required("do", ACTIONS, "What is allowed."),
        optional("points", NAMES, "Points of these devices, by name. Left out: the whole device, declared or not."),
        optional("value", Shape::Table(&VALUE), "The values that may be written, in engineering units."),
        optional("when", Shape::Text, "A condition that must hold; what is not known does not."),
        optional("during", NAMES, "Windows, by name; it holds while one of them is there."),
        optional("at_most", PACE, "How often each actor may use it on each device, in a sliding time."),
        optional("max_step", Shape::Number, "The largest change of a value against the one before."),
        optional("opposite_after", DURATION, "The least time between commands of a point in opposite directions."),
        optional("max_change", PACE, "How much the changes of a point may sum up to, in a sliding time."),
        optional(
            "reply",
            REPLIES,
            "How the device is expected to reply: words, and Modbus exceptions or DNP3 control statuses.",
        ),
        optional("reply_within", DURATION, "Within what time success has to come; `reply` is `success` if left out."),
    ]],
};

/// One reply that is expected, or a list.
const REPLIES: Shape = Shape::OneOrMore(&Shape::Either(&[
    Shape::Word(|| Replied::ALL.iter().map(|word| word.name()).collect()),
    Shape::Whole(1, 127),
]));

/// So much in a time.
const PACE: Shape = Shape::Form("^[0-9]+(\\.[0-9]+)? */ *(s|min|h|d)$", "6/min");

pub(crate) static WINDOW: Table = Table {
    what: "a window",
    meaning: "A time: hours of some days of each week, or once from a start to an end.",
    keys: &[&[
        optional("days", Shape::OneOrMore(&Shape::Word(|| DAYS.to_vec())), "Days of the week on which it begins."),
        optional("from", CLOCK, "The time of day at which it begins."),
        optional("to", CLOCK, "The time of day at which it ends; on the next day if it is not later than `from`."),
        optional("utc_offset", OFFSET, "How far the site's clock is ahead of UTC, all year; UTC if left out."),
        optional("start", MOMENT, "Date and time at which it begins, if it is there once."),
        optional("end", MOMENT, "Date and time at which it ends."),
    ]],
};

/// The days of a week, as windows name them.
pub(crate) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const CLOCK: Shape = Shape::Form("^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", "06:00");
const OFFSET: Shape = Shape::Form("^(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])$", "+01:00");
pub(crate) const MOMENT: Shape =
    Shape::Form("^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}.*$", "2026-03-01T22:00:00+01:00");

pub(crate) static VALUE: Table = Table {
    what: "a value range",
    meaning: "The values that may be written, in engineering units.",
    keys: &[&[
        optional("min", Shape::Number, "The least value."),
        optional("max", Shape::Number, "The greatest value."),
        optional("step", Shape::Number, "How far the values are apart, counted from `min`, or from 0 without it."),
        optional("one_of", Shape::List(&Shape::Number), "The only values, instead of a range."),
        optional("unit", Shape::Text, "Unit of measure; must be that of the points."),
    ]],
};

pub(crate) static CADENCE: Table = Table {
    what: "a cadence",
    meaning: "The rhythm in which an actor polls a device; an alert for what departs from it.",
    keys: &[&[
        optional("name", Shape::Text, "Shown in alerts."),
        required("actor", Shape::Text, "The actor, by name."),
        required("device", Shape::Text, "The device, by name."),
        optional("also", Shape::OneOrMore(&POLL), "Polls that may come at any time."),
        optional("cycles", Shape::OneOrMore(&Shape::Table(&CYCLE)), "Polls that follow each other, again and again."),
    ]],
};

pub(crate) static CYCLE: Table = Table {
    what: "a cycle",
    meaning: "Polls that follow each other, again and again.",
    keys: &[&[
        required("polls", Shape::OneOrMore(&POLL), "The polls of a round, in their order."),
        optional("every", BAND, "The least and the greatest time from the beginning of a round to that of the next."),
        optional("within", DURATION, "The time that a round takes at most."),
    ]],
};

/// What is asked for, such as a span of addresses, a class, objects of a group, or a function.
const POLL: Shape = Shape::Form("^[a-z-]+ +[a-z].*$", "read holding-register 0..9");
const BAND: Shape =
    Shape::Form("^[0-9]+(\\.[0-9]+)? *(ms|s|min|h|d) *\\.\\. *[0-9]+(\\.[0-9]+)? *(ms|s|min|h|d)$", "0.9 s..1.1 s");

pub(crate) static INVARIANT: Table = Table {
    what: "an invariant",
    meaning: "What must hold of the process at all times; an alert when it does not.",
    keys: &[&[
        required("name", Shape::Text, "Shown in alerts; unique over all files."),
        required("must", Shape::Text, "A condition on points, 8 at most; what is not known breaks nothing."),
        required("severity", Shape::Word(|| Severity::ALL.iter().map(|word| word.name()).collect()), "How bad it is."),
        optional("for", DURATION, "It is broken once it has been false for so long; at once if left out."),
        optional("technique", Shape::Word(techniques), "An id of ATT&CK for ICS, current or superseded."),
    ]],
};

pub(crate) static RULE: Table = Table {
    what: "a rule",
    meaning: "Raises an alert by itself.",
    keys: &[&[
        required(
            "sid",
            Shape::Whole(1, u32::MAX as i64),
            "Signature id, unique over all files; 1000001 to 1999999 are tagout's.",
        ),
        required("signature", Shape::Text, "What the alert says."),
        required("severity", Shape::Word(|| Severity::ALL.iter().map(|word| word.name()).collect()), "How bad it is."),
        optional("technique", Shape::Word(techniques), "An id of ATT&CK for ICS, current or superseded."),
        optional("atlas", ATLAS, "An id of MITRE ATLAS."),
        optional("owasp", OWASP, "An id of OWASP's lists for agentic applications (ASI) or language models (LLM)."),
        optional("category", Shape::Text, "Suricata's classification."),
        optional("on_action", ACTIONS, "Actions that trigger it."),
        optional(
            "on_verdict",
            Shape::OneOrMore(&Shape::Word(|| Judgement::ALL.iter().map(|word| word.name()).collect())),
            "What the permits must say of exchanges with these actions; anything if left out.",
        ),
        optional(
            "on_outcome",
            Shape::OneOrMore(&Shape::Word(|| outcomes().iter().map(|word| word.name()).collect())),
            "How exchanges with these actions must end; left out, it looks at the request already where its fields allow.",
        ),
        optional(
            "on_anomaly",
            Shape::OneOrMore(&Shape::Word(|| AnomalyKind::ALL.iter().map(|word| word.name()).collect())),
            "Anomalies that trigger it.",
        ),
        optional(
            "on_process",
            Shape::OneOrMore(&Shape::Word(|| ProcessEvent::ALL.iter().map(|word| word.name()).collect())),
            "What happens to points that triggers it.",
        ),
        optional(
            "on_cadence",
            Shape::OneOrMore(&Shape::Word(|| CadenceEvent::ALL.iter().map(|word| word.name()).collect())),
            "What departs from cadences that triggers it.",
        ),
        optional("when", Shape::Text, "A condition that must hold."),
        optional(
            "per",
            Shape::OneOrMore(&Shape::Word(fields)),
            "Fields by whose values it counts and remembers; client, station and action if left out.",
        ),
        optional("once", Shape::Boolean, "Fires only the first time, per key."),
        optional("warm_up", DURATION, "With `once`: what is new so soon after the start is taken for known."),
        optional("count", Shape::Whole(2, 65535), "Fires from this many matches `within` a time on, per key."),
        optional("distinct", Shape::Word(fields), "With `count`: counts different values of this field, 16 at most."),
        optional(
            "sequence",
            Shape::List(&Shape::Text),
            "Conditions of 2 to 16 steps: fires when each held in turn `within` a time, per key.",
        ),
        optional(
            "absent",
            Shape::Text,
            "A condition on a later exchange with these actions: fires when it did not hold `within` a time, per key.",
        ),
        optional("within", DURATION, "In what time; measured in eighths, so that up to one eighth less may count."),
        optional("for", DURATION, "Fires once `when` has held for so long, per key, at each look."),
        optional("rearm", DURATION, "After it fired it is silent for so long, per key."),
    ]],
};

pub(crate) static SUPPRESS: Table = Table {
    what: "a suppression",
    meaning: "Alerts that are counted instead of given. Whatever it says must apply.",
    keys: &[&[
        required("name", Shape::Text, "Under which they are counted; unique over all files."),
        required("reason", Shape::Text, "Why nobody wants to see them."),
        optional(
            "rules",
            Shape::OneOrMore(&Shape::Either(&[Shape::Whole(1, u32::MAX as i64), Shape::Text])),
            "Rules by sid or signature, and reasons of violations; left out, everything but violations of high severity.",
        ),
        optional("actor", NAMES, "Actors, by name; `*` and `?` as in permits."),
        optional("device", NAMES, "Devices, by name; the same."),
        optional("points", NAMES, "Points of these devices, by name; all that is touched must be among them."),
        optional("when", Shape::Text, "A condition that must hold; what is not known does not."),
        optional(
            "until",
            Shape::Form("^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}.*)?$", "2026-06-30"),
            "The last day, in UTC, or the time from which on they are given again.",
        ),
    ]],
};

/// A time with its unit.
pub(crate) const DURATION: Shape = Shape::Form("^[0-9]+(\\.[0-9]+)? *(ms|s|min|h|d)$", "30 s");
const ATLAS: Shape = Shape::Form("^AML\\.T[0-9]{4}(\\.[0-9]{3})?$", "AML.T0051");
const OWASP: Shape = Shape::Form("^(ASI|LLM)[0-9]{2}$", "ASI02");

/// How an exchange can end.
pub(crate) fn outcomes() -> Vec<Outcome> {
    Outcome::ALL.iter().copied().filter(|outcome| *outcome != Outcome::Pending).collect()
}

fn fields() -> Vec<&'static str> {
    Field::ALL.iter().map(|field| field.name()).collect()
}

fn techniques() -> Vec<&'static str> {
    let superseded = TECHNIQUES.iter().flat_map(|technique| technique.superseded.iter().copied());
    let mut ids: Vec<_> = TECHNIQUES.iter().map(|technique| technique.id).chain(superseded).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
