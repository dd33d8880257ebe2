//! System calls: seccomp(2).
//!
//! What is not listed here is answered with EPERM. The capture descriptors are known when the filter is made, and every call that
//! could send on them, or make another descriptor of one, looks at its descriptor.

use std::collections::BTreeMap;
use std::ffi::c_long;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::SeccompCmpOp::{self, Eq, MaskedEq, Ne};
use seccompiler::{BackendError, BpfProgram, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule, TargetArch};

use super::Grants;

/// Calls that do no harm whatever they are given: files are Landlock's business.
const HARMLESS: &[c_long] = &[
    // Descriptors and files. What has a position in a file is no socket.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_preadv2,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_getcwd,
    libc::SYS_mkdirat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_unlinkat,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_fadvise64,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_sync_file_range,
    libc::SYS_flock,
    libc::SYS_fchmod,
    libc::SYS_utimensat,
    libc::SYS_pipe2,
    // Memory.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    // This process and its threads. `clone3` is answered below.
    libc::SYS_clone3,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_setaffinity,
    libc::SYS_getcpu,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getrusage,
    libc::SYS_getrandom,
    libc::SYS_sysinfo,
    libc::SYS_uname,
    libc::SYS_tgkill,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_restart_syscall,
    // Time and waiting.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    // Sockets that are there. `bind` attaches a packet socket to an interface that came back; ports for TCP are Landlock's
    // business. Who listens did so before.
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    libc::SYS_shutdown,
];

/// The same calls by their older names, which newer processors do without.
#[cfg(target_arch = "x86_64")]
const OLDER: &[c_long] = &[
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_rename,
    libc::SYS_unlink,
    libc::SYS_pipe,
    libc::SYS_time,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_epoll_wait,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[c_long] = &[];

/// Calls that send on the descriptor that is their first argument (`pwritev2` does without a position). There is no `sendmsg`: it
/// could pass descriptors on, and choose an interface.
const SENDING: [c_long; 4] = [libc::SYS_write, libc::SYS_writev, libc::SYS_pwritev2, libc::SYS_sendto];

/// Requests to devices and sockets that change nothing but the descriptor. Their types differ between C libraries.
const REQUESTS: [u32; 9] = [
    libc::FIONBIO as u32,
    libc::FIONREAD as u32,
    libc::TIOCOUTQ as u32,
    libc::FIOCLEX as u32,
    libc::TCGETS as u32,
    libc::TIOCGWINSZ as u32,
    libc::SIOCGIFFLAGS as u32,
    libc::SIOCGIFINDEX as u32,
    libc::SIOCGIFNAME as u32,
];

const SOCKET_TYPE: u64 = 0xf;

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

/// Lets this thread and those that it starts make no other system calls than those above.
pub(super) fn restrict(grants: &Grants, captures: &[BorrowedFd<'_>]) -> Result<(), String> {
    let [missing, allowed] = programs(grants, captures).map_err(|error| error.to_string())?;
    seccompiler::apply_filter(&missing)
        .and_then(|()| seccompiler::apply_filter(&allowed))
        .map_err(|error| error.to_string())
}

/// The filters. The C library starts threads by `clone3`, whose flags no filter sees, and by `clone` if it is told that there is no
/// such call: of two answers the kernel gives the stricter one.
fn programs(grants: &Grants, captures: &[BorrowedFd<'_>]) -> Result<[BpfProgram; 2], BackendError> {
    let missing = [(libc::SYS_clone3, Vec::new())].into();
    let missing = filter(missing, SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS as u32))?;
    let denied = SeccompAction::Errno(libc::EPERM as u32);
    Ok([missing, filter(rules(grants, captures)?, denied, SeccompAction::Allow)?])
}

fn filter(rules: Rules, otherwise: SeccompAction, matching: SeccompAction) -> Result<BpfProgram, BackendError> {
    let processor = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, otherwise, matching, processor)?.try_into()
}

/// Which calls are allowed: always where no rule is, and otherwise if one of the rules holds.
fn rules(grants: &Grants, captures: &[BorrowedFd<'_>]) -> Result<Rules, BackendError> {
    let mut rules: Rules = HARMLESS.iter().chain(OLDER).map(|call| (*call, Vec::new())).collect();
    let elsewhere = all_of(captures.iter().map(|capture| (0, Ne, capture.as_raw_fd() as u64)))?;
    let sending = SENDING.into_iter().chain(grants.names.then_some(libc::SYS_sendmmsg));
    rules.extend(sending.map(|call| (call, elsewhere.iter().cloned().collect())));
    let copying = [libc::F_DUPFD, libc::F_DUPFD_CLOEXEC].map(|command| (1, Ne, command as u64));
    let without_copying = all_of(copying)?.filter(|_| elsewhere.is_some());
    rules.insert(libc::SYS_fcntl, elsewhere.into_iter().chain(without_copying).collect());
    rules.insert(libc::SYS_socket, sockets(grants)?);
    rules.insert(libc::SYS_setsockopt, options()?);
    rules.insert(libc::SYS_ioctl, any_of(REQUESTS.map(|request| vec![(1, Eq, u64::from(request))]))?);
    let threads = libc::CLONE_THREAD as u64;
    rules.insert(libc::SYS_clone, any_of([vec![(0, MaskedEq(threads), threads)]])?);
    let executable = (2, MaskedEq(libc::PROT_EXEC as u64), 0);
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, any_of([vec![executable.clone()]])?);
    }
    rules.insert(libc::SYS_prctl, any_of([vec![(0, Eq, libc::PR_SET_NAME as u64)]])?);
    // Limits are read and not set.
    rules.insert(libc::SYS_prlimit64, any_of([vec![(2, Eq, 0)]])?);
    Ok(rules)
}

