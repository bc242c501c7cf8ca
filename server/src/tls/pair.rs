//! A certificate that a node signs itself, and its key.

use super::TlsError;
use crate::folder::make_file;
use std::io;
use std::path::{Path, PathBuf};

/// The certificate in the data folder.
pub const CERT: &str = "tls.crt";
/// Its key.
pub const KEY: &str = "tls.key";

/// Makes a certificate for these names and addresses, and its key (ECDSA on P-256), as two files in this folder. The key is
/// readable by its owner only, and nothing is overwritten.
///
/// # Errors
/// One of the files is there already, a name is none, or the system refuses.
pub fn make(folder: &Path, names: Vec<String>) -> Result<[PathBuf; 2], TlsError> {
    let made = rcgen::generate_simple_self_signed(names).map_err(|error| TlsError::Setup(error.to_string()))?;
    let [cert, key] = [CERT, KEY].map(|name| folder.join(name));
    if let Some(path) = [&cert, &key].into_iter().find(|path| path.exists()) {
        return Err(TlsError::There { path: path.clone() });
    }
    let failed = |path: &Path, setting| {
        let path = path.to_owned();
        move |why: io::Error| match why.kind() {
            io::ErrorKind::AlreadyExists => TlsError::There { path },
            _ => TlsError::Io { path, setting, why },
        }
    };
    make_file(folder, KEY, &made.signing_key.serialize_pem(), 0o600).map_err(failed(&key, "FEDERATED_TLS_KEY"))?;
    make_file(folder, CERT, &made.cert.pem(), 0o644).map_err(failed(&cert, "FEDERATED_TLS_CERT"))?;
    Ok([cert, key])
}
