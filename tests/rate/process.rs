use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, Signal, kill_process};

/// How long a process may take to end.
const PATIENCE: Duration = Duration::from_secs(20);
/// Where in `/proc/PID/stat`, behind the name, the times in user and in kernel mode are: proc_pid_stat(5).
const USER_TIME: usize = 11;

/// What a process has taken so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    /// Memory of its own, without what it shares with the kernel: a buffer of packets counts as resident, too.
    pub(crate) memory_kib: u64,
    pub(crate) descriptors: usize,
}

impl Usage {
    pub(crate) fn of(child: &Child) -> io::Result<Self> {
        let place = format!("/proc/{}", child.id());
        let stat = fs::read_to_string(format!("{place}/stat"))?;
        let status = fs::read_to_string(format!("{place}/status"))?;
        let behind_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks: u64 =
            behind_name.split_whitespace().skip(USER_TIME).take(2).filter_map(|time| time.parse::<u64>().ok()).sum();
        let kib = |name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
        };
        Ok(Self {
            cpu: Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64),
            memory_kib: kib("RssAnon:"),
            descriptors: fs::read_dir(format!("{place}/fd"))?.count(),
        })
    }
}

/// Asks a process to end, and waits for it.
pub(crate) fn end(child: &mut Child, signal: Signal) -> io::Result<ExitStatus> {
    kill_process(Pid::from_child(child), signal)?;
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill()?;
    child.wait()
}
