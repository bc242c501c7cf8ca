//! What one run came to.

use crate::ledger::{Broadcast, Totals};
use crate::overlay;
use crate::protocol::NodeId;
use crate::stats::{max, mean, percentile, rmr};
use crate::world::World;
use gossip::Time;
use serde::Serialize;

/// The figures of one run: one scenario, one protocol, one seed. Times are in milliseconds.
///
/// They are over the broadcasts that the scenario counts. A time or a hop is that of a node which ran all the while
/// from the broadcast to the delivery; `missed` is about whoever runs at the end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// How many broadcasts count.
    pub broadcasts: usize,
    /// How many deliveries they made, their senders not counted.
    pub deliveries: u64,
    /// Relative message redundancy: payload transmissions / (nodes reached - 1) - 1. The mean over broadcasts.
    pub rmr: Option<f64>,
    /// Control frames sent per delivery, in the time of the counted broadcasts.
    pub control_frames: Option<f64>,
    /// Their bytes.
    pub control_bytes: Option<f64>,
    /// Bytes of payload frames sent per delivery, in the same time.
    pub payload_bytes: Option<f64>,
    /// Hops to the node that is the most hops away. The mean over broadcasts.
    pub last_hop: Option<f64>,
    /// Time to delivery, of all deliveries: half are faster.
    pub p50_ms: Option<f64>,
    /// 99 of 100 are faster.
    pub p99_ms: Option<f64>,
    /// Time to the last delivery. The mean over broadcasts.
    pub last_ms: Option<f64>,
    /// The same: the worst broadcast.
    pub worst_ms: Option<f64>,
    /// Time to the last delivery, as a multiple of the bound's. The mean over broadcasts.
    pub last_over_bound: Option<f64>,
    /// The bound's last delivery. The mean over broadcasts.
    pub bound_ms: Option<f64>,
    /// How many (broadcast, node) pairs are without delivery, of the nodes that run at the end.
    pub missed: u64,
    /// Deliveries to a node that had the broadcast already.
    pub repeats: u64,
    /// Deliveries of what nobody broadcast.
    pub phantoms: u64,
    /// From the last step of the scenario until whoever runs at the end had all that was broadcast before it. `None`:
    /// somebody never had.
    pub equal_after_ms: Option<f64>,
    /// All bytes sent from the last step on, as a multiple of the payload that was missing then.
    pub bytes_over_missing: Option<f64>,
    /// How many nodes run at the end.
    pub running: usize,
    /// How many neighbours they have. The mean.
    pub degree: Option<f64>,
    /// Into how many pieces their overlay falls.
    pub pieces: usize,
    /// The hash over every frame taken in.
    pub trace: String,
    /// Each counted broadcast, in order.
    pub each: Vec<Row>,
}

/// The figures of one broadcast.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its sender's place.
    pub sender: u32,
    /// When it was sent, in milliseconds since the world began.
    pub at_ms: f64,
    /// How many nodes got it in the end, its sender included.
    pub reached: u64,
    /// How many of those that run at the end did not.
    pub missed: u64,
    /// Relative message redundancy.
    pub rmr: Option<f64>,
    /// Hops to the node that is the most hops away.
    pub last_hop: Option<u16>,
    /// Time to the last delivery.
    pub last_ms: Option<f64>,
    /// The time to the last node on the shortest way, of those that there was a way to.
    pub bound_ms: Option<f64>,
    #[serde(skip)]
    deliveries: u64,
    #[serde(skip)]
    times: Vec<u64>,
}

/// What was sent when the counted broadcasts began, and when they were over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    /// At the beginning.
    pub before: Totals,
    /// At the end.
    pub after: Totals,
    /// When the last step had happened.
    pub healed: Option<Healed>,
}

/// The moment from which on nothing more befalls the world.
#[derive(Clone, Copy, Debug)]
pub struct Healed {
    /// When.
    pub at: Time,
    /// What was sent before.
    pub sent: Totals,
    /// The bytes of all payloads that a running node did not have, for each such node.
    pub missing_bytes: u64,
}

impl Healed {
    /// This moment of a world.
    pub fn now(world: &World<'_>) -> Healed {
        let running = world.running();
        let missing = |broadcast: &Broadcast| {
            let nodes = running.iter().filter(|node| !broadcast.has(**node)).count();
            (nodes * broadcast.payload.text.len()) as u64
        };
        let missing_bytes = world.ledger().broadcasts().iter().map(missing).sum();
        Healed { at: world.now(), sent: world.ledger().totals, missing_bytes }
    }

