//! Syslog messages (RFC 5424) over UDP (RFC 5426), TCP (RFC 6587, octet counting) and TLS (RFC 5425).

mod stream;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tagout_core::words::{Facility, SyslogHeader, syslog};

use self::stream::Stream;
use super::{Destination, Message, Sent, Trouble, host_name};
use crate::Failure;
use crate::delivery::config::TlsTable;
use crate::output::{Collector, Transport};

/// Bytes before the text of a message, at most: the header with a host's name of 63 bytes and a number of ten digits.
pub(in crate::delivery) const HEADER_MOST: usize = 192;

/// From one datagram to the next. Nobody holds up who sends datagrams, and what comes at once after an outage is more than the
/// collector's system keeps for it: Linux has room for a hundred or two.
const DATAGRAM_INTERVAL: Duration = Duration::from_micros(200);

/// `[destination.syslog]`: a syslog collector.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub(in crate::delivery) struct SyslogTable {
    /// Where it is: `udp://HOST:PORT`, `tcp://HOST:PORT` or `tls://HOST:PORT`.
    #[serde(deserialize_with = "collector")]
    pub(in crate::delivery) url: Collector,
    /// How it is trusted, and how it trusts the sensor; for `tls://`.
    #[serde(default)]
    pub(in crate::delivery) tls: Option<TlsTable>,
}

fn collector<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Collector, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

impl SyslogTable {
    /// A collector that needs no more than its address.
    pub(in crate::delivery) fn at(url: Collector) -> Self {
        Self { url, tls: None }
    }

    /// Bytes of a text at most: a datagram has to hold it, and rsyslog closes a connection at 8,096 bytes.
    pub(in crate::delivery) fn most_bytes(&self) -> usize {
        match self.url.transport {
            Transport::Udp => 4_096,
            Transport::Tcp | Transport::Tls => 7_168,
        }
    }
}

/// A message has arrived: over UDP, when the system has taken it; over TCP and TLS, when the collector's system has
/// acknowledged every byte of it and has not ended the connection. Syslog itself acknowledges nothing.
pub(in crate::delivery) struct Syslog {
    host: String,
    table: SyslogTable,
    #[cfg(feature = "tls")]
    tls: Option<std::sync::Arc<rustls::ClientConfig>>,
    connection: Option<Connection>,
}

enum Connection {
    Datagrams(Datagrams),
    Stream(Stream),
}

/// Sends datagrams, a little apart.
struct Datagrams {
    socket: UdpSocket,
    /// When the next may go.
    next: Instant,
}

impl Datagrams {
    fn send(&mut self, line: &str) -> io::Result<()> {
        let now = Instant::now();
        thread::sleep(self.next.saturating_duration_since(now));
        self.socket.send(line.as_bytes())?;
        // Who sleeps wakes late: the next one makes up for that.
        self.next = self.next.max(now) + DATAGRAM_INTERVAL;
        Ok(())
    }
}

impl Syslog {
    /// Reads what is needed for connections; opens none.
    pub(in crate::delivery) fn open(table: &SyslogTable) -> Result<Self, Failure> {
        if table.url.transport != Transport::Tls {
            TlsTable::refuse_for(table.tls.as_ref(), &table.url.to_string(), "tls://")?;
        }
        Ok(Self {
            host: host_name(),
            #[cfg(feature = "tls")]
            tls: match table.url.transport {
                Transport::Tls => Some(super::tls::client(&table.tls.clone().unwrap_or_default())?),
                Transport::Udp | Transport::Tcp => None,
            },
            table: table.clone(),
            connection: None,
        })
    }

    /// Once this fails, the connection is gone, and with it what was under way.
    fn deliver(&mut self, messages: &[Message]) -> io::Result<Sent> {
        let mut connection = match self.connection.take() {
            Some(connection) if !connection.is_to_be_replaced() => connection,
            _ => self.connect()?,
        };
        let sent = match &mut connection {
            Connection::Datagrams(datagrams) => {
                messages.iter().try_for_each(|message| datagrams.send(&self.line(message)))?;
                Sent::all(messages.len())
            }
            Connection::Stream(stream) => {
                let lines = messages.iter().map(|message| self.line(message));
                let lines: String = lines.map(|line| format!("{} {line}", line.len())).collect();
                stream.send(lines.as_bytes(), messages.len())?;
                Sent { taken: messages.len(), arrived: stream.arrived()? }
            }
        };
        self.connection = Some(connection);
        Ok(sent)
    }

    fn connect(&self) -> io::Result<Connection> {
        let mut failure = io::Error::other("the name has no address");
        for address in self.table.url.addresses()? {
            match self.connect_to(address) {
                Ok(connection) => return Ok(connection),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn connect_to(&self, address: SocketAddr) -> io::Result<Connection> {
        Ok(match self.table.url.transport {
            Transport::Udp => {
                let any: IpAddr =
                    if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
                let socket = UdpSocket::bind((any, 0))?;
                socket.connect(address)?;
                Connection::Datagrams(Datagrams { socket, next: Instant::now() })
            }
            Transport::Tcp => Connection::Stream(Stream::plain(address)?),
            #[cfg(feature = "tls")]
            Transport::Tls => {
                let config = self.tls.clone().ok_or_else(|| io::Error::other("TLS is not set up"))?;
                let name = self.table.tls.as_ref().and_then(|tls| tls.server_name.as_deref());
                Connection::Stream(Stream::secure(address, name.unwrap_or(self.table.url.host()), config)?)
            }
            #[cfg(not(feature = "tls"))]
            Transport::Tls => return Err(io::Error::other("this tagout was built without TLS")),
        })
    }

    fn line(&self, message: &Message) -> String {
        let header = SyslogHeader {
            facility: Facility::Security,
            severity: message.notice.severity,
            topic: message.notice.kind.topic(),
            time: Some(message.notice.time),
            host: &self.host,
            number: Some(sequence_id(message.number)),
        };
        let mut line = String::with_capacity(HEADER_MOST + message.text.len());
        // Text takes whatever is written to it.
        let _ = syslog(&mut line, &header, &message.text);
        line
    }
}

/// RFC 5424, 7.3.1: from 1 to 2147483647, and then from 1 again.
fn sequence_id(number: u64) -> u32 {
    let wrapped = (number.max(1) - 1) % 2_147_483_647 + 1;
    u32::try_from(wrapped).unwrap_or(1)
}

impl Connection {
    /// Whether the collector has ended the connection when nothing was under way; what is sent to it then would be lost.
    fn is_to_be_replaced(&self) -> bool {
        match self {
            Self::Datagrams(_) => false,
            Self::Stream(stream) => stream.is_idle() && stream.is_closed(),
        }
    }
}

impl Destination for Syslog {
    fn most(&self) -> usize {
        64
    }

    fn send(&mut self, messages: &[Message]) -> Result<Sent, Trouble> {
        self.deliver(messages).map_err(|error| Trouble::Later(format!("{}: {error}", self.table.url)))
    }
}

#[cfg(test)]
mod tests;
