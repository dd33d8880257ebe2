use std::io::{self, BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use jiff::fmt::strtime;

/// Digits before a message that tell its length, with the space: RFC 6587, 3.4.1.
const MOST_DIGITS: u64 = 8;

/// A collector of syslog that notes how old each alert is when it comes over TCP; what comes over UDP it only takes.
pub(crate) struct Collector {
    pub(crate) tcp: SocketAddr,
    pub(crate) udp: SocketAddr,
    ages: Arc<Mutex<Vec<Duration>>>,
}

impl Collector {
    /// Listens on the loopback interface, from threads that end with the process.
    pub(crate) fn start() -> io::Result<Self> {
        let (listener, socket) = (TcpListener::bind(("127.0.0.1", 0))?, UdpSocket::bind(("127.0.0.1", 0))?);
        let (tcp, udp) = (listener.local_addr()?, socket.local_addr()?);
        let ages = Arc::default();
        let noted = Arc::clone(&ages);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let noted = Arc::clone(&noted);
                thread::spawn(move || take(stream, &noted));
            }
        });
        thread::spawn(move || while socket.recv(&mut [0; 1]).is_ok() {});
        Ok(Self { tcp, udp, ages })
    }

    /// How many alerts have come.
    pub(crate) fn count(&self) -> usize {
        self.ages.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How old half of the alerts, and 99 of 100, were at most.
    pub(crate) fn latency(&self) -> Option<[Duration; 2]> {
        let mut ages = self.ages.lock().unwrap_or_else(PoisonError::into_inner);
        ages.sort_unstable();
        let at = |percent: usize| ages.get((ages.len() * percent / 100).min(ages.len().checked_sub(1)?)).copied();
        Some([at(50)?, at(99)?])
    }
}

/// Reads messages until the other side ends.
fn take(stream: TcpStream, ages: &Mutex<Vec<Duration>>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut digits = Vec::new();
        stream.by_ref().take(MOST_DIGITS).read_until(b' ', &mut digits)?;
        let Ok(length) = String::from_utf8_lossy(&digits).trim().parse() else { return Ok(()) };
        let mut message = vec![0; length];
        stream.read_exact(&mut message)?;
        if let Some(age) = age(&String::from_utf8_lossy(&message)) {
            ages.lock().unwrap_or_else(PoisonError::into_inner).push(age);
        }
    }
}

/// How long ago the packet was captured that an EVE alert is about.
fn age(message: &str) -> Option<Duration> {
    let (_, behind) = message.split_once(r#""timestamp":""#)?;
    let (time, _) = behind.split_once('"')?;
    let time: SystemTime = strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", time).ok()?.to_timestamp().ok()?.into();
    SystemTime::now().duration_since(time).ok()
}
