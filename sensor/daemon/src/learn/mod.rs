//! A policy out of traffic: what is done as a habit is drafted as permits, and everything else is put before somebody to
//! decide.
//!
//! [`Listener`] takes what the sensor reports and counts it in bounded memory (`evidence`, `series`, `calendar`). `habit`
//! judges what was counted, `infer` makes points of addresses, `draft` puts the policy together, and `policy` and
//! `review` write it down. `rhythm` follows how polls come again, and `cadence` makes cadences of that. The rules stand in `docs/design/learning.md`.

mod against;
mod band;
mod cadence;
mod calendar;
mod draft;
mod evidence;
mod habit;
mod infer;
mod listen;
mod paces;
mod policy;
mod proposal;
mod review;
mod rhythm;
mod series;
mod strays;

pub use evidence::Limits;
pub use listen::Listener;

use evidence::Evidence;
use tagout_core::engine::Policy;

/// Points that are declared at most: what the engine was measured with.
pub const MOST_POINTS: usize = 10_000;

/// What was learned, as the text of files by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned {
    /// Name and text of each file, the policy's first and the review last.
    pub files: Vec<(&'static str, String)>,
    /// How many actors, devices, points and permits the policy has.
    pub counts: [usize; 4],
    /// How many cadences it has.
    pub cadences: usize,
    /// How much is left to decide.
    pub to_decide: usize,
    /// Whether something was seen and not kept.
    pub incomplete: bool,
}

/// What would have to change in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// A page of Markdown: it shows changes and new entries, and what is left to decide.
    pub page: String,
    /// How many permits it adds or changes.
    pub proposed: usize,
    /// How much is left to decide.
    pub to_decide: usize,
}

impl<'p> Listener<'p> {
    /// A listener that has heard nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self::against(limits, Policy::empty())
    }

    /// One that compares what it hears with the policy of its sensor.
    pub fn against(limits: Limits, policy: Policy<'p>) -> Self {
        Self { evidence: Evidence::new(limits), policy }
    }

    /// The policy that it compares with.
    pub const fn policy(&self) -> Policy<'p> {
        self.policy
    }

    /// The smallest change to the policy that permits what is established. `inputs` name where it came from.
    pub fn propose(&self, inputs: &[String]) -> Proposal {
        proposal::proposal(&self.evidence, &self.policy, inputs)
    }

    /// The policy that covers what is established. `inputs` name where it came from; it declares at most so many points.
    pub fn learn(&self, inputs: &[String], most_points: usize) -> Learned {
        let evidence = &self.evidence;
        let draft = draft::draft(evidence, habit::judge(evidence), most_points);
        let (cadences, lacking) = cadence::cadences(evidence, &draft);
        let points = draft.devices.iter().map(|device| device.points.len()).sum();
        Learned {
            counts: [draft.actors.len(), draft.devices.len(), points, draft.permits.len()],
            cadences: cadences.len(),
            to_decide: review::decisions(evidence, &draft).len() + review::probing(evidence, &draft).len(),
            incomplete: evidence.beyond != evidence::Beyond::default(),
            files: vec![
                ("actors.toml", policy::actors(&draft)),
                ("devices.toml", policy::devices(evidence, &draft)),
                ("permits.toml", policy::permits(&draft)),
                ("cadences.toml", cadence::file(&draft, &cadences)),
                ("review.md", review::page(evidence, &draft, (&cadences, &lacking), inputs, most_points)),
            ],
        }
    }
}
