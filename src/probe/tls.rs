//! The certificate that a server shows for a name. No data is sent, so none is at risk when it is not trusted; what is
//! asked is how long it is valid and for whom.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

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

/// Shakes hands with `address` under each of these names in turn and returns the certificates it shows. One after the
/// other, because they are one server's: where it cannot be reached for one name, it is not tried for the rest.
pub(super) fn certificates(address: SocketAddr, hosts: &[String], limit: Duration) -> Vec<Result<Served, String>> {
    let until = Instant::now() + limit;
    let witness = Arc::new(Witness::default());
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map(|builder| {
        let verifier = builder.dangerous().with_custom_certificate_verifier(witness.clone());
        Arc::new(verifier.with_no_client_auth())
    });
    let mut unreachable = None;
    let mut one = |host: &String| {
        if let Some(reason) = &unreachable {
            return Err(String::clone(reason));
        }
        let config = config.as_ref().map_err(ToString::to_string)?;
        let name = ServerName::try_from(host.clone()).map_err(|_| format!("{host} is not a host name"))?;
        let connection = ClientConnection::new(config.clone(), name).map_err(|error| error.to_string())?;
        let left = until.saturating_duration_since(Instant::now());
        let stream = connect(address, left).map_err(|error| {
            let reason = super::network::describe(&error, limit);
            unreachable.get_or_insert(reason).clone()
        })?;
        let shaken = shake(connection, stream, &witness, until);
        let der = witness.take().ok_or_else(|| match shaken {
            Err(error) => super::network::describe(&error, limit),
            Ok(()) => "no certificate was shown".to_owned(),
        })?;
        parse(&der).ok_or_else(|| "its certificate cannot be read".to_owned())
    };
    hosts.iter().map(&mut one).collect()
}

fn connect(address: SocketAddr, left: Duration) -> io::Result<TcpStream> {
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    TcpStream::connect_timeout(&address, left)
}

/// Goes on with the handshake until a certificate was seen; the rest of it is not needed.
fn shake(mut connection: ClientConnection, mut stream: TcpStream, seen: &Witness, until: Instant) -> io::Result<()> {
    while connection.is_handshaking() && !seen.has_seen() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        stream.set_write_timeout(Some(left))?;
        // Not `complete_io`, which goes on for as long as the other side sends a byte now and then.
        while connection.wants_write() {
            connection.write_tls(&mut stream)?;
        }
        if connection.read_tls(&mut stream)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Err(error) = connection.process_new_packets() {
            return Err(io::Error::other(error));
        }
    }
    Ok(())
}

pub fn parse(der: &[u8]) -> Option<Served> {
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

/// Accepts every certificate and remembers the last.
#[derive(Debug, Default)]
struct Witness(Mutex<Option<Vec<u8>>>);

impl Witness {
    fn take(&self) -> Option<Vec<u8>> {
        self.0.lock().ok()?.take()
    }

    fn has_seen(&self) -> bool {
        self.0.lock().is_ok_and(|seen| seen.is_some())
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
