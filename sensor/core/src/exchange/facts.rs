//! What the engine can ask of an exchange.

use tagout_engine::{ActorInfo, DeviceInfo, Fact, Facts, Field, Policy, Verdict};

use crate::record::{Body, Exchange, Host, Transport};

/// An exchange as far as it has come.
pub(super) struct Said<'x> {
    pub(super) exchange: &'x Exchange<'x>,
    pub(super) policy: Policy<'x>,
    /// What the permits say, once they have.
    pub(super) verdict: Option<&'x Verdict>,
}

impl Said<'_> {
    fn actor(&self) -> Option<ActorInfo<'_>> {
        self.policy.actor_info(self.exchange.actor?)
    }

    fn device(&self) -> Option<DeviceInfo<'_>> {
        self.policy.device_info(self.exchange.device?)
    }

    /// The address of a side; a serial line has none.
    fn ip(&self, host: &Host) -> Fact<'_> {
        if self.exchange.path.transport == Transport::Serial { Fact::Unknown } else { Fact::Address(host.ip) }
    }

    fn verdict(&self) -> Fact<'_> {
        Fact::of(self.verdict, |verdict| {
            Fact::Text(match verdict {
                Verdict::Unjudged => "unjudged",
                Verdict::Permitted(_) => "permitted",
                Verdict::Unexpected(_) => "unexpected",
            })
        })
    }
}

impl Facts for Said<'_> {
    fn fact(&self, field: Field) -> Fact<'_> {
        let Exchange { path, action, outcome, .. } = self.exchange;
        match field {
            Field::Actor => Fact::of(self.actor(), |actor| Fact::Text(actor.name)),
            Field::ActorKind => Fact::of(self.actor(), |actor| Fact::Text(actor.kind.name())),
            Field::Device => Fact::of(self.device(), |device| Fact::Text(device.name)),
            Field::ClientIp => self.ip(&path.client),
            Field::ClientPort => Fact::Number(path.client.port.into()),
            Field::ClientMac => Fact::of(path.client.mac.as_ref(), |mac| Fact::Bytes(&mac.0)),
            Field::ServerIp => self.ip(&path.server),
            Field::ServerPort => Fact::Number(path.server.port.into()),
            Field::ServerMac => Fact::of(path.server.mac.as_ref(), |mac| Fact::Bytes(&mac.0)),
            Field::Vlan => Fact::of(path.vlan, |vlan| Fact::Number(vlan.into())),
            Field::Transport => Fact::Text(match path.transport {
                Transport::Tcp => "tcp",
                Transport::Udp => "udp",
                Transport::Serial => "serial",
            }),
            Field::Protocol => Fact::Text(match self.exchange.body {
                Body::Modbus(_) => "modbus",
                Body::Dnp3(_) => "dnp3",
            }),
            Field::Action => Fact::Text(action.name()),
            Field::IsCommand => Fact::Flag(action.is_command()),
            Field::Verdict => self.verdict(),
            Field::Outcome => Fact::Text(outcome.name()),
            _ => Fact::Unknown,
        }
    }
}
