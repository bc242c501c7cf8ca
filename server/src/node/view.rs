//! What the API and the page say of the node.

use super::gone::is_named;
use super::hub::Cell;
use super::turned_away::Entry;
use super::{Protocol, Shared, names};
use crate::clock;
use crate::store::StoredProof;
use crate::transport::LinkStats;
use app::api::{
    Banned, Cheat, CheatProof, Conflict, Delta, Dialect, Direction, GossipSummary, Health, MOST_CONFLICTS,
    MOST_VOUCHED, Named, Network, Numbers, Peer, PeerState, Place, SignedBundle, Snapshot, StreamMessage, TurnedAway,
};
use beauty::{Heatmap, Origin, Resolution, Timestamp};
use gossip::{Ban, Bundle, Counters, Digest, Mark, OriginId, PeerId, PeerView, Spot, bundle_bytes};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

/// How many buckets the map has.
pub(crate) const MAP_BUCKETS: usize = 40;
/// How long a bucket of the map is, unless somebody asks for another resolution.
pub(crate) const MAP_RESOLUTION: Resolution = Resolution::TenSeconds;

/// How many cheats are told with the network: they are in every delta of the stream.
const MAX_CHEATS: usize = 16;

/// How many places are told, those of the first names: as many as the page draws.
const MAX_PLACES: usize = 240;

impl Shared {
    /// What gossip shows of itself, at this moment.
    fn gossip(&self) -> (Counters, Vec<(PeerView, Arc<LinkStats>)>) {
        let now = self.time();
        let Protocol { state, links } = &*self.protocol();
        let peers = state.peers(now).filter_map(|peer| Some((Arc::clone(&links.get(&peer.peer)?.stats), peer)));
        (state.counters().clone(), peers.map(|(stats, peer)| (peer, stats)).collect())
    }

    /// The node in numbers; those of beauty and chaos are of as many buckets of a resolution as the map has.
    pub(crate) fn health(&self, resolution: Resolution) -> Health {
        let now = clock::wall();
        let (counters, peers) = self.gossip();
        let (clock_ahead_ms, has_clone) = {
            let state = &self.protocol().state;
            (state.clock_offset().map(|offset| offset.micros / 1_000), state.has_clone(self.time()))
        };
        let status = match self.failure() {
            Some(failure) => failure.status(),
            None if has_clone => "key-in-use-twice",
            None => "ok",
        };
        let ledger = self.ledger();
        let totals = ledger.totals(now, resolution, MAP_BUCKETS);
        let digest = ledger.digest(now);
        let named = peers.iter().filter_map(|(peer, _)| peer.node_id.as_deref());
        let known: BTreeSet<&str> =
            ledger.origins().map(Origin::as_str).chain(named).chain([self.node_id.as_str()]).collect();
        Health {
            status: status.to_owned(),
            mesh: self.mesh.clone(),
            node_id: self.node_id.to_string(),
            public_key: Some(hex::encode(self.public_key.0)),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: self.started.elapsed().as_secs(),
            now: now.as_millis(),
            clock_ahead_ms,
            peers: peers.len(),
            beauty_avg: totals.avg(),
            beauty_min: totals.min().map(beauty::Score::as_f64),
            beauty_max: totals.max().map(beauty::Score::as_f64),
            chaos: totals.chaos(),
            window_seconds: resolution.seconds() * MAP_BUCKETS as u64,
            events: ledger.events(now),
            gossip_seen: counters.seen,
            gossip_propagated: counters.propagated,
            digest: digest.hex(),
            digest_from: digest.from.as_millis(),
            nodes: known.len(),
            conflicts: self.conflicts(),
            signs_twice: self.profiles.declares(&self.public_key),
        }
    }

    /// Names in which more than one key signs.
    fn conflicts(&self) -> Vec<Conflict> {
        let conflict = |(name, named): (&Origin, &names::Named)| Conflict {
            node_id: name.to_string(),
            public_key: hex::encode(named.key.0),
            others: named.others.iter().map(|key| hex::encode(key.0)).collect(),
        };
        let names = self.names();
        names.iter().filter(|(_, named)| !named.others.is_empty()).take(MOST_CONFLICTS).map(conflict).collect()
    }

    /// Who signs in which name.
    pub(crate) fn named(&self) -> Vec<Named> {
        let named = |(name, named): (&Origin, &names::Named)| {
            let key = Some(hex::encode(named.key.0));
            let (public_key, vouched_by) = if named.vouched { (None, key) } else { (key, None) };
            let others = named.others.iter().map(|key| hex::encode(key.0)).collect();
            Named { node_id: name.to_string(), public_key, vouched_by, others }
        };
        self.names().iter().map(named).collect()
    }

