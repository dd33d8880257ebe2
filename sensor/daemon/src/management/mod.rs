//! How a running daemon tells how it does: `/metrics` and `/health` on an address of its own.
//!
//! ```text
//! capture → vitals (a copy once a second, never waited for) → a thread of its own: HTTP → whoever asks
//! ```
//!
//! The thread that captures leaves a copy of what it counts and goes on; delivery is asked for its counts by whoever looks.

mod census;
mod client;
mod exposition;
mod health;
mod metrics;
mod process;
mod request;
mod samples;
mod server;
mod vitals;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::Builder;

use serde::Deserialize;
use tracing::{info, warn};

use self::exposition::{Exposition, Notation};
use self::process::Process;
use self::request::{Answer, Asked, Refusal, Request};
use self::samples::Seen;
use crate::Failure;
use crate::capture::interfaces::Interface;
use crate::delivery::Observer;
use crate::intent::Receipts;

pub use self::census::Census;
pub use self::health::{Health, Unwell};
pub use self::metrics::{Family, Kind, Metric, families};
pub use self::vitals::{Board, Policy, Vitals};

/// `[management]`: who may ask how the daemon does.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Address and port that answer `/metrics` and `/health`, `127.0.0.1:9465` for instance; none if left out.
    pub listen: Option<SocketAddr>,
}

/// An address that answers.
pub struct Management {
    listener: TcpListener,
    process: Process,
}

impl Management {
    /// Opens the address, and what has to be opened before the process locks itself in; `None` without an address.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub fn open(options: &Options, watched: &[Interface]) -> Result<Option<Self>, Failure> {
        let Some(address) = options.listen else { return Ok(None) };
        warn_of(address, watched);
        let cannot = |error| Failure::Io(format!("management.listen: cannot listen on {address}: {error}"));
        let listener = TcpListener::bind(address).map_err(cannot)?;
        listener.set_nonblocking(true).map_err(cannot)?;
        info!("management: http://{}/metrics and /health", listener.local_addr().map_err(cannot)?);
        Ok(Some(Self { listener, process: Process::open() }))
    }

    /// Answers from now on, from a thread of its own that ends with the process.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        self,
        vitals: Arc<Board>,
        delivery: Option<Observer>,
        receipts: Option<Arc<Receipts>>,
    ) -> Result<(), Failure> {
        let Self { listener, process } = self;
        let look = Look { vitals, delivery, receipts, process };
        let work = move || server::serve(&listener, |request| look.answer(request));
        Builder::new()
            .name("management".to_owned())
            .spawn(work)
            .map_err(|error| Failure::Io(format!("cannot start a thread: {error}")))?;
        Ok(())
    }
}

/// Says what is unusual about an address.
fn warn_of(address: SocketAddr, watched: &[Interface]) {
    let ip = address.ip();
    if let Some(interface) = watched.iter().find(|interface| !interface.loopback && interface.answers_at(ip)) {
        warn!(
            "management.listen: {address} is an address of {}, which is watched: whoever asks there makes this machine \
             send on the mirror port",
            interface.name
        );
    }
    if !ip.is_loopback() {
        warn!(
            "management.listen: {address} is reached from other machines, and whoever reaches it may read: no password is asked for"
        );
    }
}

/// Where answers come from.
struct Look {
    vitals: Arc<Board>,
    delivery: Option<Observer>,
    receipts: Option<Arc<Receipts>>,
    process: Process,
}

impl Look {
    fn answer(&self, request: Result<Request, Refusal>) -> Answer {
        match request {
            Ok(Request { asked: Asked::Metrics, notation }) => self.metrics(notation),
            Ok(Request { asked: Asked::Health, .. }) => self.health(),
            Err(refusal) => refusal.answer(),
        }
    }

    fn metrics(&self, notation: Notation) -> Answer {
        let vitals = self.vitals.read();
        let delivery = self.delivery.as_ref().map(Observer::measure);
        let seen = Seen {
            vitals: &vitals,
            delivery: delivery.as_ref(),
            receipts: self.receipts.as_deref(),
            process: &self.process.measure(),
        };
        let mut page = Exposition::new(notation);
        families().for_each(|family| page.put(&family, &seen.samples(family.metric)));
        Answer::fine(notation.content_type(), page.end())
    }

    fn health(&self) -> Answer {
        let delivery = self.delivery.as_ref().map(Observer::measure);
        let health = Health::of(&self.vitals.read(), delivery.as_ref());
        // Text and numbers, which JSON takes.
        let body = serde_json::to_string(&health).unwrap_or_default() + "\n";
        let answer = Answer::fine("application/json", body);
        if health.is_well() { answer } else { answer.with_status("503 Service Unavailable") }
    }
}
