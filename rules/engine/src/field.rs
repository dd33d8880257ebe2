//! What conditions and keys can ask of an exchange, an anomaly or a point: one table for look-up, types and reference.

use core::net::IpAddr;

use crate::{DeviceId, RoutineKey, Setting, Touch};

/// The type of a field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FieldType {
    /// A 64-bit floating point number.
    Number,
    /// True or false.
    Flag,
    /// UTF-8.
    Text,
    /// Octets.
    Bytes,
    /// An IPv4 or IPv6 address.
    Address,
}

/// The value of a field.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Fact<'f> {
    /// Not there, not known, or not yet: nothing can be said of it.
    Unknown,
    /// Of type [`FieldType::Number`].
    Number(f64),
    /// Of type [`FieldType::Flag`].
    Flag(bool),
    /// Of type [`FieldType::Text`].
    Text(&'f str),
    /// Of type [`FieldType::Bytes`].
    Bytes(&'f [u8]),
    /// Of type [`FieldType::Address`].
    Address(IpAddr),
}

impl<'f> Fact<'f> {
    /// What is known, or else [`Fact::Unknown`].
    pub fn of<T>(value: Option<T>, fact: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Unknown, fact)
    }
}

/// Where the fields of one thing come from.
pub trait Facts {
    /// The value of a field: of its type, or unknown.
    fn fact(&self, field: Field) -> Fact<'_>;

    /// The device that it is about, where the policy knows it.
    fn device(&self) -> Option<DeviceId> {
        None
    }

    /// What is plain of it.
    fn setting(&self) -> Setting {
        Setting::UNTOLD
    }

    /// What stands for a request: two with the same key differ in nothing but time that fields of [`Stage::Request`] tell,
    /// and in no verdict. `None` for everything that is to be looked at anew.
    fn routine(&self) -> Option<&RoutineKey> {
        None
    }

    /// Visits what of a device it touches, if anything.
    fn touches(&self, _visit: &mut dyn FnMut(Option<DeviceId>, &Touch<'_>)) {}
}

/// Where nothing is known.
impl Facts for () {
    fn fact(&self, _: Field) -> Fact<'_> {
        Fact::Unknown
    }
}

/// What of an exchange a field tells; decides when it can be asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stage {
    /// Known with the request.
    Request,
    /// Known for each point or address that a command touches.
    Item,
    /// Known with the response, or when none came.
    Response,
    /// Known of an anomaly.
    Anomaly,
    /// Known of a process event.
    Process,
    /// Known of what departs from a cadence.
    Cadence,
}

