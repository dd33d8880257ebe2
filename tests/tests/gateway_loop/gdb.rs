//! Makes an emulated processor go where it should not, through QEMU's server for debuggers.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use object::{Object, ObjectSymbol};

const SOCKET: &str = "gdb";

/// Lets QEMU listen for a debugger.
pub(crate) fn listen(qemu: &mut Command, folder: &Path) {
    let socket = folder.join(SOCKET);
    qemu.args([
        "-chardev",
        &format!("socket,id=gdb,path={},server=on,wait=off", socket.display()),
        "-gdb",
        "chardev:gdb",
    ]);
}

/// The address of an instruction in `image` that jumps to itself: the handler for exceptions that have none.
pub(crate) fn endless_loop(image: &Path) -> u32 {
    let bytes = fs::read(image).expect("the image can be read");
    let file = object::File::parse(&*bytes).expect("the image is an ELF file");
    let handler = file.symbols().find(|symbol| symbol.name() == Ok("DefaultHandler_")).expect("cortex-m-rt's handler");
    // The lowest bit says that it is Thumb code.
    handler.address() as u32 & !1
}

/// Stops the processor, sets its program counter, and lets it go on.
pub(crate) fn jump(folder: &Path, to: u32) {
    let mut server = UnixStream::connect(folder.join(SOCKET)).expect("QEMU listens");
    server.set_read_timeout(Some(Duration::from_secs(1))).expect("a time to wait");
    // QEMU sets no register of a processor that it was not asked to describe.
    let requests =
        [("qXfer:features:read:target.xml:0,ffb", "$l"), (&format!("Pf={:08x}", to.swap_bytes()), "$OK"), ("D", "$OK")];
    for (request, expected) in requests {
        // While the processor runs the first byte only stops it, and what is behind it is lost.
        assert!((0..30).any(|_| is_done(&mut server, request, expected)), "{request} is not done");
    }
}

/// Sends a request of the remote serial protocol; true once an answer begins as `expected`.
fn is_done(server: &mut UnixStream, request: &str, expected: &str) -> bool {
    let sum = request.bytes().fold(0, u8::wrapping_add);
    write!(server, "${request}#{sum:02x}").expect("QEMU takes it");
    while let Some(answer) = answer(server) {
        if answer.contains(expected) {
            return true;
        }
    }
    false
}

/// What comes up to the end of the next answer, which is a `#` with two digits behind it.
fn answer(server: &mut UnixStream) -> Option<String> {
    let mut answer = Vec::new();
    let mut byte = [0];
    while answer.iter().rev().nth(2) != Some(&b'#') {
        server.read_exact(&mut byte).ok()?;
        answer.push(byte[0]);
    }
    server.write_all(b"+").expect("QEMU takes it");
    answer.truncate(answer.len() - 3);
    String::from_utf8(answer).ok()
}
