//! Network namespaces of a test's own, which end with it.

use std::process::Command;
use std::{fs, io};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A network namespace; it is removed with the value.
pub struct Namespace {
    name: String,
    path: String,
}

impl Namespace {
    /// Adds one. The error is what the system said against it.
    pub fn add(purpose: &str) -> Result<Self, String> {
        let name = format!("tagout-{}-{purpose}", std::process::id());
        let path = format!("/run/netns/{name}");
        ip(&["netns", "add", &name])?;
        Ok(Self { name, path })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What iproute2's `ip` answers inside; the error is what it says against it.
    pub fn ip(&self, arguments: &[&str]) -> Result<String, String> {
        ip(&[&["-netns", &self.name], arguments].concat())
    }

    /// Frames that have come in at an interface inside; the error is what the system says against it.
    pub fn received(&self, interface: &str) -> Result<u64, String> {
        let shown = self.ip(&["-json", "-statistics", "link", "show", "dev", interface])?;
        let links: serde_json::Value = serde_json::from_str(&shown).map_err(|error| format!("ip: {error}"))?;
        links[0]["stats64"]["rx"]["packets"].as_u64().ok_or_else(|| format!("ip tells no statistics of {interface}"))
    }

    /// Runs `work` on a thread of the namespace; sockets, threads and processes that it makes stay there.
    ///
    /// # Panics
    /// When the namespace cannot be entered, and when `work` panics.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                enter(&self.path).expect("the namespace can be entered");
                work()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Keeps the system from sending of its own accord, as IPv6 does on links that come up.
    pub fn silence(&self) -> Result<(), String> {
        let disable = |which| fs::write(format!("/proc/sys/net/ipv6/conf/{which}/disable_ipv6"), "1");
        let disabled = self.inside(|| ["all", "default"].into_iter().try_for_each(disable));
        disabled.map_err(|error| format!("IPv6 cannot be disabled: {error}"))
    }
}

/// What a test built of namespaces; where the system did not let it, says that the test is skipped, and why.
pub fn or_skipped<T>(built: Result<T, String>) -> Option<T> {
    let skip =
        |reason: &String| println!("skipped: no network namespaces here (root or CAP_NET_ADMIN is needed): {reason}");
    built.inspect_err(skip).ok()
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = ip(&["netns", "delete", &self.name]);
    }
}

fn enter(path: &str) -> io::Result<()> {
    let namespace = fs::File::open(path)?;
    Ok(move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), Some(LinkNameSpaceType::Network))?)
}

fn ip(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("ip").args(arguments).output().map_err(|error| format!("ip: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}
