use heapless::{String, Vec};

use crate::identity::SERIAL_NUMBER;
use crate::settings::HOST_NAME;

/// How a gateway is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Status {
    /// Version of the package in force, if one is.
    pub package: Option<u64>,
    /// Version of the package that comes into force with the next start.
    pub pending: Option<u64>,
    /// Seconds since the start.
    pub uptime_s: u64,
    /// Starts before this one.
    pub restarts: u64,
    /// Frames inspected since the start.
    pub frames: u64,
    /// Frames lost before they could be.
    pub frames_lost: u64,
    /// Alerts raised since the start.
    pub alerts: u64,
    /// Alerts that wait for a collector.
    pub alerts_waiting: u64,
    /// Alerts that had to be given up since the start.
    pub alerts_lost: u64,
    /// What it calls itself.
    pub host_name: String<HOST_NAME>,
    /// What was flashed with its identity.
    pub serial_number: String<SERIAL_NUMBER>,
    /// Version of the firmware.
    pub firmware: String<32>,
    /// Which build of it, in hexadecimal digits.
    pub build: String<40>,
}

/// Octets of the longest status: which packages there are, nine numbers, four texts with their lengths.
const LONGEST: usize = 1 + 9 * 8 + (1 + HOST_NAME) + (1 + SERIAL_NUMBER) + (1 + 32) + (1 + 40);

/// Set if a package is in force.
const IN_FORCE: u8 = 1;
/// Set if one comes into force with the next start.
const PENDING: u8 = 2;

impl Status {
    /// Nothing known yet.
    pub const fn new() -> Self {
        Self {
            package: None,
            pending: None,
            uptime_s: 0,
            restarts: 0,
            frames: 0,
            frames_lost: 0,
            alerts: 0,
            alerts_waiting: 0,
            alerts_lost: 0,
            host_name: String::new(),
            serial_number: String::new(),
            firmware: String::new(),
            build: String::new(),
        }
    }

    /// Writes it as the body of a frame.
    pub(super) fn write(&self) -> Option<Vec<u8, LONGEST>> {
        let flag = |version: Option<u64>, flag| if version.is_some() { flag } else { 0 };
        let mut body = Vec::new();
        body.push(flag(self.package, IN_FORCE) | flag(self.pending, PENDING)).ok()?;
        let numbers = [
            self.package.unwrap_or_default(),
            self.pending.unwrap_or_default(),
            self.uptime_s,
            self.restarts,
            self.frames,
            self.frames_lost,
            self.alerts,
            self.alerts_waiting,
            self.alerts_lost,
        ];
        for number in numbers {
            body.extend_from_slice(&number.to_le_bytes()).ok()?;
        }
        for text in [self.host_name.as_str(), &self.serial_number, &self.firmware, &self.build] {
            body.push(u8::try_from(text.len()).ok()?).ok()?;
            body.extend_from_slice(text.as_bytes()).ok()?;
        }
        Some(body)
    }

    /// Takes the body of a frame.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let (flags, mut rest) = body.split_first()?;
        let rest = &mut rest;
        let (package, pending) = (number(rest)?, number(rest)?);
        Some(Self {
            package: (flags & IN_FORCE != 0).then_some(package),
            pending: (flags & PENDING != 0).then_some(pending),
            uptime_s: number(rest)?,
            restarts: number(rest)?,
            frames: number(rest)?,
            frames_lost: number(rest)?,
            alerts: number(rest)?,
            alerts_waiting: number(rest)?,
            alerts_lost: number(rest)?,
            host_name: text(rest)?,
            serial_number: text(rest)?,
            firmware: text(rest)?,
            build: text(rest)?,
        })
    }
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (octets, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(u64::from_le_bytes(*octets))
}

fn text<const N: usize>(rest: &mut &[u8]) -> Option<String<N>> {
    let (len, behind) = rest.split_first()?;
    let (octets, behind) = behind.split_at_checked(usize::from(*len))?;
    *rest = behind;
    String::try_from(core::str::from_utf8(octets).ok()?).ok()
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_that_was_written_is_read_and_nothing_shorter() {
        let status = Status {
            package: Some(u64::MAX),
            uptime_s: 7,
            alerts_lost: 3,
            host_name: core::iter::repeat_n('h', HOST_NAME).collect(),
            serial_number: core::iter::repeat_n('s', SERIAL_NUMBER).collect(),
            firmware: core::iter::repeat_n('1', 32).collect(),
            build: core::iter::repeat_n('b', 40).collect(),
            ..Status::default()
        };
        let body = status.write().unwrap();
        assert_eq!(body.len(), LONGEST);
        assert_eq!(Status::read(&body), Some(status));
        assert!((0..LONGEST).all(|len| Status::read(&body[..len]).is_none()));
    }
}
