//! Asks a running daemon how it does.

use std::io::{Error, ErrorKind, Read as _, Result, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::Health;

/// How long each step of asking may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer at most: a daemon tells of a part in a few hundred.
const MOST_ANSWER_BYTES: u64 = 1 << 20;
const MOST_HEADERS: usize = 64;

impl Health {
    /// What the daemon says that answers at this address.
    ///
    /// # Errors
    /// When nobody answers, or somebody else does.
    pub fn ask(address: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect_timeout(&reachable(address), PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        write!(stream, "GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.take(MOST_ANSWER_BYTES).read_to_end(&mut answer)?;
        body(&answer).and_then(|body| serde_json::from_slice(body).ok()).ok_or_else(|| {
            Error::new(ErrorKind::InvalidData, "what answers there is no tagout: it tells nothing of its health")
        })
    }
}

/// Where to ask a daemon that listens here: one that listens everywhere is asked on the loopback interface.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// What stands behind the head of an answer.
fn body(answer: &[u8]) -> Option<&[u8]> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    match httparse::Response::new(&mut headers).parse(answer) {
        Ok(httparse::Status::Complete(head)) => answer.get(head..),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_listens_everywhere_is_asked_on_the_loopback_interface() {
        for (listen, asked) in
            [("0.0.0.0:9465", "127.0.0.1:9465"), ("[::]:9465", "[::1]:9465"), ("192.0.2.7:1", "192.0.2.7:1")]
        {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), asked);
        }
    }

    #[test]
    fn the_body_is_what_stands_behind_the_head() {
        assert_eq!(body(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}"), Some(&b"{}"[..]));
        for answer in [&b""[..], b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nContent"] {
            assert_eq!(body(answer), None);
        }
    }
}
