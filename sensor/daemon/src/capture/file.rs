use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tagout_core::Frame;

use super::CaptureError;
use super::classic::{ClassicReader, Format};
use super::input::Input;
use super::ng::{NgReader, SECTION_HEADER_MAGIC};
use super::window::Window;

/// A capture file being read: classic pcap or pcapng, plain or compressed with gzip.
///
/// The format is told by the first bytes, never by the name. Memory does not grow with the file.
pub struct CaptureFile {
    reader: Reader,
    taken: Arc<AtomicU64>,
    size: Option<u64>,
}

enum Reader {
    Classic(ClassicReader),
    Ng(NgReader),
}

/// The place where a capture ends in the middle of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CutOff {
    /// Number that the incomplete frame would have had.
    pub frame: u64,
    /// How many bytes are missing at least.
    pub missing: u64,
}

impl CaptureFile {
    /// Opens a capture file, or standard input for `-`.
    ///
    /// # Errors
    /// When it cannot be read, is empty, or is no capture.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        Self::new(Input::open(path)?)
    }

    /// Reads a capture from any stream.
    ///
    /// # Errors
    /// When it cannot be read, is empty, or is no capture.
    pub fn from_stream(stream: impl Read + Send + 'static) -> Result<Self, CaptureError> {
        Self::new(Input::new(stream, None)?)
    }

    fn new(input: Input) -> Result<Self, CaptureError> {
        let Input { bytes, taken, size } = input;
        let mut window = Window::new(bytes);
        window.ensure(4)?;
        let reader = match window.ahead() {
            [] => return Err(CaptureError::Empty),
            [a, b, c, d, ..] => Reader::new([*a, *b, *c, *d], window)?,
            short => return Err(CaptureError::NoHeader { bytes: short.len() }),
        };
        Ok(Self { reader, taken, size })
    }

    /// The next frame; `None` at the end, also where the file was cut off.
    ///
    /// # Errors
    /// When reading fails or the file is damaged. Nothing follows an error.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "the frame borrows from the reader")]
    pub fn next(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        match &mut self.reader {
            Reader::Classic(reader) => reader.next(),
            Reader::Ng(reader) => reader.next(),
        }
    }

    /// Where the file was cut off, once its end is reached.
    pub fn cut_off(&self) -> Option<CutOff> {
        match &self.reader {
            Reader::Classic(reader) => reader.cut_off(),
            Reader::Ng(reader) => reader.cut_off(),
        }
    }

    /// Bytes of the file read so far, as they lie on disk.
    pub fn position(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Size of the file on disk; `None` for a stream.
    pub fn size(&self) -> Option<u64> {
        self.size
    }
}

impl Reader {
    fn new(magic: [u8; 4], window: Window) -> Result<Self, CaptureError> {
        if magic == SECTION_HEADER_MAGIC {
            return NgReader::new(window).map(Self::Ng);
        }
        match Format::from_magic(magic) {
            Some(format) => ClassicReader::new(window, format).map(Self::Classic),
            None => Err(CaptureError::NotACapture { found: magic.iter().map(|byte| format!("{byte:02x}")).collect() }),
        }
    }
}
