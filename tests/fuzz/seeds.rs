//! Writes the seeds of every fuzz target into its corpus; what is there besides stays.

use std::{fs, io};

use tagout_tests::fuzz::{TARGETS, corpus, seeds::seeds};

fn main() -> io::Result<()> {
    for (target, _) in TARGETS {
        let folder = corpus(target);
        fs::create_dir_all(&folder)?;
        seeds(target).into_iter().try_for_each(|(name, input)| fs::write(folder.join(name), input))?;
    }
    Ok(())
}
