use crate::ActorKind;

/// What is plain of an exchange before anything is asked of it: its protocol, and what kind of actor asks. Rules that
/// cannot hold in a setting are passed over in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Setting(u16);

impl Setting {
    /// Nothing is plain.
    pub const UNTOLD: Self = Self(0);
    /// Of Modbus.
    pub const MODBUS: Self = Self(1);
    /// Of DNP3.
    pub const DNP3: Self = Self(2);
    /// Of either protocol.
    pub const PROTOCOLS: Self = Self(3);
    /// Of an actor of any kind that the policy knows.
    pub const ACTORS: Self = Self(0x7F00);
    /// Of anybody, the policy knowing him or not.
    pub const ANYBODY: Self = Self(0xFF00);

    /// All of them.
    pub const ANY: Self = Self::PROTOCOLS.and(Self::ANYBODY);

    /// That of an actor of this kind, or of somebody whom the policy does not know.
    pub const fn of_kind(kind: Option<ActorKind>) -> Self {
        match kind {
            Some(kind) => Self(0x100_u16.wrapping_shl(kind.number() as u32)),
            None => Self(0x8000),
        }
    }

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// As a set in an image.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether a set has all that is plain.
    pub(crate) const fn is_in(self, set: u16) -> bool {
        self.0 & !set == 0
    }
}

const _: () = assert!(ActorKind::ALL.len() <= 7, "every kind has its bit, and nobody has one");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_a_setting_if_it_has_its_protocol_and_its_kind() {
        let agent = Setting::of_kind(Some(ActorKind::AiAgent));
        let set = Setting::MODBUS.and(agent).bits();
        assert!(Setting::MODBUS.and(agent).is_in(set) && Setting::UNTOLD.is_in(set));
        assert!(!Setting::DNP3.and(agent).is_in(set));
        assert!(!Setting::MODBUS.and(Setting::of_kind(None)).is_in(set));
        assert!(Setting::of_kind(None).is_in(Setting::ANYBODY.bits()) && agent.is_in(Setting::ACTORS.bits()));
        assert!(!Setting::of_kind(None).is_in(Setting::ACTORS.bits()));
    }
}
