//! The `tagout` binary that end-to-end tests run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The `tagout` binary: the one that `TAGOUT_BIN` names, else a release build of this workspace.
///
/// # Panics
/// If the build fails.
pub fn tagout() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| std::env::var_os("TAGOUT_BIN").map_or_else(build, PathBuf::from))
}

/// The root of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--package", "tagout", "--bin", "tagout", "--message-format", "json"])
        .current_dir(workspace())
        .output()
        .expect("cargo can be run");
    assert!(output.status.success(), "tagout does not build:\n{}", String::from_utf8_lossy(&output.stderr));
    let messages = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<serde_json::Value>();
    let executable = messages.flatten().filter_map(|message| message["executable"].as_str().map(PathBuf::from)).last();
    executable.expect("cargo names the binary that it built")
}
