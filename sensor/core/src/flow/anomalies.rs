use tagout_engine::AnomalyKind;

use super::Side;
use crate::record::Seen;
use tagout_engine::Timestamp;

/// An anomaly of the same kind is reported again after this long.
const PAUSE_MS: u32 = 60_000;

/// What a flow has reported of its anomalies lately, so that a storm of them becomes a count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anomalies {
    /// Kinds reported since `since`, as bits.
    reported: u64,
    since: Timestamp,
    /// Where the last one was seen that was not reported.
    last: (Seen, Side),
    /// How many of each kind were not reported since the last that was.
    unreported: [u16; AnomalyKind::ALL.len()],
}

impl Anomalies {
    pub(crate) const NONE: Self = Self {
        reported: 0,
        since: Timestamp(0),
        last: (Seen { frame: 0, time: Timestamp(0) }, Side::Client),
        unreported: [0; AnomalyKind::ALL.len()],
    };

    /// Takes one of this kind. If it is to be reported: how many were not, since the last that was.
    pub(crate) fn admit(&mut self, kind: AnomalyKind, side: Side, seen: Seen) -> Option<u16> {
        let now = seen.time;
        if now > self.since.plus_ms(PAUSE_MS) {
            self.reported = 0;
            self.since = now;
        }
        let unreported = self.unreported.get_mut(usize::from(kind.number()))?;
        if self.reported & kind.bit() != 0 {
            *unreported = unreported.saturating_add(1);
            self.last = (seen, side);
            return None;
        }
        self.reported |= kind.bit();
        Some(core::mem::take(unreported))
    }

    /// Takes a kind of which some were not reported, with how many, and where the last of any kind was.
    pub(crate) fn settle(&mut self) -> Option<(AnomalyKind, u16, (Seen, Side))> {
        let counts = AnomalyKind::ALL.iter().zip(&mut self.unreported);
        let (kind, unreported) = counts.into_iter().find(|(_, unreported)| **unreported > 0)?;
        Some((*kind, core::mem::take(unreported), self.last))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_a_report_a_minute_with_a_count() {
        let mut anomalies = Anomalies::NONE;
        let seen = |second| Seen { frame: second, time: Timestamp((100 + second) * 1_000_000_000) };
        let mut admit = |kind, second| anomalies.admit(kind, Side::Server, seen(second));
        assert_eq!(admit(AnomalyKind::TcpGap, 0), Some(0));
        assert_eq!(admit(AnomalyKind::TcpGap, 1), None);
        assert_eq!(admit(AnomalyKind::ModbusLength, 1), Some(0));
        assert_eq!(admit(AnomalyKind::TcpGap, 59), None);
        assert_eq!(admit(AnomalyKind::TcpGap, 61), Some(2));
        assert_eq!(admit(AnomalyKind::TcpGap, 62), None);
        assert_eq!(admit(AnomalyKind::TcpGap, 200), Some(1));
        assert_eq!(admit(AnomalyKind::TcpGap, 201), None);
        assert_eq!(anomalies.settle(), Some((AnomalyKind::TcpGap, 1, (seen(201), Side::Server))));
        assert_eq!(anomalies.settle(), None);
    }

    #[test]
    fn every_kind_has_a_place() {
        for kind in AnomalyKind::ALL {
            assert!(usize::from(kind.number()) < AnomalyKind::ALL.len(), "{}", kind.name());
        }
    }
}
