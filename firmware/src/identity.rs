use core::fmt::Write;

use heapless::String;
use sha2::{Digest, Sha512_256};
use tagout_core::engine::image::CRC;
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// First bytes of an identity area.
const MAGIC: [u8; 8] = *b"tagout\0I";
/// Version of the layout.
const SCHEMA: u32 = 1;

/// Keys of a site at most: while one replaces the other, both hold.
pub const KEYS: usize = 2;
/// MAC addresses: of the port that receives mirrored frames, and of the management port.
pub const MACS: usize = 2;
/// Octets of the longest serial number.
pub const SERIAL_NUMBER: usize = 32;
/// Octets of what only one board has, in microcontrollers by STMicroelectronics.
const UNIQUE: usize = 12;

/// How many of a key's first octets name it in a package.
pub(crate) const KEY_NAME: usize = 8;

/// Who the board is and whose packages it takes: written once, with the firmware, to its own area of flash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Identity {
    magic: [u8; 8],
    schema: U32,
    keys: [[u8; 32]; KEYS],
    macs: [[u8; 6]; MACS],
    serial_number: [u8; SERIAL_NUMBER],
    reserved: [u8; 4],
    /// Over everything before it.
    crc: U32,
}

impl Identity {
    /// An identity, ready to be written with [`IntoBytes::as_bytes`]. A second key of zeroes is none; a serial number
    /// that is longer than [`SERIAL_NUMBER`] is cut off.
    pub fn new(keys: [[u8; 32]; KEYS], macs: [[u8; 6]; MACS], serial_number: &str) -> Self {
        let mut text = [0; SERIAL_NUMBER];
        text.iter_mut().zip(serial_number.bytes()).for_each(|(octet, given)| *octet = given);
        let (schema, crc) = (U32::new(SCHEMA), U32::ZERO);
        let mut identity = Self { magic: MAGIC, schema, keys, macs, serial_number: text, reserved: [0; 4], crc };
        identity.crc.set(identity.checksum());
        identity
    }

    /// The identity of a board that none was written to, from what only this board has: no keys, so that it takes no package;
    /// MAC addresses of those that everyone may use; a serial number.
    pub fn unwritten(unique: &[u8; UNIQUE]) -> Self {
        let digest = Sha512_256::digest(unique);
        let macs = [0, 1].map(|port| {
            let mut mac = [0; 6];
            mac.iter_mut().zip(&digest).for_each(|(octet, drawn)| *octet = *drawn);
            let [first, .., last] = &mut mac;
            // Locally administered, to one station (IEEE 802, 8.4); the ports of a board differ in the last bit.
            (*first, *last) = (*first & 0xfc | 0x02, *last & 0xfe | port);
            mac
        });
        let mut digits: String<SERIAL_NUMBER> = String::new();
        // Two digits for each octet fit.
        unique.iter().for_each(|octet| _ = write!(digits, "{octet:02x}"));
        Self::new([[0; 32]; KEYS], macs, &digits)
    }

    /// The identity at the start of `memory`, if one is there and whole.
    pub fn read(memory: &[u8]) -> Option<&Self> {
        let (identity, _) = Self::ref_from_prefix(memory).ok()?;
        let known = identity.magic == MAGIC && identity.schema.get() == SCHEMA;
        (known && identity.crc.get() == identity.checksum()).then_some(identity)
    }

    fn checksum(&self) -> u32 {
        CRC.checksum(self.as_bytes().split_last_chunk::<4>().map_or(&[], |(covered, _)| covered))
    }

    /// The key that a package is signed with, by its first octets.
    pub(crate) fn key(&self, name: [u8; KEY_NAME]) -> Option<&[u8; 32]> {
        self.keys.iter().find(|key| **key != [0; 32] && key.starts_with(&name))
    }

    /// The MAC address of the port that receives mirrored frames.
    pub const fn tap_mac(&self) -> [u8; 6] {
        let [tap, _] = self.macs;
        tap
    }

    /// The MAC address of the management port.
    pub const fn management_mac(&self) -> [u8; 6] {
        let [_, management] = self.macs;
        management
    }

    /// The board's serial number; may be empty.
    pub fn serial_number(&self) -> &str {
        let text = self.serial_number.split(|octet| *octet == 0).next().unwrap_or_default();
        core::str::from_utf8(text).unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    const MAC: [[u8; 6]; MACS] = [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]];

    #[test]
    fn what_was_written_is_read() {
        let identity = Identity::new([[1; 32], [0; 32]], MAC, "GW-0007");
        let mut memory = [0xff; 256];
        memory[..size_of::<Identity>()].copy_from_slice(identity.as_bytes());
        let read = Identity::read(&memory);
        assert_eq!(read, Some(&identity));
        assert_eq!(read.map(Identity::serial_number), Some("GW-0007"));
        assert_eq!(read.map(Identity::management_mac), Some(MAC[1]));
    }

    #[test]
    fn boards_without_an_identity_differ_and_take_no_package() {
        let (one, other) = (Identity::unwritten(&[7; UNIQUE]), Identity::unwritten(&[8; UNIQUE]));
        assert_eq!(one.serial_number(), "070707070707070707070707");
        let macs = [one.tap_mac(), one.management_mac(), other.tap_mac(), other.management_mac()];
        assert!(macs.iter().all(|mac| mac[0] & 3 == 2), "{macs:02x?}");
        assert!((0..4).all(|at| !macs[at + 1..].contains(&macs[at])), "{macs:02x?}");
        assert_eq!(Identity::read(one.as_bytes()), Some(&one));
        assert!(one.key([0; KEY_NAME]).is_none());
    }

    #[test]
    fn any_flipped_bit_makes_it_none() {
        let identity = Identity::new([[1; 32], [2; 32]], MAC, "");
        for bit in 0..8 * size_of::<Identity>() {
            let mut memory = [0; size_of::<Identity>()];
            memory.copy_from_slice(identity.as_bytes());
            memory[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Identity::read(&memory), None, "bit {bit}");
        }
        assert_eq!(Identity::read(&[0xff; 256]), None);
        assert_eq!(Identity::read(&[]), None);
    }

    #[test]
    fn keys_are_found_by_their_first_octets_and_no_key_is_not_found() {
        let identity = Identity::new([[1; 32], [0; 32]], MAC, "");
        assert_eq!(identity.key([1; 8]), Some(&[1; 32]));
        assert_eq!(identity.key([0; 8]), None);
        assert_eq!(identity.key([2; 8]), None);
    }
}
