//! Why an exchange is judged as it is: the decision step by step, and what would permit it.
//!
//! The capture is played to the sensor once more (`watch`), which tells of each permit that it asks about the request, and
//! hears what was declared (`declared`).
//! What would permit it (`remedy`) is tried out: the policy is compiled with it, and the capture played again. `page` puts
//! it into words.

mod declared;
mod page;
mod remedy;
mod watch;

use std::path::Path;

use tagout_compiler::compile;
use tagout_core::Config;
use tagout_core::engine::Policy;

pub use declared::Declared;
pub use page::write;
pub use remedy::Remedy;
pub use watch::{Asked, Story};

use crate::capture::CaptureError;
use crate::policy::Sources;

/// The frame of a capture that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The capture file.
    pub capture: &'a Path,
    /// Number of the frame: of a request, of its response, or of what an anomaly is about.
    pub frame: u64,
    /// What is declared meanwhile.
    pub declared: Declared<'a>,
}

/// Everything that is to be told of a frame; `None` if nothing happens in it.
///
/// # Errors
/// When the capture cannot be read.
pub fn explain(place: Place<'_>, policy: Policy<'_>, config: &Config) -> Result<Option<Story>, CaptureError> {
    let story = watch::watch(place, policy, config)?;
    match story.asked_in {
        // The frame is that of a response: what is asked is in the request's.
        Some(frame) if frame != place.frame => {
            watch::watch(Place { frame, ..place }, policy, config).map(|story| Some(story).filter(Story::tells))
        }
        _ => Ok(Some(story).filter(Story::tells)),
    }
}

/// What would permit what a story tells of; `None` if it is permitted, or if no policy would do.
///
/// # Errors
/// When the capture cannot be read.
pub fn remedy(
    place: Place<'_>,
    story: &Story,
    sources: &Sources,
    config: &Config,
) -> Result<Option<Remedy>, CaptureError> {
    remedy::find(story, sources, |sources| {
        let Ok(compiled) = compile(sources.files()) else { return Ok(None) };
        let Ok(policy) = Policy::load(&compiled.image) else { return Ok(None) };
        explain(place, policy, config)
    })
}
