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
use tracing::{error, info};

pub use self::config::{Limits, TlsTable};
use self::denied::Denied;
use self::intake::Intake;
use self::peers::Peers;
pub use self::receipts::{Outcome, Receipts, Turned};
use self::server::Server;
#[cfg(feature = "tls")]
pub(crate) use self::tls::expire;
use super::feed::{Desk, FeedTable};
use super::spans::{Servers, Spans};
use crate::Failure;

/// Addresses that are listened on.
pub(super) struct Listener {
    listeners: Vec<TcpListener>,
    runtime: Runtime,
    limits: Limits,
    spans: Option<Spans>,
    #[cfg(feature = "tls")]
    tls: Option<Arc<rustls::ServerConfig>>,
    receipts: Arc<Receipts>,
}

impl Listener {
    /// Opens the addresses, and reads certificates, keys and mappings; `None` without an address.
    ///
    /// # Errors
    /// When an address cannot be had, or a file is not as it should be.
    pub(super) fn open(table: &FeedTable) -> Result<Option<Self>, Failure> {
        if table.listen.is_empty() {
            return Ok(None);
        }
        let spans = table.servers.as_deref().map(Servers::read).transpose()?.map(Spans::new);
        #[cfg(feature = "tls")]
        let tls = table.tls.as_ref().map(tls::server).transpose()?;
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
            spans,
            #[cfg(feature = "tls")]
            tls,
            receipts: Arc::default(),
        }))
    }

    /// What came and what became of it.
    pub(super) fn receipts(&self) -> Arc<Receipts> {
        Arc::clone(&self.receipts)
    }

    /// Answers until the process ends.
    pub(super) fn run(self, desk: Desk) {
        let server = Server {
            peers: Peers::new(&self.limits),
            intake: Intake::new(desk, self.spans, Arc::clone(&self.receipts)),
            receipts: self.receipts,
            limits: self.limits,
            #[cfg(feature = "tls")]
            tls: self.tls.map(tokio_rustls::TlsAcceptor::from),
        };
        if let Err(why) = server::serve(&self.runtime, self.listeners, server) {
            error!("declarations: nothing is taken: {why}");
        }
    }
}
