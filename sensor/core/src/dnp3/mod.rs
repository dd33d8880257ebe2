//! DNP3: IEEE Std 1815-2012.
//!
//! A stream's bytes become link frames ([`link::scan`], [`link::parse`]), their user data becomes application fragments
//! ([`transport::Assembler`]), and a [`Fragment`] is walked header by header and point by point where it lies. Nothing
//! here fails: what cannot be followed is told as a [`Scan::Damaged`](crate::Scan::Damaged), a [`transport::Loss`] or a
//! [`Fault`], and what stands before it has been told by then.

mod application;
mod asked;
mod control;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used)]
pub(crate) mod encode;
mod file;
mod function;
mod header;
mod indications;
pub mod link;
pub mod objects;
mod points;
mod reader;
mod relation;
mod reported;
mod response;
mod security;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used)]
mod tests;
mod touch;
pub mod transport;

pub use application::{Control, Fragment};
pub use asked::asked;
pub use control::{Crob, Operation, Status, TripClose};
pub use file::FileTransfer;
pub use function::{Function, action};
pub use header::{Fault, FaultKind, Headers, ObjectHeader, Prefix, Qualifier, Range};
pub use indications::Indications;
pub use points::Points;
pub use reader::Width;
pub use relation::{LinkExchange, LinkMessage, Relation, Select};
pub use reported::{accepted, reported};
pub use response::{control_status, control_statuses, file_status, is_refusal};
pub use touch::{Touches, touches};

pub(crate) use file::is_file_function;
pub(crate) use relation::same_controls;

/// A DNP3 request with its response, or a message that stands alone.
///
/// Frames without a fragment ([`Relation::Link`]) may come from either end: there `master` is the station that asks and
/// `outstation` the one that answers.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// Link address of the master.
    pub master: u16,
    /// Link address of the outstation.
    pub outstation: u16,
    /// The request's application fragment, from its application control octet on.
    pub request: Option<&'a [u8]>,
    /// The response's application fragment, from its application control octet on.
    pub response: Option<&'a [u8]>,
    /// 1 for the first fragment of a response, 2 for the next, and so on; every fragment is a record of its own.
    pub part: u16,
    /// The outstation's own link address, where it answered what was sent to the self address.
    pub responder: Option<u16>,
    /// What else it belongs to.
    pub relation: Relation<'a>,
}
