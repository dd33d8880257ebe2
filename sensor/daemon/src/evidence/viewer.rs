//! Finds the evidence of an alert, and tells what is in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pcap_parser::pcapng::{Block, OptionCode, PcapNGOption};
use pcap_parser::{PcapBlockOwned, PcapNGSlice};
use sha2::{Digest, Sha256};
use tagout_core::Timestamp;

use super::shelf::days;
use crate::record::Hex;

/// The evidence of one alert.
#[derive(Debug)]
pub struct Found {
    /// The file that the alert names.
    pub path: PathBuf,
    /// SHA-256 of that file, in hexadecimal.
    pub sha256: String,
    /// That file, and behind it the one of what came after. Together they are one pcapng file of two sections.
    pub bytes: Vec<u8>,
}

/// A packet in a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet {
    /// When it was captured.
    pub time: Timestamp,
    /// Its length on the wire, in bytes.
    pub wire_len: u32,
    /// What was seen in it.
    pub comment: Option<String>,
    /// Whether it came after the alert.
    pub is_after: bool,
}

/// The files of all alerts in this folder whose ids begin like this, the oldest first.
///
/// # Errors
/// When the folder cannot be read.
pub fn find(directory: &Path, id: &str) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(directory)?;
    let mut paths: Vec<PathBuf> = (days(directory).iter())
        .flat_map(|day| fs::read_dir(day).into_iter().flatten().flatten())
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.strip_suffix(".pcapng").is_some_and(|name| name.starts_with(id) && !name.contains('.'))
        })
        .collect();
    paths.sort();
    Ok(paths)
}

impl Found {
    /// Reads what is kept of an alert.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(path: PathBuf) -> io::Result<Self> {
        let mut bytes = fs::read(&path)?;
        let sha256 = Hex(&Sha256::digest(&bytes)).to_string();
        match fs::read(path.with_extension("after.pcapng")) {
            Ok(after) => bytes.extend(after),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(Self { path, sha256, bytes })
    }

    /// What the alert is about, as the file says.
    pub fn about(&self) -> Option<String> {
        self.blocks().find_map(|block| match block {
            Block::SectionHeader(header) => comment(&header.options),
            _ => None,
        })
    }

    /// The packets in their order. What is damaged ends them.
    pub fn packets(&self) -> impl Iterator<Item = Packet> {
        let mut sections = 0;
        self.blocks().filter_map(move |block| match block {
            Block::SectionHeader(_) => {
                sections += 1;
                None
            }
            Block::EnhancedPacket(packet) => Some(Packet {
                time: Timestamp(u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low)),
                wire_len: packet.origlen,
                comment: comment(&packet.options),
                is_after: sections > 1,
            }),
            _ => None,
        })
    }

    fn blocks(&self) -> impl Iterator<Item = Block<'_>> {
        let slice = PcapNGSlice::from_slice(&self.bytes).ok().into_iter().flatten();
        slice.map_while(Result::ok).filter_map(|block| match block {
            PcapBlockOwned::NG(block) => Some(block),
            _ => None,
        })
    }
}

fn comment(options: &[PcapNGOption<'_>]) -> Option<String> {
    let comment = options.iter().find(|option| option.code == OptionCode::Comment)?;
    comment.as_str().ok().map(str::to_owned)
}
