use schemars::JsonSchema;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use tagout_core::modbus::{
    self, FileContents, FileData, FileRecords, Request, Response, diagnostic_name, identification_access,
    umas_function_name, umas_granted_session, umas_owner, umas_result_name,
};

use super::Numbers;
use crate::record::text::{Hex, Text};

/// What the functions say that are not about values of addresses.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Details<'a> {
    /// Function 7: eight outputs that the device's maker chose, the first in the lowest bit.
    ExceptionStatus(u8),
    /// Function 8.
    Diagnostic(Diagnostic<'a>),
    /// Function 11.
    EventCounter(EventCounter),
    /// Function 12.
    EventLog(EventLog<'a>),
    /// Function 17.
    ServerId(ServerId<'a>),
    /// Functions 20 and 21: one entry a sub-request.
    FileRecords(#[schemars(with = "Vec<FileRecord<'a>>")] FileList<'a>),
    /// Function 43 with MEI type 14.
    DeviceIdentification(DeviceIdentification<'a>),
    /// Function 90 as Schneider Electric uses it.
    Umas(Umas<'a>),
}

impl<'a> Details<'a> {
    pub(super) fn of(request: Option<Request<'a>>, response: Option<Response<'a>>) -> Option<Self> {
        Some(match (request, response) {
            (Some(Request::Diagnostic { .. }), _) | (_, Some(Response::Diagnostic { .. })) => {
                Self::Diagnostic(Diagnostic::of(request, response))
            }
            (Some(Request::ReadFile(records) | Request::WriteFile(records)), _) => {
                Self::FileRecords(FileList { records: Some(records), contents: contents(response) })
            }
            (Some(Request::ReadIdentification { .. }), _) | (_, Some(Response::Identification(_))) => {
                Self::DeviceIdentification(DeviceIdentification::of(request, response))
            }
            (Some(Request::Umas { .. }), _) | (_, Some(Response::Umas { .. })) => {
                Self::Umas(Umas::of(request, response))
            }
            (_, Some(response)) => Self::of_response(response)?,
            _ => return None,
        })
    }

    /// What a response says for itself.
    const fn of_response(response: Response<'a>) -> Option<Self> {
        Some(match response {
            Response::ExceptionStatus { status } => Self::ExceptionStatus(status),
            Response::EventCounter { status, events } => Self::EventCounter(EventCounter { status, events }),
            Response::EventLog { status, events, messages, log } => {
                Self::EventLog(EventLog { status, events, messages, log })
            }
            Response::ServerId(id) => Self::ServerId(ServerId { id: Text(Hex(id.0)), running: id.is_running() }),
            Response::FileContents(contents) => Self::FileRecords(FileList { records: None, contents: Some(contents) }),
            Response::FileWritten(records) => Self::FileRecords(FileList { records: Some(records), contents: None }),
            _ => return None,
        })
    }
}

/// A diagnostic of request and response.
#[derive(Serialize, JsonSchema, Default)]
pub(super) struct Diagnostic<'a> {
    /// Sub-function.
    sub_function: u16,
    /// The sub-function's name in the specification.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_function_name: Option<&'static str>,
    /// The request's data, as words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<u16>")]
    request: Option<Numbers<'a>>,
    /// The response's data, as words: what is counted, or what the request had.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<u16>")]
    response: Option<Numbers<'a>>,
}

impl<'a> Diagnostic<'a> {
    fn of(request: Option<Request<'a>>, response: Option<Response<'a>>) -> Self {
        let mut diagnostic = Self::default();
        if let Some(Response::Diagnostic { sub_function, data }) = response {
            diagnostic.sub_function = sub_function;
            diagnostic.response = words(data);
        }
        if let Some(Request::Diagnostic { sub_function, data }) = request {
            diagnostic.sub_function = sub_function;
            diagnostic.request = words(data);
        }
        diagnostic.sub_function_name = diagnostic_name(diagnostic.sub_function);
        diagnostic
    }
}

/// Octets as words; an odd number of them is told as octets elsewhere.
const fn words(data: &[u8]) -> Option<Numbers<'_>> {
    if data.len().is_multiple_of(2) { Some(Numbers::registers(data)) } else { None }
}

/// How many messages a device completed.
#[derive(Serialize, JsonSchema)]
pub(super) struct EventCounter {
    /// 65535 while a program function is still being processed, else 0.
    status: u16,
    /// How many messages it completed.
    events: u16,
}

/// What a device's communication has met with lately.
#[derive(Serialize, JsonSchema)]
pub(super) struct EventLog<'a> {
    /// 65535 while a program function is still being processed, else 0.
    status: u16,
    /// How many messages it completed.
    events: u16,
    /// How many messages it processed since its last restart.
    messages: u16,
    /// The events as octets, the most recent first.
    log: &'a [u8],
}

/// What a device says of itself in its maker's way.
#[derive(Serialize, JsonSchema)]
pub(super) struct ServerId<'a> {
    /// All of it, in hexadecimal: id, run indicator and whatever else.
    id: Text<Hex<'a>>,
    /// Whether the device runs, if an octet is found that can be the run indicator.
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<bool>,
}

/// The sub-requests of a file function, each with the sub-response in its place.
pub(super) struct FileList<'a> {
    records: Option<FileRecords<'a>>,
    contents: Option<FileContents<'a>>,
}

