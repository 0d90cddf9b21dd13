//! The certificate that a server shows for a name. No data is sent, so none is at risk when it is not trusted; what is
//! asked is how long it is valid and for whom.

use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// A certificate as it was served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Start of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
    /// DNS names it is for.
    pub names: Vec<String>,
    /// Who signed it.
    pub issuer: String,
}

/// Makes ring the process's cryptography, once.
pub(super) fn install_crypto() {
    static ONCE: Once = Once::new();
    // An error means that it is installed already.
    ONCE.call_once(|| drop(ring::default_provider().install_default()));
}

/// Shakes hands with `address` under the name `host` and returns the certificate it shows.
pub(super) fn certificate(address: SocketAddr, host: &str, limit: Duration) -> Result<Served, String> {
    let io = |error: std::io::Error| super::network::describe(&error, limit);
    let name = ServerName::try_from(host.to_owned()).map_err(|_| format!("{host} is not a host name"))?;
    let seen = Arc::new(Witness::default());
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(seen.clone())
        .with_no_client_auth();
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(|error| error.to_string())?;
    let mut stream = TcpStream::connect_timeout(&address, limit).map_err(io)?;
    stream.set_read_timeout(Some(limit)).map_err(io)?;
    stream.set_write_timeout(Some(limit)).map_err(io)?;
    while connection.is_handshaking() && seen.certificate().is_none() {
        connection.complete_io(&mut stream).map_err(io)?;
    }
    let der = seen.certificate().ok_or("no certificate was shown")?;
    parse(&der).ok_or_else(|| "its certificate cannot be read".to_owned())
}

fn parse(der: &[u8]) -> Option<Served> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let time = |at: x509_parser::time::ASN1Time| Timestamp::from_second(at.timestamp()).ok();
    let names = certificate.subject_alternative_name().ok().flatten().map(|names| {
        let dns = names.value.general_names.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        });
        dns.collect()
    });
    let issuer = certificate.issuer();
    let common = issuer.iter_common_name().next().and_then(|name| name.as_str().ok());
    Some(Served {
        not_before: time(certificate.validity().not_before)?,
        not_after: time(certificate.validity().not_after)?,
        names: names.unwrap_or_default(),
        issuer: common.map_or_else(|| issuer.to_string(), str::to_owned),
    })
}

/// Accepts every certificate and remembers the first.
#[derive(Debug, Default)]
struct Witness(Mutex<Option<Vec<u8>>>);

impl Witness {
    fn certificate(&self) -> Option<Vec<u8>> {
        self.0.lock().ok()?.clone()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Ok(mut seen) = self.0.lock() {
            *seen = Some(end_entity.to_vec());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