    /// Until when somebody lacked something of what was broadcast before, in milliseconds from then on.
    fn equal_after(&self, world: &World<'_>) -> Option<f64> {
        let running = world.running();
        let before = world.ledger().broadcasts().iter().filter(|broadcast| broadcast.at <= self.at);
        let times = before.flat_map(|broadcast| {
            running.iter().map(|node| Some(broadcast.at.as_micros() + broadcast.time_to(*node)?))
        });
        let last = times.collect::<Option<Vec<u64>>>()?.into_iter().max()?;
        Some(millis(last.saturating_sub(self.at.as_micros())))
    }

    fn bytes_over_missing(&self, world: &World<'_>) -> Option<f64> {
        let (now, then) = (world.ledger().totals, self.sent);
        let bytes = now.payload_bytes + now.control_bytes - then.payload_bytes - then.control_bytes;
        (self.missing_bytes > 0).then(|| bytes as f64 / self.missing_bytes as f64)
    }
}

impl Summary {
    /// Sums a world up.
    pub fn new(world: &World<'_>, window: Window) -> Summary {
        let running = world.running();
        let counted = world.ledger().broadcasts().iter().filter(|broadcast| broadcast.counted);
        let mut each: Vec<Row> = counted.map(|broadcast| Row::new(broadcast, world, &running)).collect();
        let mut times: Vec<u64> = each.iter_mut().flat_map(|row| std::mem::take(&mut row.times)).collect();
        times.sort_unstable();
        let deliveries: u64 = each.iter().map(|row| row.deliveries).sum();
        let Window { before, after, healed } = window;
        let per_delivery =
            |after: u64, before: u64| (deliveries > 0).then(|| (after - before) as f64 / deliveries as f64);
        let graph = world.overlay();
        let degrees = running.iter().map(|node| graph[node.index()].len() as f64);
        Summary {
            broadcasts: each.len(),
            deliveries,
            rmr: mean(each.iter().filter_map(|row| row.rmr)),
            control_frames: per_delivery(after.control_frames, before.control_frames),
            control_bytes: per_delivery(after.control_bytes, before.control_bytes),
            payload_bytes: per_delivery(after.payload_bytes, before.payload_bytes),
            last_hop: mean(each.iter().filter_map(|row| row.last_hop).map(f64::from)),
            p50_ms: percentile(&times, 50).map(millis),
            p99_ms: percentile(&times, 99).map(millis),
            last_ms: mean(each.iter().filter_map(|row| row.last_ms)),
            worst_ms: max(each.iter().filter_map(|row| row.last_ms)),
            last_over_bound: mean(each.iter().filter_map(Row::last_over_bound)),
            bound_ms: mean(each.iter().filter_map(|row| row.bound_ms)),
            missed: each.iter().map(|row| row.missed).sum(),
            repeats: world.ledger().repeats,
            phantoms: world.ledger().phantoms,
            equal_after_ms: healed.and_then(|healed| healed.equal_after(world)),
            bytes_over_missing: healed.and_then(|healed| healed.bytes_over_missing(world)),
            degree: mean(degrees),
            pieces: overlay::pieces(&graph, &running),
            running: running.len(),
            trace: world.trace().to_string(),
            each,
        }
    }
}

impl Row {
    fn new(broadcast: &Broadcast, world: &World<'_>, running: &[NodeId]) -> Row {
        let stayed = |node: NodeId| world.up_since(node).is_some_and(|since| since <= broadcast.at);
        let others = running.iter().copied().filter(|node| *node != broadcast.payload.origin && stayed(*node));
        let others: Vec<NodeId> = others.collect();
        let times: Vec<u64> = others.iter().filter_map(|node| broadcast.time_to(*node)).collect();
        let reached = broadcast.reached();
        Row {
            sender: broadcast.payload.origin.0,
            at_ms: millis(broadcast.at.as_micros()),
            reached,
            missed: running.iter().filter(|node| !broadcast.has(**node)).count() as u64,
            rmr: rmr(broadcast.transmissions, reached),
            last_hop: others.iter().filter_map(|node| broadcast.hops_to(*node)).max(),
            last_ms: times.iter().max().copied().map(millis),
            bound_ms: others.iter().filter_map(|node| broadcast.bound_to(*node)).max().map(millis),
            deliveries: reached.saturating_sub(1),
            times,
        }
    }

    fn last_over_bound(&self) -> Option<f64> {
        Some(self.last_ms? / self.bound_ms.filter(|bound| *bound > 0.0)?)
    }
}

fn millis(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}
