//! Whether a certificate leads to an authority that is installed on this host: those of the distribution, not of the caller's
//! environment.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

use super::{Trust, time};
use crate::host::system::System;

/// Where distributions keep the authorities that they trust.
const BUNDLES: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// The authorities that this host trusts.
#[derive(Debug)]
pub struct Authorities {
    all: Vec<CertificateDer<'static>>,
    store: RootCertStore,
}

impl Authorities {
    /// Those that are installed; none where there is no file of them.
    pub fn installed(system: &System) -> Self {
        let load = |bundle: &&str| rustls_native_certs::load_certs_from_paths(Some(&system.path(bundle)), None).certs;
        let all = BUNDLES.iter().map(load).find(|found| !found.is_empty()).unwrap_or_default();
        Self::of(all)
    }

    pub(super) fn of(all: Vec<CertificateDer<'static>>) -> Self {
        let mut store = RootCertStore::empty();
        // One that cannot be understood vouches for nobody.
        store.add_parsable_certificates(all.iter().cloned());
        Authorities { all, store }
    }

    /// What a certificate, the first of a chain, is worth now. Its own times and names are judged elsewhere: here it is taken as
    /// of the moment of its validity that is nearest.
    pub(super) fn judge(&self, chain: &[CertificateDer<'_>], leaf: &X509Certificate<'_>, now: Timestamp) -> Trust {
        let Some((first, others)) = chain.split_first() else {
            return Trust::Unchecked("no certificate was served".to_owned());
        };
        if self.all.is_empty() {
            return Trust::Unchecked("no authorities are installed (package ca-certificates)".to_owned());
        }
        if self.all.iter().any(|authority| authority.as_ref() == first.as_ref()) {
            return Trust::Known;
        }
        let (start, end) = (time(leaf.validity().not_before), time(leaf.validity().not_after));
        // Not `clamp`, which panics where a certificate ends before it begins.
        let at = now.min(end).max(start);
        match self.verify(first, others, at) {
            Ok(()) => Trust::Known,
            Err(_) if leaf.issuer() == leaf.subject() => Trust::Unknown("it is self-signed".to_owned()),
            Err(error) => worth(&error, leaf, others, at),
        }
    }

    fn verify(&self, first: &CertificateDer<'_>, others: &[CertificateDer<'_>], at: Timestamp) -> Result<(), Error> {
        let provider = Arc::new(ring::default_provider());
        let seconds = u64::try_from(at.as_second()).unwrap_or(0);
        let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let parsed = ParsedCertificate::try_from(first)?;
        let algorithms = provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.store, others, at, algorithms)
    }
}

fn worth(error: &Error, leaf: &X509Certificate<'_>, others: &[CertificateDer<'_>], at: Timestamp) -> Trust {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext, UnknownIssuer};
    let parsed: Vec<X509Certificate<'_>> =
        others.iter().filter_map(|der| Some(X509Certificate::from_der(der).ok()?.1)).collect();
    let called = |wrong: &dyn Fn(&X509Certificate<'_>) -> bool| {
        parsed.iter().find(|other| wrong(other)).map_or_else(String::new, |other| format!(" {}", name(other.subject())))
    };
    match error {
        Error::InvalidCertificate(UnknownIssuer) => {
            let alone = if others.is_empty() { ", and no intermediate certificate is sent" } else { "" };
            Trust::Unknown(format!("its issuer {} is unknown{alone}", name(leaf.issuer())))
        }
        Error::InvalidCertificate(Expired | ExpiredContext { .. }) => {
            let which = called(&|other| time(other.validity().not_after) < at);
            Trust::Refused(format!("the certificate of its issuer{which} has expired"))
        }
        Error::InvalidCertificate(NotValidYet | NotValidYetContext { .. }) => {
            let which = called(&|other| time(other.validity().not_before) > at);
            Trust::Refused(format!("the certificate of its issuer{which} is not valid yet"))
        }
        // The library reads less than clients do: no time before 1970, for one.
        Error::InvalidCertificate(CertificateError::BadEncoding) => {
            Trust::Unchecked("its issuer cannot be checked: its encoding is unusual".to_owned())
        }
        Error::InvalidCertificate(other) => Trust::Refused(format!("clients refuse it: {other}")),
        other => Trust::Unchecked(format!("its issuer cannot be checked: {other}")),
    }
}

/// The name that people know somebody under.
fn name(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().next().and_then(|name| name.as_str().ok());
    crate::host::tools::excerpt(&common.map_or_else(|| name.to_string(), str::to_owned))
}
