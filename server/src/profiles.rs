//! The file that keeps what origins have declared of themselves, what a bundle must be signed by after that, and what this node
//! declares.
//!
//! One line a profile, under a line that says what it is: the origin, the first number, the second key, and both signatures, keys and
//! signatures in hexadecimal. The file is replaced whole or not at all.

use crate::folder::replace_file;
use crate::kept::KeptFile;
use gossip::{
    Bucket, Bundle, Keypair, OriginId, Profile, Profiles, Second, SecondKey, SecondSignature, SecondVerifier,
    Signature, Time,
};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing::warn;

/// The file in the data folder.
pub const FILE: &str = "profiles";

const HEADER: &str = "beauty-mesh profiles, 1";
/// How many second keys are kept decoded: 5 MB. A guess.
const KEYS: usize = 128;
/// Profiles that are taken in for checking: all that are kept at once, and ten a second.
const NEWS: Bucket = Bucket::new(10, Profiles::MAX as u32);

/// Why what origins have declared can't be read, or this node can't declare what it does.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The system refuses.
    #[error("{path}: {why}; FEDERATED_DATA_DIR (--data-dir) must name a folder that this user may write to")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// It holds something else.
    #[error(
        "{path} is damaged in line {line}. Put it back from a copy; or move it away: peers tell again what they know, but until then \
         a bundle whose second signature was left out is not known from one that has none"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which line, from 1 on.
        line: usize,
    },
    /// This node has declared another second key than it has, or has none any more.
    #[error(
        "{path} says that this node signs by a second key, and that key is not in {key}: no node would take its events. Put the key back \
         from a copy, or give the node a new first key with `beauty-mesh identity rotate`"
    )]
    OtherKey {
        /// What says so.
        path: PathBuf,
        /// Where the key is to be.
        key: PathBuf,
    },
    /// No signature came about: a chance below 2^-128.
    #[error("the second key made no signature; start the node again")]
    NoSignature,
}

/// What is known of profiles, in this folder: what holds for this mesh.
///
/// # Errors
/// The file can't be read, or is damaged. No file is no error.
pub fn read(folder: &Path, mesh: &str) -> Result<Vec<Arc<Profile>>, ProfileError> {
    let path = folder.join(FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(why) => return Err(ProfileError::Io { path, why }),
    };
    let damaged = |line| ProfileError::Damaged { path: path.clone(), line };
    let mut lines = text.lines().enumerate();
    if lines.next().is_none_or(|(_, line)| line != HEADER) {
        return Err(damaged(1));
    }
    let all = lines.map(|(at, line)| parse(line).ok_or_else(|| damaged(at + 1)));
    let (hold, others): (Vec<_>, Vec<_>) =
        all.collect::<Result<Vec<_>, _>>()?.into_iter().partition(|profile| profile.holds(mesh));
    if !others.is_empty() {
        warn!("{}: {} profiles don't hold for the mesh {mesh}, and are not told", path.display(), others.len());
    }
    Ok(hold)
}

/// Adds to what is known what this node declares, if it has a second key: that its bundles have two signatures from a number on that
/// is greater than `newest`, the greatest it has used, and than its clock, `now`, in microseconds. It is on disk when this returns.
///
/// # Errors
/// The node has declared another key, or the system refuses.
pub(crate) fn declare(
    folder: &Path,
    mesh: &str,
    pair: &Keypair,
    (newest, now): (u64, u64),
    known: &mut Vec<Arc<Profile>>,
) -> Result<(), ProfileError> {
    let own = known.iter().find(|profile| profile.origin == pair.origin());
    let key = pair.second().map(gossip::SecondKeypair::public);
    match (own, key) {
        (None, None) => Ok(()),
        (Some(own), Some(key)) if own.key == key => Ok(()),
        (Some(_), _) => {
            Err(ProfileError::OtherKey { path: folder.join(FILE), key: folder.join(crate::identity::SECOND_FILE) })
        }
        (None, Some(_)) => {
            let from = newest.saturating_add(1).max(now);
            known.push(Arc::new(Profile::declare(mesh, pair, from).ok_or(ProfileError::NoSignature)?));
            let text = text(known.iter());
            replace_file(folder, FILE, &text, 0o644).map_err(|why| ProfileError::Io { path: folder.join(FILE), why })
        }
    }
}

/// What is known of profiles, as it grows, and keys made fit to check by. Cheap to share.
#[derive(Debug)]
pub(crate) struct ProfileFile {
    own: OriginId,
    known: Mutex<(Profiles, Bucket)>,
    keys: Mutex<BTreeMap<OriginId, SecondVerifier>>,
    file: KeptFile,
}

