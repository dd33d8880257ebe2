use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, PublishProperties};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use rumqttc::{TlsConfiguration, Transport};
use serde::Deserialize;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use ureq::http::Uri;

use super::{Destination, Message, Sent, Trouble, host_name, tls, token};
use crate::Failure;
use crate::delivery::config::TlsTable;
use crate::secret::Place;

/// How long a broker may take for a connection, or to acknowledge a group of messages.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Nothing is sent between two groups of messages, so that no more than this can be promised: all that there is (MQTT 5.0, 3.1.2.10).
const LONGEST_SILENCE: Duration = Duration::from_secs(u16::MAX as u64);
/// Messages that it takes at once.
const MOST: usize = 64;

/// `[destination.mqtt]`: a topic of an MQTT broker.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub(in crate::delivery) struct MqttTable {
    /// Where it is: `mqtt://broker.example:1883` or `mqtts://broker.example:8883`.
    pub(in crate::delivery) url: String,
    /// Topic of messages; `{kind}` stands for `alert`, `sensor`, `event` or `heartbeat`, `{host}` for the sensor's name.
    #[serde(default = "default_topic")]
    topic: String,
    /// What the broker knows the sensor by; `tagout-` with its name if left out.
    client_id: Option<String>,
    /// Who it says to be.
    user: Option<String>,
    /// File that holds that user's password.
    pub(in crate::delivery) password_file: Option<Place>,
    /// How the broker is trusted, and how it trusts the sensor.
    pub(in crate::delivery) tls: Option<TlsTable>,
}

fn default_topic() -> String {
    "tagout/{host}/{kind}".to_owned()
}

/// Has a message when the broker has taken responsibility for it: MQTT 5, quality of service 1. The user property `id` is the
/// notice's id, by which a receiver takes what comes twice as one.
pub(in crate::delivery) struct Mqtt {
    table: MqttTable,
    host: String,
    options: MqttOptions,
    runtime: Runtime,
    session: Option<Session>,
}

/// A connection to the broker; it begins with the first message.
struct Session {
    client: AsyncClient,
    events: EventLoop,
}

impl Mqtt {
    pub(in crate::delivery) fn open(table: &MqttTable) -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::Io(format!("cannot prepare for MQTT: {error}")))?;
        let host = token(&host_name());
        Ok(Self { options: options(table, &host)?, host, table: table.clone(), runtime, session: None })
    }

    fn bring(&mut self, mut session: Session, messages: &[Message]) -> Result<Sent, Trouble> {
        let topic = self.table.topic.replace("{host}", &self.host);
        let outgoing = messages.iter().map(|message| (topic.replace("{kind}", message.notice.kind.name()), message));
        let outgoing: Vec<(String, &Message)> = outgoing.collect();
        let late = |_| Err(Trouble::later("the broker acknowledges nothing"));
        self.runtime.block_on(async { timeout(TIMEOUT, session.publish(outgoing)).await.unwrap_or_else(late) })?;
        self.session = Some(session);
        Ok(Sent::all(messages.len()))
    }
}

impl Destination for Mqtt {
    fn most(&self) -> usize {
        MOST
    }

    fn send(&mut self, messages: &[Message]) -> Result<Sent, Trouble> {
        let known = self.session.take().map(|session| self.bring(session, messages));
        let sent = match known {
            // A broker that went away since then says so only now.
            None | Some(Err(Trouble::Later(_))) => self.bring(Session::begin(&self.options), messages),
            Some(sent) => sent,
        };
        match (sent, messages) {
            // Which of several it means is not sure, so that each goes by itself before one is given up.
            (Err(Trouble::Refused(_)), [first, _, ..]) => self.send(std::slice::from_ref(first)),
            (Err(Trouble::Later(why)), _) => Err(Trouble::Later(format!("{}: {why}", self.table.url))),
            (sent, _) => sent,
        }
    }
}

