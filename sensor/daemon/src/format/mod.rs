//! The forms in which an alert reaches those who take it.
//!
//! An alert is told once, as an EVE record and as a line of CEF. Every other form is made from these where it is sent, far
//! from the packets: nothing here knows of the sensor, and nothing of where a message goes.

mod cef;
mod ecs;
mod eve;
mod fit;
mod json;
mod ocsf;
mod plain;

use std::borrow::Cow;

use clap::ValueEnum;
use serde::Deserialize;
use tagout_core::words::CEF_MOST;

pub(crate) use cef::with_fields;
use eve::Eve;

/// How alerts are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON lines in the shape of Suricata's EVE
    #[default]
    #[value(alias = "json")]
    #[serde(alias = "json")]
    Eve,
    /// JSON lines in the Elastic Common Schema
    Ecs,
    /// JSON lines as Detection Findings of the Open Cybersecurity Schema Framework
    Ocsf,
    /// Lines in the Common Event Format, as a gateway sends them
    Cef,
    /// Lines for people, as in mail and chat
    Plain,
}

impl Format {
    /// Bytes that any alert can be told in: what is always kept takes no more.
    pub const fn least(self) -> usize {
        match self {
            Self::Eve | Self::Ecs | Self::Ocsf => 4_096,
            Self::Cef => CEF_MOST,
            Self::Plain => 512,
        }
    }

    /// An alert in this form, on one line and in `most` bytes, but never in fewer than [`Format::least`].
    ///
    /// `eve` is its record and `cef` its line of CEF. What does not fit is left out in a stated order; ids, time, signature,
    /// severity, actor, device, point and action stay.
    pub fn write<'a>(self, eve: &'a str, cef: &'a str, most: usize) -> Cow<'a, str> {
        let most = most.max(self.least());
        match self {
            Self::Cef => Cow::Borrowed(cef),
            Self::Eve if eve.len() <= most => Cow::Borrowed(eve),
            _ => Cow::Owned(self.render(Eve::parse(eve), most)),
        }
    }

    fn render(self, eve: Eve, most: usize) -> String {
        match self {
            Self::Eve => fit::fitted(eve, most, Eve::to_string),
            Self::Ecs => fit::fitted(eve, most, |eve| ecs::document(eve).to_string()),
            Self::Ocsf => fit::fitted(eve, most, |eve| ocsf::document(eve).to_string()),
            Self::Cef | Self::Plain => plain::line(&eve, most),
        }
    }
}

#[cfg(test)]
mod tests;