impl ProfileFile {
    pub(crate) fn new(folder: Option<PathBuf>, own: OriginId, known: &[Arc<Profile>]) -> ProfileFile {
        let mut profiles = Profiles::default();
        known.iter().for_each(|profile| {
            profiles.learn(Arc::clone(profile), &own);
        });
        let known = Mutex::new((profiles, NEWS));
        ProfileFile { own, known, keys: Mutex::default(), file: KeptFile::new(folder, FILE) }
    }

    fn known(&self) -> MutexGuard<'_, (Profiles, Bucket)> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this origin has declared that it signs twice, as far as it is known here.
    pub(crate) fn declares(&self, origin: &OriginId) -> bool {
        self.known().0.get(origin).is_some()
    }

    /// Whether one is known already: then nothing of it needs to be checked.
    pub(crate) fn knows(&self, profile: &Profile) -> bool {
        self.known().0.get(&profile.origin).is_some()
    }

    /// Takes in a profile that holds, so that what comes behind it can be checked by it.
    pub(crate) fn learn(&self, now: Time, profile: &Arc<Profile>) {
        let (profiles, news) = &mut *self.known();
        if profiles.get(&profile.origin).is_none() && news.take(now, 1) {
            profiles.learn(Arc::clone(profile), &self.own);
        }
    }

    /// The protocol has taken a profile in, within budgets of its own: so it is known here too, whatever strangers have spent.
    pub(crate) fn accept(&self, profile: &Arc<Profile>) {
        self.known().0.learn(Arc::clone(profile), &self.own);
    }

    /// What is known is to be kept. `true`: it is to be [written](Self::write).
    pub(crate) fn is_due(&self) -> bool {
        self.file.is_due()
    }

    /// Takes what is known to the disk.
    pub(crate) fn write(&self) {
        let all = || {
            let all: Vec<Arc<Profile>> = self.known().0.iter().cloned().collect();
            text(all.iter())
        };
        if let Err((path, why)) = self.file.write(all) {
            warn!("{}: {why}: after a restart, peers have to tell again who signs twice", path.display());
        }
    }

    /// Whether a bundle, whose first signature holds for these bytes, has the second one that its origin has declared, and that holds.
    pub(crate) fn judge(&self, bundle: &Bundle, signed: impl FnOnce() -> Vec<u8>) -> Result<(), Unsigned> {
        let demand = self.known().0.demand(bundle);
        match (demand, &bundle.second) {
            (Second::NotDue, _) => Ok(()),
            (Second::Missing, _) => Err(Unsigned::Missing),
            (Second::By(key), Some(second)) if self.key(bundle.id.origin, &key).verify(&signed(), second) => Ok(()),
            (Second::By(_), _) => Err(Unsigned::Forged),
            (Second::Unknown, _) => Err(Unsigned::Undeclared),
        }
    }

    fn key(&self, origin: OriginId, key: &SecondKey) -> SecondVerifier {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(decoded) = keys.get(&origin) {
            return decoded.clone();
        }
        if keys.len() >= KEYS {
            keys.clear();
        }
        let decoded = key.decode();
        keys.insert(origin, decoded.clone());
        decoded
    }
}

/// Why a second signature is not what its origin has declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsigned {
    /// It was left out.
    Missing,
    /// It does not hold.
    Forged,
    /// Nobody here knows what the origin has declared.
    Undeclared,
}

fn text<'a>(profiles: impl Iterator<Item = &'a Arc<Profile>>) -> String {
    let mut text = format!("{HEADER}\n");
    for profile in profiles {
        let Profile { origin, from, key, first, second } = &**profile;
        let (origin, key) = (hex::encode(origin.0), hex::encode(key.0.as_slice()));
        // A text takes whatever is written.
        let _ = writeln!(text, "{origin} {from} {key} {} {}", hex::encode(first.0), hex::encode(second.0.as_slice()));
    }
    text
}

