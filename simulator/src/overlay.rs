//! Overlays as graphs: who knows whom at first, given ones, shortest paths, and pieces.

use crate::protocol::NodeId;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// For each node, whom it can send to, and how long that takes in microseconds.
pub type Graph = Vec<Vec<(NodeId, u64)>>;

/// For each node, up to `contacts` earlier ones, drawn evenly.
pub fn contacts(nodes: u32, contacts: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<NodeId>> {
    let draw = |node: u32| {
        let mut known = BTreeSet::new();
        while known.len() < contacts.min(node as usize) {
            known.insert(NodeId(rng.random_range(0..node)));
        }
        known.into_iter().collect()
    };
    (0..nodes).map(draw).collect()
}

/// A random regular graph: for each node, its neighbours with a smaller number.
///
/// A ring in which each node has its nearest as neighbours, in which random pairs of edges then swap their ends, ten
/// times as often as there are edges: that keeps all degrees (Taylor, 1981) and comes near to uniform. `nodes * degree`
/// must be even, and `degree` smaller than `nodes`.
pub fn random_regular(nodes: u32, degree: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<NodeId>> {
    let ordered = |a: u32, b: u32| (a.min(b), a.max(b));
    let near = (1..=degree as u32 / 2).flat_map(|step| (0..nodes).map(move |node| (node, (node + step) % nodes)));
    // An odd degree: each node's opposite as well.
    let opposite = (0..nodes / 2 * (degree as u32 % 2)).map(|node| (node, node + nodes / 2));
    let mut list: Vec<(u32, u32)> = near.chain(opposite).map(|(a, b)| ordered(a, b)).collect();
    let mut edges: BTreeSet<(u32, u32)> = list.iter().copied().collect();
    for _ in 0..10 * list.len() {
        let (one, other) = (rng.random_range(0..list.len()), rng.random_range(0..list.len()));
        let ((a, b), (mut c, mut d)) = (list[one], list[other]);
        if rng.random() {
            (c, d) = (d, c);
        }
        let swapped = [ordered(a, c), ordered(b, d)];
        let simple = swapped[0] != swapped[1] && swapped.iter().all(|edge| edge.0 != edge.1 && !edges.contains(edge));
        if simple {
            edges.remove(&list[one]);
            edges.remove(&list[other]);
            edges.extend(swapped);
            [list[one], list[other]] = swapped;
        }
    }
    let mut smaller = vec![Vec::new(); nodes as usize];
    for (a, b) in edges {
        smaller[b as usize].push(NodeId(a));
    }
    smaller
}

/// The bound: the time from a node to each other on the shortest way (Dijkstra, 1959), in microseconds.
///
/// A protocol that sends over this overlay, and over no other, can't be faster. `None`: there is no way.
pub fn shortest_times(graph: &Graph, from: NodeId) -> Vec<Option<u64>> {
    let mut times: Vec<Option<u64>> = vec![None; graph.len()];
    let mut next = BinaryHeap::from([Reverse((0, from))]);
    while let Some(Reverse((time, node))) = next.pop() {
        let known = &mut times[node.index()];
        if known.is_some() {
            continue;
        }
        *known = Some(time);
        next.extend(graph[node.index()].iter().map(|(peer, latency)| Reverse((time + latency, *peer))));
    }
    times
}

/// Into how many pieces an overlay falls, among `members`. An edge one way is an edge.
pub fn pieces(graph: &Graph, members: &[NodeId]) -> usize {
    let mut root: Vec<usize> = (0..graph.len()).collect();
    fn find(root: &mut [usize], mut node: usize) -> usize {
        while root[node] != node {
            root[node] = root[root[node]];
            node = root[node];
        }
        node
    }
    for (node, edges) in graph.iter().enumerate() {
        for (peer, _) in edges {
            let (a, b) = (find(&mut root, node), find(&mut root, peer.index()));
            root[a] = b;
        }
    }
    members.iter().map(|node| find(&mut root, node.index())).collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::fork;

    #[test]
    fn a_random_regular_graph_is_regular_and_simple() {
        for (nodes, degree) in [(4, 3), (10, 9), (11, 10), (100, 6), (1_000, 5)] {
            let smaller = random_regular(nodes, degree, &mut fork(1, "overlay", 0));
            let mut neighbours = vec![BTreeSet::new(); nodes as usize];
            for (node, others) in smaller.iter().enumerate() {
                for other in others {
                    assert!(other.index() < node && neighbours[node].insert(other.index()));
                    neighbours[other.index()].insert(node);
                }
            }
            assert!(neighbours.iter().all(|peers| peers.len() == degree), "{nodes} {degree}");
        }
    }

    #[test]
    fn each_node_knows_earlier_ones() {
        let contacts = contacts(50, 2, &mut fork(1, "contacts", 0));
        assert!(contacts.iter().enumerate().all(|(node, known)| known.len() == node.min(2)));
        assert!(contacts.iter().enumerate().all(|(node, known)| known.iter().all(|peer| peer.index() < node)));
    }

    /// All ways without a repeated node, tried one by one.
    fn brute_force(graph: &Graph, from: usize, to: usize, seen: &mut Vec<usize>) -> Option<u64> {
        if from == to {
            return Some(0);
        }
        seen.push(from);
        let ways = graph[from].iter().filter(|(peer, _)| !seen.contains(&peer.index())).cloned().collect::<Vec<_>>();
        let best =
            ways.iter().filter_map(|(peer, time)| Some(time + brute_force(graph, peer.index(), to, seen)?)).min();
        seen.pop();
        best
    }

    #[test]
    fn the_bound_is_the_best_of_all_ways() {
        for seed in 0..20 {
            let mut rng = fork(seed, "graph", 0);
            let mut graph: Graph = vec![Vec::new(); 8];
            for _ in 0..14 {
                let (a, b) = (rng.random_range(0..8_usize), rng.random_range(0..8_u32));
                graph[a].push((NodeId(b), rng.random_range(1..50)));
            }
            let times = shortest_times(&graph, NodeId(0));
            for (to, time) in times.into_iter().enumerate() {
                assert_eq!(time, brute_force(&graph, 0, to, &mut Vec::new()), "seed {seed}, node {to}");
            }
        }
    }

    #[test]
    fn pieces_are_counted_among_members_only() {
        let edge = |node| vec![(NodeId(node), 1)];
        let graph = vec![edge(1), Vec::new(), edge(3), Vec::new(), Vec::new()];
        let all: Vec<NodeId> = (0..5).map(NodeId).collect();
        assert_eq!((pieces(&graph, &all), pieces(&graph, &all[..4]), pieces(&graph, &all[..2])), (3, 2, 1));
    }
}
