//! An emulated machine: its process, and the cables from its Ethernet controllers to this one.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// A process that ends with the value, or after so many seconds.
pub(crate) struct Process(Child);

impl Process {
    /// Starts a program.
    pub(crate) fn start(program: &str, limit_s: u32, arguments: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new("timeout");
        command.args([&limit_s.to_string(), program]);
        arguments(&mut command);
        Self(command.stdin(Stdio::null()).spawn().expect("the program can be run"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // `timeout` hands this on; were it killed, the program would go on without it.
        let _ = Pid::from_raw(self.0.id().cast_signed()).map(|pid| kill_process(pid, Signal::TERM));
        let _ = self.0.wait();
    }
}

/// A process of QEMU.
pub(crate) struct Emulator {
    _process: Process,
}

impl Emulator {
    /// Starts QEMU without a screen.
    pub(crate) fn start(program: &str, limit_s: u32, arguments: impl FnOnce(&mut Command)) -> Self {
        let process = Process::start(program, limit_s, |command| {
            command.args(["-display", "none", "-monitor", "none"]);
            arguments(command);
        });
        Self { _process: process }
    }
}

/// This process's end of a cable, over which Ethernet frames go as datagrams.
pub(crate) struct Cable {
    socket: UnixDatagram,
    here: PathBuf,
    there: PathBuf,
}

impl Cable {
    /// A cable with its ends in `folder`.
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        let [here, there] = ["host", "qemu"].map(|end| folder.join(format!("{name}-{end}")));
        let socket = UnixDatagram::bind(&here).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_millis(1))).expect("a time to wait");
        Self { socket, here, there }
    }

    /// What QEMU is told of it; `id` is what it calls the cable.
    pub(crate) fn netdev(&self, id: &str) -> String {
        let Self { here, there, .. } = self;
        let ends = [("local", there), ("remote", here)];
        ends.iter().fold(format!("dgram,id={id}"), |text, (end, path)| {
            format!("{text},{end}.type=unix,{end}.path={}", path.display())
        })
    }

    /// Whether there is a machine at the other end.
    pub(crate) fn is_plugged_in(&self) -> bool {
        self.there.exists()
    }

    /// A frame from the other end; waits a millisecond for one.
    pub(crate) fn take(&self) -> Option<Vec<u8>> {
        let mut buffer = [0; 2_048];
        let len = self.socket.recv(&mut buffer).ok()?;
        Some(buffer[..len].to_vec())
    }

    /// Puts a frame on the cable.
    pub(crate) fn put(&self, frame: &[u8]) {
        // Before the machine is there nobody takes it.
        let _ = self.socket.send_to(frame, &self.there);
    }
}
