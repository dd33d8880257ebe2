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
    let (Some(certificate), Some(key)) = (&table.certificate, &table.key) else { return Ok(None) };
    Ok(Some(Identity { chain: certificates(certificate)?, key: key.clone() }))
}
