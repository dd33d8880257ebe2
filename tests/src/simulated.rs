//! A board in memory: a port at the end of a cable, a serial line, a clock that somebody moves, a watchdog that counts.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use tagout_firmware::board::{Board, Clock, Line, Port, Watchdog};

/// The board's own address.
pub const MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];
/// Frames that wait in the controller at most.
const FIFO: usize = 64;

/// The two ends of a cable.
#[derive(Debug, Default)]
pub struct Cable {
    /// To the board.
    pub inward: VecDeque<Vec<u8>>,
    /// From the board.
    pub outward: VecDeque<Vec<u8>>,
    lost: u32,
}

impl Cable {
    /// Puts a frame on the mirror port; one that finds the controller full is lost.
    pub fn mirror(&mut self, frame: &[u8]) {
        if self.inward.len() < FIFO {
            self.inward.push_back(frame.to_vec());
        } else {
            self.lost += 1;
        }
    }
}

/// Bytes on their way along a line, with the time of the last of them.
pub type Pieces = VecDeque<(Vec<u8>, u64)>;

/// What somebody holds who plays with the board.
#[derive(Clone, Debug, Default)]
pub struct Strings {
    /// The cable of its port.
    pub cable: Rc<RefCell<Cable>>,
    /// Its serial line.
    pub line: Rc<RefCell<Pieces>>,
    /// Its time, in nanoseconds since the start.
    pub clock: Rc<Cell<u64>>,
    /// How often its watchdog was fed.
    pub fed: Rc<Cell<u64>>,
}

impl Strings {
    /// The board.
    pub fn board(&self) -> SimulatedBoard {
        Board {
            tap: SimulatedPort(Rc::clone(&self.cable)),
            own: None,
            lines: [SimulatedLine(Rc::clone(&self.line))].into_iter().collect(),
            clock: SetClock(Rc::clone(&self.clock)),
            watchdog: CountingWatchdog(Rc::clone(&self.fed)),
            stack: || 0,
        }
    }
}

/// A board in memory.
pub type SimulatedBoard = Board<SimulatedPort, SimulatedLine, SetClock, CountingWatchdog>;

/// The board's end of the cable.
#[derive(Debug)]
pub struct SimulatedPort(Rc<RefCell<Cable>>);

impl Port for SimulatedPort {
    fn mac(&self) -> [u8; 6] {
        MAC
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let frame = self.0.borrow_mut().inward.pop_front()?;
        buffer[..frame.len()].copy_from_slice(&frame);
        Some(frame.len())
    }

    fn can_transmit(&mut self) -> bool {
        true
    }

    fn transmit(&mut self, frame: &[u8]) {
        self.0.borrow_mut().outward.push_back(frame.to_vec());
    }

    fn is_up(&mut self) -> bool {
        true
    }

    fn lost(&mut self) -> u32 {
        self.0.borrow().lost
    }
}

/// The board's end of the line.
#[derive(Debug)]
pub struct SimulatedLine(Rc<RefCell<Pieces>>);

impl Line for SimulatedLine {
    fn receive(&mut self, buffer: &mut [u8]) -> Option<(usize, u64)> {
        let (bytes, at) = self.0.borrow_mut().pop_front()?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Some((bytes.len(), at))
    }

    fn lost(&mut self) -> u32 {
        0
    }
}

/// A clock that shows what it was set to.
#[derive(Debug)]
pub struct SetClock(Rc<Cell<u64>>);

impl Clock for SetClock {
    fn now(&mut self) -> u64 {
        self.0.get()
    }
}

/// Counts how often it is fed.
#[derive(Debug)]
pub struct CountingWatchdog(Rc<Cell<u64>>);

impl Watchdog for CountingWatchdog {
    fn feed(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}
