//! The kernel's format for the files that it starts with: cpio, "newc", as "initramfs buffer format" of its documentation tells.

const FOLDER: u32 = 0o040_755;
const FILE: u32 = 0o100_000;
/// How the archive ends.
const END: &str = "TRAILER!!!";

/// Files in the making.
pub(super) struct Initramfs {
    bytes: Vec<u8>,
    entries: u32,
}

impl Initramfs {
    /// With these folders, and no files yet.
    pub(super) fn new(folders: &[&str]) -> Self {
        let mut archive = Self { bytes: Vec::new(), entries: 0 };
        folders.iter().for_each(|name| archive.add_entry(name, FOLDER, &[]));
        archive
    }

    /// Adds a file with these permissions.
    pub(super) fn add(&mut self, name: &str, permissions: u32, content: &[u8]) {
        self.add_entry(name, FILE | permissions, content);
    }

    /// The whole archive.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.add_entry(END, 0, &[]);
        self.bytes
    }

    fn add_entry(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.entries += 1;
        let (len, name_len) = (content.len() as u32, name.len() as u32 + 1);
        // Inode, mode, owner, group, links, time, size, four numbers of devices, length of the name, checksum.
        let fields = [self.entries, mode, 0, 0, 1, 0, len, 0, 0, 0, 0, name_len, 0];
        self.bytes.extend(b"070701");
        fields.iter().for_each(|field| self.bytes.extend(format!("{field:08x}").bytes()));
        self.bytes.extend(name.bytes().chain([0]));
        self.pad();
        self.bytes.extend(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}
