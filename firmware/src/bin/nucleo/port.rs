//! The Ethernet controller, DesignWare's in both microcontrollers, on top of the HAL's driver.

use core::mem::MaybeUninit;
use core::ptr::addr_of_mut;
use core::task::{Context, Waker};

use embassy_net_driver::{Driver, RxToken, TxToken};
use embassy_stm32::eth::{Ethernet, GenericPhy, PacketQueue, Sma, StationManagement};
use embassy_stm32::pac::ETH;
use embassy_stm32::peripherals;
use tagout_firmware::board::Port;

use super::PHY;

/// The PHY's basic status register, and its bit for a link (IEEE 802.3, 22.2.4.2).
const PHY_STATUS: u8 = 1;
const LINK: u16 = 1 << 2;
/// Calls between two looks at the PHY, which is slow to answer.
const LINK_CALLS: u32 = 256;
/// The longest frame that is sent.
const LONGEST: usize = 1_514;

/// Frames that wait to be inspected: four batches of the gateway's loop.
const RECEIVED: usize = 64;
/// Frames that wait to leave: as many as the loop sends before the tap has its turn.
const SENT: usize = 4;

/// Where the controller puts frames and takes them from: memory that it reaches and that no cache holds; see memory.x.
#[allow(unsafe_code, reason = "the section says where it is")]
#[unsafe(link_section = ".uninit.frames")]
static mut FRAMES: MaybeUninit<PacketQueue<SENT, RECEIVED>> = MaybeUninit::uninit();

/// The memory of the controller. To be called once.
pub(crate) fn queue() -> &'static mut PacketQueue<SENT, RECEIVED> {
    // SAFETY: called once, and `init` says that the queue may be used after it.
    #[allow(unsafe_code, reason = "a static that no start-up code writes")]
    unsafe {
        let frames = &mut *addr_of_mut!(FRAMES);
        PacketQueue::init(frames);
        frames.assume_init_mut()
    }
}

type Controller = Ethernet<'static, peripherals::ETH, GenericPhy<Sma<'static, peripherals::ETH_SMA>>>;

/// The port.
pub(crate) struct Mac {
    controller: Controller,
    mac: [u8; 6],
    lost: u32,
    is_up: bool,
    calls: u32,
}

impl Mac {
    /// Lets the controller take every frame, and take the FCS off each: what the HAL leaves out.
    pub(crate) fn new(controller: Controller, mac: [u8; 6]) -> Self {
        ETH.ethernet_mac().macpfr().modify(|filter| filter.set_pr(true));
        ETH.ethernet_mac().maccr().modify(|configuration| configuration.set_cst(true));
        Self { controller, mac, lost: 0, is_up: false, calls: 0 }
    }
}

impl Port for Mac {
    fn mac(&self) -> [u8; 6] {
        self.mac
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Option<usize> {
        loop {
            let (received, _) = self.controller.receive(&mut nobody())?;
            let taken = received.consume(|frame| {
                let place = buffer.get_mut(..frame.len())?;
                place.copy_from_slice(frame);
                Some(frame.len())
            });
            if taken.is_some() {
                return taken;
            }
            self.lost = self.lost.saturating_add(1);
        }
    }

    fn can_transmit(&mut self) -> bool {
        self.controller.transmit(&mut nobody()).is_some()
    }

    fn transmit(&mut self, frame: &[u8]) {
        let (Some(place), true) = (self.controller.transmit(&mut nobody()), frame.len() <= LONGEST) else { return };
        place.consume(frame.len(), |place| place.copy_from_slice(frame));
    }

    fn is_up(&mut self) -> bool {
        if self.calls.is_multiple_of(LINK_CALLS) {
            let phy = self.controller.phy_mut().station_management();
            self.is_up = phy.smi_read(PHY, PHY_STATUS) & LINK != 0;
        }
        self.calls = self.calls.wrapping_add(1);
        self.is_up
    }

    /// Frames for which there was no room in memory or in the controller, and those that came damaged; the counters of the
    /// first two begin anew when they are read.
    fn lost(&mut self) -> u32 {
        let no_descriptor = u32::from(ETH.ethernet_dma().dmacmfcr().read().mfc());
        let overflown = ETH.ethernet_mtl().mtlrx_qmpocr().read();
        let in_queue = u32::from(overflown.ovfpktcnt()).saturating_add(overflown.mispktcnt().into());
        self.lost = self.lost.saturating_add(no_descriptor).saturating_add(in_queue);
        self.lost.saturating_add(ETH.ethernet_mac().rx_crc_error_packets().read().rxcrcerr())
    }
}

/// Who wants to be told when there is more to do: nobody, since the loop asks.
const fn nobody() -> Context<'static> {
    Context::from_waker(Waker::noop())
}
