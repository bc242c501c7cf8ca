//! What a frame must pass before the protocol hears of it. Runs in the task of each connection, never in the driver's.
//!
//! All frames that have come together are checked together: many signatures at once cost half of what each by itself does,
//! and a bad one among them is found by halves. Nothing of a bundle is remembered before its signature holds.

use super::{Shared, times};
use crate::config::Unsigned as Policy;
use crate::profiles::Unsigned;
use beauty::{Timestamp, Told};
use gossip::json::DecodeError;
use gossip::{
    BadKey, Bundle, Dialect, Event, Exchange, Message, OriginId, Profile, PublicKey, Signed, bundle_bytes, verify_batch,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many keys are kept decoded: 300 kB. Whoever sends in the name of more pays for the decoding, and so does the rest. A guess.
const KEYS: usize = 1_024;

/// Checks that frames are signed by whom they name, and that their events are ones that this node would show.
#[derive(Clone)]
pub(crate) struct Verifier {
    shared: Arc<Shared>,
    unsigned: Policy,
    mesh: Arc<str>,
    keys: Arc<Mutex<Keys>>,
}

/// Keys of origins, decoded: an eighth of what a check of a signature takes, and origins send more than once.
#[derive(Default)]
struct Keys(HashMap<OriginId, Arc<PublicKey>>);

impl Keys {
    fn get(&mut self, origin: &OriginId) -> Result<Arc<PublicKey>, BadKey> {
        if let Some(key) = self.0.get(origin) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(PublicKey::decode(origin)?);
        if self.0.len() >= KEYS {
            self.0.clear();
        }
        self.0.insert(*origin, Arc::clone(&key));
        Ok(key)
    }
}

/// An event of a frame that holds.
pub(crate) struct Heard {
    /// Its text.
    pub(crate) text: Arc<str>,
    /// What it tells.
    pub(crate) told: Told,
    /// Who has signed it; `None` for a script's event without a signature.
    pub(crate) key: Option<OriginId>,
}

/// What of a frame holds, and what does not.
pub(crate) struct Checked {
    pub(crate) holds: Option<(Message, Vec<Heard>)>,
    pub(crate) refused: Vec<Refusal>,
}

/// A frame, or a bundle in it, that was refused.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// A stable word for counters.
    pub(crate) reason: &'static str,
    /// Whether it was an event.
    pub(crate) event: bool,
    /// A sentence for whoever wrote the peer.
    pub(crate) why: String,
    /// Whose profile is to be asked for: the bundle can't be judged without.
    pub(crate) undeclared: Option<OriginId>,
}

impl Verifier {
    pub(crate) fn new(shared: Arc<Shared>, unsigned: Policy, mesh: &str) -> Verifier {
        Verifier { shared, unsigned, mesh: mesh.into(), keys: Arc::default() }
    }

    /// Checks frames of one connection that have come together, in their order.
    pub(crate) fn check(&self, dialect: Dialect, frames: Vec<Result<Message, Refusal>>) -> Vec<Checked> {
        let bundles = frames.iter().flatten().flat_map(Message::bundles).collect::<Vec<_>>();
        let mut verdicts = self.signatures(&bundles).into_iter();
        frames.into_iter().map(|frame| self.frame(dialect, frame, &mut verdicts)).collect()
    }

