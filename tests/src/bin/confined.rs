//! Enters the daemon's sandbox and tries one thing in it.
//!
//! Usage: `confined MODE INTERFACE FOLDER PORT ATTEMPT`. It captures from INTERFACE, and is granted to write in FOLDER/written, to
//! read in FOLDER/read, and to connect to PORT. Prints `done`, or the number of the error that it got.
#![expect(unsafe_code, reason = "most of what is tried has no safe wrapper")]

use std::ffi::{c_long, c_void};
use std::io::{Error, Result, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::ptr::{null, null_mut};
use std::{env, fs, thread};

use clap::ValueEnum as _;
use tagout::capture::interfaces::{all, find};
use tagout::capture::live::Live;
use tagout::config::{Capture, Source};
use tagout::sandbox::{Grants, Mode, enter};

/// What there is to try things with.
struct Place {
    /// The descriptor that captures.
    capture: RawFd,
    interface: u32,
    /// Opened before, and not written to yet.
    file: fs::File,
    folder: PathBuf,
    port: u16,
}

/// A frame that nobody could take for another's.
const FRAME: [u8; 60] = [0x5a; 60];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [mode, interface, folder, port, attempt] = arguments.as_slice() else { return ExitCode::from(2) };
    let live = capture(interface);
    let [descriptor] = live.descriptors()[..] else { return ExitCode::from(2) };
    let folder = PathBuf::from(folder);
    let port = port.parse().expect("a port");
    let place = Place {
        capture: descriptor.as_raw_fd(),
        interface: rustix::net::netdevice::name_to_index(descriptor, interface).expect("it is there"),
        file: fs::File::create(folder.join("open")).expect("a file"),
        folder,
        port,
    };
    confine(mode, descriptor, &place);
    match try_it(attempt, &place) {
        Ok(()) => println!("done"),
        Err(error) => println!("{}", error.raw_os_error().unwrap_or(-1)),
    }
    ExitCode::SUCCESS
}

fn capture(interface: &str) -> Live {
    let interface = find(interface, &all()).expect("it is there");
    let options = Capture { source: Source::AfPacket, buffer_mib: 1, ..Capture::default() };
    Live::open(&[interface], &[], &options, None).unwrap_or_else(|error| panic!("{error:?}"))
}

fn confine(mode: &str, capture: BorrowedFd<'_>, place: &Place) {
    let mode = Mode::from_str(mode, true).expect("a mode");
    let mut grants = Grants::default();
    grants.read(place.folder.join("read"));
    grants.write(&place.folder.join("written")).expect("it can be made");
    grants.connect_tcp(place.port);
    enter(mode, &grants, &[capture]).unwrap_or_else(|error| panic!("{error:?}"));
}

