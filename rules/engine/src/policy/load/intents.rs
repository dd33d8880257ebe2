//! What is checked of keys, and of how long declarations are waited for.

use super::{Check, TEXT, ascending, check, each, follow, known, within};
use crate::Policy;
use crate::image::Section;

impl Policy<'_> {
    pub(super) fn check_intents(&self) -> Check {
        within(self.intent_terms.len(), 1, Section::IntentTerms)?;
        let mut actors = 0;
        each(Section::IntentKeys, self.intent_keys, |key| {
            self.name(key.id, key.source)?;
            known(self.is_text(key.approver), TEXT)?;
            known(key.not_before < key.expires, "a key that is never valid")?;
            let named = follow(&key.actors, self.key_actors, &mut actors)?;
            known(ascending(named, self.actors.len()), "its actors are out of order, or do not exist")
        })?;
        check(actors == self.key_actors.len(), Section::KeyActors, actors, "belongs to no key")
    }
}
