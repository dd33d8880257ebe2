//! How long declarations are waited for, and the keys that sign them.

use tagout_engine::IntentWaits;
use tagout_engine::image::{self, Section};
use zerocopy::little_endian::U16;

use super::sections::Image;
use super::{Words, extent};
use crate::intents::SpokenFor;
use crate::model::{Intents, Key};
use crate::resolve::Resolved;
use crate::source::Spanned;

/// The record of what a policy says of waiting; none where it says nothing.
fn terms(intents: &Intents) -> Option<image::IntentTerms> {
    let Intents { hold_ms, skew_ms, delay_ms, silence_ms, .. } = intents;
    let usual = IntentWaits::default();
    let said = |said: &Option<Spanned<u32>>, usual: u32| said.as_ref().map_or(usual, |said| said.value).into();
    let any = [hold_ms, skew_ms, delay_ms, silence_ms].into_iter().any(Option::is_some);
    any.then(|| image::IntentTerms {
        hold_ms: said(hold_ms, usual.hold_ms),
        skew_ms: said(skew_ms, usual.skew_ms),
        delay_ms: said(delay_ms, 0),
        silence_ms: said(silence_ms, 0),
    })
}

impl Words<'_> {
    pub(super) fn intents(&mut self, policy: &Resolved, image: &mut Image) {
        let mut actors = Vec::new();
        let spoken_for = policy.intents.keys.iter().zip(&policy.spoken_for);
        let keys: Vec<_> = spoken_for.map(|key| self.intent_key(key, &mut actors)).collect();
        image.put(Section::IntentTerms, terms(&policy.intents).as_slice());
        image.put(Section::IntentKeys, &keys);
        image.put(Section::KeyActors, &actors);
    }

    fn intent_key(&mut self, (key, actors): (&Key, &SpokenFor), all: &mut Vec<U16>) -> image::IntentKey {
        let first = all.len();
        all.extend(actors.iter().map(|actor| U16::from(*actor)));
        image::IntentKey {
            id: self.text(&key.id.value),
            public: key.public,
            actors: extent(first, actors.len()),
            approver: self.text(&key.approver),
            not_before: key.not_before.unwrap_or(0).into(),
            expires: key.expires.unwrap_or(u64::MAX).into(),
            revoked: key.revoked.unwrap_or(u64::MAX).into(),
            source: self.place(key.span),
        }
    }
}
