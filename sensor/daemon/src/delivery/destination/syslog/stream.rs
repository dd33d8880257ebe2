#[cfg(feature = "tls")]
use std::io::Read as _;
use std::io::{self, ErrorKind, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

/// How long a collector may take to answer a connection, or to acknowledge what it was sent.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait between two looks at what is not acknowledged yet; twice as long each time, up to the longest.
const FIRST_LOOK: Duration = Duration::from_micros(50);
const LONGEST_LOOK: Duration = Duration::from_millis(10);

/// How long a new connection has to last after the first messages on it: whoever takes connections for a collector that is
/// not there acknowledges what nobody reads, and ends them at once.
const TRIAL: Duration = Duration::from_millis(100);

/// A connection that carries messages one way.
pub(super) struct Stream {
    wire: Wire,
    is_proven: bool,
}

enum Wire {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Secure(Box<rustls::StreamOwned<rustls::ClientConnection, TcpStream>>),
}

impl Stream {
    pub(super) fn plain(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { wire: Wire::Plain(connect(address)?), is_proven: false })
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
        Ok(Self { wire: Wire::Secure(Box::new(stream)), is_proven: false })
    }

    /// Sends bytes, and waits until the other side's system has acknowledged all of them.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.wire {
            Wire::Plain(stream) => stream.write_all(bytes)?,
            #[cfg(feature = "tls")]
            Wire::Secure(stream) => {
                stream.write_all(bytes)?;
                stream.flush()?;
            }
        }
        self.wait_for_acknowledgement()?;
        let trial = Instant::now() + if self.is_proven { Duration::ZERO } else { TRIAL };
        self.look_whether_it_goes_on()?;
        while Instant::now() < trial {
            thread::sleep(LONGEST_LOOK);
            self.look_whether_it_goes_on()?;
        }
        self.is_proven = true;
        Ok(())
    }

    /// Whether the other side has ended the connection, or an error has.
    pub(super) fn is_closed(&self) -> bool {
        let mut byte = [0];
        match recv(self.socket(), &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Ok((_, len)) => len == 0,
            Err(error) => error != Errno::AGAIN,
        }
    }

    fn wait_for_acknowledgement(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + TIMEOUT;
        let mut pause = FIRST_LOOK;
        while unacknowledged(self.socket())? > 0 {
            self.look_whether_it_goes_on()?;
            if Instant::now() > deadline {
                return Err(io::Error::new(ErrorKind::TimedOut, "what was sent is not acknowledged"));
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_LOOK);
        }
        Ok(())
    }

    fn look_whether_it_goes_on(&mut self) -> io::Result<()> {
        self.take_what_comes()?;
        if self.is_closed() {
            return Err(io::Error::new(ErrorKind::ConnectionReset, "the collector has ended the connection"));
        }
        Ok(())
    }

    /// Reads what a TLS server says of its own accord: tickets, alerts, the end. A collector has nothing to say.
    fn take_what_comes(&mut self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Wire::Secure(stream) = &mut self.wire {
            stream.sock.set_nonblocking(true)?;
            let read = stream.read(&mut [0; 64]);
            stream.sock.set_nonblocking(false)?;
            return match read {
                Ok(0) => Err(io::Error::new(ErrorKind::ConnectionReset, "the collector has ended the session")),
                Ok(_) => Ok(()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
                Err(error) => Err(error),
            };
        }
        Ok(())
    }

    fn socket(&self) -> &TcpStream {
        match &self.wire {
            Wire::Plain(stream) => stream,
            #[cfg(feature = "tls")]
            Wire::Secure(stream) => &stream.sock,
        }
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Bytes that were written and that the other side has not acknowledged (SIOCOUTQ of tcp(7)).
fn unacknowledged(socket: impl AsFd) -> io::Result<i32> {
    const SIOCOUTQ: rustix::ioctl::Opcode = libc::TIOCOUTQ as rustix::ioctl::Opcode;
    // SAFETY: for a TCP socket this request writes one int, and nothing else.
    #[allow(unsafe_code)]
    let request = unsafe { rustix::ioctl::Getter::<SIOCOUTQ, libc::c_int>::new() };
    // SAFETY: the request is the one above, for which the opcode and the type are right.
    #[allow(unsafe_code)]
    let bytes = unsafe { rustix::ioctl::ioctl(socket, request) }?;
    Ok(bytes)
}
