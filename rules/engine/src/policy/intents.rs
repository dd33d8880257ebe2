//! What a policy says of declared intents.

use zerocopy::little_endian::U16;

use super::carried::{point_value, raw_point_value, raw_value};
use super::{SourceInfo, judge};
use crate::image::{IntentKey, IntentTerms};
use crate::{Action, ActorId, DeviceId, IntentMode, PointId, Policy, Space, Timestamp, Touch};

/// How long declarations are waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IntentWaits {
    /// How long a verdict waits for a declaration behind its command.
    pub hold_ms: u32,
    /// How far the clocks of those who declare may be off.
    pub skew_ms: u32,
    /// A span that is learned of later than this after it began tells that the feed is behind; `None` if that is not watched.
    pub delay_ms: Option<u32>,
    /// After so long without a sign of life the feed is silent; `None` if that is not watched.
    pub silence_ms: Option<u32>,
}

impl Default for IntentWaits {
    /// What holds where the policy says nothing: ten seconds, since exporters of spans send every five.
    fn default() -> Self {
        Self { hold_ms: 10_000, skew_ms: 1_000, delay_ms: None, silence_ms: None }
    }
}

impl From<&IntentTerms> for IntentWaits {
    fn from(terms: &IntentTerms) -> Self {
        let watched = |ms: u32| Some(ms).filter(|ms| *ms != 0);
        Self {
            hold_ms: terms.hold_ms.get(),
            skew_ms: terms.skew_ms.get(),
            delay_ms: watched(terms.delay_ms.get()),
            silence_ms: watched(terms.silence_ms.get()),
        }
    }
}

/// A key that signs declarations.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct IntentKeyInfo<'a> {
    /// Its id.
    pub id: &'a str,
    /// Ed25519 public key (RFC 8032, section 5.1.5).
    pub public: &'a [u8; 32],
    /// The human who approves with it; `None` for a key of an actor.
    pub approver: Option<&'a str>,
    /// It is valid from then on.
    pub not_before: Timestamp,
    /// The first time at which it is not valid any more.
    pub expires: Timestamp,
    /// The time from which on it counts as stolen.
    pub revoked: Option<Timestamp>,
    /// Where it stands.
    pub source: SourceInfo<'a>,
    actors: &'a [U16],
}

impl IntentKeyInfo<'_> {
    /// Whether it may declare what this actor will do.
    pub fn speaks_for(&self, actor: ActorId) -> bool {
        self.actors.binary_search_by_key(&actor.0, |id| id.get()).is_ok()
    }

    /// Whether it is valid at that time.
    pub fn is_valid(&self, at: Timestamp) -> bool {
        at >= self.not_before && at < self.expires && self.revoked.is_none_or(|revoked| at < revoked)
    }
}

impl<'a> Policy<'a> {
    /// What an actor's commands are held against beside the permits; `None` for one whose intents do not matter.
    pub fn intent_mode(&self, actor: ActorId) -> Option<IntentMode> {
        IntentMode::from_number(self.actors.get(usize::from(actor.0))?.intents)
    }

    /// Whether any actor's intents matter.
    pub const fn has_intents(&self) -> bool {
        self.has_intents
    }

    /// How long declarations are waited for.
    pub fn intent_waits(&self) -> IntentWaits {
        self.intent_terms.first().map_or_else(IntentWaits::default, IntentWaits::from)
    }

    /// The keys that sign declarations, in the order of the files.
    pub fn intent_keys(&self) -> impl Iterator<Item = IntentKeyInfo<'a>> + use<'a> {
        let policy = *self;
        self.intent_keys.iter().map(move |key| policy.intent_key(key))
    }

    fn intent_key(&self, key: &'a IntentKey) -> IntentKeyInfo<'a> {
        IntentKeyInfo {
            id: self.text(key.id),
            public: &key.public,
            approver: self.optional(key.approver),
            not_before: Timestamp(key.not_before.get()),
            expires: Timestamp(key.expires.get()),
            revoked: Some(Timestamp(key.revoked.get())).filter(|at| at.0 != u64::MAX),
            source: self.source(key.source),
            actors: key.actors.of(self.key_actors),
        }
    }

    /// The value that a touch carries for a point, in engineering units; `None` if it carries none, or only a part.
    pub fn commanded(&self, point: PointId, touch: &Touch<'_>) -> Option<f64> {
        point_value(touch, self.points.get(point.0 as usize)?).number()
    }

    /// The same as on the wire.
    pub fn commanded_raw(&self, point: PointId, touch: &Touch<'_>) -> Option<f64> {
        raw_point_value(touch, self.points.get(point.0 as usize)?)
    }

    /// Whether a permit covers what an actor declares to do to a device: at a place, to a point that is declared there, with a
    /// value in engineering units of the point, else as on the wire. Time, conditions and pace are taken for met.
    pub fn may_declare(
        &self,
        actor: ActorId,
        device: DeviceId,
        action: Action,
        what: (Option<(Space, u32)>, Option<PointId>, Option<f64>),
    ) -> bool {
        judge::covers(self, (actor, device, action), what)
    }

    /// The same of a declared point, for the least and the greatest value.
    pub fn may_declare_point(
        &self,
        (actor, device, action): (ActorId, DeviceId, Action),
        point: PointId,
        ends: [Option<f64>; 2],
    ) -> bool {
        let place = self.point_info(point).map(|info| (info.space, u32::from(info.address)));
        ends.iter().all(|value| self.may_declare(actor, device, action, (place, Some(point), *value)))
    }

    /// The same of a run of addresses, whose values are as on the wire: of points that lie there they are not known.
    pub fn may_declare_run(
        &self,
        (actor, device, action): (ActorId, DeviceId, Action),
        (space, address, count): (Space, u32, u32),
        ends: [Option<f64>; 2],
    ) -> bool {
        let may = |point, value| self.may_declare(actor, device, action, (Some((space, address)), point, value));
        let mut points = self.points_at(device, space, address, count).peekable();
        if points.peek().is_none() {
            return ends.iter().all(|value| may(None, *value));
        }
        points.all(|point| may(Some(point), None))
    }

    /// The number of the actor of this name.
    pub fn actor_named(&self, name: &str) -> Option<ActorId> {
        let found = self.actors.iter().position(|actor| self.text(actor.name) == name)?;
        u16::try_from(found).ok().map(ActorId)
    }

    /// The number of the device of this name.
    pub fn device_named(&self, name: &str) -> Option<DeviceId> {
        let found = self.devices.iter().position(|device| self.text(device.name) == name)?;
        u16::try_from(found).ok().map(DeviceId)
    }

    /// The number of the point of this name on a device.
    pub fn point_named(&self, device: DeviceId, name: &str) -> Option<PointId> {
        self.declared(device).find(|(_, point)| self.text(point.name) == name).map(|(id, _)| id)
    }
}

impl Touch<'_> {
    /// The value that it carries for one of its addresses, as on the wire.
    pub fn raw(&self, address: u32) -> Option<f64> {
        raw_value(self, address.into()).number()
    }
}
