//! MITRE ATT&CK for ICS: the techniques that alerts name, and how bad an unexpected action is.

use crate::{Action, IntentFinding, IntentMode, Reason, Severity};

/// The version of ATT&CK whose ids the table carries.
pub const VERSION: &str = "19";

/// One technique.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Technique {
    /// Its id in ATT&CK [`VERSION`].
    pub id: &'static str,
    /// Its name; a sub-technique's follows its parent's, as in `Unauthorized Message: Command Message`.
    pub name: &'static str,
    /// Ids that earlier versions gave it.
    pub superseded: &'static [&'static str],
}

impl Technique {
    /// The technique that this id names, now or in an earlier version.
    pub fn by_id(id: &str) -> Option<&'static Self> {
        TECHNIQUES.into_iter().find(|technique| technique.id == id || technique.superseded.contains(&id))
    }

    /// What an action that no permit covers amounts to.
    pub const fn of_violation(action: Action, reason: Reason) -> &'static Self {
        match (action, reason) {
            (_, Reason::Reply) => &BLOCKED_COMMAND,
            (Action::Write, Reason::Value | Reason::NotAllowed | Reason::Step | Reason::Change) => &PARAMETER,
            (Action::Write | Action::Operate | Action::DirectOperate, Reason::Pace | Reason::Reversal) => &BRUTE_FORCE,
            (Action::Read, _) => &MONITOR,
            (Action::Restart, _) => &RESTART,
            (Action::ListenOnly, _) => &DENIAL,
            (Action::DisableUnsolicited, _) => &BLOCKED_REPORT,
            (Action::Configure, _) => &MODE,
            (Action::Identify | Action::Diagnostics, _) => &INFORMATION,
            _ => &COMMAND,
        }
    }
}

impl Severity {
    /// One step less bad, but not less than low: an attempt that failed is one still.
    pub const fn lower(self) -> Self {
        match self {
            Self::High => Self::Medium,
            Self::Medium | Self::Low => Self::Low,
            Self::Informational => Self::Informational,
        }
    }

    /// How bad an action is that no permit covers.
    pub const fn of_violation(action: Action) -> Self {
        match action {
            Action::Other => Self::Medium,
            action if action.is_command() => Self::High,
            _ => Self::Low,
        }
    }

    /// How bad it is that a command was not declared so, or that something is wrong with a declaration.
    pub const fn of_intent(finding: IntentFinding, mode: IntentMode) -> Self {
        match (mode, finding) {
            (IntentMode::Observed, _) => Self::Informational,
            (_, finding) if finding.is_informational() => Self::Informational,
            (_, IntentFinding::None | IntentFinding::Value | IntentFinding::Point | IntentFinding::BadSignature) => {
                Self::High
            }
            _ => Self::Medium,
        }
    }
}

macro_rules! techniques {
    ($($short:ident = $id:literal, $name:literal $(, was $old:literal)?;)+) => {
        $(static $short: Technique = Technique { id: $id, name: $name, superseded: &[$($old)?] };)+

        /// The techniques that rules may name. Version 19 moved messages blocked and unauthorized under techniques of
        /// their own.
        pub static TECHNIQUES: [&Technique; [$($id),+].len()] = [$(&$short),+];
    };
}

techniques! {
    MONITOR = "T0801", "Monitor Process State";
    COLLECTION = "T0802", "Automated Collection";
    BRUTE_FORCE = "T0806", "Brute Force I/O";
    DENIAL = "T0814", "Denial of Service";
    RESTART = "T0816", "Device Restart/Shutdown";
    MIDDLE = "T0830", "Adversary-in-the-Middle";
    CONTROL = "T0831", "Manipulation of Control";
    VIEW = "T0832", "Manipulation of View";
    PARAMETER = "T0836", "Modify Parameter";
    DISCOVERY = "T0846", "Remote System Discovery";
    DOWNLOAD = "T0843", "Program Download";
    UPLOAD = "T0845", "Program Upload";
    ROGUE = "T0848", "Rogue Master";
    MODE = "T0858", "Change Operating Mode";
    IDENTIFICATION = "T0861", "Point & Tag Identification";
    ALARMS = "T0878", "Alarm Suppression";
    INFORMATION = "T0888", "Remote System Information Discovery";
    BLOCKED_COMMAND = "T1691.001", "Block Operational Technology Message: Command Message", was "T0803";
    BLOCKED_REPORT = "T1691.002", "Block Operational Technology Message: Reporting Message", was "T0804";
    COMMAND = "T1692.001", "Unauthorized Message: Command Message", was "T0855";
    REPORT = "T1692.002", "Unauthorized Message: Reporting Message", was "T0856";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn superseded_ids_name_their_successors() {
        assert_eq!(Technique::by_id("T0855").map(|technique| technique.id), Some("T1692.001"));
        assert_eq!(Technique::by_id("T1692.001"), Technique::by_id("T0855"));
        assert_eq!(Technique::by_id("T9999"), None);
    }

    #[test]
    fn ids_are_unambiguous() {
        for technique in TECHNIQUES {
            for id in technique.superseded.iter().chain([&technique.id]) {
                assert_eq!(Technique::by_id(id), Some(technique));
            }
        }
    }

    #[test]
    fn commands_weigh_more_than_reads() {
        assert_eq!(Severity::of_violation(Action::Write), Severity::High);
        assert_eq!(Severity::of_violation(Action::Restart), Severity::High);
        assert_eq!(Severity::of_violation(Action::Read), Severity::Low);
        assert_eq!(Severity::of_violation(Action::Other), Severity::Medium);
    }
}
