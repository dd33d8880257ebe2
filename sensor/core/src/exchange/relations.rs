//! What DNP3 messages mean together, beyond request and response.

use tagout_engine::{Action, AnomalyKind};

use super::assemblies::Assemblies;
use super::associations::{AssociationKey, Associations, Numbered};
use super::desk::{Hearing, Message};
use super::files::Files;
use super::pending::Pending;
use super::selects::Selects;
use crate::dnp3::{
    self, FileTransfer, Fragment, Function, Indications, LinkExchange, LinkMessage, Relation, is_file_function,
};
use crate::finding::{Finding, Term};
use crate::flow::{Flow, Reader, Turn};
use crate::record::{Outcome, Seen};

/// What is remembered of dialogues in DNP3.
#[derive(Debug)]
pub(crate) struct Dialogues<'s> {
    pub(crate) assemblies: Assemblies<'s>,
    pub(crate) associations: Associations<'s>,
    pub(crate) selects: Selects<'s>,
    pub(crate) files: Files<'s>,
}

/// What a message belongs to beside its request or response, as it is kept until it is reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tie {
    /// Nothing.
    None,
    /// It is the link layer's own.
    Link,
    /// It confirms the fragment seen there.
    Confirms(Seen),
    /// It challenges the sender of the message seen there.
    Challenges(Seen),
    /// It replies to the challenge seen there.
    Replies(Seen),
    /// It selects.
    Selects,
    /// It operates what the SELECT seen there selected.
    Operates(Seen),
    /// It is about a file.
    File,
}

impl Hearing<'_, '_> {
    /// What a request belongs to. Most belong to nothing, which is to cost next to nothing.
    pub(super) fn tie(
        &mut self,
        flow: &Flow,
        turn: Turn,
        ends: (u16, u16),
        fragment: &Fragment<'_>,
        action: Action,
        bytes: &[u8],
    ) -> Tie {
        let sequence = fragment.control.sequence();
        let key = || AssociationKey::new(flow, turn.side, ends);
        let dialogues = &mut self.desk.dnp3;
        match fragment.function {
            Function::CONFIRM => self.confirmed(flow, turn, ends, fragment).map_or(Tie::None, Tie::Confirms),
            Function::SELECT => {
                dialogues.selects.selected(key(), turn.seen, sequence, bytes);
                Tie::Selects
            }
            Function::OPERATE => {
                dialogues.selects.operated(key(), turn.seen, sequence).map_or(Tie::None, Tie::Operates)
            }
            Function::AUTHENTICATE_REQ => self.authenticates(flow, turn, ends, fragment),
            function if action == Action::File || is_file_function(function) => Tie::File,
            _ => Tie::None,
        }
    }

    /// Takes note of a fragment that asks for a confirm.
    pub(super) fn await_confirm(&mut self, flow: &mut Flow, turn: Turn, ends: (u16, u16), fragment: &Fragment<'_>) {
        let key = AssociationKey::new(flow, turn.side, ends);
        let reported = self.desk.digest(fragment.objects);
        let Some(association) = self.desk.dnp3.associations.entry(key) else { return };
        let sequence = fragment.control.sequence();
        let numbered = Some(Numbered { sequence, seen: turn.seen });
        if fragment.function != Function::UNSOLICITED_RESPONSE {
            association.solicited = numbered;
            return;
        }
        let before = association.unsolicited.replace(Numbered { sequence, seen: turn.seen });
        let is_other = core::mem::replace(&mut association.reported, reported) != reported;
        // Behind a restart, sequence numbers begin anew.
        let restarted = fragment.indications.is_some_and(Indications::has_restarted);
        if is_other && !restarted && before.is_some_and(|before| before.sequence == sequence) {
            let finding = Finding::new(AnomalyKind::SequenceContradiction, fragment.objects.len()).at("SEQ", 0);
            let next = Term::Number((sequence.wrapping_add(1) & 0x0f).into());
            self.anomaly(flow, turn, finding.because(next, Term::Number(sequence.into())));
        }
    }

    /// The fragment that a confirm confirms.
    fn confirmed(&mut self, flow: &Flow, turn: Turn, ends: (u16, u16), fragment: &Fragment<'_>) -> Option<Seen> {
        let control = fragment.control;
        self.said_before(flow, turn, ends, control.sequence(), |association| {
            if control.uns() { association.unsolicited } else { association.solicited }
        })
    }

    /// The challenge that an authentication request replies to, or the unsolicited response that it challenges.
    fn authenticates(&mut self, flow: &Flow, turn: Turn, ends: (u16, u16), fragment: &Fragment<'_>) -> Tie {
        let sequence = fragment.control.sequence();
        if fragment.is_challenge() {
            let seen = self.said_before(flow, turn, ends, sequence, |association| association.unsolicited);
            return seen.map_or(Tie::None, Tie::Challenges);
        }
        if fragment.is_challenge_reply() {
            let seen = self.said_before(flow, turn, ends, sequence, |association| association.challenge);
            return seen.map_or(Tie::None, Tie::Replies);
        }
        Tie::None
    }

