use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt as _;
use hyper::HeaderMap;
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use tokio::time::timeout;

use super::peers::Held;
use super::{Denied, Limits};

/// What is thrown away at most of a body that is too large, so that its sender reads the answer instead of a broken connection.
const MOST_DISCARDED: usize = 8 << 20;

/// The body of a request, as it was sent.
pub(super) async fn receive(
    headers: &HeaderMap,
    mut body: Incoming,
    held: &mut Held<'_>,
    limits: &Limits,
) -> Result<Vec<u8>, Denied> {
    let most = limits.request_bytes();
    let said: Option<u64> = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let reading = async {
        let mut octets = Vec::new();
        let mut is_too_large = said.is_some_and(|said| said > most as u64);
        let mut discarded = 0_usize;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Denied::Malformed(error.to_string()))?;
            let Ok(data) = frame.into_data() else { continue };
            is_too_large |= octets.len() + data.len() > most;
            if is_too_large {
                discarded += data.len();
                if discarded > MOST_DISCARDED {
                    break;
                }
                continue;
            }
            held.grow(data.len())?;
            octets.extend_from_slice(&data);
        }
        if is_too_large { Err(too_large(most)) } else { Ok(octets) }
    };
    timeout(limits.for_body(), reading).await.unwrap_or(Err(Denied::TooSlow))
}

/// The body as it was before it was packed.
pub(super) fn unpack(headers: &HeaderMap, body: Vec<u8>, limits: &Limits) -> Result<Vec<u8>, Denied> {
    let most = limits.request_bytes();
    match headers.get(CONTENT_ENCODING).map(|encoding| encoding.as_bytes().to_ascii_lowercase()).as_deref() {
        None | Some(b"" | b"identity") => Ok(body),
        Some(b"gzip") => {
            let mut octets = Vec::new();
            let unpacked = MultiGzDecoder::new(body.as_slice()).take(most as u64 + 1).read_to_end(&mut octets);
            unpacked.map_err(|error| Denied::Malformed(format!("this is not gzip: {error}")))?;
            if octets.len() > most { Err(too_large(most)) } else { Ok(octets) }
        }
        Some(_) => Err(Denied::Unsupported("Content-Encoding is gzip, or is not there".to_owned())),
    }
}

fn too_large(most: usize) -> Denied {
    Denied::TooLarge(format!("a request has {} KiB at most, as sent and unpacked", most >> 10))
}
