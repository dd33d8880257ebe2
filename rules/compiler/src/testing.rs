//! `[[tests]]`: what a policy says of itself, with names resolved. Running them is left to who can make frames of them.

mod octets;
mod resolve;

use tagout_engine::{Action, Endpoint, Grade, IntentFinding, Judgement, Reason, Space};

use crate::deed::Deed;
use crate::source::Location;

pub(crate) use resolve::{alarm, resolve};

/// Something that happens, and what the policy must say of it.
#[derive(Clone, Debug)]
pub struct Test {
    /// What must hold, in a sentence.
    pub name: String,
    /// Where it stands.
    pub location: Location,
    /// What happens.
    pub scene: Scene,
    /// What is declared meanwhile; `None` where nothing is held against declarations.
    pub intents: Option<Vec<Declared>>,
    /// Whether nothing can be heard of declarations.
    pub is_silent: bool,
    /// All its alerts; `None` where any will do.
    pub alerts: Option<Vec<Expected>>,
}

impl Test {
    /// The file of its capture, if it has one.
    pub fn capture(&self) -> Option<&str> {
        if let Scene::Capture { path, .. } = &self.scene { Some(path) } else { None }
    }
}

/// What an actor declares in a test.
#[derive(Clone, Debug)]
pub struct Declared {
    /// Who declares it.
    pub actor: String,
    /// What is to be done.
    pub deed: Deed,
    /// How many commands it covers; one if it is `None`.
    pub count: Option<u32>,
    /// The least time between two of them.
    pub pace_ms: u32,
    /// Id of the key that signs it; `None` for what a span tells.
    pub key: Option<String>,
    /// How long after the test began it comes, in milliseconds.
    pub after_ms: u32,
    /// How long it is valid from then on, in milliseconds; `None` to the end. It is so from the beginning.
    pub lasts_ms: Option<u32>,
}

/// What happens in a test.
#[derive(Clone, Debug)]
pub enum Scene {
    /// What a capture shows.
    Capture {
        /// Its file, from where the policy is compiled.
        path: String,
        /// The first and the last frame to take; all of them if it is `None`.
        frames: Option<(u64, u64)>,
    },
    /// Exchanges, one after another.
    Steps {
        /// When the first one happens, in nanoseconds since the Unix epoch.
        start: Option<u64>,
        /// The exchanges.
        steps: Vec<Step>,
    },
}

/// A request with its response, and what the policy must say of it.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it stands.
    pub location: Location,
    /// Who asks.
    pub from: Party,
    /// Whom.
    pub to: Party,
    /// What for.
    pub request: Request,
    /// What comes back.
    pub reply: Reply,
    /// How long after the request before, in milliseconds.
    pub after_ms: u32,
    /// How often in all.
    pub repeat: u32,
    /// From one to the next, in milliseconds.
    pub every_ms: u32,
    /// How well what was declared must cover it.
    pub grade: Option<Grade>,
    /// What the permits must say of it.
    pub verdict: Option<Judged>,
    /// All its alerts; `None` where any will do.
    pub alerts: Option<Vec<Expected>>,
}

/// One side of a step.
#[derive(Clone, Debug)]
pub struct Party {
    /// As the test writes it.
    pub name: String,
    /// The number of the actor or device, where it is named.
    pub number: Option<u16>,
    /// Places where it may be. Where networks overlap, somebody else may sit at some of them.
    pub places: Vec<Endpoint>,
}

/// What a step asks of a device.
#[derive(Clone, PartialEq, Debug)]
pub enum Request {
    /// Something that is done to a point.
    Point {
        /// What is done: a read, or a command that sets it.
        action: Action,
        /// Where it is.
        space: Space,
        /// Its first address.
        address: u16,
        /// How many addresses it takes.
        width: u16,
        /// What is commanded, or what a read finds.
        value: Value,
    },
    /// A Modbus PDU.
    Modbus(Vec<u8>),
    /// A DNP3 fragment.
    Dnp3(Vec<u8>),
}

/// A value as devices hold it.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// A bit.
    Bit(bool),
    /// Registers in the order of the wire, two bytes each.
    Registers(Vec<u8>),
    /// A number, of whatever type.
    Number(f64),
}

/// What a device answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// It does what it is asked.
    Accepted,
    /// It refuses with this Modbus exception or DNP3 control status.
    Refused(u8),
    /// Nothing.
    None,
    /// These bytes: a Modbus PDU or a DNP3 fragment.
    Octets(Vec<u8>),
}

/// What permits say of an exchange.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Judged {
    /// In one word.
    Judgement(Judgement),
    /// No permit covers it, for this reason.
    Because(Reason),
}

impl Judged {
    /// The verdict of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Judgement::from_name(name).map(Self::Judgement).or_else(|| Reason::from_name(name).map(Self::Because))
    }

    /// As tests write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Judgement(judgement) => judgement.name(),
            Self::Because(reason) => reason.name(),
        }
    }
}

/// Alerts that must be there.
#[derive(Clone, PartialEq, Debug)]
pub struct Expected {
    /// As the test writes it.
    pub name: String,
    /// What raises them.
    pub by: Raised,
    /// How many; at least one if it is `None`.
    pub count: Option<u32>,
    /// The frames that raise them; empty where any will do.
    pub frames: Vec<u64>,
}

/// What raises an alert.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Raised {
    /// Nothing permits it, for this reason.
    Violation(Reason),
    /// What is declared and what is done show this.
    Intent(IntentFinding),
    /// One of the rules with these sids and signatures: all invariants have one sid.
    Rules(Vec<(u32, String)>),
}
