use std::io::{self, ErrorKind, Read};

use super::file::CutOff;

/// Bytes read at once; large enough to make reads rare, small enough to stay in the processor's cache.
const CAPACITY: usize = 256 * 1024;

/// The part of a stream that is being parsed: what was read and not yet consumed.
///
/// Memory stays at a quarter of a MiB unless a single record needs more.
pub(super) struct Window {
    input: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset of `start` in the stream.
    offset: u64,
    /// The stream was compressed and lacks its end.
    incomplete: bool,
}

impl Window {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Self { input, buffer: vec![0; CAPACITY], start: 0, end: 0, offset: 0, incomplete: false }
    }

    /// What was read and not consumed.
    #[inline]
    pub(super) fn ahead(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Offset in the stream of the first byte ahead.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads until at least `len` bytes are ahead; false if the stream ends before.
    #[inline]
    pub(super) fn ensure(&mut self, len: usize) -> io::Result<bool> {
        if self.end - self.start >= len {
            return Ok(true);
        }
        self.fill(len)
    }

    /// Passes over `len` bytes ahead; the caller has ensured them.
    #[inline]
    pub(super) fn consume(&mut self, len: usize) {
        self.start += len;
        self.offset += len as u64;
    }

    /// The last `len` bytes consumed; they stay until more is read.
    #[inline]
    pub(super) fn behind(&self, len: usize) -> &[u8] {
        &self.buffer[self.start - len..self.start]
    }

    /// Passes over `len` bytes, read or not; false if the stream ends before.
    pub(super) fn skip(&mut self, mut len: u64) -> io::Result<bool> {
        while len > 0 {
            if !self.ensure(1)? {
                return Ok(false);
            }
            let step = usize::try_from(len).unwrap_or(usize::MAX).min(self.end - self.start);
            self.consume(step);
            len -= step as u64;
        }
        Ok(true)
    }

    /// At the end of the stream, where `due` bytes were due for `frame` unless nothing is left: whether it was cut off.
    pub(super) fn cut_off(&self, due: usize, frame: u64) -> Option<CutOff> {
        let left = self.end - self.start;
        (left > 0 || self.incomplete).then(|| CutOff { frame, missing: due.saturating_sub(left) as u64 })
    }

    #[cold]
    fn fill(&mut self, len: usize) -> io::Result<bool> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < len {
            self.buffer.resize(len, 0);
        }
        while self.end < len {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A compressed stream without its end: what could be decompressed counts.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    self.incomplete = true;
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
