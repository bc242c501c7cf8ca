//! The certificate and the key that the settings name.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Why the certificate or its key can't be worked with. No error quotes the key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One without the other.
    #[error(
        "FEDERATED_TLS_CERT (--tls-cert) and FEDERATED_TLS_KEY (--tls-key) go together: set both, or none; \
         `beauty-mesh identity tls` makes a pair"
    )]
    Half,
    /// The system refuses.
    #[error("{path} ({setting}): {why}; `beauty-mesh identity tls` makes a certificate and a key")]
    Io {
        /// The file.
        path: PathBuf,
        /// The setting that names it.
        setting: &'static str,
        /// What the system says.
        why: io::Error,
    },
    /// It holds something else.
    #[error("{path} ({setting}) holds no {what} in PEM")]
    Other {
        /// The file.
        path: PathBuf,
        /// The setting that names it.
        setting: &'static str,
        /// What it should hold.
        what: &'static str,
    },
    /// Anybody may read the key.
    #[error("{path} can be read or written by anybody (mode {mode:03o}), so the key may be known: `chmod o= {path}`")]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// They don't belong together, or TLS can't work with them.
    #[error("{path} (FEDERATED_TLS_CERT) and its key: {why}")]
    Unfit {
        /// The certificate.
        path: PathBuf,
        /// What is wrong with them.
        why: String,
    },
    /// They are there already.
    #[error("{path} is there already, and is not overwritten: move it away to make a new one")]
    There {
        /// The file.
        path: PathBuf,
    },
    /// What TLS is built on can't be set up.
    #[error("TLS can't be set up: {0}")]
    Setup(String),
}

/// A certificate with those that vouch for it, and its key.
pub(super) struct Files {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    pub(super) path: PathBuf,
}

impl Files {
    /// Reads them. `None`: the settings name none.
    pub(super) fn read(cert: Option<&Path>, key: Option<&Path>) -> Result<Option<Files>, TlsError> {
        let (cert, key) = match (cert, key) {
            (None, None) => return Ok(None),
            (Some(cert), Some(key)) => (cert, key),
            _ => return Err(TlsError::Half),
        };
        let pem = read(cert, "FEDERATED_TLS_CERT")?;
        let other = |path: &Path, setting, what| TlsError::Other { path: path.to_owned(), setting, what };
        let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>().unwrap_or_default();
        if chain.is_empty() {
            return Err(other(cert, "FEDERATED_TLS_CERT", "certificate"));
        }
        let pem = read(key, "FEDERATED_TLS_KEY")?;
        let mode = std::fs::metadata(key).map(|data| data.permissions().mode() & 0o777).unwrap_or_default();
        if mode & 0o007 != 0 {
            return Err(TlsError::Open { path: key.to_owned(), mode });
        }
        let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| other(key, "FEDERATED_TLS_KEY", "private key"))?;
        Ok(Some(Files { chain, key, path: cert.to_owned() }))
    }
}

fn read(path: &Path, setting: &'static str) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|why| TlsError::Io { path: path.to_owned(), setting, why })
}
