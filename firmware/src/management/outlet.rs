//! The way to a collector.

use smoltcp::socket::{tcp, udp};

use super::{Management, SYSLOG_FROM, endpoint};
use crate::settings::{Collector, Transport};

/// How far the way to a collector is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Progress {
    /// There is none.
    Closed,
    /// It was asked to listen.
    Opening,
    /// It listens.
    Open,
}

/// The first port that the system may choose (RFC 6335, 6).
const FIRST_PORT: u16 = 49_152;

impl Management {
    /// Starts a way to `collector`; `attempt` counts attempts, so that each TCP connection leaves from another port.
    /// False where no way is to be had now.
    pub(crate) fn open(&mut self, collector: &Collector, attempt: u16) -> bool {
        if !self.reaches(*collector.at.ip()) {
            return false;
        }
        let to = endpoint(collector.at);
        match collector.transport {
            Transport::Udp => self.sockets.get_mut::<udp::Socket<'_>>(self.datagrams).bind(SYSLOG_FROM).is_ok(),
            Transport::Tcp => {
                let from = FIRST_PORT.saturating_add(attempt % (u16::MAX - FIRST_PORT));
                let socket = self.sockets.get_mut::<tcp::Socket<'_>>(self.stream);
                socket.connect(self.interface.context(), to, from).is_ok()
            }
        }
    }

    /// How far the way to `collector` is.
    pub(crate) fn progress(&mut self, collector: &Collector) -> Progress {
        match collector.transport {
            Transport::Udp => {
                let is_open = self.sockets.get::<udp::Socket<'_>>(self.datagrams).is_open();
                if is_open && self.reaches(*collector.at.ip()) { Progress::Open } else { Progress::Closed }
            }
            Transport::Tcp => {
                let socket = self.sockets.get_mut::<tcp::Socket<'_>>(self.stream);
                // What a collector says is none of the protocol. Taking it keeps the window open.
                let _ = socket.recv(|said| (said.len(), ()));
                match socket.state() {
                    tcp::State::SynSent => Progress::Opening,
                    tcp::State::Established => Progress::Open,
                    _ => Progress::Closed,
                }
            }
        }
    }

    /// Ends the way to `collector`; what waits to be sent is given up.
    pub(crate) fn close(&mut self, collector: &Collector) {
        match collector.transport {
            Transport::Udp => self.sockets.get_mut::<udp::Socket<'_>>(self.datagrams).close(),
            Transport::Tcp => self.sockets.get_mut::<tcp::Socket<'_>>(self.stream).abort(),
        }
    }

    /// Hands over `message`, all of it or, where there is no room now, nothing.
    pub(crate) fn hand_over(&mut self, collector: &Collector, message: &[u8]) -> bool {
        let to = endpoint(collector.at);
        match collector.transport {
            Transport::Udp => {
                let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.datagrams);
                socket.can_send() && socket.send_slice(message, to).is_ok()
            }
            Transport::Tcp => {
                let socket = self.sockets.get_mut::<tcp::Socket<'_>>(self.stream);
                let room = socket.send_capacity().saturating_sub(socket.send_queue());
                room >= message.len() && socket.send_slice(message).is_ok()
            }
        }
    }

    /// How many octets the collector has not acknowledged yet (TCP), or wait for its hardware address (UDP).
    pub(crate) fn outstanding(&self, collector: &Collector) -> usize {
        match collector.transport {
            Transport::Udp => self.sockets.get::<udp::Socket<'_>>(self.datagrams).send_queue(),
            Transport::Tcp => self.sockets.get::<tcp::Socket<'_>>(self.stream).send_queue(),
        }
    }
}
