//! The gateway on ARM's MPS2 board with the AN386 design: judges the capture in memory by the policy image in memory,
//! and writes every alert and what was counted to the semihosting console, a line each.
//!
//! Load both with QEMU's `-device loader,file=…,addr=…,force-raw=on` at the addresses in `an386`.
#![no_std]
#![no_main]

mod an386;
mod vectors;

use an386::{CAPTURE, POLICY, memory};
use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hio};
use tagout_firmware::{Capture, Tables, judge, policy_at};

#[entry]
fn main() -> ! {
    static mut TABLES: Tables = Tables::new();
    let status = if watch(TABLES) { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE };
    loop {
        debug::exit(status);
    }
}

/// Judges the whole capture; false when there is none, the policy is none, or the console is gone.
fn watch(tables: &'static mut Tables) -> bool {
    let (Some(policy), Some(frames)) = (policy_at(memory(POLICY)), Capture::new(memory(CAPTURE))) else {
        return false;
    };
    let Ok(mut console) = hio::hstdout() else { return false };
    let mut is_told = true;
    judge(policy, frames, tables, |line| {
        is_told &= console.write_all(line.as_bytes()).and_then(|()| console.write_all(b"\n")).is_ok();
    });
    is_told
}
