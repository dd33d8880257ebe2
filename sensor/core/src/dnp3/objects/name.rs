//! What the standard calls groups, variations and flags. Only records tell it: without the feature `names` it takes no flash.

/// What the standard calls something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name(#[cfg(feature = "names")] &'static str);

impl Name {
    pub(super) const fn new(_name: &'static str) -> Self {
        Self(
            #[cfg(feature = "names")]
            _name,
        )
    }

    #[cfg(feature = "names")]
    pub(super) const fn text(self) -> &'static str {
        self.0
    }
}

/// What the bits of a flag octet are called, bit 0 first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::dnp3) struct FlagNames(#[cfg(feature = "names")] &'static [&'static str; 8]);

impl FlagNames {
    pub(super) const fn new(_names: &'static [&'static str; 8]) -> Self {
        Self(
            #[cfg(feature = "names")]
            _names,
        )
    }

    #[cfg(feature = "names")]
    pub(super) const fn texts(self) -> &'static [&'static str; 8] {
        self.0
    }
}
