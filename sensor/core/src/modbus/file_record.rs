//! Functions 20 and 21: records of files (AP 6.14, 6.15).

use super::fields::{Malformed, rest};

/// Octets of a sub-request before its data: reference type, file number, record number, record length.
const SUB_REQUEST_LEN: usize = 7;

/// One sub-request: which records of which file, and what is written there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileRecord<'a> {
    /// 6 by the specification.
    pub reference_type: u8,
    /// File number.
    pub file: u16,
    /// The first record.
    pub record: u16,
    /// How many records, of one register each.
    pub length: u16,
    /// The registers to write; empty in a read.
    pub data: &'a [u8],
}

/// The sub-requests of Read File Record, or of Write File Record and its response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileRecords<'a> {
    bytes: &'a [u8],
    writes: bool,
}

impl<'a> FileRecords<'a> {
    /// The sub-requests of a read or a write, whose PDU has the length that its byte count says.
    pub(super) fn parse(pdu: &'a [u8], writes: bool) -> Result<Self, Malformed> {
        let records = Self { bytes: rest(pdu, 2), writes };
        let mut walk = records;
        while walk.next().is_some() {}
        if walk.bytes.is_empty() { Ok(records) } else { Err(walk.fault(pdu.len())) }
    }

    /// What is wrong with the sub-request that could not be read, in a PDU of this many octets.
    fn fault(self, pdu_len: usize) -> Malformed {
        let (left, at) = (self.bytes.len(), pdu_len.saturating_sub(self.bytes.len()));
        match *self.bytes {
            [_, _, _, _, _, high, low, ..] => {
                let (length, space) = (u16::from_be_bytes([high, low]), left.saturating_sub(SUB_REQUEST_LEN));
                Malformed::new("record length", at.saturating_add(5), space / 2, usize::from(length))
            }
            _ => Malformed::new("sub-request", at, SUB_REQUEST_LEN, left),
        }
    }
}

impl<'a> Iterator for FileRecords<'a> {
    type Item = FileRecord<'a>;

    fn next(&mut self) -> Option<FileRecord<'a>> {
        let ([reference_type, f0, f1, r0, r1, l0, l1], data) = self.bytes.split_first_chunk::<SUB_REQUEST_LEN>()?;
        let length = u16::from_be_bytes([*l0, *l1]);
        let due = if self.writes { usize::from(length).saturating_mul(2) } else { 0 };
        let (data, rest) = data.split_at_checked(due)?;
        self.bytes = rest;
        Some(FileRecord {
            reference_type: *reference_type,
            file: u16::from_be_bytes([*f0, *f1]),
            record: u16::from_be_bytes([*r0, *r1]),
            length,
            data,
        })
    }
}

/// What was read of one sub-request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileData<'a> {
    /// 6 by the specification.
    pub reference_type: u8,
    /// The registers.
    pub data: &'a [u8],
}

/// The sub-responses of Read File Record, in the order of the sub-requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileContents<'a> {
    bytes: &'a [u8],
}

impl<'a> FileContents<'a> {
    /// The sub-responses of a PDU that has the length that its byte count says.
    pub(super) fn parse(pdu: &'a [u8]) -> Result<Self, Malformed> {
        let contents = Self { bytes: rest(pdu, 2) };
        let mut walk = contents;
        while walk.next().is_some() {}
        match *walk.bytes {
            [] => Ok(contents),
            [length, ..] => {
                let (left, at) = (walk.bytes.len(), pdu.len().saturating_sub(walk.bytes.len()));
                // A reference type and whole registers.
                let longest = left.saturating_sub(1).saturating_sub(1) | 1;
                Err(Malformed::new("file response length", at, longest, usize::from(length)))
            }
        }
    }
}

impl<'a> Iterator for FileContents<'a> {
    type Item = FileData<'a>;

    /// A sub-response counts its reference type and whole registers.
    fn next(&mut self) -> Option<FileData<'a>> {
        let (length, rest) = self.bytes.split_first()?;
        let (content, rest) = rest.split_at_checked(usize::from(*length)).filter(|_| length % 2 == 1)?;
        let (reference_type, data) = content.split_first()?;
        self.bytes = rest;
        Some(FileData { reference_type: *reference_type, data })
    }
}
