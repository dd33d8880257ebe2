//! What exchanges tell of the process: values that devices report, commands that they accept.

use tagout_engine::{Action, DeviceId, Timestamp, Touch};

use super::desk::{Hearing, Message};
use super::pending::Pending;
use crate::dnp3::{self, Fragment, Function};
use crate::flow::Flow;
use crate::modbus::{self, Request, Response};
use crate::record::{Outcome, Output, Protocol};

impl<O: Output> Hearing<'_, '_, O> {
    /// Takes over into the process image what an exchange tells of declared points. Devices without any cost nothing.
    pub(super) fn note_process(
        &mut self,
        flow: &Flow,
        pending: &Pending,
        request: Option<&[u8]>,
        response: Option<&Message<'_>>,
        outcome: Outcome,
    ) {
        let Some(device) = pending.parties.device.filter(|device| self.desk.engine.has_points(*device)) else { return };
        match flow.protocol {
            Protocol::Modbus => self.note_modbus(device, pending, request, response, outcome),
            Protocol::Dnp3 => self.note_dnp3(device, pending, request, response, outcome),
        }
    }

    fn note_modbus(
        &mut self,
        device: DeviceId,
        pending: &Pending,
        request: Option<&[u8]>,
        response: Option<&Message<'_>>,
        outcome: Outcome,
    ) {
        let Some((request, asked)) = request.and_then(|pdu| Some((pdu, Request::parse(pdu).ok()?))) else { return };
        let response = response.filter(|response| modbus::contradiction(request, response.bytes).is_none());
        let accepted = outcome == Outcome::NoResponseDue || outcome == Outcome::Answered && response.is_some();
        if accepted && pending.action == Action::Write {
            self.ordered(device, pending, asked.touches(Action::Write));
        }
        if let Some(response) = response {
            let reported = Response::parse(response.bytes).ok().and_then(|found| modbus::reported(asked, found));
            self.observed(device, response.seen.time, reported.map(|touch| (touch, true)).into_iter());
        }
    }

    fn note_dnp3(
        &mut self,
        device: DeviceId,
        pending: &Pending,
        request: Option<&[u8]>,
        response: Option<&Message<'_>>,
        outcome: Outcome,
    ) {
        let operates = matches!(pending.action, Action::Operate | Action::DirectOperate);
        let answer = response.and_then(|response| Some((response.seen, Fragment::parse(response.bytes)?)));
        match (answer, request.and_then(Fragment::parse)) {
            (Some((_, answer)), _) if operates => self.ordered(device, pending, dnp3::accepted(&answer)),
            (Some((seen, answer)), _) => self.observed(device, seen.time, dnp3::reported(&answer)),
            (None, Some(asked))
                if asked.function == Function::DIRECT_OPERATE_NR && outcome == Outcome::NoResponseDue =>
            {
                self.ordered(device, pending, dnp3::touches(&asked));
            }
            _ => {}
        }
    }

    fn ordered<'t>(&mut self, device: DeviceId, pending: &Pending, touches: impl Iterator<Item = Touch<'t>>) {
        for touch in touches {
            self.desk.engine.ordered(device, &touch, pending.parties.actor, pending.seen.time);
        }
    }

    fn observed<'t>(&mut self, device: DeviceId, now: Timestamp, told: impl Iterator<Item = (Touch<'t>, bool)>) {
        for (touch, good) in told {
            self.desk.engine.observe(device, &touch, good, now);
        }
    }
}
