use super::Report;
use crate::image::Point;

/// Who a device reports to, told apart by a number: who asked, and apart from that who is reported to without asking.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Audience(pub u16);

/// So often in a row the word of one audience has to be against that of another. A value that moves to and fro looks like
/// that by chance, each time with half the odds.
const TURNS: u8 = 5;

/// Whether the device says one thing of a point to some and another to others: in turns, without either ever changing.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Dispute {
    /// Who was told last.
    to: Audience,
    /// Who was told something else before.
    other_to: Audience,
    /// What that was. Single precision tells apart what is meant to differ.
    other: f32,
    /// How often in a row one was told against the other; 0 if `other` says nothing.
    turns: u8,
}

impl Dispute {
    pub(super) const NONE: Self = Self { to: Audience(0), other_to: Audience(0), other: 0.0, turns: 0 };

    /// Takes a report to somebody; `before` is the one before it.
    pub(super) fn hear(&mut self, point: &Point, value: f64, to: Audience, before: Option<Report>) {
        let Some(before) = before.filter(|before| before.good) else {
            *self = Self { to, ..Self::NONE };
            return;
        };
        if self.is_idle(to) {
            return;
        }
        let is_new = !point.is_near(value, before.value);
        let is_other = self.turns > 0 && value as f32 == self.other;
        match (is_new, to == self.to) {
            // One who was told otherwise is told the same now, or one sees it move.
            (false, _) if to != self.other_to => self.to = to,
            (false, _) | (true, true) => *self = Self { to, ..Self::NONE },
            (true, false) => {
                let turns = if is_other { self.turns.saturating_add(1) } else { 1 };
                *self = Self { to, other_to: self.to, other: before.value as f32, turns };
            }
        }
    }

    /// Whether a report to somebody is nothing new, since nothing was told to anybody else.
    pub(super) fn is_idle(&self, to: Audience) -> bool {
        self.turns == 0 && to == self.to
    }

    /// What was said before to others.
    pub(super) fn otherwise(&self) -> f64 {
        self.other.into()
    }

    /// Whether it is more than chance.
    pub(super) const fn is_settled(&self) -> bool {
        self.turns >= TURNS
    }
}
