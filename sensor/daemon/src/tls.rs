//! Certificates and keys for TLS, towards destinations and for those who send declarations.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::Failure;
use crate::secret::Place;

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The certificates of a file (PEM).
///
/// # Errors
/// When it cannot be read, or holds none.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let pem = std::fs::read(path).map_err(|error| Failure::input(path, &error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(Failure::Usage(format!("{}: holds no certificate in PEM", path.display()))),
        Err(error) => Err(Failure::Usage(format!("{}: {error}", path.display()))),
    }
}

/// A private key (PEM).
///
/// # Errors
/// When it cannot be read, or is none.
pub(crate) fn private_key(key: &Place) -> Result<PrivateKeyDer<'static>, Failure> {
    let no_key = |error| Failure::Usage(format!("{key}: holds no private key in PEM: {error}"));
    PrivateKeyDer::from_pem_slice(key.read()?.text().as_bytes()).map_err(no_key)
}
