use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::Failure;
use crate::secret::Place;

/// `[intents.limits]`: what the listener takes at most. What is more is refused, and counted.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// KiB of a request, as it is sent and as it is unpacked.
    pub request_kib: usize,
    /// Requests and connections that a peer begins in a second.
    pub per_second: u32,
    /// Connections of all peers.
    pub connections: usize,
    /// Connections of a peer.
    pub peer_connections: usize,
    /// Seconds for the head of a request, and for the handshakes before it; a connection on which no request is under way for
    /// so long is closed.
    pub head_s: u32,
    /// Seconds for the body of a request.
    pub body_s: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { request_kib: 1_024, per_second: 50, connections: 64, peer_connections: 8, head_s: 10, body_s: 10 }
    }
}

/// More is no request of declarations.
const REQUEST_KIB: RangeInclusive<usize> = 8..=4_096;
/// A descriptor each.
const CONNECTIONS: RangeInclusive<usize> = 1..=1_024;

impl Limits {
    /// Looks whether each is within its bounds.
    pub(in crate::intent) fn check(&self) -> Result<(), Failure> {
        let within = |key: &str, value: usize, bounds: &RangeInclusive<usize>| match bounds.contains(&value) {
            true => Ok(()),
            false => Err(Failure::Usage(format!(
                "intents.limits.{key} is {value}; it must be {} to {}",
                bounds.start(),
                bounds.end()
            ))),
        };
        within("request_kib", self.request_kib, &REQUEST_KIB)?;
        within("per_second", self.per_second as usize, &(1..=100_000))?;
        within("connections", self.connections, &CONNECTIONS)?;
        within("peer_connections", self.peer_connections, &CONNECTIONS)?;
        within("head_s", self.head_s as usize, &(1..=3_600))?;
        within("body_s", self.body_s as usize, &(1..=3_600))
    }

    /// Octets of a request.
    pub(super) const fn request_bytes(&self) -> usize {
        self.request_kib << 10
    }

    pub(super) fn for_head(&self) -> Duration {
        Duration::from_secs(self.head_s.into())
    }

    pub(super) fn for_body(&self) -> Duration {
        Duration::from_secs(self.body_s.into())
    }
}

/// `[intents.tls]`: certificates on both sides.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct TlsTable {
    /// The sensor's certificate (PEM), and those that lead to it.
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: Place,
    /// Certificates (PEM) of those who vouch for whoever sends.
    pub client_ca: PathBuf,
}

impl TlsTable {
    /// Its files.
    pub(in crate::intent) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.certificate, &mut self.client_ca].into_iter().chain(self.key.file())
    }

    /// The same, and where its credential is.
    pub(in crate::intent) fn read_anew(&self) -> impl Iterator<Item = PathBuf> {
        [self.certificate.clone(), self.client_ca.clone()].into_iter().chain(self.key.path())
    }
}
