//! `[spool]` and `[[destination]]` of the configuration file.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use tagout_core::engine::Severity;

use super::courier::{Form, Pace};
use super::destination::{Destination, FileTable, RotatingFile, Stdout, StdoutTable, Syslog, SyslogTable};
#[cfg(feature = "tls")]
use super::destination::{Mqtt, MqttTable, Nats, NatsTable, ProxyTable, Splunk, SplunkTable, Webhook, WebhookTable};
use super::filter::{Filter, Name};
use super::spool::Bounds;
use crate::Failure;
use crate::config::folder;
use crate::format::Format;
use crate::notice::{Kind, severity};
use crate::output::Collector;
use crate::sandbox::Grants;
use crate::secret::Place;

/// `[spool]`: what is kept until every destination has it. Paths are relative to the configuration file.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct SpoolTable {
    /// Folder of the spool; without one it is in memory, and what waits ends with the process.
    pub directory: Option<PathBuf>,
    /// MiB of messages at most.
    pub most_mib: u64,
    /// Hours that a message waits at most.
    pub most_hours: u64,
}

impl Default for SpoolTable {
    fn default() -> Self {
        Self { directory: None, most_mib: 256, most_hours: 168 }
    }
}

impl SpoolTable {
    pub(super) fn bounds(&self) -> Bounds {
        // In memory there is less room than on disk.
        let most = if self.directory.is_some() { self.most_mib } else { self.most_mib.min(16) };
        Bounds { bytes: most.saturating_mul(1 << 20), age: Duration::from_secs(self.most_hours.saturating_mul(3_600)) }
    }
}

/// `[[destination]]`: who gets which messages, and how they are written.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct DestinationTable {
    /// By this name the spool knows how far it is.
    name: String,
    /// What is sent: `alerts`, `sensor`, `events`, `heartbeats`.
    #[serde(default = "default_send")]
    send: Vec<Kind>,
    /// Alerts that are less bad are not sent.
    #[serde(default = "default_least", deserialize_with = "severity::deserialize")]
    least_severity: Severity,
    /// Only what these actors do is sent.
    #[serde(default)]
    actors: Vec<Name>,
    /// Only what is done to these devices is sent.
    #[serde(default)]
    devices: Vec<Name>,
    /// How alerts are written: `cef` for syslog, and `eve` for all others, unless told.
    format: Option<Format>,
    /// Bytes of a message at most.
    most_bytes: Option<usize>,
    /// Messages a second at most.
    most_per_s: Option<u32>,
    /// Seconds between two attempts at most.
    #[serde(default = "default_retry")]
    longest_retry_s: u32,
    file: Option<FileTable>,
    stdout: Option<StdoutTable>,
    syslog: Option<SyslogTable>,
    #[cfg(feature = "tls")]
    splunk: Option<SplunkTable>,
    #[cfg(feature = "tls")]
    nats: Option<NatsTable>,
    #[cfg(feature = "tls")]
    mqtt: Option<MqttTable>,
    #[cfg(feature = "tls")]
    webhook: Option<WebhookTable>,
}

fn default_send() -> Vec<Kind> {
    vec![Kind::Alert, Kind::Sensor, Kind::Heartbeat]
}

fn default_least() -> Severity {
    Severity::Informational
}

fn default_retry() -> u32 {
    30
}

/// How a destination is trusted, and how it trusts the sensor.
#[derive(Deserialize, Clone, PartialEq, Eq, Default, Debug)]
#[serde(deny_unknown_fields)]
pub struct TlsTable {
    /// Certificates (PEM) of those who may vouch for it; those that the system trusts if left out.
    pub(super) ca: Option<PathBuf>,
    /// The sensor's certificate (PEM), and those that lead to it; with `key`.
    pub(super) certificate: Option<PathBuf>,
    /// Its private key (PEM).
    pub(super) key: Option<Place>,
    /// Name that the certificate has to tell, if not the address's; for syslog.
    pub(super) server_name: Option<String>,
}

