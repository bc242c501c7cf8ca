//! What the binary does beside running a node: it looks after the store and the key of one that is not running.

use crate::clock;
use crate::config::{IdentityArgs, IdentityDeed, StoreArgs, StoreDeed};
use crate::folder::data_folder;
use crate::identity::{self, IdentityError};
use crate::node::acceptable;
use crate::profiles::{self, ProfileError};
use crate::rotations::{self, RotationError};
use crate::store::{FILE, MoveError, Store, StoreError};
use crate::tls::{self, TlsError};
use std::io::{self, Write};

/// Why a tool could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The platform names no data folder.
    #[error("this system names no folder for data; set FEDERATED_DATA_DIR (--data-dir)")]
    NoDataDir,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Export or import.
    #[error(transparent)]
    Move(#[from] MoveError),
    /// The key.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The new key.
    #[error(transparent)]
    Rotation(#[from] RotationError),
    /// What origins have declared.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// What the check has found; it is written out.
    #[error("the store is damaged: {0} of its records or sums are not what was written")]
    Problems(usize),
    /// Nobody reads what is written.
    #[error("the output: {0}")]
    Output(#[from] io::Error),
}

/// `beauty-mesh store …`
///
/// # Errors
/// The store is not there, is in use, is damaged, or the system refuses.
pub fn store(args: &StoreArgs) -> Result<(), ToolError> {
    let folder = data_folder(args.data_dir.as_ref()).ok_or(ToolError::NoDataDir)?;
    let (mut out, path) = (io::stdout().lock(), folder.join(FILE));
    match args.deed {
        StoreDeed::Check => {
            let store = Store::existing(&folder, true)?;
            let report = store.check()?;
            let totals = report.totals;
            writeln!(
                out,
                "{}: {} events in {} bundles, {} bytes",
                path.display(),
                totals.events,
                totals.bundles,
                totals.bytes
            )?;
            writeln!(out, "{} buckets of rollups, {} proofs of cheats", report.rollups, report.proofs)?;
            let mut problems = report.problems();
            let mut unsigned = 0;
            store.proofs(|stored| unsigned += usize::from(!stored.proof.holds(&args.mesh))).or_else(|error| {
                // What can't be read is among the problems already.
                if problems.is_empty() { Err(error) } else { Ok(()) }
            })?;
            if unsigned > 0 {
                problems.push(format!(
                    "{unsigned} proofs are not signed for the mesh {:?}; of another mesh, say --mesh",
                    args.mesh
                ));
            }
            for problem in &problems {
                writeln!(out, "{problem}")?;
            }
            if !problems.is_empty() {
                return Err(ToolError::Problems(problems.len()));
            }
            writeln!(out, "all of it is whole")?;
        }
        StoreDeed::Compact => {
            let (before, after) = Store::compact(&folder)?;
            writeln!(out, "{}: {before} bytes before, {after} now", path.display())?;
        }
        StoreDeed::Export => {
            let moved = Store::existing(&folder, false)?.export(io::BufWriter::new(out))?;
            eprintln!("{} bundles written out, {} damaged", moved.bundles, moved.damaged);
        }
        StoreDeed::Import => {
            let known = profiles::read(&folder, &args.mesh)?;
            let store = Store::open(&folder)?;
            store.belongs_to(&args.mesh)?;
            let moved =
                store.import((&args.mesh, &known), io::stdin().lock(), |bundle| acceptable(bundle, clock::wall()))?;
            writeln!(out, "{} bundles taken in, {} were there or are too old", moved.bundles, moved.passed_over)?;
        }
    }
    Ok(())
}

/// `beauty-mesh identity …`
///
/// # Errors
/// The key is not there, is damaged, or may be known to others; a certificate is there already.
pub fn identity(args: &IdentityArgs) -> Result<(), ToolError> {
    let folder = data_folder(args.data_dir.as_ref()).ok_or(ToolError::NoDataDir)?;
    let mut out = io::stdout().lock();
    match &args.deed {
        IdentityDeed::Show => {
            writeln!(out, "{}", hex::encode(identity::read(&folder)?.origin().0))?;
            // Not to the output, which is what goes on others' lists.
            if let Some(second) = identity::second(&folder, false)? {
                eprintln!("the second key, ML-DSA-65, has the hash {}", identity::second_hash(&second));
            }
        }
        IdentityDeed::Export => {
            write!(out, "{}", identity::text(&identity::read(&folder)?))?;
            if identity::second(&folder, false)?.is_some() {
                let (second, profiles) = (folder.join(identity::SECOND_FILE), folder.join(profiles::FILE));
                eprintln!("the node signs twice: {} and {} go with it", second.display(), profiles.display());
            }
        }
        IdentityDeed::Rotate => {
            let [old, new] = rotations::rotate(&folder, &args.mesh, clock::wall().as_millis().saturating_mul(1_000))?;
            writeln!(out, "{}", hex::encode(new.0))?;
            eprintln!(
                "the key was {}; the mesh follows when the node has started and is connected",
                hex::encode(old.0)
            );
        }
        IdentityDeed::Tls { names } => {
            let [cert, key] = tls::make(&folder, names.clone())?;
            writeln!(out, "FEDERATED_TLS_CERT={}\nFEDERATED_TLS_KEY={}", cert.display(), key.display())?;
        }
    }
    Ok(())
}
