//! TLS 1.3, for both ports and for dialling: rustls (RFC 8446), with X25519MLKEM768 first, so that what is recorded today stays
//! closed to a quantum computer of later.
//!
//! A peer's certificate is not held against any authority: it may be self-signed. That the other side holds its key is checked, as in
//! every TLS handshake; who the other side *is*, the handshake by which it joins proves over this very channel
//! ([`gossip::join`]). Browsers judge the certificate by their own rules.

mod files;
mod pair;

pub use files::TlsError;
pub use pair::{CERT, KEY, make};

use files::Files;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::TLS13;
use rustls::{ClientConfig, DigitallySignedStruct, Error, InvalidMessage, ServerConfig, SignatureScheme};
use sha2::{Digest, Sha256};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What is exported to tell a connection from all others (RFC 9266).
const EXPORTER: &[u8] = b"EXPORTER-Channel-Binding";
/// What every TLS connection begins with: the type of a handshake record (RFC 8446 §5.1).
const HANDSHAKE: u8 = 22;
/// The header by which an answer says that.
pub(crate) const WANTS_TLS: &str = "x-wants-tls";
/// What is said to who speaks no TLS, as an answer to HTTP, which WebSockets begin with.
const SPEAK_TLS: &str = "this port speaks TLS alone: use https:// or, between peers, wss://";

/// Why a connection did not come to be one of TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoTls {
    /// The dialler speaks none.
    #[error("who dialled speaks no TLS, which this port does: dial it by wss:// or https://")]
    Spoken,
    /// The listener speaks none: it answers something else, or hangs up.
    #[error("the port there answers with no TLS: if it speaks none, dial it by ws://")]
    Answered,
    /// TLS says no, or the connection broke.
    #[error("no TLS handshake: {0}")]
    Failed(io::Error),
}

/// How this node listens and dials.
pub(crate) struct Tls {
    listener: Option<Listener>,
    connector: TlsConnector,
}

struct Listener {
    acceptor: TlsAcceptor,
    /// The hash of the certificate that is shown.
    certificate: [u8; 32],
}

/// The bytes of a connection.
pub(crate) trait Carrier: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Carrier for S {}

/// A connection that stands, in TLS or not.
pub(crate) struct Carried {
    pub(crate) bytes: Box<dyn Carrier>,
    /// What only its two ends know, and the hash of the listener's certificate.
    pub(crate) binding: Option<Binding>,
}

/// What tells a connection of TLS from all others, and from one to somebody in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) exporter: [u8; 32],
    pub(crate) certificate: [u8; 32],
}

impl Tls {
    /// What these files make possible: without a certificate and its key, ports are spoken with in plain words, and others can be
    /// dialled all the same.
    ///
    /// # Errors
    /// One of the two is missing, can't be read, or doesn't fit the other.
    pub(crate) fn load(cert: Option<&Path>, key: Option<&Path>) -> Result<Tls, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let listener = Files::read(cert, key)?.map(|files| listener(&provider, files)).transpose()?;
        let verifier = Arc::new(PinnedByJoining(Arc::clone(&provider)));
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(|error| TlsError::Setup(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        // Each connection is shown the certificate anew.
        client.resumption = Resumption::disabled();
        Ok(Tls { listener, connector: TlsConnector::from(Arc::new(client)) })
    }

    /// Whether this node's ports speak TLS.
    pub(crate) fn listens(&self) -> bool {
        self.listener.is_some()
    }

    /// A connection to one of this node's ports. Whoever calls sets a deadline.
    ///
    /// # Errors
    /// What came is no TLS, where it should be: it was told so.
    pub(crate) async fn accept(&self, mut stream: TcpStream) -> Result<Carried, NoTls> {
        let Some(Listener { acceptor, certificate }) = &self.listener else {
            return Ok(Carried { bytes: Box::new(stream), binding: None });
        };
        let mut first = [0];
        if stream.peek(&mut first).await.map_err(NoTls::Failed)? > 0 && first != [HANDSHAKE] {
            // Whether it was heard makes no difference: the connection ends.
            let _ = stream.write_all(plain_answer().as_bytes()).await;
            let _ = stream.shutdown().await;
            return Err(NoTls::Spoken);
        }
        let stream = acceptor.accept(stream).await.map_err(NoTls::Failed)?;
        let exporter = export(stream.get_ref().1.export_keying_material([0; 32], EXPORTER, Some(&[])))?;
        Ok(Carried { bytes: Box::new(stream), binding: Some(Binding { exporter, certificate: *certificate }) })
    }

    /// Makes a connection that was dialled one of TLS. Whoever calls sets a deadline.
    ///
    /// # Errors
    /// The other side speaks none, or not as it should.
    pub(crate) async fn connect(&self, host: &str, stream: TcpStream) -> Result<Carried, NoTls> {
        let invalid = |error| NoTls::Failed(io::Error::new(io::ErrorKind::InvalidInput, error));
        let name = ServerName::try_from(host.to_owned()).map_err(invalid)?;
        let stream = self.connector.connect(name, stream).await.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => NoTls::Answered,
            _ if is_no_record(&error) => NoTls::Answered,
            _ => NoTls::Failed(error),
        })?;
        let connection = stream.get_ref().1;
        let exporter = export(connection.export_keying_material([0; 32], EXPORTER, Some(&[])))?;
        let shown = connection.peer_certificates().and_then(|chain| chain.first());
        let certificate = shown.map(|shown| Sha256::digest(shown.as_ref()).into()).unwrap_or_default();
        Ok(Carried { bytes: Box::new(stream), binding: Some(Binding { exporter, certificate }) })
    }
}

fn listener(provider: &Arc<CryptoProvider>, Files { chain, key, path }: Files) -> Result<Listener, TlsError> {
    let certificate = chain.first().map(|first| Sha256::digest(first.as_ref()).into()).unwrap_or_default();
    let unfit = |error: Error| TlsError::Unfit { path: path.clone(), why: error.to_string() };
    let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| TlsError::Setup(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unfit)?;
    // Browsers would choose HTTP/2, which is not spoken here; peers name none.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Listener { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
}

fn export(exported: Result<[u8; 32], Error>) -> Result<[u8; 32], NoTls> {
    exported.map_err(|error| NoTls::Failed(io::Error::other(error)))
}

/// Whether what came is no record of TLS.
fn is_no_record(error: &io::Error) -> bool {
    let error = error.get_ref().and_then(|error| error.downcast_ref());
    matches!(error, Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)))
}

fn plain_answer() -> String {
    let length = SPEAK_TLS.len() + 1;
    format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n{WANTS_TLS}: 1\r\n\r\n{SPEAK_TLS}\n"
    )
}

/// Takes any certificate whose key the other side holds: what a peer is trusted for, it proves when it joins.
#[derive(Debug)]
struct PinnedByJoining(Arc<CryptoProvider>);

impl ServerCertVerifier for PinnedByJoining {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
