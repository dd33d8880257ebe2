use super::Policy;
use crate::image::Terms;
use crate::{Outcome, PermitId, Replied};

/// How a device replied to a request.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Reply {
    /// How the exchange ended.
    pub outcome: Outcome,
    /// The Modbus exception or the DNP3 control statuses with which the device refused.
    pub codes: Codes,
    /// How long it took, in milliseconds.
    pub after_ms: Option<f64>,
}

/// A set of Modbus exceptions or DNP3 control statuses, of which none is above 127.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Codes([u64; 2]);

impl Codes {
    /// Puts a code into the set.
    pub fn insert(&mut self, code: u8) {
        if let Some(word) = self.0.get_mut(usize::from(code >> 6)) {
            *word |= 1_u64.wrapping_shl(u32::from(code & 63));
        }
    }

    fn has(self, code: u8) -> bool {
        let word = self.0.get(usize::from(code >> 6)).copied().unwrap_or(0);
        word.wrapping_shr(u32::from(code & 63)) & 1 != 0
    }

    /// Whether it has a code, and none that is not among others.
    fn is_some_of(self, others: Self) -> bool {
        let ([low, high], [others_low, others_high]) = (self.0, others.0);
        low | high != 0 && (low & !others_low) | (high & !others_high) == 0
    }
}

/// The replies that a permit expects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Replies {
    words: u8,
    codes: Codes,
    /// Within how many milliseconds success has to come.
    pub within_ms: Option<u32>,
}

impl Replies {
    /// `None` where any will do.
    pub(super) fn of(terms: &Terms) -> Option<Self> {
        let [low, high] = terms.refusals;
        let within_ms = Some(terms.reply_ms.get()).filter(|ms| *ms != 0);
        (terms.replies != 0).then(|| Self { words: terms.replies, codes: Codes([low.get(), high.get()]), within_ms })
    }

    /// Whether it expects this.
    pub const fn has(&self, replied: Replied) -> bool {
        self.words & replied.bit() != 0
    }

    /// The exceptions and control statuses that it expects, in order.
    pub fn codes(&self) -> impl Iterator<Item = u8> + use<> {
        let codes = self.codes;
        (0..=u8::MAX >> 1).filter(move |code| codes.has(*code))
    }

    /// What stands against a reply: with the milliseconds that it took, if it is only late.
    fn against(&self, reply: Reply) -> Option<Option<f64>> {
        let is_expected = match reply.outcome {
            Outcome::Answered => self.has(Replied::Success),
            Outcome::Refused => self.has(Replied::Refused) || reply.codes.is_some_of(self.codes),
            Outcome::Unanswered => self.has(Replied::Nothing),
            Outcome::NoResponseDue | Outcome::Unrequested | Outcome::Pending => true,
        };
        let late = |ms: &f64| self.within_ms.is_some_and(|within| *ms > f64::from(within));
        match reply.after_ms.filter(late) {
            Some(ms) if is_expected && reply.outcome == Outcome::Answered => Some(Some(ms)),
            _ => (!is_expected).then_some(None),
        }
    }
}

impl Policy<'_> {
    /// Whether any permit expects replies.
    pub const fn expects_replies(&self) -> bool {
        self.expects_replies
    }

    /// What stands against a reply to what a permit covers: with the milliseconds that it took, if it is only late.
    pub(crate) fn against_reply(&self, permit: PermitId, reply: Reply) -> Option<Option<f64>> {
        let terms = self.terms_of(self.permits.get(usize::from(permit.0))?)?;
        Replies::of(terms)?.against(reply)
    }
}
