//! The gateway on ARM's MPS2 board with the AN386 design: judges the capture in memory by the policy image in memory,
//! and writes the id of every alert to the semihosting console.
//!
//! Load both with QEMU's `-device loader,file=…,addr=…,force-raw=on` at the addresses in `an386`.
#![no_std]
#![no_main]

mod an386;

use an386::{CAPTURE, POLICY, memory};
use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hio};
use tagout_core::{Config, Sensor};
use tagout_firmware::{AlertQueue, Capture, Tables, policy_at};

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
    let mut sensor = Sensor::new(Config::default(), policy, tables.lend());
    let mut alerts = AlertQueue::default();
    for frame in frames {
        sensor.frame(&frame, &mut alerts);
        if !publish(&mut alerts) {
            return false;
        }
    }
    sensor.finish(&mut alerts);
    publish(&mut alerts) && alerts.dropped() == 0
}

/// Writes the ids of the alerts that wait, a line each.
fn publish(alerts: &mut AlertQueue) -> bool {
    let Ok(mut console) = hio::hstdout() else { return false };
    while let Some(notice) = alerts.pop() {
        if console.write_all(&notice.id_digits()).and_then(|()| console.write_all(b"\n")).is_err() {
            return false;
        }
    }
    true
}
