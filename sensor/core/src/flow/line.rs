//! Serial lines, on which both sides speak in turn: whose unit it is.

use super::units::clients_side;
use super::{Flow, Side};
use crate::modbus::framing::{self, Adu, Framing};
use crate::modbus::{EXCEPTION_BIT, ascii};
use crate::record::Protocol;
use tagout_engine::Timestamp;

/// Silence that ends a frame in RTU: far more than the 1.5 characters that the slowest line allows within one (SL
/// 2.5.1.1), since those who pass bytes on do it in pieces.
pub(super) const RTU_SILENCE_MS: u32 = 100;
/// Silence that ends a frame of any other kind; ASCII allows a second between two characters (SL 2.5.2.1).
pub(super) const SILENCE_MS: u32 = 1_000;

/// Unit and PDU of a request as far as it takes to know its echo.
type Beginning = [u8; 8];

/// What is known of a line's dialogue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// How the request began whose response comes next; zeroes for none.
    awaits: Beginning,
    /// When the last bytes came.
    pub(super) last: Timestamp,
}

impl Line {
    pub(super) const SILENT: Self = Self { awaits: [0; 8], last: Timestamp(0) };

    /// Whether a message with this beginning answers the request before it. What may as well be the next request is the
    /// response only if it is what a response has to be: the echo of its request (AP 6.5, 6.6, 6.16), or of its
    /// sub-function (AP 6.8).
    fn awaits(&self, [unit, function, beginning @ ..]: Beginning) -> bool {
        let [asked, of, request @ ..] = self.awaits;
        let same = asked != 0 && asked == unit && of == function & !EXCEPTION_BIT;
        match function {
            5 | 6 | 22 => same && request == beginning,
            8 => same && request.first_chunk::<2>() == beginning.first_chunk(),
            _ => same,
        }
    }
}

/// Whose unit this is on a line: what only one side can have said is that side's; of what both can, the response is what
/// follows the request of the same unit and function.
pub(super) fn side(flow: &mut Flow, framing: Framing, unit: &[u8]) -> Side {
    if flow.protocol == Protocol::Dnp3 {
        return clients_side(Protocol::Dnp3, unit);
    }
    let mut buffer = [0; ascii::MAX_CONTENT];
    let Some(adu) = Adu::parse(framing, unit, &mut buffer) else { return Side::Client };
    let mut beginning = [0; 8];
    beginning.iter_mut().zip(core::iter::once(&adu.unit).chain(adu.pdu)).for_each(|(place, byte)| *place = *byte);
    let side = match framing::ways(adu.pdu) {
        (true, false) => Side::Client,
        (false, true) => Side::Server,
        _ if flow.line.awaits(beginning) => Side::Server,
        _ => Side::Client,
    };
    flow.line.awaits = if side == Side::Client { beginning } else { [0; 8] };
    side
}
