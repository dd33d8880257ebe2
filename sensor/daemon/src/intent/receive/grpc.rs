//! OTLP over gRPC: `TraceService/Export`.
//!
//! Messages stay octets until their parts are counted, as over HTTP; framing, packing and status are tonic's.

use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::Full;
use hyper::body::{Buf as _, Bytes};
use hyper::{Request, Response};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use tonic::Status;
use tonic::body::Body;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EnabledCompressionEncodings, EncodeBuf, Encoder};
use tonic::server::{Grpc, UnaryService};

use super::client::Client;
use super::intake::{Exported, Form};
use super::server::Server;
use super::{Denied, Outcome};

/// The method, as a path.
pub(super) const PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Answers a call whose body is all there.
pub(super) async fn export(
    server: &Arc<Server>,
    client: &Client,
    request: Request<Full<Bytes>>,
) -> (Response<Body>, Outcome) {
    let mut packed = EnabledCompressionEncodings::default();
    packed.enable(CompressionEncoding::Gzip);
    let export = Export { server: Arc::clone(server), client: client.clone(), outcome: Arc::default() };
    let outcome = Arc::clone(&export.outcome);
    let mut grpc = Grpc::new(Octets)
        .apply_compression_config(packed, EnabledCompressionEncodings::default())
        .apply_max_message_size_config(Some(server.limits.request_bytes()), None);
    let response = grpc.unary(export, request).await;
    // What tonic refuses never came to be exported.
    let outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(Outcome::Malformed);
    (response, outcome)
}

/// Tells that a call is refused.
pub(super) fn denied(denied: &Denied) -> Response<Body> {
    status(denied).into_http()
}

fn status(denied: &Denied) -> Status {
    Status::new(denied.code(), denied.why())
}

struct Export {
    server: Arc<Server>,
    client: Client,
    outcome: Arc<Mutex<Option<Outcome>>>,
}

impl UnaryService<Bytes> for Export {
    type Response = ExportTraceServiceResponse;
    type Future = Ready<Result<tonic::Response<Self::Response>, Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let exported = self.server.intake.export(&self.client, request.get_ref(), Form::Protobuf);
        let outcome = exported.as_ref().map_or_else(Denied::outcome, Exported::outcome);
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        ready(exported.map(|exported| tonic::Response::new(exported.response())).map_err(|denied| status(&denied)))
    }
}

/// Messages as octets in requests, as messages in responses.
struct Octets;

impl Codec for Octets {
    type Encode = ExportTraceServiceResponse;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Octets {
    type Item = ExportTraceServiceResponse;
    type Error = Status;

    fn encode(&mut self, item: Self::Item, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for Octets {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
