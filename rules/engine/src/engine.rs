use crate::cadence::{Channels, Departed};
use crate::circumstances::{Circumstances, History};
use crate::condition::Scene;
use crate::process::Told;
use crate::rules::Rules;
use crate::{
    Action, ActorId, Audience, Breach, CadenceId, ChannelState, Considered, CycleState, Departure, DeviceId, Facts,
    Firing, Given, Heard, IntentFinding, IntentMode, News, Occupancy, PastSlot, PermitId, PointState, Policy,
    PolicyMemory, PollKey, ProcessEvent, ProcessImage, Reason, Reply, RoutineKey, RoutineSlot, SeenSlot, Succession,
    SuppressionId, Suspect, Timestamp, Touch, Trigger, Verdict, Violation, WindowSlot,
};

/// The storage that an engine works in, lent by its owner. Its sizes are the engine's bounds.
#[derive(Debug, Default)]
pub struct Memory<'s> {
    /// As many as the policy has points; those beyond stay unknown.
    pub points: &'s mut [PointState],
    /// What rules that fire only the first time saw before. A full table forgets what was not seen again for longest.
    pub seen: &'s mut [SeenSlot],
    /// As many as seen.
    pub seen_buckets: &'s mut [u32],
    /// What rules count and wait for. A full table forgets as above.
    pub windows: &'s mut [WindowSlot],
    /// As many as windows.
    pub window_buckets: &'s mut [u32],
    /// Polls that come again and again, so that rules need not be asked of each anew. None is lost without them but time.
    pub routines: &'s mut [RoutineSlot],
    /// What permits that limit pace and change remember of commands. A full table forgets as above.
    pub past: &'s mut [PastSlot],
    /// As many as past.
    pub past_buckets: &'s mut [u32],
    /// As many as the policy has cadences; those beyond are not watched.
    pub channels: &'s mut [ChannelState],
    /// As many as these have cycles.
    pub cycles: &'s mut [CycleState],
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
    rules: Rules<'s>,
    history: History<'s>,
    channels: Channels<'s>,
}

impl<'a, 's> Engine<'a, 's> {
    /// An engine that has seen nothing yet; `seed` is that of its tables.
    pub fn new(policy: Policy<'a>, memory: Memory<'s>, seed: u64) -> Self {
        let Memory { points, seen, seen_buckets, windows, window_buckets, routines, .. } = memory;
        let Memory { past, past_buckets, channels, cycles, .. } = memory;
        let rules = Rules::new((seen_buckets, seen), (window_buckets, windows), routines, seed);
        let history = History::new(past_buckets, past, seed);
        let channels = Channels::new(channels, cycles);
        Self { policy, process: ProcessImage::new(points), rules, history, channels }
    }

    /// Goes on under another policy, in its storage. What entries remember that have a successor goes on with it; the others
    /// begin anew.
    pub fn succeed(&mut self, policy: Policy<'a>, memory: PolicyMemory<'s>, succession: &Succession<'_>) {
        let PolicyMemory { points, channels, cycles } = memory;
        self.process.succeed(points, succession);
        self.rules.succeed(succession);
        self.history.succeed(succession);
        self.channels.succeed((&self.policy, &policy), (channels, cycles), succession);
        self.policy = policy;
    }

    /// How much of what rules and permits remembered was forgotten to make room.
    pub const fn forgotten(&self) -> u64 {
        self.rules.forgotten().saturating_add(self.history.forgotten())
    }

    /// How full the table is of what rules that fire only the first time saw before.
    pub fn seen(&self) -> Occupancy {
        self.rules.seen()
    }

    /// How full the table is of what rules count and wait for.
    pub fn windows(&self) -> Occupancy {
        self.rules.windows()
    }

    /// How full the table is of what permits remember of commands.
    pub fn past(&self) -> Occupancy {
        self.history.occupancy()
    }

    /// Tells when the capture begins; only the first call counts.
    pub fn begin(&mut self, now: Timestamp) {
        self.rules.begin(now);
    }

    /// Tells which rules fire on this, or wait for something from now on or no more, whose fields `facts` are.
    pub fn react(&mut self, trigger: Trigger, now: Timestamp, facts: &dyn Facts, mut fire: impl FnMut(Firing)) {
        let scene = Scene { now, facts, process: &self.process };
        self.rules.react(&self.policy, trigger, &scene, &mut fire);
    }

    /// What keeps the alert of a violation from being given; `facts` are those of the exchange.
    pub fn suppression(&self, suspect: Suspect, now: Timestamp, facts: &dyn Facts) -> Option<SuppressionId> {
        self.policy.suppression(suspect, &Scene { now, facts, process: &self.process })
    }