fn parse(line: &str) -> Option<Arc<Profile>> {
    fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
    }
    let words: Vec<&str> = line.split(' ').collect();
    let [origin, from, key, first, second] = words.as_slice() else { return None };
    Some(Arc::new(Profile {
        origin: OriginId(bytes(origin)?),
        from: from.parse().ok()?,
        key: SecondKey(Arc::new(bytes(key)?)),
        first: Signature(bytes(first)?),
        second: SecondSignature(Arc::new(bytes(second)?)),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gossip::{BundleId, Event, SecondKeypair, bundle_bytes};

    fn pair(number: u8) -> Keypair {
        Keypair::from_seed(&[number; 32]).with_second(SecondKeypair::from_seed(&[number; 32]))
    }

    fn bundle(pair: &Keypair, seq: u64) -> Bundle {
        let event = Event { id: Default::default(), node_id: "n".into(), json: "{}".into() };
        let id = BundleId { origin: pair.origin(), seq };
        let mut bundle = Bundle { id, events: vec![event].into(), signature: Signature::NONE, second: None };
        let bytes = bundle_bytes("beauty", &bundle);
        bundle.signature = pair.sign(&bytes);
        bundle.second = pair.second().and_then(|second| second.sign(&bytes));
        bundle
    }

    fn judged(file: &ProfileFile, bundle: &Bundle) -> Result<(), Unsigned> {
        file.judge(bundle, || bundle_bytes("beauty", bundle))
    }

    #[test]
    fn a_declaration_is_made_once_kept_and_never_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut known = Vec::new();
        let declare = |pair: &Keypair, at, known: &mut _| declare(folder.path(), "beauty", pair, at, known);
        declare(&Keypair::from_seed(&[1; 32]), (1, 2), &mut known).unwrap();
        assert!(known.is_empty(), "who has no second key declares nothing");
        declare(&pair(1), (7, 5), &mut known).unwrap();
        assert_eq!(known[0].from, 8, "greater than all that were used");
        let mut again = read(folder.path(), "beauty").unwrap();
        declare(&pair(1), (70, 50), &mut again).unwrap();
        assert_eq!(again, known);
        let other = Keypair::from_seed(&[1; 32]).with_second(SecondKeypair::from_seed(&[2; 32]));
        for pair in [other, Keypair::from_seed(&[1; 32])] {
            let words = declare(&pair, (0, 0), &mut again).unwrap_err().to_string();
            assert!(words.contains("identity rotate"), "{words}");
        }
        assert_eq!(read(folder.path(), "ugly").unwrap(), [], "it was said in another mesh");
    }

    #[test]
    fn a_damaged_file_is_reported_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        declare(folder.path(), "beauty", &pair(1), (0, 0), &mut Vec::new()).unwrap();
        let path = folder.path().join(FILE);
        let damaged = std::fs::read_to_string(&path).unwrap().replace(" 1 ", " x ");
        std::fs::write(&path, &damaged).unwrap();
        let words = read(folder.path(), "beauty").unwrap_err().to_string();
        assert!(words.contains("line 2") && words.contains("move it away"), "{words}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged);
    }

    #[test]
    fn what_was_declared_is_demanded_from_that_number_on() {
        let (one, two) = (pair(1), pair(2));
        let file = ProfileFile::new(None, two.origin(), &[]);
        let whole = bundle(&one, 10);
        let stripped = |seq| Bundle { second: None, ..bundle(&one, seq) };
        assert_eq!(judged(&file, &whole), Err(Unsigned::Undeclared));
        assert_eq!(judged(&file, &stripped(10)), Ok(()), "nothing is known of it");
        let profile = Arc::new(Profile::declare("beauty", &one, 10).unwrap());
        file.learn(Time::ZERO, &profile);
        assert!(file.knows(&profile));
        assert_eq!(judged(&file, &whole), Ok(()));
        assert_eq!(judged(&file, &stripped(10)), Err(Unsigned::Missing));
        assert_eq!(judged(&file, &stripped(9)), Ok(()), "it was made before");
        // Of another bundle, and of another key.
        let swapped = Bundle { second: bundle(&one, 11).second, ..whole.clone() };
        assert_eq!(judged(&file, &swapped), Err(Unsigned::Forged));
        let bytes = bundle_bytes("beauty", &whole);
        let other = Bundle { second: two.second().unwrap().sign(&bytes), ..whole.clone() };
        assert_eq!(judged(&file, &other), Err(Unsigned::Forged));
        // A second profile of the same origin changes nothing.
        let stolen = Keypair::from_seed(&[1; 32]).with_second(SecondKeypair::from_seed(&[2; 32]));
        file.learn(Time::ZERO, &Arc::new(Profile::declare("beauty", &stolen, 0).unwrap()));
        assert_eq!(judged(&file, &whole), Ok(()));
        assert_eq!(judged(&file, &bundle(&stolen, 12)), Err(Unsigned::Forged));
    }

    #[test]
    fn what_the_protocol_has_taken_in_is_known_whatever_strangers_have_spent() {
        let file = ProfileFile::new(None, pair(2).origin(), &[]);
        let honest = Arc::new(Profile::declare("beauty", &pair(1), 10).unwrap());
        for number in 0..Profiles::MAX as u32 {
            let origin = OriginId(std::array::from_fn(|at| number.to_le_bytes()[at % 4]));
            file.learn(Time::ZERO, &Arc::new(Profile { origin, ..(*honest).clone() }));
        }
        file.learn(Time::ZERO, &honest);
        assert!(!file.knows(&honest), "no more are checked for the moment");
        file.accept(&honest);
        assert_eq!(judged(&file, &bundle(&pair(1), 10)), Ok(()));
    }
}
