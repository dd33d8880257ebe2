use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, de};
use tagout_core::engine::Policy;

use super::nats::NatsTable;
use crate::Failure;
use crate::config::{folder, one_or_many};
use crate::intent::receive::{ClientTable, Limits, TlsTable};
use crate::intent::resolve;
use crate::intent::spans::Servers;
use crate::sandbox::Grants;

/// `[intents]`: where declarations come from. Paths are relative to the configuration file.
#[derive(Deserialize, Clone, PartialEq, Eq, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct FeedTable {
    /// Files with a signed intent a line, read on as they grow.
    #[serde(deserialize_with = "one_or_many")]
    pub files: Vec<PathBuf>,
    /// A folder in which each file that ends in `.jws` is a signed intent.
    pub directory: Option<PathBuf>,
    /// Addresses and ports to which declarations are sent, `127.0.0.1:4318` for instance; none if left out.
    #[serde(deserialize_with = "addresses")]
    pub listen: Vec<SocketAddr>,
    /// By what the listener is known, and whom it knows. Without it only addresses of this machine itself are listened on.
    pub tls: Option<TlsTable>,
    /// Of whom each client may tell, by the certificate that it shows; all of everybody if there are none.
    pub clients: Vec<ClientTable>,
    /// File that tells what spans mean, as `tagout intent spans --servers` reads it. Without it no spans are taken.
    pub servers: Option<PathBuf>,
    /// What the listener takes at most.
    pub limits: Limits,
    /// A subject whose messages are signed intents.
    pub nats: Option<NatsTable>,
}

impl FeedTable {
    /// Whether nothing is to be heard of declarations.
    pub fn is_empty(&self) -> bool {
        !self.has_files() && self.listen.is_empty() && self.nats.is_none()
    }

    /// Whether there are files to read.
    pub(super) fn has_files(&self) -> bool {
        !self.files.is_empty() || self.directory.is_some()
    }

    /// Looks whether listener and subject are such as can be had.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub fn check(&self) -> Result<(), Failure> {
        let open = self.listen.iter().find(|address| !address.ip().is_loopback());
        match open {
            Some(address) if self.tls.is_none() => Err(Failure::Usage(format!(
                "intents.listen: {address} is reached from other machines, and nothing tells who sends there: give \
                 [intents.tls] `certificate`, `key` and `client_ca`, or listen on 127.0.0.1"
            ))),
            _ if cfg!(not(feature = "tls")) && self.tls.is_some() => Err(Failure::Usage(
                "intents.tls: this tagout was built without TLS: build it with the feature `tls`, or listen on \
                 127.0.0.1 without it"
                    .to_owned(),
            )),
            _ if self.tls.is_none() && !self.clients.is_empty() => Err(Failure::Usage(
                "intents.clients: without [intents.tls] nobody shows a certificate to be known by".to_owned(),
            )),
            _ => self
                .limits
                .check()
                .and_then(|()| self.clients.iter().try_for_each(ClientTable::check))
                .and_then(|()| self.nats.as_ref().map_or(Ok(()), NatsTable::check)),
        }
    }

    /// What it names that a policy does not know, in words; `servers` are those of its file.
    pub(crate) fn strangers(&self, servers: Option<&Servers>, policy: &Policy<'_>) -> Vec<String> {
        let actors = self.clients.iter().flat_map(|client| &client.actors);
        let of_clients = actors.filter_map(|name| resolve::actor(policy, name).err());
        let of_servers = servers.into_iter().flat_map(|servers| servers.strangers(policy));
        let of_clients = of_clients.map(|what| format!("[[intents.clients]]: {what}"));
        of_clients.chain(of_servers.map(|what| format!("[[servers]]: {what}"))).collect()
    }

    /// Makes its paths relative to something.
    pub(crate) fn place_paths(&mut self, place: impl Fn(&Path) -> PathBuf) {
        let tls = self.tls.iter_mut().flat_map(TlsTable::paths);
        let own = self.files.iter_mut().chain(&mut self.directory).chain(&mut self.servers);
        let nats = self.nats.iter_mut().flat_map(NatsTable::paths);
        own.chain(tls).chain(nats).for_each(|path| *path = place(path));
    }

    /// Asks for what reading takes. A file that is replaced by another needs its folder.
    pub(crate) fn ask_for(&self, grants: &mut Grants) {
        self.files.iter().map(|file| folder(file)).chain(self.directory.as_deref()).for_each(|path| grants.read(path));
        self.nats.iter().for_each(|nats| nats.ask_for(grants));
        let tls = self.tls.iter().flat_map(TlsTable::read_anew);
        let nats = self.nats.iter().flat_map(NatsTable::read_anew);
        tls.chain(nats).chain(self.servers.clone()).for_each(|path| grants.read_anew(&path));
    }
}

