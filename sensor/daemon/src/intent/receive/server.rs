use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::io;
use std::net::TcpListener as StdListener;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
#[cfg(feature = "tls")]
use tokio::sync::watch;
use tokio::time::{sleep, timeout, timeout_at};
use tonic::body::Body;
use tracing::debug;

#[cfg(feature = "tls")]
use super::Tls;
use super::client::Client;
#[cfg(feature = "tls")]
use super::client::ClientTable;
use super::intake::Intake;
use super::peers::{Peers, Seat};
use super::request;
use super::{Limits, Receipts, Turned};
use crate::intent::Renewal;

/// How long whoever is told to go may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// Octets of the head of a request, and of what waits to be read or sent on a connection.
const MOST_HEAD: usize = 16 << 10;
/// Requests under way on a connection (HTTP/2).
const MOST_STREAMS: u32 = 8;
/// Octets of bodies that HTTP/2 takes from the connection before they are read.
const WINDOW: u32 = 64 << 10;

/// What all connections share.
pub(in crate::intent) struct Server {
    pub(super) peers: Arc<Peers>,
    pub(super) intake: Intake,
    pub(super) receipts: Arc<Receipts>,
    pub(super) limits: Limits,
    #[cfg(feature = "tls")]
    pub(super) clients: Vec<ClientTable>,
    #[cfg(feature = "tls")]
    pub(super) tls: watch::Sender<Option<Tls>>,
}

impl Server {
    /// Goes by what was read anew. Whoever is connected by other certificates than these is told to come again.
    pub(in crate::intent) fn renew(&self, renewal: Renewal) {
        if let Some(servers) = renewal.servers {
            self.intake.go_by(servers);
        }
        #[cfg(feature = "tls")]
        self.tls.send_if_modified(|tls| {
            let is_other = *tls != renewal.tls;
            if is_other {
                *tls = renewal.tls;
            }
            is_other
        });
    }
}

/// Answers on all listeners until the process ends.
pub(super) fn serve(runtime: &Runtime, listeners: Vec<StdListener>, server: &Arc<Server>) -> io::Result<()> {
    runtime.block_on(async {
        let listeners: io::Result<Vec<TcpListener>> = listeners.into_iter().map(TcpListener::from_std).collect();
        let accepting = listeners?.into_iter().map(|listener| tokio::spawn(accept(listener, Arc::clone(server))));
        for accepting in accepting.collect::<Vec<_>>() {
            accepting.await?;
        }
        Ok(())
    })
}

async fn accept(listener: TcpListener, server: Arc<Server>) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => match server.peers.seat(from.ip(), Instant::now()) {
                Some(seat) => drop(tokio::spawn(Connection::new(seat, Arc::clone(&server)).run(stream))),
                None => {
                    debug!("declarations: no room for {from}");
                    server.receipts.turn_away(Turned::TooMany);
                }
            },
            // Too many open files, for instance: the connection stays where it is, and would be found at once again.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Somebody who sends.
pub(super) struct Connection {
    pub(super) server: Arc<Server>,
    pub(super) seat: Seat,
    work: Mutex<Work>,
}

/// What is under way on a connection.
struct Work {
    requests: usize,
    /// When the last request ended; when the connection began, if there was none.
    idle_since: Instant,
    has_asked: bool,
}

impl Connection {
    fn new(seat: Seat, server: Arc<Server>) -> Arc<Self> {
        server.receipts.opened();
        let work = Work { requests: 0, idle_since: Instant::now(), has_asked: false };
        Arc::new(Self { server, seat, work: Mutex::new(work) })
    }

    async fn run(self: Arc<Self>, stream: TcpStream) {
        #[cfg(feature = "tls")]
        {
            let mut renewed = self.server.tls.subscribe();
            let tls = renewed.borrow_and_update().clone();
            if let Some(tls) = tls {
                return self.converse_over(&tls, stream, renewed).await;
            }
        }
        self.converse(Client::default(), stream, pending()).await;
    }

    /// Speaks over TLS, until other certificates take the place of these.
    #[cfg(feature = "tls")]
    async fn converse_over(self: &Arc<Self>, tls: &Tls, stream: TcpStream, mut renewed: watch::Receiver<Option<Tls>>) {
        match timeout(self.server.limits.for_head(), tls.accept(stream)).await {
            Ok(Ok(stream)) => {
                let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                let client = Client::of(shown.map_or(&[], |shown| shown.as_ref()), &self.server.clients);
                self.converse(client, stream, async { drop(renewed.changed().await) }).await;
            }
            Ok(Err(error)) => {
                debug!("declarations: no TLS: {error}");
                self.server.receipts.turn_away(Turned::Handshake);
            }
            Err(_) => self.server.receipts.turn_away(Turned::Silent),
        }
    }

    /// Speaks HTTP, until nothing was asked for too long, or something is over.
    async fn converse(
        self: &Arc<Self>,
        client: Client,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        over: impl Future<Output = ()>,
    ) {
        let client = Arc::new(client);
        let service = service_fn(|request| Arc::clone(self).answer(Arc::clone(&client), request));
        let http = http();
        let mut spoken = pin!(http.serve_connection(TokioIo::new(stream), service));
        let mut over = pin!(over);
        loop {
            let next = poll_fn(|context| match over.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => spoken.as_mut().poll(context).map(Some),
            });
            match timeout_at(self.deadline().into(), next).await {
                Ok(Some(Err(error))) if !self.work().has_asked => {
                    debug!("declarations: no HTTP: {error}");
                    return self.server.receipts.turn_away(Turned::Broken);
                }
                Ok(Some(_)) => return,
                Ok(None) => break,
                Err(_) if self.deadline() > Instant::now() => {}
                Err(_) => {
                    if !self.work().has_asked {
                        self.server.receipts.turn_away(Turned::Silent);
                    }
                    break;
                }
            }
        }
        spoken.as_mut().graceful_shutdown();
        let _ = timeout(FAREWELL, spoken).await;
    }

    async fn answer(
        self: Arc<Self>,
        client: Arc<Client>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let _at_work = AtWork::on(&self);
        Ok(request::answer(&self, &client, request).await)
    }

    /// When it is closed, unless a request begins. As long as one is under way that is never soon.
    fn deadline(&self) -> Instant {
        let work = self.work();
        let from = if work.requests > 0 { Instant::now() } else { work.idle_since };
        from + self.server.limits.for_head()
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.server.receipts.closed();
    }
}

/// A request under way.
struct AtWork<'a>(&'a Connection);

impl<'a> AtWork<'a> {
    fn on(connection: &'a Connection) -> Self {
        let mut work = connection.work();
        work.requests += 1;
        work.has_asked = true;
        drop(work);
        Self(connection)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        let mut work = self.0.work();
        work.requests -= 1;
        work.idle_since = Instant::now();
    }
}

/// HTTP/1.1 and HTTP/2, whichever a connection speaks, with little room for either.
fn http() -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1().max_buf_size(MOST_HEAD).max_headers(64);
    http.http2()
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(MOST_HEAD as u32)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(2 * WINDOW)
        .max_send_buf_size(MOST_HEAD);
    http
}