/// What is tried.
fn try_it(attempt: &str, place: &Place) -> Result<()> {
    let (granted, capture) = (place.folder.join("written"), place.capture as usize);
    match attempt {
        // What it needs.
        "read-granted" => fs::read(place.folder.join("read/policy.toml")).map(drop),
        "write-granted" => written(&granted),
        "append-open" => (&place.file).write_all(b"alert"),
        "connect-granted" => TcpStream::connect(("127.0.0.1", place.port)).map(drop),
        "start-thread" => {
            thread::Builder::new().name("courier".to_owned()).spawn(|| ())?.join().map_err(|_| Error::other(""))
        }
        "attach-anew" => attach(place),
        // Transmitting.
        "write" => call(libc::SYS_write, [capture, at(&FRAME), FRAME.len(), 0, 0, 0]),
        "writev" => call(libc::SYS_writev, [capture, at(&part()), 1, 0, 0, 0]),
        "pwritev2" => call(libc::SYS_pwritev2, [capture, at(&part()), 1, usize::MAX, usize::MAX, 0]),
        "send" => call(libc::SYS_sendto, [capture, at(&FRAME), FRAME.len(), 0, 0, 0]),
        "sendto" => send_to(place),
        "sendmsg" => call(libc::SYS_sendmsg, [capture, at(&message(&part())), 0, 0, 0, 0]),
        "sendmmsg" => {
            let messages = libc::mmsghdr { msg_hdr: message(&part()), msg_len: 0 };
            call(libc::SYS_sendmmsg, [capture, at(&messages), 1, 0, 0, 0])
        }
        "sendfile" => {
            let from = frame_file(&place.folder)?;
            call(libc::SYS_sendfile, [capture, from.as_raw_fd() as usize, 0, FRAME.len(), 0, 0])
        }
        "splice" => splice(capture),
        "send-ring" => option(capture, libc::SOL_PACKET, libc::PACKET_TX_RING, &[0_u32; 4]),
        "copy-then-write" => {
            let copy = number(libc::SYS_fcntl, [capture, libc::F_DUPFD_CLOEXEC as usize, 0, 0, 0, 0])?;
            call(libc::SYS_write, [copy, at(&FRAME), FRAME.len(), 0, 0, 0])
        }
        "dup" => call(libc::SYS_dup, [capture, 0, 0, 0, 0, 0]),
        "dup3" => call(libc::SYS_dup3, [capture, 100, 0, 0, 0, 0]),
        "pass-descriptor" => socket_pair(),
        "packet-socket" => socket(libc::AF_PACKET, libc::SOCK_RAW, 0),
        "cooked-socket" => socket(libc::AF_PACKET, libc::SOCK_DGRAM, 0),
        "raw-ip-socket" => socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_RAW),
        "xdp-socket" => socket(libc::AF_XDP, libc::SOCK_RAW, 0),
        "choose-interface" => {
            let socket = number(libc::SYS_socket, [libc::AF_INET as usize, libc::SOCK_STREAM as usize, 0, 0, 0, 0])?;
            option(socket, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, b"lo")
        }
        "uring" => call(libc::SYS_io_uring_setup, [1, 0, 0, 0, 0, 0]),
        "transmit-from-thread" => on_thread(capture),
        // Other hosts and processes.
        "connect-elsewhere" => TcpStream::connect(("127.0.0.1", place.port - 1)).map(drop),
        "listen" => TcpListener::bind("127.0.0.1:0").map(drop),
        "datagram" => UdpSocket::bind("127.0.0.1:0").map(drop),
        "unix-socket" => socket(libc::AF_UNIX, libc::SOCK_STREAM, 0),
        "kill" => {
            call(libc::SYS_kill, [rustix::process::getppid().map_or(1, |pid| pid.as_raw_pid() as usize), 0, 0, 0, 0, 0])
        }
        "execute" => Command::new("/bin/true").status().map(drop),
        "execute-in-place" => call(libc::SYS_execve, [at(c"/nowhere"), 0, 0, 0, 0, 0]),
        "fork" => fork(),
        "ptrace" => call(libc::SYS_ptrace, [libc::PTRACE_TRACEME as usize, 0, 0, 0, 0, 0]),
        "read-memory" => call(libc::SYS_process_vm_readv, [std::process::id() as usize, 0, 0, 0, 0, 0]),
        "take-descriptor" => call(libc::SYS_pidfd_getfd, [usize::MAX, 0, 0, 0, 0, 0]),
        // Files.
        "read-shadow" => fs::read("/etc/shadow").map(drop),
        "read-own-folder" => fs::read(place.folder.join("open")).map(drop),
        "write-elsewhere" => fs::write(place.folder.join("other"), "x"),
        "write-where-it-reads" => fs::write(place.folder.join("read/policy.toml"), "x"),
        "move-out" => written(&granted).and_then(|()| fs::rename(granted.join("alerts"), place.folder.join("moved"))),
        "link-in" => std::os::unix::fs::symlink("/etc/shadow", granted.join("link")),
        "list-root" => fs::read_dir("/").map(drop),
        // The system.
        "mount" => call(libc::SYS_mount, [0; 6]),
        "bpf" => call(libc::SYS_bpf, [usize::MAX, 0, 0, 0, 0, 0]),
        "perf" => call(libc::SYS_perf_event_open, [0; 6]),
        "unshare" => call(libc::SYS_unshare, [libc::CLONE_NEWNET as usize, 0, 0, 0, 0, 0]),
        "change-root" => call(libc::SYS_chroot, [at(c"/"), 0, 0, 0, 0, 0]),
        "load-module" => call(libc::SYS_init_module, [0; 6]),
        "set-user" => call(libc::SYS_setuid, [0; 6]),
        "set-host-name" => call(libc::SYS_sethostname, [0; 6]),
        "raise-limit" => {
            let limit = libc::rlimit { rlim_cur: 64, rlim_max: 64 };
            call(libc::SYS_prlimit64, [0, libc::RLIMIT_NOFILE as usize, at(&limit), 0, 0, 0])
        }
        "execute-memory" => memory(libc::PROT_READ | libc::PROT_EXEC),
        "user-faults" => call(libc::SYS_userfaultfd, [0; 6]),
        _ => panic!("{attempt}: nothing is known of it"),
    }
}

