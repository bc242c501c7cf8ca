//! Snapshots and heatmaps for tests.

use crate::api::{
    Counts, Delta, Dialect, Direction, GossipSummary, Health, History, Network, Peer, PeerState, Snapshot,
};
use beauty::{Heatmap, HeatmapBucket, HeatmapCell, HeatmapDelta, HeatmapRow};

/// Where the first bucket begins: 14:00:00 UTC.
pub(crate) const START: u64 = 1_763_820_000_000;

/// So many empty buckets of the mesh, and these rows, with an event in each cell that has a mean.
pub(crate) fn heatmap(columns: usize, nodes: &[(&str, &[Option<f64>])]) -> Heatmap {
    let bucket = |column| HeatmapBucket {
        start: START + column as u64 * 10_000,
        count: 0,
        avg: None,
        min: None,
        max: None,
        chaos: None,
        histogram: vec![0; 20],
    };
    let cell = |avg: &Option<f64>| HeatmapCell {
        start: START,
        avg: *avg,
        chaos: avg.map(|_| 0.0),
        count: avg.map_or(0, |_| 1),
    };
    // The newest event is in the middle of its column.
    let newest = |avg: &[Option<f64>]| Some(START + avg.iter().rposition(Option::is_some)? as u64 * 10_000 + 5_000);
    let row = |(node_id, avg): &(&str, &[Option<f64>])| HeatmapRow {
        newest: newest(avg),
        ..HeatmapRow::new(node_id, avg.iter().map(cell))
    };
    Heatmap {
        resolution_seconds: 10,
        buckets: (0..columns).map(bucket).collect(),
        nodes: nodes.iter().map(row).collect(),
        nodes_total: nodes.len(),
        digest: "0".repeat(64),
        digest_from: START,
    }
}

/// A snapshot of a node with one event.
pub(crate) fn snapshot() -> Snapshot {
    Snapshot {
        run: 9,
        seq: 1,
        at: None,
        health: health(),
        network: network(),
        gossip: gossip(),
        heatmap: heatmap(2, &[("alpha", &[None, Some(0.1)])]),
        history: History::default(),
    }
}

/// A delta that changes nothing but its number.
pub(crate) fn delta() -> Delta {
    let heatmap = HeatmapDelta {
        now: START,
        resolution_seconds: 10,
        buckets: Vec::new(),
        nodes: Vec::new(),
        digest: "0".repeat(64),
        digest_from: START,
    };
    Delta { seq: 2, health: health(), network: network(), gossip: gossip(), heatmap }
}

/// A peer of this name, linked and heard just now.
pub(crate) fn peer(name: &str) -> Peer {
    Peer {
        node_id: Some(name.to_owned()),
        public_key: None,
        address: format!("ws://{name}.example:8091"),
        direction: Direction::Inbound,
        state: PeerState::Connected,
        dialect: Dialect::V2,
        since: START,
        rtt_ms: None,
        sent: 0,
        received: 0,
        refused: 0,
        score: 0,
        learned: 0,
        duplicates: 0,
        redundancy: None,
        in_sync: None,
        events: None,
        signs_twice: false,
        last_seen: START,
    }
}

fn health() -> Health {
    Health {
        status: "ok".to_owned(),
        mesh: "beauty".to_owned(),
        node_id: "alpha".to_owned(),
        public_key: None,
        version: "0.1.0".to_owned(),
        uptime_seconds: 1,
        now: START,
        peers: 0,
        beauty_avg: Some(0.1),
        beauty_min: Some(0.1),
        beauty_max: Some(0.1),
        chaos: Some(0.0),
        window_seconds: 400,
        events: 1,
        gossip_seen: 1,
        gossip_propagated: 0,
        digest: "0".repeat(64),
        digest_from: START,
        nodes: 1,
        clock_ahead_ms: None,
        conflicts: Vec::new(),
        signs_twice: false,
    }
}

fn network() -> Network {
    Network {
        node_id: "alpha".to_owned(),
        peers: Vec::new(),
        gone: Vec::new(),
        banned: Vec::new(),
        turned_away: Vec::new(),
        cheats: Vec::new(),
        places: Vec::new(),
        vouched: Vec::new(),
    }
}

fn gossip() -> GossipSummary {
    GossipSummary { seen: 1, propagated: 0, total: 0, duplicates: 0, redundancy: None, rejected: Counts::default() }
}
