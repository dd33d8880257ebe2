//! What tables and digests are hashed with. No record depends on it, so that each machine has what is quick on it:
//! [`KeyHasher`] for the short keys of tables, [`DigestHasher`] for bytes that somebody may choose.

#[cfg(target_pointer_width = "64")]
pub use foldhash::quality::FixedState as KeyHasher;
#[cfg(target_pointer_width = "64")]
pub use foldhash::quality::FixedState as DigestHasher;

#[cfg(not(target_pointer_width = "64"))]
pub use narrow::{DigestHasher, KeyHasher};

/// For machines on which a product of 64 bits is dear.
#[cfg(not(target_pointer_width = "64"))]
mod narrow {
    use core::hash::{BuildHasher, Hasher};

    use rustc_hash::FxHasher;
    use siphasher::sip::SipHasher13;

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
        type Hasher = Digest;

        fn build_hasher(&self) -> Digest {
            Digest(SipHasher13::new_with_keys(self.0, 0))
        }
    }

    /// A digest in the making; in functions of their own, whose copies would take 400 octets each.
    #[derive(Clone, Debug)]
    pub struct Digest(SipHasher13);

    impl Hasher for Digest {
        #[inline(never)]
        fn write(&mut self, bytes: &[u8]) {
            self.0.write(bytes);
        }

        #[inline(never)]
        fn finish(&self) -> u64 {
            self.0.finish()
        }
    }
}
