use std::path::PathBuf;

use serde::Deserialize;

use crate::Failure;
use crate::delivery::config::TlsTable;
use crate::sandbox::Grants;
use crate::secret::Place;

/// `[intents.nats]`: a subject whose messages are signed intents, one a line.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct NatsTable {
    /// Where it is, as `nats://nats.example:4222`, or `tls://…`; several, with commas between them, are one cluster.
    pub url: String,
    /// The subject, in which `*` and `>` stand for others.
    pub subject: String,
    /// The stream of JetStream that keeps its messages, if one does.
    pub stream: Option<String>,
    /// The consumer of that stream that remembers what this sensor has had; made if it is not there.
    pub consumer: Option<String>,
    /// File with credentials, as `nsc` writes it.
    pub credentials: Option<Place>,
    /// File that holds a token.
    pub token_file: Option<Place>,
    /// How the server is trusted, and how it trusts the sensor.
    pub tls: Option<TlsTable>,
}

impl NatsTable {
    /// Looks whether it can be read as it says.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let what = match (&self.stream, &self.consumer) {
            _ if cfg!(not(feature = "tls")) => "this tagout was built without NATS: build it with the feature `tls`",
            (Some(_), None) => "name a `consumer` of the stream too, which remembers what this sensor has had",
            (None, Some(_)) => "name the `stream` that the consumer is of",
            _ => return Ok(()),
        };
        Err(Failure::Usage(format!("intents.nats: {what}")))
    }

    /// Its files.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let places = self.credentials.iter_mut().chain(&mut self.token_file).filter_map(Place::file);
        places.chain(self.tls.iter_mut().flat_map(TlsTable::paths))
    }

    /// The same, and where its credentials are.
    pub(super) fn read_anew(&self) -> impl Iterator<Item = PathBuf> {
        let places = self.credentials.iter().chain(&self.token_file).filter_map(Place::path);
        places.chain(self.tls.iter().flat_map(TlsTable::read_anew))
    }

    /// Asks for connections to its servers.
    pub(super) fn ask_for(&self, grants: &mut Grants) {
        #[cfg(feature = "tls")]
        crate::delivery::config::ask_for_nats(&self.url, self.tls.as_ref(), grants);
        #[cfg(not(feature = "tls"))]
        let _ = grants;
    }
}
