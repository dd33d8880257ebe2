//! Declarations that others send: signed intents and spans of tool calls, over HTTP, and over HTTPS with certificates on both sides.
//!
//! ```text
//! connection → seat of its peer → TLS → HTTP/1.1 or HTTP/2 → body, bounded → intents or spans → the feed's channel → sensor
//! ```
//!
//! One thread does all of it. Whatever is more than there is room for is refused at once and counted; nothing waits here but
//! the bytes of requests under way, of which there are [`MOST_HELD`](peers::MOST_HELD) at most.

mod answer;
mod body;
mod client;
mod config;
mod denied;
mod grpc;
mod intake;
mod peers;
mod receipts;
mod request;
mod server;
#[cfg(feature = "tls")]
mod tls;

use std::net::TcpListener;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
#[cfg(feature = "tls")]
use tokio::sync::watch;
use tracing::{error, info};

pub use self::client::ClientTable;
pub use self::config::{Limits, TlsTable};
use self::denied::Denied;
use self::intake::Intake;
use self::peers::Peers;
pub use self::receipts::{Outcome, Receipts, Turned};
pub(super) use self::server::Server;
#[cfg(feature = "tls")]
pub(super) use self::tls::Tls;
#[cfg(feature = "tls")]
pub(crate) use self::tls::expire;
use super::feed::{Desk, FeedTable, Renewal, start};
use super::spans::Spans;
use crate::Failure;

/// Addresses that are listened on.
pub(super) struct Listener {
    listeners: Vec<TcpListener>,
    runtime: Runtime,
    limits: Limits,
    #[cfg(feature = "tls")]
    clients: Vec<ClientTable>,
    renewal: Renewal,
    receipts: Arc<Receipts>,
}

impl Listener {
    /// Opens the addresses; `None` without one. Goes by these certificates and mappings.
    ///
    /// # Errors
    /// When an address cannot be had.
    pub(super) fn open(table: &FeedTable, renewal: Renewal) -> Result<Option<Self>, Failure> {
        if table.listen.is_empty() {
            return Ok(None);
        }
        // It opens descriptors too.
        let cannot = |error| Failure::Io(format!("intents.listen: cannot prepare to listen: {error}"));
        let runtime = Builder::new_current_thread().enable_io().enable_time().build().map_err(cannot)?;
        let mut listeners = Vec::new();
        for address in &table.listen {
            let cannot = |error| Failure::Io(format!("intents.listen: cannot listen on {address}: {error}"));
            let listener = TcpListener::bind(address).map_err(cannot)?;
            listener.set_nonblocking(true).map_err(cannot)?;
            let scheme = if table.tls.is_some() { "https" } else { "http" };
            info!("declarations: {scheme}://{}", listener.local_addr().map_err(cannot)?);
            listeners.push(listener);
        }
        Ok(Some(Self {
            listeners,
            runtime,
            limits: table.limits.clone(),
            #[cfg(feature = "tls")]
            clients: table.clients.clone(),
            renewal,
            receipts: Arc::default(),
        }))
    }

    /// What came and what became of it.
    pub(super) fn receipts(&self) -> Arc<Receipts> {
        Arc::clone(&self.receipts)
    }

    /// Answers until the process ends, in a thread of its own.
    ///
    /// # Errors
    /// When that cannot be started.
    pub(super) fn start(self, desk: Desk) -> Result<Arc<Server>, Failure> {
        let Self { listeners, runtime, limits, renewal, receipts, .. } = self;
        let server = Arc::new(Server {
            peers: Peers::new(&limits),
            intake: Intake::new(desk, renewal.servers.map(Spans::new), Arc::clone(&receipts)),
            receipts,
            limits,
            #[cfg(feature = "tls")]
            clients: self.clients,
            #[cfg(feature = "tls")]
            tls: watch::Sender::new(renewal.tls),
        });
        let serving = Arc::clone(&server);
        start("listener", move || {
            if let Err(why) = server::serve(&runtime, listeners, &serving) {
                error!("declarations: nothing is taken: {why}");
            }
        })?;
        Ok(server)
    }
}
