use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use crate::sandbox::Grants;

/// A syslog collector, as `udp://HOST:PORT`, `tcp://HOST:PORT` or `tls://HOST:PORT`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Collector {
    pub(crate) transport: Transport,
    /// Name or address.
    host: String,
    port: u16,
}

/// How messages travel to a collector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Transport {
    /// A datagram a message: RFC 5426.
    Udp,
    /// Each message behind its length on a stream: RFC 6587, 3.4.1.
    Tcp,
    /// The same inside TLS: RFC 5425.
    Tls,
}

impl Transport {
    const ALL: [(&'static str, Self); 3] = [("udp", Self::Udp), ("tcp", Self::Tcp), ("tls", Self::Tls)];

    /// The registered ports, and for TCP the one that RFC 6587 and most collectors use.
    const fn usual_port(self) -> u16 {
        match self {
            Self::Udp => 514,
            Self::Tcp => 601,
            Self::Tls => 6_514,
        }
    }
}

impl Collector {
    /// Where it is now.
    pub(crate) fn addresses(&self) -> io::Result<impl Iterator<Item = SocketAddr>> {
        (self.host.as_str(), self.port).to_socket_addrs()
    }

    /// Asks for what sending to it takes.
    pub(crate) fn ask_for(&self, grants: &mut Grants) {
        match self.transport {
            Transport::Udp => grants.send_datagrams(),
            Transport::Tcp | Transport::Tls => grants.connect_tcp(self.port),
        }
        if self.host.parse::<IpAddr>().is_err() {
            grants.resolve_names();
        }
    }

    /// Name or address of its host.
    #[cfg(feature = "tls")]
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once("://")?;
        let (_, transport) = Transport::ALL.into_iter().find(|(known, _)| *known == name)?;
        let (host, port) = split(rest)?;
        Some(Self { transport, host, port: port.unwrap_or(transport.usual_port()) })
    }
}

/// Host and port of `HOST`, `HOST:PORT`, `[ADDRESS]` or `[ADDRESS]:PORT`.
fn split(text: &str) -> Option<(String, Option<u16>)> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']').filter(|(host, _)| host.parse::<IpAddr>().is_ok())?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match rest {
        "" => None,
        _ => Some(rest.strip_prefix(':')?.parse().ok()?),
    };
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

impl FromStr for Collector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
            .ok_or_else(|| format!("`{text}` names no collector; write udp://192.0.2.9:514 or tcp://[2001:db8::9]:601"))
    }
}

impl fmt::Display for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Transport::ALL.into_iter().find(|(_, known)| *known == self.transport).map_or("", |(name, _)| name);
        let Self { host, port, .. } = self;
        if host.contains(':') { write!(f, "{name}://[{host}]:{port}") } else { write!(f, "{name}://{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_read_and_written() {
        for (text, whole) in [
            ("udp://192.0.2.9:5140", "udp://192.0.2.9:5140"),
            ("udp://192.0.2.9", "udp://192.0.2.9:514"),
            ("tcp://soc.example", "tcp://soc.example:601"),
            ("tls://soc.example", "tls://soc.example:6514"),
            ("tcp://[2001:db8::9]:6514", "tcp://[2001:db8::9]:6514"),
            ("udp://[2001:db8::9]", "udp://[2001:db8::9]:514"),
        ] {
            assert_eq!(text.parse::<Collector>().map(|collector| collector.to_string()), Ok(whole.to_owned()));
        }
    }

    #[test]
    fn what_names_no_collector_is_told_with_what_does() {
        for text in [
            "",
            "192.0.2.9:514",
            "http://soc",
            "udp://",
            "udp://:514",
            "tcp://soc:port",
            "tcp://[soc]:601",
            "udp://a:1:2",
        ] {
            let said = text.parse::<Collector>().unwrap_err();
            assert!(said.starts_with(&format!("`{text}` names no collector; write udp://")), "{said}");
        }
    }
}