impl Serialize for FileList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut contents = self.contents.into_iter().flatten();
        let mut list = serializer.serialize_seq(None)?;
        for record in self.records.into_iter().flatten() {
            list.serialize_element(&FileRecord::of(record, contents.next()))?;
        }
        for content in contents {
            list.serialize_element(&FileRecord::of_content(content))?;
        }
        list.end()
    }
}

const fn contents(response: Option<Response<'_>>) -> Option<FileContents<'_>> {
    match response {
        Some(Response::FileContents(contents)) => Some(contents),
        _ => None,
    }
}

/// One sub-request with its sub-response.
#[derive(Serialize, JsonSchema)]
struct FileRecord<'a> {
    /// 6 by the specification.
    reference_type: u8,
    /// File number.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<u16>,
    /// The first record.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<u16>,
    /// How many records, of one register each.
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u16>,
    /// The registers that were read or written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<u16>")]
    values: Option<Numbers<'a>>,
}

impl<'a> FileRecord<'a> {
    fn of(record: modbus::FileRecord<'a>, content: Option<FileData<'a>>) -> Self {
        let written = Some(record.data).filter(|data| !data.is_empty());
        Self {
            reference_type: record.reference_type,
            file: Some(record.file),
            record: Some(record.record),
            length: Some(record.length),
            values: written.or(content.map(|content| content.data)).map(Numbers::registers),
        }
    }

    /// A sub-response whose sub-request was not seen.
    const fn of_content(content: FileData<'a>) -> Self {
        let values = Some(Numbers::registers(content.data));
        Self { reference_type: content.reference_type, file: None, record: None, length: None, values }
    }
}

/// What was asked for of a device's identification, and what came back.
#[derive(Serialize, JsonSchema, Default)]
pub(super) struct DeviceIdentification<'a> {
    /// Read device id code.
    code: u8,
    /// What the code asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["basic", "regular", "extended", "individual"]))]
    access: Option<&'static str>,
    /// The object to begin with, or the only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    object_id: Option<u8>,
    /// What the device can tell: 1 to 3 as for the code, 128 more if single objects may be asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    conformity: Option<u8>,
    /// Whether another request will bring more objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    more_follows: Option<bool>,
    /// The object to ask for then.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_object_id: Option<u8>,
    /// What the device told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<Object<'a>>")]
    objects: Option<Objects<'a>>,
}

impl<'a> DeviceIdentification<'a> {
    fn of(request: Option<Request<'a>>, response: Option<Response<'a>>) -> Self {
        let mut identification = Self::default();
        if let Some(Response::Identification(found)) = response {
            identification.code = found.code;
            identification.conformity = Some(found.conformity);
            identification.more_follows = Some(found.more_follows);
            identification.next_object_id = Some(found.next_object);
            identification.objects = Some(Objects(found.objects));
        }
        if let Some(Request::ReadIdentification { code, object }) = request {
            identification.code = code;
            identification.object_id = Some(object);
        }
        identification.access = identification_access(identification.code);
        identification
    }
}

struct Objects<'a>(modbus::Objects<'a>);

impl Serialize for Objects<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.map(Object::from))
    }
}

/// One object of a device's identification.
#[derive(Serialize, JsonSchema)]
struct Object<'a> {
    /// Object id.
    id: u8,
    /// The object's name in the specification.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    /// The category that it belongs to.
    #[schemars(extend("enum" = ["basic", "regular", "extended"]))]
    category: &'static str,
    /// Its value, if that is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    /// Its value in hexadecimal, if that is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Text<Hex<'a>>>,
}

impl<'a> From<modbus::Object<'a>> for Object<'a> {
    fn from(object: modbus::Object<'a>) -> Self {
        let value = printable(object.value);
        Self {
            id: object.id,
            name: object.name(),
            category: object.category(),
            value,
            data: value.is_none().then_some(Text(Hex(object.value))),
        }
    }
}

/// Octets as text, if they are text.
fn printable(octets: &[u8]) -> Option<&str> {
    str::from_utf8(octets).ok().filter(|text| !text.chars().any(char::is_control))
}

/// What is known of a UMAS exchange.
#[derive(Serialize, JsonSchema, Default)]
pub(super) struct Umas<'a> {
    /// The session that a reservation granted, or 0.
    session: u8,
    /// UMAS function.
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<u8>,
    /// The UMAS function's name in wide use.
    #[serde(skip_serializing_if = "Option::is_none")]
    function_name: Option<&'static str>,
    /// Who takes the reservation.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    /// Result code of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<u8>,
    /// What the result means.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["ok", "error"]))]
    result_name: Option<&'static str>,
    /// The session that the reservation was granted under.
    #[serde(skip_serializing_if = "Option::is_none")]
    granted_session: Option<u8>,
}

impl<'a> Umas<'a> {
    fn of(request: Option<Request<'a>>, response: Option<Response<'a>>) -> Self {
        let mut umas = Self::default();
        if let Some(Response::Umas { session, result, .. }) = response {
            umas.session = session;
            umas.result = Some(result);
            umas.result_name = umas_result_name(result);
        }
        if let Some(Request::Umas { session, function, data }) = request {
            umas.session = session;
            umas.function = Some(function);
            umas.function_name = umas_function_name(function);
            umas.owner = umas_owner(function, data).and_then(printable);
        }
        if let (Some(function), Some(Response::Umas { result, data, .. })) = (umas.function, response) {
            umas.granted_session = umas_granted_session(function, result, data);
        }
        umas
    }
}
