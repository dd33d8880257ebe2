//! Application layer: fragments (IEEE 1815-2012, clause 4).

use super::function::Function;
use super::header::{Fault, Headers};
use super::indications::Indications;
use super::reader::Reader;

/// An application fragment.
#[derive(Clone, Copy, Debug)]
pub struct Fragment<'a> {
    /// Application control octet.
    pub control: Control,
    /// Function code.
    pub function: Function,
    /// Internal indications, in responses.
    pub indications: Option<Indications>,
    /// Object headers and objects.
    pub objects: &'a [u8],
}

/// Application control octet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Control(pub u8);

impl Control {
    /// FIR: the first fragment of its message.
    pub const fn fir(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// FIN: the last fragment of its message.
    pub const fn fin(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// CON: the sender asks for a confirm.
    pub const fn con(self) -> bool {
        self.0 & 0x20 != 0
    }

    /// UNS: the sequence number belongs to an unsolicited response or its confirm.
    pub const fn uns(self) -> bool {
        self.0 & 0x10 != 0
    }

    /// The names of the bits that are set, the sequence number aside.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let bits = [(self.fir(), "FIR"), (self.fin(), "FIN"), (self.con(), "CON"), (self.uns(), "UNS")];
        bits.into_iter().filter(|(set, _)| *set).map(|(_, name)| name)
    }

    /// True when the message has one fragment, is no unsolicited response or its confirm, and asks for no confirm.
    pub const fn is_plain(self) -> bool {
        self.0 & 0xf0 == 0xc0
    }

    /// SEQ: the sequence number, 0 to 15.
    pub const fn sequence(self) -> u8 {
        self.0 & 0x0f
    }
}

impl<'a> Fragment<'a> {
    /// The fragment in `bytes`; `None` if they end within its header (2 octets, in responses 4).
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let control = Control(reader.u8()?);
        let function = Function(reader.u8()?);
        let indications = if function.is_response() { Some(Indications(reader.array()?)) } else { None };
        Some(Self { control, function, indications, objects: reader.0 })
    }

    /// The object headers, in order. Iterating costs time linear in the fragment's octets.
    pub const fn headers(&self) -> Headers<'a> {
        let header_len = if self.indications.is_some() { 4 } else { 2 };
        Headers::new(self.function, self.objects, header_len)
    }

    /// The octets of object headers and objects that cannot be followed: those from the header on that ends the walk, or
    /// all behind the one that announces more objects than there are.
    pub fn unfollowed(&self) -> &'a [u8] {
        self.headers().unfollowed()
    }

    /// Why the object headers could not be followed to the fragment's end, if so.
    pub fn fault(&self) -> Option<Fault> {
        self.headers().find_map(Result::err)
    }
}