/// What a system call returns.
fn number(call: c_long, arguments: [usize; 6]) -> Result<usize> {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: what is called with what is above: the pointers are to what lives until it returns, or null, or refused.
    let result = unsafe { libc::syscall(call, a, b, c, d, e, f) };
    usize::try_from(result).map_err(|_| Error::last_os_error())
}

fn call(call: c_long, arguments: [usize; 6]) -> Result<()> {
    number(call, arguments).map(drop)
}

fn at<T: ?Sized>(value: &T) -> usize {
    (&raw const *value).cast::<c_void>() as usize
}

fn part() -> libc::iovec {
    libc::iovec { iov_base: FRAME.as_ptr().cast_mut().cast(), iov_len: FRAME.len() }
}

fn message(part: &libc::iovec) -> libc::msghdr {
    libc::msghdr {
        msg_name: null_mut(),
        msg_namelen: 0,
        msg_iov: (&raw const *part).cast_mut(),
        msg_iovlen: 1,
        msg_control: null_mut(),
        msg_controllen: 0,
        msg_flags: 0,
    }
}

fn link_address(place: &Place) -> libc::sockaddr_ll {
    libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: (libc::ETH_P_ALL as u16).to_be(),
        sll_ifindex: place.interface.cast_signed(),
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: [0xff; 8],
    }
}

fn send_to(place: &Place) -> Result<()> {
    let (address, capture) = (link_address(place), place.capture as usize);
    call(libc::SYS_sendto, [capture, at(&FRAME), FRAME.len(), 0, at(&address), size_of_val(&address)])
}

fn attach(place: &Place) -> Result<()> {
    let address = link_address(place);
    call(libc::SYS_bind, [place.capture as usize, at(&address), size_of_val(&address), 0, 0, 0])
}

fn socket(family: i32, kind: i32, protocol: i32) -> Result<()> {
    call(libc::SYS_socket, [family as usize, kind as usize, protocol as usize, 0, 0, 0])
}

fn socket_pair() -> Result<()> {
    let pair = [0_i32; 2];
    call(libc::SYS_socketpair, [libc::AF_UNIX as usize, libc::SOCK_STREAM as usize, 0, at(&pair), 0, 0])
}

fn option<T: ?Sized>(socket: usize, level: i32, option: i32, value: &T) -> Result<()> {
    call(libc::SYS_setsockopt, [socket, level as usize, option as usize, at(value), size_of_val(value), 0])
}

fn frame_file(folder: &Path) -> Result<fs::File> {
    // Where the sandbox lets it be written and read.
    let path = folder.join("written/frame");
    fs::write(&path, FRAME)?;
    fs::File::open(path)
}

fn splice(capture: usize) -> Result<()> {
    let (reader, mut writer) = std::io::pipe()?;
    writer.write_all(&FRAME)?;
    call(libc::SYS_splice, [reader.as_raw_fd() as usize, 0, capture, 0, FRAME.len(), 0])
}

fn on_thread(capture: usize) -> Result<()> {
    let send = move || call(libc::SYS_write, [capture, at(&FRAME), FRAME.len(), 0, 0, 0]);
    thread::spawn(send).join().map_err(|_| Error::other("panicked"))?
}

fn fork() -> Result<()> {
    if number(libc::SYS_clone, [libc::SIGCHLD as usize, 0, 0, 0, 0, 0])? == 0 {
        // SAFETY: the child ends at once; nobody uses its copy of memory.
        unsafe { libc::_exit(0) };
    }
    Ok(())
}

fn memory(protection: i32) -> Result<()> {
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let nowhere = null::<c_void>() as usize;
    call(libc::SYS_mmap, [nowhere, 4096, protection as usize, kind as usize, usize::MAX, 0])
}

/// Makes a file, under the name of another that it replaces, as stores do.
fn written(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder.join("2026-11-29"))?;
    let unfinished = folder.join("2026-11-29/alerts.part");
    fs::write(&unfinished, "alert")?;
    fs::File::options().write(true).open(&unfinished)?.set_len(3)?;
    fs::rename(&unfinished, folder.join("alerts"))?;
    fs::copy(folder.join("alerts"), folder.join("copy"))?;
    fs::remove_file(folder.join("copy"))?;
    fs::remove_dir(folder.join("2026-11-29"))
}
