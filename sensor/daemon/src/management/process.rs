use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{Dir, Mode, OFlags, open};
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

/// What the system tells of this process. What is read of it is opened before the sandbox, which lets nothing be opened later.
pub(super) struct Process {
    memory: Option<File>,
    times: Option<File>,
    descriptors: Option<Mutex<Dir>>,
    page_bytes: u64,
    ticks_per_s: f64,
    started_s: f64,
}

/// How much of the machine the process uses.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct ProcessMeasured {
    pub(super) resident_bytes: Option<u64>,
    pub(super) cpu_s: f64,
    pub(super) open_fds: Option<u64>,
    pub(super) most_fds: Option<u64>,
    pub(super) started_s: f64,
}

impl Process {
    pub(super) fn open() -> Self {
        let folder = open("/proc/self/fd", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        Self {
            memory: File::open("/proc/self/statm").ok(),
            times: File::open("/proc/self/stat").ok(),
            descriptors: folder.ok().and_then(|folder| Dir::new(folder).ok()).map(Mutex::new),
            page_bytes: page_size() as u64,
            ticks_per_s: clock_ticks_per_second() as f64,
            started_s: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
        }
    }

    pub(super) fn measure(&self) -> ProcessMeasured {
        ProcessMeasured {
            resident_bytes: self.memory.as_ref().and_then(resident_pages).map(|pages| pages * self.page_bytes),
            cpu_s: self.times.as_ref().and_then(cpu_ticks).unwrap_or_default() as f64 / self.ticks_per_s,
            open_fds: self.descriptors.as_ref().and_then(count),
            most_fds: getrlimit(Resource::Nofile).current,
            started_s: self.started_s,
        }
    }
}

/// The second field of statm, in pages: proc_pid_statm(5).
fn resident_pages(memory: &File) -> Option<u64> {
    read(memory)?.split(' ').nth(1)?.parse().ok()
}

/// Fields 14 and 15 of stat, in ticks: proc_pid_stat(5). The name before them may hold anything but a last bracket.
fn cpu_ticks(times: &File) -> Option<u64> {
    let text = read(times)?;
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Entries of the folder, without those for itself and the one above.
fn count(descriptors: &Mutex<Dir>) -> Option<u64> {
    let mut folder = descriptors.lock().unwrap_or_else(PoisonError::into_inner);
    folder.rewind();
    Some((&mut *folder).filter(Result::is_ok).count().saturating_sub(2) as u64)
}

fn read(file: &File) -> Option<String> {
    let mut text = [0; 1_024];
    let len = file.read_at(&mut text, 0).ok()?;
    Some(String::from_utf8_lossy(&text[..len]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_measured() {
        let process = Process::open();
        let before = process.measure();
        let file = File::open("/proc/self/stat").unwrap();
        let after = process.measure();
        assert!(before.resident_bytes > Some(100_000), "{before:?}");
        // Other tests open and close files meanwhile.
        assert!(after.open_fds >= Some(4) && after.open_fds <= after.most_fds, "{after:?}");
        assert!(after.cpu_s >= before.cpu_s && after.started_s > 1e9);
        drop(file);
    }
}
