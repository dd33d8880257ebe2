//! What firmware images take of flash and RAM, and what the sensor takes of the stack where an emulator can tell; fails when
//! one takes more than its budget, or than its board has.
//!
//! Usage: `sizes IMAGE GATEWAY...`: the image of the sensor by itself, which a gateway's budget is held against, a line a section;
//! then images of whole gateways, a line for each kind of memory in the `memory.x` of the board that the image is named after.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use object::{Object, ObjectSection, SectionFlags, SectionKind, elf};
use tagout_tests::board;
use tagout_tests::traffic::TRAFFIC;

type Failed = Box<dyn std::error::Error>;

/// Of a gateway's whole image, for a policy of 200 points, 100 permits and 100 rules, 64 flows and 32 devices.
const FLASH_BUDGET: u64 = 256 * 1024;
/// What images may take of flash that have more to drive than that budget leaves room for: each may shrink, and none may grow
/// (docs/design/proof.md tells what takes it).
const CEILINGS: [(&str, u64); 2] = [("nucleo-h743zi", 272_500), ("nucleo-h563zi", 270_200)];
/// Without the stack.
const RAM_BUDGET: u64 = 192 * 1024;
/// Measured: the most that the sensor was seen to take.
const STACK_BUDGET: u64 = 16 * 1024;

/// A section that the image takes memory for.
struct Section {
    name: String,
    address: u64,
    size: u64,
    in_flash: bool,
    in_ram: bool,
}

/// A kind of memory of a board.
struct Region {
    name: String,
    start: u64,
    len: u64,
}

fn main() -> ExitCode {
    match report_all(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sizes: {error}");
            ExitCode::from(2)
        }
    }
}

fn report_all(images: &[String]) -> Result<bool, Failed> {
    let (budgeted, boards) = images.split_first().ok_or("usage: sizes IMAGE GATEWAY...")?;
    let mut fits = report(budgeted)?;
    for image in boards {
        fits &= report_board(Path::new(image))?;
    }
    Ok(fits)
}

/// Prints the sizes of the ELF file `image`; true when it is within the budget.
fn report(image: &str) -> Result<bool, Failed> {
    let sections = sections(image.as_ref())?;
    for Section { name, size, in_flash, in_ram, .. } in &sections {
        println!("{name:<16} {size:>8} bytes  {}", place(*in_flash, *in_ram));
    }
    let (flash, ram) = totals(&sections);
    println!("flash            {flash:>8} bytes  of {FLASH_BUDGET}");
    println!("static RAM       {ram:>8} bytes  of {RAM_BUDGET}");
    let stack = board::measuring(image.as_ref()).map(|image| stack(&image));
    match stack {
        Some(stack) => println!("stack            {stack:>8} bytes  of {STACK_BUDGET}"),
        None => println!("stack                not measured: no qemu-system-arm"),
    }
    Ok(flash <= FLASH_BUDGET && ram <= RAM_BUDGET && stack.is_none_or(|stack| stack <= STACK_BUDGET))
}

/// Prints what the image of a board takes of the board's memory; true when it has as much, and the image keeps to what it may take.
fn report_board(image: &Path) -> Result<bool, Failed> {
    let name = image.file_name().and_then(|name| name.to_str()).ok_or("an image has a name")?;
    let (sections, regions) = (sections(image)?, regions(name)?);
    let taken = |region: &Region| {
        let inside = |section: &&Section| (region.start..region.start + region.len).contains(&section.address);
        let copied = sections.iter().filter(|section| section.in_flash && section.in_ram && region.name == "FLASH");
        sections.iter().filter(inside).chain(copied).map(|section| section.size).sum::<u64>()
    };
    println!("{name}, the whole image");
    for region in regions.iter().filter(|region| taken(region) > 0) {
        println!("{:<16} {:>8} bytes  of {} on the board", region.name, taken(region), region.len);
    }
    let (flash, ram) = totals(&sections);
    let ceiling = CEILINGS.iter().find(|(of, _)| *of == name).map_or(FLASH_BUDGET, |(_, ceiling)| *ceiling);
    println!("{:<16} {flash:>8} bytes  of {ceiling}, against {FLASH_BUDGET}", "flash");
    let frames: u64 = regions.iter().filter(|region| region.name == "FRAMES").map(taken).sum();
    println!("{:<16} {:>8} bytes  of {RAM_BUDGET}, and {frames} for frames", "static RAM", ram - frames);
    let fits = regions.iter().all(|region| taken(region) <= region.len);
    Ok(fits && flash <= ceiling && ram - frames <= RAM_BUDGET)
}

/// The sections that the image takes memory for.
fn sections(image: &Path) -> Result<Vec<Section>, Failed> {
    let bytes = fs::read(image).map_err(|error| format!("{}: {error}", image.display()))?;
    let file = object::File::parse(&*bytes)?;
    let mut sections = Vec::new();
    for section in file.sections().filter(|section| section.size() > 0) {
        let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
        if sh_flags & u64::from(elf::SHF_ALLOC) == 0 {
            continue;
        }
        sections.push(Section {
            name: section.name()?.to_owned(),
            address: section.address(),
            size: section.size(),
            in_flash: section.kind() != SectionKind::UninitializedData,
            in_ram: sh_flags & u64::from(elf::SHF_WRITE) != 0,
        });
    }
    Ok(sections)
}

/// Bytes of flash and of RAM.
fn totals(sections: &[Section]) -> (u64, u64) {
    let sum = |is_in: fn(&&Section) -> bool| sections.iter().filter(is_in).map(|section| section.size).sum();
    (sum(|section| section.in_flash), sum(|section| section.in_ram))
}

/// The kinds of memory that a board has, from its linker script.
fn regions(board: &str) -> Result<Vec<Region>, Failed> {
    let board = if board.starts_with("gateway-mps2") { "mps2" } else { board };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware/boards").join(board).join("memory.x");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text.lines().filter_map(region).collect())
}

/// A line such as `RAM : ORIGIN = 0x24000000, LENGTH = 512K`.
fn region(line: &str) -> Option<Region> {
    let (name, rest) = line.split_once(": ORIGIN = 0x")?;
    let (start, len) = rest.split_once(", LENGTH = ")?;
    let start = u64::from_str_radix(start, 16).ok()?;
    Some(Region { name: name.trim().to_owned(), start, len: length(len)? })
}

/// Bytes, of which the linker writes many as `512K` or `4M`.
fn length(text: &str) -> Option<u64> {
    const UNITS: [(char, u64); 2] = [('K', 1024), ('M', 1024 * 1024)];
    let known = UNITS.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(*unit)?, *bytes)));
    let (number, unit) = known.unwrap_or((text, 1));
    Some(number.parse::<u64>().ok()? * unit)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_every_board_is_read() {
        let lengths = |board: &str| -> Vec<_> {
            let regions = regions(board).unwrap().into_iter();
            regions.filter(|region| ["FLASH", "RAM"].contains(&&*region.name)).map(|region| region.len).collect()
        };
        assert_eq!(lengths("gateway-mps2-an386"), [2 << 20, 4 << 20]);
        assert_eq!(lengths("nucleo-h743zi"), [896 << 10, 512 << 10]);
        assert_eq!(lengths("nucleo-h563zi"), [1016 << 10, 448 << 10]);
        assert_eq!(length("640"), Some(640));
    }
}
