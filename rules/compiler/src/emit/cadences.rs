//! How devices are polled.

use tagout_engine::image::{self, ANY_TIME, Extent, Section};
use zerocopy::little_endian::U16;

use super::sections::Image;
use super::{Words, extent, id};
use crate::cadences::Channel;
use crate::model::Poll;
use crate::resolve::Resolved;

/// Cycles and polls in the making.
#[derive(Default)]
struct Polling {
    cycles: Vec<image::Cycle>,
    polls: Vec<image::Poll>,
    index: Vec<U16>,
}

impl Words<'_> {
    pub(super) fn cadences(&mut self, policy: &Resolved, image: &mut Image) {
        let mut polling = Polling::default();
        let cadences: Vec<_> = policy.channels.iter().map(|channel| self.cadence(channel, &mut polling)).collect();
        image.put(Section::Cadences, &cadences);
        image.put(Section::Cycles, &polling.cycles);
        image.put(Section::Polls, &polling.polls);
        image.put(Section::PollIndex, &polling.index);
    }

    fn cadence(&mut self, channel: &Channel, all: &mut Polling) -> image::Cadence {
        let Channel { device, actor, cadence } = channel;
        let (cycles, first) = (extent(all.cycles.len(), cadence.cycles.len()), all.polls.len());
        for cycle in &cadence.cycles {
            let polls = extent(all.polls.len(), cycle.polls.len());
            let number = id(all.cycles.len()).into();
            all.polls.extend(cycle.polls.iter().map(|poll| self.poll(poll, number)));
            all.cycles.push(image::Cycle {
                polls,
                min_ms: cycle.min_ms.into(),
                max_ms: cycle.max_ms.into(),
                within_ms: cycle.within_ms.into(),
            });
        }
        all.polls.extend(cadence.also.iter().map(|poll| self.poll(poll, ANY_TIME)));
        let mut index: Vec<_> = (first..all.polls.len()).collect();
        index.sort_by_key(|number| all.polls[*number].key.get());
        all.index.extend(index.into_iter().map(|number| U16::from(id(number))));
        image::Cadence {
            device: (*device).into(),
            actor: (*actor).into(),
            name: self.text(&cadence.name),
            source: self.place(cadence.span),
            cycles,
            polls: extent(first, all.polls.len() - first),
        }
    }

    fn poll(&mut self, poll: &Poll, cycle: U16) -> image::Poll {
        image::Poll { key: poll.key.0.into(), cycle, text: self.text(&poll.text) }
    }
}

/// The cadences of each device.
pub(super) fn device_cadences(policy: &Resolved) -> Vec<Extent> {
    let before = |device: usize| policy.channels.partition_point(|channel| usize::from(channel.device) < device);
    (0..policy.devices.len()).map(|device| extent(before(device), before(device + 1) - before(device))).collect()
}
