//! Names are claims, keys are facts: the first key that signs in a name keeps it, and a second one is shown as a conflict.
//!
//! A key's own name is the first that it signs in. What it signs in another name it vouches for: events of scripts that
//! have no key. Several nodes may vouch for one name; none may for one that is another key's own.

use beauty::Origin;
use gossip::{OriginId, Rotations};
use std::collections::{BTreeMap, BTreeSet};

/// How many names are remembered; what comes after goes unjudged. As many as the map has rows.
const MAX: usize = 10_000;
/// How many further keys of one name.
const MAX_OTHERS: usize = 4;
/// For how many names one key may vouch. A guess: the scripts of a large site.
const MAX_VOUCHED: usize = 256;

/// Who signs in which name.
#[derive(Debug, Default)]
pub(crate) struct Names {
    named: BTreeMap<Origin, Named>,
    own: BTreeMap<OriginId, Origin>,
    /// The same of keys that have said or signed nothing in this run, from an earlier one.
    recalled: BTreeMap<OriginId, Origin>,
    /// Which keys have taken the place of others: to all that is shown, a node is its newest one.
    rotations: Rotations,
    /// For how many names each key vouches.
    vouched: BTreeMap<OriginId, usize>,
    /// Whether there is something to keep that was not taken yet.
    changed: bool,
}

/// What is known of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// The first key that signed in it.
    pub(crate) key: OriginId,
    /// Whether that one's own name is another, so that it only vouches for this one.
    pub(crate) vouched: bool,
    /// Other keys that signed in it all the same.
    pub(crate) others: Vec<OriginId>,
}

impl Names {
    /// A node has changed its key: its name stays with it. These are the changes that are known now.
    pub(crate) fn rotate(&mut self, rotations: Rotations) {
        self.rotations = rotations;
        self.changed = true;
        self.vouched.clear();
        for named in self.named.values_mut() {
            named.key = self.rotations.newest(named.key);
            let others = std::mem::take(&mut named.others).into_iter().map(|key| self.rotations.newest(key));
            let others: BTreeSet<OriginId> = others.filter(|other| *other != named.key).collect();
            named.others = others.into_iter().collect();
            if named.vouched {
                *self.vouched.entry(named.key).or_default() += 1;
            }
        }
        for (key, name) in std::mem::take(&mut self.own) {
            self.own.entry(self.rotations.newest(key)).or_insert(name);
        }
        for (key, name) in std::mem::take(&mut self.recalled) {
            self.recalled.entry(self.rotations.newest(key)).or_insert(name);
        }
    }

    /// What an earlier run has known: each name, its first key, and whether that one only vouches for it. Whoever has a name already
    /// keeps it.
    pub(super) fn recall(&mut self, kept: Vec<(Origin, OriginId, bool)>) {
        for (name, key, vouched) in kept {
            let key = self.rotations.newest(key);
            if self.named.len() < MAX && !self.named.contains_key(&name) {
                self.remember(key, &name, vouched);
                if !vouched {
                    self.recalled.entry(key).or_insert(name);
                }
            }
        }
    }

