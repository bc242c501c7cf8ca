//! What a ledger shows: the map, the changes of the map, the totals, the digest. Nothing here changes anything.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::nodes::Node;
use crate::{
    Bucket, Digest, Heatmap, HeatmapBucket, HeatmapCell, HeatmapCells, HeatmapDelta, HeatmapRow, Ledger, MAX_COLUMNS,
    MAX_ROWS, Origin, Resolution, SetHash, Timestamp,
};

impl Ledger {
    /// The map: the last `buckets` columns (1 to [`MAX_COLUMNS`]; more or fewer are brought to the nearest) up to the one that
    /// holds `now`, the whole mesh on top, and a row for each node with an event in them.
    ///
    /// Events from a little ahead may lie in later columns; those aren't shown yet. O(columns × nodes).
    pub fn heatmap(&self, now: Timestamp, resolution: Resolution, buckets: usize) -> Heatmap {
        let columns = buckets.clamp(1, MAX_COLUMNS);
        let buckets = self.mesh.get(resolution).window(now, columns).map(HeatmapBucket::of).collect();
        let (mut rows, mut nodes_total) = (Vec::new(), 0);
        for (origin, node) in self.nodes.iter().filter(|(_, node)| node.spoke(now, resolution, columns)) {
            nodes_total += 1;
            if rows.len() < MAX_ROWS {
                let ring = node.rings.get(resolution);
                let row = HeatmapRow::new(origin.as_str(), ring.window(now, columns).map(HeatmapCell::of));
                rows.push(HeatmapRow { newest: self.last_event(node, now, resolution), ..row });
            }
        }
        let digest = self.digest(now);
        Heatmap {
            resolution_seconds: resolution.seconds(),
            buckets,
            nodes: rows,
            nodes_total,
            digest: digest.hex(),
            digest_from: digest.from.as_millis(),
        }
    }

    /// What changed on the map: the columns and cells that the touched events lie in, as they are now, whole.
    ///
    /// Columns that lie ahead of the one that holds `now` are left out: [`Touched`](crate::Touched) keeps them back until they
    /// can be shown.
    pub fn changes(
        &self,
        now: Timestamp,
        resolution: Resolution,
        touched: impl IntoIterator<Item = (Origin, Timestamp)>,
    ) -> HeatmapDelta {
        let newest = resolution.floor(now);
        let mut columns = BTreeSet::new();
        let mut cells: BTreeMap<Origin, BTreeSet<Timestamp>> = BTreeMap::new();
        for (origin, at) in touched {
            let start = resolution.floor(at);
            if start <= newest {
                columns.insert(start);
                cells.entry(origin).or_default().insert(start);
            }
        }
        let mesh = self.mesh.get(resolution);
        let digest = self.digest(now);
        HeatmapDelta {
            now: now.as_millis(),
            resolution_seconds: resolution.seconds(),
            buckets: columns.into_iter().map(|start| HeatmapBucket::of((start, mesh.get(start)))).collect(),
            nodes: cells.into_iter().map(|(origin, starts)| self.cells(now, resolution, &origin, starts)).collect(),
            digest: digest.hex(),
            digest_from: digest.from.as_millis(),
        }
    }

    /// Everything in the last `buckets` columns up to the one that holds `now`, merged into one bucket. At least one column,
    /// and at most what the ring of this resolution is sure to hold: 1 hour of 10 s, 6 hours of 1 m, 3 days of 10 m, the
    /// retention in hours, 400 days.
    pub fn totals(&self, now: Timestamp, resolution: Resolution, buckets: usize) -> Bucket {
        let columns = buckets.clamp(1, self.config.mesh_columns(resolution));
        let mut total = Bucket::default();
        for (_, bucket) in self.mesh.get(resolution).window(now, columns) {
            total.merge(bucket.unwrap_or(&Bucket::default()));
        }
        total
    }

    /// The digest of all events from the first full hour of the retention on, those ahead of `now` included.
    ///
    /// The hour in which the retention's edge lies is left out whole. So the range is the same all through a clock hour (with a
    /// retention of whole hours), and nodes that ask or prune at different moments within it still compare equal.
    pub fn digest(&self, now: Timestamp) -> Digest {
        let from = self.digest_from(now);
        let mut hash = SetHash::default();
        for bucket in self.mesh.get(Resolution::Hour).since(from) {
            hash.merge(bucket.set_hash());
        }
        Digest { from, hash }
    }

    /// How many events the digest covers.
    pub fn events(&self, now: Timestamp) -> u64 {
        let hours = self.mesh.get(Resolution::Hour).since(self.digest_from(now));
        hours.fold(0, |sum, bucket| sum.saturating_add(bucket.count()))
    }

    /// When the newest event of a node was that a map at this moment shows: the start of its column at the finest resolution whose
    /// ring is sure to hold it. So it follows from the events alone, whatever a ring still holds beside.
    fn last_event(&self, node: &Node, now: Timestamp, shown: Resolution) -> Option<u64> {
        let end = shown.floor(now).saturating_add(shown.millis() - 1);
        let end = end.min(now.saturating_add(self.config.future_millis()));
        Resolution::ALL.into_iter().find_map(|resolution| {
            let columns = MAX_COLUMNS + (resolution.slot(end) - resolution.slot(now)) as usize;
            let spoken = node.rings.get(resolution).window(end, columns);
            let spoken = spoken.filter(|(_, bucket)| bucket.is_some_and(|bucket| bucket.count() > 0));
            spoken.last().map(|(start, _)| start.as_millis())
        })
    }

    /// The start of the first hour that lies wholly within the retention.
    fn digest_from(&self, now: Timestamp) -> Timestamp {
        let edge = now.saturating_sub(self.config.retention_millis());
        Resolution::Hour.floor(edge).saturating_add(Resolution::Hour.millis())
    }

    fn cells(
        &self,
        now: Timestamp,
        resolution: Resolution,
        origin: &Origin,
        starts: BTreeSet<Timestamp>,
    ) -> HeatmapCells {
        let node = self.nodes.get(origin);
        let ring = node.map(|node| node.rings.get(resolution));
        let cell = |start: Timestamp| HeatmapCell::of((start, ring.and_then(|ring| ring.get(start))));
        HeatmapCells {
            node_id: origin.as_str().to_owned(),
            newest: node.and_then(|node| self.last_event(node, now, resolution)),
            cells: starts.into_iter().map(cell).collect(),
        }
    }
}

impl Node {
    /// True where an event of the node is counted in the window.
    fn spoke(&self, now: Timestamp, resolution: Resolution, columns: usize) -> bool {
        let first = resolution.slot(now).saturating_sub(columns as u64 - 1);
        // Most nodes that fell silent are told apart by one comparison.
        self.newest >= resolution.start(first)
            && self.rings.get(resolution).window(now, columns).any(|(_, bucket)| bucket.is_some_and(|b| b.count() > 0))
    }
}
