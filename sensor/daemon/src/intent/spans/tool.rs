use serde::Deserialize;
use serde::de::{self, Deserializer};
use serde_json::{Map, Value};
use tagout_core::engine::Kind;

use super::Call;
use crate::intent::claims::{AddressSpace, Operation};

/// What a call of a tool means. Keys name its arguments, where they do not say what is the same for every call.
#[derive(Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct Tool {
    /// The tool's name.
    pub(super) name: String,
    /// Arguments, with what they are, by which a call means this, where a tool can mean several things.
    #[serde(default)]
    pub(super) when: Map<String, Value>,
    /// What it does.
    pub(super) operation: Option<Operation>,
    /// Arguments that tell the device: those that a call has, with a slash between them.
    #[serde(default)]
    pub(super) device: Vec<String>,
    /// Argument that names a point.
    pub(super) point: Option<String>,
    /// What is numbered; may be left out where the number tells.
    pub(super) space: Option<AddressSpace>,
    /// Argument with the first address.
    pub(super) address: Option<String>,
    /// How addresses are counted.
    #[serde(default)]
    pub(super) base: Base,
    /// Argument with the value, or a list of them.
    pub(super) value: Option<String>,
    /// Argument of a mask write: bits that stay.
    pub(super) and_mask: Option<String>,
    /// Argument of a mask write: bits that are set.
    pub(super) or_mask: Option<String>,
    /// The type in which a value goes into registers; if left out, each is a register as it is.
    #[serde(rename = "type", default, deserialize_with = "kind")]
    pub(super) kind: Option<Kind>,
    /// Which register of a wider value comes first.
    #[serde(default)]
    pub(super) words: Words,
    /// A value is the number in the registers times this,
    #[serde(default = "unscaled")]
    pub(super) scale: f64,
    /// plus this.
    #[serde(default)]
    pub(super) offset: f64,
    /// How many commands a call takes.
    pub(super) frames: Option<u32>,
    /// What arguments are where a call leaves them out.
    #[serde(default)]
    pub(super) defaults: Map<String, Value>,
}

/// How a tool counts addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Base {
    /// The number of the first address, such as 0, 1 or 40001.
    From(u32),
    /// A reference number, of which the first digit tells the space (1 is the first coil, 40001 the first holding register).
    Reference,
}

impl Default for Base {
    fn default() -> Self {
        Self::From(0)
    }
}

impl<'de> Deserialize<'de> for Base {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        match (number, value.as_str()) {
            (Some(number), _) => Ok(Self::From(number)),
            (None, Some("reference")) => Ok(Self::Reference),
            _ => Err(de::Error::custom("expected the number of the first address, or \"reference\"")),
        }
    }
}

/// Which register of a wider value comes first.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Words {
    #[default]
    HighFirst,
    LowFirst,
}

const fn unscaled() -> f64 {
    1.0
}

fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Kind>, D::Error> {
    let word = String::deserialize(deserializer)?;
    let known = Kind::from_name(&word).filter(|kind| *kind != Kind::Native);
    known.map(Some).ok_or_else(|| {
        let words: Vec<_> = Kind::ALL.iter().filter(|kind| **kind != Kind::Native).map(|kind| kind.name()).collect();
        de::Error::custom(format_args!("{word:?} is none of {}", words.join(", ")))
    })
}

impl Tool {
    /// Whether a call means this. Without its arguments, nothing speaks against it.
    pub(super) fn is_of(&self, call: &Call) -> bool {
        let says = |(name, value): (&String, &Value)| {
            call.arguments.as_ref().is_none_or(|given| given.get(name) == Some(value))
        };
        self.name == call.tool && self.when.iter().all(says)
    }

    /// The registers of a value, as this tool writes it; `None` if it does not fit its type.
    pub(super) fn registers(&self, value: f64) -> Option<Vec<u16>> {
        let raw = (value - self.offset) / self.scale;
        let Some(kind) = self.kind else { return wrapped(raw).map(|register| vec![register]) };
        let bits = match kind {
            Kind::F32 => u64::from((raw as f32).to_bits()),
            Kind::F64 => raw.to_bits(),
            Kind::Native | Kind::U16 => whole(raw, 0.0, 65_535.0)? as u64,
            Kind::U32 => whole(raw, 0.0, 4_294_967_295.0)? as u64,
            Kind::U64 => whole(raw, 0.0, LARGEST)? as u64,
            Kind::I16 => whole(raw, -32_768.0, 32_767.0)? as u64,
            Kind::I32 => whole(raw, -2_147_483_648.0, 2_147_483_647.0)? as u64,
            Kind::I64 => whole(raw, -LARGEST, LARGEST)? as u64,
        };
        let words = (0..u32::from(kind.width())).map(|place| (bits >> (16 * place)) as u16);
        Some(if self.words == Words::LowFirst { words.collect() } else { words.rev().collect() })
    }
}

/// Whole numbers up to here are exact.
const LARGEST: f64 = 9_007_199_254_740_992.0;

fn whole(number: f64, least: f64, most: f64) -> Option<i64> {
    let number = number.round();
    (number >= least && number <= most).then_some(number as i64)
}

/// A register as it is, of which a negative number is the two's complement.
fn wrapped(number: f64) -> Option<u16> {
    whole(number, -32_768.0, 65_535.0).filter(|_| number.fract() == 0.0).map(|number| number as u16)
}
