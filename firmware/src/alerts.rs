use heapless::Deque;
use tagout_core::engine::{ActorId, DeviceId};
use tagout_core::{Alert, AlertId, Anomaly, Exchange, Output, Timestamp};

/// How many alerts wait for delivery at most.
pub const QUEUED_ALERTS: usize = 64;

/// What the gateway keeps of an alert until it is delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Notice {
    /// Stable identity, the same as in the daemon's record.
    pub id: AlertId,
    /// Capture time of what raised it.
    pub time: Timestamp,
    /// Who did it, if the policy names the address.
    pub actor: Option<ActorId>,
    /// To whom, if the policy names the address.
    pub device: Option<DeviceId>,
}

impl Notice {
    /// The alert's id as 32 hexadecimal digits, as records write it.
    pub fn id_digits(&self) -> [u8; 32] {
        let mut digits = [0; 32];
        for (nibble, digit) in digits.iter_mut().rev().enumerate() {
            let shift = u32::try_from(nibble).unwrap_or(0).wrapping_mul(4);
            *digit = hexadecimal((self.id.0.wrapping_shr(shift) & 0xf) as u8);
        }
        digits
    }
}

/// The digit for `nibble`, which is below 16.
const fn hexadecimal(nibble: u8) -> u8 {
    if nibble < 10 { b'0'.wrapping_add(nibble) } else { b'a'.wrapping_sub(10).wrapping_add(nibble) }
}

/// The sensor's output on a gateway: alerts wait here, exchanges and anomalies that raise none are not kept.
#[derive(Debug, Default)]
pub struct AlertQueue {
    waiting: Deque<Notice, QUEUED_ALERTS>,
    dropped: u32,
}

impl AlertQueue {
    /// Takes the alert that waits longest.
    pub fn pop(&mut self) -> Option<Notice> {
        self.waiting.pop_front()
    }

    /// How many alerts found the queue full.
    pub const fn dropped(&self) -> u32 {
        self.dropped
    }
}

impl Output for AlertQueue {
    fn exchange(&mut self, _: &Exchange<'_>) {}

    fn anomaly(&mut self, _: &Anomaly) {}

    fn alert(&mut self, alert: &Alert<'_>) {
        let notice = Notice { id: alert.id, time: alert.time, actor: alert.actor, device: alert.device };
        if self.waiting.push_back(notice).is_err() {
            self.dropped = self.dropped.saturating_add(1);
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use tagout_core::engine::RuleId;
    use tagout_core::{Cause, Path};

    use super::*;

    fn alert(id: u128) -> Alert<'static> {
        Alert::bare(AlertId(id), Timestamp(7), Path::default(), Cause::Rule(RuleId(0)))
    }

    #[test]
    fn alerts_come_out_in_order_and_what_does_not_fit_is_counted() {
        let mut queue = AlertQueue::default();
        for id in 0..QUEUED_ALERTS as u128 + 3 {
            queue.alert(&alert(id));
        }
        assert_eq!(queue.dropped(), 3);
        for id in 0..QUEUED_ALERTS as u128 {
            assert_eq!(queue.pop().map(|notice| notice.id), Some(AlertId(id)));
        }
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn an_id_is_written_with_all_its_digits() {
        let notice = Notice { id: AlertId(0xabc_0123_4567_89de_f000), time: Timestamp(0), actor: None, device: None };
        assert_eq!(&notice.id_digits(), b"0000000000000abc0123456789def000");
    }
}