    /// What the other station sent with this sequence number.
    fn said_before(
        &mut self,
        flow: &Flow,
        turn: Turn,
        (own, other): (u16, u16),
        sequence: u8,
        which: impl FnOnce(&super::associations::Association) -> Option<Numbered>,
    ) -> Option<Seen> {
        let key = AssociationKey::new(flow, turn.side.other(), (other, own));
        let numbered = self.desk.dnp3.associations.get(key).and_then(|association| which(association))?;
        (numbered.sequence == sequence).then_some(numbered.seen)
    }

    /// Takes over what an exchange means for later ones.
    pub(super) fn settle(
        &mut self,
        flow: &Flow,
        pending: &Pending,
        request: Option<&[u8]>,
        response: Option<&Message<'_>>,
        outcome: Outcome,
    ) {
        let Some(response) = response else { return };
        let key = AssociationKey::of(flow, pending);
        match pending.tie {
            Tie::Selects => self.desk.dnp3.selects.answered(key, pending.seen, response.seen, response.bytes),
            Tie::File if outcome == Outcome::Answered => {
                let said = transfer(request, Some(response));
                self.desk.dnp3.files.follow(key, Function(pending.function), &said);
            }
            _ => {}
        }
    }

    /// Works out what an exchange belongs to, and works on it.
    pub(super) fn in_context(
        &mut self,
        flow: &Flow,
        pending: &Pending,
        request: Option<&[u8]>,
        response: Option<&Message<'_>>,
        work: impl FnOnce(&mut Self, Relation<'_>),
    ) {
        match pending.tie {
            Tie::None | Tie::Selects => work(self, Relation::None),
            Tie::Link => {
                let request = request.and_then(LinkMessage::read);
                let response = response.and_then(|response| LinkMessage::read(response.bytes));
                work(self, Relation::Link(LinkExchange { request, response }));
            }
            Tie::Confirms(seen) => work(self, Relation::Confirms(seen)),
            Tie::Challenges(seen) => work(self, Relation::Challenges(seen)),
            Tie::Replies(seen) => work(self, Relation::Replies(seen)),
            Tie::Operates(seen) => self.with_select(flow, pending, seen, request.unwrap_or_default(), work),
            Tie::File => self.with_file(flow, pending, transfer(request, response), work),
        }
    }

    fn with_select(
        &mut self,
        flow: &Flow,
        pending: &Pending,
        seen: Seen,
        operate: &[u8],
        work: impl FnOnce(&mut Self, Relation<'_>),
    ) {
        let selects = &mut self.desk.dnp3.selects;
        // The buffer is set aside so that what is in it can be shown while the desk is worked on.
        let buffer = core::mem::take(&mut selects.buffer);
        let select = selects.told(AssociationKey::of(flow, pending), seen, (pending.seen, operate), buffer);
        work(self, select.as_ref().map_or(Relation::None, Relation::Select));
        self.desk.dnp3.selects.buffer = buffer;
    }

    fn with_file(
        &mut self,
        flow: &Flow,
        pending: &Pending,
        said: FileTransfer<'_>,
        work: impl FnOnce(&mut Self, Relation<'_>),
    ) {
        let (association, function) = (AssociationKey::of(flow, pending), Function(pending.function));
        let file = said.handle.and_then(|handle| self.desk.dnp3.files.find(association, function, handle));
        let mut said = said;
        if let Some(file) = &file {
            file.complete(&mut said);
        }
        work(self, Relation::File(&said));
    }
}

/// What a request and its response say of a file.
fn transfer<'a>(request: Option<&'a [u8]>, response: Option<&Message<'a>>) -> FileTransfer<'a> {
    let response = response.and_then(|response| Fragment::parse(response.bytes));
    FileTransfer::of(request.and_then(Fragment::parse).as_ref(), response.as_ref())
}

/// The DNP3 part of an exchange.
pub(super) fn body<'a>(
    pending: &Pending,
    request: Option<&'a [u8]>,
    response: Option<&Message<'a>>,
    relation: Relation<'a>,
) -> dnp3::Exchange<'a> {
    let carries_fragment = pending.tie != Tie::Link;
    dnp3::Exchange {
        master: (pending.parties.of >> 16) as u16,
        outstation: pending.parties.of as u16,
        request: request.filter(|_| carries_fragment),
        response: response.map(|message| message.bytes).filter(|_| carries_fragment),
        part: pending.parts.saturating_add(1),
        responder: pending.responder,
        relation,
    }
}
