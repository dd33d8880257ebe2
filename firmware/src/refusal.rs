macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $text:literal;)+) => {
        /// Why a package, or a step of its transfer, is refused. The code is what the protocol carries.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Refusal { $($(#[$doc])* $variant = $code,)+ }

        impl Refusal {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The reason as a sentence without its end.
            pub const fn words(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

refusals! {
    /// It does not begin as packages do.
    NotAPackage = 1, "this is no package for a gateway";
    /// Its layout is of another version.
    Schema = 2, "the package was made for another version of tagout";
    /// It was made for another kind of board.
    Profile = 3, "the package was made for another kind of board";
    /// None of the keys of this gateway signed it.
    ForeignKey = 4, "the package is signed with a key that this gateway does not know";
    /// It was changed after it was signed.
    Signature = 5, "the signature does not hold";
    /// It is empty, cut off, or longer than a slot.
    Length = 6, "the package is cut off, or longer than the gateway has room for";
    /// What came behind the header is not what was signed.
    Content = 7, "the content is not the one that was signed";
    /// The settings cannot be decoded or contradict themselves.
    Settings = 8, "the settings cannot be used";
    /// The policy image cannot be loaded.
    Policy = 9, "the policy image cannot be used";
    /// The policy does not fit the tables.
    Tables = 10, "the policy does not fit the gateway's tables";
    /// Its version is not above the one in force.
    Version = 11, "the version is not above the one in force";
    /// The flash failed.
    Flash = 12, "the gateway's flash failed";
    /// A chunk or a commit without an offer before it, or a chunk at the wrong place.
    Order = 13, "the steps of the update came in the wrong order";
    /// What arrived is no frame of the protocol.
    Frame = 14, "what arrived is no frame of the update protocol";
    /// A package was committed and comes into force with the next start.
    Pending = 15, "another package comes into force with the gateway's next start";
}

impl Refusal {
    /// The reason with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|refusal| *refusal as u8 == code)
    }
}

/// What speaks against something of which this does not hold.
pub(crate) fn ensure<E>(holds: bool, refusal: E) -> Result<(), E> {
    if holds { Ok(()) } else { Err(refusal) }
}
