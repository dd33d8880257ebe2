use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::dnp3::objects::{FileMode, FileObject, FileStatus, FileType, Permissions};

use super::super::time::DeviceTime;
use super::text;

/// What an object of file control says.
#[derive(Serialize, JsonSchema, Default)]
pub(super) struct File<'a> {
    /// The file's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    /// Who wants an authentication key.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<Cow<'a, str>>,
    /// Length of the password, which is never shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    password_octets: Option<u16>,
    /// Authentication key; 0 for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<u32>,
    /// Handle of the open file.
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<u32>,
    /// How the file is opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<u16>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode_name: Option<&'static str>,
    /// Whether it is a directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_type: Option<u16>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_type_name: Option<&'static str>,
    /// Octets of the file, or files of the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u32>,
    /// When the file was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<DeviceTime>,
    /// Who may do what with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    permissions: Vec<&'static str>,
    /// The most octets of a block.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_block_size: Option<u16>,
    /// Number of the file request.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<u16>,
    /// Number of the block, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<u32>,
    /// Whether it is the file's last block.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<bool>,
    /// Length of the block.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_octets: Option<usize>,
    /// Answer to a file request or a block.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u8>,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_name: Option<&'static str>,
    /// Further words of the outstation.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
}

impl<'a> From<FileObject<'a>> for File<'a> {
    fn from(object: FileObject<'a>) -> Self {
        match object {
            FileObject::Identifier { name, size, created_ms, permissions, status, data, .. } => {
                let file = Self { size: Some(size), data_octets: Some(data.len()), ..Self::default() };
                file.named(name).created(created_ms, permissions).answered(status, &[])
            }
            FileObject::Authentication { user_name, password_octets, key } => Self {
                user_name: text(user_name),
                password_octets: Some(password_octets),
                key: Some(key),
                ..Self::default()
            },
            FileObject::Command { name, created_ms, permissions, key, size, mode, max_block_size, request_id } => {
                let file = Self { key: Some(key), max_block_size: Some(max_block_size), ..Self::default() };
                file.named(name).created(created_ms, permissions).sized(size, request_id).opened(mode)
            }
            FileObject::CommandStatus { handle, size, max_block_size, request_id, status, text } => {
                let file = Self { handle: Some(handle), max_block_size: Some(max_block_size), ..Self::default() };
                file.sized(size, request_id).answered(status, text)
            }
            FileObject::Transport { handle, block, last, data } => {
                Self { data_octets: Some(data.len()), ..Self::block(handle, block, last) }
            }
            FileObject::TransportStatus { handle, block, last, status, text } => {
                Self::block(handle, block, last).answered(status, text)
            }
            FileObject::Descriptor { name, file_type, size, created_ms, permissions, request_id } => {
                let file = Self::default().named(name).created(created_ms, permissions);
                file.sized(size, request_id).typed(file_type)
            }
            FileObject::Specification { name } => Self::default().named(name),
        }
    }
}

impl<'a> File<'a> {
    fn block(handle: u32, block: u32, last: bool) -> Self {
        Self { handle: Some(handle), block: Some(block), last: Some(last), ..Self::default() }
    }

    fn named(self, name: &'a [u8]) -> Self {
        Self { name: text(name), ..self }
    }

    fn created(self, ms: u64, permissions: Permissions) -> Self {
        Self { created: Some(DeviceTime { ms }), permissions: permissions.names().collect(), ..self }
    }

    fn sized(self, size: u32, request_id: u16) -> Self {
        Self { size: Some(size), request_id: Some(request_id), ..self }
    }

    fn opened(self, mode: FileMode) -> Self {
        Self { mode: Some(mode.0), mode_name: mode.name(), ..self }
    }

    fn typed(self, file_type: FileType) -> Self {
        Self { file_type: Some(file_type.0), file_type_name: file_type.name(), ..self }
    }

    fn answered(self, status: FileStatus, words: &'a [u8]) -> Self {
        Self { status: Some(status.0), status_name: status.name(), text: text(words), ..self }
    }
}
