mod authentication;
mod data_set;
mod device;
mod file;
mod relation;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use tagout_core::dnp3::objects::{Group, Point, Time, Value, Variation, security_statistic};
use tagout_core::dnp3::{self, Crob, Fragment, Function, Indications, ObjectHeader, Range, Relation};

use super::text::{Hex, Text};
use super::time::DeviceTime;
use authentication::Authentication;
use data_set::DataSet;
use device::{Attribute, Device};
use file::File;
use relation::Relations;

/// The DNP3 part of a record.
///
/// Source, destination and function are those of the request, or of the response if there is no request.
#[derive(Serialize, JsonSchema)]
pub(super) struct Dnp3<'a> {
    /// Link address of the sender of the request, or of the response if there is no request.
    source: u16,
    /// Link address of its receiver.
    destination: u16,
    /// Own link address of the outstation that answered what was sent to the self address.
    #[serde(skip_serializing_if = "Option::is_none")]
    responder: Option<u16>,
    /// Application function code of the request, or of the response if there is no request.
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<u8>,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    function_name: Option<&'static str>,
    /// Application function code of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_function: Option<u8>,
    /// Names of the internal indications that are set in the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<&'static str>")]
    iin: Option<Names>,
    /// Application sequence number.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u8>,
    /// Bits that are set in the application control octet of the request, if they are others than FIR and FIN.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<&'static str>")]
    request_control: Option<ControlBits>,
    /// The same of the response: CON asks for a confirm, UNS counts unsolicited responses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<&'static str>")]
    response_control: Option<ControlBits>,
    /// Number of the fragment of the response, from 1; every fragment is a record.
    part: u16,
    /// Whether both request and response were seen.
    matched: bool,
    /// Microseconds from request to response.
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_us: Option<u64>,
    #[serde(flatten)]
    relations: Relations<'a>,
    /// Object headers of the request, then of the response.
    #[schemars(with = "Vec<Object<'a>>")]
    objects: Objects<'a>,
    /// Octets of the request that cannot be followed, in hexadecimal: from the object header on that is reserved or cut
    /// short or of unknown size, or all behind the one that announces more objects than there are; never those of messages
    /// about authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_data: Option<Text<Hex<'a>>>,
    /// The same of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_data: Option<Text<Hex<'a>>>,
}

impl<'a> Dnp3<'a> {
    pub(super) fn of(exchange: &dnp3::Exchange<'a>, latency_us: Option<u64>) -> Self {
        let request = exchange.request.and_then(Fragment::parse);
        let response = exchange.response.and_then(Fragment::parse);
        let (asked, answered) = match exchange.relation {
            Relation::Link(link) => (link.request.is_some(), link.response.is_some()),
            _ => (exchange.request.is_some(), exchange.response.is_some()),
        };
        let ends = (exchange.master, exchange.outstation);
        let (source, destination) = if asked { ends } else { (ends.1, ends.0) };
        let first = request.or(response);
        Self {
            source,
            destination,
            responder: exchange.responder,
            function: first.map(|fragment| fragment.function.0),
            function_name: first.and_then(|fragment| fragment.function.name()),
            response_function: response.map(|fragment| fragment.function.0),
            iin: response.and_then(|fragment| fragment.indications).map(Names),
            sequence: first.map(|fragment| fragment.control.sequence()),
            request_control: request.and_then(ControlBits::of),
            response_control: response.and_then(ControlBits::of),
            part: exchange.part,
            matched: asked && answered,
            latency_us,
            relations: Relations::of(&exchange.relation, response),
            objects: Objects { request, response },
            request_data: request.and_then(unfollowed),
            response_data: response.and_then(unfollowed),
        }
    }
}

/// The octets of a fragment that cannot be followed, if there are any and they may be shown.
fn unfollowed(fragment: Fragment<'_>) -> Option<Text<Hex<'_>>> {
    let octets = fragment.unfollowed();
    (!octets.is_empty() && !is_about_secrets(&fragment, octets)).then_some(Text(Hex(octets)))
}

/// Whether a fragment is about authentication, so that octets of it that cannot be followed may hold a password or a key.
fn is_about_secrets(fragment: &Fragment<'_>, unfollowed: &[u8]) -> bool {
    let by_function = matches!(
        fragment.function,
        Function::AUTHENTICATE_FILE
            | Function::AUTHENTICATE_REQ
            | Function::AUTH_REQ_NO_ACK
            | Function::AUTHENTICATE_RESP
    );
    by_function
        || matches!(unfollowed, [70 | 120, ..])
        || fragment.headers().flatten().any(|header| hides_octets(&header))
}

/// The names of the bits of an application control octet that are set.
struct ControlBits(dnp3::Control);

impl ControlBits {
    fn of(fragment: Fragment<'_>) -> Option<Self> {
        (!fragment.control.is_plain()).then_some(Self(fragment.control))
    }
}

impl Serialize for ControlBits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.names())
    }
}

