use std::borrow::Cow;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tagout_core::Timestamp;
use tagout_core::words::Utc;

/// A capture time as records write it: UTC to the microsecond, `2024-01-01T00:00:00.000000+0000`, as Suricata does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Stamp(pub Timestamp);

impl Stamp {
    /// The time on this machine's clock, which stamps live frames too.
    pub(crate) fn now() -> Self {
        SystemTime::now().into()
    }

    fn text(self) -> [u8; 31] {
        let mut text = *b"0000-00-00T00:00:00.000000+0000";
        text.first_chunk_mut().into_iter().for_each(|time| *time = Utc(self.0).text());
        text
    }
}

impl From<SystemTime> for Stamp {
    fn from(time: SystemTime) -> Self {
        let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(Timestamp(since_epoch.as_nanos().try_into().unwrap_or(u64::MAX)))
    }
}

impl Serialize for Stamp {
    // Every event tells three times: a formatter would take twice as long.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        let time: jiff::Timestamp = text.parse().map_err(de::Error::custom)?;
        Ok(Self(Timestamp(u64::try_from(time.as_nanosecond()).unwrap_or_default())))
    }
}

impl JsonSchema for Stamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Stamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+0000$"})
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.text()).unwrap_or_default())
    }
}

/// A time that a device or its master tells, in milliseconds since 1970: as a [`Stamp`], but up to the year 9999.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct DeviceTime {
    pub(super) ms: u64,
}

impl fmt::Display for DeviceTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ns) = self.ms.checked_mul(1_000_000) {
            return Stamp(Timestamp(ns)).fmt(f);
        }
        let time = self.ms.try_into().ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        time.unwrap_or(jiff::Timestamp::MAX).strftime("%Y-%m-%dT%H:%M:%S%.6f+0000").fmt(f)
    }
}

impl Serialize for DeviceTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for DeviceTime {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Stamp::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Stamp::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_devices_reach_beyond_those_of_captures() {
        let cases = [
            (0, "1970-01-01T00:00:00.000000+0000"),
            (18_446_744_073_709, "2554-07-21T23:34:33.709000+0000"),
            (20_000_000_000_000, "2603-10-11T11:33:20.000000+0000"),
            ((1 << 48) - 1, "9999-12-30T22:00:00.999999+0000"),
        ];
        for (ms, expected) in cases {
            assert_eq!(DeviceTime { ms }.to_string(), expected, "{ms}");
        }
    }
}
