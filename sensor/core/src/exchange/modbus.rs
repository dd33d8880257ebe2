//! Modbus: an exchange is told by its unit, its function and, in MBAP, its transaction id.

use tagout_engine::{Action, AnomalyKind, Verdict};

use super::desk::{Hearing, Message};
use super::pending::Pending;
use crate::counters::Counter;
use crate::finding::{Finding, Term};
use crate::flow::{Flow, Reader, Side, Turn};
use crate::modbus::mbap::{self, MAX_ADU};
use crate::modbus::{Adu, EXCEPTION_BIT, Framing, Malformed, Request, Response, action, ascii, contradiction, refuses};
use crate::record::Outcome;

/// On a line this unit is all devices, none of which answers (SL 2.2).
const BROADCAST: u8 = 0;
/// Function codes.
const DIAGNOSTICS: u8 = 8;
const ENCAPSULATED: u8 = 43;

impl Hearing<'_, '_> {
    pub(super) fn modbus(&mut self, flow: &mut Flow, turn: Turn, bytes: &[u8]) {
        self.desk.counters.add(Counter::ModbusUnits, 1);
        if flow.framing != Framing::Mbap {
            return self.without_transaction(flow, turn, bytes);
        }
        let Some(adu) = mbap::Adu::parse(bytes) else { return };
        if bytes.len() > MAX_ADU {
            self.anomaly(flow, turn, Finding::new(AnomalyKind::ModbusLength, bytes.len()));
        }
        self.adu(flow, turn, &Adu { transaction_id: Some(adu.transaction_id), unit: adu.unit, pdu: adu.pdu });
    }

    /// Takes a unit in RTU or ASCII. A client asks a unit one thing at a time there: the next request means that the one
    /// before it is given up.
    fn without_transaction(&mut self, flow: &mut Flow, turn: Turn, bytes: &[u8]) {
        let mut buffer = [0; ascii::MAX_CONTENT];
        let Some(adu) = Adu::parse(flow.framing, bytes, &mut buffer) else { return };
        if turn.side == Side::Client {
            let same = key(flow.framing, &adu, 0);
            while let Some(id) = self.desk.pendings.latest(flow, |asked| is_same_transaction(asked.key, same)) {
                self.unanswered(flow, id);
            }
        }
        self.adu(flow, turn, &adu);
    }

    fn adu(&mut self, flow: &mut Flow, turn: Turn, adu: &Adu<'_>) {
        let function = adu.pdu.first().copied().unwrap_or(0);
        let mut pending = Pending {
            key: key(flow.framing, adu, function),
            function,
            requester: Side::Client,
            seen: turn.seen,
            ack: turn.ack,
            action: action(adu.pdu),
            parties: self.parties(flow, Side::Client, u32::from(adu.unit), None),
            ..Pending::EMPTY
        };
        match turn.side {
            Side::Client => self.modbus_request(flow, turn, &mut pending, adu.pdu),
            Side::Server => self.modbus_response(flow, turn, &mut pending, adu.pdu),
        }
    }

    fn modbus_request(&mut self, flow: &mut Flow, turn: Turn, pending: &mut Pending, pdu: &[u8]) {
        let request = Request::parse(pdu);
        if let Some(fault) = Request::fault(pdu) {
            self.anomaly(flow, turn, malformed(fault, pdu));
        }
        self.desk.engine.next_exchange();
        if request.is_ok_and(Request::also_reads) {
            pending.verdict = self.read_verdict(flow, pending, request, pdu);
        }
        if flow.framing == Framing::Mbap {
            self.notice_reuse(flow, turn, pending, pdu);
        }
        let action = pending.action;
        let mut touches = request.ok().into_iter().flat_map(|request| request.touches(action));
        let is_to_all = flow.framing != Framing::Mbap && pending.key as u8 == BROADCAST;
        // Nor does a device answer that is to listen only from now on (AP 6.8.1, sub-function 4).
        let response_due = !is_to_all && action != Action::ListenOnly;
        self.request(flow, turn, pending, pdu, response_due, &mut touches);
    }

    /// The verdict on the reading part of a function that reads and writes.
    fn read_verdict(
        &mut self,
        flow: &Flow,
        pending: &Pending,
        request: Result<Request<'_>, Malformed>,
        pdu: &[u8],
    ) -> Verdict {
        let mut touches = request.ok().into_iter().flat_map(|request| request.touches(Action::Read));
        self.judge(flow, pending, (Action::Read, pdu), &mut touches)
    }