    pub(crate) fn network(&self) -> Network {
        let peers = self.linked();
        let gone = self.gone().iter().filter(|peer| !is_named(&peers, peer)).cloned().collect();
        let turned_away = self.turned_away.list().into_iter().map(turned_away).collect();
        let cheats = self.cheats(MAX_CHEATS);
        let (banned, places, vouched) = (self.banned(), self.places(), self.vouched());
        Network { node_id: self.node_id.to_string(), peers, gone, banned, turned_away, cheats, places, vouched }
    }

    /// Who is linked, by name, then by address.
    pub(super) fn linked(&self) -> Vec<Peer> {
        let mut peers: Vec<Peer> = self.gossip().1.iter().map(|(peer, stats)| self.shown(peer, stats)).collect();
        peers.sort_by(|a, b| (&a.node_id, &a.address).cmp(&(&b.node_id, &b.address)));
        peers
    }

    /// A peer that is linked, as it is shown; none that has this node's own name.
    pub(super) fn linked_peer(&self, id: PeerId) -> Option<Peer> {
        let (_, peers) = self.gossip();
        let (peer, stats) = peers.iter().find(|(peer, _)| peer.peer == id)?;
        Some(self.shown(peer, stats)).filter(|peer| peer.node_id.as_deref() != Some(self.node_id.as_str()))
    }

    /// Tells whoever asks from now on who has gone.
    pub(super) fn tell_gone(&self, gone: &[Peer]) {
        *self.gone() = gone.to_vec();
    }

    /// Who has signed two different bundles under one number: those that were found first, at most so many.
    pub(crate) fn cheats(&self, limit: usize) -> Vec<Cheat> {
        let mut marks: Vec<Mark> = self.protocol().state.marks().copied().collect();
        marks.sort_by_key(|mark| (mark.since, mark.id.origin));
        marks.truncate(limit);
        let names = self.names();
        let cheat = |mark: &Mark| Cheat {
            node_id: names.own_name(mark.id.origin).map(ToString::to_string),
            public_key: hex::encode(mark.id.origin.0),
            seq: mark.id.seq,
            hashes: mark.hashes.iter().map(|hash| hex::encode(hash.0)).collect(),
            since: mark.since / 1_000,
        };
        marks.iter().map(cheat).collect()
    }

    /// A proof that an origin cheats, as anybody can check it.
    pub(crate) fn shown_proof(&self, StoredProof { proof, since }: &StoredProof) -> CheatProof {
        let signed = |bundle: &Bundle| SignedBundle {
            hash: hex::encode(bundle.hash().0),
            signed: hex::encode(bundle_bytes(&self.mesh, bundle)),
            signature: hex::encode(bundle.signature.0),
        };
        CheatProof {
            mesh: self.mesh.clone(),
            public_key: hex::encode(proof.id().origin.0),
            seq: proof.id().seq,
            since: since / 1_000,
            bundles: proof.bundles().iter().map(signed).collect(),
        }
    }

    fn shown(&self, peer: &PeerView, stats: &LinkStats) -> Peer {
        Peer {
            node_id: peer.node_id.clone(),
            public_key: peer.public_key.map(|key| hex::encode(key.0)),
            address: peer.address.to_string(),
            direction: direction(peer.direction),
            state: if peer.spoken { PeerState::Connected } else { PeerState::Connecting },
            dialect: match peer.dialect {
                gossip::Dialect::Json => Dialect::Json,
                gossip::Dialect::V2 => Dialect::V2,
            },
            since: stats.since(),
            rtt_ms: stats.rtt_ms(),
            sent: stats.sent(),
            received: stats.received(),
            refused: stats.refused(),
            score: peer.score.points(),
            learned: peer.learned,
            duplicates: peer.duplicates,
            redundancy: redundancy(peer.learned, peer.duplicates),
            in_sync: peer.in_sync,
            events: peer.digest.as_ref().and_then(events_told),
            signs_twice: peer.public_key.is_some_and(|key| self.profiles.declares(&key)),
            last_seen: stats.last_seen(),
        }
    }

    /// Where nodes say that they are, as far as their names are known, by name.
    fn places(&self) -> Vec<Place> {
        let own = self.public_key;
        let said: Vec<_> =
            self.protocol().state.places().iter().filter_map(|place| Some((place.origin, place.spot?))).collect();
        let names = self.names();
        let place = |(origin, spot): (OriginId, Spot)| {
            let name = if origin == own { Some(&self.node_id) } else { names.own(&origin) };
            name.map(|name| Place { node_id: name.to_string(), latitude: spot.latitude(), longitude: spot.longitude() })
        };
        let mut places: Vec<Place> = said.into_iter().filter_map(place).collect();
        places.sort_by(|a, b| a.node_id.cmp(&b.node_id));
        places.truncate(MAX_PLACES);
        places
    }