/// Sockets that may be made: for TCP, for datagrams if there are any, and to ask the kernel for its addresses.
fn sockets(grants: &Grants) -> Result<Vec<SeccompRule>, BackendError> {
    let stream = [0, libc::IPPROTO_TCP].map(|protocol| (libc::SOCK_STREAM, protocol));
    let datagrams = [0, libc::IPPROTO_UDP].map(|protocol| (libc::SOCK_DGRAM, protocol));
    let kinds = stream.into_iter().chain(datagrams.into_iter().filter(|_| grants.datagrams));
    let internet = kinds.flat_map(|(kind, protocol)| {
        [libc::AF_INET, libc::AF_INET6].map(|family| {
            vec![(0, Eq, family as u64), (1, MaskedEq(SOCKET_TYPE), kind as u64), (2, Eq, protocol as u64)]
        })
    });
    let addresses = vec![(0, Eq, libc::AF_NETLINK as u64), (2, Eq, libc::NETLINK_ROUTE as u64)];
    any_of(internet.chain([addresses]))
}

/// Options of sockets, without those that choose the interface to send on, and without a ring to send from.
fn options() -> Result<Vec<SeccompRule>, BackendError> {
    let of = |level: i32| (1, Eq, level as u64);
    let but = |option: i32| (2, Ne, option as u64);
    let only = |option: i32| (2, Eq, option as u64);
    any_of([
        vec![of(libc::SOL_SOCKET), but(libc::SO_BINDTODEVICE), but(libc::SO_BINDTOIFINDEX)],
        vec![of(libc::SOL_PACKET), but(libc::PACKET_TX_RING)],
        vec![of(libc::IPPROTO_TCP)],
        vec![of(libc::IPPROTO_IP), only(libc::IP_RECVERR)],
        vec![of(libc::IPPROTO_IPV6), only(libc::IPV6_RECVERR)],
        vec![of(libc::IPPROTO_IPV6), only(libc::IPV6_V6ONLY)],
    ])
}

/// The number of an argument, how it is compared, and with what.
type Condition = (u8, SeccompCmpOp, u64);

fn any_of(rules: impl IntoIterator<Item = Vec<Condition>>) -> Result<Vec<SeccompRule>, BackendError> {
    rules.into_iter().filter_map(|conditions| all_of(conditions).transpose()).collect()
}

/// The rule that holds if every condition does; none if there are no conditions.
fn all_of(conditions: impl IntoIterator<Item = Condition>) -> Result<Option<SeccompRule>, BackendError> {
    let conditions =
        conditions.into_iter().map(|(argument, how, value)| SeccompCondition::new(argument, Dword, how, value));
    let conditions = conditions.collect::<Result<Vec<_>, _>>()?;
    if conditions.is_empty() { Ok(None) } else { SeccompRule::new(conditions).map(Some) }
}
