//! The gateway on ARM's MPS2 board with the AN386 design: judges the capture in memory by the policy image in memory,
//! and writes the id of every alert to the semihosting console.
//!
//! Load both with QEMU's `-device loader,file=…,addr=…,force-raw=on` at the addresses below.
#![no_std]
#![no_main]

use core::panic::PanicInfo;
use core::slice;

use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hio};
use tagout_core::{Config, Sensor};
use tagout_firmware::{AlertQueue, Capture, Tables, policy_at};

/// The upper half of the code memory.
const POLICY: (usize, usize) = (0x0020_0000, 0x0020_0000);
/// The PSRAM.
const CAPTURE: (usize, usize) = (0x2100_0000, 0x0100_0000);

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

/// A part of the board's memory that the image does not use itself.
fn memory((address, len): (usize, usize)) -> &'static [u8] {
    let start = core::ptr::with_exposed_provenance(address);
    // SAFETY: AN386 has memory there, memory.x keeps the image and its statics out of it, and nothing writes to it
    // while the image runs. Any byte is a valid u8.
    #[allow(unsafe_code, reason = "no safe name for a fixed place in memory")]
    unsafe {
        slice::from_raw_parts(start, len)
    }
}

/// Core and engine cannot panic, and this is where the build shows it: the function that the handler calls is defined
/// nowhere. As long as nothing that is reachable from `main` can panic, the linker drops the handler and never asks for
/// it; the first panic path that survives optimisation makes it an undefined symbol, and there is no image.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    #[allow(unsafe_code, reason = "declares a function that must not exist")]
    unsafe extern "C" {
        fn something_in_this_image_can_panic() -> !;
    }
    // SAFETY: never linked, hence never called.
    #[allow(unsafe_code, reason = "calls a function that must not exist")]
    unsafe {
        something_in_this_image_can_panic()
    }
}
