/// Declares a code of the standard: a number with the standard's names for those values that are not reserved.
macro_rules! codes {
    ($(#[$doc:meta])* $code:ident($number:ty): $($value:literal $name:ident;)+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub struct $code(pub $number);

        #[allow(missing_docs, reason = "the names are the standard's")]
        impl $code {
            $(pub const $name: Self = Self($value);)+
        }

        impl $code {
            /// The standard's name, if the code is not reserved.
            pub const fn name(self) -> Option<&'static str> {
                match self { $(Self::$name => Some(stringify!($name)),)+ _ => None }
            }
        }
    };
}

pub(super) use codes;

/// The names of the bits that are set, bit 0 first; bits without a name are passed over.
pub(super) fn named_bits(bits: u16, names: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
    names.iter().enumerate().filter(move |(bit, _)| bits >> bit & 1 == 1).map(|(_, name)| *name)
}
