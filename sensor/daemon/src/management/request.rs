use super::exposition::Notation;

/// Bytes of a request's head at most.
pub(super) const MOST_HEAD_BYTES: usize = 8 << 10;
/// Lines of it at most.
const MOST_HEADERS: usize = 64;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asked {
    Metrics,
    Health,
}

/// A request that is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Request {
    pub(super) asked: Asked,
    pub(super) notation: Notation,
}

/// Why one is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// It is no HTTP.
    Malformed,
    /// There is nothing under this path.
    NotFound,
    /// Nothing can be done but to get it.
    NotAllowed,
    /// It is too long, or has too many headers.
    TooLarge,
    /// It did not come in time.
    TooSlow,
}

impl Request {
    /// Reads the head of a request; `None` if there is more to come.
    ///
    /// # Errors
    /// When it is not answered.
    pub(super) fn read(head: &[u8]) -> Result<Option<Self>, Refusal> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        match parsed.parse(head) {
            Ok(httparse::Status::Complete(_)) => Self::of(&parsed).map(Some),
            Ok(httparse::Status::Partial) if head.len() < MOST_HEAD_BYTES => Ok(None),
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => Err(Refusal::TooLarge),
            Err(_) => Err(Refusal::Malformed),
        }
    }

    fn of(parsed: &httparse::Request<'_, '_>) -> Result<Self, Refusal> {
        let target = parsed.path.unwrap_or_default();
        let asked = match target.split('?').next() {
            Some("/metrics") => Asked::Metrics,
            Some("/health") => Asked::Health,
            _ => return Err(Refusal::NotFound),
        };
        if parsed.method != Some("GET") {
            return Err(Refusal::NotAllowed);
        }
        let accept = parsed.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("accept"));
        let accept: Vec<_> = accept.map(|header| String::from_utf8_lossy(header.value)).collect();
        Ok(Self { asked, notation: Notation::asked(&accept.join(",")) })
    }
}

impl Notation {
    /// The notation that an Accept header likes best: RFC 9110, 12.5.1.
    fn asked(accept: &str) -> Self {
        let mut best = (0.0, Self::default());
        for range in accept.split(',') {
            let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
            let notation = match parts.next().as_deref() {
                Some("application/openmetrics-text") => Self::OpenMetrics,
                Some("text/plain" | "text/*" | "*/*") => Self::Text,
                _ => continue,
            };
            let liking = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            if liking > best.0 {
                best = (liking, notation);
            }
        }
        best.1
    }
}

/// What is sent back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Answer {
    status: &'static str,
    content_type: &'static str,
    /// One more line of the head, with its end.
    extra: &'static str,
    body: String,
}

impl Answer {
    pub(super) fn fine(content_type: &'static str, body: String) -> Self {
        Self { status: "200 OK", content_type, extra: "", body }
    }

    pub(super) fn with_status(self, status: &'static str) -> Self {
        Self { status, ..self }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let Self { status, content_type, extra, body } = self;
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
             {extra}Connection: close\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}

impl Refusal {
    pub(super) fn answer(self) -> Answer {
        let (status, extra, said) = match self {
            Self::Malformed => ("400 Bad Request", "", "this is no HTTP/1 request"),
            Self::NotFound => ("404 Not Found", "", "there are /metrics and /health"),
            Self::NotAllowed => ("405 Method Not Allowed", "Allow: GET\r\n", "only GET"),
            Self::TooLarge => ("431 Request Header Fields Too Large", "", "too long"),
            Self::TooSlow => ("408 Request Timeout", "", "too slow"),
        };
        Answer { status, extra, ..Answer::fine("text/plain; charset=utf-8", format!("{said}\n")) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(head: &str) -> Result<Option<Request>, Refusal> {
        Request::read(head.as_bytes())
    }

    #[test]
    fn two_things_can_be_got() {
        let of = |asked| Ok(Some(Request { asked, notation: Notation::Text }));
        assert_eq!(read("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), of(Asked::Metrics));
        assert_eq!(read("GET /health?verbose HTTP/1.0\r\n\r\n"), of(Asked::Health));
        assert_eq!(read("GET /metrics HTTP/1.1\r\nHost:"), Ok(None));
        assert_eq!(read("GET / HTTP/1.1\r\n\r\n"), Err(Refusal::NotFound));
        assert_eq!(read("GET /metrics/../health HTTP/1.1\r\n\r\n"), Err(Refusal::NotFound));
        assert_eq!(read("POST /metrics HTTP/1.1\r\n\r\n"), Err(Refusal::NotAllowed));
        assert_eq!(read("\u{16}\u{3}\u{1}hello"), Err(Refusal::Malformed));
        assert_eq!(read(&format!("GET /{}", "a".repeat(MOST_HEAD_BYTES))), Err(Refusal::TooLarge));
        assert_eq!(read(&format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(65))), Err(Refusal::TooLarge));
    }

    #[test]
    fn the_notation_is_the_one_that_is_liked_best() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
        for (accept, expected) in [
            ("", Notation::Text),
            ("*/*", Notation::Text),
            ("text/html, application/json", Notation::Text),
            ("application/openmetrics-text", Notation::OpenMetrics),
            (prometheus, Notation::OpenMetrics),
            ("application/openmetrics-text; q=0.2, text/plain", Notation::Text),
            ("Application/OpenMetrics-Text; version=1.0.0", Notation::OpenMetrics),
            ("application/openmetrics-text;q=0", Notation::Text),
        ] {
            assert_eq!(Notation::asked(accept), expected, "{accept}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(head in prop::collection::vec(any::<u8>(), 0..200), rest in any::<String>()) {
            let _ = Request::read(&head);
            let _ = Request::read(&[b"GET /metrics HTTP/1.1\r\nAccept: ", rest.as_bytes(), b"\r\n\r\n"].concat());
        }
    }
}
