use crate::SourceFile;

macro_rules! packs {
    ($($name:literal),+) => {
        [$(SourceFile::new(concat!("packs/", $name, ".toml"), include_str!(concat!("../../packs/", $name, ".toml")))),+]
    };
}

/// How many packs there are.
pub const PACKS: usize = 4;

/// The detections that are in force without a policy, and beside one: the files of `rules/packs`.
pub fn packs() -> [SourceFile; PACKS] {
    packs!["default", "modbus", "dnp3", "agents"]
}