    /// Tells what keeps back the alerts of which findings about a command of an actor that is held to this; of several
    /// suppressions the first is told first. `facts` are those of the exchange.
    pub fn intent_suppressions(
        &self,
        mode: IntentMode,
        now: Timestamp,
        facts: &dyn Facts,
        tell: impl FnMut(IntentFinding, SuppressionId),
    ) {
        self.policy.intent_suppressions(mode, &Scene { now, facts, process: &self.process }, tell);
    }

    /// What stands against how a device replied to something that a permit covers; `facts` are those of the exchange.
    pub fn against_reply(
        &self,
        permit: PermitId,
        reply: Reply,
        now: Timestamp,
        facts: &dyn Facts,
    ) -> Option<Violation> {
        let found = self.policy.against_reply(permit, reply)?;
        let (reason, nearest) = (Reason::Reply, Some(permit));
        let mut violation = Violation { reason, nearest, found, place: None, point: None, value: None, violations: 1 };
        let scene = Scene { now, facts, process: &self.process };
        facts.touches(&mut |device, touch| {
            scene.items(&self.policy, device, touch, &mut |item| {
                if violation.place.is_none() {
                    let place = Some((touch.space, item.address));
                    violation = Violation { place, point: item.point, value: item.value, ..violation };
                }
            });
        });
        Some(violation)
    }