    /// Whether there is something to keep that was not taken yet.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    fn remember(&mut self, key: OriginId, name: &Origin, vouched: bool) {
        if vouched {
            *self.vouched.entry(key).or_default() += 1;
        }
        self.named.insert(name.clone(), Named { key, vouched, others: Vec::new() });
        self.changed = true;
    }

    /// Forgets a name of the key that vouches for most. `false`: nobody vouches for any.
    fn forget_vouched(&mut self) -> bool {
        let Some(most) = self.vouched.iter().max_by_key(|(_, names)| **names).map(|(key, _)| *key) else {
            return false;
        };
        let of_most = |(_, named): &(&Origin, &Named)| named.vouched && named.key == most;
        let Some(name) = self.named.iter().find(of_most).map(|(name, _)| name.clone()) else { return false };
        self.named.remove(&name);
        if let Some(names) = self.vouched.get_mut(&most) {
            *names -= 1;
            if *names == 0 {
                self.vouched.remove(&most);
            }
        }
        true
    }

    /// A node says that this is its name. It proves nothing, but tells its own name from those that it vouches for.
    pub(super) fn introduce(&mut self, key: OriginId, name: &Origin) {
        let key = self.rotations.newest(key);
        if self.own.len() < MAX {
            self.own.entry(key).or_insert_with(|| name.clone());
        }
    }

    /// A key has signed an event in a name. `Some` if the name is another's, and this was not known yet: whose it is.
    pub(crate) fn claim(&mut self, key: OriginId, name: &Origin) -> Option<OriginId> {
        let key = self.rotations.newest(key);
        // By far the most events are of those that are known.
        if self.named.get(name).is_some_and(|named| named.key == key) {
            return None;
        }
        if !self.recalled.contains_key(&key) {
            self.introduce(key, name);
        }
        let vouched = self.own_name(key) != Some(name);
        let Some(named) = self.named.get_mut(name) else {
            // One key fills nothing with what it only vouches for, and what is a node's own goes before that.
            let may = !vouched || self.vouched.get(&key).is_none_or(|names| *names < MAX_VOUCHED);
            if may && (self.named.len() < MAX || (!vouched && self.forget_vouched())) {
                self.remember(key, name, vouched);
            }
            return None;
        };
        if (named.vouched && vouched) || named.others.contains(&key) || named.others.len() == MAX_OTHERS {
            return None;
        }
        named.others.push(key);
        Some(named.key)
    }

    /// The name that a key signs in first, or the key in whose place it is; if it has signed.
    pub(super) fn own_name(&self, key: OriginId) -> Option<&Origin> {
        let key = self.rotations.newest(key);
        self.own.get(&key).or_else(|| self.recalled.get(&key))
    }

    /// A key's own name; none of a key in whose place another one is.
    pub(super) fn own(&self, key: &OriginId) -> Option<&Origin> {
        self.own_name(*key).filter(|_| self.rotations.newest(*key) == *key)
    }

    /// All names, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Origin, &Named)> {
        self.named.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Origin {
        Origin::new(text).unwrap()
    }

    fn key(number: u8) -> OriginId {
        OriginId([number; 32])
    }

    #[test]
    fn the_first_key_keeps_a_name_and_a_second_one_is_told_once() {
        let mut names = Names::default();
        assert_eq!(names.claim(key(1), &name("alpha")), None);
        assert_eq!(names.claim(key(1), &name("alpha")), None);
        assert_eq!(names.claim(key(2), &name("alpha")), Some(key(1)));
        assert_eq!(names.claim(key(2), &name("alpha")), None, "it is known");
        let (_, alpha) = names.iter().next().unwrap();
        assert_eq!(*alpha, Named { key: key(1), vouched: false, others: vec![key(2)] });
    }

    #[test]
    fn several_may_vouch_for_a_script_but_not_in_the_name_of_a_node() {
        let mut names = Names::default();
        names.claim(key(1), &name("alpha"));
        names.introduce(key(2), &name("beta"));
        assert_eq!(names.claim(key(1), &name("script")), None);
        assert_eq!(names.claim(key(2), &name("script")), None, "who says first what its own name is only vouches");
        assert_eq!(names.claim(key(2), &name("alpha")), Some(key(1)));
        assert_eq!(names.claim(key(3), &name("script")), Some(key(1)), "whose own it is stands against who vouches");
    }

    #[test]
    fn a_name_stays_with_a_node_that_changes_its_key_whichever_is_heard_first() {
        let pair = |number: u8| gossip::Keypair::from_seed(&[number; 32]);
        let [old, new] = [1, 2].map(|number| pair(number).origin());
        let mut changed = Rotations::default();
        changed.learn(gossip::Rotation::state("beauty", &pair(1), &pair(2), 5));
        for before in [true, false] {
            let mut names = Names::default();
            names.claim(old, &name("alpha"));
            if before {
                names.rotate(changed.clone());
                assert_eq!(names.claim(new, &name("alpha")), None);
            } else {
                assert_eq!(names.claim(new, &name("alpha")), Some(old), "nobody has said yet that it is the same");
                names.rotate(changed.clone());
            }
            assert_eq!(names.claim(old, &name("alpha")), None, "what it said before comes late");
            let (_, alpha) = names.iter().next().unwrap();
            assert_eq!(*alpha, Named { key: new, vouched: false, others: Vec::new() });
            assert_eq!(names.claim(key(9), &name("alpha")), Some(new), "another one is a conflict as before");
        }
    }

    #[test]
    fn a_key_vouches_for_so_many_and_gives_way_to_whoever_has_a_name_of_its_own() {
        let mut names = Names::default();
        names.claim(key(1), &name("alpha"));
        for n in 0..MAX {
            names.claim(key(1), &name(&format!("script{n}")));
        }
        assert_eq!(names.named.len(), 1 + MAX_VOUCHED);
        let numbered = |n: usize| OriginId(std::array::from_fn(|at| n.to_le_bytes()[at % 8]));
        for n in 0..MAX - 1 {
            names.claim(numbered(1_000_000 + n), &name(&format!("node{n}")));
        }
        assert_eq!(names.iter().filter(|(_, named)| named.vouched).count(), 0);
        assert_eq!((names.named.len(), names.vouched.len()), (MAX, 0));
        assert!(names.named.contains_key(&name("alpha")) && names.named.contains_key(&name("node0")));
    }

    #[test]
    fn names_and_keys_without_end_fill_no_memory() {
        let mut names = Names::default();
        for n in 0..2 * MAX {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&n.to_le_bytes());
            names.claim(OriginId(key), &name(&n.to_string()));
            names.claim(OriginId(key), &name("0"));
        }
        assert_eq!((names.named.len(), names.own.len()), (MAX, MAX));
        assert!(names.iter().all(|(_, named)| named.others.len() <= MAX_OTHERS));
    }
}
