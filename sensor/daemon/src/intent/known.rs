use std::collections::HashMap;

use tagout_core::Output;
use tagout_core::intent::IntentKey;

use super::{Declaration, Source};

/// Who is told of what comes of declarations. Its words come before the sensor takes what is declared.
pub trait Audience: Output {
    /// Takes the words of a declaration.
    fn declared(&mut self, _declaration: &Declaration) {}
    /// Forgets the words of one that did not become an intent.
    fn undeclared(&mut self, _key: IntentKey) {}
}

/// The words of the intents that a sensor remembers: as many as that has room for, since it tells which it forgets.
#[derive(Debug, Default)]
pub struct Known(HashMap<IntentKey, Declaration>);

impl Known {
    /// Takes a declaration, before the sensor does. One that came before stays as it was; a further span may name its agent.
    pub fn take(&mut self, declaration: &Declaration) {
        let known = self.0.entry(declaration.key()).or_insert_with(|| declaration.clone());
        if known.agent.is_none() && known.source == Source::Span {
            known.agent.clone_from(&declaration.agent);
        }
    }

    /// Forgets one.
    pub fn forget(&mut self, key: IntentKey) {
        self.0.remove(&key);
    }

    /// The words of an intent.
    pub fn of(&self, key: IntentKey) -> Option<&Declaration> {
        self.0.get(&key)
    }
}
