//! Declarations of a file, given to a sensor as time passes.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use tagout_core::intent::IntentKey;
use tagout_core::{Sensor, Timestamp};

use super::{Audience, Keys, Told};
use crate::Failure;

/// The longest line that is read, in bytes.
const MOST_LINE: u64 = 64 * 1_024;

/// What a feed delivered, in the order of its arrival.
#[derive(Clone, Debug, Default)]
pub struct Script {
    told: Vec<Told>,
    next: usize,
}

impl Script {
    /// Reads a file of JSON lines. They may stand in any order.
    ///
    /// # Errors
    /// It cannot be read, or a line is wrong: which, and why.
    pub fn read(path: &Path, keys: &Keys) -> Result<Self, Failure> {
        let file = File::open(path).map_err(|error| Failure::input(path, &error))?;
        let mut lines = BufReader::new(file);
        let mut told = Vec::new();
        for number in 1.. {
            let mut line = String::new();
            let taken = std::io::Read::take(&mut lines, MOST_LINE).read_line(&mut line);
            match taken.map_err(|error| Failure::input(path, &error))? {
                0 => break,
                _ if line.trim().is_empty() => {}
                _ => told.push(
                    Told::read(&line, keys)
                        .map_err(|why| Failure::Usage(format!("{}:{number}: {why}", path.display())))?,
                ),
            }
        }
        Ok(Self::of(told))
    }

    /// What was delivered, in any order.
    pub fn of(mut told: Vec<Told>) -> Self {
        told.sort_by_key(Told::received);
        Self { told, next: 0 }
    }

    /// Begins anew.
    pub fn rewind(&mut self) {
        self.next = 0;
    }

    /// Gives a sensor everything that is delivered up to a time.
    #[inline]
    pub fn deliver(&mut self, until: Timestamp, sensor: &mut Sensor<'_>, to: &mut impl Audience) {
        if self.told.get(self.next).is_some_and(|told| told.received() <= until) {
            self.deliver_due(until, sensor, to);
        }
    }

    fn deliver_due(&mut self, until: Timestamp, sensor: &mut Sensor<'_>, to: &mut impl Audience) {
        while let Some(told) = self.told.get(self.next).filter(|told| told.received() <= until) {
            self.next += 1;
            told.give(sensor, to);
        }
    }

    /// Gives a sensor what is delivered while commands wait for it, and no frames come any more.
    pub fn settle(&mut self, sensor: &mut Sensor<'_>, to: &mut impl Audience) {
        while let Some(told) = self.told.get(self.next).filter(|_| sensor.waits_for_intents()) {
            self.next += 1;
            told.give(sensor, to);
        }
    }
}

impl Told {
    /// Gives it to a sensor, and its words to who tells of it.
    pub fn give(&self, sensor: &mut Sensor<'_>, to: &mut impl Audience) {
        let policy = sensor.policy();
        match self {
            Self::Alive(at) => sensor.hear_feed(*at, to),
            Self::Declared(declaration) => match declaration.resolve(&policy) {
                Ok(intent) => {
                    to.declared(intent.key, declaration);
                    sensor.declare(&intent, to);
                }
                Err(why) => {
                    tracing::warn!("intent `{}` of `{}`: {why}", declaration.id, declaration.actor);
                    sensor.hear_feed(declaration.received, to);
                }
            },
            Self::Disbelieved { actor, declaration, finding, received } => {
                // Apart from that of the one that it pretends to be, whose words stay.
                let key = declaration.as_ref().map_or_else(Default::default, |words| IntentKey(!words.key().0));
                if let Some(words) = declaration {
                    to.declared(key, words);
                }
                let actor = actor.as_deref().and_then(|name| policy.actor_named(name));
                sensor.disbelieve(*finding, (actor, key), *received, to);
                to.undeclared(key);
            }
        }
    }
}
