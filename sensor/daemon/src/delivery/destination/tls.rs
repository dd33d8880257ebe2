//! TLS towards destinations: who is trusted, and what the sensor shows of itself.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::Failure;
use crate::delivery::config::TlsTable;
use crate::secret::Place;
use crate::tls::{certificates, private_key, provider};

/// The certificate that the sensor shows, with those that lead to it, and its key.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: Place,
}

/// What the handshakes with a destination need: TLS 1.2 or 1.3.
pub(in crate::delivery) fn client(table: &TlsTable) -> Result<Arc<ClientConfig>, Failure> {
    let wrong = |error: rustls::Error| Failure::Usage(format!("TLS cannot be set up: {error}"));
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(trusted(table)?);
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(wrong)?
        .with_root_certificates(roots);
    let config = match identity(table)? {
        Some(Identity { chain, key }) => builder.with_client_auth_cert(chain, private_key(&key)?).map_err(wrong)?,
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

/// Who may vouch for the destination: those of the configured file alone, or else those that this system trusts.
pub(super) fn trusted(table: &TlsTable) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let Some(path) = &table.ca else { return Ok(rustls_native_certs::load_native_certs().certs) };
    certificates(path)
}

pub(super) fn identity(table: &TlsTable) -> Result<Option<Identity>, Failure> {
    match (&table.certificate, &table.key) {
        (Some(certificate), Some(key)) => Ok(Some(Identity { chain: certificates(certificate)?, key: key.clone() })),
        (None, None) => Ok(None),
        _ => Err(Failure::Usage("tls: `certificate` and `key` are of no use without each other".to_owned())),
    }
}

/// What a table asks of a client that holds certificates to the name in the address alone.
pub(super) fn by_address(table: Option<&TlsTable>) -> Result<TlsTable, Failure> {
    let table = table.cloned().unwrap_or_default();
    match table.server_name {
        None => Ok(table),
        Some(_) => Err(Failure::Usage("tls.server_name: there is no such thing but for syslog".to_owned())),
    }
}
