//! The peers as rows that can be sorted: those that are linked, and those whose link broke in the last day.

use crate::api::{Peer, PeerState, Snapshot};
use crate::heatmap::last_event;
use crate::ordered;
use std::cmp::Ordering;

/// A peer that was last heard longer ago is stale: three of the intervals at which peers are asked whether they live.
const STALE: u64 = 45_000;

/// How a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Health {
    /// Linked, and heard lately.
    Live,
    /// Linked, and silent.
    Stale,
    /// Linked no more.
    Offline,
}

/// What the table can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// The name.
    Name,
    /// How the peer is.
    Health,
    /// Since when the link stands.
    Link,
    /// The round trip.
    RoundTrip,
    /// Frames sent and received.
    Frames,
    /// How many events came again for each that was new.
    Redundancy,
    /// When its last event was.
    LastEvent,
    /// Whether it has the same events.
    Agreement,
}

impl Column {
    /// What they are called in the address.
    const NAMES: [&str; 8] = ["name", "state", "link", "rtt", "frames", "redundancy", "last", "events"];

    /// All columns, in their order.
    pub(crate) const ALL: [Self; 8] = [
        Self::Name,
        Self::Health,
        Self::Link,
        Self::RoundTrip,
        Self::Frames,
        Self::Redundancy,
        Self::LastEvent,
        Self::Agreement,
    ];
}

/// By what, and whether backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// By which column.
    pub(crate) column: Column,
    /// Whether the last comes first.
    pub(crate) backwards: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self { column: Column::Name, backwards: false }
    }
}

impl Order {
    /// Reads what an address says: `rtt`, or backwards `-rtt`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let name = text.strip_prefix('-').unwrap_or(text);
        let column = Column::NAMES.iter().position(|known| *known == name)?;
        Some(Self { column: Column::ALL[column], backwards: name != text })
    }

    /// What the address says of it.
    pub(crate) fn said(self) -> String {
        let mut said = if self.backwards { "-" } else { "" }.to_owned();
        said.push_str(Column::NAMES[self.column as usize]);
        said
    }

    /// After a click on a column: by it, or, where it was already, the other way round.
    pub(crate) fn clicked(self, column: Column) -> Self {
        Self { column, backwards: self.column == column && !self.backwards }
    }
}

/// A peer in a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    /// What the node says of it.
    pub(crate) peer: Peer,
    /// How it is.
    pub(crate) health: Health,
    /// When its newest event was; `None` where the map has none, and of the past.
    pub(crate) last_event: Option<u64>,
    /// Whether it has signed two different bundles under one number.
    pub(crate) cheats: bool,
}

/// Since when nothing is heard of a node, where that may only be because it can't be heard: its link is silent or gone, or no link at
/// all is alive. None where its events come as they are.
pub(crate) fn silent_since(snapshot: &Snapshot, node: &str) -> Option<u64> {
    let Snapshot { health, network, .. } = snapshot;
    if node == health.node_id {
        return None;
    }
    // When it was heard last, when anybody was; whether it is linked, and whether that, or any link, is alive.
    let (mut last, mut latest, mut linked, mut alive) = (None, 0, false, [false; 2]);
    let mut note = |peer: &Peer, is_linked: bool| {
        let is_it = peer.node_id.as_deref() == Some(node);
        let lives = is_linked && !is_stale(peer, health.now);
        latest = latest.max(peer.last_seen);
        alive[0] |= lives;
        if is_it {
            last = last.max(Some(peer.last_seen));
            linked |= is_linked;
            alive[1] |= lives;
        }
    };
    network.peers.iter().for_each(|peer| note(peer, true));
    network.gone.iter().for_each(|peer| note(peer, false));
    let [any, its] = alive;
    if linked && its || last.is_none() && any { None } else { Some(last.unwrap_or(latest)) }
}

/// Whether a peer is linked, and silent.
fn is_stale(peer: &Peer, now: u64) -> bool {
    peer.state == PeerState::Connected && now.saturating_sub(peer.last_seen) > STALE
}

/// The rows in an order. Peers that are equal in it stay in the order of their names.
pub(crate) fn lines(snapshot: &Snapshot, order: Order) -> Vec<Line> {
    let now = snapshot.health.now;
    let line = |peer: &Peer, offline: bool| Line {
        health: if offline {
            Health::Offline
        } else if is_stale(peer, now) {
            Health::Stale
        } else {
            Health::Live
        },
        last_event: peer.node_id.as_deref().and_then(|name| last_event(&snapshot.heatmap, Some(name))),
        cheats: peer.public_key.as_ref().is_some_and(|key| {
            let mut cheats = snapshot.network.cheats.iter();
            cheats.any(|cheat| cheat.public_key == *key)
        }),
        peer: peer.clone(),
    };
    let linked = snapshot.network.peers.iter().map(|peer| line(peer, false));
    let mut lines = Vec::new();
    for line in linked.chain(snapshot.network.gone.iter().map(|peer| line(peer, true))) {
        ordered::insert(&mut lines, line, |a, b| {
            let by_column = compare(a, b, order.column);
            if order.backwards { by_column.reverse() } else { by_column }
        });
    }
    lines
}

