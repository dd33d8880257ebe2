use hyper::StatusCode;
use hyper::header::{ALLOW, HeaderName, RETRY_AFTER};
use tonic::Code;

use super::Outcome;

/// Why a request is refused as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Denied {
    Malformed(String),
    NotFound(&'static str),
    NotAllowed,
    TooSlow,
    TooLarge(String),
    Unsupported(String),
    TooMany,
    Busy(&'static str),
}

/// How it is told.
struct Told {
    outcome: Outcome,
    status: StatusCode,
    code: Code,
    extra: Option<(HeaderName, &'static str)>,
}

impl Denied {
    pub(super) fn outcome(&self) -> Outcome {
        self.told().outcome
    }

    pub(super) fn status(&self) -> StatusCode {
        self.told().status
    }

    /// The code of gRPC. Of `Unavailable` OTLP says that the same may be sent again.
    pub(super) fn code(&self) -> Code {
        self.told().code
    }

    /// One more header.
    pub(super) fn extra(&self) -> Option<(HeaderName, &'static str)> {
        self.told().extra
    }

    pub(super) fn why(&self) -> &str {
        match self {
            Self::Malformed(why) | Self::TooLarge(why) | Self::Unsupported(why) => why,
            Self::NotFound(why) | Self::Busy(why) => why,
            Self::NotAllowed => "only POST",
            Self::TooSlow => "the body did not come in time",
            Self::TooMany => "too many requests: come again in a second",
        }
    }

    fn told(&self) -> Told {
        let told = |outcome, status, code| Told { outcome, status, code, extra: None };
        let again = Some((RETRY_AFTER, "1"));
        match self {
            Self::Malformed(_) => told(Outcome::Malformed, StatusCode::BAD_REQUEST, Code::InvalidArgument),
            Self::NotFound(_) => told(Outcome::NotFound, StatusCode::NOT_FOUND, Code::Unimplemented),
            Self::NotAllowed => Told {
                extra: Some((ALLOW, "POST")),
                ..told(Outcome::NotAllowed, StatusCode::METHOD_NOT_ALLOWED, Code::Unimplemented)
            },
            Self::TooSlow => told(Outcome::TooSlow, StatusCode::REQUEST_TIMEOUT, Code::DeadlineExceeded),
            Self::TooLarge(_) => told(Outcome::TooLarge, StatusCode::PAYLOAD_TOO_LARGE, Code::ResourceExhausted),
            Self::Unsupported(_) => {
                told(Outcome::Unsupported, StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::InvalidArgument)
            }
            Self::TooMany => {
                Told { extra: again, ..told(Outcome::TooMany, StatusCode::TOO_MANY_REQUESTS, Code::Unavailable) }
            }
            Self::Busy(_) => {
                Told { extra: again, ..told(Outcome::Busy, StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable) }
            }
        }
    }
}
