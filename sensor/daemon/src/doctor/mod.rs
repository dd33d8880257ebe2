//! Whether a sensor can do its work on this machine with this configuration: what `tagout doctor` tells.
//!
//! Nothing is changed and, unless that is asked for, nothing is sent. What is found comes one by one, since some of it takes a while.

mod clock;
mod destinations;
mod intents;
mod interface;
mod listen;
mod places;
mod rules;
mod sandbox;

use std::time::Duration;

use serde::Serialize;

use crate::config::Config;

/// How it stands with one thing.
#[derive(Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// The sensor works, but sees less, or says something that may mislead.
    Warning,
    /// The sensor cannot do what it is there for.
    Failed,
}

/// One thing that was looked at.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// How it stands.
    pub verdict: Verdict,
    /// What was looked at, such as `interface eth1`.
    pub about: String,
    /// What was found.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Finding {
    fn ok(about: impl Into<String>, found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, about: about.into(), found: found.into(), advice: None }
    }

    fn warning(about: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, advice: Some(advice.into()), ..Self::ok(about, found) }
    }

    fn failed(about: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Failed, advice: Some(advice.into()), ..Self::ok(about, found) }
    }
}

/// What to try out beyond looking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trial {
    /// How long to listen on the interfaces; not at all if this is zero.
    pub listen: Duration,
    /// Whether to send destinations a message that says that it is a test.
    pub send: bool,
}

/// Looks at everything, and tells each finding as it is made.
pub fn examine(config: &Config, trial: Trial, mut tell: impl FnMut(Finding)) {
    let rules = rules::examine(&config.policy, &mut tell);
    tell(clock::examine());
    for name in &config.capture.interface {
        interface::examine(name, &mut tell);
    }
    if config.capture.interface.is_empty() {
        let advice =
            "name one in the configuration under [capture], or with --interface; `tagout interfaces` lists them";
        tell(Finding::failed("interface", "none is named to listen on", advice));
    } else if !trial.listen.is_zero() {
        listen::examine(config, &rules, trial.listen, &mut tell);
    }
    places::examine(config, &mut tell);
    destinations::examine(config, trial.send, &mut tell);
    intents::examine(&config.intents, &rules, &mut tell);
    tell(sandbox::examine(config.sandbox.mode));
}
