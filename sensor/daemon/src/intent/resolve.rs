//! From the names of a declaration to the numbers of the policy in force.

use std::net::IpAddr;

use sha2::{Digest, Sha256};
use tagout_core::engine::{ActorId, DeviceId, Endpoint, Policy};
use tagout_core::intent::{Intent, IntentKey, IntentSource, IntentTarget, MOST_TARGETS};

use super::{Declaration, Source, Target};

impl Declaration {
    /// What it is known by: who declares it, and its id among what that one declares; of what a policy approves, also for whom and
    /// from when on.
    pub fn key(&self) -> IntentKey {
        let issuer = match &self.source {
            Source::Signed { key, .. } => ["signed", key],
            Source::Span => ["span", ""],
            Source::Window { window, .. } => ["window", window],
        };
        let mut hasher = Sha256::new();
        for part in issuer.into_iter().chain([self.id.as_str()]) {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        if let Source::Window { .. } = self.source {
            hasher.update(self.not_before.0.to_le_bytes());
            hasher.update(&self.actor);
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let (first, _) = digest.split_at(16);
        IntentKey(u128::from_le_bytes(first.try_into().unwrap_or_default()))
    }

    /// The intent in the numbers of a policy.
    ///
    /// # Errors
    /// What it names that the policy does not know.
    pub fn resolve(&self, policy: &Policy<'_>) -> Result<Intent, String> {
        let actor = actor(policy, &self.actor)?;
        let device = self.device.as_deref().map(|name| device(policy, name)).transpose()?;
        let mut intent = Intent {
            source: match self.source {
                Source::Signed { .. } => IntentSource::Signed,
                Source::Span => IntentSource::Span,
                Source::Window { .. } => IntentSource::Window,
            },
            device,
            operation: self.operation,
            value: self.value,
            count: self.count.unwrap_or(1),
            pace_ms: self.pace_ms.unwrap_or(0),
            not_before: self.not_before,
            expires: self.expires,
            received: self.received,
            ..Intent::open(self.key(), actor)
        };
        if self.targets.len() > MOST_TARGETS {
            return Err(format!("{} points or addresses are too many: {MOST_TARGETS} at most", self.targets.len()));
        }
        for (place, target) in intent.targets.iter_mut().zip(&self.targets) {
            *place = Some(self.target(policy, device, target)?);
        }
        Ok(intent)
    }

    fn target(&self, policy: &Policy<'_>, device: Option<DeviceId>, target: &Target) -> Result<IntentTarget, String> {
        match target {
            Target::Raw { space, address, quantity } => {
                Ok(IntentTarget::Run { space: *space, address: *address, quantity: *quantity })
            }
            Target::Point(name) => {
                let device = device.ok_or_else(|| format!("point `{name}` of no device"))?;
                let point = policy.point_named(device, name).map(IntentTarget::Point);
                point.ok_or_else(|| {
                    let device = self.device.as_deref().unwrap_or_default();
                    format!("the policy knows no point `{name}` of `{device}`")
                })
            }
        }
    }
}

/// The actor of this name.
pub(super) fn actor(policy: &Policy<'_>, name: &str) -> Result<ActorId, String> {
    policy.actor_named(name).ok_or_else(|| format!("the policy knows no actor `{name}`"))
}

/// The device of this name, or at this address: `10.0.0.10`, or `10.0.0.10/1` with a unit id or link address.
pub(super) fn device(policy: &Policy<'_>, text: &str) -> Result<DeviceId, String> {
    let unknown = || format!("the policy knows no device `{text}`");
    policy.device_named(text).or_else(|| policy.device(&endpoint(text)?)).ok_or_else(unknown)
}

fn endpoint(text: &str) -> Option<Endpoint> {
    let (ip, station) = text.split_once('/').map_or((text, None), |(ip, station)| (ip, Some(station)));
    let ip: IpAddr = ip.parse().ok()?;
    let link = station.map(str::parse::<u16>).transpose().ok()?;
    let unit = link.and_then(|link| u8::try_from(link).ok());
    Some(Endpoint { ip: Some(ip), mac: None, port: None, vlan: None, unit, link })
}