    fn frame(
        &self,
        dialect: Dialect,
        frame: Result<Message, Refusal>,
        verdicts: &mut impl Iterator<Item = Result<(), Refusal>>,
    ) -> Checked {
        let mut refused = Vec::new();
        let holds = frame.and_then(|message| match message {
            Message::Event { ref event, .. } => {
                let heard = self.unsigned_event(event)?;
                Ok((message, vec![heard]))
            }
            Message::Bundle { ref bundle, .. } => {
                verdicts.next().unwrap_or(Ok(())).and_then(|()| self.second(bundle))?;
                let heard = heard(bundle)?;
                if dialect == Dialect::Json {
                    self.script_times(bundle, &heard)?;
                }
                Ok((message, heard))
            }
            // What holds of an answer is taken: one bad bundle in it is no reason to go without the others.
            Message::Exchange(Exchange::Missed { number, covered, bundles }) => {
                let (mut good, mut all) = (Vec::with_capacity(bundles.len()), Vec::new());
                for bundle in bundles {
                    match verdicts
                        .next()
                        .unwrap_or(Ok(()))
                        .and_then(|()| self.second(&bundle))
                        .and_then(|()| heard(&bundle))
                    {
                        Ok(heard) => {
                            good.push(bundle);
                            all.extend(heard);
                        }
                        Err(refusal) => refused.push(refusal),
                    }
                }
                Ok((Message::Exchange(Exchange::Missed { number, covered, bundles: good }), all))
            }
            // Half of a proof: whose it is counts, and nothing else of it is shown.
            Message::Evidence(bundle) => {
                verdicts.next().unwrap_or(Ok(())).and_then(|()| self.second(&bundle))?;
                Ok((Message::Evidence(bundle), Vec::new()))
            }
            Message::Rotations(rotations) => {
                let (hold, others): (Vec<_>, Vec<_>) = rotations.into_iter().partition(|it| it.holds(&self.mesh));
                if !others.is_empty() {
                    let words = "a change of keys is not signed by both keys, or not for this mesh";
                    refused.push(Refusal::frame("bad_signature", words.to_owned()));
                }
                Ok((Message::Rotations(hold), Vec::new()))
            }
            Message::Places(places) => {
                let (hold, others): (Vec<_>, Vec<_>) = places.into_iter().partition(|it| it.holds(&self.mesh));
                if !others.is_empty() {
                    let words = "a place is not signed by its origin, or not for this mesh";
                    refused.push(Refusal::frame("bad_signature", words.to_owned()));
                }
                Ok((Message::Places(hold), Vec::new()))
            }
            Message::Profiles(profiles) => {
                let all = profiles.len();
                let profiles = profiles.into_iter().filter(|profile| self.declared(profile)).collect::<Vec<_>>();
                if profiles.len() < all {
                    let words = "a profile is not signed by both of its keys, or not for this mesh";
                    refused.push(Refusal::frame("bad_signature", words.to_owned()));
                }
                Ok((Message::Profiles(profiles), Vec::new()))
            }
            other => Ok((other, Vec::new())),
        });
        match holds {
            Ok(holds) => Checked { holds: Some(holds), refused },
            Err(refusal) => Checked { holds: None, refused: vec![refusal] },
        }
    }

    /// Whether a profile holds. If so, what comes behind it is checked by it.
    fn declared(&self, profile: &Arc<Profile>) -> bool {
        let holds = self.shared.profiles.knows(profile) || profile.holds(&self.mesh);
        if holds {
            self.shared.profiles.learn(self.shared.time(), profile);
        }
        holds
    }

    /// Whether a bundle, whose first signature holds, has the second that its origin has declared.
    fn second(&self, bundle: &Bundle) -> Result<(), Refusal> {
        let judged = self.shared.profiles.judge(bundle, || bundle_bytes(&self.mesh, bundle));
        judged.map_err(|unsigned| match unsigned {
            Unsigned::Missing => {
                let words = "a bundle has one signature, and its origin has declared that it signs twice";
                Refusal::frame("signed_once", words.to_owned())
            }
            Unsigned::Forged => {
                let words = "the second signature of a bundle does not hold for the key that its origin has declared";
                Refusal::frame("bad_signature", words.to_owned())
            }
            Unsigned::Undeclared => {
                let words =
                    "a bundle has two signatures, and what its origin declares is not known yet; it is asked for";
                Refusal { undeclared: Some(bundle.id.origin), ..Refusal::frame("undeclared", words.to_owned()) }
            }
        })
    }

