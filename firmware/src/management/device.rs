//! A port as smoltcp wants it: at most one frame comes in, since the tap drains the port.

use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

use crate::board::Port;

/// The longest frame that the gateway sends.
pub(super) const TRANSMIT_LEN: usize = 1_514;

/// A port that is lent for one call.
pub(super) struct Device<'d, P> {
    frame: Option<&'d [u8]>,
    port: &'d mut P,
    out: &'d mut [u8; TRANSMIT_LEN],
}

impl<'d, P: Port> Device<'d, P> {
    /// A port that received `frame`.
    pub(super) const fn holding(frame: &'d [u8], port: &'d mut P, out: &'d mut [u8; TRANSMIT_LEN]) -> Self {
        Self { frame: Some(frame), port, out }
    }

    /// A port that received nothing.
    pub(super) const fn idle(port: &'d mut P, out: &'d mut [u8; TRANSMIT_LEN]) -> Self {
        Self { frame: None, port, out }
    }
}

impl<P: Port> phy::Device for Device<'_, P> {
    type RxToken<'a>
        = Received<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = Free<'a, P>
    where
        Self: 'a;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Free<'_, P>)> {
        let frame = self.frame.filter(|_| self.port.can_transmit())?;
        self.frame = None;
        Some((Received(frame), Free { port: self.port, out: self.out }))
    }

    fn transmit(&mut self, _: Instant) -> Option<Free<'_, P>> {
        if self.port.can_transmit() { Some(Free { port: self.port, out: self.out }) } else { None }
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = TRANSMIT_LEN;
        capabilities
    }
}

/// A frame that came in.
pub(super) struct Received<'a>(&'a [u8]);

impl phy::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(self.0)
    }
}

/// A port that can send.
pub(super) struct Free<'a, P> {
    port: &'a mut P,
    out: &'a mut [u8; TRANSMIT_LEN],
}

impl<P: Port> phy::TxToken for Free<'_, P> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let frame = self.out.get_mut(..len).unwrap_or_default();
        let result = write(frame);
        self.port.transmit(frame);
        result
    }
}
