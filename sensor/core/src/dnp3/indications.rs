/// Internal indications of an outstation (IEEE 1815-2012, clause 4): IIN1 in the first octet, IIN2 in the second.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Indications(pub [u8; 2]);

/// The standard's names, IIN1.0 first, IIN2.7 last.
const NAMES: [&str; 16] = [
    "BROADCAST",
    "CLASS_1_EVENTS",
    "CLASS_2_EVENTS",
    "CLASS_3_EVENTS",
    "NEED_TIME",
    "LOCAL_CONTROL",
    "DEVICE_TROUBLE",
    "DEVICE_RESTART",
    "NO_FUNC_CODE_SUPPORT",
    "OBJECT_UNKNOWN",
    "PARAMETER_ERROR",
    "EVENT_BUFFER_OVERFLOW",
    "ALREADY_EXECUTING",
    "CONFIG_CORRUPT",
    "RESERVED_2",
    "RESERVED_1",
];

impl Indications {
    /// IIN2.0 to IIN2.2: the function, an object or a parameter of the request was not accepted.
    const REFUSALS: u8 = 0x07;

    /// IIN1.7: set from a restart until the master clears it.
    pub(crate) const RESTART: Self = Self([0x80, 0]);

    /// True from a restart until the master clears that.
    pub(crate) const fn has_restarted(self) -> bool {
        let [first, _] = self.0;
        first & 0x80 != 0
    }

    /// The bits that are set here and were not in `before`.
    pub(crate) const fn risen_since(self, before: Self) -> u16 {
        u16::from_le_bytes(self.0) & !u16::from_le_bytes(before.0)
    }

    /// The names of the bits that are set, IIN1.0 first.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let bits = u16::from_le_bytes(self.0);
        NAMES.into_iter().enumerate().filter(move |(bit, _)| bits >> bit & 1 == 1).map(|(_, name)| name)
    }

    /// True when the outstation did not accept the request's function, one of its objects or a parameter.
    pub const fn is_refusal(self) -> bool {
        let [_, second] = self.0;
        second & Self::REFUSALS != 0
    }
}
