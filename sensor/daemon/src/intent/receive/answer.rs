use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse};
use prost::Message;
use serde_json::json;
use tonic::body::Body;

use super::Denied;
use super::intake::{Delivered, Exported, Form};

/// `google.rpc.Status`, in which OTLP tells what is wrong with a request.
#[derive(Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

impl Form {
    /// What it is called in `Content-Type`.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    /// What became of spans, as OTLP wants it.
    pub(super) fn exported(self, exported: Exported) -> Response<Body> {
        let body = match self {
            Self::Protobuf => exported.response().encode_to_vec(),
            Self::Json => exported.json().into_bytes(),
        };
        respond(StatusCode::OK, self.content_type(), body, None)
    }

    /// Why a request is refused, as OTLP wants it.
    pub(super) fn denied(self, denied: &Denied) -> Response<Body> {
        let (code, message) = (denied.code() as i32, denied.why().to_owned());
        let json = json!({"code": code, "message": message});
        let body = match self {
            Self::Protobuf => Status { code, message }.encode_to_vec(),
            Self::Json => json.to_string().into_bytes(),
        };
        respond(denied.status(), self.content_type(), body, Some(denied))
    }
}

impl Exported {
    /// The same in JSON, where numbers of 64 bits are texts (ProtoJSON).
    fn json(self) -> String {
        let rejected = self.rejected.to_string();
        let partial = self.why.map(|why| json!({"partialSuccess": {"rejectedSpans": rejected, "errorMessage": why}}));
        partial.unwrap_or_else(|| json!({})).to_string()
    }

    /// As OTLP has it: nothing is said where nothing was rejected.
    pub(super) fn response(self) -> ExportTraceServiceResponse {
        let partial_success = self.why.map(|why| ExportTracePartialSuccess {
            rejected_spans: i64::try_from(self.rejected).unwrap_or(i64::MAX),
            error_message: why,
        });
        ExportTraceServiceResponse { partial_success }
    }
}

/// What became of signed intents.
pub(super) fn delivered(delivered: &Delivered) -> Response<Body> {
    // Text and numbers, which JSON takes.
    let body = serde_json::to_vec(delivered).unwrap_or_default();
    let (status, denied) = match delivered {
        Delivered { no_room_from_line: Some(_), .. } => {
            let full = Denied::Busy("");
            (full.status(), Some(full))
        }
        _ if delivered.is_whole() => (StatusCode::OK, None),
        _ => (StatusCode::BAD_REQUEST, None),
    };
    respond(status, "application/json", body, denied.as_ref())
}

/// Why a request is refused, for whoever does not speak OTLP.
pub(super) fn denied(denied: &Denied) -> Response<Body> {
    let body = json!({"error": denied.why()}).to_string();
    respond(denied.status(), "application/json", body.into_bytes(), Some(denied))
}

fn respond(status: StatusCode, content_type: &'static str, body: Vec<u8>, denied: Option<&Denied>) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some((name, value)) = denied.and_then(Denied::extra) {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
