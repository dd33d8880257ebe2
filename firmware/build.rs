//! Tells the linker where the board's memory is, and to put a hash of the image into it.

use std::env;

/// Boards with memory of their own, by feature; the emulated ones share theirs.
const BOARDS: [&str; 2] = ["nucleo-h743zi", "nucleo-h563zi"];

fn main() {
    println!("cargo:rerun-if-changed=boards");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none") {
        // Asked at run time: this script is run again, but not compiled again, where source and target folder were moved.
        let here = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo:rustc-link-search={here}/boards/{}", board());
        println!("cargo:rustc-link-search={here}/boards");
        println!("cargo:rustc-link-arg-bins=-Tlink.x");
        println!("cargo:rustc-link-arg-bins=-Tbuild_id.x");
        println!("cargo:rustc-link-arg-bins=--build-id=sha1");
    }
}

/// The board that the image is for.
fn board() -> &'static str {
    let is_on =
        |board: &&str| env::var_os(format!("CARGO_FEATURE_{}", board.to_uppercase().replace('-', "_"))).is_some();
    BOARDS.into_iter().find(is_on).unwrap_or("mps2")
}
