use serde::Deserialize;

use super::http::{Client, ProxyTable};
use super::{Destination, Message, Sent, Trouble};
use crate::Failure;
use crate::delivery::config::TlsTable;
use crate::secret::Place;

/// `[destination.webhook]`: a request for each message.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub(in crate::delivery) struct WebhookTable {
    /// Where to post.
    pub(in crate::delivery) url: String,
    /// File whose content is sent as `Authorization: Bearer …`.
    pub(in crate::delivery) token_file: Option<Place>,
    /// How the server is trusted, and how it trusts the sensor.
    pub(in crate::delivery) tls: Option<TlsTable>,
    /// Who passes requests on to it.
    pub(in crate::delivery) proxy: Option<ProxyTable>,
}

/// Has a message when it answers with 2xx. `Idempotency-Key` is the notice's id, the same if it comes twice.
pub(in crate::delivery) struct Webhook(Client);

impl Webhook {
    pub(in crate::delivery) fn open(table: &WebhookTable) -> Result<Self, Failure> {
        let client = Client::open(&table.url, table.tls.as_ref(), table.proxy.as_ref())?;
        let Some(token) = &table.token_file else { return Ok(Self(client)) };
        Ok(Self(client.with_header("Authorization", format!("Bearer {}", token.read()?.text()))))
    }
}

impl Destination for Webhook {
    fn most(&self) -> usize {
        1
    }

    fn send(&mut self, messages: &[Message]) -> Result<Sent, Trouble> {
        let Some(message) = messages.first() else { return Ok(Sent::all(0)) };
        let answer = self.0.post("", &[("Idempotency-Key", &message.notice.id)], &message.text)?;
        if answer.status.is_success() { Ok(Sent::all(1)) } else { Err(self.0.refusal(&answer)) }
    }
}
