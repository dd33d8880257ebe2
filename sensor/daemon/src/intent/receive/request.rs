use std::time::Instant;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response};
use tonic::body::Body;

use super::client::Client;
use super::intake::{Delivered, Exported, Form};
use super::server::Connection;
use super::{Denied, Outcome, answer, body, grpc};

/// Types of signed intents: RFC 7515, section 9.2, and what tools send if nothing is told them.
const ONE_INTENT: &str = "application/jose+json";
const INTENTS: [&str; 3] = ["application/jose", "application/x-ndjson", "text/plain"];

/// Messages of protobuf; JSON, and the framing of browsers (`grpc-web`), are others.
const GRPC: [&str; 2] = ["application/grpc", "application/grpc+proto"];

/// What a request is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Asked {
    /// `/v1/traces`: spans.
    Traces(Form),
    /// `TraceService/Export`: the same over gRPC.
    Export,
    /// `/v1/intents`: signed intents, or one alone.
    Intents { is_one: bool },
}

/// Answers a request, and takes note of what became of it.
pub(super) async fn answer(connection: &Connection, client: &Client, request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let asked = Asked::of(&head);
    let taken = match connection.seat.ask(Instant::now()).and_then(|()| asked.clone()) {
        Ok(asked) => asked.take((connection, client), head, body).await,
        Err(denied) => Err(denied),
    };
    let (response, outcome) = taken.unwrap_or_else(|denied| (Asked::denied(asked.ok(), &denied), denied.outcome()));
    connection.server.receipts.answered(outcome);
    response
}

impl Asked {
    fn of(head: &Parts) -> Result<Self, Denied> {
        let content_type = content_type(&head.headers);
        let asked = match head.uri.path() {
            "/v1/traces" => [Form::Protobuf, Form::Json]
                .into_iter()
                .find(|form| form.content_type() == content_type)
                .map(Self::Traces)
                .ok_or("Content-Type is application/x-protobuf or application/json"),
            grpc::PATH if GRPC.contains(&&*content_type) => Ok(Self::Export),
            grpc::PATH => Err("Content-Type is application/grpc, with messages of protobuf"),
            "/v1/intents" if content_type == ONE_INTENT => Ok(Self::Intents { is_one: true }),
            "/v1/intents" if content_type.is_empty() || INTENTS.contains(&&*content_type) => {
                Ok(Self::Intents { is_one: false })
            }
            "/v1/intents" => Err("Content-Type is application/jose, application/jose+json or text/plain"),
            _ => return Err(Denied::NotFound("there are /v1/traces, /v1/intents and OTLP over gRPC")),
        };
        if head.method != Method::POST {
            return Err(Denied::NotAllowed);
        }
        asked.map_err(|what| Denied::Unsupported(what.to_owned()))
    }

    async fn take(
        self,
        (connection, client): (&Connection, &Client),
        head: Parts,
        body: Incoming,
    ) -> Result<(Response<Body>, Outcome), Denied> {
        let server = &connection.server;
        let mut held = connection.seat.hold();
        let octets = body::receive(&head.headers, body, &mut held, &server.limits).await?;
        match self {
            Self::Export => {
                let request = Request::from_parts(head, Full::new(Bytes::from(octets)));
                Ok(grpc::export(server, client, request).await)
            }
            Self::Traces(form) => {
                let exported =
                    server.intake.export(client, &body::unpack(&head.headers, octets, &server.limits)?, form)?;
                let outcome = exported.outcome();
                Ok((form.exported(exported), outcome))
            }
            Self::Intents { is_one } => {
                let delivered =
                    server.intake.deliver(client, &body::unpack(&head.headers, octets, &server.limits)?, is_one)?;
                Ok((answer::delivered(&delivered), delivered.outcome()))
            }
        }
    }

    /// Tells that a request is refused, in the words of what it was for.
    fn denied(asked: Option<Self>, denied: &Denied) -> Response<Body> {
        match asked {
            Some(Self::Traces(form)) => form.denied(denied),
            Some(Self::Export) => grpc::denied(denied),
            _ => answer::denied(denied),
        }
    }
}

impl Exported {
    pub(super) fn outcome(&self) -> Outcome {
        if self.rejected == 0 { Outcome::Taken } else { Outcome::Partly }
    }
}

impl Delivered {
    fn outcome(&self) -> Outcome {
        match self {
            Self { no_room_from_line: Some(_), .. } => Outcome::Busy,
            _ if self.is_whole() => Outcome::Taken,
            _ if self.taken > 0 => Outcome::Partly,
            _ => Outcome::Malformed,
        }
    }
}

/// The type of a body without its parameters, in small letters.
fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
