use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tagout_tests::mirror::Mirror;
use tagout_tests::workload::{Plant, Workload};

use crate::PORT;

/// Blocks of each workload that are made beforehand, and sent over and over: connections begin anew each time.
const BLOCKS: u32 = 24;
/// Nothing is due for so long at most.
const NAP: Duration = Duration::from_micros(100);

/// Where these begin in a frame of IPv4 without options or VLAN.
const SEQUENCE_NUMBER: usize = 38;
const ACKNOWLEDGEMENT_NUMBER: usize = 42;
const TCP_CHECKSUM: usize = 50;

/// The other side of the sensor's interface, with what it sends.
pub(crate) struct Wire<'a> {
    mirror: &'a Mirror,
    frames: Vec<Vec<u8>>,
    /// How many were sent: the next one goes on from there.
    sent: AtomicUsize,
}

/// What was sent.
pub(crate) struct Sent {
    /// Frames that came in at the sensor's interface.
    pub(crate) arrived: u64,
    /// How long that took.
    pub(crate) took: Duration,
}

impl Sent {
    /// Frames a second.
    pub(crate) fn rate(&self) -> f64 {
        self.arrived as f64 / self.took.as_secs_f64()
    }
}

impl<'a> Wire<'a> {
    pub(crate) fn new(mirror: &'a Mirror) -> Self {
        let workloads = |block| [Workload::Modbus, Workload::Dnp3].map(|workload| workload.block(block, Plant::Fixed));
        let captures = (0..BLOCKS).flat_map(workloads);
        let frames =
            captures.flat_map(|capture| capture.frames().iter().map(|frame| frame.bytes.clone()).collect::<Vec<_>>());
        Self { mirror, frames: frames.collect(), sent: AtomicUsize::new(0) }
    }

    /// Sends at this rate for so long.
    pub(crate) fn send(&self, rate: f64, time: Duration) -> io::Result<Sent> {
        let before = self.received()?;
        let took = self.mirror.at_wire(PORT, |wire| self.play(wire, rate, time))?;
        Ok(Sent { arrived: self.received()? - before, took })
    }

    fn play(&self, wire: &str, rate: f64, time: Duration) -> io::Result<Duration> {
        let port = pcap::Capture::from_device(wire).and_then(pcap::Capture::open);
        let mut port = port.map_err(io::Error::other)?;
        let start = Instant::now();
        let before = self.sent.load(Ordering::Relaxed);
        let (mut next, mut frame) = (before, Vec::new());
        let mut sent = 0;
        while start.elapsed() < time {
            let due = (start.elapsed().as_secs_f64() * rate) as u64;
            if sent >= due {
                thread::sleep(NAP);
            }
            // A frame for which there is no room does not come in, and is not counted.
            for _ in sent..due {
                self.frame(next, &mut frame);
                let _ = port.sendpacket(&frame[..]);
                next += 1;
            }
            sent = due;
        }
        self.sent.store(next, Ordering::Relaxed);
        Ok(start.elapsed())
    }

    /// The frame of this number. Once all were sent they come anew as connections with other sequence numbers, since
    /// what is repeated within a connection says nothing new.
    fn frame(&self, number: usize, frame: &mut Vec<u8>) {
        frame.clear();
        frame.extend_from_slice(&self.frames[number % self.frames.len()]);
        let turn = (number / self.frames.len()) as u16;
        [SEQUENCE_NUMBER, ACKNOWLEDGEMENT_NUMBER].into_iter().for_each(|field| raise(frame, field, turn));
    }

    fn received(&self) -> io::Result<u64> {
        self.mirror.received(PORT).map_err(io::Error::other)
    }
}

/// Adds to the two bytes at a field, and keeps the checksum right (RFC 1624 section 3).
fn raise(frame: &mut [u8], field: usize, by: u16) {
    let [sum, old] = [TCP_CHECKSUM, field].map(|at| u16::from_be_bytes([frame[at], frame[at + 1]]));
    let new = old.wrapping_add(by);
    let changed = [!sum, !old, new].map(u32::from).iter().sum::<u32>();
    let folded = (changed & 0xffff) + (changed >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    frame[field..field + 2].copy_from_slice(&new.to_be_bytes());
    frame[TCP_CHECKSUM..TCP_CHECKSUM + 2].copy_from_slice(&(!(folded as u16)).to_be_bytes());
}
