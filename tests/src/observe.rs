//! A sensor with tables of test size, run over a capture.

use tagout_core::engine::Policy;
use tagout_core::{
    AssemblySlot, BLOCK_LEN, Block, Config, Counters, FirstSlot, FlowSlot, Frame, LinkType, Links, Output, PendingSlot,
    Protocol as Carried, Sensor, Storage, Timestamp, wire::FragmentSlot,
};

use crate::generate::Capture;
use crate::plant::Protocol;

const FLOWS: usize = 512;
const PENDINGS: usize = 1024;
const ASSEMBLIES: usize = 64;
const FRAGMENT_BYTES: usize = 2048;
const DATAGRAMS: usize = 32;
const DATAGRAM_BYTES: usize = 65_536;
const FIRSTS: usize = 1024;
const STREAM_BLOCKS: usize = 4096;
const REQUEST_BLOCKS: usize = 4096;

/// The tables that a [`Storage`] borrows.
struct Tables {
    flows: Vec<FlowSlot>,
    flow_buckets: Vec<u32>,
    hole_links: Vec<Links>,
    stream_blocks: Vec<Block>,
    stream_bytes: Vec<u8>,
    recent: Vec<u8>,
    pendings: Vec<PendingSlot>,
    pending_links: Vec<Links>,
    request_blocks: Vec<Block>,
    request_bytes: Vec<u8>,
    assemblies: Vec<AssemblySlot>,
    assembly_buckets: Vec<u32>,
    assembly_bytes: Vec<u8>,
    firsts: Vec<FirstSlot>,
    first_buckets: Vec<u32>,
    datagrams: Vec<FragmentSlot>,
    datagram_bytes: Vec<u8>,
    scratch: Vec<u8>,
}

impl Tables {
    fn new() -> Self {
        Self {
            flows: many(FLOWS),
            flow_buckets: many(2 * FLOWS),
            hole_links: many(2 * FLOWS),
            stream_blocks: many(STREAM_BLOCKS),
            stream_bytes: many(STREAM_BLOCKS * BLOCK_LEN),
            recent: many(1 << 20),
            pendings: many(PENDINGS),
            pending_links: many(3 * PENDINGS),
            request_blocks: many(REQUEST_BLOCKS),
            request_bytes: many(REQUEST_BLOCKS * BLOCK_LEN),
            assemblies: many(ASSEMBLIES),
            assembly_buckets: many(ASSEMBLIES),
            assembly_bytes: many(ASSEMBLIES * FRAGMENT_BYTES),
            firsts: many(FIRSTS),
            first_buckets: many(FIRSTS),
            datagrams: many(DATAGRAMS),
            datagram_bytes: many(DATAGRAMS * DATAGRAM_BYTES),
            scratch: many(FRAGMENT_BYTES),
        }
    }

    fn lend(&mut self) -> Storage<'_> {
        Storage {
            flows: &mut self.flows,
            flow_buckets: &mut self.flow_buckets,
            hole_links: &mut self.hole_links,
            stream_blocks: &mut self.stream_blocks,
            stream_bytes: &mut self.stream_bytes,
            recent: &mut self.recent,
            pendings: &mut self.pendings,
            pending_links: &mut self.pending_links,
            request_blocks: &mut self.request_blocks,
            request_bytes: &mut self.request_bytes,
            assemblies: &mut self.assemblies,
            assembly_buckets: &mut self.assembly_buckets,
            assembly_bytes: &mut self.assembly_bytes,
            firsts: &mut self.firsts,
            first_buckets: &mut self.first_buckets,
            datagrams: &mut self.datagrams,
            datagram_bytes: &mut self.datagram_bytes,
            scratch: &mut self.scratch,
        }
    }
}

fn many<T: Default + Clone>(count: usize) -> Vec<T> {
    vec![T::default(); count]
}

/// Runs a sensor over a capture, with `protocol` expected on `port` too, and returns what it counted.
pub fn observe(
    capture: &Capture,
    protocol: Protocol,
    port: u16,
    policy: Policy<'_>,
    output: &mut impl Output,
) -> Counters {
    let mut tables = Tables::new();
    let mut sensor = Sensor::new(config(protocol, port), policy, tables.lend());
    for (number, captured) in (1..).zip(capture.frames()) {
        let frame = Frame {
            number,
            time: Timestamp(captured.time_ns),
            link: LinkType::Ethernet,
            bytes: &captured.bytes,
            wire_len: captured.wire_len,
        };
        sensor.frame(&frame, output);
    }
    sensor.finish(output);
    *sensor.counters()
}

fn config(protocol: Protocol, port: u16) -> Config {
    let mut config = Config::default();
    let carried = match protocol {
        Protocol::Modbus => Carried::Modbus,
        Protocol::Dnp3 => Carried::Dnp3,
    };
    if config.protocol(port).is_none() {
        config.ports.push((port, carried)).expect("there is room for one more port");
    }
    config
}