/// Takes addresses by their text.
fn addresses<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<SocketAddr>, D::Error> {
    let texts: Vec<String> = one_or_many(from)?;
    let address = |text: &String| {
        let wrong = |_| de::Error::custom(format_args!("`{text}` is no address and port, such as 127.0.0.1:4318"));
        text.parse().map_err(wrong)
    };
    texts.iter().map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn table(text: &str) -> Result<FeedTable, String> {
        Config::parse("tagout.toml", &format!("[intents]\n{text}")).map(|config| config.intents)
    }

    fn refused(text: &str) -> String {
        table(text).unwrap().check().unwrap_err().message().unwrap_or_default().to_owned()
    }

    const TLS: &str = "tls = { certificate = \"sensor.pem\", key = \"credential:intents\", client_ca = \"ca.pem\" }\n";

    #[test]
    #[cfg(feature = "tls")]
    fn other_machines_are_listened_to_with_certificates() {
        let mut known =
            table(&format!("listen = [\"0.0.0.0:4318\", \"[::]:4317\"]\n{TLS}limits.per_second = 7\n")).unwrap();
        assert_eq!(known.check().map_err(|_| ()), Ok(()));
        assert_eq!((known.listen.len(), known.limits.per_second, known.limits.request_kib), (2, 7, 1_024));
        known.place_paths(|path| Path::new("/etc/tagout").join(path));
        let tls = known.tls.unwrap();
        assert_eq!(
            (tls.certificate.as_path(), tls.client_ca.as_path()),
            (Path::new("/etc/tagout/sensor.pem"), Path::new("/etc/tagout/ca.pem"))
        );
    }

    #[test]
    #[cfg(not(feature = "tls"))]
    fn without_tls_built_in_that_is_told() {
        assert!(refused(&format!("listen = \"127.0.0.1:4318\"\n{TLS}")).contains("build it with the feature `tls`"));
    }

    #[test]
    fn without_certificates_only_this_machine_is_listened_to() {
        for address in ["127.0.0.1:4318", "[::1]:4318"] {
            assert!(table(&format!("listen = \"{address}\"")).unwrap().check().is_ok());
        }
        for address in ["0.0.0.0:4318", "192.0.2.7:4318", "[::]:4318"] {
            let said = refused(&format!("listen = [\"127.0.0.1:4318\", \"{address}\"]"));
            assert!(said.starts_with(&format!("intents.listen: {address} is reached from other machines")), "{said}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        assert!(
            table("listen = \"4318\"").unwrap_err().contains("`4318` is no address and port, such as 127.0.0.1:4318")
        );
        assert!(table("tls = { certificate = \"a\" }").unwrap_err().contains("missing field `key`"));
        assert_eq!(refused("limits.request_kib = 5000"), "intents.limits.request_kib is 5000; it must be 8 to 4096");
        let client = "listen = \"127.0.0.1:4318\"\nclients = [{ cn = \"agent-7\", actors = \"planner\" }]";
        assert_eq!(refused(client), "intents.clients: without [intents.tls] nobody shows a certificate to be known by");
        assert_eq!(refused("limits.head_s = 0"), "intents.limits.head_s is 0; it must be 1 to 3600");
    }
}