fn compare(a: &Line, b: &Line, column: Column) -> Ordering {
    let unknown_last = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    match column {
        Column::Name => (&a.peer.node_id, &a.peer.address).cmp(&(&b.peer.node_id, &b.peer.address)),
        Column::Health => a.health.cmp(&b.health),
        Column::Link => a.peer.since.cmp(&b.peer.since),
        Column::RoundTrip => unknown_last(a.peer.rtt_ms, b.peer.rtt_ms),
        Column::Frames => (a.peer.sent + a.peer.received).cmp(&(b.peer.sent + b.peer.received)),
        Column::Redundancy => unknown_last(a.peer.redundancy, b.peer.redundancy),
        Column::LastEvent => b.last_event.cmp(&a.last_event),
        Column::Agreement => a.peer.in_sync.cmp(&b.peer.in_sync),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Cheat;
    use crate::samples::{START, peer, snapshot};

    fn names(lines: &[Line]) -> Vec<&str> {
        lines.iter().filter_map(|line| line.peer.node_id.as_deref()).collect()
    }

    fn three() -> Snapshot {
        let mut snapshot = snapshot();
        snapshot.network.peers = ["alpha", "beta", "gamma"].map(peer).into();
        for (place, rtt) in [(0, Some(2.0)), (1, None), (2, Some(1.0))] {
            snapshot.network.peers[place].rtt_ms = rtt;
        }
        snapshot
    }

    #[test]
    fn rows_are_sorted_by_the_column_that_was_clicked_and_back_by_a_second_click() {
        let by_name = Order { column: Column::Name, backwards: false };
        let by_rtt = by_name.clicked(Column::RoundTrip);
        assert_eq!(names(&lines(&three(), by_rtt)), ["gamma", "alpha", "beta"]);
        let back = by_rtt.clicked(Column::RoundTrip);
        assert_eq!(names(&lines(&three(), back)), ["beta", "alpha", "gamma"]);
        assert_eq!(back.clicked(Column::Name), by_name);
    }

    #[test]
    fn every_order_is_said_in_the_address_and_read_again() {
        for column in Column::ALL {
            for backwards in [false, true] {
                let order = Order { column, backwards };
                assert_eq!(Order::read(&order.said()), Some(order));
            }
        }
        assert_eq!(["", "-", "--rtt", "RTT"].map(Order::read), [None; 4]);
    }

    #[test]
    fn by_redundancy_the_most_frugal_is_first_and_who_has_told_nothing_new_is_last() {
        let mut snapshot = three();
        for (place, redundancy) in [(0, None), (1, Some(0.5)), (2, Some(0.0))] {
            snapshot.network.peers[place].redundancy = redundancy;
        }
        let order = Order { column: Column::Redundancy, backwards: false };
        assert_eq!(names(&lines(&snapshot, order)), ["gamma", "beta", "alpha"]);
    }

    #[test]
    fn who_was_silent_for_long_is_stale_and_who_has_gone_is_offline() {
        let mut snapshot = three();
        snapshot.network.gone = vec![snapshot.network.peers.remove(0)];
        snapshot.network.peers[0].last_seen = snapshot.health.now - STALE - 1;
        let health = |name| {
            let order = Order { column: Column::Health, backwards: false };
            lines(&snapshot, order).into_iter().find(|line| line.peer.node_id.as_deref() == Some(name)).unwrap().health
        };
        assert_eq!([health("alpha"), health("beta"), health("gamma")], [Health::Offline, Health::Stale, Health::Live]);
    }

    #[test]
    fn a_node_is_waited_for_since_its_link_fell_silent_or_went_and_every_node_while_no_link_lives() {
        let mut snapshot = three();
        // The node itself is alpha; delta is known by its events alone.
        snapshot.network.peers.remove(0);
        let since = |snapshot: &Snapshot| ["alpha", "beta", "gamma", "delta"].map(|name| silent_since(snapshot, name));
        assert_eq!(since(&snapshot), [None; 4]);
        let (now, silent) = (snapshot.health.now, snapshot.health.now - STALE - 1);
        snapshot.network.peers[0].last_seen = silent;
        assert_eq!(since(&snapshot), [None, Some(silent), None, None]);
        let beta = snapshot.network.peers.remove(0);
        snapshot.network.gone.push(beta);
        assert_eq!(since(&snapshot), [None, Some(silent), None, None]);
        let gamma = snapshot.network.peers.remove(0);
        snapshot.network.gone.push(gamma);
        assert_eq!(since(&snapshot), [None, Some(silent), Some(now), Some(now)]);
        snapshot.network.gone.clear();
        assert_eq!(since(&snapshot), [None, Some(0), Some(0), Some(0)]);
    }

    #[test]
    fn whoever_signs_two_things_under_one_number_is_known_by_its_key_and_not_by_its_name() {
        let mut snapshot = three();
        snapshot.network.peers[1].public_key = Some("aa".to_owned());
        let cheat = |key: &str| Cheat {
            node_id: Some("gamma".to_owned()),
            public_key: key.to_owned(),
            seq: 1,
            hashes: Vec::new(),
            since: START,
        };
        snapshot.network.cheats = vec![cheat("aa"), cheat("bb")];
        let lines = lines(&snapshot, Order { column: Column::Name, backwards: false });
        assert_eq!(lines.iter().map(|line| line.cheats).collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn the_last_event_of_a_peer_is_that_of_its_row_on_the_map() {
        // The sample's map has an event of alpha in its second column.
        let line = lines(&three(), Order { column: Column::LastEvent, backwards: false }).remove(0);
        assert_eq!((line.peer.node_id.as_deref(), line.last_event), (Some("alpha"), Some(START + 15_000)));
    }
}
