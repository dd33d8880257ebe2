//! The port that managers connect to: one connection at a time.

use core::net::Ipv4Addr;

use smoltcp::socket::tcp;
use smoltcp::time::Duration;
use smoltcp::wire::IpAddress;

use super::Management;

/// How long a handshake may take: anybody can begin one in another's name.
const HANDSHAKE: Duration = Duration::from_secs(4);

/// What is going on at the port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Call {
    /// It takes no connection.
    Closed,
    /// It waits for one, or one is about to end.
    Waiting,
    /// This host is connected.
    From(Ipv4Addr),
    /// The other side has said all that it wants to say.
    Ending,
}

impl Management {
    /// Waits for a connection to `port`, and for no longer than a moment for who has begun one to go on.
    pub(crate) fn listen(&mut self, port: u16) {
        let socket = self.sockets.get_mut::<tcp::Socket<'_>>(self.service);
        socket.set_timeout(Some(HANDSHAKE));
        // It fails for a port 0 only, which settings never have, and for a socket in use, which closed ones are not.
        let _ = socket.listen(port);
    }

    /// Leaves it to others how long who is connected may be silent.
    pub(crate) fn pick_up(&mut self) {
        self.sockets.get_mut::<tcp::Socket<'_>>(self.service).set_timeout(None);
    }

    /// What is going on at the port.
    pub(crate) fn call(&self) -> Call {
        let socket = self.sockets.get::<tcp::Socket<'_>>(self.service);
        let from = socket.remote_endpoint().map(|endpoint| endpoint.addr);
        match (socket.state(), from) {
            (tcp::State::Closed, _) => Call::Closed,
            (tcp::State::Established, Some(IpAddress::Ipv4(ip))) => Call::From(ip),
            (tcp::State::CloseWait, _) => Call::Ending,
            _ => Call::Waiting,
        }
    }

    /// Copies octets that came to `into`, and tells how many; none as long as there is no room for `answer` octets.
    pub(crate) fn hear(&mut self, into: &mut [u8], answer: usize) -> usize {
        let socket = self.sockets.get_mut::<tcp::Socket<'_>>(self.service);
        let room = socket.send_capacity().saturating_sub(socket.send_queue());
        if room < answer { 0 } else { socket.recv_slice(into).unwrap_or(0) }
    }

    /// Sends octets, for which there is room.
    pub(crate) fn answer(&mut self, octets: &[u8]) {
        // It fails where the other side is gone.
        let _ = self.sockets.get_mut::<tcp::Socket<'_>>(self.service).send_slice(octets);
    }

    /// True while the other side has not acknowledged all that it was answered.
    pub(crate) fn is_answering(&self) -> bool {
        self.sockets.get::<tcp::Socket<'_>>(self.service).send_queue() > 0
    }

    /// Ends the connection once all that was answered is sent.
    pub(crate) fn end(&mut self) {
        self.sockets.get_mut::<tcp::Socket<'_>>(self.service).close();
    }

    /// Breaks the connection off, and waits for none.
    pub(crate) fn hang_up(&mut self) {
        self.sockets.get_mut::<tcp::Socket<'_>>(self.service).abort();
    }
}
