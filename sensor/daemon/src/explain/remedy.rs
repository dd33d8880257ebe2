//! The smallest change of a policy that permits something, tried out.

use tagout_compiler::{SourceFile, amend};

use super::watch::{Story, Suggested};
use crate::policy::Sources;

/// What would permit an exchange.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remedy {
    /// Changes and additions, as TOML: none can be left out.
    pub steps: Vec<String>,
    /// Whether it was seen that the exchange is permitted with all of them.
    pub holds: bool,
}

/// As many things as can be put right one after another.
const MOST: usize = 32;

/// Changes the policy as suggested until `explain` tells of no violation any more, then leaves out what was not needed.
pub(super) fn find<E>(
    story: &Story,
    sources: &Sources,
    mut explain: impl FnMut(&Sources) -> Result<Option<Story>, E>,
) -> Result<Option<Remedy>, E> {
    let (mut steps, mut holds) = (Vec::new(), false);
    let mut suggestion = story.suggestion.clone();
    while let Some(step) = suggestion.take().filter(|_| steps.len() < MOST) {
        steps.push(step);
        let Some(story) = with(sources, &steps, &mut explain)? else { break };
        holds = story.is_permitted();
        suggestion = story.suggestion;
    }
    for place in (0..steps.len()).rev().filter(|_| holds) {
        let rest: Vec<_> = [&steps[..place], &steps[place + 1..]].concat();
        if with(sources, &rest, &mut explain)?.is_some_and(|story| story.is_permitted()) {
            steps = rest;
        }
    }
    let steps: Vec<_> = steps.into_iter().map(|step| step.text).collect();
    Ok((!steps.is_empty()).then_some(Remedy { steps, holds }))
}

/// What there is to tell with these suggestions in force; `None` if they make no policy.
fn with<E>(
    sources: &Sources,
    steps: &[Suggested],
    explain: &mut impl FnMut(&Sources) -> Result<Option<Story>, E>,
) -> Result<Option<Story>, E> {
    let changed = steps.iter().try_fold(sources.clone(), |sources, step| apply(&sources, step));
    changed.map_or(Ok(None), |changed| explain(&changed))
}

/// The policy with a suggestion: a key changed in the permit that stands there, or a file added.
fn apply(sources: &Sources, step: &Suggested) -> Option<Sources> {
    let mut files = sources.files().to_vec();
    match &step.edits {
        Some((file, line)) => {
            let file = files.iter_mut().find(|source| source.name == *file)?;
            file.text = amend(&file.text, *line, &step.text)?;
        }
        None => files.push(SourceFile::new(format!("addition {}", files.len()), step.text.as_str())),
    }
    Some(Sources::new(files))
}
