#[cfg(feature = "tls")]
use async_nats::ConnectOptions;
use tagout_core::engine::Policy;
use tracing::warn;

use super::FeedTable;
use crate::Failure;
#[cfg(feature = "tls")]
use crate::intent::receive::Tls;
use crate::intent::spans::Servers;

/// What the files say that `[intents]` names beside declarations: read at the start, and with each policy that is read anew.
#[derive(Default)]
pub struct Renewal {
    /// What spans mean.
    pub(in crate::intent) servers: Option<Servers>,
    /// By what the listener is known, and whom it knows.
    #[cfg(feature = "tls")]
    pub(in crate::intent) tls: Option<Tls>,
    /// How connections to NATS are opened.
    #[cfg(feature = "tls")]
    pub(in crate::intent) nats: Option<ConnectOptions>,
}

impl Renewal {
    /// Reads all of them. The log tells what they name that the policy does not know.
    ///
    /// # Errors
    /// What is wrong with the first that is not as it should be.
    pub fn read(table: &FeedTable, policy: &Policy<'_>) -> Result<Self, Failure> {
        if table.is_empty() {
            return Ok(Self::default());
        }
        let servers = table.servers.as_deref().map(Servers::read).transpose()?;
        table.strangers(servers.as_ref(), policy).iter().for_each(|what| warn!("{what}"));
        Ok(Self {
            servers,
            #[cfg(feature = "tls")]
            tls: table.tls.as_ref().map(Tls::read).transpose()?,
            #[cfg(feature = "tls")]
            nats: table.nats.as_ref().map(super::subject::options).transpose()?,
        })
    }
}
