//! Records what peers say, beside tagout and without it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pcap::{Active, Capture, Error, Precision, Savefile};

/// How long the kernel may hold packets back to hand over many at once.
const KERNEL_HOLDS_MS: i32 = 10;
/// How long to wait for packets where there are none. A blocking read would not notice that it has to stop.
const PAUSE: Duration = Duration::from_millis(20);

/// A recording that is under way.
#[derive(Debug)]
pub struct Recorder {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), Error>>,
}

impl Recorder {
    /// Starts to record what a libpcap filter lets through of an interface into `file`, a classic pcap with nanoseconds.
    ///
    /// # Errors
    /// If the interface may not be opened, or the file, or if the filter is none.
    pub fn start(interface: &str, file: &Path, filter: &str) -> Result<Self, Error> {
        let device =
            Capture::from_device(interface)?.snaplen(65_535).timeout(KERNEL_HOLDS_MS).precision(Precision::Nano);
        let mut capture = device.open()?.setnonblock()?;
        capture.filter(filter, true)?;
        let savefile = capture.savefile(file)?;
        let stop = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let stop = Arc::clone(&stop);
            move || record(capture, savefile, &stop)
        });
        Ok(Self { stop, thread })
    }

    /// Ends the recording and completes its file.
    ///
    /// # Errors
    /// If a packet could not be read or written.
    pub fn finish(self) -> Result<(), Error> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or(Err(Error::PcapError("the recorder ended early".to_owned())))
    }
}

fn record(mut capture: Capture<Active>, mut savefile: Savefile, stop: &AtomicBool) -> Result<(), Error> {
    while !stop.load(Ordering::Relaxed) {
        match capture.next_packet() {
            Ok(packet) => savefile.write(&packet),
            Err(Error::TimeoutExpired) => thread::sleep(PAUSE),
            Err(error) => return Err(error),
        }
    }
    savefile.flush()
}
