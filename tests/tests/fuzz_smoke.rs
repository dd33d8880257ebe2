//! Every fuzz target on its corpus and on inputs made from it, on the stable toolchain.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tagout_tests::fuzz::{self, Mutator, TARGETS};

/// How many new inputs each of [`TARGETS`] gets: about a second's worth.
const MUTATIONS: [usize; TARGETS.len()] =
    [2_000, 200, 2_000, 200_000, 50_000, 50_000, 200_000, 10_000, 500, 1_000, 20_000, 5_000, 5_000, 20_000];
const SEED: u64 = 0x7461_676f_7574;

#[test]
fn every_target_holds_on_its_corpus_and_beyond() {
    for ((name, one_input), mutations) in TARGETS.into_iter().zip(MUTATIONS) {
        let corpus = corpus(name);
        assert!(!corpus.is_empty(), "{name} has no corpus");
        corpus.iter().for_each(|input| hold(name, one_input, input));
        let mut mutator = Mutator::new(SEED);
        (0..mutations).for_each(|_| hold(name, one_input, &mutator.next(&corpus)));
    }
}

/// The target's inputs, in order of name.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let files = fs::read_dir(fuzz::corpus(target)).expect("every target has a folder").flatten();
    let mut paths: Vec<_> = files.map(|file| file.path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a file")).collect()
}

/// On failure, keeps the input where a campaign would.
fn hold(target: &str, one_input: fn(&[u8]), input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| one_input(input))).is_err() {
        let path = std::env::temp_dir().join(format!("tagout-fuzz-{target}"));
        fs::write(&path, input).expect("the failing input can be kept");
        panic!("{target} fails on the input in {}", path.display());
    }
}
