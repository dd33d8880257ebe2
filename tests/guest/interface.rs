//! Addresses and states of network interfaces: netdevice(7).
#![expect(unsafe_code, reason = "the requests of netdevice(7) have no safe interface")]

use std::ffi::c_char;
use std::io;
use std::mem::zeroed;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd as _, OwnedFd};

use libc::{IFF_UP, Ioctl, SIOCSIFADDR, SIOCSIFFLAGS, SIOCSIFNETMASK, ifreq, in_addr, sockaddr_in};
use rustix::net::{AddressFamily, SocketType, socket};

/// Gives an interface an IPv4 address.
pub(crate) fn set_address(name: &str, address: Ipv4Addr, mask: Ipv4Addr) -> io::Result<()> {
    for (request, address) in [(SIOCSIFADDR, address), (SIOCSIFNETMASK, mask)] {
        let mut fields = named(name);
        let address = sockaddr_in {
            sin_family: libc::AF_INET as u16,
            sin_port: 0,
            sin_addr: in_addr { s_addr: u32::from_ne_bytes(address.octets()) },
            sin_zero: [0; 8],
        };
        // SAFETY: an IPv4 address is as long as a generic one, both being integers and arrays of them.
        fields.ifr_ifru.ifru_addr = unsafe { std::mem::transmute::<sockaddr_in, libc::sockaddr>(address) };
        send(request as Ioctl, &mut fields)?;
    }
    Ok(())
}

/// Brings an interface up.
pub(crate) fn bring_up(name: &str) -> io::Result<()> {
    let mut fields = named(name);
    fields.ifr_ifru.ifru_flags = IFF_UP as i16;
    send(SIOCSIFFLAGS as Ioctl, &mut fields)
}

fn named(name: &str) -> ifreq {
    // SAFETY: the struct is integers, arrays of them and a pointer, which may be null.
    let mut fields: ifreq = unsafe { zeroed() };
    for (to, byte) in fields.ifr_name.iter_mut().zip(name.bytes()) {
        *to = byte as c_char;
    }
    fields
}

fn send(request: Ioctl, fields: &mut ifreq) -> io::Result<()> {
    let socket: OwnedFd = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    // SAFETY: the requests that are sent read the struct, which lives until then.
    let sent = unsafe { libc::ioctl(socket.as_raw_fd(), request, &raw mut *fields) };
    if sent == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