macro_rules! fields {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal, $text:literal, $kind:ident, $stage:ident;)+) => {
        /// A field. Numbers are stable in images; new fields are appended.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        #[repr(u8)]
        pub enum Field { $($(#[doc = $doc])+ $variant = $number,)+ }

        impl Field {
            /// Every field, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The field as conditions write it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// What it tells.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }

            /// Its type.
            pub const fn kind(self) -> FieldType {
                match self { $(Self::$variant => FieldType::$kind,)+ }
            }

            /// When it is known.
            pub const fn stage(self) -> Stage {
                match self { $(Self::$variant => Stage::$stage,)+ }
            }

            /// The field with this name, if any.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|field| field.name() == name)
            }

            /// The field with this number in an image, if any.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }

            /// The number of the field in an image.
            pub const fn number(self) -> u8 {
                self as u8
            }
        }
    };
}

fields! {
    /// The name of the actor; unknown where the policy knows nobody at the address.
    Actor = 0, "actor", Text, Request;
    /// The kind of the actor.
    ActorKind = 1, "actor.kind", Text, Request;
    /// The name of the device; unknown where the policy knows none at the address.
    Device = 2, "device", Text, Request;
    /// IP address of the client.
    ClientIp = 3, "client.ip", Address, Request;
    /// Port of the client.
    ClientPort = 4, "client.port", Number, Request;
    /// MAC address of the client, six octets.
    ClientMac = 5, "client.mac", Bytes, Request;
    /// IP address of the server.
    ServerIp = 6, "server.ip", Address, Request;
    /// Port of the server.
    ServerPort = 7, "server.port", Number, Request;
    /// MAC address of the server, six octets.
    ServerMac = 8, "server.mac", Bytes, Request;
    /// Innermost 802.1Q VLAN id.
    Vlan = 9, "vlan", Number, Request;
    /// `tcp`, `udp`, `serial`, or `link` for what links say of addresses.
    Transport = 10, "transport", Text, Request;
    /// `modbus` or `dnp3`.
    Protocol = 11, "protocol", Text, Request;
    /// What the exchange does: a word of the policy's `do`.
    Action = 12, "action", Text, Request;
    /// Whether it changes state, configuration or availability.
    IsCommand = 13, "is_command", Flag, Request;
    /// What the permits say: `permitted`, `unexpected` or `unjudged`.
    Verdict = 14, "verdict", Text, Request;
    /// Whether the device address is a broadcast: Modbus unit 0 on a line, DNP3 0xFFFD to 0xFFFF.
    Broadcast = 15, "broadcast", Flag, Request;
    /// Modbus unit id.
    ModbusUnit = 16, "modbus.unit", Number, Request;
    /// Modbus function code.
    ModbusFunction = 17, "modbus.function", Number, Request;
    /// First Modbus address of the request.
    ModbusAddress = 18, "modbus.address", Number, Request;
    /// How many addresses the request asks for or sets.
    ModbusQuantity = 19, "modbus.quantity", Number, Request;
    /// Modbus diagnostics sub-function.
    ModbusDiagnostic = 20, "modbus.diagnostic", Number, Request;
    /// Modbus encapsulated interface type.
    ModbusMei = 21, "modbus.mei", Number, Request;
    /// UMAS function inside Modbus function 90.
    ModbusUmas = 22, "modbus.umas", Number, Request;
    /// Modbus exception code; unknown where the device did not refuse.
    ModbusException = 23, "modbus.exception", Number, Response;
    /// DNP3 link address of the master.
    Dnp3Source = 24, "dnp3.source", Number, Request;
    /// DNP3 link address of the outstation.
    Dnp3Destination = 25, "dnp3.destination", Number, Request;
    /// DNP3 function code of the request; of the response where none was seen.
    Dnp3Function = 26, "dnp3.function", Number, Request;
    /// DNP3 object group of the first header.
    Dnp3Group = 27, "dnp3.group", Number, Request;
    /// DNP3 object variation of the first header.
    Dnp3Variation = 28, "dnp3.variation", Number, Request;
    /// DNP3 internal indications, 16 bits; the first octet is the lower one.
    Dnp3Iin = 29, "dnp3.iin", Number, Response;
    /// How the exchange ended: `answered`, `refused`, `no-response-due`, `unanswered`, `unrequested`.
    Outcome = 30, "outcome", Text, Response;
    /// Milliseconds from the request to the response.
    LatencyMs = 31, "latency_ms", Number, Response;
    /// The name of the point that the command touches; unknown where the policy declares none there.
    CommandPoint = 32, "command.point", Text, Item;
    /// The address space that it touches, as a policy's points name it.
    CommandSpace = 33, "command.space", Text, Item;
    /// The first address that it touches of the point, or the undeclared address.
    CommandAddress = 34, "command.address", Number, Item;
    /// The value that it commands: in engineering units where a point is declared, else raw.
    CommandValue = 35, "command.value", Number, Item;
    /// The value before it, commanded or reported as good, whichever is the latest.
    CommandPrevious = 36, "command.previous", Number, Item;
    /// `command.value` − `command.previous`.
    CommandChange = 37, "command.change", Number, Item;
    /// Whether it moves the value against the direction of the command before it; unknown for the first that moves it.
    CommandReversal = 38, "command.reversal", Flag, Item;
    /// How many commands in a row, this one included, moved the value in one direction.
    CommandRun = 39, "command.run", Number, Item;
    /// How the value looks like the one before in a wrong guise: `power-of-ten`, `swapped-words`, `swapped-bytes`, `scale`;
    /// unknown where it does not.
    CommandSlip = 40, "command.slip", Text, Item;
    /// The kind of an anomaly.
    AnomalyKind = 41, "anomaly.kind", Text, Anomaly;
    /// The layer of an anomaly.
    AnomalyLayer = 42, "anomaly.layer", Text, Anomaly;
    /// Whether the bytes of an anomaly went from the client to the server.
    AnomalyFromClient = 43, "anomaly.from_client", Flag, Anomaly;
    /// Milliseconds since the value was last commanded.
    CommandSinceMs = 44, "command.since_ms", Number, Item;
    /// The name of the actor who commanded the value last; unknown where nobody did, or nobody known.
    CommandBefore = 45, "command.actor_before", Text, Item;
    /// Function code of a DNP3 link frame that carries no fragment, 0 to 15.
    Dnp3LinkFunction = 46, "dnp3.link_function", Number, Request;
    /// Whether a DNP3 fragment asks for a confirm.
    Dnp3Confirm = 47, "dnp3.confirm", Flag, Request;
    /// What happened to a point: a word of `on_process`.
    ProcessEvent = 48, "process.event", Text, Process;
    /// The name of the point that it happened to.
    ProcessPoint = 49, "process.point", Text, Process;
    /// Its reported value, in engineering units.
    ProcessValue = 50, "process.value", Number, Process;
    /// What the value should have kept to: an end of its range, its greatest rate, the commanded value, or seconds.
    ProcessLimit = 51, "process.limit", Number, Process;
    /// Where the value lies in the point's `range`: 0 is its lower end, 1 its upper; unknown without both ends.
    CommandPlace = 52, "command.place", Number, Item;
    /// Whether a DNP3 OPERATE carries out what was selected; unknown where nothing was within the minute before.
    Dnp3Selected = 53, "dnp3.selected", Flag, Response;
    /// Milliseconds from a DNP3 SELECT to its OPERATE.
    Dnp3SelectMs = 54, "dnp3.select_ms", Number, Response;
    /// What departs from a cadence: a word of `on_cadence`.
    CadenceEvent = 55, "cadence.event", Text, Cadence;
    /// The poll that came, as the cadence writes it; unknown if the cadence does not have it, or if none came.
    CadencePoll = 56, "cadence.poll", Text, Cadence;
    /// The poll that was to come, as the cadence writes it.
    CadenceExpected = 57, "cadence.expected", Text, Cadence;
    /// How many polls in a row were left out.
    CadenceMissing = 58, "cadence.missing", Number, Cadence;
    /// Milliseconds since the round of the cycle began.
    CadenceMs = 59, "cadence.ms", Number, Cadence;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_unambiguous() {
        for (index, field) in Field::ALL.iter().enumerate() {
            assert_eq!(usize::from(field.number()), index);
            assert_eq!(Field::from_name(field.name()), Some(*field));
            assert_eq!(Field::from_number(field.number()), Some(*field));
        }
    }
}
