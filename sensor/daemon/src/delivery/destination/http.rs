//! What is the same for everybody who is posted to.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use ureq::http::{HeaderMap, StatusCode, Uri, header};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Proxy, ProxyProtocol};

use super::{Trouble, tls};
use crate::Failure;
use crate::delivery::config::TlsTable;
use crate::secret::Place;

/// How long a whole request may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read; no more is of interest.
const MOST_ANSWER: u64 = 64 << 10;
/// As long as this a server may put the sensor off at most.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// `proxy` of a destination: who passes connections on to it when asked to by CONNECT (RFC 9110, 9.3.6), and finds its address.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub(in crate::delivery) struct ProxyTable {
    /// Where it is, as `http://proxy.example:3128`.
    pub(in crate::delivery) url: String,
    /// Who the sensor says to be (Basic, RFC 7617).
    user: Option<String>,
    /// File that holds that user's password.
    pub(in crate::delivery) password_file: Option<Place>,
}

impl ProxyTable {
    fn open(&self) -> Result<Proxy, Failure> {
        let wrong = || Failure::Usage(format!("proxy.url: `{}` is no http:// address of a proxy", self.url));
        let url: Uri = self.url.parse().map_err(|_| wrong())?;
        let host = url.host().filter(|_| url.scheme_str() == Some("http")).ok_or_else(wrong)?;
        let mut proxy = Proxy::builder(ProxyProtocol::Http).host(host).port(url.port_u16().unwrap_or(80));
        if let Some(user) = &self.user {
            let password = self.password_file.as_ref().map(Place::read).transpose()?;
            proxy = proxy.username(user).password(password.as_ref().map_or("", |password| password.text()));
        }
        proxy.build().map_err(|_| wrong())
    }
}

/// Posts to one server.
pub(super) struct Client {
    agent: Agent,
    url: String,
    /// The server, and how it is reached, for people.
    place: String,
    headers: Vec<(&'static str, String)>,
}

/// What a server answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// How long it asks to be left alone.
    wait: Option<Duration>,
    pub(super) body: String,
}

impl Answer {
    fn words(&self) -> String {
        let said: String = self.body.chars().filter(|character| !character.is_control()).take(200).collect();
        format!("answers {}: {said}", self.status)
    }
}

impl Client {
    pub(super) fn open(url: &str, tls: Option<&TlsTable>, proxy: Option<&ProxyTable>) -> Result<Self, Failure> {
        let is_secure = url.starts_with("https://");
        if !is_secure && !url.starts_with("http://") {
            return Err(Failure::Usage(format!("`{url}` is no https:// address")));
        }
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(proxy.map(ProxyTable::open).transpose()?)
            .user_agent(concat!("tagout/", env!("CARGO_PKG_VERSION")));
        let config = if is_secure {
            config.tls_config(tls_config(tls)?)
        } else {
            TlsTable::refuse_for(tls, url, "https://")?;
            config
        };
        let url = url.trim_end_matches('/').to_owned();
        let place = proxy.map_or_else(|| url.clone(), |proxy| format!("{url} by way of {}", proxy.url));
        Ok(Self { agent: config.build().into(), url, place, headers: Vec::new() })
    }

    /// The same client, which shows this with every request.
    pub(super) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Posts to a path below the address.
    pub(super) fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer, Trouble> {
        let mut request = self.agent.post(format!("{}{path}", self.url)).content_type("application/json");
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request.send(body).map_err(|error| self.trouble(&error.to_string()))?;
        let mut text = Vec::new();
        let read = response.body_mut().as_reader().take(MOST_ANSWER).read_to_end(&mut text);
        read.map_err(|error| self.trouble(&error.to_string()))?;
        let (status, wait) = (response.status(), retry_after(response.headers(), SystemTime::now()));
        Ok(Answer { status, wait, body: String::from_utf8_lossy(&text).into_owned() })
    }

    /// Takes an answer that is no success for what it is.
    pub(super) fn refusal(&self, answer: &Answer) -> Trouble {
        match answer.status {
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
                Trouble::Refused(answer.words())
            }
            _ => self.unwilling(answer),
        }
    }

    /// Takes an answer that is no success for one that has nothing to do with what was sent.
    pub(super) fn unwilling(&self, answer: &Answer) -> Trouble {
        let why = self.at(&answer.words());
        match (answer.status, answer.wait) {
            (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, Some(wait)) => {
                Trouble::NotBefore(wait, why)
            }
            _ => Trouble::Later(why),
        }
    }

    fn trouble(&self, why: &str) -> Trouble {
        Trouble::Later(self.at(why))
    }

    fn at(&self, why: &str) -> String {
        format!("{}: {why}", self.place)
    }
}

/// `Retry-After` (RFC 9110, 10.2.3): seconds, or a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let told = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let until = || SystemTime::from(jiff::fmt::rfc2822::parse(told).ok()?.timestamp()).duration_since(now).ok();
    let wait = told.parse().map(Duration::from_secs).ok().or_else(until)?;
    Some(wait.min(LONGEST_WAIT))
}

fn tls_config(table: Option<&TlsTable>) -> Result<TlsConfig, Failure> {
    let table = tls::by_address(table)?;
    let roots = tls::trusted(&table)?.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
    let identity = tls::identity(&table)?.map(|identity| {
        let chain: Vec<_> = identity.chain.iter().map(|link| Certificate::from_der(link).to_owned()).collect();
        let no_key = |error| Failure::Usage(format!("{}: holds no private key in PEM: {error}", identity.key));
        let key = PrivateKey::from_pem(identity.key.read()?.text().as_bytes()).map_err(no_key)?;
        Ok(ClientCert::new_with_certs(&chain, key))
    });
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(crate::tls::provider())
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .client_cert(identity.transpose()?)
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_to_be_left_alone_is_for_a_while() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_460);
        for (told, seconds) in [
            ("20", Some(20)),
            ("0", Some(0)),
            ("86400", Some(300)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(20)),
            ("Wed, 21 Oct 2015 07:27:00 GMT", None),
            ("-1", None),
            ("soon", None),
        ] {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, told.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs), "{told}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn a_server_is_left_alone_where_it_has_too_much_to_do() {
        let client = Client::open("http://127.0.0.1", None, None).unwrap();
        let of = |status: u16, wait| {
            let answer = Answer { status: status.try_into().unwrap(), wait, body: String::new() };
            client.refusal(&answer)
        };
        let wait = Duration::from_secs(20);
        assert!(matches!(of(429, Some(wait)), Trouble::NotBefore(told, _) if told == wait));
        assert!(matches!(of(503, Some(wait)), Trouble::NotBefore(told, _) if told == wait));
        assert!(matches!(of(429, None), Trouble::Later(_)) && matches!(of(500, Some(wait)), Trouble::Later(_)));
    }
}