impl Session {
    fn begin(options: &MqttOptions) -> Self {
        let (client, events) = AsyncClient::new(options.clone(), MOST);
        Self { client, events }
    }

    /// Gives all messages to the broker, then waits until it has acknowledged each.
    async fn publish(&mut self, messages: Vec<(String, &Message)>) -> Result<(), Trouble> {
        let mut open = messages.len();
        for (topic, message) in messages {
            let properties = PublishProperties {
                payload_format_indicator: Some(1),
                user_properties: vec![("id".to_owned(), message.notice.id.clone())],
                ..PublishProperties::default()
            };
            self.client
                .try_publish_with_properties(topic, QoS::AtLeastOnce, false, message.text.clone(), properties)
                .map_err(Trouble::later)?;
        }
        while open > 0 {
            if let Event::Incoming(Packet::PubAck(answer)) = self.events.poll().await.map_err(Trouble::later)? {
                judge(answer.reason)?;
                open -= 1;
            }
        }
        Ok(())
    }
}

/// What an acknowledgement means (MQTT 5.0, 3.4.2.1).
fn judge(reason: PubAckReason) -> Result<(), Trouble> {
    match reason {
        PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
        PubAckReason::PayloadFormatInvalid => Err(Trouble::Refused("the broker calls it malformed".to_owned())),
        reason => Err(Trouble::later(format!("the broker refuses messages: {reason:?}"))),
    }
}

fn options(table: &MqttTable, host: &str) -> Result<MqttOptions, Failure> {
    let wrong = |why: &str| Failure::Usage(format!("mqtt.url: `{}` {why}", table.url));
    let url: Uri = table.url.parse().map_err(|error| wrong(&format!("is no address: {error}")))?;
    let (is_secure, usual) = match url.scheme_str() {
        Some("mqtt") => (false, 1_883),
        Some("mqtts") => (true, 8_883),
        _ => return Err(wrong("begins neither with mqtt:// nor with mqtts://")),
    };
    let id = table.client_id.clone().unwrap_or_else(|| format!("tagout-{host}"));
    let name = url.host().ok_or_else(|| wrong("names no host"))?.trim_matches(['[', ']']);
    let mut options = MqttOptions::new(id, name, url.port_u16().unwrap_or(usual));
    options.set_keep_alive(LONGEST_SILENCE).set_clean_start(true).set_connection_timeout(TIMEOUT.as_secs());
    if let Some(user) = &table.user {
        let password = table.password_file.as_ref().map(Place::read).transpose()?;
        options.set_credentials(user, password.as_ref().map_or("", |password| password.text()));
    }
    if is_secure {
        let config = tls::client(&tls::by_address(table.tls.as_ref())?)?;
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(config)));
    } else {
        TlsTable::refuse_for(table.tls.as_ref(), &table.url, "mqtts://")?;
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> MqttTable {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn an_address_tells_port_and_trust() {
        for (url, port) in [("mqtt://[::1]", 1_883), ("mqtts://broker", 8_883), ("mqtt://broker:1884", 1_884)] {
            let options = options(&table(&format!("url = \"{url}\"")), "plant-7").unwrap();
            assert_eq!((options.broker_address().1, options.client_id()), (port, "tagout-plant-7".to_owned()));
        }
        for text in ["url = \"broker:1883\"", "url = \"http://broker\"", "url = \"mqtt://broker\"\ntls = {}"] {
            assert!(matches!(options(&table(text), ""), Err(Failure::Usage(_))), "{text}");
        }
    }

    #[test]
    fn what_a_broker_cannot_take_now_is_kept() {
        assert!(judge(PubAckReason::NoMatchingSubscribers).is_ok());
        assert!(matches!(judge(PubAckReason::NotAuthorized), Err(Trouble::Later(_))));
        assert!(matches!(judge(PubAckReason::PayloadFormatInvalid), Err(Trouble::Refused(_))));
    }
}
