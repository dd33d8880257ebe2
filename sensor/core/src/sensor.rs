mod declared;
mod due;
mod packet;
mod storage;

pub use storage::Storage;

use tagout_engine::{Engine, Policy, PolicyMemory, ProcessImage, Succession, Timestamp};

use crate::config::Config;
use crate::counters::{Counter, Counters};
use crate::exchange::{
    Absences, Assemblies, Associations, Desk, Dialogues, Due, Files, Firings, Folds, Hearing, Matching, Pendings,
    Selects, Stations, renamed,
};
use crate::flow::{Flow, FlowKey, Streams};
use crate::frame::Frame;
use crate::neighbours::Neighbours;
use crate::record::{Output, Seen};
use crate::store::Table;
use crate::wire::{Carried, Reassembly};

use packet::Around;

/// The whole path from frame to alert.
///
/// Call [`frame`](Self::frame) for every frame in the order of capture, [`advance`](Self::advance) when time passes
/// without frames, and [`finish`](Self::finish) at the end of the capture. Records go to the [`Output`] given with
/// each call, in an order that depends on the frames alone.
#[derive(Debug)]
pub struct Sensor<'s> {
    config: Config,
    now: Timestamp,
    reassembly: Reassembly<'s>,
    neighbours: Neighbours<'s>,
    pub(crate) flows: Table<'s, FlowKey, Flow>,
    /// The flow of the packet before: packets of one flow come in bursts.
    latest: u32,
    pub(crate) streams: Streams<'s>,
    pub(crate) desk: Desk<'s>,
}

impl<'s> Sensor<'s> {
    /// A sensor that has seen nothing yet.
    pub fn new(config: Config, policy: Policy<'s>, storage: Storage<'s>) -> Self {
        let Storage { flows, flow_buckets, hole_links, stream_blocks, stream_bytes, recent, .. } = storage;
        let Storage { pendings, pending_links, request_blocks, request_bytes, .. } = storage;
        let Storage { assemblies, assembly_buckets, assembly_bytes, .. } = storage;
        let Storage { associations, association_buckets, files, file_buckets, .. } = storage;
        let Storage { selections, selection_buckets, selection_bytes, .. } = storage;
        let Storage { datagrams, datagram_bytes, scratch, engine, .. } = storage;
        let Storage { stations, station_buckets, .. } = storage;
        let Storage { holders, holder_buckets, homes, home_buckets, .. } = storage;
        let Storage { firings, folds, fold_buckets, tallies, tally_buckets, .. } = storage;
        let Storage { absences, absence_buckets, intents, acts, .. } = storage;
        let seed = config.hash_seed;
        let pendings = Pendings::new(pendings, pending_links, request_blocks, request_bytes);
        let dnp3 = Dialogues {
            assemblies: Assemblies::new(assembly_buckets, assemblies, assembly_bytes, seed),
            associations: Associations::new(association_buckets, associations, seed),
            selects: Selects::new(selection_buckets, selections, selection_bytes, seed),
            files: Files::new(file_buckets, files, seed),
        };
        let folds = Folds::new(config.folding, (fold_buckets, folds), (tally_buckets, tallies), seed);
        Self {
            config,
            now: Timestamp(0),
            reassembly: Reassembly::new(datagrams, datagram_bytes),
            neighbours: Neighbours::new((holder_buckets, holders), (home_buckets, homes), seed),
            flows: Table::new(flow_buckets, flows, seed),
            latest: 0,
            streams: Streams::new(stream_blocks, stream_bytes, recent, hole_links),
            desk: Desk::new(
                Engine::new(policy, engine, seed),
                pendings,
                dnp3,
                Stations::new(station_buckets, stations, seed),
                (
                    Firings::new(firings),
                    folds,
                    Absences::new(absence_buckets, absences, seed),
                    Matching::new(intents, acts, seed),
                ),
                scratch,
                seed,
            ),
        }
    }

