use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::{Denied, Limits};

/// Octets of requests that are held at once, of all peers; a peer may have half of it.
pub(super) const MOST_HELD: usize = 16 << 20;
/// Peers that are remembered. One without a connection is forgotten when there is no room.
const MOST_PEERS: usize = 1_024;

/// Who is connected, how fast they ask, and how much of theirs is held.
#[derive(Debug)]
pub(super) struct Peers {
    known: Mutex<Known>,
    per_second: f64,
    connections: usize,
    peer_connections: usize,
}

#[derive(Default, Debug)]
struct Known {
    peers: HashMap<IpAddr, Peer>,
    connections: usize,
    held: usize,
}

#[derive(Debug)]
struct Peer {
    connections: usize,
    held: usize,
    /// What it may still ask for, as of a time.
    left: f64,
    at: Instant,
}

/// A connection's place among those that there may be, given back when it goes.
#[derive(Debug)]
pub(super) struct Seat {
    peers: Arc<Peers>,
    peer: IpAddr,
}

/// Octets of a request, given back when it is done with.
#[derive(Debug)]
pub(super) struct Held<'a> {
    seat: &'a Seat,
    octets: usize,
}

impl Peers {
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            known: Mutex::default(),
            per_second: limits.per_second.into(),
            connections: limits.connections,
            peer_connections: limits.peer_connections,
        })
    }

    /// A place for a connection from this address, if there is one.
    pub(super) fn seat(self: &Arc<Self>, from: IpAddr, now: Instant) -> Option<Seat> {
        let peer = network(from);
        let mut known = self.known();
        known.make_room(now, self.per_second);
        let is_room =
            known.connections < self.connections && (known.peers.len() < MOST_PEERS || known.peers.contains_key(&peer));
        if !is_room {
            return None;
        }
        let fresh = Peer { connections: 0, held: 0, left: self.per_second, at: now };
        let of_peer = known.peers.entry(peer).or_insert(fresh);
        if !of_peer.take(now, self.per_second) || of_peer.connections >= self.peer_connections {
            return None;
        }
        of_peer.connections += 1;
        known.connections += 1;
        Some(Seat { peers: Arc::clone(self), peer })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Forgets those who have no connection and may ask for as much as one who was never there.
    fn make_room(&mut self, now: Instant, per_second: f64) {
        if self.peers.len() >= MOST_PEERS {
            self.peers.retain(|_, peer| peer.connections > 0 || peer.left_at(now, per_second) < per_second);
        }
    }
}

impl Peer {
    /// What it may ask for now: as much in a second as there may be, and no more at once.
    fn left_at(&self, now: Instant, per_second: f64) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        (self.left + since * per_second).min(per_second)
    }

    fn take(&mut self, now: Instant, per_second: f64) -> bool {
        (self.left, self.at) = (self.left_at(now, per_second), now);
        let may = self.left >= 1.0;
        self.left -= f64::from(u8::from(may));
        may
    }
}

impl Seat {
    /// Takes note of a request that begins.
    pub(super) fn ask(&self, now: Instant) -> Result<(), Denied> {
        let mut known = self.peers.known();
        let may = known.peers.get_mut(&self.peer).is_some_and(|peer| peer.take(now, self.peers.per_second));
        if may { Ok(()) } else { Err(Denied::TooMany) }
    }

    /// Room for octets of a request.
    pub(super) const fn hold(&self) -> Held<'_> {
        Held { seat: self, octets: 0 }
    }
}

impl Held<'_> {
    /// Asks for room for more octets.
    pub(super) fn grow(&mut self, octets: usize) -> Result<(), Denied> {
        let mut known = self.seat.peers.known();
        let of_peer = known.peers.get(&self.seat.peer).map_or(0, |peer| peer.held);
        if known.held + octets > MOST_HELD || of_peer + octets > MOST_HELD / 2 {
            return Err(Denied::Busy("too much is being sent at once: come again"));
        }
        known.held += octets;
        known.peers.entry(self.seat.peer).and_modify(|peer| peer.held += octets);
        self.octets += octets;
        Ok(())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut known = self.seat.peers.known();
        known.held -= self.octets;
        known.peers.entry(self.seat.peer).and_modify(|peer| peer.held -= self.octets);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut known = self.peers.known();
        known.connections -= 1;
        known.peers.entry(self.peer).and_modify(|peer| peer.connections -= 1);
    }
}

/// Who counts as one peer: an IPv4 address, or the network of an IPv6 address, of which a machine has all (RFC 4291, section 2.5.4).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn peers(limits: &Limits) -> (Arc<Peers>, Instant) {
        (Peers::new(limits), Instant::now())
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_peer_has_so_many_connections_and_all_have_so_many() {
        let (peers, now) = peers(&Limits { connections: 3, peer_connections: 2, ..Limits::default() });
        let seats: Vec<_> = (0..3).map(|_| peers.seat(ip("192.0.2.1"), now)).collect();
        assert_eq!(seats.iter().flatten().count(), 2);
        let other = peers.seat(ip("192.0.2.2"), now).expect("one is left");
        assert!(peers.seat(ip("192.0.2.3"), now).is_none());
        drop(seats);
        assert!(peers.seat(ip("192.0.2.1"), now).is_some());
        drop(other);
        assert_eq!(peers.known().connections, 0);
    }

    #[test]
    fn a_peer_asks_so_often_in_a_second() {
        let (peers, now) = peers(&Limits { per_second: 4, ..Limits::default() });
        let seat = peers.seat(ip("2001:db8::1"), now).expect("a seat");
        let asked = |at| (0..10).filter(|_| seat.ask(at).is_ok()).count();
        assert_eq!(asked(now), 3, "a connection counts as one");
        assert_eq!(asked(now + Duration::from_millis(500)), 2);
        assert_eq!(asked(now + Duration::from_secs(60)), 4);
        assert!(peers.seat(ip("2001:db8::ffff"), now + Duration::from_secs(60)).is_none(), "the same network");
        assert!(peers.seat(ip("2001:db8:0:1::1"), now + Duration::from_secs(60)).is_some());
    }

    #[test]
    fn what_is_held_is_bounded_and_given_back() {
        let (peers, now) = peers(&Limits::default());
        let [one, two, three] =
            ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|text| peers.seat(ip(text), now).expect("a seat"));
        let [mut first, mut second, mut third] = [one.hold(), two.hold(), three.hold()];
        assert_eq!(first.grow(MOST_HELD / 2), Ok(()));
        assert!(first.grow(1).is_err(), "half is a peer's");
        assert_eq!(second.grow(MOST_HELD / 2), Ok(()));
        assert!(third.grow(1).is_err(), "and that is all");
        drop(first);
        assert_eq!(third.grow(1), Ok(()));
        drop((second, third));
        assert_eq!(peers.known().held, 0);
    }

    #[test]
    fn those_who_come_once_are_forgotten_when_there_is_no_room() {
        let (peers, now) = peers(&Limits::default());
        for low in 0..u32::try_from(MOST_PEERS).expect("few") {
            drop(peers.seat(IpAddr::V4(low.into()), now));
        }
        assert!(peers.seat(ip("192.0.2.1"), now).is_none());
        assert!(peers.seat(ip("192.0.2.1"), now + Duration::from_secs(2)).is_some());
        assert_eq!(peers.known().peers.len(), 1);
    }
}
