//! What the protocol wants done.

use super::Driver;
use crate::node::{Failure, Heard};
use crate::transport::{self, Lane, Link, Packing, Queued};
use gossip::{Ban, Because, Dialect, Exchange, Mark, Message, Output, PeerId, Profile, Proof, Rotation, json, wire};
use std::sync::Arc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message as Frame;
use tracing::{debug, info, warn};

/// A message as each dialect writes it: once, however many it is for.
struct Frames<'a> {
    message: &'a Message,
    packing: &'a Packing,
    json: Option<Option<Frame>>,
    v2: Option<Option<Frame>>,
}

impl Frames<'_> {
    /// `None` where the dialect has no words for the message.
    fn of(&mut self, dialect: Dialect) -> Option<Frame> {
        let (message, packing) = (self.message, self.packing);
        // Texts shrink. Announcements are hashes: they don't, and trying costs more than all else that is done for them.
        let texts = !message.bundles().is_empty();
        let pack = |frame| if texts { packing.pack(frame) } else { frame };
        let v2 = || wire::encode(message).map(|frame| Frame::binary(pack(frame)));
        match dialect {
            Dialect::Json => self.json.get_or_insert_with(|| json::encode(message).map(Frame::text)).clone(),
            Dialect::V2 => self.v2.get_or_insert_with(v2).clone(),
        }
    }
}

impl Driver {
    pub(super) fn carry_out(&mut self, outputs: Vec<Output>, heard: Vec<Heard>) {
        let mut heard = heard.into_iter();
        for output in outputs {
            match output {
                Output::Send { to, message } => self.send(&to, &message),
                Output::Connect { address } => transport::dial(&self.context, address),
                Output::Disconnect { peer, because } => self.disconnect(peer, because),
                Output::Deliver { from, event } => {
                    // Events are delivered in the order in which they came; those that were known are passed over.
                    if let Some(heard) = heard.find(|heard| heard.text == event.json) {
                        self.deliver(from, heard);
                    }
                }
                Output::Keep(bundle) => self.keeper.keep(Instant::now(), &bundle),
                Output::Ask(ask) => self.keeper.ask(ask),
                Output::Banned(ban) => self.tell_ban(&ban),
                Output::Rotated(rotation) => self.follow(&rotation),
                Output::Declared(profile) => self.note(&profile),
                Output::Forked { proof, mark } => self.mark(*proof, &mark),
            }
        }
    }

    fn tell_ban(&mut self, Ban { who, until, times, reason }: &Ban) {
        let Some(withheld) = self.log.banned.pass(Instant::now().into_std()) else { return };
        let key = who.key.map(|key| hex::encode(key.0));
        let seconds = until.since(self.shared.time()).as_secs();
        warn!(host = %who.host, key, reason, times, withheld, "banned for {seconds} s: it has broken too many rules");
    }

    /// An origin has signed two bundles under one number: the proof is kept, and told of once.
    fn mark(&mut self, proof: Proof, mark: &Mark) {
        if let Some(withheld) = self.log.cheats.pass(Instant::now().into_std()) {
            let (key, seq) = (hex::encode(mark.id.origin.0), mark.id.seq);
            let [one, other] = mark.hashes.map(|hash| hex::encode(hash.0));
            warn!(
                key,
                seq,
                one,
                other,
                withheld,
                "an origin has signed two different bundles under one number: it cheats, or two nodes have its key. Both \
                 count; /federated/cheats/{key} has the proof"
            );
        }
        self.changed = true;
        self.keeper.prove(Instant::now(), proof, mark);
    }

    /// A node has changed its key: its name stays with it, and that it is so is kept.
    fn follow(&mut self, rotation: &Rotation) {
        let [old, new] = [rotation.old, rotation.new].map(|key| hex::encode(key.0));
        if let Some(withheld) = self.log.rotations.pass(Instant::now().into_std()) {
            info!(withheld, "a node has changed its key: {new} has taken the place of {old}");
        }
        let known = self.shared.protocol().state.rotations().clone();
        self.shared.names().rotate(known.clone());
        self.changed = true;
        let file = Arc::clone(&self.shared.rotations);
        if file.set(known) {
            self.context.tasks.spawn_blocking(move || file.write());
        }
    }

    /// An origin has declared that it signs twice: that is kept.
    fn note(&mut self, profile: &Arc<Profile>) {
        // What this node has declared itself it knew from its start on: this is of a folder that its key came from.
        if profile.origin == self.shared.public_key {
            self.fail(Failure::SecondKey { key: hex::encode(profile.origin.0) });
        }
        if let Some(withheld) = self.log.profiles.pass(Instant::now().into_std()) {
            info!(withheld, "{} signs its events with a second key from now on", hex::encode(profile.origin.0));
        }
        let file = Arc::clone(&self.shared.profiles);
        file.accept(profile);
        if file.is_due() {
            self.context.tasks.spawn_blocking(move || file.write());
        }
    }

    pub(super) fn send(&mut self, to: &[PeerId], message: &Message) {
        let lane = Lane::of(message, self.shared.public_key);
        let mut frames = Frames { message, packing: &self.context.packing, json: None, v2: None };
        let mut slow = Vec::new();
        let protocol = self.shared.protocol();
        for peer in to {
            let Some(link) = protocol.links.get(peer) else { continue };
            let Some(frame) = frames.of(link.dialect) else { continue };
            if matches!(message, Message::Exchange(Exchange::Want { .. })) {
                link.stats.on_asked();
            }
            match link.send(lane, frame) {
                Queued::Waits | Queued::Gone => {}
                Queued::Crowded => self.crowded = true,
                Queued::Full => {
                    self.crowded = true;
                    // A node finds what it lacks; a script would not know of it. Of profiles it asks for those that it needs.
                    let may_lack = match message {
                        Message::Profiles(_) | Message::Places(_) => true,
                        Message::Bundle { .. } | Message::Exchange(_) => link.leave_out().is_some(),
                        _ => false,
                    };
                    if link.dialect == Dialect::V2 && may_lack {
                        debug!("a frame finds no room in the queue of {peer}, and is left out");
                        continue;
                    }
                    if let Some(withheld) = self.log.slow.pass(Instant::now().into_std()) {
                        warn!(withheld, "{peer} reads too slowly: its queue is full, and it is dropped");
                    }
                    link.close("this peer reads too slowly");
                    slow.push(*peer);
                    // Handled after what is being carried out now: the connection's own end comes as a command.
                }
            }
        }
        drop(protocol);
        // It may stand still, or its machine.
        for peer in slow {
            self.note_gone(peer);
            self.shared.protocol().links.remove(&peer);
        }
    }

    pub(super) fn disconnect(&mut self, peer: PeerId, because: Because) {
        let mut protocol = self.shared.protocol();
        if because == Because::SecondConnection {
            // A node that connects anew may have lost the connection that we hold on to: one that is dead is to be found
            // now, not after half a minute, or the node is turned away until then.
            protocol.links.values().for_each(Link::probe);
        }
        if let Some(link) = protocol.links.remove(&peer) {
            match self.log.disconnected.pass(Instant::now().into_std()) {
                Some(withheld) => info!(withheld, "{peer} is disconnected: {because}"),
                None => debug!("{peer} is disconnected: {because}"),
            }
            link.close(&because.to_string());
        }
    }
}
