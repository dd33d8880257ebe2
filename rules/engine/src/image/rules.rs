//! Rules.

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Extent, Place, Text, record};
use crate::Threshold;

record! {
    /// A detection.
    Rule {
        /// Signature id.
        sid: U32,
        /// Number of the [`Severity`](crate::Severity).
        severity: u8,
        /// Number of the [`Threshold`](crate::Threshold).
        threshold: u8,
        /// Set of [`Action`](crate::Action)s by their bits.
        actions: U32,
        /// Set of [`Judgement`](crate::Judgement)s by their bits: what the permits say of an exchange with these actions.
        verdicts: u8,
        /// Set of [`Outcome`](crate::Outcome)s by their bits: the rule looks when an exchange ends so. None: it looks at
        /// the request.
        outcomes: u8,
        /// Set of [`AnomalyKind`](crate::AnomalyKind)s by their bits.
        anomalies: U64,
        /// Set of [`ProcessEvent`](crate::ProcessEvent)s by their bits.
        process: u8,
        /// Set of [`CadenceEvent`](crate::CadenceEvent)s by their bits.
        cadence: u8,
        /// 1 for a rule that looks at each point or address that is touched, else 0.
        items: u8,
        /// 1 for a rule whose condition names the devices that it is about, else 0: then it stands in the lists of these,
        /// and in no list of a trigger.
        by_device: u8,
        /// Set of [`Setting`](crate::Setting)s in which it may hold.
        settings: U16,
        /// What must hold, or [`NO_CONDITION`](super::NO_CONDITION).
        when: U16,
        /// Fields of its key, in the rule fields.
        per: Extent,
        /// Conditions of its steps, in the rule steps.
        steps: Extent,
        /// Number of the field whose different values count, or [`NO_FIELD`](super::NO_FIELD).
        distinct: u8,
        /// How many matches or different values fire it.
        count: U16,
        /// The time that they, its steps or what lasts may or must take.
        within_ms: U32,
        /// For how long it is silent for a key after it fired.
        rearm_ms: U32,
        /// For how long after the beginning it takes what is new for known.
        warm_up_ms: U32,
        /// What it says.
        signature: Text,
        /// Suricata's classification; may be empty.
        category: Text,
        /// Id of the [`Technique`](crate::attack::Technique); may be empty.
        technique: Text,
        /// Id of a technique of MITRE ATLAS; may be empty.
        atlas: Text,
        /// Id of a risk of the OWASP lists for agents and language models; may be empty.
        owasp: Text,
        /// Where it stands.
        source: Place,
    }
}

impl Rule {
    /// Whether its condition must hold at all times.
    pub const fn is_invariant(&self) -> bool {
        self.threshold == Threshold::Invariant.number()
    }

    /// Whether an exchange, an anomaly, what happens to a point or what departs from a cadence makes it look.
    pub fn has_triggers(&self) -> bool {
        self.actions.get() != 0 || self.anomalies.get() != 0 || self.process != 0 || self.cadence != 0
    }
}
