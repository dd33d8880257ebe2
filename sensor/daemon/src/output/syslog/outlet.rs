use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::output::collector::{Collector, Transport};

/// Messages that wait for a collector at most.
pub(super) const QUEUE: usize = 4_096;
/// How long a collector may take to answer a connection, or to take a message.
const TIMEOUT: Duration = Duration::from_secs(10);
/// From a message that could not be sent to the next attempt; twice as long each time, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The way to one collector: a queue, and a thread that sends what is in it.
pub(super) struct Outlet {
    queue: Option<SyncSender<Arc<str>>>,
    /// Messages so far, whether they found room or not.
    given: u64,
    /// Whether the message before found no room.
    is_full: bool,
    collector: Collector,
    sent: Arc<AtomicU64>,
    /// Nothing ever comes; it is disconnected when the thread ends.
    end: Receiver<()>,
}

impl Outlet {
    /// Starts the thread.
    pub(super) fn to(collector: Collector) -> io::Result<Self> {
        let (queue, messages) = sync_channel(QUEUE);
        let (alive, end) = channel();
        let sent = Arc::new(AtomicU64::new(0));
        let (count, to) = (Arc::clone(&sent), collector.clone());
        thread::Builder::new().name("syslog".to_owned()).spawn(move || {
            deliver(&to, &messages, &count);
            drop(alive);
        })?;
        Ok(Self { queue: Some(queue), given: 0, is_full: false, collector, sent, end })
    }

    /// Puts a message into the queue, if there is room.
    pub(super) fn put(&mut self, message: &Arc<str>) {
        self.given += 1;
        let Some(queue) = &self.queue else { return };
        // What finds no room is neither sent nor forgotten: it is among those given and not sent.
        let is_full = queue.try_send(Arc::clone(message)).is_err();
        if is_full && !self.is_full {
            warn!(
                "syslog to {}: {QUEUE} messages wait; those that follow are lost until there is room",
                self.collector
            );
        }
        self.is_full = is_full;
    }

    /// Lets the thread end once its queue is empty.
    pub(super) fn close(&mut self) {
        self.queue = None;
    }

    /// Messages that were not sent before the thread's end, or the deadline.
    pub(super) fn lost_at(&self, deadline: Instant) -> u64 {
        let _ = self.end.recv_timeout(deadline.saturating_duration_since(Instant::now()));
        self.given.saturating_sub(self.sent.load(Ordering::Acquire))
    }
}

/// Sends messages in order, each until it is sent.
fn deliver(collector: &Collector, messages: &Receiver<Arc<str>>, sent: &AtomicU64) {
    let mut connection = None;
    for message in messages {
        let mut pause = FIRST_PAUSE;
        while let Err(error) = send(&mut connection, collector, &message) {
            if pause == FIRST_PAUSE {
                warn!("syslog to {collector}: {error}; messages wait");
            }
            connection = None;
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        if pause > FIRST_PAUSE {
            info!("syslog to {collector}: goes on");
        }
        sent.fetch_add(1, Ordering::Release);
    }
}

fn send(connection: &mut Option<Connection>, collector: &Collector, message: &str) -> io::Result<()> {
    if connection.as_mut().is_none_or(Connection::is_closed) {
        *connection = Some(Connection::open(collector)?);
    }
    connection.as_mut().map_or(Ok(()), |connection| connection.send(message))
}

enum Connection {
    Datagrams(UdpSocket),
    Stream(TcpStream),
}

impl Connection {
    fn open(collector: &Collector) -> io::Result<Self> {
        let mut failure = io::Error::from(ErrorKind::NotFound);
        for address in collector.addresses()? {
            match Self::open_at(collector.transport, address) {
                Ok(connection) => return Ok(connection),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn open_at(transport: Transport, address: SocketAddr) -> io::Result<Self> {
        match transport {
            Transport::Udp => {
                let any: IpAddr =
                    if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
                let socket = UdpSocket::bind((any, 0))?;
                socket.connect(address)?;
                Ok(Self::Datagrams(socket))
            }
            Transport::Tcp => {
                let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
                stream.set_write_timeout(Some(TIMEOUT))?;
                stream.set_nodelay(true)?;
                Ok(Self::Stream(stream))
            }
        }
    }

    /// Whether the collector has ended the connection; what is sent to it then would be lost.
    fn is_closed(&mut self) -> bool {
        let Self::Stream(stream) = self else { return false };
        let read = stream.set_nonblocking(true).and_then(|()| stream.read(&mut [0; 64]));
        let goes_on = match read {
            Ok(len) => len > 0,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        };
        stream.set_nonblocking(false).is_err() || !goes_on
    }

    fn send(&mut self, message: &str) -> io::Result<()> {
        match self {
            Self::Datagrams(socket) => socket.send(message.as_bytes()).map(drop),
            Self::Stream(stream) => stream.write_all(format!("{} {message}", message.len()).as_bytes()),
        }
    }
}
