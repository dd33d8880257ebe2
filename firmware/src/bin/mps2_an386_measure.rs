//! What the sensor costs on ARM's MPS2 board with the AN386 design: judges the capture in memory by the policy image in
//! memory as the gateway does, and writes to the semihosting console, in decimal digits, the ticks of the board's 25 MHz
//! counter for each frame from its bytes to its verdict, a line each, and last the bytes of stack that it took.
//!
//! Under QEMU's `-icount shift=10,sleep=off` an instruction takes 25.6 ticks, and a run repeats another bit by bit.
//! Load policy and capture with `-device loader,file=…,addr=…,force-raw=on` at the addresses in `an386`.
#![no_std]
#![no_main]

mod an386;

use core::hint::black_box;
use core::iter;
use core::ptr::with_exposed_provenance;

use an386::{CAPTURE, POLICY, memory};
use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hio};
use tagout_core::{Config, Sensor};
use tagout_firmware::{AlertLines, Capture, Tables, policy_at};

/// COUNTER of the FPGA's system control registers (Application Note 386, table 4-2): counts at 25 MHz.
const COUNTER: usize = 0x4002_8018;
/// How far below its top the stack is painted, which is more than it may take.
const PAINTED: usize = 64 * 1024;
/// What unused stack holds.
const PAINT: u32 = 0x5AFE_57AC;

#[entry]
fn main() -> ! {
    static mut TABLES: Tables = Tables::new();
    static mut SENSOR: Option<Sensor<'static>> = None;
    let watched = begin(TABLES, SENSOR).and_then(|sensor| {
        paint_stack();
        watch(sensor)
    });
    let status = if watched.is_some() && write_number(stack_used()).is_some() {
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

/// The addresses of the words of stack that are painted, from the lowest up.
fn stack_words(top: usize) -> impl Iterator<Item = *mut u32> {
    let bottom = stack_start().wrapping_sub(PAINTED);
    iter::successors(Some(bottom), |word| Some(word.wrapping_add(4)))
        .take_while(move |word| *word < top)
        .map(core::ptr::with_exposed_provenance_mut)
}

/// Where the stack begins, from where it grows down.
fn stack_start() -> usize {
    #[allow(unsafe_code, reason = "a symbol of cortex-m-rt's linker script")]
    unsafe extern "C" {
        static _stack_start: u32;
    }
    (&raw const _stack_start).expose_provenance()
}

/// Paints the stack below what is in use.
#[inline(never)]
fn paint_stack() {
    let here = 0_u32;
    // The frame of this function lies within 256 bytes of its variable.
    let top = (&raw const here).expose_provenance().wrapping_sub(256);
    for word in stack_words(top) {
        // SAFETY: between the statics, which end megabytes below, and the stack in use.
        #[allow(unsafe_code, reason = "no safe name for unused stack")]
        unsafe {
            word.write_volatile(PAINT);
        }
    }
}

/// Bytes of stack that were used at most since it was painted.
fn stack_used() -> u32 {
    // SAFETY: RAM of the board, read as words.
    #[allow(unsafe_code, reason = "no safe name for unused stack")]
    let untouched = stack_words(stack_start()).take_while(|word| unsafe { word.read_volatile() } == PAINT).count();
    PAINTED.wrapping_sub(untouched.wrapping_mul(4)) as u32
}
