//! Who commands, and exports spans of what it is going to do.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::ops::Range;

use jiff::{Timestamp, ToSpan as _};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use serde_json::json;

use crate::master::{DEVICES, HOLDS_S};

const PORT: u16 = 4_318;
/// What `[intents]` says: requests come as often as batches are told.
pub(crate) const CONFIG: &str =
    "[intents]\nlisten = \"127.0.0.1:4318\"\nservers = \"servers.toml\"\nlimits.per_second = 1000\n";
/// What a call of the tool means.
pub(crate) const MAPPING: &str =
    "[[tools]]\nname = \"set\"\noperation = \"write\"\ndevice = [\"device\"]\npoint = \"point\"\n";

/// The servers of tools of the plant.
pub(crate) fn servers() -> String {
    let devices: Vec<String> = (0..DEVICES).map(|number| format!("plc{number} = \"plc{number}\"")).collect();
    let devices = devices.join(", ");
    format!(
        "[[servers]]\nmapping = \"mapping.toml\"\nactor = \"master\"\ndevices = {{ {devices} }}\n\
         points = {{ setpoint = \"setpoint\" }}\n"
    )
}

/// A connection over which spans are exported (OTLP over HTTP).
pub(crate) struct Exporter(BufReader<TcpStream>);

impl Exporter {
    pub(crate) fn connect() -> io::Result<Self> {
        TcpStream::connect((Ipv4Addr::LOCALHOST, PORT)).map(|stream| Self(BufReader::new(stream)))
    }

    /// Exports the calls of these numbers in one request.
    pub(crate) fn export(&mut self, numbers: Range<u64>) -> io::Result<()> {
        let scope_spans = vec![ScopeSpans { spans: numbers.map(span).collect(), ..ScopeSpans::default() }];
        let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
        self.post(&ExportTraceServiceRequest { resource_spans }.encode_to_vec())
    }

    fn post(&mut self, body: &[u8]) -> io::Result<()> {
        let length = body.len();
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nHost: sensor\r\nContent-Type: application/x-protobuf\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        self.0.get_mut().write_all(&[head.as_bytes(), body].concat())?;
        let answer = self.head()?;
        let length = answer.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        io::copy(&mut self.0.by_ref().take(length.unwrap_or_default()), &mut io::sink())?;
        if answer.first().is_some_and(|line| line.starts_with("http/1.1 200")) {
            return Ok(());
        }
        Err(io::Error::other(format!("spans were refused: {answer:?}")))
    }

    /// The lines of the head of an answer, in small letters.
    fn head(&mut self) -> io::Result<Vec<String>> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line)?;
            if line.trim().is_empty() {
                return Ok(lines);
            }
            lines.push(line.trim().to_ascii_lowercase());
        }
    }
}

fn span(number: u64) -> Span {
    let now = Timestamp::now();
    let nanosecond = |time: Timestamp| u64::try_from(time.as_nanosecond()).unwrap_or_default();
    let arguments = json!({"device": format!("plc{}", number % DEVICES), "point": "setpoint"});
    Span {
        trace_id: u128::from(number + 1).to_be_bytes().to_vec(),
        span_id: (number + 1).to_be_bytes().to_vec(),
        start_time_unix_nano: nanosecond(now),
        end_time_unix_nano: nanosecond(now + HOLDS_S.seconds()),
        attributes: vec![
            attribute("gen_ai.operation.name", "execute_tool".to_owned()),
            attribute("gen_ai.tool.name", "set".to_owned()),
            attribute("gen_ai.tool.call.arguments", arguments.to_string()),
        ],
        ..Span::default()
    }
}

fn attribute(key: &str, text: String) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(text)) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}
