use super::application::Fragment;
use super::link::{self, MAX_USER_DATA};
use super::touch::touches;
use super::transport::{Assembler, Progress, Segment};
use super::{action, is_refusal};
use crate::Scan;

/// What a stream's bytes hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Census {
    /// Whole link frames.
    pub frames: u64,
    /// Bytes in no whole link frame, an unfinished one at the end included.
    pub stray_bytes: u64,
    /// Octets of transport segments that became part of no fragment.
    pub lost_bytes: u64,
    /// Application fragments.
    pub fragments: u64,
    /// Fragments that change state, configuration or availability.
    pub commands: u64,
    /// Responses that refuse what was asked.
    pub refusals: u64,
    /// Object headers.
    pub headers: u64,
    /// Objects and indexes behind them.
    pub points: u64,
    /// Runs of addresses that requests touch.
    pub touches: u64,
    /// Fragments whose object headers could not be followed to their end.
    pub faults: u64,
}

/// Reads all of a stream, down to its last point, and counts. Fragments longer than `buffer` are lost; all of them are
/// taken as one sender's.
pub fn census(mut stream: &[u8], buffer: &mut [u8]) -> Census {
    let mut census = Census::default();
    let mut assembler = Assembler::new();
    while !stream.is_empty() {
        let len = match link::scan(stream) {
            Scan::Unit { len } => {
                census.frame(stream, &mut assembler, buffer);
                len
            }
            Scan::Partial { .. } => {
                count(&mut census.stray_bytes, stream.len());
                stream.len()
            }
            Scan::Damaged { skip, .. } => {
                count(&mut census.stray_bytes, skip);
                skip
            }
        };
        stream = stream.get(len..).unwrap_or_default();
    }
    census
}

impl Census {
    fn frame(&mut self, bytes: &[u8], assembler: &mut Assembler, buffer: &mut [u8]) {
        count(&mut self.frames, 1);
        let Some((_, data)) = link::parse(bytes).filter(|(header, _)| header.carries_segment()) else { return };
        let mut user_data = [0; MAX_USER_DATA];
        let Some(segment) = Segment::parse(data.copy_to(&mut user_data)) else { return };
        let step = assembler.push(segment, buffer);
        count(&mut self.lost_bytes, step.loss.map_or(0, |loss| loss.bytes as usize));
        if let Progress::Complete(fragment) = step.progress {
            self.fragment(fragment);
        }
    }

    fn fragment(&mut self, bytes: &[u8]) {
        count(&mut self.fragments, 1);
        let Some(fragment) = Fragment::parse(bytes) else { return };
        count(&mut self.headers, fragment.headers().flatten().count());
        count(&mut self.points, fragment.headers().flatten().map(|header| header.points().count()).sum());
        count(&mut self.touches, touches(&fragment).count());
        count(&mut self.faults, usize::from(fragment.fault().is_some()));
        count(&mut self.refusals, usize::from(is_refusal(&fragment)));
        let is_command = action(fragment.function, fragment.headers()).is_command();
        count(&mut self.commands, usize::from(is_command && !fragment.function.is_response()));
    }
}

fn count(counter: &mut u64, more: usize) {
    *counter = counter.saturating_add(more as u64);
}
