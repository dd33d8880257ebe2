use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::message::PublishMessage;
use async_nats::{ConnectOptions, Event};
use serde::Deserialize;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tracing::{debug, info, warn};

use super::{Destination, Message, Sent, Trouble, host_name, tls, token};
use crate::Failure;
use crate::delivery::config::TlsTable;
use crate::notice::Kind;
use crate::secret::Place;

/// How long a server may take for a connection, or to acknowledge a group of messages.
const TIMEOUT: Duration = Duration::from_secs(10);

/// `[destination.nats]`: a stream of NATS JetStream.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub(in crate::delivery) struct NatsTable {
    /// Where it is, as `nats://nats.example:4222`, or `tls://…`; several, with commas between them, are one cluster.
    pub(in crate::delivery) url: String,
    /// Subject of messages; `{kind}` stands for `alert`, `sensor`, `event` or `heartbeat`, `{host}` for the sensor's name.
    #[serde(default = "default_subject")]
    pub(in crate::delivery) subject: String,
    /// The stream that has to take them, if it must be that one.
    pub(in crate::delivery) stream: Option<String>,
    /// File with credentials, as `nsc` writes it.
    pub(in crate::delivery) credentials: Option<Place>,
    /// File that holds a token.
    pub(in crate::delivery) token_file: Option<Place>,
    /// How the server is trusted, and how it trusts the sensor.
    pub(in crate::delivery) tls: Option<TlsTable>,
}

fn default_subject() -> String {
    "tagout.{host}.{kind}".to_owned()
}

/// Has a message when the stream has stored it, by its own rules of replication. The notice's id is the message's id, so that
/// the stream takes what comes twice as one.
pub(in crate::delivery) struct Nats {
    table: NatsTable,
    host: String,
    options: ConnectOptions,
    runtime: Runtime,
    context: Option<Context>,
}

impl Nats {
    pub(in crate::delivery) fn open(table: &NatsTable) -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::Io(format!("cannot prepare for NATS: {error}")))?;
        let NatsTable { url, credentials, token_file, tls, .. } = table;
        let access =
            Access { url, credentials: credentials.as_ref(), token_file: token_file.as_ref(), tls: tls.as_ref() };
        Ok(Self { options: options(&access)?, host: token(&host_name()), table: table.clone(), runtime, context: None })
    }

    fn subject(&self, kind: Kind) -> String {
        self.table.subject.replace("{host}", &self.host).replace("{kind}", kind.name())
    }
}

/// Where a cluster is, and how it lets a client in.
pub(crate) struct Access<'a> {
    pub(crate) url: &'a str,
    pub(crate) credentials: Option<&'a Place>,
    pub(crate) token_file: Option<&'a Place>,
    pub(crate) tls: Option<&'a TlsTable>,
}

/// What opening a connection takes, with secrets and certificates read.
///
/// # Errors
/// When one of these is not as it should be.
pub(crate) fn options(table: &Access<'_>) -> Result<ConnectOptions, Failure> {
    let url = table.url.to_owned();
    let mut options = ConnectOptions::new().name("tagout").connection_timeout(TIMEOUT).event_callback(move |event| {
        tell(&url, &event);
        async {}
    });
    if let Some(place) = table.credentials {
        let wrong = |error| Failure::Usage(format!("{place}: holds no credentials of NATS: {error}"));
        options = options.credentials(place.read()?.text()).map_err(wrong)?;
    }
    if let Some(place) = table.token_file {
        options = options.token(place.read()?.text().to_owned());
    }
    if table.tls.is_some() || table.url.contains("tls://") {
        let config = tls::client(&tls::by_address(table.tls)?)?;
        options = options.require_tls(true).tls_client_config((*config).clone());
    }
    Ok(options)
}

/// Logs what becomes of a connection. That messages wait, and that declarations are missed, others tell, once and not at each attempt.
fn tell(url: &str, event: &Event) {
    match event {
        Event::ServerError(_) | Event::SlowConsumer(_) => warn!("{url}: {event}"),
        Event::ClientError(_) => debug!("{url}: {event}"),
        _ => info!("{url}: {event}"),
    }
}

impl Destination for Nats {
    fn most(&self) -> usize {
        128
    }

    fn send(&mut self, messages: &[Message]) -> Result<Sent, Trouble> {
        let stream = self.table.stream.clone();
        let outgoing = messages.iter().map(|message| {
            let built = PublishMessage::build().message_id(&message.notice.id).payload(message.text.clone().into());
            let built = match &stream {
                Some(stream) => built.expected_stream(stream),
                None => built,
            };
            (self.subject(message.notice.kind), built)
        });
        let outgoing: Vec<(String, PublishMessage)> = outgoing.collect();
        let (known, table, options) = (self.context.take(), &self.table, &self.options);
        let sent = self.runtime.block_on(async {
            let context = match known {
                Some(context) => context,
                None => connect(table, options).await?,
            };
            let stored = timeout(TIMEOUT, publish(&context, outgoing)).await;
            let stored = stored.map_err(|_| "the stream acknowledges nothing".to_owned());
            Ok((context, stored.and_then(|stored| stored)))
        });
        let sent = sent.and_then(|(context, stored)| {
            self.context = stored.is_ok().then_some(context);
            stored
        });
        sent.map(Sent::all).map_err(|why: String| Trouble::Later(format!("{}: {why}", self.table.url)))
    }
}

async fn connect(table: &NatsTable, options: &ConnectOptions) -> Result<Context, String> {
    let servers: Vec<&str> = table.url.split(',').map(str::trim).collect();
    let client = options.clone().connect(servers).await.map_err(|error| error.to_string())?;
    Ok(async_nats::jetstream::new(client))
}

/// Gives all messages to the server, then waits for each to be stored.
async fn publish(context: &Context, messages: Vec<(String, PublishMessage)>) -> Result<usize, String> {
    let mut open: Vec<PublishAckFuture> = Vec::new();
    for (subject, message) in messages {
        open.push(context.send_publish(subject, message).await.map_err(|error| error.to_string())?);
    }
    let count = open.len();
    for acknowledged in open {
        acknowledged.await.map_err(|error| error.to_string())?;
    }
    Ok(count)
}
