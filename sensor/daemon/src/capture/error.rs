use std::io;

/// Why a capture file could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file could not be opened.
    #[error("cannot open it: {0}")]
    Open(#[source] io::Error),
    /// Standard input is a terminal, from which no capture comes.
    #[error("standard input is a terminal: give a file, or a capture through a pipe")]
    Terminal,
    /// The system refused to read on, or the compressed data is damaged.
    #[error("cannot read it: {0}")]
    Read(#[from] io::Error),
    /// There is not one byte in it.
    #[error("it is empty")]
    Empty,
    /// It starts neither as a pcap nor as a pcapng file.
    #[error("it is no capture: it starts with {found}, a pcap file with d4c3b2a1, a pcapng file with 0a0d0d0a")]
    NotACapture {
        /// The first bytes in hexadecimal.
        found: String,
    },
    /// It ends within its own header.
    #[error("it ends after {bytes} bytes, within the file header")]
    NoHeader {
        /// How many bytes there are.
        bytes: usize,
    },
    /// What stands in it cannot be right, and where it would go on is not known.
    #[error("damaged after frame {frames}, at byte {offset}: {what}")]
    Damaged {
        /// Frames read before the damage.
        frames: u64,
        /// Offset of the damaged record in the (uncompressed) capture.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
}
