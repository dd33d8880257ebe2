//! What the closed texts of a condition may be compared with.

use tagout_engine::{Action, ActorKind, AnomalyKind, CadenceEvent, Field, Layer, ProcessEvent, Slip, Space};

use crate::resolve::Names;

/// Every value that a text field can have; `None` where any is possible.
pub(super) fn of_field<'n>(field: Field, names: &Names<'n>) -> Option<Vec<&'n str>> {
    let words: &[&str] = match field {
        Field::Actor | Field::CommandBefore => return Some(names.actors()),
        Field::Device => return Some(names.devices()),
        Field::CommandPoint | Field::ProcessPoint => return Some(names.points()),
        Field::ProcessEvent => return Some(ProcessEvent::ALL.iter().map(|word| word.name()).collect()),
        Field::CadenceEvent => return Some(CadenceEvent::ALL.iter().map(|word| word.name()).collect()),
        Field::ActorKind => return Some(ActorKind::ALL.iter().map(|word| word.name()).collect()),
        Field::Action => return Some(Action::ALL.iter().map(|word| word.name()).collect()),
        Field::CommandSpace => return Some(Space::ALL.iter().map(|word| word.name()).collect()),
        Field::AnomalyKind => return Some(AnomalyKind::ALL.iter().map(|word| word.name()).collect()),
        Field::AnomalyLayer => return Some(Layer::ALL.iter().map(|word| word.name()).collect()),
        Field::Transport => &["tcp", "udp", "serial", "link"],
        Field::Protocol => &["modbus", "dnp3"],
        Field::Verdict => &["permitted", "unexpected", "unjudged"],
        Field::Outcome => &["answered", "refused", "no-response-due", "unanswered", "unrequested"],
        Field::CommandSlip => return Some(Slip::ALL.iter().map(|word| word.name()).collect()),
        _ => return None,
    };
    Some(words.to_vec())
}

/// The qualities of a point.
pub(super) const QUALITIES: [&str; 2] = ["good", "bad"];
