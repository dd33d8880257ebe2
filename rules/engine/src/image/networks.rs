//! IP addresses and networks.

use core::net::IpAddr;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::record;

record! {
    /// An IP address or network that a condition names.
    Network {
        /// Its first address, left-aligned, bits behind the prefix zero.
        ip: [u8; 16],
        /// How many leading bits count.
        prefix: u8,
        /// 4 or 6.
        version: u8,
    }
}

impl Network {
    /// Whether the address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let version = if address.is_ipv4() { 4 } else { 6 };
        version == self.version && network(address, self.prefix) == self.ip
    }

    /// Whether its prefix fits its version, and no bit behind it is set.
    pub fn is_valid(&self) -> bool {
        let longest = match self.version {
            4 => 32,
            6 => 128,
            _ => return false,
        };
        self.prefix <= longest && u128::from_be_bytes(self.ip) & !leading(self.prefix) == 0
    }
}

/// The leading `prefix` bits of an address, left-aligned, the rest zero.
pub fn network(ip: IpAddr, prefix: u8) -> [u8; 16] {
    let bits = match ip {
        IpAddr::V4(v4) => u128::from(v4.to_bits()).wrapping_shl(96),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    (bits & leading(prefix)).to_be_bytes()
}

/// The leading `prefix` of 128 bits.
#[cfg_attr(target_os = "none", inline(never))]
fn leading(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128_u32.saturating_sub(u32::from(prefix))).unwrap_or(0)
}
