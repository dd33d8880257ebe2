use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest as _, Sha256};
use tagout_core::Timestamp;
use tokio::net::TcpStream;
use tokio_rustls::{Accept, TlsAcceptor};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::TlsTable;
use crate::Failure;
use crate::tls::{certificates, private_key, provider};

/// What the handshakes with those who send need: TLS 1.2 or 1.3, and a certificate that one of `client_ca` vouches for.
#[derive(Clone)]
pub(in crate::intent) struct Tls {
    acceptor: TlsAcceptor,
    /// Of what its files say, by which it is known from others.
    digest: [u8; 32],
}

impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Tls {
    /// Reads certificates and key.
    ///
    /// # Errors
    /// When they are not as they should be.
    pub(in crate::intent) fn read(table: &TlsTable) -> Result<Self, Failure> {
        let wrong = |error: &dyn std::fmt::Display| Failure::Usage(format!("intents.tls: {error}"));
        let trusted = certificates(&table.client_ca)?;
        let (chain, key) = (certificates(&table.certificate)?, private_key(&table.key)?);
        let mut digest = Sha256::new();
        trusted.iter().chain(&chain).for_each(|certificate| digest.update(certificate));
        digest.update(key.secret_der());
        let mut roots = RootCertStore::empty();
        for certificate in trusted {
            roots.add(certificate).map_err(|error| wrong(&format_args!("{}: {error}", table.client_ca.display())))?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        let verifier = verifier.build().map_err(|error| wrong(&error))?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&error))?
            .with_client_cert_verifier(verifier);
        let mut config = builder.with_single_cert(chain, key).map_err(|error| wrong(&error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: Arc::new(config).into(), digest: digest.finalize().into() })
    }

    /// Begins to speak with somebody.
    pub(super) fn accept(&self, stream: TcpStream) -> Accept<TcpStream> {
        self.acceptor.accept(stream)
    }
}

/// When the first of its certificates expires, if they, the key and those of `client_ca` are as they should be.
///
/// # Errors
/// When they are not.
pub(crate) fn expire(table: &TlsTable) -> Result<Timestamp, Failure> {
    Tls::read(table)?;
    let ends = certificates(&table.certificate)?.iter().chain(&certificates(&table.client_ca)?).map(end).min();
    Ok(ends.unwrap_or_default())
}

/// When a certificate expires; one that cannot be read has.
fn end(certificate: &CertificateDer<'_>) -> Timestamp {
    let certificate = Certificate::from_der(certificate);
    let end = certificate.map(|certificate| certificate.tbs_certificate().validity().not_after.to_unix_duration());
    end.map_or(Timestamp::default(), |end| Timestamp(end.as_nanos().try_into().unwrap_or(u64::MAX)))
}
