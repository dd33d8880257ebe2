use tagout_engine::{Action, Asked, Touch};

use super::Request;
use super::identification::DEVICE_IDENTIFICATION;

/// What a request PDU asks for by its action: the addresses that it touches, or its function if it touches none.
pub fn asked(pdu: &[u8], action: Action) -> impl Iterator<Item = Asked> {
    let request = Request::parse(pdu).ok();
    let touches = request.into_iter().flat_map(move |request| request.touches(action));
    let bare = touches.clone().next().is_none().then(|| function(pdu, request));
    touches.map(|Touch { space, address, count, .. }| Asked::Span { space, address, count }).chain(bare)
}

fn function(pdu: &[u8], request: Option<Request<'_>>) -> Asked {
    let sub = match request {
        Some(Request::Diagnostic { sub_function, .. }) => sub_function,
        Some(Request::ReadIdentification { .. }) => DEVICE_IDENTIFICATION.into(),
        Some(Request::Encapsulated { mei, .. }) => mei.into(),
        Some(Request::Umas { function, .. }) => function.into(),
        _ => 0,
    };
    Asked::Function { code: pdu.first().copied().unwrap_or(0), sub }
}
