//! Where messages go. Each destination says how far its protocol tells that a message has arrived.

mod file;
#[cfg(feature = "tls")]
mod http;
#[cfg(feature = "tls")]
mod mqtt;
#[cfg(feature = "tls")]
mod nats;
#[cfg(feature = "tls")]
mod splunk;
mod stdout;
mod syslog;
#[cfg(feature = "tls")]
pub(super) mod tls;
#[cfg(feature = "tls")]
mod webhook;

use std::fmt::Display;
use std::time::Duration;

use crate::notice::Notice;

pub(super) use file::{FileTable, RotatingFile};
#[cfg(feature = "tls")]
pub(super) use http::ProxyTable;
#[cfg(feature = "tls")]
pub(super) use mqtt::{Mqtt, MqttTable};
#[cfg(feature = "tls")]
pub(crate) use nats::{Access as NatsAccess, options as nats_options};
#[cfg(feature = "tls")]
pub(super) use nats::{Nats, NatsTable};
#[cfg(feature = "tls")]
pub(super) use splunk::{Splunk, SplunkTable};
pub(super) use stdout::{Stdout, StdoutTable};
pub(super) use syslog::{Syslog, SyslogTable};
#[cfg(feature = "tls")]
pub(super) use webhook::{Webhook, WebhookTable};

/// A notice as one destination gets it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Message {
    /// The notice's place in the spool.
    pub(super) sequence: u64,
    /// Counts what this destination gets, from 1, in all the time that the spool knows of.
    pub(super) number: u64,
    /// The notice in the destination's format, on one line.
    pub(super) text: String,
    /// What it is about.
    pub(super) notice: Notice,
}

/// Takes messages.
pub(super) trait Destination: Send {
    /// Messages that it takes at once.
    fn most(&self) -> usize;

    /// Sends messages, and tells how many it took and what has arrived. Whatever it took that has not arrived is under way; a
    /// later call tells more, with no messages if there are none. After an error all that was under way has to be given anew.
    fn send(&mut self, messages: &[Message]) -> Result<Sent, Trouble>;
}

/// What became of messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sent {
    /// So many were taken of those that were given, from the first.
    pub(super) taken: usize,
    /// So many have arrived of all that were taken, now or earlier, from the first that had not.
    pub(super) arrived: usize,
}

impl Sent {
    /// So many were taken, and have arrived.
    pub(super) fn all(messages: usize) -> Self {
        Self { taken: messages, arrived: messages }
    }
}

/// What this machine is called, for receivers that tell sensors apart.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// A name as one level of a subject or topic, which cannot be empty.
#[cfg(feature = "tls")]
fn token(name: &str) -> String {
    let fits = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    let token: String = name.chars().map(|character| if fits(character) { character } else { '_' }).collect();
    if token.is_empty() { "_".to_owned() } else { token }
}

/// Why a destination did not take messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Trouble {
    /// It may take them later: it cannot be reached, is full, or refuses who sends.
    Later(String),
    /// The same, and it says how long not to ask again.
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "only those who answer can say so"))]
    NotBefore(Duration, String),
    /// It will never take the first of them, whoever sends it and when.
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "only those who answer can refuse"))]
    Refused(String),
}

impl Trouble {
    pub(super) fn later(error: impl Display) -> Self {
        Self::Later(error.to_string())
    }
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use super::*;

    #[test]
    fn any_name_makes_one_token() {
        for (name, expected) in
            [("plant-7", "plant-7"), ("a.b c", "a_b_c"), ("", "_"), ("*", "_"), (">", "_"), ("a/+", "a__")]
        {
            assert_eq!(token(name), expected);
        }
    }

    #[test]
    fn nobody_who_asks_for_tls_goes_without() {
        const NO_TLS: &str = "does not ask for TLS";
        const HALF: &str = "are of no use without each other";
        let wrong = [
            ("syslog", "tcp://a:6514", "{ ca = '/nowhere' }", NO_TLS),
            ("syslog", "udp://a:514", "{}", NO_TLS),
            ("webhook", "http://a", "{ ca = '/nowhere' }", NO_TLS),
            ("mqtt", "mqtt://a", "{}", NO_TLS),
            ("syslog", "tls://a:6514", "{ certificate = '/nowhere' }", HALF),
            ("webhook", "https://a", "{ key = '/nowhere' }", HALF),
            ("webhook", "https://a", "{ server_name = 'b' }", "tls.server_name"),
            ("mqtt", "mqtts://a", "{ server_name = 'b' }", "tls.server_name"),
            ("nats", "tls://a", "{ server_name = 'b' }", "tls.server_name"),
        ];
        for (kind, url, tls, expected) in wrong {
            let text = format!("name = 'soc'\n{kind} = {{ url = '{url}', tls = {tls} }}");
            let configured: crate::delivery::config::DestinationTable = toml::from_str(&text).unwrap();
            let said = configured.look().expect_err(&text);
            assert!(said.contains(expected), "{text}: {said}");
        }
    }
}
