macro_rules! ops {
    ($($(#[$doc:meta])+ $variant:ident = $number:literal;)+) => {
        /// What an instruction does. Numbers are stable in images; new ones are appended.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum Op { $($(#[$doc])+ $variant = $number,)+ }

        impl Op {
            /// The op with this number in an image, if any.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }

            /// The number of the op in an image.
            pub const fn number(self) -> u8 {
                self as u8
            }
        }
    };
}

ops! {
    /// The number in the numbers.
    Number = 0;
    /// True for 1, false for 0.
    Flag = 1;
    /// The text in the texts.
    Text = 2;
    /// The bytes in the octets.
    Octets = 3;
    /// The field with this number.
    Field = 4;
    /// The reported value of the point.
    Reported = 5;
    /// Seconds since the point was reported.
    Age = 6;
    /// `good` or `bad`, as the point was reported.
    Quality = 7;
    /// The change of the reported value a second.
    Rate = 8;
    /// The value that the point was told to take last.
    Commanded = 9;
    /// − number.
    Negate = 10;
    /// Not flag.
    Not = 11;
    /// Whether there is a value. Never unknown.
    Known = 12;
    /// The length of bytes.
    Size = 13;
    /// Whether the bit with this number is set in a whole number; 0 is the lowest.
    Bit = 14;
    /// Number + number.
    Add = 15;
    /// Number − number.
    Subtract = 16;
    /// Number × number.
    Multiply = 17;
    /// Number ÷ number; unknown for a divisor of 0.
    Divide = 18;
    /// Whether two values of one type are equal.
    Equal = 19;
    /// Whether two values of one type differ.
    Unequal = 20;
    /// Number < number.
    Less = 21;
    /// Number ≤ number.
    AtMost = 22;
    /// Number > number.
    Greater = 23;
    /// Number ≥ number.
    AtLeast = 24;
    /// Whether both flags are true; false where one is false, whatever the other.
    And = 25;
    /// Whether one of two flags is true; true where one is, whatever the other.
    Or = 26;
    /// A flag and two values of one type: the first where the flag is true, the second where it is false.
    Choose = 27;
    /// Whether text or bytes start with others.
    StartsWith = 28;
    /// Whether text or bytes end with others.
    EndsWith = 29;
    /// Whether text or bytes contain others.
    Contains = 30;
    /// Whether a number is one of these of the numbers.
    InNumbers = 31;
    /// Whether a text is one of these of the texts.
    InTexts = 32;
    /// Whether bytes are one of these of the octets.
    InOctets = 33;
    /// Whether an address lies in one of these of the networks.
    InNetworks = 34;
    /// Leaves the flag on top as it is: behind the first operand of an `&&` that is no part of anything but such, it decides
    /// that the whole is not true.
    Require = 35;
}

/// The highest bit that [`Op::Bit`] can ask for: whole numbers beyond 2⁵³ are not exact.
pub const HIGHEST_BIT: u32 = 52;

impl Op {
    /// Whether it compares two values.
    pub(super) const fn compares(self) -> bool {
        matches!(self, Self::Equal | Self::Unequal | Self::Less | Self::AtMost | Self::Greater | Self::AtLeast)
    }

    /// Whether its operand is the number of a point.
    pub const fn asks_for_a_point(self) -> bool {
        matches!(self, Self::Reported | Self::Age | Self::Quality | Self::Rate | Self::Commanded)
    }
}
