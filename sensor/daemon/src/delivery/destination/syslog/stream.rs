use std::collections::VecDeque;
#[cfg(feature = "tls")]
use std::io::Read;
use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

/// How long a collector may take to answer a connection, or to acknowledge what it was sent.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long a new connection has to last after the first messages on it before any counts: whoever takes connections for a
/// collector that is not there acknowledges what nobody reads, and ends them at once.
const TRIAL: Duration = Duration::from_millis(100);

/// A connection that carries messages one way.
pub(super) struct Stream {
    wire: Wire,
    /// When the first messages were sent.
    begun: Option<Instant>,
    under_way: VecDeque<Group>,
    /// When something was sent while nothing was under way, or was acknowledged last.
    moved: Instant,
}

/// Messages that were written together.
struct Group {
    messages: usize,
    /// Bytes on the connection up to its end.
    end: u64,
}

enum Wire {
    Plain(Socket),
    #[cfg(feature = "tls")]
    Secure(Box<rustls::StreamOwned<rustls::ClientConnection, Socket>>),
}

/// A connection that counts what is written to it.
struct Socket {
    stream: TcpStream,
    written: u64,
}

impl Stream {
    pub(super) fn plain(address: SocketAddr) -> io::Result<Self> {
        Ok(Self::over(Wire::Plain(connect(address)?)))
    }

    /// Connects, and shakes hands with whoever can show to be called `name`.
    #[cfg(feature = "tls")]
    pub(super) fn secure(
        address: SocketAddr,
        name: &str,
        config: std::sync::Arc<rustls::ClientConfig>,
    ) -> io::Result<Self> {
        let name = rustls::pki_types::ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let session = rustls::ClientConnection::new(config, name).map_err(io::Error::other)?;
        let mut stream = rustls::StreamOwned::new(session, connect(address)?);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self::over(Wire::Secure(Box::new(stream))))
    }

    fn over(wire: Wire) -> Self {
        Self { wire, begun: None, under_way: VecDeque::new(), moved: Instant::now() }
    }

    /// Sends messages; whether they arrive is told later.
    pub(super) fn send(&mut self, bytes: &[u8], messages: usize) -> io::Result<()> {
        if messages == 0 {
            return Ok(());
        }
        match &mut self.wire {
            Wire::Plain(socket) => socket.write_all(bytes)?,
            #[cfg(feature = "tls")]
            Wire::Secure(stream) => {
                stream.write_all(bytes)?;
                stream.flush()?;
            }
        }
        if self.is_idle() {
            self.moved = Instant::now();
        }
        self.begun.get_or_insert_with(Instant::now);
        self.under_way.push_back(Group { messages, end: self.socket().written });
        Ok(())
    }

    /// How many more messages the other side's system has acknowledged in whole since the last time, on a connection that goes on.
    pub(super) fn arrived(&mut self) -> io::Result<usize> {
        let acknowledged = self.socket().acknowledged()?;
        // After that, so that what came before the end is not counted on a connection that was ended.
        self.take_what_comes()?;
        if self.is_closed() {
            return Err(io::Error::new(ErrorKind::ConnectionReset, "the collector has ended the connection"));
        }
        if self.begun.is_none_or(|begun| begun.elapsed() < TRIAL) {
            return Ok(0);
        }
        let mut arrived = 0;
        while let Some(group) = self.under_way.pop_front_if(|group| group.end <= acknowledged) {
            arrived += group.messages;
            self.moved = Instant::now();
        }
        if !self.is_idle() && self.moved.elapsed() > TIMEOUT {
            return Err(io::Error::new(ErrorKind::TimedOut, "what was sent is not acknowledged"));
        }
        Ok(arrived)
    }

    /// Whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Whether the other side has ended the connection, or an error has.
    pub(super) fn is_closed(&self) -> bool {
        let mut byte = [0];
        match recv(&self.socket().stream, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Ok((_, len)) => len == 0,
            Err(error) => error != Errno::AGAIN,
        }
    }

    /// Reads what a TLS server says of its own accord: tickets, alerts, the end. A collector has nothing to say.
    fn take_what_comes(&mut self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Wire::Secure(stream) = &mut self.wire {
            stream.sock.stream.set_nonblocking(true)?;
            let read = stream.read(&mut [0; 64]);
            stream.sock.stream.set_nonblocking(false)?;
            return match read {
                Ok(0) => Err(io::Error::new(ErrorKind::ConnectionReset, "the collector has ended the session")),
                Ok(_) => Ok(()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
                Err(error) => Err(error),
            };
        }
        Ok(())
    }

    fn socket(&self) -> &Socket {
        match &self.wire {
            Wire::Plain(socket) => socket,
            #[cfg(feature = "tls")]
            Wire::Secure(stream) => &stream.sock,
        }
    }
}

impl Socket {
    /// Bytes from the first that the other side has acknowledged.
    fn acknowledged(&self) -> io::Result<u64> {
        Ok(self.written.saturating_sub(u64::from(unacknowledged(&self.stream)?)))
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stream.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(feature = "tls")]
impl Read for Socket {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.stream.read(bytes)
    }
}

fn connect(address: SocketAddr) -> io::Result<Socket> {
    let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    Ok(Socket { stream, written: 0 })
}

/// Bytes that were written and that the other side has not acknowledged (SIOCOUTQ of tcp(7)).
fn unacknowledged(socket: impl AsFd) -> io::Result<u32> {
    const SIOCOUTQ: rustix::ioctl::Opcode = libc::TIOCOUTQ as rustix::ioctl::Opcode;
    // SAFETY: for a TCP socket this request writes one int, and nothing else.
    #[allow(unsafe_code)]
    let request = unsafe { rustix::ioctl::Getter::<SIOCOUTQ, libc::c_int>::new() };
    // SAFETY: the request is the one above, for which the opcode and the type are right.
    #[allow(unsafe_code)]
    let bytes = unsafe { rustix::ioctl::ioctl(socket, request) }?;
    // No fewer than none.
    Ok(bytes.unsigned_abs())
}
