use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::modes;

/// Where a resolver looks things up.
const RESOLVER_FILES: [&str; 8] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/run/systemd/resolve",
    "/run/resolvconf",
];
/// Where a name server is asked for what does not fit a datagram.
const DOMAIN: u16 = 53;

/// What is still needed once everything is open. Descriptors that are open stay so, and need no grant.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Grants {
    pub(super) read: BTreeSet<PathBuf>,
    pub(super) write: BTreeSet<PathBuf>,
    pub(super) tcp: BTreeSet<u16>,
    pub(super) datagrams: bool,
    pub(super) names: bool,
}

impl Grants {
    /// Files are read that are this one or in this folder. A file that is replaced by another needs its folder.
    pub fn read(&mut self, path: impl Into<PathBuf>) {
        self.read.insert(path.into());
    }

    /// Files are made, changed, renamed and removed in this folder, which is made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn write(&mut self, folder: &Path) -> io::Result<()> {
        modes::make_folder(folder)?;
        self.write.insert(folder.to_owned());
        Ok(())
    }

    /// Connections are opened to this TCP port, of whatever host: see the design page on what holds hosts.
    pub fn connect_tcp(&mut self, port: u16) {
        self.tcp.insert(port);
    }

    /// Datagrams are sent (UDP).
    pub fn send_datagrams(&mut self) {
        self.datagrams = true;
    }

    /// Names of hosts are looked up.
    pub fn resolve_names(&mut self) {
        self.names = true;
        self.datagrams = true;
        self.tcp.insert(DOMAIN);
        self.read.extend(RESOLVER_FILES.map(PathBuf::from));
    }
}
