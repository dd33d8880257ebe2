//! File control (group 70).

use super::code::{codes, named_bits};
use super::fields::{Fields, Misfit};
use super::value::Value;

/// An object of file control, by its variation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileObject<'a> {
    /// Variation 1, obsolete: a file with some of its records.
    Identifier {
        /// The file's name.
        name: &'a [u8],
        /// The code of the file's type.
        file_type: u8,
        /// The code of its attributes.
        attributes: u8,
        /// First and last record.
        records: [u16; 2],
        /// Octets of the file.
        size: u32,
        /// When it was created, in milliseconds since the beginning of 1970.
        created_ms: u64,
        /// Who may do what with it.
        permissions: Permissions,
        /// Its number.
        id: u32,
        /// Its owner and the owner's group.
        owner: [u32; 2],
        /// What is asked for.
        function: u8,
        /// The answer.
        status: FileStatus,
        /// The records behind it.
        data: &'a [u8],
    },
    /// Variation 2: who wants a key, or the key. The password is not kept.
    Authentication {
        /// The user's name.
        user_name: &'a [u8],
        /// Octets of the password.
        password_octets: u16,
        /// The key; 0 in a request, and in the response if it is refused.
        key: u32,
    },
    /// Variation 3: what to do with a file.
    Command {
        /// The file's name.
        name: &'a [u8],
        /// When it was created, in milliseconds since the beginning of 1970.
        created_ms: u64,
        /// Who may do what with it.
        permissions: Permissions,
        /// The key that an authentication gave; 0 for none.
        key: u32,
        /// Octets of the file.
        size: u32,
        /// How it is opened.
        mode: FileMode,
        /// The most octets that the master takes in a block.
        max_block_size: u16,
        /// Number of this request.
        request_id: u16,
    },
    /// Variation 4: the answer to a command; in requests, which open file it is about.
    CommandStatus {
        /// The open file's handle.
        handle: u32,
        /// Octets of the file.
        size: u32,
        /// The most octets that a block will have.
        max_block_size: u16,
        /// Number of the request.
        request_id: u16,
        /// The answer.
        status: FileStatus,
        /// Further words.
        text: &'a [u8],
    },
    /// Variation 5: a block of a file; in a READ, which one is wanted.
    Transport {
        /// The open file's handle.
        handle: u32,
        /// The block's number, from 0.
        block: u32,
        /// True for the file's last block.
        last: bool,
        /// The block.
        data: &'a [u8],
    },
    /// Variation 6: the answer to a block.
    TransportStatus {
        /// The open file's handle.
        handle: u32,
        /// The block's number, from 0.
        block: u32,
        /// True for the file's last block.
        last: bool,
        /// The answer.
        status: FileStatus,
        /// Further words.
        text: &'a [u8],
    },
    /// Variation 7: what a file is.
    Descriptor {
        /// The file's name.
        name: &'a [u8],
        /// Whether it is a directory.
        file_type: FileType,
        /// Octets of the file, files of the directory.
        size: u32,
        /// When it was created, in milliseconds since the beginning of 1970.
        created_ms: u64,
        /// Who may do what with it.
        permissions: Permissions,
        /// Number of the request.
        request_id: u16,
    },
    /// Variation 8: a file's name.
    Specification {
        /// The file's name.
        name: &'a [u8],
    },
}

/// Who may do what with a file: bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Permissions(pub u16);

const PERMISSIONS: [&str; 9] = [
    "WORLD_EXECUTE",
    "WORLD_WRITE",
    "WORLD_READ",
    "GROUP_EXECUTE",
    "GROUP_WRITE",
    "GROUP_READ",
    "OWNER_EXECUTE",
    "OWNER_WRITE",
    "OWNER_READ",
];

impl Permissions {
    /// The names of the permissions that are given.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        named_bits(self.0, &PERMISSIONS)
    }
}

codes! {
    /// How a file is opened.
    FileMode(u16):
    0 NULL;
    1 READ;
    2 WRITE;
    3 APPEND;
}

codes! {
    /// What a file is.
    FileType(u16):
    0 DIRECTORY;
    1 SIMPLE_FILE;
}