/// The names of the internal indications that are set.
struct Names(Indications);

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.names())
    }
}

/// Every object header of the request, then of the response.
struct Objects<'a> {
    request: Option<Fragment<'a>>,
    response: Option<Fragment<'a>>,
}

impl Serialize for Objects<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request = self.request.map(|fragment| ("request", fragment));
        let response = self.response.map(|fragment| ("response", fragment));
        serializer.collect_seq(
            request
                .into_iter()
                .chain(response)
                .flat_map(|(from, fragment)| fragment.headers().flatten().map(move |header| Object::of(from, &header))),
        )
    }
}

/// An object header with the points behind it.
#[derive(Serialize, JsonSchema)]
struct Object<'a> {
    /// Whose object header it is.
    #[schemars(extend("enum" = ["request", "response"]))]
    from: &'static str,
    /// Object group.
    group: u8,
    /// Object variation.
    variation: u8,
    /// What the objects of the group are.
    #[serde(skip_serializing_if = "Option::is_none")]
    group_name: Option<&'static str>,
    /// The format of the variation.
    #[serde(skip_serializing_if = "Option::is_none")]
    variation_name: Option<&'static str>,
    /// Qualifier code.
    qualifier: u8,
    /// First and last index, where the qualifier gives them.
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<[u32; 2]>,
    /// How many objects, where the qualifier gives a count.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    /// The objects.
    #[schemars(with = "Vec<PointRecord<'a>>")]
    points: PointList<'a>,
}

impl<'a> Object<'a> {
    fn of(from: &'static str, header: &ObjectHeader<'a>) -> Self {
        let (range, count) = match header.range {
            Range::All => (None, None),
            Range::Indexes { start, stop } | Range::Addresses { start, stop } => (Some([start, stop]), None),
            Range::Count(count) => (None, Some(count)),
        };
        Self {
            from,
            group: header.group,
            variation: header.variation,
            group_name: header.known_group().map(Group::name),
            variation_name: header.known_variation().map(Variation::name),
            qualifier: header.qualifier.0,
            range,
            count,
            points: PointList(*header),
        }
    }
}

struct PointList<'a>(ObjectHeader<'a>);

impl Serialize for PointList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.points().map(|point| PointRecord::of(&self.0, point)))
    }
}

/// One object. A control, a file object and the like have their fields in place of a value.
#[derive(Serialize, JsonSchema, Default)]
struct PointRecord<'a> {
    /// Index of the point, or the place behind the header if objects have none.
    index: u32,
    /// Its value: a number where it is one, "NaN", "Infinity" or "-Infinity" where it is none; bits are 0 and 1, double
    /// bits 0 to 3, octets hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<ValueRecord<'a>>,
    /// The control that is commanded or echoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    control: Option<Control>,
    /// Names of the flags that are set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<&'static str>")]
    flags: Option<Flags>,
    /// Time of the value or event.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<DeviceTime>,
    /// Milliseconds after a common time that the fragment does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_offset_ms: Option<u16>,
    /// Control status code.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u8>,
    /// Its name, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_name: Option<&'static str>,
    /// The association that a security statistic belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    association: Option<u16>,
    /// What a security statistic counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    statistic: Option<&'static str>,
    /// The device attribute that the value is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute: Option<Box<Attribute>>,
    /// What an object of file control says.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<Box<File<'a>>>,
    /// What an object of secure authentication says.
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication: Option<Box<Authentication<'a>>>,
    /// What an object of a data set says.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_set: Option<Box<DataSet<'a>>>,
    /// What a device says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<Box<Device<'a>>>,
}

impl<'a> PointRecord<'a> {
    fn of(header: &ObjectHeader<'a>, point: Point<'a>) -> Self {
        let (time, time_offset_ms) = match point.time {
            Some(Time::Absolute(ms)) => (Some(DeviceTime { ms }), None),
            Some(Time::Relative(ms)) => (None, Some(ms)),
            None => (None, None),
        };
        let record = Self {
            index: point.index,
            flags: point.flags.map(Flags),
            time,
            time_offset_ms,
            status: point.status.map(|status| status.0),
            status_name: point.status.and_then(dnp3::Status::name),
            association: point.association,
            statistic: point.association.and_then(|_| security_statistic(point.index)),
            ..Self::default()
        };
        record.valued(header, &point)
    }

