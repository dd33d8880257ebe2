//! What the system knows of an interface by now: netdevice(7).
#![expect(unsafe_code, reason = "there is no safe wrapper for these requests")]

use std::ffi::c_char;
use std::mem::zeroed;
use std::os::fd::AsFd;

use libc::{IFF_RUNNING, IFF_UP, IFNAMSIZ, SIOCGIFFLAGS, SIOCGIFHWADDR, ifreq};
use rustix::io;
use rustix::ioctl::{Opcode, Updater, ioctl};
use rustix::net::netdevice::{index_to_name, name_to_index};

/// An interface as it is now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Link {
    /// Its number, which stays when it is renamed.
    pub(super) index: u32,
    /// What it is called.
    pub(super) name: String,
    /// What keeps it from receiving.
    pub(super) fault: Option<&'static str>,
}

impl Link {
    /// The interface that is called `name`, or else the one that had the number `index`; `None` if both are gone. `socket` may
    /// be any.
    pub(super) fn find(socket: &impl AsFd, name: &str, index: Option<u32>) -> Option<Self> {
        let (index, name) = match name_to_index(socket, name) {
            Ok(index) => (index, name.to_owned()),
            Err(_) => (index?, index_to_name(socket, index?).ok()?),
        };
        let flags = flags(socket, &name).ok()?;
        let has = |flag: i32| flags & flag != 0;
        let fault = match (has(IFF_UP), has(IFF_RUNNING)) {
            (true, true) => None,
            (true, false) => Some("has no carrier"),
            (false, _) => Some("is down"),
        };
        Some(Self { index, name, fault })
    }
}

/// What kind of interface it is: one of the numbers ARPHRD_….
pub(super) fn hardware(socket: &impl AsFd, name: &str) -> io::Result<u16> {
    let mut request = request(name);
    // SAFETY: SIOCGIFHWADDR takes an `ifreq`, reads its name, and writes an address that begins with the kind.
    unsafe {
        ioctl(socket, Updater::<{ SIOCGIFHWADDR as Opcode }, ifreq>::new(&mut request))?;
        Ok(request.ifr_ifru.ifru_hwaddr.sa_family)
    }
}

/// What an interface is asked with.
pub(super) fn request(name: &str) -> ifreq {
    // SAFETY: the struct is integers and arrays of them.
    let mut request: ifreq = unsafe { zeroed() };
    for (to, from) in request.ifr_name.iter_mut().take(IFNAMSIZ - 1).zip(name.bytes()) {
        *to = from as c_char;
    }
    request
}

/// The interface's flags.
fn flags(socket: &impl AsFd, name: &str) -> io::Result<i32> {
    let mut request = request(name);
    // SAFETY: SIOCGIFFLAGS takes an `ifreq`, reads its name, and writes its flags.
    unsafe {
        ioctl(socket, Updater::<{ SIOCGIFFLAGS as Opcode }, ifreq>::new(&mut request))?;
        Ok(request.ifr_ifru.ifru_flags.into())
    }
}

#[cfg(test)]
mod tests {
    use rustix::net::{AddressFamily, SocketType, socket};

    use super::*;

    #[test]
    fn an_interface_is_found_by_its_name_or_else_by_its_number() {
        let any = socket(AddressFamily::INET, SocketType::DGRAM, None).expect("a socket");
        let loopback = Link::find(&any, "lo", None).expect("every machine has one");
        let renamed = Link::find(&any, "no-such-name", Some(loopback.index));
        assert_eq!(renamed, Some(loopback));
        assert_eq!(Link::find(&any, "no-such-name", None), None);
        assert_eq!(Link::find(&any, "no-such-name", Some(u32::MAX)), None);
    }
}