    /// Names in which no key of its own signs.
    fn vouched(&self) -> Vec<String> {
        let names = self.names();
        let vouched = names.iter().filter(|(_, named)| named.vouched);
        vouched.take(MOST_VOUCHED).map(|(name, _)| name.to_string()).collect()
    }

    /// Who is not spoken with for a while.
    fn banned(&self) -> Vec<Banned> {
        let (now, wall) = (self.time(), clock::wall().as_millis());
        let banned = |ban: &Ban| Banned {
            host: ban.who.host.clone(),
            public_key: ban.who.key.map(|key| hex::encode(key.0)),
            reason: ban.reason.to_owned(),
            times: ban.times,
            until: wall.saturating_add(u64::try_from(ban.until.since(now).as_millis()).unwrap_or(u64::MAX)),
        };
        self.protocol().state.bans(now).map(banned).collect()
    }

    pub(crate) fn gossip_summary(&self) -> GossipSummary {
        let (counters, _) = self.gossip();
        GossipSummary {
            seen: counters.seen,
            propagated: counters.propagated,
            total: counters.total,
            duplicates: counters.duplicates,
            redundancy: redundancy(counters.learned, counters.duplicates),
            rejected: counters.rejected.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
        }
    }

    pub(crate) fn heatmap(&self, resolution: Resolution, buckets: usize) -> Heatmap {
        self.ledger().heatmap(clock::wall(), resolution, buckets)
    }

    pub(crate) fn snapshot(&self, resolution: Resolution, buckets: usize) -> Snapshot {
        // The number first: what comes between it and the rest is told twice, and applied to the same effect.
        let seq = self.hub.seq();
        let mut snapshot = Snapshot {
            run: self.hub.run(),
            seq,
            at: None,
            heatmap: self.heatmap(resolution, buckets),
            health: self.health(resolution),
            network: self.network(),
            gossip: self.gossip_summary(),
            history: self.past().history(resolution),
        };
        snapshot.note();
        snapshot
    }

    /// Notes the numbers of this moment, for snapshots to come.
    pub(super) fn note_numbers(&self) {
        let wall = clock::wall();
        let events = self.ledger().events(wall);
        let (counters, peers) = self.gossip();
        let Counters { seen: gossip_seen, propagated: gossip_propagated, .. } = counters;
        let peers = peers.len() as u64;
        self.past().note(Numbers { now: wall.as_millis(), events, gossip_seen, gossip_propagated, peers });
    }

    /// Tells the stream's readers of these cells, and of all that is small enough to be told whole.
    pub(super) fn publish_delta(&self, resolution: Resolution, cells: Vec<Cell>) {
        self.hub.publish(resolution, Instant::now(), cells, |seq, cells| self.delta(resolution, seq, cells));
    }

    /// What is told of these cells under a number.
    pub(crate) fn delta(&self, resolution: Resolution, seq: u64, cells: impl IntoIterator<Item = Cell>) -> Arc<str> {
        let heatmap = self.ledger().changes(clock::wall(), resolution, cells);
        let (health, network, gossip) = (self.health(resolution), self.network(), self.gossip_summary());
        write(&StreamMessage::Delta(Box::new(Delta { seq, health, network, gossip, heatmap })))
    }

    /// What peers are told of the events that this node has: from when on, the digest, and how many.
    pub(super) fn digest_text(&self, now: Timestamp) -> Arc<str> {
        let ledger = self.ledger();
        let (digest, events) = (ledger.digest(now), ledger.events(now));
        Arc::from(format!("{}+{}+{events}", digest.from.as_millis(), digest.hex()))
    }
}

/// A message of the stream as JSON. Numbers and strings only: there is no value here that JSON can't hold.
pub(crate) fn write(message: &StreamMessage) -> Arc<str> {
    serde_json::to_string(message).unwrap_or_default().into()
}

/// How many events a peer had when it told this digest. It is a claim.
fn events_told(digest: &Digest) -> Option<u64> {
    let (_, events) = digest.0.rsplit_once('+')?;
    events.parse().ok()
}

fn turned_away(entry: Entry) -> TurnedAway {
    let Entry { attempt, times, last } = entry;
    TurnedAway {
        address: attempt.address,
        direction: direction(attempt.direction),
        public_key: attempt.key.map(|key| hex::encode(key.0)),
        by_peer: attempt.by_peer,
        reason: attempt.reason.to_owned(),
        why: attempt.why,
        times,
        last,
    }
}

fn direction(direction: gossip::Direction) -> Direction {
    match direction {
        gossip::Direction::Inbound => Direction::Inbound,
        gossip::Direction::Outbound => Direction::Outbound,
    }
}

/// Duplicates per event first learned; none before the first.
fn redundancy(learned: u64, duplicates: u64) -> Option<f64> {
    (learned > 0).then(|| duplicates as f64 / learned as f64)
}
