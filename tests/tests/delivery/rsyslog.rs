//! A real rsyslog.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tagout_tests::authority::Authority;

use crate::process::{Running, free_port, is_there, wait_for_port, wait_until};
use crate::scene::{Scene, cef_ids};

/// A running rsyslog, which writes every message as it came.
pub(crate) struct Rsyslog {
    folder: PathBuf,
    pub(crate) port: u16,
    _running: Running,
}

impl Rsyslog {
    /// Starts it in a folder; where it ran there before, it goes on with the same file.
    pub(crate) fn start(folder: &Path, port: u16, is_secure: bool) -> Self {
        let shown = folder.display();
        let module = if is_secure {
            format!(
                "global(DefaultNetstreamDriver=\"gtls\" DefaultNetstreamDriverCAFile=\"{shown}/ca.pem\" \
                 DefaultNetstreamDriverCertFile=\"{shown}/server.pem\" DefaultNetstreamDriverKeyFile=\"{shown}/server.key\")\n\
                 module(load=\"imtcp\" StreamDriver.Name=\"gtls\" StreamDriver.Mode=\"1\" StreamDriver.AuthMode=\"x509/certvalid\")\n"
            )
        } else {
            "module(load=\"imtcp\")\n".to_owned()
        };
        let text = format!(
            "{module}input(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\")\n\
             template(name=\"raw\" type=\"string\" string=\"%rawmsg%\\n\")\n\
             action(type=\"omfile\" file=\"{shown}/received\" template=\"raw\")\n"
        );
        let config = folder.join("rsyslog.conf");
        fs::write(&config, text).expect("a configuration");
        let mut command = Command::new("rsyslogd");
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").arg("-n").arg("-f").arg(&config);
        command.arg("-i").arg(folder.join("pid"));
        let running = Running::start(&mut command).expect("rsyslogd can be run");
        wait_for_port(port);
        Self { folder: folder.to_owned(), port, _running: running }
    }

    pub(crate) fn received(&self) -> String {
        fs::read_to_string(self.folder.join("received")).unwrap_or_default()
    }

    /// Waits until it has written messages of all these ids.
    pub(crate) fn wait_for(&self, ids: &BTreeSet<String>) {
        wait_until("rsyslog has written everything", || {
            let received: BTreeSet<String> = cef_ids(&self.received()).into_iter().collect();
            received.is_superset(ids)
        });
    }
}

/// Whether there is one that speaks TLS, and who makes certificates; says so where not.
pub(crate) fn speaks_tls() -> bool {
    let has_driver = Path::new("/usr/share/doc/rsyslog-gnutls").exists();
    if !has_driver {
        eprintln!("skipped: rsyslog-gnutls is not installed (tests/setup.sh peers)");
    }
    has_driver && is_there("rsyslogd") && is_there("openssl")
}

/// Certificates for both sides, by OpenSSL.
pub(crate) fn certificates(folder: &Path) {
    let authority = Authority::begin(folder, "ca");
    ["server", "client"].iter().for_each(|name| authority.certify(name, "DNS:localhost,IP:127.0.0.1"));
}

#[test]
fn every_alert_arrives_over_tcp_once_and_in_order() {
    if !is_there("rsyslogd") {
        return;
    }
    let scene = Scene::with("");
    let rsyslog = Rsyslog::start(&scene.path(""), free_port(), false);
    scene.configure(&format!(
        "[spool]\ndirectory = \"spool\"\n[[destination]]\nname = \"soc\"\nsyslog.url = \"tcp://127.0.0.1:{}\"",
        rsyslog.port
    ));
    scene.deliver();
    let expected: Vec<String> = Scene::expected().iter().map(crate::scene::id).collect();
    rsyslog.wait_for(&expected.iter().cloned().collect());
    assert_eq!(cef_ids(&rsyslog.received()), expected);
    for (number, line) in (1..).zip(rsyslog.received().lines()) {
        assert!(line.contains(&format!(" tagout - alert [meta sequenceId=\"{number}\"] ")), "{line}");
    }
}

#[test]
fn tls_shows_who_the_sensor_is_and_trusts_only_whom_it_was_told() {
    if !speaks_tls() {
        return;
    }
    let scene = Scene::with("");
    certificates(&scene.path(""));
    let rsyslog = Rsyslog::start(&scene.path(""), free_port(), true);
    let configure = |tls: &str| {
        scene.configure(&format!(
            "[spool]\ndirectory = \"spool\"\n[[destination]]\nname = \"soc\"\n\
             syslog = {{ url = \"tls://localhost:{}\", tls = {{ {tls} }} }}",
            rsyslog.port
        ));
    };
    for (tls, why) in [
        ("", "UnknownIssuer"),
        ("ca = \"client.pem\"", "certificate"),
        ("ca = \"ca.pem\", server_name = \"elsewhere.example\"", "not valid for name"),
    ] {
        configure(tls);
        let output = scene.deliver();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("messages wait") && said.contains(why), "{tls}: {said}");
    }
    assert_eq!(rsyslog.received(), "");
    configure("ca = \"ca.pem\", certificate = \"client.pem\", key = \"client.key\"");
    scene.drain();
    rsyslog.wait_for(&Scene::expected_ids());
}

#[test]
fn a_key_that_others_can_read_is_not_used() {
    if !is_there("openssl") {
        return;
    }
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::with(
        "[[destination]]\nname = \"soc\"\nsyslog = { url = \"tls://localhost\", tls = { certificate = \"client.pem\", key = \"client.key\" } }",
    );
    certificates(&scene.path(""));
    fs::set_permissions(scene.path("client.key"), fs::Permissions::from_mode(0o644)).expect("a mode");
    let output = scene.replay().output().expect("tagout can be run");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("chmod 600"), "{said}");
}
