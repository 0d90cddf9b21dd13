//! The certificate that a server shows for a name. No data is sent, so none is at risk when it is not trusted; what is
//! asked is how long it is valid, for whom, and whether clients that trust whom this host trusts would take it.

mod pair;
mod trust;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

pub use self::pair::{PairFacts, pair};
pub use self::trust::Authorities;
use crate::host::net::{self, Timed};
use crate::host::shortage::Shortage;
use crate::host::trouble::Trouble;

/// A certificate as it was served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Start of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
    /// DNS names it is for.
    pub names: Vec<String>,
    /// Whether it says that it has no end: `99991231235959Z` (RFC 5280, 4.1.2.5).
    pub is_endless: bool,
    /// Who signed it.
    pub issuer: String,
    /// Whether that is somebody whom this host trusts.
    pub trust: Trust,
}

/// What a certificate is worth to a client that trusts whom this host trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// It leads to an authority that is installed.
    Known,
    /// It leads to none; why, in words. Clients of its own may know its issuer, browsers do not.
    Unknown(String),
    /// No client takes it; why, in words.
    Refused(String),
    /// It cannot be told; why, in words.
    Unchecked(String),
}

/// In place of a name: none is asked for.
pub(super) const UNNAMED: &str = "";

/// Names and end of the first certificate in a file.
pub(super) fn first_of(pem: &[u8]) -> Option<(Vec<String>, Timestamp)> {
    let der = CertificateDer::pem_slice_iter(pem).next()?.ok()?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    Some((names_of(&certificate), time(certificate.validity().not_after)))
}

/// DNS names that a certificate is for.
fn names_of(certificate: &X509Certificate<'_>) -> Vec<String> {
    let names = certificate.subject_alternative_name().ok().flatten().map(|names| {
        let dns = names.value.general_names.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        });
        dns.collect()
    });
    names.unwrap_or_default()
}

/// Certificates in the order in which a server sends them, its own first.
pub(super) type Chain = Vec<CertificateDer<'static>>;

/// A client that accepts every certificate and keeps the last that it was shown.
pub(super) struct Client {
    /// Of its connections.
    pub config: Arc<ClientConfig>,
    witness: Arc<Witness>,
}

impl Client {
    pub(super) fn new() -> Result<Self, Error> {
        let witness = Arc::new(Witness::default());
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions()?.dangerous();
        let config = builder.with_custom_certificate_verifier(witness.clone()).with_no_client_auth();
        Ok(Client { config: Arc::new(config), witness })
    }

    /// What it was shown since this was asked last.
    pub(super) fn shown(&self) -> Option<Chain> {
        self.witness.take()
    }
}

/// Shakes hands with `address` under each of these names in turn and returns the certificates it shows. One after the
/// other, because they are one server's: where it cannot be reached for one name, it is not tried for the rest.
pub(super) fn certificates(
    address: SocketAddr,
    hosts: &[String],
    limit: Duration,
    authorities: &Authorities,
    now: Timestamp,
) -> Vec<Result<Result<Served, String>, Trouble>> {
    let until = Instant::now() + limit;
    let client = Client::new();
    let mut unreachable = None;
    let mut one = |host: &String| {
        if let Some(reason) = &unreachable {
            return Err(Unseen::clone(reason));
        }
        let silent = |error: &Error| Unseen::Silent(error.to_string());
        let client = client.as_ref().map_err(silent)?;
        let name = match host.as_str() {
            // An address is no name to be asked for, so that the server shows what it shows to anybody.
            UNNAMED => Ok(ServerName::IpAddress(std::net::Ipv4Addr::LOCALHOST.into())),
            // A certificate for all names below one is shown for any of them.
            host => ServerName::try_from(host.replacen('*', "www", 1)),
        };
        let name = name.map_err(|_| Unseen::Silent(format!("{host} is not a host name")))?;
        let connection = ClientConnection::new(client.config.clone(), name).map_err(|error| silent(&error))?;
        let stream =
            net::tcp(address, until).map_err(|error| unreachable.get_or_insert(unseen(&error, limit)).clone())?;
        let shaken = shake(connection, stream, &client.witness);
        let chain = client.shown().ok_or_else(|| match shaken {
            Err(error) => unseen(&error, limit),
            Ok(()) => Unseen::Silent("no certificate was served".to_owned()),
        })?;
        parse(&chain, authorities, now).ok_or_else(|| Unseen::Silent("its certificate cannot be parsed".to_owned()))
    };
    let told = |served| match served {
        Ok(served) => Ok(Ok(served)),
        Err(Unseen::Silent(reason)) => Ok(Err(reason)),
        Err(Unseen::Short(shortage)) => Err(Trouble::Shortage(shortage)),
    };
    hosts.iter().map(|host| told(one(host))).collect()
}

/// Why no certificate was seen.
#[derive(Clone)]
enum Unseen {
    /// The server shows none.
    Silent(String),
    /// opsctl itself could not look.
    Short(Shortage),
}

fn unseen(error: &io::Error, limit: Duration) -> Unseen {
    let silent = || Unseen::Silent(net::describe(error, limit));
    Shortage::of(error).map_or_else(silent, Unseen::Short)
}

/// Goes on with the handshake until a certificate was seen; the rest of it is not needed.
fn shake(mut connection: ClientConnection, mut stream: Timed<TcpStream>, seen: &Witness) -> io::Result<()> {
    while connection.is_handshaking() && !seen.has_seen() {
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

/// What a chain says; `None` where its first certificate is none.
pub(super) fn parse(chain: &[CertificateDer<'_>], authorities: &Authorities, now: Timestamp) -> Option<Served> {
    let der = chain.first()?;
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let (not_before, not_after) = (certificate.validity().not_before, certificate.validity().not_after);
    let issuer = certificate.issuer();
    let common = issuer.iter_common_name().next().and_then(|name| name.as_str().ok());
    Some(Served {
        not_before: time(not_before),
        not_after: time(not_after),
        is_endless: not_after.timestamp() == ENDLESS,
        names: names_of(&certificate),
        issuer: common.map_or_else(|| issuer.to_string(), str::to_owned),
        trust: authorities.judge(chain, &certificate, now),
    })
}

/// A certificate that is sent alone to somebody who knows its like, for the fuzz target.
#[cfg(any(test, feature = "fuzzing"))]
pub fn parse_one(der: &[u8]) -> Option<Served> {
    let chain = [CertificateDer::from(der.to_vec())];
    let authorities = Authorities::of(vec![CertificateDer::from(der.iter().rev().copied().collect::<Vec<_>>())]);
    parse(&chain, &authorities, Timestamp::UNIX_EPOCH)
}

/// The last second of the year 9999, seconds since 1970.
const ENDLESS: i64 = 253_402_300_799;

/// A time of a certificate. What lies beyond the times that can be counted with is as good as the last of them.
fn time(at: x509_parser::time::ASN1Time) -> Timestamp {
    let beyond = if at.timestamp() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(at.timestamp()).unwrap_or(beyond)
}

/// Accepts every certificate and remembers the last, with those that were sent with it.
#[derive(Debug, Default)]
struct Witness(Mutex<Option<Chain>>);

impl Witness {
    fn take(&self) -> Option<Chain> {
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
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Ok(mut seen) = self.0.lock() {
            let all = std::iter::once(end_entity).chain(others);
            *seen = Some(all.map(|certificate| certificate.clone().into_owned()).collect());
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

#[cfg(test)]
#[path = "tls/tests.rs"]
mod tests;
