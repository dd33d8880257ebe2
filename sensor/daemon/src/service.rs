//! What the service manager is told of a daemon: sd_notify(3).
//!
//! The socket is opened once, since the sandbox lets none be opened later. What cannot be told is not tried again: the manager
//! that hears nothing for long starts the daemon anew.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tracing::warn;

/// How often the manager is told what has been seen, if it wants no sign of life more often.
const STATUS_INTERVAL: Duration = Duration::from_secs(10);

/// A service manager that wants to know how its daemon is, or none.
#[derive(Debug)]
pub struct Service {
    socket: Option<UnixDatagram>,
    /// From one sign of life to the next.
    interval: Duration,
    told: Instant,
    is_reloading: bool,
}

impl Service {
    /// Finds the manager by what it set in the environment.
    pub fn find() -> Self {
        let socket = env::var_os("NOTIFY_SOCKET").and_then(|name| {
            let connected = connect(&name);
            connected.inspect_err(|error| warn!("cannot tell the service manager anything: {error}")).ok()
        });
        let watchdog = watchdog(env::var("WATCHDOG_USEC").ok(), env::var("WATCHDOG_PID").ok());
        let interval = watchdog.map_or(STATUS_INTERVAL, |most| STATUS_INTERVAL.min(most / 2));
        Self { socket, interval, told: Instant::now(), is_reloading: false }
    }

    /// Everything is open.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// Called again and again by the loop that must not stop: tells that it lives, with a status in words, when it is time to.
    #[inline]
    pub fn live(&mut self, status: impl FnOnce() -> String) {
        if self.socket.is_some() && self.told.elapsed() >= self.interval {
            self.told = Instant::now();
            self.tell(&format!("WATCHDOG=1\nSTATUS={}", status()));
        }
    }

    /// Whether another policy is being read at present.
    #[inline]
    pub fn reloading(&mut self, is_reloading: bool) {
        if self.is_reloading != is_reloading {
            self.is_reloading = is_reloading;
            match is_reloading {
                true => self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic_us())),
                false => self.ready(),
            }
        }
    }

    /// The end has been asked for.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    fn tell(&self, state: &str) {
        if let Some(socket) = &self.socket {
            // See above.
            let _ = socket.send(state.as_bytes());
        }
    }
}

/// Connects to a socket in the file system or, where the name begins with `@`, out of it.
fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    // A manager that does not read must not hold capture up.
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// How long the manager waits for a sign of life at most, if it waits for one of this process.
fn watchdog(usec: Option<String>, pid: Option<String>) -> Option<Duration> {
    let is_other = |pid: String| pid.parse() != Ok(std::process::id());
    let usec = usec?.parse().ok().filter(|usec| *usec > 0)?;
    (!pid.is_some_and(is_other)).then(|| Duration::from_micros(usec))
}

fn monotonic_us() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_of_life_is_due_where_one_is_awaited_of_this_process() {
        let own = std::process::id().to_string();
        let of = |usec: Option<&str>, pid: Option<&str>| watchdog(usec.map(Into::into), pid.map(Into::into));
        assert_eq!(of(Some("30000000"), None), Some(Duration::from_secs(30)));
        assert_eq!(of(Some("30000000"), Some(&own)), Some(Duration::from_secs(30)));
        for (usec, pid) in [(None, None), (Some("0"), None), (Some("soon"), None), (Some("30000000"), Some("1"))] {
            assert_eq!(of(usec, pid), None, "{usec:?} {pid:?}");
        }
    }
}
