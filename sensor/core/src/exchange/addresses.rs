//! Changes of the addresses on the link, told as anomalies: of the flow that showed them, or of none.

use tagout_engine::Endpoint;

use super::desk::{Desk, Hearing, anomaly};
use crate::counters::Counter;
use crate::flow::{Flow, FlowKey, Turn};
use crate::neighbours::Change;
use crate::record::{Anomaly, Host, Output, Path, Seen, Transport};
use crate::wire::Claim;

impl Hearing<'_, '_> {
    /// Tells of a change that a packet of this flow showed.
    pub(crate) fn readdressed(&mut self, flow: &Flow, turn: Turn, change: &Change) {
        let Some(unreported) = self.desk.admit(change) else { return };
        let anomaly = anomaly(flow, turn.side, change.finding, turn.seen, unreported);
        self.output.anomaly(&anomaly);
        let of = flow.parties.map_or(0, |parties| parties.of);
        self.desk.alert_anomaly(&anomaly, of, self.output);
    }
}

impl Desk<'_> {
    /// Tells of a change that the link's own messages showed.
    pub(crate) fn claimed(&mut self, claim: &Claim, change: &Change, seen: Seen, output: &mut dyn Output) {
        let Some(unreported) = self.admit(change) else { return };
        let path = path(claim);
        output.belongs(Some(path.flow));
        let sender = Endpoint { mac: path.client.mac, ip: Some(claim.ip), vlan: claim.vlan, ..Endpoint::default() };
        let anomaly = Anomaly {
            path,
            actor: self.policy.actor(&sender),
            device: None,
            protocol: None,
            from_client: true,
            finding: change.finding,
            seen,
            unreported,
        };
        output.anomaly(&anomaly);
        self.alert_anomaly(&anomaly, 0, output);
    }

    /// Counts a change. If it is to be told of: how many were not, since the last that was.
    fn admit(&mut self, change: &Change) -> Option<u16> {
        self.counters.add(Counter::Anomalies, 1);
        if change.unreported.is_none() {
            self.counters.add(Counter::AnomaliesRepeated, 1);
        }
        change.unreported
    }
}

/// From who claims an address to whom that is said.
fn path(claim: &Claim) -> Path {
    let (key, _) = FlowKey::new((claim.ip, 0), (claim.target, 0), claim.vlan, Transport::Link);
    Path {
        flow: key.stable_hash(),
        transport: Transport::Link,
        vlan: claim.vlan,
        client: Host { mac: Some(claim.mac), ip: claim.ip, port: 0 },
        server: Host { mac: None, ip: claim.target, port: 0 },
    }
}
