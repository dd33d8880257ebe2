/// Makes inputs out of others; the same seed makes the same inputs, on every machine.
#[derive(Clone, Debug)]
pub struct Mutator {
    state: u64,
}

/// The values at which lengths and counts most often go wrong.
const TELLING: [u8; 8] = [0x00, 0x01, 0x05, 0x64, 0x7f, 0x80, 0xfe, 0xff];
const MOST_CHANGES: usize = 6;
const LONGEST: usize = 8192;

impl Mutator {
    /// A mutator that starts from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// One of `corpus`, which is not empty, changed in a few places.
    pub fn next(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = corpus[self.below(corpus.len())].clone();
        for _ in 0..=self.below(MOST_CHANGES) {
            let other = &corpus[self.below(corpus.len())];
            self.change(&mut input, other);
        }
        input.truncate(LONGEST);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        if input.is_empty() {
            input.extend(other);
            return;
        }
        let at = self.below(input.len());
        match self.below(7) {
            0 => input[at] ^= 1 << self.below(8),
            1 => input[at] = TELLING[self.below(TELLING.len())],
            2 => input[at] = self.random() as u8,
            3 => input.truncate(at),
            4 => drop(input.drain(at..input.len().min(at + 1 + self.below(8)))),
            5 => input.insert(at, self.random() as u8),
            _ => {
                let from = self.below(other.len() + 1);
                input.splice(at..at, other[from..].iter().copied().take(64));
            }
        }
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.random() % bound as u64) as usize
    }

    /// Any number: SplitMix64.
    pub fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}
