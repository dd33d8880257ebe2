//! What the sensor tells of itself: that it sees less than it should, and what changed about it.

use tagout_core::Timestamp;
use tagout_core::engine::Severity;

/// What kind of thing happened to the sensor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NewsKind {
    /// The kernel's buffer was full.
    KernelDrops,
    /// The interface had no room.
    InterfaceDrops,
    /// Nothing comes from an interface that is up.
    Silence,
    /// Something comes again.
    SilenceOver,
    /// An interface cannot be read.
    InterfaceLost,
    /// It can be read again.
    InterfaceBack,
    /// An interface goes by another name.
    InterfaceRenamed,
    /// A policy came into force.
    PolicyLoaded,
    /// A policy did not come into force.
    PolicyRefused,
    /// The clock was set.
    ClockStepped,
    /// Alerts found no room on their way to destinations.
    AlertsLost,
    /// Somebody tries out a destination.
    Test,
}

/// How a kind is told.
struct Words {
    name: &'static str,
    signature_id: u32,
    severity: Severity,
    signature: &'static str,
}

impl NewsKind {
    /// Every kind, by signature id.
    pub const ALL: &[Self] = &[
        Self::KernelDrops,
        Self::InterfaceDrops,
        Self::Silence,
        Self::SilenceOver,
        Self::InterfaceLost,
        Self::InterfaceBack,
        Self::InterfaceRenamed,
        Self::PolicyLoaded,
        Self::PolicyRefused,
        Self::ClockStepped,
        Self::AlertsLost,
        Self::Test,
    ];

    const fn words(self) -> Words {
        let (name, signature_id, severity, signature) = match self {
            Self::KernelDrops => {
                ("kernel-drops", 1_002_001, Severity::Medium, "tagout sensor: the kernel dropped frames")
            }
            Self::InterfaceDrops => {
                ("interface-drops", 1_002_002, Severity::Medium, "tagout sensor: the interface dropped frames")
            }
            Self::Silence => ("silence", 1_002_003, Severity::Medium, "tagout sensor: no traffic on the mirror"),
            Self::SilenceOver => {
                ("silence-over", 1_002_004, Severity::Informational, "tagout sensor: traffic on the mirror again")
            }
            Self::InterfaceLost => {
                ("interface-lost", 1_002_005, Severity::High, "tagout sensor: an interface cannot be read")
            }
            Self::InterfaceBack => {
                ("interface-back", 1_002_006, Severity::Informational, "tagout sensor: an interface can be read again")
            }
            Self::InterfaceRenamed => {
                ("interface-renamed", 1_002_007, Severity::Low, "tagout sensor: an interface was renamed")
            }
            Self::PolicyLoaded => {
                ("policy-loaded", 1_002_008, Severity::Informational, "tagout sensor: a new policy is in force")
            }
            Self::PolicyRefused => {
                ("policy-refused", 1_002_009, Severity::Medium, "tagout sensor: a new policy was refused")
            }
            Self::ClockStepped => ("clock-stepped", 1_002_010, Severity::Low, "tagout sensor: the clock was set"),
            Self::AlertsLost => (
                "alerts-lost",
                1_002_011,
                Severity::High,
                "tagout sensor: alerts were lost on their way to destinations",
            ),
            Self::Test => ("test", 1_002_012, Severity::Informational, "tagout sensor: a test of this destination"),
        };
        Words { name, signature_id, severity, signature }
    }

    /// It in a word.
    pub const fn name(self) -> &'static str {
        self.words().name
    }

    /// Its signature id.
    pub const fn signature_id(self) -> u32 {
        self.words().signature_id
    }

    /// How bad it is.
    pub const fn severity(self) -> Severity {
        self.words().severity
    }

    /// It in a few words.
    pub const fn signature(self) -> &'static str {
        self.words().signature
    }

    /// The kind that stands for what ends with this one too: both belong to one incident.
    pub(crate) const fn beginning(self) -> Self {
        match self {
            Self::SilenceOver => Self::Silence,
            Self::InterfaceBack => Self::InterfaceLost,
            kind => kind,
        }
    }
}

/// Something that happened to the sensor. Told once, at most once in a while; never for a frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct News {
    /// What kind of thing.
    pub kind: NewsKind,
    /// When it happened.
    pub time: Timestamp,
    /// When what it ends began.
    pub began: Option<Timestamp>,
    /// The interface that it is about.
    pub interface: Option<String>,
    /// How much it is about.
    pub count: Option<u64>,
    /// It in a sentence or two.
    pub why: String,
}

impl News {
    /// News of the sensor as a whole.
    pub fn new(kind: NewsKind, time: Timestamp, why: impl Into<String>) -> Self {
        Self { kind, time, began: None, interface: None, count: None, why: why.into() }
    }

    /// The same about an interface.
    pub fn of_interface(self, name: &str) -> Self {
        Self { interface: Some(name.to_owned()), ..self }
    }

    /// The same about so much.
    pub fn with_count(self, count: u64) -> Self {
        Self { count: Some(count), ..self }
    }

    /// The same about the end of something.
    pub fn ending(self, began: Timestamp) -> Self {
        Self { began: Some(began), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_and_an_id_of_its_own() {
        let ids: Vec<u32> = NewsKind::ALL.iter().map(|kind| kind.signature_id()).collect();
        assert!(ids.iter().copied().eq(1_002_001..1_002_001 + ids.len() as u32), "{ids:?}");
        let mut names: Vec<_> = NewsKind::ALL.iter().map(|kind| kind.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), NewsKind::ALL.len());
    }
}