    fn modbus_response(&mut self, flow: &mut Flow, turn: Turn, pending: &mut Pending, pdu: &[u8]) {
        if let Some(fault) = Response::fault(pdu) {
            self.anomaly(flow, turn, malformed(fault, pdu));
        }
        let outcome = if refuses(pdu) { Outcome::Refused } else { Outcome::Answered };
        pending.function &= !EXCEPTION_BIT;
        let response = Message { seen: turn.seen, bytes: pdu };
        let pendings = &self.desk.pendings;
        let asked = pendings.answered_by(flow, pending, turn.seq);
        match asked.or_else(|| pendings.waiting(flow, turn.seq, |asked| is_same_transaction(asked.key, pending.key))) {
            Some(id) => {
                flow.answers.note(pending.key, turn.ack, turn.seen.time, self.desk.digest(pdu) as u32);
                self.answered(flow, id, &response, outcome);
            }
            None => {
                pending.action = match pdu {
                    // These repeat what of many things the request asked for.
                    [DIAGNOSTICS | ENCAPSULATED, ..] => action(pdu),
                    _ => action(&[pending.function]),
                };
                self.unmatched(flow, turn, *pending, &response, outcome);
            }
        }
    }

    /// Reports a transaction id that stands for two requests at a time: nobody can tell their responses apart. A client
    /// that repeats a request means the same one.
    fn notice_reuse(&mut self, flow: &mut Flow, turn: Turn, pending: &Pending, pdu: &[u8]) {
        let waiting = self.desk.pendings.waiting(flow, turn.ack, |asked| is_same_transaction(asked.key, pending.key));
        let Some(id) = waiting.filter(|_| flow.heard(Side::Server)) else { return };
        let mut repeated = false;
        self.with_request(id, |_, _, earlier| repeated = earlier == pdu);
        if !repeated {
            let finding = Finding::new(AnomalyKind::ModbusTransactionReused, pdu.len()).at("transaction identifier", 0);
            self.anomaly(flow, turn, finding.because(Term::Unstated, Term::Number(pending.key as u32 >> 8 & 0xFFFF)));
        }
    }

    /// Reports a response that contradicts its request.
    pub(super) fn notice_contradiction(
        &mut self,
        flow: &mut Flow,
        asked: &Pending,
        request: &[u8],
        response: &Message<'_>,
    ) {
        if let Some(contradiction) = contradiction(request, response.bytes) {
            let turn = Turn { side: asked.requester.other(), seen: response.seen, seq: 0, end: 0, ack: 0 };
            let finding = Finding::new(AnomalyKind::ModbusContradiction, response.bytes.len())
                .at(contradiction.field, contradiction.offset.into())
                .because(Term::Number(contradiction.expected), Term::Number(contradiction.found));
            self.anomaly(flow, turn, finding);
        }
    }
}

/// Whether the keys of two messages have framing, unit and transaction id in common, if not their function.
fn is_same_transaction(one: u64, other: u64) -> bool {
    (one ^ other) & !(0xFF << FUNCTION) == 0
}

/// Where function and framing stand in a key, above the transaction id and the unit.
const FUNCTION: u32 = 24;
const FRAMING: u32 = 32;

/// What a request and its response have in common. Requests with the exception bit exist in scans only.
fn key(framing: Framing, adu: &Adu<'_>, function: u8) -> u64 {
    let function = u64::from(function & !EXCEPTION_BIT);
    let transaction_id = u64::from(adu.transaction_id.unwrap_or(0));
    (framing as u64) << FRAMING | function << FUNCTION | transaction_id << 8 | u64::from(adu.unit)
}

/// What stood around the message with this key.
pub(super) fn framing(key: u64) -> Framing {
    let is_same = |framing: &Framing| *framing as u64 == key >> FRAMING;
    Framing::ALL.into_iter().find(is_same).unwrap_or(Framing::Mbap)
}

/// The finding about a PDU with this fault.
fn malformed(fault: Malformed, pdu: &[u8]) -> Finding {
    Finding::new(AnomalyKind::ModbusMalformed, pdu.len())
        .at(fault.field, fault.offset.into())
        .because(fault.expected.into(), fault.found.into())
}
