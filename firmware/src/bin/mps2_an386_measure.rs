//! What the sensor costs on ARM's MPS2 board with the AN386 design: judges the capture in memory by the policy image in
//! memory as the gateway does, and writes to the semihosting console, in decimal digits, the ticks of the board's 25 MHz
//! counter for each frame from its bytes to its verdict, a line each, and last the bytes of stack that it took.
//!
//! Under QEMU's `-icount shift=10,sleep=off` an instruction takes 25.6 ticks, and a run repeats another bit by bit.
//! Load policy and capture with `-device loader,file=…,addr=…,force-raw=on` at the addresses in `an386`.
#![no_std]
#![no_main]

mod an386;
mod stack;
mod vectors;

use core::hint::black_box;
use core::ptr::with_exposed_provenance;

use an386::{CAPTURE, POLICY, memory};
use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hio};
use tagout_core::{Config, Sensor};
use tagout_firmware::{AlertLines, Capture, Tables, policy_at};

/// COUNTER of the FPGA's system control registers (Application Note 386, table 4-2): counts at 25 MHz.
const COUNTER: usize = 0x4002_8018;

#[entry]
fn main() -> ! {
    static mut TABLES: Tables = Tables::new();
    static mut SENSOR: Option<Sensor<'static>> = None;
    let watched = begin(TABLES, SENSOR).and_then(|sensor| {
        stack::paint();
        watch(sensor)
    });
    let status = if watched.is_some() && write_number(stack::used()).is_some() {
        debug::EXIT_SUCCESS
    } else {
        debug::EXIT_FAILURE
    };
    loop {
        debug::exit(status);
    }
}

/// Makes the sensor in its static, as a gateway does: what it takes of the stack is what frames take. `None` when the policy
/// is none.
#[inline(never)]
fn begin<'m>(tables: &'static mut Tables, sensor: &'m mut Option<Sensor<'static>>) -> Option<&'m mut Sensor<'static>> {
    let policy = policy_at(memory(POLICY))?;
    Some(sensor.insert(Sensor::new(Config::default(), policy, tables.lend())))
}

/// Judges the whole capture, and writes what each frame costs; `None` when there is no capture or the console is gone.
#[inline(never)]
fn watch(sensor: &mut Sensor<'static>) -> Option<()> {
    let mut alerts = AlertLines::new(sensor.policy(), |line: &str| _ = black_box(line));
    for frame in Capture::new(memory(CAPTURE))? {
        let before = ticks();
        sensor.frame(&frame, &mut alerts);
        write_number(ticks().wrapping_sub(before))?;
    }
    sensor.finish(&mut alerts);
    Some(())
}

/// Writes a line with a number.
fn write_number(mut number: u32) -> Option<()> {
    let mut line = *b"0000000000\n";
    for digit in line.iter_mut().rev().skip(1) {
        *digit = b'0'.wrapping_add((number % 10) as u8);
        number /= 10;
    }
    hio::hstdout().ok()?.write_all(&line).ok()
}

fn ticks() -> u32 {
    let counter: *const u32 = with_exposed_provenance(COUNTER);
    // SAFETY: a register of AN386 that reading does not change.
    #[allow(unsafe_code, reason = "no safe name for a register")]
    unsafe {
        counter.read_volatile()
    }
}
