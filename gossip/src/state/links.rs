//! Connections that come and go, and which of them are links.

use super::State;
use crate::input::{Dialect, Direction};
use crate::membership::{self, Membership, Turn};
use crate::message::{Digest, Hello};
use crate::output::{Because, Output};
use crate::peer::{Peer, PeerId};
use crate::trees::Steps;
use crate::{Address, Fault, Message, OriginId, Time};
use std::time::Duration;

impl State {
    pub(super) fn on_peer_up(
        &mut self,
        now: Time,
        id: PeerId,
        (direction, address, dialect): (Direction, Address, Dialect),
        key: Option<OriginId>,
    ) {
        self.conduct.on_up(id, &address);
        let peer = Peer {
            direction,
            dialect,
            key,
            observed: address,
            since: now,
            node: None,
            linked: false,
            rtt: None,
            spoken: false,
            digest: None,
            learned: 0,
            duplicates: 0,
        };
        self.peers.insert(id, peer);
        self.member(now, |membership, turn| membership.on_up(turn, id));
        self.turn_away(now, id);
    }

    /// Lets membership take a step, and carries out what it wants done.
    pub(super) fn member(&mut self, now: Time, step: impl FnOnce(&mut Membership, &mut Turn<'_>)) {
        let mut steps = Vec::new();
        let mut turn = Turn {
            now,
            me: (self.me.instance, self.me.origin),
            config: &self.config,
            peers: &mut self.peers,
            rng: &mut self.rng,
            steps: &mut steps,
        };
        step(&mut self.membership, &mut turn);
        for step in steps {
            match step {
                membership::Step::Hello(to) => self.say_hello(to),
                membership::Step::Send(to, message) => self.outbox.push_back(Output::Send { to: vec![to], message }),
                membership::Step::Connect(address) => self.outbox.push_back(Output::Connect { address }),
                membership::Step::Up(id) => self.on_link(now, id),
                membership::Step::Down(id) => self.on_unlink(now, id),
                membership::Step::Close(peer, because) => {
                    if because == Because::Clone {
                        self.clone = Some(now);
                    }
                    self.conduct.on_down(now, peer);
                    self.statements.on_down(peer);
                    self.outbox.push_back(Output::Disconnect { peer, because });
                }
            }
        }
    }

    pub(super) fn on_hello(&mut self, now: Time, id: PeerId, hello: Hello) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.digest.clone_from(&hello.digest);
        }
        self.member(now, |membership, turn| membership.on_hello(turn, id, &hello));
        self.turn_away(now, id);
    }

    pub(super) fn say_hello(&mut self, to: PeerId) {
        let hello = Hello {
            mesh: self.config.mesh.clone(),
            node_id: self.me.node_id.clone(),
            instance: self.me.instance,
            port: self.me.port,
            digest: self.agreement.current().cloned(),
            tls: self.config.tls,
        };
        self.outbox.push_back(Output::Send { to: vec![to], message: Message::Hello(hello) });
    }

    /// A connection is a link from now on.
    pub(super) fn on_link(&mut self, now: Time, id: PeerId) {
        let Some(peer) = self.peers.get(&id) else { return };
        let ours = self.agreement.current();
        let (dialect, key, rtt) = (peer.dialect, peer.key, peer.rtt);
        let differs = peer.digest.is_none() || peer.digest.as_ref() != ours;
        // Ours may have changed since our hello.
        if let Some(digest) = ours {
            self.outbox.push_back(Output::Send { to: vec![id], message: Message::Digest(digest.clone()) });
        }
        if dialect == Dialect::V2 {
            self.tell_statements(id);
            let mut steps = Steps::default();
            self.trees.on_up(now, id, key, &mut steps);
            rtt.into_iter().for_each(|rtt| self.trees.on_rtt(id, rtt));
            self.reconcile.on_up(now, id, differs);
            self.forks.on_up(id, &mut self.outbox);
            self.carry_out(now, steps);
            self.conduct.on_link(id);
            let pulse = self.pulse(now);
            self.outbox.push_back(self.clocks.on_up(now, pulse, id));
        }
    }

    /// A connection is no link any more, or gone.
    pub(super) fn on_unlink(&mut self, now: Time, id: PeerId) {
        self.reconcile.on_down(now, id);
        self.clocks.on_down(id);
        self.bundler.on_too_far_ahead(self.clocks.too_far_ahead());
        self.capacity.on_down(id);
        self.conduct.on_unlink(id);
        self.forks.on_down(now, id, &mut self.outbox);
        let mut steps = Steps::default();
        if !self.config.planted.is(Fault::EndForgotten) {
            self.trees.on_down(now, id, &mut steps);
        }
        self.carry_out(now, steps);
    }

    pub(super) fn on_rtt(&mut self, id: PeerId, rtt: Duration) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.rtt = Some(rtt);
            self.trees.on_rtt(id, rtt);
            self.membership.on_rtt(id, rtt);
        }
    }

    pub(super) fn on_digest(&mut self, id: PeerId, digest: Digest) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.digest = Some(digest);
        }
    }

    pub(super) fn on_peer_down(&mut self, now: Time, id: PeerId) {
        self.member(now, |membership, turn| membership.on_down(turn, id));
        self.conduct.on_down(now, id);
        self.statements.on_down(id);
    }
}
