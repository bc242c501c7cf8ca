//! What one run came to.

use crate::ledger::{Broadcast, Totals};
use crate::overlay;
use crate::protocol::NodeId;
use crate::stats::{max, mean, percentile, rmr, settled_from};
use crate::world::World;
use gossip::Time;
use serde::Serialize;
use std::ops::Range;
use std::time::Duration;

/// A redundancy that is a tree's, nearly; and over how many broadcasts in a row it is measured.
const SETTLED_RMR: f64 = 0.05;
const SETTLED_OVER: usize = 10;

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
    /// Time to the last delivery, as a multiple of one direct hop to the farthest node. The mean over broadcasts.
    pub last_over_hop: Option<f64>,
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
    /// Where the last step started nodes: how much of their line they filled until they had it all, 0 to 1.
    pub of_line: Option<f64>,
    /// Where the last step started nodes: 99 of 100 deliveries to the others were faster while these came back, as a
    /// multiple of what it was before.
    pub others_p99: Option<f64>,
    /// Which counted broadcast after the last step is the first, from 0, from which on any ten in a row have an RMR below
    /// 0.05. `None`: the last ten don't, or there are not so many.
    pub rmr_settled_after: Option<usize>,
    /// From the last step until the overlay was one piece, and stayed so: looked at before each message, and at the end.
    pub one_piece_after_ms: Option<f64>,
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
    /// The time that one direct hop to the farthest of them would take.
    pub hop_ms: Option<f64>,
    #[serde(skip)]
    deliveries: u64,
    #[serde(skip)]
    times: Vec<u64>,
}

/// What was sent when the counted broadcasts began, and when they were over.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// At the beginning.
    pub before: Totals,
    /// At the end.
    pub after: Totals,
    /// When the last step had happened.
    pub healed: Option<Healed>,
    /// Since when after it the overlay has been one piece.
    pub one_piece: Option<Time>,
}

/// The moment from which on nothing more befalls the world.
#[derive(Clone, Debug)]
pub struct Healed {
    /// When.
    pub at: Time,
    /// What was sent before.
    pub sent: Totals,
    /// The bytes of all payloads that a running node did not have, for each such node.
    pub missing_bytes: u64,
    /// Who was started at this moment.
    pub back: Vec<NodeId>,
    /// How long what these nodes lacked takes at least, as long as their lines are all that limits it.
    pub at_line_speed: Option<Duration>,
}

impl Healed {
    /// This moment of a world.
    pub fn now(world: &World<'_>) -> Healed {
        let (at, running, ledger) = (world.now(), world.running(), world.ledger());
        let missing_bytes = running.iter().map(|node| ledger.bytes_lacking(*node)).sum();
        let back: Vec<NodeId> = running.into_iter().filter(|node| world.up_since(*node) == Some(at)).collect();
        let time = |node: &NodeId| Some(ledger.bytes_lacking(*node) * 8 * 1_000 / world.network().line_kbit(*node)?);
        let at_line_speed = back.iter().map(time).collect::<Option<Vec<_>>>();
        let at_line_speed = at_line_speed.and_then(|all| all.into_iter().max()).map(Duration::from_micros);
        Healed { at, sent: ledger.totals, missing_bytes, back, at_line_speed }
    }

    /// Until when somebody lacked something of what was broadcast before, in microseconds from then on.
    fn equal_after(&self, world: &World<'_>) -> Option<u64> {
        let running = world.running();
        let before = world.ledger().broadcasts().iter().filter(|broadcast| broadcast.at <= self.at);
        let times = before.flat_map(|broadcast| {
            running.iter().map(|node| Some(broadcast.at.as_micros() + broadcast.time_to(*node)?))
        });
        let last = times.collect::<Option<Vec<u64>>>()?.into_iter().max().unwrap_or(0);
        if running.iter().any(|node| world.ledger().past_lacking(*node) > 0) {
            return None;
        }
        let last = running.iter().map(|node| world.ledger().past_came(*node).as_micros()).fold(last, u64::max);
        Some(last.saturating_sub(self.at.as_micros()))
    }

    fn of_line(&self, world: &World<'_>) -> Option<f64> {
        let (took, least) = (self.equal_after(world)?, self.at_line_speed?.as_micros());
        (took > 0).then(|| least as f64 / took as f64)
    }

