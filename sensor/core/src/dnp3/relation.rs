//! What a message means together with others.

use super::application::Fragment;
use super::file::FileTransfer;
use super::header::{Fault, ObjectHeader};
use super::link;
use super::security;
use crate::record::Seen;

/// What an exchange belongs to beside its own request and response.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Relation<'a> {
    /// Nothing, or nothing that was seen.
    #[default]
    None,
    /// The frames carry no application fragment: they are the link layer's own.
    Link(LinkExchange<'a>),
    /// A confirm of the fragment seen there.
    Confirms(Seen),
    /// A challenge to the sender of the message seen there.
    Challenges(Seen),
    /// The reply to the challenge seen there.
    Replies(Seen),
    /// An OPERATE that carries out this SELECT.
    Select(&'a Select<'a>),
    /// A step in the transfer of a file.
    File(&'a FileTransfer<'a>),
}

/// A primary frame and the secondary frame that completes it. At least one is present.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinkExchange<'a> {
    /// The primary frame.
    pub request: Option<LinkMessage<'a>>,
    /// The secondary frame.
    pub response: Option<LinkMessage<'a>>,
}

/// A frame that carries no segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinkMessage<'a> {
    /// Its control octet.
    pub control: link::Control,
    /// Its user data; there should be none.
    pub user_data: &'a [u8],
}

impl<'a> LinkMessage<'a> {
    /// The message in a control octet and what follows.
    pub(crate) fn read(octets: &'a [u8]) -> Option<Self> {
        octets.split_first().map(|(control, user_data)| Self { control: link::Control(*control), user_data })
    }
}

/// The SELECT before an OPERATE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Select<'a> {
    /// Where its request was seen.
    pub request_seen: Seen,
    /// Its request's application fragment; empty if it was too long to keep.
    pub request: &'a [u8],
    /// Where its response was seen.
    pub response_seen: Option<Seen>,
    /// Its response's application fragment; empty if there is none, or if it was too long to keep.
    pub response: &'a [u8],
    /// Microseconds from the request to that of the OPERATE.
    pub delay_us: u64,
    /// True when the OPERATE's sequence number is the next after the SELECT's, as it must be (4.4.4.2).
    pub in_sequence: bool,
    /// Whether both name the same controls, octet for octet but for the statuses; `None` if that cannot be told.
    pub matches: Option<bool>,
}

/// True when two fragments carry the same controls: the same headers with the same octets, statuses and what
/// authenticates them aside. `None` if one of them cannot be read.
pub(crate) fn same_controls(a: &[u8], b: &[u8]) -> Option<bool> {
    let (a, b) = (Fragment::parse(a)?, Fragment::parse(b)?);
    let (mut a, mut b) = (controls(a), controls(b));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Some(true),
            (Some(Ok(a)), Some(Ok(b))) if same_objects(&a, &b) => {}
            (Some(Err(_)), _) | (_, Some(Err(_))) => return None,
            _ => return Some(false),
        }
    }
}

/// The headers of a fragment, those that authenticate it aside.
fn controls(fragment: Fragment<'_>) -> impl Iterator<Item = Result<ObjectHeader<'_>, Fault>> {
    fragment.headers().filter(|header| header.is_err() || header.is_ok_and(|header| header.group != security::GROUP))
}

fn same_objects(a: &ObjectHeader<'_>, b: &ObjectHeader<'_>) -> bool {
    let named = |header: &ObjectHeader<'_>| (header.group, header.variation, header.qualifier, header.range);
    if named(a) != named(b) || a.data.len() != b.data.len() {
        return false;
    }
    let has_status = matches!((a.group, a.variation), (12, 1 | 2) | (41, _));
    if !has_status {
        return a.data == b.data;
    }
    a.points().zip(b.points()).all(|(a, b)| a.index == b.index && without_status(a.octets) == without_status(b.octets))
}

/// A control block's octets but the last, its status.
fn without_status(octets: &[u8]) -> &[u8] {
    octets.split_last().map_or(octets, |(_, rest)| rest)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    extern crate std;

    use super::super::encode::{crob, request};
    use super::*;

    #[test]
    fn compares_controls_but_for_their_statuses() {
        let one = |function, index: u8, code, status| {
            request(function, &[&[12, 1, 0x17, 1, index][..], &crob(code, status)].concat())
        };
        let select = one(3, 5, 0x41, 0);
        let authenticated = [&one(4, 5, 0x41, 0)[..2], &[120, 3, 7, 1, 0, 0, 0, 0, 1, 0], &select[2..]].concat();
        for (operate, same) in [
            (one(4, 5, 0x41, 0), true),
            (one(4, 5, 0x41, 4), true),
            (authenticated, true),
            (one(4, 6, 0x41, 0), false),
            (one(4, 5, 0x81, 0), false),
            (request(4, &[]), false),
            ([&one(4, 5, 0x41, 0)[..], &select[2..]].concat(), false),
        ] {
            assert_eq!(same_controls(&select, &operate), Some(same), "{operate:x?}");
        }
        assert_eq!(same_controls(&select, &select[..9]), Some(false));
        assert_eq!(same_controls(&select[..9], &select[..9]), None);
        assert_eq!(same_controls(&[], &select), None);
    }

    #[test]
    fn compares_setpoints_by_octet() {
        let set =
            |value: f32, status| request(3, &[&[41, 3, 0x17, 1, 0][..], &value.to_le_bytes(), &[status]].concat());
        assert_eq!(same_controls(&set(f32::NAN, 0), &set(f32::NAN, 3)), Some(true));
        assert_eq!(same_controls(&set(0.0, 0), &set(-0.0, 0)), Some(false));
    }
}
