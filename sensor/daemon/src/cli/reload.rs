//! Another policy on SIGHUP, with what the files say that `[intents]` names: compiled aside, while frames are taken, and put in force between two of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};

use rustix::thread::CpuSet;
use sha2::{Digest as _, Sha256};
use signal_hook::consts::SIGHUP;
use signal_hook::flag;
use tagout_compiler::{Approval, Compiled};
use tagout_core::Sensor;
use tracing::{info, warn};

use super::pin::unpin;
use crate::Failure;
use crate::config::{self, Config};
use crate::delivery::AtStart;
use crate::intent::{Approvals, FeedTable, Keys, Renewal};
use crate::management;
use crate::memory::{IntentRoom, Limits, PolicyRoom};
use crate::news::{News, NewsKind};
use crate::output::Recorder;
use crate::policy::{Heirs, Sources, Written, load};
use crate::record::Stamp;

/// How much of a compiler's complaint is told, in bytes.
const COMPLAINT_MOST: usize = 2_000;

/// A policy for as long as the process lives. What it takes is never given back: alerts, permits and rules lend names and
/// conditions from it, and a site changes its policy a few times a day at most.
#[derive(Clone)]
pub(super) struct Standing {
    /// The policy with its text.
    pub(super) written: Written<'static>,
    /// Tells its image from others.
    pub(super) version: String,
    /// The version of its seal, if it has to have one.
    seal: Option<u64>,
    /// Whose declarations it believes.
    pub(super) keys: Keys,
    /// What humans approve in it.
    approvals: Vec<Approval>,
}

impl Standing {
    /// Keeps a policy that was compiled.
    ///
    /// # Errors
    /// When compiler and engine disagree on it.
    pub(super) fn new(sources: Sources, compiled: Compiled, seal: Option<u64>) -> Result<Self, Failure> {
        let Compiled { image, approvals, .. } = compiled;
        let version: String = Sha256::digest(&image).iter().take(8).map(|octet| format!("{octet:02x}")).collect();
        let policy = load(image.leak())?;
        let keys = Keys::of(&policy)?;
        Ok(Self { written: Written { policy, sources: Box::leak(Box::new(sources)) }, version, seal, keys, approvals })
    }

    /// What humans approve in it, of which nothing is declared yet.
    pub(super) fn approvals(&self) -> Approvals {
        Approvals::new(self.approvals.clone(), self.written.policy.intent_waits().skew_ms)
    }

    /// How it stands with a policy that comes into force now.
    fn state(&self) -> management::Policy {
        management::Policy {
            version: self.version.clone(),
            permits: self.written.policy.permit_count(),
            rules: self.written.policy.rule_count(),
            loaded: Stamp::now().0,
            taken: 0,
            refused: 0,
            refused_at: None,
        }
    }

    /// Reads and compiles a policy that is not older than this; the error is what is wrong with it.
    fn next(&self, asked: &config::Policy) -> Result<Self, String> {
        let (sources, seal) = Sources::read_sealed(asked).map_err(|failure| said(&failure))?;
        if let (Some(seal), Some(in_force)) = (seal, self.seal)
            && seal < in_force
        {
            return Err(format!("its seal is version {seal}, which is older than {in_force}"));
        }
        let (compiled, warnings) = sources.compile_quietly()?;
        if !warnings.is_empty() {
            warn!("{warnings}");
        }
        Self::new(sources, compiled, seal).map_err(|failure| said(&failure))
    }
}

/// What waits for the signal.
pub(super) struct Reload {
    asked: Arc<AtomicBool>,
    files: config::Policy,
    intents: FeedTable,
    at_start: AtStart,
    limits: Limits,
    /// Whether the sensor has room for intents.
    has_intent_room: bool,
    in_force: Standing,
    /// Where to compile, if not where frames are captured.
    elsewhere: Option<CpuSet>,
    at_work: Option<JoinHandle<Result<Next, String>>>,
    state: management::Policy,
}

/// A policy that is ready to come into force, with what comes along.
struct Next {
    standing: Standing,
    renewal: Renewal,
    heirs: Heirs,
    room: &'static mut PolicyRoom,
    /// Room for intents, if the sensor has none and needs it.
    intents: Option<&'static mut IntentRoom>,
}

impl Reload {
    /// Waits for the signal from now on.
    ///
    /// # Errors
    /// When the signal cannot be listened for.
    pub(super) fn on_signal(config: &Config, limits: Limits, in_force: Standing) -> Result<Self, Failure> {
        let asked = Arc::new(AtomicBool::new(false));
        flag::register(SIGHUP, Arc::clone(&asked))
            .map_err(|error| Failure::Io(format!("cannot listen for signals: {error}")))?;
        let state = in_force.state();
        let has_intent_room = in_force.written.policy.has_intents();
        Ok(Self {
            asked,
            files: config.policy.clone(),
            intents: config.intents.clone(),
            at_start: AtStart::of(&config.destinations()),
            limits,
            has_intent_room,
            in_force,
            elsewhere: None,
            at_work: None,
            state,
        })
    }

