//! Serial lines, and the end of what comes: bytes behind which nothing follows.

use super::super::line::{RTU_SILENCE_MS, SILENCE_MS};
use super::super::units::{Reader, Run};
use super::super::{Flow, Side};
use super::Streams;
use crate::modbus::framing::Framing;
use crate::record::{Protocol, Seen};

impl Streams<'_> {
    /// Takes the next bytes of a serial line.
    pub(crate) fn line(&mut self, flow: &mut Flow, bytes: &[u8], seen: Seen, reader: &mut impl Reader) {
        let is_rtu = flow.settled && flow.protocol == Protocol::Modbus && flow.framing == Framing::Rtu;
        let silence_ms = if is_rtu { RTU_SILENCE_MS } else { SILENCE_MS };
        if seen.time > flow.line.last.plus_ms(silence_ms) {
            self.drop_partial(flow, Side::Client, reader);
        }
        flow.line.last = seen.time;
        flow.server.started = true;
        let half = flow.half_mut(Side::Client);
        let run = Run { seq: half.next, bytes, seen };
        half.started = true;
        half.next = run.end();
        self.feed(flow, Side::Client, run, reader);
    }

    /// Reads what is held of unfinished units, since nothing more comes.
    pub(crate) fn end(&mut self, flow: &mut Flow, reader: &mut impl Reader) {
        if is_read_to_the_end(flow) {
            self.drop_partial(flow, Side::Client, reader);
            self.drop_partial(flow, Side::Server, reader);
        }
    }
}

/// True when whole units may be hidden behind the beginning of one, since it tells its length by itself only: in all framings
/// but MBAP.
pub(super) fn is_read_to_the_end(flow: &Flow) -> bool {
    flow.is_line() || flow.protocol == Protocol::Modbus && flow.framing != Framing::Mbap
}
