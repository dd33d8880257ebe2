//! The board's Ethernet controller, SMSC's LAN9118 (data sheet, revision 1.5).

use cortex_m::interrupt::InterruptNumber;
use tagout_firmware::board::Port;

use crate::clock;
use crate::register::Register;

#[cfg(feature = "mps2-an386")]
const BASE: usize = 0x4020_0000;
#[cfg(feature = "mps2-an500")]
const BASE: usize = 0xa000_0000;
/// Its interrupt.
#[derive(Clone, Copy)]
pub(crate) struct Interrupt;

// SAFETY: it always is the same number, and the board has an interrupt of that number.
#[allow(unsafe_code, reason = "the trait is unsafe to implement")]
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        13
    }
}

const RX_DATA: Register = Register::at(BASE);
const TX_DATA: Register = Register::at(BASE + 0x20);
const RX_STATUS: Register = Register::at(BASE + 0x40);
const TX_STATUS: Register = Register::at(BASE + 0x48);
const IRQ_CFG: Register = Register::at(BASE + 0x54);
const INT_STS: Register = Register::at(BASE + 0x58);
const INT_EN: Register = Register::at(BASE + 0x5c);
const BYTE_TEST: Register = Register::at(BASE + 0x64);
const FIFO_INT: Register = Register::at(BASE + 0x68);
const TX_CFG: Register = Register::at(BASE + 0x70);
const HW_CFG: Register = Register::at(BASE + 0x74);
const RX_FIFO_INF: Register = Register::at(BASE + 0x7c);
const TX_FIFO_INF: Register = Register::at(BASE + 0x80);
/// 25 million a second, since the controller's reset.
pub(crate) const FREE_RUN: Register = Register::at(BASE + 0x9c);
const RX_DROP: Register = Register::at(BASE + 0xa0);
const MAC_CSR_CMD: Register = Register::at(BASE + 0xa4);
const MAC_CSR_DATA: Register = Register::at(BASE + 0xa8);

const SOFT_RESET: u32 = 1;
/// 5 KiB for sending, the rest for receiving; the bit that must be one.
const FIFO_SIZES: u32 = 0x0015_0000;
const TX_ON: u32 = 2;
/// Tell of every frame; open drain is for others: push-pull, active high.
const EVERY_FRAME: u32 = 0x4800_0000;
const RX_LEVEL: u32 = 8;
const INTERRUPT_ON: u32 = 0x111;
const BYTE_ORDER: u32 = 0x8765_4321;

/// Registers behind MAC_CSR_CMD, and how it is told what to do.
const MAC_CR: u32 = 1;
const ADDRH: u32 = 2;
const ADDRL: u32 = 3;
const MII_ACC: u32 = 6;
const MII_DATA: u32 = 7;
const BUSY: u32 = 1 << 31;
const READ: u32 = 1 << 30;
/// Full duplex, every frame whomever it is for, receiver and transmitter on.
const PROMISCUOUS: u32 = 0x0014_000c;
/// The PHY's basic status register, and its bit for a link (IEEE 802.3, 22.2.4.2).
const PHY_STATUS: u32 = 1 << 11 | 1 << 6;
const LINK: u32 = 1 << 2;

/// First and last segment of a frame.
const WHOLE: u32 = 0x3000;
/// The status of a frame that came damaged.
const DAMAGED: u32 = 1 << 15;
const FCS: usize = 4;
/// A device that does not answer by then is not there.
const PATIENCE: usize = 100_000;
/// Calls between two looks at the PHY, which is slow to answer.
const LINK_CALLS: u32 = 256;

/// The controller, once it is set up.
pub(crate) struct Lan9118 {
    mac: [u8; 6],
    lost: u32,
    is_up: bool,
    calls: u32,
}