    /// Takes one captured frame.
    // Inlined, with what opens its link, where it is called: a gateway knows one link only, and has no code for others then.
    #[inline]
    pub fn frame(&mut self, frame: &Frame<'_>, output: &mut dyn Output) {
        self.advance(frame.time, output);
        self.count(Counter::Frames, 1);
        self.count(Counter::Bytes, frame.bytes.len() as u64);
        let seen = Seen { frame: frame.number, time: self.now };
        self.layer(Carried::within(frame), Around::default(), seen, output);
    }

    /// Takes bytes of a serial line as they came, both directions mixed, in pieces of any size. `seen.frame` counts the
    /// pieces; time that runs backwards is taken as standing still.
    pub fn serial(&mut self, line: u16, bytes: &[u8], seen: Seen, output: &mut dyn Output) {
        self.advance(seen.time, output);
        self.count(Counter::Frames, 1);
        self.count(Counter::Bytes, bytes.len() as u64);
        let seen = Seen { time: self.now, ..seen };
        let (key, protocol) = (FlowKey::line(line), self.config.line(line));
        let flow = || Flow::of_line(line, protocol);
        let Some(id) = self.flows.find(&key).or_else(|| self.take_in(key, flow, output)) else { return };
        self.on_flow(id, output, |streams, _, flow, hearing| {
            hearing.output.belongs(Some(flow.id));
            streams.line(flow, bytes, seen, hearing);
        });
    }

    /// Ends the capture: closes everything that is pending.
    pub fn finish(&mut self, output: &mut dyn Output) {
        self.desk.closing = true;
        while let Some((flow, side)) = self.streams.oldest_hole() {
            self.on_flow(flow, output, |streams, id, flow, hearing| streams.forget(id, flow, side, hearing));
        }
        while let Some(oldest) = self.desk.due(Due::Request) {
            self.close(Some(oldest), Due::Request, output);
        }
        while let Some(flow) = self.flows.victim() {
            self.on_flow(flow, output, |streams, _, flow, hearing| {
                streams.end(flow, hearing);
                hearing.unanswered_all(flow);
                hearing.settle_anomalies(flow);
            });
            self.flows.remove(flow);
        }
        self.finish_intents(output);
        self.desk.folds.finish(&mut self.desk.counters, output);
        let lost = self.reassembly.expire(Timestamp(u64::MAX));
        self.count(Counter::FragmentsLost, u64::from(lost));
    }

    /// Puts another policy in the place of the one in force, between two frames. `memory` is as large as it asks for, and
    /// `succession` tells which of its entries are those of the old one: what they remember goes on, as do flows, open
    /// requests and the process image. Entries without a successor are forgotten; of alerts that still wait under them,
    /// those are given at once.
    pub fn replace_policy(
        &mut self,
        policy: Policy<'s>,
        memory: PolicyMemory<'s>,
        succession: &Succession<'_>,
        output: &mut dyn Output,
    ) {
        while let Some(id) = self.desk.waits_in_vain(succession) {
            self.close(Some(id), Due::Alert, output);
            self.desk.alert_given(id);
        }
        self.desk.succeed(policy, memory, succession, output);
        for id in 0..self.flows.capacity() {
            if let Some(flow) = self.flows.get_mut(id) {
                flow.parties = renamed(&policy, flow);
            }
        }
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        let mut counters = self.desk.counters;
        counters.add(Counter::Forgotten, self.desk.engine.forgotten());
        counters
    }

    /// The policy in force.
    pub fn policy(&self) -> Policy<'s> {
        self.desk.policy
    }

    /// What is known of the process.
    pub fn process(&self) -> &ProcessImage<'s> {
        self.desk.engine.process()
    }

    fn count(&mut self, counter: Counter, by: u64) {
        self.desk.counters.add(counter, by);
    }

    /// Works on one flow.
    fn on_flow(
        &mut self,
        id: u32,
        output: &mut dyn Output,
        work: impl FnOnce(&mut Streams<'s>, u32, &mut Flow, &mut Hearing<'_, 's>),
    ) {
        if let Some(flow) = self.flows.get_mut(id) {
            let mut hearing = Hearing { desk: &mut self.desk, flow_id: id, output };
            work(&mut self.streams, id, flow, &mut hearing);
        }
    }
}
