//! Who sends, by the certificate that is shown, and of whom that one may tell.

use serde::Deserialize;

use crate::Failure;
use crate::config::one_or_many;
use crate::intent::Refusal;

/// `[[intents.clients]]`: of whom a client may tell that is known by its certificate.
#[derive(Deserialize, Clone, PartialEq, Eq, Default, Debug)]
#[serde(deny_unknown_fields)]
pub struct ClientTable {
    /// The common name of the certificate's subject.
    pub cn: Option<String>,
    /// One of its alternative names: a host.
    pub dns: Option<String>,
    /// One of its alternative names: a URI, as SPIFFE has them.
    pub uri: Option<String>,
    /// SHA-256 of the certificate, in hexadecimal digits, with or without colons.
    pub sha256: Option<String>,
    /// Names of actors of the policy.
    #[serde(deserialize_with = "one_or_many")]
    pub actors: Vec<String>,
}

impl ClientTable {
    /// Looks whether it names one client.
    ///
    /// # Errors
    /// What is wrong.
    pub(in crate::intent) fn check(&self) -> Result<(), Failure> {
        let wrong = |what: &str| Err(Failure::Usage(format!("intents.clients: {what}")));
        let names = [&self.cn, &self.dns, &self.uri, &self.sha256];
        match self.sha256.as_deref().map(digits) {
            _ if names.into_iter().flatten().count() != 1 => {
                wrong("a client is known by one of `cn`, `dns`, `uri` and `sha256`")
            }
            Some(text) if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) => wrong(
                "`sha256` is 64 hexadecimal digits, as `openssl x509 -noout -fingerprint -sha256 -in FILE` tells them",
            ),
            _ => Ok(()),
        }
    }

    #[cfg(feature = "tls")]
    fn is(&self, shown: &Shown) -> bool {
        let host = |name: &String| shown.hosts.iter().any(|host| host.eq_ignore_ascii_case(name));
        self.cn.as_ref().is_some_and(|name| shown.common_name.as_ref() == Some(name))
            || self.dns.as_ref().is_some_and(host)
            || self.uri.as_ref().is_some_and(|uri| shown.uris.contains(uri))
            || self.sha256.as_deref().is_some_and(|text| digits(text) == shown.sha256)
    }
}

/// Without colons, in small letters.
fn digits(text: &str) -> String {
    text.replace(':', "").to_ascii_lowercase()
}

/// Somebody who sends.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Client {
    /// As its certificate calls it.
    name: String,
    /// Of whom it may tell; of everybody if clients are not told apart.
    actors: Option<Vec<String>>,
}

impl Client {
    /// Whose certificate this is (DER), where clients are told apart. One that none of these names may tell of nobody.
    #[cfg(feature = "tls")]
    pub(super) fn of(certificate: &[u8], clients: &[ClientTable]) -> Self {
        if clients.is_empty() {
            return Self::default();
        }
        let shown = Shown::of(certificate);
        let actors = clients.iter().filter(|client| client.is(&shown)).flat_map(|client| client.actors.clone());
        let actors = Some(actors.collect());
        Self { name: shown.common_name.unwrap_or(shown.sha256), actors }
    }

    /// As its certificate calls it, where clients are told apart.
    pub(super) fn name(&self) -> Option<&str> {
        self.actors.as_ref().map(|_| self.name.as_str())
    }

    /// Whether what it tells is a sign of life.
    pub(super) fn may_tell(&self) -> bool {
        self.actors.as_ref().is_none_or(|actors| !actors.is_empty())
    }

    /// Whether it may tell of this actor.
    ///
    /// # Errors
    /// When it may not.
    pub(super) fn speaks_for(&self, actor: &str) -> Result<(), Refusal> {
        match &self.actors {
            Some(actors) if !actors.iter().any(|known| known == actor) => {
                Err(Refusal::NotOfClient { client: self.name.clone(), actor: actor.to_owned() })
            }
            _ => Ok(()),
        }
    }
}

/// What a certificate says of who shows it.
#[cfg(feature = "tls")]
#[derive(Default)]
struct Shown {
    common_name: Option<String>,
    hosts: Vec<String>,
    uris: Vec<String>,
    sha256: String,
}

