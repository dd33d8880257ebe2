use crate::SourceFile;

/// The detections that are in force without a policy, and beside one: `rules/packs/default.toml`.
pub fn default_pack() -> SourceFile {
    SourceFile::new("packs/default.toml", include_str!("../../packs/default.toml"))
}
