use crate::{Action, ActorId, DeviceId, PointState, Policy, ProcessImage, Timestamp, Touch, Verdict};

/// The storage that an engine works in, lent by its owner. Its sizes are the engine's bounds.
#[derive(Debug)]
pub struct Memory<'s> {
    /// As many as the policy has points; those beyond stay unknown.
    pub points: &'s mut [PointState],
}

/// Who asks to do what to which device, and when.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// When it was seen on the wire.
    pub now: Timestamp,
    /// Who asks; `None` for somebody whom the policy does not know.
    pub actor: Option<ActorId>,
    /// Whom; `None` for a device that the policy does not name.
    pub device: Option<DeviceId>,
    /// What for.
    pub action: Action,
}

/// A policy at work: it judges by the policy and remembers what that takes.
#[derive(Debug)]
pub struct Engine<'a, 's> {
    policy: Policy<'a>,
    process: ProcessImage<'s>,
}

impl<'a, 's> Engine<'a, 's> {
    /// An engine that has seen nothing yet.
    pub fn new(policy: Policy<'a>, memory: Memory<'s>) -> Self {
        let Memory { points } = memory;
        Self { policy, process: ProcessImage::new(points) }
    }

    /// The policy in force.
    pub const fn policy(&self) -> Policy<'a> {
        self.policy
    }

    /// What is known of the process.
    pub const fn process(&self) -> &ProcessImage<'s> {
        &self.process
    }

    /// Judges a request with what it touches; see [`Policy::judge`].
    pub fn judge<'t>(&mut self, question: &Question, touches: impl Iterator<Item = Touch<'t>>) -> Verdict {
        let Question { actor, device, action, .. } = *question;
        self.policy.judge(actor, device, action, touches)
    }
}