impl Lan9118 {
    /// Resets the controller and lets it take every frame.
    pub(crate) fn new(mac: [u8; 6]) -> Self {
        clock::keep();
        HW_CFG.write(SOFT_RESET);
        wait(|| HW_CFG.read() & SOFT_RESET == 0 && BYTE_TEST.read() == BYTE_ORDER);
        HW_CFG.write(FIFO_SIZES);
        let [a, b, c, d, e, f] = mac;
        csr_write(ADDRL, u32::from_le_bytes([a, b, c, d]));
        csr_write(ADDRH, u32::from_le_bytes([e, f, 0, 0]));
        csr_write(MAC_CR, PROMISCUOUS);
        TX_CFG.write(TX_ON);
        FIFO_INT.write(EVERY_FRAME);
        INT_EN.write(RX_LEVEL);
        IRQ_CFG.write(INTERRUPT_ON);
        Self { mac, lost: 0, is_up: true, calls: 0 }
    }

    /// Takes back the interrupt, if nothing waits any more.
    pub(crate) fn acknowledge() {
        INT_STS.write(u32::MAX);
    }
}

impl Port for Lan9118 {
    fn mac(&self) -> [u8; 6] {
        self.mac
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let waiting = RX_FIFO_INF.read() >> 16 & 0xff;
        for _ in 0..waiting {
            let status = RX_STATUS.read();
            let len = (status >> 16 & 0x3fff) as usize;
            let frame_len = len.saturating_sub(FCS);
            let into = buffer.get_mut(..frame_len).filter(|_| status & DAMAGED == 0);
            let is_taken = into.is_some();
            drain(len, into.unwrap_or_default());
            if is_taken {
                return Some(frame_len);
            }
            self.lost = self.lost.saturating_add(1);
        }
        None
    }

    fn can_transmit(&mut self) -> bool {
        // What became of earlier frames is nobody's concern, but fills a FIFO.
        for _ in 0..TX_FIFO_INF.read() >> 16 & 0xff {
            TX_STATUS.read();
        }
        TX_FIFO_INF.read() & 0xffff >= 1_536
    }

    fn transmit(&mut self, frame: &[u8]) {
        let len = u32::try_from(frame.len()).unwrap_or(0);
        TX_DATA.write(WHOLE | len);
        TX_DATA.write(len);
        for bytes in frame.chunks(4) {
            let mut word = [0; 4];
            word.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
            TX_DATA.write(u32::from_le_bytes(word));
        }
    }

    fn is_up(&mut self) -> bool {
        if self.calls.is_multiple_of(LINK_CALLS) {
            csr_write(MII_ACC, PHY_STATUS);
            self.is_up = csr_read(MII_DATA) & LINK != 0;
        }
        self.calls = self.calls.wrapping_add(1);
        self.is_up
    }

    fn lost(&mut self) -> u32 {
        self.lost = self.lost.saturating_add(RX_DROP.read());
        self.lost
    }
}

/// Takes `len` bytes out of the receive FIFO, of which the first go to `into`.
fn drain(len: usize, into: &mut [u8]) {
    let mut chunks = into.chunks_mut(4);
    for _ in 0..len.div_ceil(4) {
        let word = RX_DATA.read().to_le_bytes();
        let chunk = chunks.next().unwrap_or_default();
        chunk.iter_mut().zip(word).for_each(|(place, byte)| *place = byte);
    }
}

fn csr_write(register: u32, value: u32) {
    wait(|| MAC_CSR_CMD.read() & BUSY == 0);
    MAC_CSR_DATA.write(value);
    MAC_CSR_CMD.write(BUSY | register);
    wait(|| MAC_CSR_CMD.read() & BUSY == 0);
}

fn csr_read(register: u32) -> u32 {
    wait(|| MAC_CSR_CMD.read() & BUSY == 0);
    MAC_CSR_CMD.write(BUSY | READ | register);
    wait(|| MAC_CSR_CMD.read() & BUSY == 0);
    MAC_CSR_DATA.read()
}

/// Waits until `is_done`, but not for ever.
fn wait(is_done: impl Fn() -> bool) {
    let _ = (0..PATIENCE).find(|_| is_done());
}