    fn valued(self, header: &ObjectHeader<'a>, point: &Point<'a>) -> Self {
        match point.value {
            Value::None => self,
            Value::Control(crob) => Self { control: Some(Control::from(crob)), ..self },
            Value::File(object) => Self { file: Some(Box::new(object.into())), ..self },
            Value::Auth(object) => Self { authentication: Some(Box::new(object.into())), ..self },
            Value::DataSet(object) => Self { data_set: Some(Box::new(object.into())), ..self },
            Value::Device(object) => Self { device: Some(Box::new(object.into())), ..self },
            Value::Attribute(attribute) => {
                let name = header.known_variation().filter(|_| point.index == 0).map(Variation::name);
                let value = Some(ValueRecord(attribute.value()));
                Self { value, attribute: Some(Box::new(Attribute::of(attribute, name))), ..self }
            }
            Value::Octets(_) if hides_octets(header) => self,
            value => Self { value: Some(ValueRecord(value)), ..self },
        }
    }
}

/// Whether octets that fit no field may hold a password or a key.
const fn hides_octets(header: &ObjectHeader<'_>) -> bool {
    matches!((header.group, header.variation), (70, 2) | (120, _))
}

/// A value: a number where it is one; bits are 0 and 1, double bits 0 to 3.
struct ValueRecord<'a>(Value<'a>);

impl Serialize for ValueRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Bit(bit) => serializer.serialize_u8(bit.into()),
            Value::DoubleBit(state) => serializer.serialize_u8(state as u8),
            Value::Integer(number) => serializer.serialize_i64(number),
            Value::Real(number) if number.is_finite() => serializer.serialize_f64(number),
            Value::Real(number) => serializer.serialize_str(not_finite(number)),
            Value::Time(ms) => DeviceTime { ms }.serialize(serializer),
            Value::Schedule { start_ms, interval, unit } => {
                Schedule { start: DeviceTime { ms: start_ms }, interval, unit: unit.name() }.serialize(serializer)
            }
            Value::Text(text) => serializer.collect_str(&String::from_utf8_lossy(text)),
            Value::Octets(octets) => Text(Hex(octets)).serialize(serializer),
            _ => serializer.serialize_none(),
        }
    }
}

/// JSON has no such numbers.
const fn not_finite(number: f64) -> &'static str {
    if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

impl JsonSchema for ValueRecord<'_> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let schedule = generator.subschema_for::<Schedule>();
        json_schema!({"anyOf": [{"type": ["number", "string"]}, schedule]})
    }
}

#[derive(Serialize, JsonSchema)]
struct Schedule {
    /// When it starts.
    start: DeviceTime,
    /// How many units lie between two times.
    interval: u32,
    /// The unit of the interval, if it is not reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
}

/// The fields of a control relay output block.
#[derive(Serialize, JsonSchema)]
struct Control {
    /// Control code octet.
    code: u8,
    /// Operation type.
    operation: &'static str,
    /// Trip/close code.
    trip_close: &'static str,
    /// The queue bit is set.
    #[serde(skip_serializing_if = "is_false")]
    queue: bool,
    /// The clear bit is set.
    #[serde(skip_serializing_if = "is_false")]
    clear: bool,
    /// How often it is executed.
    count: u8,
    /// How long the output is on, in milliseconds.
    on_time_ms: u32,
    /// How long it is off, in milliseconds.
    off_time_ms: u32,
}

impl From<Crob> for Control {
    fn from(crob: Crob) -> Self {
        Self {
            code: crob.code,
            operation: crob.operation().name(),
            trip_close: crob.trip_close().name(),
            queue: crob.queue(),
            clear: crob.clear(),
            count: crob.count,
            on_time_ms: crob.on_time_ms,
            off_time_ms: crob.off_time_ms,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// The names of the flags that are set.
struct Flags(dnp3::objects::Flags);

impl Serialize for Flags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.names())
    }
}

/// Text, unless it is empty.
fn text(octets: &[u8]) -> Option<Cow<'_, str>> {
    (!octets.is_empty()).then(|| String::from_utf8_lossy(octets))
}

/// Octets, unless there are none.
fn hex(octets: &[u8]) -> Option<Text<Hex<'_>>> {
    (!octets.is_empty()).then_some(Text(Hex(octets)))
}