#[cfg(feature = "tls")]
impl Shown {
    /// Of a certificate (DER), of whose names those count that can be read (RFC 5280, section 4.2.1.6).
    fn of(der: &[u8]) -> Self {
        use sha2::{Digest as _, Sha256};
        use x509_cert::Certificate;
        use x509_cert::der::Decode as _;
        use x509_cert::ext::pkix::SubjectAltName;
        use x509_cert::ext::pkix::name::GeneralName;

        let sha256 = Sha256::digest(der).iter().map(|octet| format!("{octet:02x}")).collect();
        let mut shown = Self { sha256, ..Self::default() };
        let Ok(certificate) = Certificate::from_der(der) else { return shown };
        let certificate = certificate.tbs_certificate();
        let common_name = certificate.subject().common_name().ok().flatten();
        shown.common_name = common_name.map(|name| name.value().into_owned());
        let names = certificate.get_extension::<SubjectAltName>().ok().flatten();
        for name in names.into_iter().flat_map(|(_, SubjectAltName(names))| names) {
            match name {
                GeneralName::DnsName(host) => shown.hosts.push(host.to_string()),
                GeneralName::UniformResourceIdentifier(uri) => shown.uris.push(uri.to_string()),
                _ => {}
            }
        }
        shown
    }
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    /// Of `agent-7`, with the names `agent.example` and `spiffe://plant/agent-7`, by OpenSSL.
    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n\
        MIIBzjCCAXOgAwIBAgIUDtSCi9vtpBzjFDHU/eJlBwGeMcEwCgYIKoZIzj0EAwIw\n\
        IjEOMAwGA1UECgwFUGxhbnQxEDAOBgNVBAMMB2FnZW50LTcwHhcNMjYxMTI5MTg0\n\
        OTUzWhcNMzYxMTI2MTg0OTUzWjAiMQ4wDAYDVQQKDAVQbGFudDEQMA4GA1UEAwwH\n\
        YWdlbnQtNzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKG2oRfXukCGUV0WhQfi\n\
        DJtWoPzifDAxXcsP/Yw9MoIqIF4k9A71IRjUwe7i1+fPkWzzyyRaqR5o/y5YFbSt\n\
        XV2jgYYwgYMwHQYDVR0OBBYEFDYPOk629watWqrE1S8AKBpK0ox5MB8GA1UdIwQY\n\
        MBaAFDYPOk629watWqrE1S8AKBpK0ox5MA8GA1UdEwEB/wQFMAMBAf8wMAYDVR0R\n\
        BCkwJ4INYWdlbnQuZXhhbXBsZYYWc3BpZmZlOi8vcGxhbnQvYWdlbnQtNzAKBggq\n\
        hkjOPQQDAgNJADBGAiEAwORo0efhcSUvkWNl/k6fQR7mrZZaO22jQ5xAjF8G+HEC\n\
        IQCetod/h1zYIhPewMKU7pXLpMMI8zjKpZUwz0/Zxquctg==\n\
        -----END CERTIFICATE-----";
    const SHA256: &str =
        "8B:FB:CA:EC:ED:C3:B0:C7:85:83:BD:AE:81:5D:49:A1:DA:79:C9:CF:8D:54:61:74:F1:55:2D:1B:19:28:8F:DB";

    fn clients(text: &str) -> Vec<ClientTable> {
        toml::from_str::<std::collections::BTreeMap<String, Vec<ClientTable>>>(text).expect("clients")["clients"]
            .clone()
    }

    #[test]
    fn a_client_is_known_by_each_of_its_names_and_tells_of_its_actors_alone() {
        let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).expect("a certificate");
        let upper = SHA256.replace(':', "");
        for (key, name, is_known) in [
            ("cn", "agent-7", true),
            ("cn", "agent.example", false),
            ("dns", "Agent.Example", true),
            ("dns", "agent-7", false),
            ("uri", "spiffe://plant/agent-7", true),
            ("uri", "spiffe://plant/agent", false),
            ("sha256", SHA256, true),
            ("sha256", &upper, true),
            ("sha256", &"0".repeat(64), false),
        ] {
            let clients = clients(&format!("[[clients]]\n{key} = \"{name}\"\nactors = \"planner\"\n"));
            assert!(clients[0].check().is_ok());
            let client = Client::of(&certificate, &clients);
            assert_eq!((client.may_tell(), client.speaks_for("planner").is_ok()), (is_known, is_known), "{key} {name}");
            assert!(client.speaks_for("scheduler").is_err(), "{key} {name}");
        }
        assert_eq!(Client::of(&certificate, &[]), Client::default());
        assert!(!Client::of(b"no certificate", &clients("[[clients]]\ncn = \"a\"\nactors = []\n")).may_tell());
    }

    #[test]
    fn what_names_no_client_is_told() {
        for (names, said) in [
            ("", "one of `cn`"),
            ("cn = \"a\"\ndns = \"b\"\n", "one of `cn`"),
            ("sha256 = \"8B:FB\"\n", "64 hexadecimal digits"),
        ] {
            let failure = clients(&format!("[[clients]]\n{names}actors = \"planner\"\n"))[0].check().unwrap_err();
            assert!(failure.message().unwrap_or_default().contains(said), "{names}");
        }
    }
}
