//! File transfer (IEEE 1815-2012, 5.3): what requests and responses say of a file.

use super::application::Fragment;
use super::function::Function;
use super::objects::{FileMode, FileObject, FileStatus, Point, Value};

/// What a request and its response say of a file, and what was said of it before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FileTransfer<'a> {
    /// Its name, as the master encoded it.
    pub name: Option<&'a [u8]>,
    /// True when the name was longer than what is kept of it.
    pub name_cut: bool,
    /// What it was opened for.
    pub mode: Option<FileMode>,
    /// Octets of the file, as the response that opened it says, or the request for a file to be written.
    pub size: Option<u32>,
    /// The most octets of a block, as agreed on when it was opened.
    pub block_size: Option<u16>,
    /// What the outstation calls the open file.
    pub handle: Option<u32>,
    /// The number of the block.
    pub block: Option<u32>,
    /// Whether it is the last block.
    pub last: Option<bool>,
    /// Octets of the block.
    pub block_bytes: Option<u32>,
    /// Octets of the file that were transferred since it was opened, each block once.
    pub bytes: u64,
    /// How many blocks those were.
    pub blocks: u32,
    /// What the outstation says became of it.
    pub status: Option<FileStatus>,
}

impl<'a> FileTransfer<'a> {
    /// What a request and its response say by themselves.
    pub(crate) fn of(request: Option<&Fragment<'a>>, response: Option<&Fragment<'a>>) -> Self {
        let mut said = Self::default();
        let objects = [request, response].map(|fragment| fragment.and_then(file_object));
        for object in objects.into_iter().flatten() {
            said.hear(object);
        }
        said
    }

    fn hear(&mut self, object: FileObject<'a>) {
        match object {
            FileObject::Command { name, size, mode, max_block_size, .. } => {
                (self.name, self.mode) = (Some(name), Some(mode));
                self.measure(size, max_block_size);
            }
            FileObject::CommandStatus { handle, size, max_block_size, status, .. } => {
                self.handle = unless_0(handle).or(self.handle);
                self.status = Some(status);
                self.measure(size, max_block_size);
            }
            FileObject::Transport { handle, block, last, data } => {
                self.place(handle, block, last);
                self.block_bytes = u32::try_from(data.len()).ok().and_then(unless_0);
            }
            FileObject::TransportStatus { handle, block, last, status, .. } => {
                self.place(handle, block, last);
                self.status = Some(status);
            }
            FileObject::Identifier { name, size, .. } | FileObject::Descriptor { name, size, .. } => {
                self.name = Some(name);
                self.measure(size, 0);
            }
            FileObject::Specification { name } => self.name = Some(name),
            FileObject::Authentication { .. } => {}
        }
    }

    /// Takes sizes over; 0 stands for a size that is not known.
    fn measure(&mut self, size: u32, block_size: u16) {
        self.size = unless_0(size).or(self.size);
        self.block_size = (block_size > 0).then_some(block_size).or(self.block_size);
    }

    fn place(&mut self, handle: u32, block: u32, last: bool) {
        (self.handle, self.block, self.last) = (Some(handle), Some(block), Some(last));
    }

    /// True when the outstation did what it was asked for, as far as the objects tell.
    pub(crate) fn succeeded(&self) -> bool {
        self.status.is_none_or(|status| status == FileStatus::SUCCESS)
    }
}

fn unless_0(number: u32) -> Option<u32> {
    (number > 0).then_some(number)
}

/// The first object of file control in a fragment.
fn file_object<'a>(fragment: &Fragment<'a>) -> Option<FileObject<'a>> {
    let object = |point: Point<'a>| match point.value {
        Value::File(object) => Some(object),
        _ => None,
    };
    fragment.headers().filter_map(Result::ok).find_map(|header| header.points().find_map(object))
}

/// True for requests that are about files by their function alone.
pub(crate) const fn is_file_function(function: Function) -> bool {
    matches!(function.0, 25..=30)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::super::encode::{request, response};
    use super::*;

    #[test]
    fn an_answer_says_more_than_its_question() {
        let open = [&[70, 3, 0x5b, 1, 31, 0, 26, 0, 5, 0][..], &[0; 12], &[0x13, 0, 0, 0, 2, 0, 0, 4, 9, 0], b"a.txt"];
        let opened = [70, 4, 0x5b, 1, 13, 0, 0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0, 0, 2, 9, 0, 0];
        let (open, opened) = (request(25, &open.concat()), response([0, 0], &opened));
        let said = FileTransfer::of(Fragment::parse(&open).as_ref(), Fragment::parse(&opened).as_ref());
        let expected = FileTransfer {
            name: Some(b"a.txt"),
            mode: Some(FileMode::WRITE),
            size: Some(19),
            block_size: Some(512),
            handle: Some(0x1234_5678),
            status: Some(FileStatus::SUCCESS),
            ..FileTransfer::default()
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn a_block_tells_its_place_and_its_octets() {
        let read = request(1, &[70, 5, 0x5b, 1, 8, 0, 1, 0, 0, 0, 7, 0, 0, 0]);
        let data = response([0, 0], &[70, 5, 0x5b, 1, 10, 0, 1, 0, 0, 0, 7, 0, 0, 0x80, b'h', b'i']);
        let said = FileTransfer::of(Fragment::parse(&read).as_ref(), Fragment::parse(&data).as_ref());
        assert_eq!((said.handle, said.block, said.last, said.block_bytes), (Some(1), Some(7), Some(true), Some(2)));
        let asked = FileTransfer::of(Fragment::parse(&read).as_ref(), None);
        assert_eq!((asked.block, asked.last, asked.block_bytes), (Some(7), Some(false), None));
    }
}
