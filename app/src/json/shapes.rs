//! The shapes of the API, each by the names of its fields.

use super::{Json, Value, Writer};
use crate::api::{
    Banned, Cheat, Conflict, Delta, Dialect, Direction, GossipSummary, Health, History, Network, Peer, PeerState,
    Place, Snapshot, StreamMessage, TurnedAway,
};
use crate::preferences::{Preferences, Theme};
use crate::words::Language;
use beauty::{Heatmap, HeatmapBucket, HeatmapCell, HeatmapCells, HeatmapDelta, HeatmapRow, Likeness};

/// Objects: every field by its own name.
macro_rules! objects {
    ($($object:ident { $($field:ident),* })*) => {$(
        impl Json for $object {
            fn read(value: &Value<'_>) -> Option<Self> {
                Some(Self { $($field: field(value, stringify!($field))?),* })
            }

            fn write(&self, into: &mut Writer) {
                into.open('{');
                $(into.field(stringify!($field), &self.$field);)*
                into.close('}', true);
            }

            const WIDE: bool = true;
        }
    )*};
}

fn field<T: Json>(value: &Value<'_>, name: &str) -> Option<T> {
    value.get(name).map_or_else(T::missing, T::read)
}

/// Words of which a value is one.
macro_rules! words {
    ($($kind:ident { $($value:ident = $word:literal),* })*) => {$(
        impl Json for $kind {
            fn read(value: &Value<'_>) -> Option<Self> {
                match value {
                    $(Value::Text($word) => Some(Self::$value),)*
                    _ => None,
                }
            }

            fn write(&self, into: &mut Writer) {
                into.quoted(match self { $(Self::$value => $word),* });
            }
        }
    )*};
}

objects! {
    Health {
        status, mesh, node_id, public_key, version, uptime_seconds, now, clock_ahead_ms, peers, beauty_avg, beauty_min, beauty_max,
        chaos, window_seconds, events, gossip_seen, gossip_propagated, digest, digest_from, nodes, conflicts,
        signs_twice
    }
    Conflict { node_id, public_key, others }
    Network { node_id, peers, gone, banned, turned_away, cheats, places, vouched }
    Cheat { node_id, public_key, seq, hashes, since }
    Place { node_id, latitude, longitude }
    Banned { host, public_key, reason, times, until }
    TurnedAway { address, direction, public_key, by_peer, reason, why, times, last }
    Peer {
        node_id, public_key, address, direction, state, dialect, since, rtt_ms, sent, received, refused, score, learned,
        duplicates, redundancy, in_sync, events, signs_twice, last_seen
    }
    GossipSummary { seen, propagated, total, duplicates, redundancy, rejected }
    Snapshot { run, seq, at, health, network, gossip, heatmap, history }
    History { resolution_seconds, newest, events, gossip_seen, gossip_propagated, peers }
    Delta { seq, health, network, gossip, heatmap }
    Heatmap { resolution_seconds, buckets, nodes, nodes_total, digest, digest_from }
    HeatmapBucket { start, count, avg, min, max, chaos, histogram }
    HeatmapRow { node_id, avg, chaos, count, newest }
    HeatmapDelta { now, resolution_seconds, buckets, nodes, digest, digest_from }
    HeatmapCells { node_id, newest, cells }
    HeatmapCell { start, avg, chaos, count }
    Likeness { digest, mean, chaos, spread, trend }
    Preferences { language, theme, keys_off }
}

words! {
    Direction { Inbound = "inbound", Outbound = "outbound" }
    PeerState { Connecting = "connecting", Connected = "connected" }
    Dialect { Json = "json", V2 = "v2" }
    Theme { System = "system", Light = "light", Dark = "dark" }
}

impl Json for Language {
    fn read(value: &Value<'_>) -> Option<Self> {
        let Value::Text(tag) = value else { return None };
        tag.parse().ok()
    }

    fn write(&self, into: &mut Writer) {
        into.quoted(self.tag());
    }
}

impl StreamMessage {
    /// Reads a message of the stream.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let value = Value::parse(text)?;
        match value.get("type")? {
            Value::Text("snapshot") => Some(Self::Snapshot(Box::new(Snapshot::read(&value)?))),
            Value::Text("delta") => Some(Self::Delta(Box::new(Delta::read(&value)?))),
            _ => None,
        }
    }
}
