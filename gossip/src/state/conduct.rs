//! What becomes of peers that break rules.

use super::State;
use crate::conduct::Ban;
use crate::message::Grafted;
use crate::output::{Because, Output};
use crate::{BundleId, Direction, Message, PeerId, Time};

impl State {
    /// Whether connections from this host are turned away now: so a driver can spare itself their handshake.
    pub fn turns_away(&self, now: Time, host: &str) -> bool {
        self.conduct.is_banned(now, host, None)
    }

    /// The bans that run.
    pub fn bans(&self, now: Time) -> impl Iterator<Item = &Ban> {
        self.conduct.bans(now)
    }

    /// A peer has broken a rule, so often. The last straw disconnects and bans it.
    pub(super) fn charge(&mut self, now: Time, id: PeerId, reason: &'static str, times: u32) {
        if self.conduct.charge(now, id, reason, times) {
            self.ban(now, id, reason);
        }
    }

    fn ban(&mut self, now: Time, id: PeerId, reason: &'static str) {
        let key = self.peers.get(&id).and_then(|peer| peer.key);
        let ban = self.conduct.ban(now, id, key, reason);
        self.outbox.extend(ban.map(Output::Banned));
        let mut expelled: Vec<PeerId> =
            self.peers.keys().copied().filter(|other| self.is_unwanted(now, *other)).collect();
        if !expelled.contains(&id) {
            expelled.push(id);
        }
        expelled.into_iter().for_each(|id| self.expel(now, id));
    }

    fn expel(&mut self, now: Time, id: PeerId) {
        self.member(now, |membership, turn| membership.expel(turn, id, Because::Banned));
        self.membership_due = Some(now);
    }

    /// Whether a peer is banned. Bootstrap peers that this node dials are not: somebody else at their host may be to blame.
    pub(super) fn is_unwanted(&self, now: Time, id: PeerId) -> bool {
        let Some(peer) = self.peers.get(&id) else { return false };
        let chosen = peer.direction == Direction::Outbound && self.membership.is_bootstrap(&peer.observed);
        let key = peer.key;
        !chosen && self.conduct.is_banned(now, peer.observed.host(), key)
    }

    /// Closes the connection of a peer that is banned.
    pub(super) fn turn_away(&mut self, now: Time, id: PeerId) {
        if self.is_unwanted(now, id) {
            self.expel(now, id);
        }
    }

    /// Notes what peers are asked for: they have announced it, and so promised.
    pub(super) fn note_asked(&mut self, now: Time, to: &[PeerId], message: &Message) {
        let Message::Graft(grafts) = message else { return };
        for peer in to {
            for Grafted { origin, wanted } in grafts {
                let ids = wanted.iter().map(|seq| BundleId { origin: *origin, seq: *seq });
                ids.for_each(|id| self.conduct.asked(now, *peer, id));
            }
        }
    }

    /// A peer's grafts, without what it has asked for before on this link.
    pub(super) fn first_asked(&mut self, from: PeerId, mut grafts: Vec<Grafted>) -> Vec<Grafted> {
        for Grafted { origin, wanted } in &mut grafts {
            wanted.retain(|seq| self.conduct.asks_first(from, BundleId { origin: *origin, seq: *seq }));
        }
        grafts
    }

    /// Links that are in doubt take no place, nor that of a parent.
    pub(super) fn judge_links(&mut self, now: Time) {
        for (peer, answered) in self.reconcile.take_ended() {
            self.conduct.on_asked_what_it_holds(peer, answered);
        }
        if let Some(doubted) = self.conduct.take_doubted() {
            self.trees.on_doubt(&doubted);
            self.member(now, |membership, turn| membership.on_doubt(turn, &doubted));
            self.membership_due = Some(now);
        }
    }

    /// Whoever has not sent what it announced answers for it.
    pub(super) fn judge_silence(&mut self, now: Time) {
        if self.conduct.next_wakeup().is_some_and(|next| next <= now) {
            for (peer, times) in self.conduct.broken_promises(now) {
                self.broadcast.refuse("silent", false);
                self.charge(now, peer, "silent", times);
            }
        }
    }
}