impl TlsTable {
    /// Refuses what an address without TLS leaves unused, as nobody protects what is sent there. `secure` is how an address with
    /// TLS begins.
    pub(super) fn refuse_for(table: Option<&Self>, url: &str, secure: &str) -> Result<(), Failure> {
        match table {
            None => Ok(()),
            Some(_) => Err(Failure::Usage(format!("`{url}` does not ask for TLS, and `tls` is set: {secure} does"))),
        }
    }

    /// Its files.
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.ca.iter_mut().chain(&mut self.certificate).chain(self.key.as_mut().and_then(Place::file))
    }

    /// The same, and where its credential is.
    pub(crate) fn read_anew(&self) -> impl Iterator<Item = PathBuf> {
        self.ca.iter().chain(&self.certificate).cloned().chain(self.key.as_ref().and_then(Place::path))
    }
}

/// What kind of destination it is.
enum Receiver<'a> {
    File(&'a FileTable),
    Stdout,
    Syslog(&'a SyslogTable),
    #[cfg(feature = "tls")]
    Splunk(&'a SplunkTable),
    #[cfg(feature = "tls")]
    Nats(&'a NatsTable),
    #[cfg(feature = "tls")]
    Mqtt(&'a MqttTable),
    #[cfg(feature = "tls")]
    Webhook(&'a WebhookTable),
}

/// Looks whether destinations can be told apart, and each has a kind.
pub(crate) fn check(destinations: &[DestinationTable]) -> Result<(), Failure> {
    let mut names = HashSet::new();
    for destination in destinations {
        destination.receiver()?;
        if destination.most_per_s == Some(0) {
            let name = &destination.name;
            return Err(Failure::Usage(format!(
                "destination `{name}`: `most_per_s = 0` would send nothing; leave it out for no limit"
            )));
        }
        if !names.insert(destination.name()) {
            return Err(Failure::Usage(format!("there are two destinations called `{}`", destination.name)));
        }
    }
    Ok(())
}

impl DestinationTable {
    /// A syslog collector that gets every alert as CEF.
    pub fn syslog(url: Collector) -> Self {
        Self {
            name: url.to_string(),
            send: default_send(),
            least_severity: default_least(),
            actors: Vec::new(),
            devices: Vec::new(),
            format: None,
            most_bytes: None,
            most_per_s: None,
            longest_retry_s: default_retry(),
            file: None,
            stdout: None,
            syslog: Some(SyslogTable::at(url)),
            #[cfg(feature = "tls")]
            splunk: None,
            #[cfg(feature = "tls")]
            nats: None,
            #[cfg(feature = "tls")]
            mqtt: None,
            #[cfg(feature = "tls")]
            webhook: None,
        }
    }

    /// By this name the spool knows how far it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is, for people.
    ///
    /// # Errors
    /// When it has no kind, or several.
    pub fn place(&self) -> Result<String, Failure> {
        Ok(match self.receiver()? {
            Receiver::File(table) => table.path.display().to_string(),
            Receiver::Stdout => "standard output".to_owned(),
            Receiver::Syslog(table) => table.url.to_string(),
            #[cfg(feature = "tls")]
            Receiver::Splunk(table) => table.url.clone(),
            #[cfg(feature = "tls")]
            Receiver::Nats(table) => table.url.clone(),
            #[cfg(feature = "tls")]
            Receiver::Mqtt(table) => table.url.clone(),
            #[cfg(feature = "tls")]
            Receiver::Webhook(table) => table.url.clone(),
        })
    }

    /// The file that it writes to, if it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_ref().map(|table| table.path.as_path())
    }

    /// Looks whether everything is there that sending to it takes, and sends nothing.
    ///
    /// # Errors
    /// What is missing.
    pub(crate) fn look(&self) -> Result<(), String> {
        self.open().map(drop).map_err(|failure| failure.message().unwrap_or_default().to_owned())
    }

    /// Asks for what sending to it takes.
    ///
    /// # Errors
    /// When it has no kind, or a folder cannot be made.
    pub(crate) fn ask_for(&self, grants: &mut Grants) -> Result<(), Failure> {
        match self.receiver()? {
            Receiver::File(table) => {
                let folder = folder(&table.path);
                grants.write(folder).map_err(|error| Failure::input(folder, &error))?;
            }
            Receiver::Stdout => {}
            Receiver::Syslog(table) => table.url.ask_for(grants),
            #[cfg(feature = "tls")]
            Receiver::Splunk(table) => ask_for_server(&table.url, table.proxy.as_ref(), grants),
            #[cfg(feature = "tls")]
            Receiver::Nats(table) => ask_for_nats(&table.url, table.tls.as_ref(), grants),
            #[cfg(feature = "tls")]
            Receiver::Mqtt(table) => ask_for_url(&table.url, grants),
            #[cfg(feature = "tls")]
            Receiver::Webhook(table) => ask_for_server(&table.url, table.proxy.as_ref(), grants),
        }
        Ok(())
    }

    /// Makes its paths relative to where the configuration file lies, by `beside`.
    pub(crate) fn place_paths(&mut self, beside: impl Fn(&Path) -> PathBuf) {
        for path in self.paths() {
            *path = beside(path);
        }
    }

    /// Files of secrets and certificates, which are read when it is opened and not again.
    pub(super) fn read_at_start(&self) -> Vec<PathBuf> {
        let mut read = Self { file: None, ..self.clone() };
        read.paths().into_iter().map(|path| path.clone()).collect()
    }

    fn paths(&mut self) -> Vec<&mut PathBuf> {
        let mut paths: Vec<&mut PathBuf> = Vec::new();
        paths.extend(self.file.as_mut().map(|table| &mut table.path));
        let mut tls: Vec<Option<&mut TlsTable>> = Vec::new();
        tls.extend(self.syslog.as_mut().map(|table| table.tls.as_mut()));
        #[cfg(feature = "tls")]
        {
            let mut proxies: Vec<Option<&mut ProxyTable>> = Vec::new();
            if let Some(SplunkTable { token_file, tls: table, proxy, .. }) = &mut self.splunk {
                paths.extend(token_file.file());
                proxies.push(proxy.as_mut());
                tls.push(table.as_mut());
            }
            if let Some(NatsTable { credentials, token_file, tls: table, .. }) = &mut self.nats {
                paths.extend(credentials.iter_mut().chain(token_file).filter_map(Place::file));
                tls.push(table.as_mut());
            }
            if let Some(MqttTable { password_file, tls: table, .. }) = &mut self.mqtt {
                paths.extend(password_file.as_mut().and_then(Place::file));
                tls.push(table.as_mut());
            }
            if let Some(WebhookTable { token_file, tls: table, proxy, .. }) = &mut self.webhook {
                paths.extend(token_file.as_mut().and_then(Place::file));
                proxies.push(proxy.as_mut());
                tls.push(table.as_mut());
            }
            let passwords = proxies.into_iter().flatten().filter_map(|proxy| proxy.password_file.as_mut());
            paths.extend(passwords.filter_map(Place::file));
        }
        paths.extend(tls.into_iter().flatten().flat_map(TlsTable::paths));
        paths
    }

    pub(super) fn filter(&self) -> Filter {
        Filter {
            kinds: self.send.clone(),
            least_severity: self.least_severity,
            actors: self.actors.clone(),
            devices: self.devices.clone(),
        }
    }

    pub(super) fn form(&self) -> Form {
        let (format, most_bytes) = match &self.syslog {
            Some(syslog) => (Format::Cef, syslog.most_bytes()),
            None => (Format::Eve, 256 << 10),
        };
        Form { format: self.format.unwrap_or(format), most_bytes: self.most_bytes.unwrap_or(most_bytes) }
    }

    pub(super) fn pace(&self) -> Pace {
        Pace::new(self.most_per_s)
    }

    pub(super) fn longest_pause(&self) -> Duration {
        Duration::from_secs(self.longest_retry_s.max(1).into())
    }

    pub(super) fn open(&self) -> Result<Box<dyn Destination>, Failure> {
        Ok(match self.receiver()? {
            Receiver::File(table) => {
                Box::new(RotatingFile::open(table).map_err(|error| Failure::input(&table.path, &error))?)
            }
            Receiver::Stdout => Box::new(Stdout),
            Receiver::Syslog(table) => Box::new(Syslog::open(table)?),
            #[cfg(feature = "tls")]
            Receiver::Splunk(table) => Box::new(Splunk::open(table)?),
            #[cfg(feature = "tls")]
            Receiver::Nats(table) => Box::new(Nats::open(table)?),
            #[cfg(feature = "tls")]
            Receiver::Mqtt(table) => Box::new(Mqtt::open(table)?),
            #[cfg(feature = "tls")]
            Receiver::Webhook(table) => Box::new(Webhook::open(table)?),
        })
    }

    fn receiver(&self) -> Result<Receiver<'_>, Failure> {
        let mut kinds: Vec<Receiver<'_>> = Vec::new();
        kinds.extend(self.file.as_ref().map(Receiver::File));
        kinds.extend(self.stdout.as_ref().map(|_| Receiver::Stdout));
        kinds.extend(self.syslog.as_ref().map(Receiver::Syslog));
        #[cfg(feature = "tls")]
        {
            kinds.extend(self.splunk.as_ref().map(Receiver::Splunk));
            kinds.extend(self.nats.as_ref().map(Receiver::Nats));
            kinds.extend(self.mqtt.as_ref().map(Receiver::Mqtt));
            kinds.extend(self.webhook.as_ref().map(Receiver::Webhook));
        }
        let count = kinds.len();
        kinds.pop().filter(|_| count == 1).ok_or_else(|| {
            Failure::Usage(format!(
                "destination `{}` is of {count} kinds; it needs exactly one of {}",
                self.name,
                KINDS.join(", ")
            ))
        })
    }
}

/// Asks for connections to a server, or to the proxy alone by way of which it is reached.
#[cfg(feature = "tls")]
fn ask_for_server(url: &str, proxy: Option<&ProxyTable>, grants: &mut Grants) {
    ask_for_url(proxy.map_or(url, |proxy| &proxy.url), grants);
}

/// Asks for connections to where an address points; one that is none is told of when it is used.
#[cfg(feature = "tls")]
pub(crate) fn ask_for_url(url: &str, grants: &mut Grants) {
    let Ok(url) = url.trim().parse::<ureq::http::Uri>() else { return };
    let usual = match url.scheme_str() {
        Some("https") => 443,
        Some("http") => 80,
        Some("mqtt") => 1_883,
        Some("mqtts") => 8_883,
        _ => 4_222,
    };
    grants.connect_tcp(url.port_u16().unwrap_or(usual));
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    if host.parse::<std::net::IpAddr>().is_err() {
        grants.resolve_names();
    }
}

/// Asks for what connections to NATS take. Over TLS the client reads what the system trusts each time that it connects, even if
/// it is told whom to trust instead.
#[cfg(feature = "tls")]
pub(crate) fn ask_for_nats(url: &str, tls: Option<&TlsTable>, grants: &mut Grants) {
    url.split(',').for_each(|url| ask_for_url(url, grants));
    if tls.is_none() && !url.contains("tls://") {
        return;
    }
    let openssl_probe::ProbeResult { cert_file, cert_dir } = openssl_probe::probe();
    let entries = cert_dir.iter().filter_map(|folder| folder.read_dir().ok()).flatten().flatten();
    // What lies there are links, and those who follow them need the folders in which they end.
    let ends = entries.map(|entry| entry.path()).chain(cert_file).filter_map(|path| path.canonicalize().ok());
    let folders: HashSet<PathBuf> = ends.filter_map(|path| path.parent().map(Path::to_owned)).collect();
    cert_dir.iter().cloned().chain(folders).for_each(|folder| grants.read(folder));
}

/// The kinds of destinations, by their keys.
const KINDS: &[&str] = if cfg!(feature = "tls") {
    &["file", "stdout", "syslog", "splunk", "nats", "mqtt", "webhook"]
} else {
    &["file", "stdout", "syslog"]
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn destinations(text: &str) -> Result<Vec<DestinationTable>, String> {
        let config = Config::parse("tagout.toml", text)?;
        check(&config.destination).map_err(|failure| failure.message().unwrap_or_default().to_owned())?;
        Ok(config.destination)
    }

    #[test]
    fn a_destination_is_of_one_kind_and_has_a_name_of_its_own() {
        let of = |text: &str| destinations(text).unwrap_err();
        assert_eq!(
            of("[[destination]]\nname = \"soc\""),
            format!("destination `soc` is of 0 kinds; it needs exactly one of {}", KINDS.join(", "))
        );
        let two = "[[destination]]\nname = \"soc\"\nstdout = {}\n".repeat(2);
        assert_eq!(of(&two), "there are two destinations called `soc`");
        assert!(of("[[destination]]\nname = \"soc\"\nsyslogg = 1").contains("did you mean `syslog`?"));
        assert!(of("[[destination]]\nname = \"soc\"\nstdout = {}\nsend = [\"alert\"]").contains("alerts"));
    }

    #[cfg(feature = "tls")]
    #[test]
    fn by_way_of_a_proxy_nobody_else_is_reached() {
        for (proxy, port, asks_for_names) in [
            ("", 443, true),
            ("proxy.url = \"http://192.0.2.8:3128\"", 3_128, false),
            ("proxy.url = \"http://proxy.example\"", 80, true),
        ] {
            let text = format!("url = \"https://hooks.example/a\"\n{proxy}");
            let text = format!("[[destination]]\nname = \"soc\"\n[destination.webhook]\n{text}");
            let [mut expected, mut grants] = [Grants::default(), Grants::default()];
            expected.connect_tcp(port);
            if asks_for_names {
                expected.resolve_names();
            }
            destinations(&text).unwrap()[0].ask_for(&mut grants).unwrap();
            assert_eq!(grants, expected, "{proxy}");
        }
    }

    #[cfg(feature = "tls")]
    #[test]
    fn a_proxy_speaks_plain_http() {
        for url in ["proxy:3128", "https://proxy", "socks5://proxy", "http://", ""] {
            let text =
                format!("[[destination]]\nname = \"soc\"\nwebhook = {{ url = \"http://soc\", proxy.url = \"{url}\" }}");
            let said = destinations(&text).unwrap()[0].look().unwrap_err();
            assert!(said.contains("proxy.url: `") && said.contains("http://"), "{said}");
        }
    }

    #[test]
    fn what_is_left_out_has_a_default_that_suits_the_receiver() {
        let all = destinations(
            r#"
            [[destination]]
            name = "soc"
            syslog.url = "tcp://192.0.2.9"
            [[destination]]
            name = "archive"
            file.path = "alerts.jsonl"
            least_severity = "medium"
            send = ["alerts", "events"]
            "#,
        )
        .unwrap();
        let forms: Vec<_> = all.iter().map(DestinationTable::form).map(|form| (form.format, form.most_bytes)).collect();
        assert_eq!(forms, [(Format::Cef, 7_168), (Format::Eve, 262_144)]);
        assert_eq!(all[1].filter().kinds, [Kind::Alert, Kind::Event]);
        assert_eq!(all[0].filter().least_severity, Severity::Informational);
    }
}
