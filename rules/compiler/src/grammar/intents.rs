//! What a policy may say of what actors declare before they command it.

use super::{DURATION, Key, MOMENT, NAMES, Shape, Table, optional, required};
use tagout_engine::{Action, IntentMode};

pub(crate) const MODE: Key = optional(
    "intents",
    Shape::Word(|| IntentMode::ALL.iter().map(|word| word.name()).collect()),
    "Its commands are held against what it declared; `observed` for the record only. Left out, nothing is.",
);

pub(crate) static INTENTS: Table = Table {
    what: "the intents",
    meaning: "What actors declare before they command it: how long to wait for it, and whom to believe.",
    keys: &[&[
        optional("hold", DURATION, "How long a verdict waits for a declaration behind its command; 10 s if left out."),
        optional("skew", DURATION, "How far the clocks of those who declare may be off; 1 s if left out."),
        optional(
            "delay",
            DURATION,
            "A span that arrives later than this after it began tells that the feed is behind.",
        ),
        optional("silence", DURATION, "After so long without a sign of life the feed of declarations is silent."),
        optional("keys", Shape::List(&Shape::Table(&KEY)), "Keys that sign declarations."),
        optional("approvals", Shape::List(&Shape::Table(&APPROVAL)), "What humans approve; it permits nothing."),
    ]],
};

pub(crate) static KEY: Table = Table {
    what: "a key",
    meaning: "A key that signs declarations of actors, or approvals of a human.",
    keys: &[&[
        required("id", Shape::Text, "Its id, unique over all files: the `kid` of what it signs."),
        required("public", PUBLIC, "Ed25519 public key: 32 octets in base64url."),
        required("actors", NAMES, "The actors that it may declare for, by name; `*` and `?` as in permits."),
        optional("approver", Shape::Text, "The human who approves with it; left out for a key of an actor."),
        optional("not_before", MOMENT, "It is valid from then on."),
        optional("expires", MOMENT, "The first time at which it is not valid any more."),
        optional("revoked", MOMENT, "The time from which on it counts as stolen."),
    ]],
};

pub(crate) static APPROVAL: Table = Table {
    what: "an approval",
    meaning: "What a human approves for some time: it counts as declared then, and permits nothing.",
    keys: &[
        &[
            required("id", Shape::Text, "Its id, unique over all files, such as the number of a change."),
            required("approver", Shape::Text, "The human who approves it."),
            required("actor", NAMES, "Actors who may do it, each for itself, by name; `*` and `?` as in permits."),
            required("during", NAMES, "Windows, by name: it is declared anew each time that one of them begins."),
        ],
        &DEED,
        &[
            optional("count", COUNT, "How many commands it covers each time; any number if left out."),
            optional("pace", DURATION, "The least time between two of them."),
            optional("reason", Shape::Text, "Why, shown in records."),
        ],
    ],
};

/// What is to be done, in approvals and in what tests declare.
pub(super) const DEED: [Key; 6] = [
    optional("device", Shape::Text, "The device, by name."),
    optional("points", NAMES, "Points of the device, by name, eight at most. Left out: whatever it touches."),
    optional("raw", Shape::OneOrMore(&RUN), "Addresses instead, eight runs at most; values are then as on the wire."),
    optional("do", Shape::Word(|| Action::ALL.iter().map(|word| word.name()).collect()), "What is to be done."),
    optional("value", Shape::Either(&[Shape::Number, Shape::Boolean]), "The value, in engineering units."),
    optional("range", Shape::Range, "The least and the greatest value, instead."),
];

/// Addresses of a space, counted from 0.
const RUN: Shape = Shape::Form("^ *[a-z-]+ +[0-9]+(\\.\\.[0-9]+)? *$", "holding-register 10..11");
pub(super) const COUNT: Shape = Shape::Whole(1, 0xFFFF_FFFF);

const PUBLIC: Shape = Shape::Form("^[A-Za-z0-9_-]{43}=?$", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
