//! Controls: the control relay output block and the status of a control (IEEE 1815-2012, annex A).

use super::reader::Reader;

/// A control relay output block (g12v1) or pattern control block (g12v2), its status aside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Crob {
    /// Control code: operation type, queue, clear, and trip/close code.
    pub code: u8,
    /// How often the operation is executed.
    pub count: u8,
    /// How long a pulse is on.
    pub on_time_ms: u32,
    /// How long a pulse is off.
    pub off_time_ms: u32,
}

/// What a control block does to the output.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// Nothing by itself.
    Nul,
    /// On for the on time, then off for the off time.
    PulseOn,
    /// Off for the off time, then on for the on time.
    PulseOff,
    /// On, to stay so.
    LatchOn,
    /// Off, to stay so.
    LatchOff,
    /// A reserved type.
    Reserved(u8),
}

impl Operation {
    /// The standard's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nul => "NUL",
            Self::PulseOn => "PULSE_ON",
            Self::PulseOff => "PULSE_OFF",
            Self::LatchOn => "LATCH_ON",
            Self::LatchOff => "LATCH_OFF",
            Self::Reserved(_) => "RESERVED",
        }
    }
}

/// Which relay of a trip/close pair a control block is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TripClose {
    /// The point is no such pair.
    Nul,
    /// The close relay.
    Close,
    /// The trip relay.
    Trip,
    /// The reserved code.
    Reserved,
}

impl TripClose {
    /// The standard's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nul => "NUL",
            Self::Close => "CLOSE",
            Self::Trip => "TRIP",
            Self::Reserved => "RESERVED",
        }
    }
}

impl Crob {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { code: reader.u8()?, count: reader.u8()?, on_time_ms: reader.u32()?, off_time_ms: reader.u32()? })
    }

    /// The operation type.
    pub const fn operation(self) -> Operation {
        match self.code & 0x0f {
            0 => Operation::Nul,
            1 => Operation::PulseOn,
            2 => Operation::PulseOff,
            3 => Operation::LatchOn,
            4 => Operation::LatchOff,
            other => Operation::Reserved(other),
        }
    }

    /// The trip/close code.
    pub const fn trip_close(self) -> TripClose {
        match self.code >> 6 {
            0 => TripClose::Nul,
            1 => TripClose::Close,
            2 => TripClose::Trip,
            _ => TripClose::Reserved,
        }
    }

    /// True when the operation is to wait for those before it (obsolete).
    pub const fn queue(self) -> bool {
        self.code & 0x10 != 0
    }

    /// True when the operation cancels those before it.
    pub const fn clear(self) -> bool {
        self.code & 0x20 != 0
    }

    /// What the output is told: true for close and on, false for trip and off, `None` where the code says neither, or one
    /// by its trip/close code and the other by its operation type, of which outstations look at the one or the other. A
    /// pulse to the trip relay opens.
    pub const fn commanded_state(self) -> Option<bool> {
        match (self.trip_close(), self.operation()) {
            (TripClose::Close | TripClose::Nul, Operation::PulseOn | Operation::LatchOn) => Some(true),
            (TripClose::Trip | TripClose::Nul, Operation::PulseOff | Operation::LatchOff)
            | (TripClose::Trip, Operation::PulseOn) => Some(false),
            _ => None,
        }
    }
}

/// The status code of a control: 0 in a request, the outstation's answer in a response. Seven bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Status(pub u8);

impl Status {
    /// Accepted, initiated or queued.
    pub const SUCCESS: Self = Self(0);

    /// The status in the lower seven bits of an octet.
    pub(super) const fn from_octet(octet: u8) -> Self {
        Self(octet & 0x7f)
    }

    /// The standard's name, if the code is not reserved.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "SUCCESS",
            1 => "TIMEOUT",
            2 => "NO_SELECT",
            3 => "FORMAT_ERROR",
            4 => "NOT_SUPPORTED",
            5 => "ALREADY_ACTIVE",
            6 => "HARDWARE_ERROR",
            7 => "LOCAL",
            8 => "TOO_MANY_OBJS",
            9 => "NOT_AUTHORIZED",
            10 => "AUTOMATION_INHIBIT",
            11 => "PROCESSING_LIMITED",
            12 => "OUT_OF_RANGE",
            13 => "DOWNSTREAM_LOCAL",
            14 => "ALREADY_COMPLETE",
            15 => "BLOCKED",
            16 => "CANCELLED",
            17 => "BLOCKED_OTHER_MASTER",
            18 => "DOWNSTREAM_FAIL",
            126 => "NON_PARTICIPATING",
            127 => "UNDEFINED",
            _ => return None,
        })
    }
}