    /// Whether each bundle is its origin's, and was made for this mesh.
    fn signatures(&self, bundles: &[&Bundle]) -> Vec<Result<(), Refusal>> {
        if bundles.is_empty() {
            return Vec::new();
        }
        let keys: Vec<Result<Arc<PublicKey>, BadKey>> = {
            let mut known = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            bundles.iter().map(|bundle| known.get(&bundle.id.origin)).collect()
        };
        let messages: Vec<Vec<u8>> = bundles.iter().map(|bundle| bundle_bytes(&self.mesh, bundle)).collect();
        let mut claims = Vec::with_capacity(bundles.len());
        for ((bundle, message), key) in bundles.iter().zip(&messages).zip(&keys) {
            if let Ok(key) = key {
                claims.push(Signed { key, message, signature: &bundle.signature });
            }
        }
        let mut verdicts = verify_batch(&claims).into_iter();
        let verdict = |key: &Result<_, BadKey>| match key {
            Ok(_) if verdicts.next() == Some(true) => Ok(()),
            Err(bad) => Err(Refusal::frame("bad_signature", format!("the origin of a bundle is no key: {bad}"))),
            Ok(_) => {
                let words = "a bundle is not signed by the origin that it names, or not for this mesh";
                Err(Refusal::frame("bad_signature", words.to_owned()))
            }
        };
        keys.iter().map(verdict).collect()
    }

    fn unsigned_event(&self, event: &Event) -> Result<Heard, Refusal> {
        if self.unsigned == Policy::Reject {
            let why = "the event has no signature; sign it as docs/protocol.md shows, or start this node with \
                       FEDERATED_UNSIGNED=accept, by which it vouches for such events";
            return Err(Refusal::event("unsigned", why.to_owned()));
        }
        let told = told(event)?;
        // A script's event is refused for its time before it is seen: it may come again when clocks allow.
        self.admits(told.event.at)?;
        Ok(Heard { text: Arc::clone(&event.json), told, key: None })
    }

    /// What a script has signed itself is refused for its time before it is seen, too. Among nodes a bundle goes on whatever
    /// our clock says: its events are entered when their time is acceptable here.
    fn script_times(&self, bundle: &Bundle, heard: &[Heard]) -> Result<(), Refusal> {
        self.admits(Timestamp::from_millis(bundle.id.seq / 1_000))?;
        heard.iter().try_for_each(|heard| self.admits(heard.told.event.at))
    }

    fn admits(&self, at: Timestamp) -> Result<(), Refusal> {
        self.shared.admits(at).map_err(|refusal| Refusal::event(refusal.reason(), refusal.to_string()))
    }
}

/// Whether peers would take this bundle, whose signature holds. Says why not.
pub(crate) fn acceptable(bundle: &Bundle, now: Timestamp) -> Result<(), String> {
    if !times::kept(bundle.id.seq, now) {
        return Err(
            "its number, which is the time of its origin, lies over a minute ahead of this machine's clock".to_owned()
        );
    }
    heard(bundle).map(drop).map_err(|refusal| refusal.why)
}

fn heard(bundle: &Bundle) -> Result<Vec<Heard>, Refusal> {
    let heard = |event: &Event| {
        let told = told(event)?;
        if !times::carried(told.event.at, bundle.id.seq) {
            let words =
                "an event lies over a minute ahead of the number of its bundle, which is the time of its origin";
            return Err(Refusal::event("bad_event", words.to_owned()));
        }
        Ok(Heard { text: Arc::clone(&event.json), told, key: Some(bundle.id.origin) })
    };
    bundle.events.iter().map(heard).collect()
}

fn told(event: &Event) -> Result<Told, Refusal> {
    Told::parse(&event.json).map_err(|error| Refusal::event("bad_event", error.to_string()))
}

impl Refusal {
    pub(crate) fn frame(reason: &'static str, why: String) -> Refusal {
        Refusal { reason, event: false, why, undeclared: None }
    }

    fn event(reason: &'static str, why: String) -> Refusal {
        Refusal { reason, event: true, why, undeclared: None }
    }
}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Refusal {
        Refusal::frame(error.reason(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gossip::Keypair;

    #[test]
    fn keys_are_kept_decoded_and_not_more_than_so_many() {
        let mut keys = Keys::default();
        for number in 0..KEYS + 10 {
            let mut seed = [0; 32];
            seed[..8].copy_from_slice(&number.to_le_bytes());
            let pair = Keypair::from_seed(&seed);
            let (origin, signature) = (pair.origin(), pair.sign(b"words"));
            for _ in 0..2 {
                assert!(keys.get(&origin).unwrap().verify(b"words", &signature));
            }
            assert!(keys.0.len() <= KEYS);
        }
        let weak = OriginId([0; 32]);
        assert!(keys.get(&weak).is_err() && !keys.0.contains_key(&weak));
    }
}
