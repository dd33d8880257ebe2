use core::fmt;
use core::net::{IpAddr, Ipv6Addr};

/// An address as core writes it (RFC 5952), but without a path to a panic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Address(pub(super) IpAddr);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(ip) => dotted(f, ip.octets()),
            IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
                Some(ip) => {
                    f.write_str("::ffff:")?;
                    dotted(f, ip.octets())
                }
                None => grouped(f, ip),
            },
        }
    }
}

fn dotted(f: &mut fmt::Formatter<'_>, [a, b, c, d]: [u8; 4]) -> fmt::Result {
    write!(f, "{a}.{b}.{c}.{d}")
}

/// Hexadecimal groups, the longest run of zeros left out.
fn grouped(f: &mut fmt::Formatter<'_>, ip: Ipv6Addr) -> fmt::Result {
    let groups = ip.segments();
    let (start, len) = longest_zeros(groups);
    let mut between = "";
    for (place, group) in groups.into_iter().enumerate() {
        if place == start && len > 1 {
            f.write_str("::")?;
            between = "";
        }
        if len > 1 && (start..start.saturating_add(len)).contains(&place) {
            continue;
        }
        write!(f, "{between}{group:x}")?;
        between = ":";
    }
    Ok(())
}

/// Where the first of the longest runs of zeros starts, and how many there are.
fn longest_zeros(groups: [u16; 8]) -> (usize, usize) {
    let (mut longest, mut run) = ((0, 0), (0_usize, 0_usize));
    for (place, group) in groups.into_iter().enumerate() {
        run = match (group, run) {
            (0, (_, 0)) => (place, 1),
            (0, (start, len)) => (start, len.saturating_add(1)),
            _ => (0, 0),
        };
        if run.1 > longest.1 {
            longest = run;
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::ToString;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn addresses_are_written_as_core_writes_them(
            octets: [u8; 4],
            groups in prop::array::uniform8(prop_oneof![Just(0_u16), Just(0xffff), any::<u16>()]),
        ) {
            let mapped = [0, 0, 0, 0, 0, 0xffff, groups[6], groups[7]];
            for ip in [IpAddr::from(octets), IpAddr::from(groups), IpAddr::from(mapped)] {
                prop_assert_eq!(Address(ip).to_string(), ip.to_string());
            }
        }
    }
}
