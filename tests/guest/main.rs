//! The first process of an emulated Linux gateway: makes its two interfaces ready, and runs tagout on the second.

mod interface;

use std::error::Error;
use std::ffi::CStr;
use std::fs::{self, File};
use std::io;
use std::net::Ipv4Addr;
use std::process::Command;

use rustix::mount::{MountFlags, mount};
use rustix::system::{RebootCommand, finit_module, reboot, sethostname};

const FILE_SYSTEMS: [(&str, &CStr); 3] = [("proc", c"/proc"), ("sysfs", c"/sys"), ("devtmpfs", c"/dev")];
/// Kernel modules, in order of their names.
const MODULES: &str = "/modules";
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const NET_MASK: Ipv4Addr = Ipv4Addr::new(255, 255, 255, 0);

fn main() {
    let ended = prepare().and_then(|()| watch());
    println!("guest: {ended:?}");
    // A first process that ends stops the kernel in its tracks.
    let _ = reboot(RebootCommand::PowerOff);
}

fn prepare() -> Result<(), Box<dyn Error>> {
    for (kind, place) in FILE_SYSTEMS {
        mount(kind, place, kind, MountFlags::empty(), None)?;
    }
    load_modules()?;
    sethostname(b"gateway-a")?;
    interface::set_address("eth0", ADDRESS, NET_MASK)?;
    interface::bring_up("eth0")?;
    interface::bring_up("eth1")?;
    Ok(())
}

fn load_modules() -> io::Result<()> {
    let mut modules: Vec<_> = fs::read_dir(MODULES)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    modules.sort();
    for module in modules {
        finit_module(File::open(module)?, c"", 0)?;
    }
    Ok(())
}

fn watch() -> Result<(), Box<dyn Error>> {
    let status = Command::new("/tagout").args(["run", "--config", "tagout.toml", "--quiet", "--verbose"]).status()?;
    Err(format!("tagout ended: {status}").into())
}
