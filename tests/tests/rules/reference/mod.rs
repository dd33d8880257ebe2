//! A naive evaluator of rules, invariants and suppressions, to hold the sensor against.
//!
//! It is made of lists that are never shortened and that every question walks over: what happened to points, and each look
//! of each rule. Its policies are drawn at random and written as files, so that what it says also speaks of the compiler;
//! the exchanges under them go through the sensor as frames. It shares nothing with either but the words of the language.

mod asks;
mod choices;
mod draw;
mod evaluator;
mod expression;
mod history;
mod model;
mod text;
mod told;
mod wire;

use std::fmt::Debug;

use tagout_compiler::{SourceFile, compile, render};
use tagout_core::engine::Policy as Loaded;

use choices::Choices;
use evaluator::Reference;
use model::{Exchange, Policy};
use told::Told;

/// How many different things happen under a policy.
pub(super) const SEQUENCES: usize = 4;

/// A random policy with what happens under it, each time anew.
#[derive(Debug)]
pub(super) struct Case {
    policy: Policy,
    sequences: Vec<Vec<Exchange>>,
}

impl Case {
    /// The case that these numbers decide.
    pub(super) fn draw(numbers: &[u16]) -> Self {
        let mut choices = Choices::of(numbers);
        let policy = Policy::draw(&mut choices);
        Self { policy, sequences: choices.split(SEQUENCES).map(|mut part| draw::exchanges(&mut part)).collect() }
    }

    /// Checks that sensor and reference tell the same.
    ///
    /// # Errors
    /// What they tell differently, with the policy.
    pub(super) fn check(&self) -> Result<(), String> {
        let text = self.policy.text();
        let files = [SourceFile::new("policy.toml", text.clone())];
        let compiled = compile(&files).map_err(|errors| render(&errors, &files, false))?;
        let policy = Loaded::load(&compiled.image).map_err(|error| error.to_string())?;
        self.sequences.iter().try_for_each(|exchanges| {
            let heard = wire::hear(policy, &wire::AMPLE, exchanges);
            let (extra, missing) = difference(heard.told, Reference::new(&self.policy).tell(exchanges));
            // Of one request so many rules may fire that the sensor counts the rest alone.
            if extra.is_empty() && missing.len() as u64 == heard.lost {
                return Ok(());
            }
            let (extra, missing, exchanges) = (lines(&extra), lines(&missing), lines(exchanges));
            let lost = heard.lost;
            Err(format!("only the sensor tells:{extra}\nonly the reference:{missing}\nlost: {lost}\n{text}{exchanges}"))
        })
    }
}

fn lines<T: Debug>(of: &[T]) -> String {
    of.iter().map(|one| format!("\n    {one:?}")).collect()
}

/// What is only on the left, and what only on the right.
fn difference(mut left: Vec<Told>, mut right: Vec<Told>) -> (Vec<Told>, Vec<Told>) {
    left.retain(|told| match right.iter().position(|other| other == told) {
        Some(same) => {
            right.remove(same);
            false
        }
        None => true,
    });
    (left, right)
}
