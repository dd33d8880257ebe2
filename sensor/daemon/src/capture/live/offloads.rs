//! What a card and its driver do with packets before anybody sees them: ethtool(8).
#![expect(unsafe_code, reason = "there is no safe wrapper for these requests")]

use libc::{SIOCETHTOOL, ifreq};
use rustix::io;
use rustix::ioctl::{Opcode, Updater, ioctl};
use rustix::net::{AddressFamily, SocketType, socket};

use super::link::request;

/// Numbers of <linux/ethtool.h>.
const ETHTOOL_GFLAGS: u32 = 0x25;
const ETHTOOL_GGRO: u32 = 0x2b;
const ETH_FLAG_LRO: u32 = 1 << 15;

/// What joins TCP segments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offloads {
    /// The kernel does: generic receive offload.
    pub gro: bool,
    /// The card does: large receive offload.
    pub lro: bool,
}

/// What ethtool is asked, and what it says: `struct ethtool_value`.
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

impl Offloads {
    /// Those of the interface that is called `name`.
    ///
    /// # Errors
    /// When there is no such interface, or it has no notion of them.
    pub fn of(name: &str) -> io::Result<Self> {
        let flags = ask(name, ETHTOOL_GFLAGS).unwrap_or(0);
        Ok(Self { gro: ask(name, ETHTOOL_GGRO)? != 0, lro: flags & ETH_FLAG_LRO != 0 })
    }
}

fn ask(name: &str, command: u32) -> io::Result<u32> {
    let any = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    let mut value = Value { command, data: 0 };
    let mut request = request(name);
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    // SAFETY: SIOCETHTOOL takes an `ifreq`, whose data points to what these commands read and write, which lives as long.
    unsafe { ioctl(&any, Updater::<{ SIOCETHTOOL as Opcode }, ifreq>::new(&mut request))? };
    Ok(value.data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_tells_whether_it_joins_segments() {
        assert!(Offloads::of("no-such-name").is_err());
        let loopback = Offloads::of("lo").expect("every machine has one");
        assert!(!loopback.lro);
    }
}
