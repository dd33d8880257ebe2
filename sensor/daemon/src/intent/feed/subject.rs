//! Signed intents out of a subject of NATS: pulled one way, and caught up with after an outage where a stream keeps them.

use std::time::{Duration, Instant};

use async_nats::connection::State;
use async_nats::jetstream::consumer::pull;
use async_nats::{Client, ConnectOptions, Subscriber};
use futures_util::StreamExt as _;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::desk::{Desk, Gone};
use super::nats::NatsTable;
use super::pulse::Source;
use crate::Failure;
use crate::delivery::{NatsAccess, nats_options};
use crate::intent::lines;

/// From one sign of life to the next.
const ALIVE_INTERVAL: Duration = Duration::from_secs(1);
/// From one attempt to read to the next.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);
/// Messages that wait on a connection at most.
const MOST_WAITING: usize = 1_024;

/// A subject that is read as long as somebody listens.
pub(super) struct Subject {
    table: NatsTable,
    options: watch::Sender<ConnectOptions>,
    runtime: Runtime,
}

/// Messages of a subject, or of a stream that keeps them.
enum Messages {
    Passing(Subscriber),
    Kept(Box<pull::Stream>),
}

/// Why reading stops.
enum Halt {
    /// Nobody listens any more.
    Gone,
    /// It has to be begun anew.
    Broken(String),
}

impl From<Gone> for Halt {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl Subject {
    /// Opens what waiting for a connection takes.
    ///
    /// # Errors
    /// When that cannot be had.
    pub(super) fn new((table, options): (&NatsTable, ConnectOptions)) -> Result<Self, Failure> {
        let cannot = |error| Failure::Io(format!("cannot prepare for NATS: {error}"));
        let runtime = Builder::new_current_thread().enable_all().build().map_err(cannot)?;
        Ok(Self { table: table.clone(), options: watch::Sender::new(options), runtime })
    }

    /// Opens connections with these from now on. One that stands goes on as long as the server lets it, so that nothing is missed.
    pub(super) fn renew(&self, options: &ConnectOptions) {
        self.options.send_replace(options.clone());
    }

    /// Reads until nobody listens any more.
    pub(super) fn run(&self, mut desk: Desk) {
        let mut told = String::new();
        while let Err(Halt::Broken(why)) = self.runtime.block_on(self.read(&mut desk)) {
            if why != told {
                warn!("declarations: {}: {why}", self.table.url);
                told = why;
            }
            // Within the runtime, whose clock it is by.
            self.runtime.block_on(async { sleep(RETRY_INTERVAL).await });
        }
    }

    async fn read(&self, desk: &mut Desk) -> Result<(), Halt> {
        let servers: Vec<&str> = self.table.url.split(',').map(str::trim).collect();
        let mut options = self.options.subscribe();
        let known = options.borrow_and_update().clone();
        let client = known.connect(servers).await.map_err(|error| broken(&error))?;
        let mut messages = self.messages(&client).await?;
        info!("declarations: {} of {}", self.table.subject, self.table.url);
        let mut alive: Option<Instant> = None;
        loop {
            if let Ok(taken) = timeout(ALIVE_INTERVAL, messages.take(desk)).await {
                taken?;
            }
            let stands = client.connection_state() == State::Connected;
            if !stands && options.has_changed().unwrap_or_default() {
                return Err(Halt::Broken("the connection is opened anew, as was read".to_owned()));
            }
            let is_due = alive.is_none_or(|alive| alive.elapsed() >= ALIVE_INTERVAL);
            if is_due && stands {
                alive = Some(Instant::now());
                desk.live(Source::Nats)?;
            }
        }
    }

    async fn messages(&self, client: &Client) -> Result<Messages, Halt> {
        let NatsTable { subject, stream, consumer, .. } = &self.table;
        let (Some(stream), Some(consumer)) = (stream, consumer) else {
            return client.subscribe(subject.clone()).await.map(Messages::Passing).map_err(|error| broken(&error));
        };
        let config = pull::Config {
            durable_name: Some(consumer.clone()),
            filter_subject: subject.clone(),
            ..pull::Config::default()
        };
        let stream =
            async_nats::jetstream::new(client.clone()).get_stream(stream).await.map_err(|error| broken(&error))?;
        let consumer = stream.get_or_create_consumer(consumer, config).await.map_err(|error| broken(&error))?;
        consumer.messages().await.map(|messages| Messages::Kept(Box::new(messages))).map_err(|error| broken(&error))
    }
}

/// Reads what opening a connection takes.
///
/// # Errors
/// When a secret or a certificate is not as it should be.
pub(super) fn options(table: &NatsTable) -> Result<ConnectOptions, Failure> {
    let NatsTable { url, credentials, token_file, tls, .. } = table;
    let access =
        NatsAccess { url, credentials: credentials.as_ref(), token_file: token_file.as_ref(), tls: tls.as_ref() };
    Ok(nats_options(&access)?.subscription_capacity(MOST_WAITING).ping_interval(5 * ALIVE_INTERVAL))
}

impl Messages {
    /// Takes the next message. One that is kept is done with once it was handed on.
    async fn take(&mut self, desk: &mut Desk) -> Result<(), Halt> {
        let ended = || Halt::Broken("the subscription ended".to_owned());
        match self {
            Self::Passing(messages) => take(&messages.next().await.ok_or_else(ended)?.payload, desk),
            Self::Kept(messages) => {
                let message = messages.next().await.ok_or_else(ended)?.map_err(|error| broken(&error))?;
                take(&message.payload, desk)?;
                message.ack().await.map_err(|error| broken(&error))
            }
        }
    }
}

fn take(mut payload: &[u8], desk: &mut Desk) -> Result<(), Halt> {
    let mut number = 0;
    while let Some(line) = lines::next(&mut payload, &mut number).map_err(|error| broken(&error))? {
        desk.take(line.as_deref().map_err(Clone::clone))?;
    }
    Ok(())
}

fn broken(error: &impl ToString) -> Halt {
    Halt::Broken(error.to_string())
}
