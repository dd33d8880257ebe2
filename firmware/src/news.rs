//! What the gateway tells of itself, as messages that are kept until a collector has them.

use core::fmt::{self, Write};
use core::net::Ipv4Addr;

use tagout_core::Timestamp;
use tagout_core::engine::Severity;
use tagout_core::words::Topic;

use crate::board::{Start, Started};
use crate::refusal::Refusal;
use crate::syslog::{Header, Kept};

/// Something that happened to the gateway.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum News {
    /// It started.
    Started(Started),
    /// A package in flash cannot be used any more.
    Damaged(Refusal),
    /// A manager's update was refused.
    Refused(Ipv4Addr, Refusal),
    /// Somebody who is no manager connected to the update port.
    Stranger(Ipv4Addr),
    /// The package of this version comes into force with the restart that follows.
    Updated(Ipv4Addr, u64),
}

impl News {
    /// What stands before the news as a message.
    pub(crate) const fn header(self, time: Option<Timestamp>) -> Header {
        Header { time, severity: self.severity(), topic: Topic::Sensor }
    }

    /// Writes the news as a message.
    pub(crate) fn write(self, kept: &mut Kept) -> fmt::Result {
        write!(kept, "CEF:0|tagout|gateway|{}|{}|", env!("CARGO_PKG_VERSION"), self.signature())?;
        write!(kept, "{}|", if self.severity() == Severity::High { 8 } else { 3 })?;
        self.extension(kept)
    }

    const fn severity(self) -> Severity {
        match self {
            Self::Started(Started { because: Start::Power | Start::Asked, .. }) | Self::Updated(..) => Severity::Low,
            Self::Started(_) | Self::Damaged(_) | Self::Refused(..) | Self::Stranger(_) => Severity::High,
        }
    }

    /// Its id, and what happened in a few words.
    const fn signature(self) -> &'static str {
        match self {
            Self::Started(..) => "start|Started",
            Self::Damaged(_) => "package-damaged|A package in flash cannot be used",
            Self::Refused(..) => "update-refused|An update was refused",
            Self::Stranger(_) => "stranger|Somebody who is no manager connected to the update port",
            Self::Updated(..) => "updated|A package was taken",
        }
    }

    fn extension(self, kept: &mut Kept) -> fmt::Result {
        match self {
            Self::Started(Started { because, restarts, build }) => {
                write!(kept, "start={} restarts={restarts} build={build}", because.name())
            }
            Self::Damaged(refusal) => write!(kept, "msg={}", refusal.words()),
            Self::Refused(ip, refusal) => write!(kept, "src={ip} reason={} msg={}", refusal as u8, refusal.words()),
            Self::Stranger(ip) => write!(kept, "src={ip}"),
            Self::Updated(ip, version) => write!(kept, "src={ip} package={version}"),
        }
    }
}
