//! An event's way into the ledger: of this node, or of a peer.

use super::Driver;
use crate::clock;
use crate::node::keeper::Poster;
use crate::node::{Heard, IngestError};
use beauty::{BeautyEvent, EventId, Origin, Report, TimeRefusal, Timestamp, Told};
use gossip::{Event, Input, OriginId, PeerId};
use std::sync::Arc;
use tokio::time::Instant;
use tracing::warn;
use uuid::Uuid;

impl Driver {
    /// Events of this node: all of them, or none. Who posted them is answered when they are on disk.
    pub(super) fn ingest(&mut self, reports: Vec<Report>, poster: Poster) {
        // Its own time as well: where peers that lie have moved it beyond the retention, nobody would count what is acknowledged.
        let own = self.shared.own_clock();
        let times = reports.iter().map(|report| report.at.unwrap_or(own)).enumerate();
        let refused: Vec<_> = times.filter_map(|(index, at)| Some((index, self.shared.admits(at).err()?))).collect();
        let failed = self.failed.as_ref().map(|(error, _)| IngestError::NotKept(error.clone()));
        let refused = (!refused.is_empty()).then_some(IngestError::Times(refused));
        if let Some(error) = failed.or(refused) {
            // Who asked may have given up waiting.
            let _ = poster.send(Err(error));
            return;
        }
        let events = reports.into_iter().map(|report| report.into_event(EventId(Uuid::now_v7()), own));
        let events: Vec<BeautyEvent> = events.collect();
        self.keeper.expect(poster, events.iter().map(|event| event.id).collect());
        events.into_iter().for_each(|event| self.report(event));
    }

    fn report(&mut self, event: BeautyEvent) {
        let told = Told { origin: self.shared.node_id.clone(), event };
        self.enter(&told, clock::wall());
        let node_id = Arc::from(told.origin.as_str());
        self.handle(Input::Broadcast(Event { id: told.event.id.0, node_id, json: told.to_json().into() }));
    }

    /// A peer's event: entered, kept until its time comes, or refused.
    pub(super) fn deliver(&mut self, from: PeerId, Heard { told, key, .. }: Heard) {
        self.claim(key.unwrap_or(self.shared.public_key), &told.origin);
        if let Some(refusal) = self.admit(told) {
            self.handle(Input::Refused { peer: from, reason: refusal.reason(), event: false });
        }
    }

    /// Enters an event, or keeps it until its time comes. Gives why neither was done, or another had to give way.
    pub(super) fn admit(&mut self, told: Told) -> Option<TimeRefusal> {
        let now = clock::wall();
        let admitted = self.shared.ledger().admits(told.event.at, now);
        match admitted {
            Ok(()) => {
                self.enter(&told, now);
                None
            }
            Err(refusal @ TimeRefusal::TooFarAhead { by, allowed }) => {
                let until = now.saturating_add(by.saturating_sub(allowed));
                self.deferred.keep(until, told).map(|_| refusal)
            }
            Err(refusal @ TimeRefusal::TooOld { .. }) => Some(refusal),
        }
    }

    /// An event was signed by this key, in this name. What has no signature this node vouches for.
    pub(super) fn claim(&mut self, key: OriginId, name: &Origin) {
        let holder = self.shared.names().claim(key, name);
        if let Some(holder) = holder
            && let Some(withheld) = self.log.conflicts.pass(Instant::now().into_std())
        {
            let (key, holder) = (hex::encode(key.0), hex::encode(holder.0));
            warn!(
                withheld,
                "two keys sign in the name of {name}: {holder} was first and keeps it, {key} is shown as a conflict"
            );
        }
    }

    pub(super) fn enter_deferred(&mut self) {
        let now = clock::wall();
        while let Some(told) = self.deferred.pop(now) {
            self.enter(&told, now);
        }
    }

    fn enter(&mut self, told: &Told, now: Timestamp) {
        let inserted = self.shared.ledger_mut().insert(&told.origin, &told.event, now);
        match inserted {
            Ok(inserted) => {
                self.changed = true;
                self.keeper.note(&told.origin, &told.event, &inserted);
                for touched in &mut self.touched {
                    touched.note(&told.origin, &told.event, &inserted, now);
                }
            }
            // It was acceptable a moment ago, when it was verified or asked for.
            Err(refusal) => {
                if let Some(withheld) = self.log.late.pass(Instant::now().into_std()) {
                    warn!(node_id = %told.origin, withheld, "an event came too late: {refusal}");
                }
            }
        }
    }
}