    fn others_p99(&self, world: &World<'_>) -> Option<f64> {
        let whole = self.at + Duration::from_micros(self.equal_after(world)?);
        let others: Vec<NodeId> = world.running().into_iter().filter(|node| !self.back.contains(node)).collect();
        let p99 = |range: Range<Time>| {
            let sent = world.ledger().broadcasts().iter();
            let sent = sent.filter(|broadcast| broadcast.counted && range.contains(&broadcast.at));
            let mut times: Vec<u64> = sent.flat_map(|broadcast| times(broadcast, world, &others)).collect();
            times.sort_unstable();
            percentile(&times, 99).filter(|_| !self.back.is_empty())
        };
        Some(p99(self.at..whole)? as f64 / p99(Time::ZERO..self.at)?.max(1) as f64)
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
        let Window { before, after, healed, one_piece } = window;
        let after_steps = |healed: &Healed| {
            let rows = each.iter().filter(|row| row.at_ms >= millis(healed.at.as_micros()));
            settled_from(&rows.filter_map(|row| row.rmr).collect::<Vec<_>>(), SETTLED_OVER, SETTLED_RMR)
        };
        let one_piece_after = healed.as_ref().zip(one_piece).map(|(healed, at)| at.since(healed.at).as_micros() as u64);
        let per_delivery =
            |after: u64, before: u64| (deliveries > 0).then(|| (after - before) as f64 / deliveries as f64);
        let past_missed: u64 = running.iter().map(|node| world.ledger().past_lacking(*node)).sum();
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
            last_over_hop: mean(each.iter().filter_map(Row::last_over_hop)),
            missed: each.iter().map(|row| row.missed).sum::<u64>() + past_missed,
            repeats: world.ledger().repeats,
            phantoms: world.ledger().phantoms,
            equal_after_ms: healed.as_ref().and_then(|healed| healed.equal_after(world)).map(millis),
            bytes_over_missing: healed.as_ref().and_then(|healed| healed.bytes_over_missing(world)),
            of_line: healed.as_ref().and_then(|healed| healed.of_line(world)),
            others_p99: healed.as_ref().and_then(|healed| healed.others_p99(world)),
            rmr_settled_after: healed.as_ref().and_then(after_steps),
            one_piece_after_ms: one_piece_after.map(millis),
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
        let others: Vec<NodeId> = receivers(broadcast, world, running).collect();
        let times: Vec<u64> = times(broadcast, world, running).collect();
        let reached = broadcast.reached();
        let sender = broadcast.payload.origin;
        let hop = |node: &NodeId| world.network().geography().latency(sender, *node).as_micros() as u64;
        Row {
            sender: sender.0,
            at_ms: millis(broadcast.at.as_micros()),
            reached,
            missed: running.iter().filter(|node| !broadcast.has(**node)).count() as u64,
            rmr: rmr(broadcast.transmissions, reached),
            last_hop: others.iter().filter_map(|node| broadcast.hops_to(*node)).max(),
            last_ms: times.iter().max().copied().map(millis),
            bound_ms: others.iter().filter_map(|node| broadcast.bound_to(*node)).max().map(millis),
            hop_ms: others.iter().map(hop).max().map(millis),
            deliveries: reached.saturating_sub(1),
            times,
        }
    }

    fn last_over_bound(&self) -> Option<f64> {
        Some(self.last_ms? / self.bound_ms.filter(|bound| *bound > 0.0)?)
    }

    fn last_over_hop(&self) -> Option<f64> {
        Some(self.last_ms? / self.hop_ms.filter(|hop| *hop > 0.0)?)
    }
}

/// Those of some nodes that a broadcast is for, and that have run since it was sent.
fn receivers<'a>(
    broadcast: &'a Broadcast,
    world: &'a World<'_>,
    nodes: &'a [NodeId],
) -> impl Iterator<Item = NodeId> + 'a {
    let stayed = |node: NodeId| world.up_since(node).is_some_and(|since| since <= broadcast.at);
    nodes.iter().copied().filter(move |node| *node != broadcast.payload.origin && stayed(*node))
}

/// How long a broadcast took to each of them, in microseconds.
fn times<'a>(broadcast: &'a Broadcast, world: &'a World<'_>, nodes: &'a [NodeId]) -> impl Iterator<Item = u64> + 'a {
    receivers(broadcast, world, nodes).filter_map(|node| broadcast.time_to(node))
}

fn millis(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}
