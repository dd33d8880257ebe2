//! What an image of the firmware, or a program, tells of itself.

use std::fs;
use std::path::Path;

use object::Object;

/// The hash of the image that the linker put into it, in hexadecimal digits.
///
/// # Errors
/// If the file cannot be read, is no ELF file, or has none.
pub fn build_id(image: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let bytes = fs::read(image).map_err(|error| format!("{}: {error}", image.display()))?;
    let file = object::File::parse(&*bytes)?;
    let id = file.build_id()?.ok_or_else(|| format!("{} has no build id: make it by `make`", image.display()))?;
    Ok(id.iter().map(|octet| format!("{octet:02x}")).collect())
}