codes! {
    /// The answer to a file command or to a block.
    FileStatus(u8):
    0 SUCCESS;
    1 PERMISSION_DENIED;
    2 INVALID_MODE;
    3 FILE_NOT_FOUND;
    4 FILE_LOCKED;
    5 TOO_MANY_OPEN;
    6 INVALID_HANDLE;
    7 WRITE_BLOCK_SIZE;
    8 COMM_LOST;
    9 CANNOT_ABORT;
    16 NOT_OPENED;
    17 HANDLE_EXPIRED;
    18 BUFFER_OVERRUN;
    19 FATAL;
    20 BLOCK_SEQUENCE;
    255 UNDEFINED;
}

/// A block's number, and whether it is the last.
fn block(fields: &mut Fields<'_>) -> Result<(u32, bool), Misfit> {
    let number = fields.u32("block number")?;
    Ok((number & 0x7fff_ffff, number >> 31 == 1))
}

pub(super) fn identifier(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let name_len = fields.u16("file name size")?;
    let file_type = fields.u8("file type")?;
    let attributes = fields.u8("file attributes")?;
    let records = [fields.u16("start record")?, fields.u16("end record")?];
    let size = fields.u32("file size")?;
    let created_ms = fields.time("time of creation")?;
    let permissions = Permissions(fields.u16("permissions")?);
    let id = fields.u32("file identifier")?;
    let owner = [fields.u32("owner identifier")?, fields.u32("group identifier")?];
    let function = fields.u8("file function")?;
    let status = FileStatus(fields.u8("status")?);
    let name = fields.take("file name", name_len.into())?;
    let data = fields.rest();
    Ok(Value::File(FileObject::Identifier {
        name,
        file_type,
        attributes,
        records,
        size,
        created_ms,
        permissions,
        id,
        owner,
        function,
        status,
        data,
    }))
}

pub(super) fn authentication(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let (name_offset, name_len) = (fields.u16("user name offset")?, fields.u16("user name size")?);
    let (password_offset, password_octets) = (fields.u16("password offset")?, fields.u16("password size")?);
    let key = fields.u32("authentication key")?;
    let user_name = fields.placed("user name", name_offset, name_len)?;
    fields.placed("password", password_offset, password_octets)?;
    Ok(Value::File(FileObject::Authentication { user_name, password_octets, key }))
}

pub(super) fn command(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let (name_offset, name_len) = (fields.u16("file name offset")?, fields.u16("file name size")?);
    let created_ms = fields.time("time of creation")?;
    let permissions = Permissions(fields.u16("permissions")?);
    let key = fields.u32("authentication key")?;
    let size = fields.u32("file size")?;
    let mode = FileMode(fields.u16("operational mode")?);
    let max_block_size = fields.u16("maximum block size")?;
    let request_id = fields.u16("request identifier")?;
    let name = fields.placed("file name", name_offset, name_len)?;
    Ok(Value::File(FileObject::Command { name, created_ms, permissions, key, size, mode, max_block_size, request_id }))
}

pub(super) fn command_status(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    Ok(Value::File(FileObject::CommandStatus {
        handle: fields.u32("file handle")?,
        size: fields.u32("file size")?,
        max_block_size: fields.u16("maximum block size")?,
        request_id: fields.u16("request identifier")?,
        status: FileStatus(fields.u8("status")?),
        text: fields.rest(),
    }))
}

pub(super) fn transport(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let handle = fields.u32("file handle")?;
    let (block, last) = block(&mut fields)?;
    Ok(Value::File(FileObject::Transport { handle, block, last, data: fields.rest() }))
}

pub(super) fn transport_status(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let handle = fields.u32("file handle")?;
    let (block, last) = block(&mut fields)?;
    let status = FileStatus(fields.u8("status")?);
    Ok(Value::File(FileObject::TransportStatus { handle, block, last, status, text: fields.rest() }))
}

pub(super) fn descriptor(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let mut fields = Fields::of(object);
    let (name_offset, name_len) = (fields.u16("file name offset")?, fields.u16("file name size")?);
    let file_type = FileType(fields.u16("file type")?);
    let size = fields.u32("file size")?;
    let created_ms = fields.time("time of creation")?;
    let permissions = Permissions(fields.u16("permissions")?);
    let request_id = fields.u16("request identifier")?;
    let name = fields.placed("file name", name_offset, name_len)?;
    Ok(Value::File(FileObject::Descriptor { name, file_type, size, created_ms, permissions, request_id }))
}

#[expect(clippy::unnecessary_wraps, reason = "the table calls all alike")]
pub(super) const fn specification(object: &[u8]) -> Result<Value<'_>, Misfit> {
    Ok(Value::File(FileObject::Specification { name: object }))
}
