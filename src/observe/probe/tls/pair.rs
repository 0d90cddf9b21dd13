//! A certificate and a key as they lie on disk: for whom, how long, and whether they belong together.

use std::sync::Arc;

use jiff::Timestamp;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What is known of such a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairFacts {
    /// DNS names of the certificate.
    pub names: Vec<String>,
    /// Start of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
    /// Whether the key belongs to it; `None` where that cannot be told, as of a key with a pass phrase.
    pub belongs: Option<bool>,
}

/// The first certificate of a file and the first key of another; `None` where there is no certificate.
pub fn pair(certificates: &[u8], key: &[u8]) -> Option<PairFacts> {
    let chain: Vec<CertificateDer<'_>> = CertificateDer::pem_slice_iter(certificates).filter_map(Result::ok).collect();
    let (_, first) = X509Certificate::from_der(chain.first()?).ok()?;
    let key = PrivateKeyDer::from_pem_slice(key).ok().and_then(|key| ring::sign::any_supported_type(&key).ok());
    let belongs = key.and_then(|key| match CertifiedKey::new(chain.clone(), Arc::clone(&key)).keys_match() {
        Ok(()) => Some(true),
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => Some(false),
        Err(_) => None,
    });
    Some(PairFacts {
        names: super::names_of(&first),
        not_before: super::time(first.validity().not_before),
        not_after: super::time(first.validity().not_after),
        belongs,
    })
}
