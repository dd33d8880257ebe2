//! What a firmware image takes of flash and RAM, a line a section, and what the sensor takes of the stack where an emulator
//! can tell; fails when it takes more than its budget.
//!
//! Usage: `sizes IMAGE`

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use object::{Object, ObjectSection, SectionFlags, SectionKind, elf};
use tagout_tests::board;
use tagout_tests::traffic::TRAFFIC;

/// Of a gateway's whole image, for a policy of 200 points, 100 permits and 100 rules, 64 flows and 32 devices.
const FLASH_BUDGET: u64 = 256 * 1024;
/// Without the stack.
const RAM_BUDGET: u64 = 192 * 1024;
/// Measured: the most that the sensor was seen to take.
const STACK_BUDGET: u64 = 16 * 1024;

fn main() -> ExitCode {
    match env::args().nth(1).ok_or("usage: sizes IMAGE".into()).and_then(|image| report(&image)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sizes: {error}");
            ExitCode::from(2)
        }
    }
}

/// Prints the sizes of the ELF file `image`; true when it is within the budget.
fn report(image: &str) -> Result<bool, Box<dyn std::error::Error>> {
    let bytes = fs::read(image)?;
    let file = object::File::parse(&*bytes)?;
    let (mut flash, mut ram) = (0, 0);
    for section in file.sections().filter(|section| section.size() > 0) {
        let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
        if sh_flags & u64::from(elf::SHF_ALLOC) == 0 {
            continue;
        }
        let in_flash = section.kind() != SectionKind::UninitializedData;
        let in_ram = sh_flags & u64::from(elf::SHF_WRITE) != 0;
        println!("{:<16} {:>8} bytes  {}", section.name()?, section.size(), place(in_flash, in_ram));
        flash += if in_flash { section.size() } else { 0 };
        ram += if in_ram { section.size() } else { 0 };
    }
    println!("flash            {flash:>8} bytes  of {FLASH_BUDGET}");
    println!("static RAM       {ram:>8} bytes  of {RAM_BUDGET}");
    let stack = board::measuring(image.as_ref()).map(|image| stack(&image));
    match stack {
        Some(stack) => println!("stack            {stack:>8} bytes  of {STACK_BUDGET}"),
        None => println!("stack                not measured: no qemu-system-arm"),
    }
    Ok(flash <= FLASH_BUDGET && ram <= RAM_BUDGET && stack.is_none_or(|stack| stack <= STACK_BUDGET))
}

/// The deepest that the stack was under any traffic.
fn stack(image: &Path) -> u64 {
    TRAFFIC.iter().map(|traffic| board::cost(image, traffic).stack).max().unwrap_or(0)
}

const fn place(in_flash: bool, in_ram: bool) -> &'static str {
    match (in_flash, in_ram) {
        (true, true) => "flash, copied to RAM",
        (true, false) => "flash",
        (false, _) => "RAM",
    }
}
