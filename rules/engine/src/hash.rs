//! What tables, digests and ids are hashed with. No record depends on the first two, so that each machine has what is quick on
//! it: [`KeyHasher`] for the short keys of tables, [`DigestHasher`] for bytes that somebody may choose. Records show what
//! [`StableHasher`] tells.

use core::hash::Hasher;

#[cfg(target_pointer_width = "64")]
pub use foldhash::quality::FixedState as KeyHasher;
#[cfg(target_pointer_width = "64")]
pub use foldhash::quality::FixedState as DigestHasher;

#[cfg(not(target_pointer_width = "64"))]
pub use narrow::{DigestHasher, KeyHasher};
use siphasher::sip::SipHasher13;

/// For machines on which a product of 64 bits is dear.
#[cfg(not(target_pointer_width = "64"))]
mod narrow {
    use core::hash::BuildHasher;

    use rustc_hash::FxHasher;

    use super::StableHasher;

    /// Its tables are small, so that keys chosen to collide make no look-up long.
    #[derive(Clone, Debug)]
    pub struct KeyHasher(usize);

    impl KeyHasher {
        /// The hasher with this seed.
        pub const fn with_seed(seed: u64) -> Self {
            Self(seed as usize)
        }
    }

    impl BuildHasher for KeyHasher {
        type Hasher = FxHasher;

        fn build_hasher(&self) -> FxHasher {
            FxHasher::with_seed(self.0)
        }
    }

    /// The one that ids are made with, under a key.
    #[derive(Clone, Debug)]
    pub struct DigestHasher(u64);

    impl DigestHasher {
        /// The hasher with this seed.
        pub const fn with_seed(seed: u64) -> Self {
            Self(seed)
        }
    }

    impl BuildHasher for DigestHasher {
        type Hasher = StableHasher;

        fn build_hasher(&self) -> StableHasher {
            StableHasher::with_key(self.0)
        }
    }
}

/// Hashes bytes to the same number in every process and on every machine, under a key that is 0 if not given.
#[derive(Clone, Debug)]
pub struct StableHasher(SipHasher13);

impl StableHasher {
    /// The hasher with this key.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn with_key(key: u64) -> Self {
        Self(SipHasher13::new_with_keys(key, 0))
    }
}

impl Default for StableHasher {
    fn default() -> Self {
        Self::with_key(0)
    }
}

/// In functions of their own, whose copies would take 400 octets of an image each.
impl Hasher for StableHasher {
    #[cfg_attr(target_os = "none", inline(never))]
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn finish(&self) -> u64 {
        self.0.finish()
    }
}