    /// Whether a policy is being read.
    pub(super) fn is_at_work(&self) -> bool {
        self.at_work.is_some()
    }

    /// How it stands with the policy.
    pub(super) fn state(&self) -> &management::Policy {
        &self.state
    }

    /// Compiles on these processors from now on.
    pub(super) fn compile_on(&mut self, processors: CpuSet) {
        self.elsewhere = Some(processors);
    }

    /// Does what is to be done between two frames: begins to compile, or puts in force what was compiled. Tells the policy
    /// that has come into force, and what was read with it.
    pub(super) fn step(
        &mut self,
        sensor: &mut Sensor<'_>,
        recorder: &mut Recorder<'_>,
    ) -> Option<(&Standing, Renewal)> {
        match self.at_work.take_if(|work| work.is_finished()) {
            Some(work) => match work.join().unwrap_or_else(|_| Err("compiling it failed".to_owned())) {
                Ok(next) => {
                    let renewal = self.put_in_force(next, sensor, recorder);
                    return Some((&self.in_force, renewal));
                }
                Err(why) => self.refuse(why, recorder),
            },
            None if self.at_work.is_none() && self.asked.load(Ordering::Relaxed) => {
                self.asked.store(false, Ordering::Relaxed);
                self.begin().unwrap_or_else(|why| self.refuse(why, recorder));
            }
            None => {}
        }
        None
    }

    fn begin(&mut self) -> Result<(), String> {
        info!("reading the policy anew");
        self.at_start.replaced().iter().for_each(|said| warn!("{said}"));
        let (files, in_force, elsewhere) = (self.files.clone(), self.in_force.clone(), self.elsewhere);
        let (intents, limits, has_room) = (self.intents.clone(), self.limits, self.has_intent_room);
        let work = move || {
            elsewhere.iter().for_each(unpin);
            let standing = in_force.next(&files)?;
            let renewal = Renewal::read(&intents, &standing.written.policy).map_err(|failure| said(&failure))?;
            let heirs = Heirs::between(in_force.written, standing.written);
            let room = Box::leak(Box::new(PolicyRoom::new(standing.written.policy)));
            let begins = standing.written.policy.has_intents() && !has_room;
            let intents = begins.then(|| Box::leak(Box::new(IntentRoom::new(&limits))));
            Ok(Next { standing, renewal, heirs, room, intents })
        };
        let thread = Builder::new().name("policy".to_owned()).spawn(work);
        self.at_work = Some(thread.map_err(|error| format!("cannot start a thread: {error}"))?);
        Ok(())
    }

    fn put_in_force(&mut self, next: Next, sensor: &mut Sensor<'_>, recorder: &mut Recorder<'_>) -> Renewal {
        let Next { standing, renewal, heirs, room, intents } = next;
        if let Some(room) = intents {
            self.has_intent_room = true;
            room.lend_to(sensor);
        }
        let policy = standing.written.policy;
        sensor.replace_policy(policy, room.lend(), &heirs.succession(), recorder);
        recorder.replace_policy(standing.written, &heirs);
        let [permits, rules] = heirs.kept();
        let why = format!(
            "the policy {}: {} permits and {} rules, of which {permits} and {rules} go on as they were",
            succession(&standing.version, &self.in_force.version),
            policy.permit_count(),
            policy.rule_count(),
        );
        self.state =
            management::Policy { taken: self.state.taken + 1, refused: self.state.refused, ..standing.state() };
        self.in_force = standing;
        recorder.tell(&News::new(NewsKind::PolicyLoaded, Stamp::now().0, why));
        renewal
    }

    fn refuse(&mut self, mut why: String, recorder: &mut Recorder<'_>) {
        why.truncate(why.floor_char_boundary(COMPLAINT_MOST));
        let why = format!("the policy was not taken, and the one before stays in force: {}", why.trim_end());
        let now = Stamp::now().0;
        self.state.refused += 1;
        self.state.refused_at = Some(now);
        recorder.tell(&News::new(NewsKind::PolicyRefused, now, why));
    }
}

/// What came into force in place of what.
fn succession(version: &str, before: &str) -> String {
    if version == before {
        format!("{version} is in force in place of itself, since its files say the same as before")
    } else {
        format!("{version} is in force in place of {before}")
    }
}

fn said(failure: &Failure) -> String {
    failure.message().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_says_the_same_is_no_other() {
        assert_eq!(succession("3b81", "77aa"), "3b81 is in force in place of 77aa");
        assert!(succession("3b81", "3b81").starts_with("3b81 is in force in place of itself"));
    }
}
