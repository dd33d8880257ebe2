//! Cadences, from names to numbers.

use std::collections::BTreeMap;

use crate::diagnostic::Report;
use crate::model::{Cadence, Model, Poll};
use crate::resolve::unknown;
use crate::source::Spanned;

/// A cadence whose actor and device are numbers.
pub(crate) struct Channel {
    pub(crate) device: u16,
    pub(crate) actor: u16,
    pub(crate) cadence: Cadence,
}

/// Numbers of cycles and polls have 16 bits; the last of them says that there is none.
const MOST: usize = 65_535;

/// Resolves all cadences, in the order of the image: by device and actor.
pub(crate) fn resolve(model: &mut Model, report: &mut Report<'_>) -> Vec<Channel> {
    let cadences = std::mem::take(&mut model.cadences);
    let actors: Vec<_> = model.actors.iter().map(|actor| actor.name.value.as_str()).collect();
    let devices: Vec<_> = model.devices.iter().map(|device| device.name.value.as_str()).collect();
    let mut channels = Vec::new();
    for cadence in cadences {
        check_polls(&cadence, report);
        let actor = number("actor", &cadence.actor, &actors, report);
        let device = number("device", &cadence.device, &devices, report);
        if let (Some(actor), Some(device)) = (actor, device) {
            channels.push(Channel { device, actor, cadence });
        }
    }
    channels.sort_by_key(|channel| (channel.device, channel.actor, channel.cadence.span));
    for pair in channels.windows(2) {
        if let [first, second] = pair
            && (first.device, first.actor) == (second.device, second.actor)
        {
            let draft = report.error(second.cadence.span, "a second cadence of this actor on this device");
            draft.related(first.cadence.span, "the first is here").help("put its cycles into the first".to_owned());
        }
    }
    limits(&channels, report);
    channels
}

/// The number of a name; patterns stand for none, since each channel has a rhythm of its own.
fn number(what: &str, name: &Spanned<String>, known: &[&str], report: &mut Report<'_>) -> Option<u16> {
    let found = known.iter().position(|known| *known == name.value).and_then(|place| u16::try_from(place).ok());
    if found.is_none() && name.value.contains(['*', '?']) {
        report
            .error(name.span, format!("`{}` stands for any number of them", name.value))
            .expected(format!("one {what}"));
    } else if found.is_none() {
        unknown(what, name, known.to_vec(), report);
    }
    found
}

/// A poll stands in one place, so that what follows on it is not in doubt.
fn check_polls(cadence: &Cadence, report: &mut Report<'_>) {
    let mut seen = BTreeMap::new();
    for poll in polls(cadence) {
        if let Some(first) = seen.insert(poll.key, poll.span) {
            let draft = report.error(poll.span, format!("`{}` stands in this cadence twice", poll.text));
            draft.related(first, "the first is here");
        }
    }
}

/// The polls of a cadence in the order of the image.
pub(crate) fn polls(cadence: &Cadence) -> impl Iterator<Item = &Poll> {
    cadence.cycles.iter().flat_map(|cycle| &cycle.polls).chain(&cadence.also)
}

fn limits(channels: &[Channel], report: &mut Report<'_>) {
    let (mut of_cycles, mut of_polls) = (0, 0);
    for Channel { cadence, .. } in channels {
        of_cycles += cadence.cycles.len();
        of_polls += polls(cadence).count();
        if of_cycles > MOST || of_polls > MOST {
            let draft = report.error(cadence.span, "too many polls");
            draft.label(format!("the cadences of a policy have at most {MOST} together"));
            return;
        }
    }
}
