//! The `tagout` command.
fn main() {}
