//! The other end of the update protocol.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use tagout_firmware::Signed;
use tagout_firmware::protocol::{Answer, CHUNK, Frame, IDLE_MS, Request, Status};
use tagout_firmware::settings::UPDATE_PORT;

use crate::Failure;

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(100);
/// How long to wait for an answer: a gateway may erase flash before it gives one.
const ANSWER: Duration = Duration::from_millis(IDLE_MS as u64);

/// A connection to a gateway.
#[derive(Debug)]
pub struct Gateway {
    name: String,
    stream: TcpStream,
}

/// What came of an update.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pushed {
    /// The gateway keeps the package, and starts again with it.
    Committed(u64),
    /// It has it in force already.
    InForce(u64),
}

/// A connection to one address. A gateway serves one at a time, and refuses others until it has ended the last.
fn open(address: &SocketAddr) -> io::Result<TcpStream> {
    let began = Instant::now();
    loop {
        match TcpStream::connect_timeout(address, CONNECT) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && began.elapsed() < CONNECT => {
                thread::sleep(PAUSE);
            }
            opened => return opened,
        }
    }
}

impl Gateway {
    /// Connects to a gateway by address or name, with or without a port.
    ///
    /// # Errors
    /// When nobody answers there.
    pub fn connect(name: &str) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::Io(format!("{name}: {error}"));
        let mut last = None;
        for address in addresses(name).map_err(failed)? {
            match open(&address) {
                Ok(stream) => {
                    let timeouts = stream.set_read_timeout(Some(ANSWER)).and(stream.set_write_timeout(Some(ANSWER)));
                    timeouts.and(stream.set_nodelay(true)).map_err(failed)?;
                    return Ok(Self { name: name.to_owned(), stream });
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.map_or_else(|| Failure::Io(format!("{name}: no such address")), failed))
    }

    /// Asks how the gateway is.
    ///
    /// # Errors
    /// When it does not tell.
    pub fn status(&mut self) -> Result<Status, Failure> {
        match self.ask(&Request::Status)? {
            Answer::Status(status) => Ok(status),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Sends a package; `sent` hears how many octets of it the gateway has.
    ///
    /// # Errors
    /// When the file is no package, the gateway refuses it, or the connection breaks.
    pub fn push(&mut self, package: &[u8], mut sent: impl FnMut(usize)) -> Result<Pushed, Failure> {
        let Some((start, content)) = package.split_at_checked(size_of::<Signed>()) else {
            return Err(Failure::Usage(
                "the file is no package, as `tagout compile --target gateway` writes one".into(),
            ));
        };
        match self.ask(&Request::Offer(start))? {
            Answer::Received(0) => {}
            Answer::InForce(version) => return Ok(Pushed::InForce(version)),
            other => return Err(self.unexpected(&other)),
        }
        let mut at = 0;
        for octets in content.chunks(CHUNK) {
            let answer = self.ask(&Request::Chunk { at, octets })?;
            at += u32::try_from(octets.len()).unwrap_or(u32::MAX);
            if answer != Answer::Received(at) {
                return Err(self.unexpected(&answer));
            }
            sent(start.len() + at as usize);
        }
        match self.ask(&Request::Commit)? {
            Answer::Committed(version) => Ok(Pushed::Committed(version)),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Sends a request and waits for its answer.
    fn ask(&mut self, request: &Request<'_>) -> Result<Answer, Failure> {
        let frame = request.frame().ok_or_else(|| self.failure("the request is longer than a frame"))?;
        self.exchange(&frame).map_err(|error| self.broken(&error)).and_then(|answer| match Answer::read(&answer) {
            Some(Answer::Refused(refusal)) => {
                Err(Failure::Refused(format!("{} refuses: {}", self.name, refusal.words())))
            }
            Some(answer) => Ok(answer),
            None => Err(self.failure("what answers is no gateway of this version of tagout")),
        })
    }

    fn exchange(&mut self, frame: &Frame) -> io::Result<Vec<u8>> {
        self.stream.write_all(frame)?;
        let mut len = [0; 2];
        self.stream.read_exact(&mut len)?;
        let mut answer = vec![0; usize::from(u16::from_le_bytes(len))];
        self.stream.read_exact(&mut answer)?;
        Ok(answer)
    }

    fn broken(&self, error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                self.failure(&format!("no answer within {} s", ANSWER.as_secs()))
            }
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                self.failure("the connection ended before the answer; what was in force stays so")
            }
            _ => self.failure(&error.to_string()),
        }
    }

    fn unexpected(&self, answer: &Answer) -> Failure {
        self.failure(&format!("an answer to something else: {answer:?}"))
    }

    fn failure(&self, what: &str) -> Failure {
        Failure::Io(format!("{}: {what}", self.name))
    }
}

/// The addresses of a name; the port is that of gateways unless one is given.
fn addresses(name: &str) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = name.parse() {
        return Ok(vec![SocketAddr::new(ip, UPDATE_PORT)]);
    }
    name.to_socket_addrs().or_else(|_| (name, UPDATE_PORT).to_socket_addrs()).map(Iterator::collect)
}
