//! The memory that the kernel puts captured packets into: packet(7), and "Packet MMAP" of the kernel's documentation.
//!
//! What is unsafe about packet sockets is here; what the memory holds is parsed elsewhere.
#![expect(unsafe_code, reason = "packet sockets and memory shared with the kernel have no safe interface")]

use std::ffi::c_int;
use std::io;
use std::mem::{offset_of, zeroed};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU32, Ordering};

use libc::{
    PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC, PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION, SO_ATTACH_FILTER,
    SOL_PACKET, SOL_SOCKET, TP_STATUS_KERNEL, TP_STATUS_USER, packet_mreq, sock_filter, sock_fprog, sockaddr_ll,
    socklen_t, tpacket_block_desc, tpacket_hdr_v1, tpacket_req3, tpacket_stats_v3, tpacket_versions,
};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Bytes of a block: enough for the largest packet that receive offload makes, and as large as libpcap's.
const BLOCK: usize = 128 * 1024;
/// Where a block tells whose it is.
const STATUS: usize = offset_of!(tpacket_block_desc, hdr) + offset_of!(tpacket_hdr_v1, block_status);

/// A packet socket with its ring of blocks, which the kernel fills one after the other.
pub(super) struct Ring {
    socket: OwnedFd,
    memory: NonNull<u8>,
    blocks: usize,
    /// The block whose turn it is.
    turn: usize,
}

impl Ring {
    /// Gives a packet socket a ring of `bytes`, of which the kernel hands a block over at the latest after `timeout_ms`.
    pub(super) fn new(socket: OwnedFd, bytes: usize, timeout_ms: u32) -> io::Result<Self> {
        set(&socket, PACKET_VERSION, &(tpacket_versions::TPACKET_V3 as c_int))?;
        let blocks = (bytes / BLOCK).max(2);
        let count = |value: usize| value.try_into().map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory));
        let request = tpacket_req3 {
            tp_block_size: count(BLOCK)?,
            tp_block_nr: count(blocks)?,
            tp_frame_size: count(BLOCK)?,
            tp_frame_nr: count(blocks)?,
            tp_retire_blk_tov: timeout_ms,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        set(&socket, PACKET_RX_RING, &request)?;
        // SAFETY: the kernel chooses a place where nothing is mapped; only `self` knows it, and unmaps it.
        let memory = unsafe {
            mmap(null_mut(), blocks * BLOCK, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, &socket, 0)?
        };
        let memory = NonNull::new(memory.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { socket, memory, blocks, turn: 0 })
    }

    /// The block whose turn it is, once the kernel has handed it over.
    pub(super) fn block(&self) -> Option<&[u8]> {
        if self.status().load(Ordering::Acquire) & TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: the block lies within the mapping, and the kernel, which has handed it over, writes nothing into it until
        // `release` gives it back. That takes `&mut self`, which nobody can have who still has the slice.
        Some(unsafe { std::slice::from_raw_parts(self.at(0).as_ptr(), BLOCK) })
    }

    /// Gives the block whose turn it is back to the kernel.
    pub(super) fn release(&mut self) {
        self.status().store(TP_STATUS_KERNEL, Ordering::Release);
        self.turn = (self.turn + 1) % self.blocks;
    }

    /// Packets that found no room since the question before.
    pub(super) fn drops(&self) -> io::Result<u32> {
        // SAFETY: the struct is three integers.
        let mut statistics: tpacket_stats_v3 = unsafe { zeroed() };
        let mut len = size_of::<tpacket_stats_v3>() as socklen_t;
        let to = (&raw mut statistics).cast();
        // SAFETY: `to` points to `len` bytes that the kernel may write to.
        let got = unsafe { libc::getsockopt(self.socket.as_raw_fd(), SOL_PACKET, PACKET_STATISTICS, to, &raw mut len) };
        told(got)?;
        Ok(statistics.tp_drops)
    }

    fn status(&self) -> &AtomicU32 {
        // SAFETY: the word lies within the mapping, which lives as long as `self`, and is aligned, since blocks start at pages.
        // This process writes to it in `release` alone, while nobody has a slice of the block.
        unsafe { AtomicU32::from_ptr(self.at(STATUS).cast().as_ptr()) }
    }

    /// A place in the block whose turn it is.
    fn at(&self, offset: usize) -> NonNull<u8> {
        // SAFETY: `turn` is below `blocks`, and `offset` below `BLOCK`, so that this stays within the mapping.
        unsafe { self.memory.add(self.turn * BLOCK + offset) }
    }
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: it is the mapping of `new`, and borrows of it end before `self` does.
        let _ = unsafe { munmap(self.memory.as_ptr().cast(), self.blocks * BLOCK) };
    }
}

/// Has a packet socket take packets of every protocol from an interface; from all of them for 0.
pub(super) fn bind(socket: &impl AsFd, interface: c_int) -> io::Result<()> {
    // SAFETY: the struct is integers and an array of them.
    let mut address: sockaddr_ll = unsafe { zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    address.sll_ifindex = interface;
    let len = size_of::<sockaddr_ll>() as socklen_t;
    // SAFETY: the pointer is to `len` bytes of a link-layer address.
    told(unsafe { libc::bind(socket.as_fd().as_raw_fd(), (&raw const address).cast(), len) })
}

/// Has an interface take packets that are not addressed to this machine, as long as the socket is open.
pub(super) fn make_promiscuous(socket: &impl AsFd, interface: c_int) -> io::Result<()> {
    let request =
        packet_mreq { mr_ifindex: interface, mr_type: PACKET_MR_PROMISC as u16, mr_alen: 0, mr_address: [0; 8] };
    set(socket, PACKET_ADD_MEMBERSHIP, &request)
}

/// Has a packet socket take only packets that a filter in classic BPF lets through.
pub(super) fn set_filter(socket: &impl AsFd, program: &[sock_filter]) -> io::Result<()> {
    let len = program.len().try_into().map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let filter = sock_fprog { len, filter: program.as_ptr().cast_mut() };
    let fd = socket.as_fd().as_raw_fd();
    let size = size_of::<sock_fprog>() as socklen_t;
    // SAFETY: the pointer is to a program of `len` instructions, which the kernel copies.
    told(unsafe { libc::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, (&raw const filter).cast(), size) })
}

/// Sets an option of a packet socket, whose values have no pointers in them.
fn set<T: Copy>(socket: &impl AsFd, option: c_int, value: &T) -> io::Result<()> {
    let len = size_of::<T>() as socklen_t;
    // SAFETY: the pointer is to `len` bytes, which the kernel only reads.
    told(unsafe { libc::setsockopt(socket.as_fd().as_raw_fd(), SOL_PACKET, option, (&raw const *value).cast(), len) })
}

/// What a system call tells.
fn told(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
