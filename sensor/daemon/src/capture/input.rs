use std::fs::File;
use std::io::{self, BufReader, Cursor, IsTerminal as _, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use super::CaptureError;

/// First bytes of a gzip member: RFC 1952, section 2.3.1.
const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];

/// An opened input, decompressed where it is compressed.
pub(super) struct Input {
    pub(super) bytes: Box<dyn Read + Send>,
    /// Bytes taken from the file so far, before decompression.
    pub(super) taken: Arc<AtomicU64>,
    /// Size of the file, where it has one.
    pub(super) size: Option<u64>,
}

impl Input {
    /// Opens a file, or standard input for `-`.
    pub(super) fn open(path: &Path) -> Result<Self, CaptureError> {
        if path == Path::new("-") {
            if io::stdin().is_terminal() {
                return Err(CaptureError::Terminal);
            }
            return Self::new(io::stdin(), None);
        }
        let file = File::open(path).map_err(CaptureError::Open)?;
        let metadata = file.metadata().map_err(CaptureError::Open)?;
        if metadata.is_dir() {
            return Err(CaptureError::Open(io::ErrorKind::IsADirectory.into()));
        }
        Self::new(file, metadata.is_file().then_some(metadata.len()))
    }

    /// Takes any stream; whether it is compressed is told by its first bytes.
    pub(super) fn new(stream: impl Read + Send + 'static, size: Option<u64>) -> Result<Self, CaptureError> {
        let taken = Arc::new(AtomicU64::new(0));
        let mut counted = Counted { stream, taken: Arc::clone(&taken) };
        let mut magic = Vec::with_capacity(GZIP_MAGIC.len());
        counted.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut magic)?;
        let compressed = magic == GZIP_MAGIC;
        let whole = Cursor::new(magic).chain(counted);
        let bytes: Box<dyn Read + Send> =
            if compressed { Box::new(MultiGzDecoder::new(BufReader::new(whole))) } else { Box::new(whole) };
        Ok(Self { bytes, taken, size })
    }
}

/// A stream that tells others how far it was read.
struct Counted<R> {
    stream: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.taken.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