    /// The policy in force.
    pub const fn policy(&self) -> &Policy<'a> {
        &self.policy
    }

    /// What is known of the process.
    pub const fn process(&self) -> &ProcessImage<'s> {
        &self.process
    }

    /// Whether anything can be known of the device's process.
    pub fn has_points(&self, device: DeviceId) -> bool {
        self.policy.has_points(device)
    }

    /// Takes what a device reports: the values of declared points go into the process image. `good` tells whether the
    /// device vouches for them. Tells which rules fire on what came to be wrong; `facts` are those of the exchange.
    pub fn observe(
        &mut self,
        (device, touch): (DeviceId, &Touch<'_>),
        (good, to): (bool, Audience),
        now: Timestamp,
        facts: &dyn Facts,
        mut fire: impl FnMut(Firing, News),
    ) {
        for (id, point) in self.policy.touched_by(device, touch) {
            let new = self.process.report((id, point), touch, (good, to), now);
            if new.is_empty() {
                continue;
            }
            for event in ProcessEvent::ALL.iter().filter(|event| new.has(**event)) {
                if let Some(news) = self.process.news(*event, id, point) {
                    self.tell(news, now, facts, &mut fire);
                }
            }
        }
    }

    fn tell(&mut self, news: News, now: Timestamp, facts: &dyn Facts, fire: &mut dyn FnMut(Firing, News)) {
        let told = Told { news, policy: &self.policy, rest: facts };
        let scene = Scene { now, facts: &told, process: &self.process };
        self.rules.react(&self.policy, Trigger::Process(news.event), &scene, &mut |firing| fire(firing, news));
    }

    /// When the first of the values that a device just reported is stale, unless it reports them again.
    pub fn stale_from(&self, device: DeviceId, touch: &Touch<'_>) -> Option<Timestamp> {
        let mut first: Option<Timestamp> = None;
        for (id, point) in self.policy.touched_by(device, touch) {
            if let Some(stale) = self.process.stale_from(id, point) {
                first = Some(first.map_or(stale, |first| first.min(stale)));
            }
        }
        first
    }

    /// Looks at every point of a device: tells which rules fire on those whose report is stale by now, and when the next
    /// one will be. `facts` are those of whom the device reported to.
    pub fn overdue(
        &mut self,
        device: DeviceId,
        now: Timestamp,
        facts: &dyn Facts,
        mut fire: impl FnMut(Firing, News),
    ) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = None;
        for (id, point) in self.policy.declared(device) {
            match self.process.stale_from(id, point) {
                Some(stale) if stale > now => next = Some(next.map_or(stale, |next| next.min(stale))),
                Some(_) => {
                    if let Some(news) = self.process.expire(id, point) {
                        self.tell(news, now, facts, &mut fire);
                    }
                }
                None => {}
            }
        }
        next
    }

    /// Takes what a device was told by somebody, and did not refuse.
    pub fn ordered(&mut self, device: DeviceId, touch: &Touch<'_>, given: Given) {
        self.process.ordered(&self.policy, device, touch, given);
    }

    /// Looks at the invariants of what was touched, once everything that an exchange tells of points was taken: between two
    /// values of one response a plant may look as it never was. `facts` are those of the exchange.
    pub fn check(
        &mut self,
        (device, touch): (DeviceId, &Touch<'_>),
        now: Timestamp,
        facts: &dyn Facts,
        mut fire: impl FnMut(Firing, &Breach),
    ) {
        let scene = Scene { now, facts: &(), process: &self.process };
        for (_, point) in self.policy.touched_by(device, touch) {
            for (id, rule) in self.policy.invariants_of(point).filter_map(|id| Some((id, self.policy.rule(id)?))) {
                if self.rules.is_broken(&self.policy, id, rule, &scene) {
                    let firing = Firing::of(id, Some(0), &self.policy, &Scene { facts, ..scene });
                    fire(firing, &Breach::of(self.policy.involved(rule), &self.process));
                }
            }
        }
    }

    /// Takes a request on the channel of a cadence; tells what departs from it. A command that it does not have does not.
    pub fn polled(
        &mut self,
        cadence: CadenceId,
        (key, is_command): (PollKey, bool),
        heard: Heard,
    ) -> Option<Departure> {
        self.channels.take(&self.policy, cadence, (key, is_command), heard)
    }

    /// Takes note that a request on the channel of a cadence was answered.
    pub fn poll_answered(&mut self, cadence: CadenceId) {
        self.channels.answered(cadence);
    }

    /// Takes note that something is wrong with the connection of a channel: what departs next is excused.
    pub fn poll_disturbed(&mut self, cadence: CadenceId) {
        self.channels.disturbed(&self.policy, cadence);
    }

    /// When the next poll is late, if none comes.
    pub fn next_poll_due(&self) -> Option<Timestamp> {
        self.channels.next_due()
    }

    /// Tells of one cycle whose polls are late by `now`, and where they were heard last.
    pub fn overdue_poll(&mut self, now: Timestamp) -> Option<(Departure, Heard)> {
        self.channels.overdue(&self.policy, now)
    }

    /// Tells which rules fire on what departs from a cadence; `facts` are those of what shows it.
    pub fn departed(&mut self, departure: Departure, now: Timestamp, facts: &dyn Facts, mut fire: impl FnMut(Firing)) {
        let departed = Departed { departure, policy: &self.policy, rest: facts };
        let scene = Scene { now, facts: &departed, process: &self.process };
        self.rules.react(&self.policy, Trigger::Cadence(departure.event), &scene, &mut fire);
    }

    /// Takes note of a request that may come again and again; the verdict on it, if it was [noted](Self::note_verdict).
    pub fn recall(&mut self, key: &RoutineKey) -> Option<Verdict> {
        self.rules.routines().recall(key)
    }

    /// Takes note of the verdict on a request without values that was [recalled](Self::recall), if the same question gets the
    /// same verdict each time; false if it may not.
    pub fn note_verdict(&mut self, key: &RoutineKey, question: &Question, verdict: &Verdict) -> bool {
        let is_lasting = self.policy.is_lasting(question.actor, question.device, question.action);
        if is_lasting {
            self.rules.routines().note_verdict(key, verdict);
        }
        is_lasting
    }

    /// Whether it is settled that no rule has anything to say of a request.
    pub fn is_silent(&mut self, key: &RoutineKey, now: Timestamp) -> bool {
        self.rules.routines().is_silent(key, now)
    }

    /// Judges a request with what it touches, and whose fields `facts` are; see [`Policy::judge`].
    ///
    /// Permits hold only at their times, under their conditions and within their pace. Each point or address that one
    /// covers uses it at once; only that counts for pace and change.
    pub fn judge<'t>(
        &mut self,
        question: &Question,
        facts: &dyn Facts,
        mut touches: impl Iterator<Item = Touch<'t>>,
    ) -> Verdict {
        self.next_exchange();
        self.judge_before(question, facts, &mut touches, |_| {})
    }

    /// Begins with another exchange: in however many parts it is judged, a permit is used once.
    pub fn next_exchange(&mut self) {
        self.history.begin();
    }

    /// Like [`judge`](Self::judge) for a part of [an exchange](Self::next_exchange), and tells of each permit that is asked.
    pub fn judge_before<'t>(
        &mut self,
        question: &Question,
        facts: &dyn Facts,
        touches: &mut dyn Iterator<Item = Touch<'t>>,
        mut witness: impl FnMut(&Considered<'_, '_>),
    ) -> Verdict {
        let Question { now, actor, device, action } = *question;
        let scene = Scene { now, facts, process: &self.process };
        let mut circumstances = Circumstances { scene, history: &mut self.history };
        self.policy.judge_in(Some(&mut circumstances), (actor, device, action), touches, &mut witness)
    }
}
