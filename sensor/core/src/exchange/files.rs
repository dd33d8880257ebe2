//! Files that masters have open at outstations.

use super::associations::AssociationKey;
use crate::dnp3::objects::FileMode;
use crate::dnp3::{FileTransfer, Function};
use crate::store::{Table, TableSlot, copy};

/// How many octets of a file's name are kept.
const NAME_LEN: usize = 64;

/// A file that a master has open at an outstation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct FileKey {
    association: AssociationKey,
    handle: u32,
}

/// What is known of an open file, and how far its transfer is.
#[derive(Clone, Copy, Debug)]
pub struct OpenFile {
    name: [u8; NAME_LEN],
    name_len: u8,
    name_cut: bool,
    /// A file that is closed keeps its place until that is needed, for a close that is repeated.
    closed: bool,
    mode: Option<FileMode>,
    size: Option<u32>,
    block_size: Option<u16>,
    /// Octets and blocks that were transferred, and the last of the blocks.
    bytes: u64,
    blocks: u32,
    last_block: Option<u32>,
}

impl Default for OpenFile {
    fn default() -> Self {
        Self {
            name: [0; NAME_LEN],
            name_len: 0,
            name_cut: false,
            closed: false,
            mode: None,
            size: None,
            block_size: None,
            bytes: 0,
            blocks: 0,
            last_block: None,
        }
    }
}

impl OpenFile {
    /// The file that a command and its status opened.
    fn opened(said: &FileTransfer<'_>) -> Self {
        let (mut file, name) = (Self::default(), said.name.unwrap_or_default());
        let len = copy(&mut file.name, name);
        Self {
            name_len: u8::try_from(len).unwrap_or(0),
            name_cut: len < name.len(),
            mode: said.mode,
            size: said.size,
            block_size: said.block_size,
            ..file
        }
    }

    /// Counts a block, unless it is the one before it once more.
    fn advance(&mut self, block: Option<u32>, len: u32) {
        if self.last_block != block || block.is_none() {
            self.last_block = block;
            self.blocks = self.blocks.saturating_add(1);
            self.bytes = self.bytes.saturating_add(len.into());
        }
    }

    /// Adds what is known to what a message says.
    pub(super) fn complete<'a>(&'a self, said: &mut FileTransfer<'a>) {
        if said.name.is_none() && self.name_len > 0 {
            said.name = self.name.get(..usize::from(self.name_len));
            said.name_cut = self.name_cut;
        }
        said.mode = said.mode.or(self.mode);
        said.size = said.size.or(self.size);
        said.block_size = said.block_size.or(self.block_size);
        (said.bytes, said.blocks) = (self.bytes, self.blocks);
    }
}

/// An entry in the table of open files that the sensor's owner lends.
pub type FileSlot = TableSlot<FileKey, OpenFile>;

/// The open files. When the table is full, the one goes that was not looked up for longest.
#[derive(Debug)]
pub(crate) struct Files<'s>(Table<'s, FileKey, OpenFile>);

impl<'s> Files<'s> {
    /// As many as `slots` provide for.
    pub(crate) fn new(buckets: &'s mut [u32], slots: &'s mut [FileSlot], seed: u64) -> Self {
        Self(Table::new(buckets, slots, seed))
    }

    /// Takes over what an answered request says of a file.
    pub(super) fn follow(&mut self, association: AssociationKey, function: Function, said: &FileTransfer<'_>) {
        let Some(handle) = said.handle.filter(|_| said.succeeded()) else { return };
        let key = FileKey { association, handle };
        match function {
            Function::OPEN_FILE => {
                self.0.put(key, OpenFile::opened(said));
            }
            Function::CLOSE_FILE | Function::ABORT_FILE => self.update(key, |file| file.closed = true),
            _ => self.update(key, |file| {
                if let Some(len) = said.block_bytes {
                    file.advance(said.block, len);
                }
            }),
        }
    }

    fn update(&mut self, key: FileKey, work: impl FnOnce(&mut OpenFile)) {
        if let Some(file) = self.0.find(&key).and_then(|id| self.0.get_mut(id)) {
            work(file);
        }
    }

    /// The file that a message is about, if it was seen to be opened and not to be closed before.
    pub(super) fn find(&mut self, association: AssociationKey, function: Function, handle: u32) -> Option<OpenFile> {
        let id = self.0.find(&FileKey { association, handle })?;
        let ends = matches!(function, Function::CLOSE_FILE | Function::ABORT_FILE);
        self.0.get(id).filter(|file| ends || !file.closed).copied()
    }
}
