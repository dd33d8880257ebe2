//! What a firmware image takes of flash and RAM, a line a section; fails when it takes more than its budget.
//!
//! Usage: `sizes IMAGE`

use std::process::ExitCode;
use std::{env, fs};

use object::{Object, ObjectSection, SectionFlags, SectionKind, elf};

/// Half of what the smallest gateway that we aim at (STM32H563, 2 MiB) has, for the sensor alone.
const FLASH_BUDGET: u64 = 256 * 1024;
/// Of the 640 KiB that it has.
const RAM_BUDGET: u64 = 512 * 1024;

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
    Ok(flash <= FLASH_BUDGET && ram <= RAM_BUDGET)
}

const fn place(in_flash: bool, in_ram: bool) -> &'static str {
    match (in_flash, in_ram) {
        (true, true) => "flash, copied to RAM",
        (true, false) => "flash",
        (false, _) => "RAM",
    }
}
