//! What one node does, announcement by announcement.

mod restless;

use super::probes::{PROBE_AFTER, PROBE_SPREAD};
use super::*;
use crate::Message;
use crate::message::{Grafted, Probe};

const ORIGIN: OriginId = OriginId([1; 32]);
const ME: OriginId = OriginId([9; 32]);

/// A node, and what its peers have named to it.
struct Node {
    trees: Trees,
    steps: Steps,
    given: BTreeMap<PeerId, Given>,
}

fn bundle(origin: OriginId, seq: u64) -> Bundle {
    Bundle { id: BundleId { origin, seq }, events: Vec::new().into(), signature: crate::Signature::NONE, second: None }
}

fn at(millis: u64) -> Time {
    Time::from_micros(millis * 1_000)
}

impl Node {
    /// A node with links to peers 1, 2, ... whose round trip is 20 ms.
    fn with_links(links: u64) -> Node {
        let mut node =
            Node { trees: Trees::new(ME, 0, &Config::default()), steps: Steps::default(), given: BTreeMap::new() };
        (1..=links).for_each(|peer| node.up(peer));
        node.said();
        node
    }

    fn up(&mut self, peer: u64) {
        self.trees.on_up(Time::ZERO, PeerId(peer), None, &mut self.steps);
        self.trees.on_rtt(PeerId(peer), Duration::from_millis(20));
    }

    /// A bundle of [`ORIGIN`] comes.
    fn comes(&mut self, now: Time, from: u64, seq: u64) {
        let way = Way { ttl: TTL, hops: 3, like: None };
        self.trees.on_bundle(now, PeerId(from), way, &bundle(ORIGIN, seq).into(), &mut self.steps);
    }

    /// A peer announces bundles of [`ORIGIN`] that it has had for so many milliseconds.
    fn announces(&mut self, now: Time, from: u64, seqs: impl IntoIterator<Item = u64>, age: u16) {
        let ids: Vec<_> = seqs.into_iter().map(|seq| (BundleId { origin: ORIGIN, seq }, age * 10)).collect();
        for announcement in self.given.entry(PeerId(from)).or_default().write(&ids) {
            self.trees.on_announcement(now, PeerId(from), announcement, &mut self.steps);
        }
    }

    /// A probe of [`ORIGIN`] comes.
    fn is_probed(&mut self, from: u64, seq: u64) {
        let probe = Probe { origin: ORIGIN, seq, hops: 3 };
        self.trees.on_probe(at(0), PeerId(from), probe, &mut self.steps);
    }

    fn grafts(&mut self, from: u64, wanted: &[u64]) {
        let graft = Grafted { origin: ORIGIN, wanted: wanted.to_vec() };
        self.trees.on_graft(at(0), PeerId(from), vec![graft], &mut self.steps);
    }

    /// What was said since the last time: to whom.
    fn said(&mut self) -> Vec<(u64, Message)> {
        let messages = std::mem::take(&mut self.steps).into_messages().into_iter();
        messages.flat_map(|(to, message)| to.into_iter().map(move |peer| (peer.0, message.clone()))).collect()
    }
}

fn graft(wanted: &[u64]) -> Message {
    Message::Graft(vec![Grafted { origin: ORIGIN, wanted: wanted.to_vec() }])
}

#[test]
fn a_parent_is_never_swapped_with_itself_and_the_best_link_stays() {
    let (mut node, near, far) = (Node::with_links(2), 1, 2);
    node.comes(at(50), far, 1);
    node.said();
    // The parent announces what it brought, and the near one, late, what it had long before.
    node.announces(at(55), far, [1], 10);
    assert!(node.said().is_empty());
    node.announces(at(60), near, [1], 20);
    assert_eq!(node.said(), [(near, graft(&[])), (far, Message::Prune(vec![ORIGIN]))]);
    node.announces(at(61), far, [1], 20);
    assert!(node.said().is_empty());
}

#[test]
fn who_has_broken_its_word_takes_the_parents_place_when_it_has_kept_it() {
    let (mut node, liar, parent) = (Node::with_links(2), 1, 2);
    for (seq, now) in (1..=3).zip([100, 200, 300]) {
        node.announces(at(now), liar, [seq], 20);
        node.comes(at(now + 10), parent, seq);
    }
    node.said();
    node.comes(at(3_000), parent, 4);
    let control = |node: &mut Node| {
        let said = node.said().into_iter();
        said.filter(|(_, message)| matches!(message, Message::Graft(_) | Message::Prune(_))).collect::<Vec<_>>()
    };
    control(&mut node);
    // It is believed again, and the parent stays all the same.
    node.announces(at(12_000), liar, [5], 20);
    node.comes(at(12_010), parent, 5);
    assert_eq!(control(&mut node), [(liar, graft(&[]))]);
    node.comes(at(12_100), liar, 6);
    node.comes(at(12_110), parent, 6);
    assert_eq!(control(&mut node), [(parent, Message::Prune(vec![ORIGIN]))], "one of the two is enough");
    // It had broken its word twice; with this it has made good, and is swapped for another as any.
    node.comes(at(12_200), liar, 7);
    node.announces(at(12_300), parent, [8], 20);
    node.comes(at(12_310), liar, 8);
    assert_eq!(control(&mut node), [(parent, graft(&[])), (liar, Message::Prune(vec![ORIGIN]))]);
}

#[test]
fn a_root_always_pushes_to_somebody() {
    let mut node = Node::with_links(2);
    node.trees.broadcast(Time::ZERO, bundle(ME, 1).into(), &mut node.steps);
    node.trees.on_prune(PeerId(1), &[ME]);
    node.trees.on_prune(PeerId(2), &[ME]);
    node.said();
    node.trees.broadcast(Time::ZERO, bundle(ME, 2).into(), &mut node.steps);
    assert!(matches!(&node.said()[..], [(2, Message::Bundle { .. })]));
}

#[test]
fn when_the_parent_is_gone_whoever_had_the_last_bundle_first_takes_its_place_at_once() {
    let mut node = Node::with_links(4);
    node.comes(at(50), 1, 1);
    // A link takes 10 ms: peer 2 had it at 45, peer 3 at 42, and peer 4, who may be below, at 60.
    node.announces(at(60), 2, [1], 5);
    node.announces(at(62), 3, [1], 10);
    node.announces(at(75), 4, [1], 5);
    assert!(node.said().iter().all(|(_, message)| matches!(message, Message::Bundle { .. })));
    node.trees.on_down(at(100), PeerId(1), &mut node.steps);
    assert_eq!(node.said(), [(3, graft(&[]))]);
    node.trees.on_down(at(100), PeerId(3), &mut node.steps);
    assert_eq!(node.said(), [(2, graft(&[]))], "and the next, if that one is gone as well");
    node.up(5);
    assert!(node.said().is_empty(), "one way is enough");
}

#[test]
fn a_node_that_has_lost_its_way_asks_those_below_and_they_look_for_another() {
    // Peer 1 is above, peer 2 below, and peer 3, if there is one, announces.
    let tree = |links: u64| {
        let mut node = Node::with_links(links);
        node.comes(at(50), 1, 1);
        node.trees.on_prune(PeerId(3), &[ORIGIN]);
        if links == 3 {
            node.announces(at(58), 3, [1], 5);
        }
        node.said();
        node
    };
    let mut node = tree(2);
    node.trees.on_down(at(100), PeerId(1), &mut node.steps);
    assert_eq!(node.said(), [(2, graft(&[]))], "there is nobody else");
    let mut node = tree(3);
    node.grafts(1, &[]);
    assert_eq!(node.said(), [(3, graft(&[]))], "the one above has lost its way");
    let mut node = tree(2);
    node.grafts(2, &[]);
    node.grafts(1, &[7]);
    assert!(node.said().is_empty(), "who is below asks for nothing new, and who wants a bundle has not lost its way");
}

#[test]
fn who_has_no_way_asks_a_new_peer_for_one() {
    let mut node = Node::with_links(1);
    node.comes(at(50), 1, 1);
    node.trees.on_down(at(60), PeerId(1), &mut node.steps);
    node.said();
    node.up(2);
    assert_eq!(node.said(), [(2, graft(&[]))]);
    node.comes(at(90), 2, 2);
    node.up(3);
    assert!(node.said().is_empty(), "who has one, waits for announcements");
}

#[test]
fn a_liar_takes_up_no_more_than_its_share_and_is_asked_in_few_frames() {
    let mut node = Node::with_links(2);
    node.comes(at(0), 2, 1_000_000);
    node.said();
    node.announces(at(0), 1, 0..1_000, 0);
    node.trees.tick(at(1_000), &mut node.steps);
    let asked = node.said();
    let [(1, Message::Graft(grafts))] = &asked[..] else { panic!("one frame: {asked:?}") };
    let wanted: usize = grafts.iter().map(|graft| graft.wanted.len()).sum();
    assert_eq!(wanted, missing::MAX_OF_ONE_PEER);
    node.trees.tick(at(2_000), &mut node.steps);
    assert!(
        node.said().is_empty() && node.trees.missing.next_wakeup().is_none(),
        "nobody else has them: they are given up"
    );
}

#[test]
fn of_those_who_announce_a_missing_bundle_the_one_that_had_it_first_is_asked_first() {
    let mut node = Node::with_links(3);
    node.comes(at(0), 1, 1);
    node.said();
    node.announces(at(100), 2, [2], 0);
    node.announces(at(110), 3, [2], 50);
    let mut asked = Vec::new();
    for millis in 100..1_000 {
        node.trees.tick(at(millis), &mut node.steps);
        asked.extend(node.said().into_iter().filter(|(_, said)| *said == graft(&[2])).map(|(to, _)| to));
    }
    assert_eq!(asked, [3, 2]);
}

#[test]
fn hops_count_from_the_origin_whoever_answers() {
    let mut node = Node::with_links(3);
    node.comes(at(50), 1, 1);
    let hops = |said: Vec<(u64, Message)>| match &said[..] {
        [.., (_, Message::Bundle { way, .. })] => way.hops,
        _ => panic!("{said:?}"),
    };
    assert_eq!(hops(node.said()), 4);
    node.grafts(2, &[1]);
    assert_eq!(hops(node.said()), 4, "asked for");
    node.trees.broadcast(at(60), bundle(ME, 1).into(), &mut node.steps);
    assert_eq!(hops(node.said()), 1, "its own");
}

#[test]
fn ttl_grows_where_origins_are_far_away() {
    let mut node = Node::with_links(2);
    let ttl = |node: &mut Node, seq| {
        node.trees.broadcast(Time::ZERO, bundle(ME, seq).into(), &mut node.steps);
        match &node.said()[..] {
            [(_, Message::Bundle { way, .. }), ..] => way.ttl,
            said => panic!("{said:?}"),
        }
    };
    assert_eq!(ttl(&mut node, 1), TTL);
    for (seq, hops, expected) in [(1, 50, 100), (2, 100, MAX_TTL)] {
        let way = Way { ttl: 3, hops, like: None };
        node.trees.on_bundle(Time::ZERO, PeerId(1), way, &bundle(ORIGIN, seq).into(), &mut node.steps);
        node.said();
        assert_eq!(ttl(&mut node, 1 + seq), expected);
    }
}

#[test]
fn with_one_shared_tree_a_second_copy_prunes_the_link_for_all_origins() {
    let mut node = Node::with_links(3);
    node.trees.shared = true;
    node.comes(at(0), 1, 1);
    node.comes(at(1), 2, 1);
    node.said();
    node.trees.broadcast(at(2), bundle(ME, 1).into(), &mut node.steps);
    let to: Vec<u64> = node.said().into_iter().map(|(to, _)| to).collect();
    assert_eq!(to, [1, 3]);
}

#[test]
fn a_probe_goes_on_along_all_other_links_once_and_whoever_brought_it_first_is_grafted() {
    let mut node = Node::with_links(3);
    node.is_probed(2, 5);
    let on = Message::Probe(Probe { origin: ORIGIN, seq: 5, hops: 4 });
    assert_eq!(node.said(), [(1, on.clone()), (3, on.clone()), (2, graft(&[]))]);
    node.is_probed(1, 5);
    node.is_probed(3, 4);
    assert!(node.said().is_empty(), "the same again, and an older one");
    node.is_probed(1, 6);
    let on = Message::Probe(Probe { origin: ORIGIN, seq: 6, hops: 4 });
    let swapped = [(2, on.clone()), (3, on), (1, graft(&[])), (2, Message::Prune(vec![ORIGIN]))];
    assert_eq!(node.said(), swapped, "a later one came another way");
}

#[test]
fn the_tree_of_a_probe_is_taken_by_the_first_bundle_of_another_origin() {
    let mut node = Node::with_links(4);
    node.is_probed(1, 1);
    node.grafts(2, &[]);
    node.said();
    let way = Way { ttl: TTL, hops: 3, like: Some(ORIGIN) };
    let other = OriginId([7; 32]);
    node.trees.on_bundle(at(1), PeerId(1), way, &bundle(other, 1).into(), &mut node.steps);
    let said = node.said();
    let [(2, Message::Bundle { way, .. })] = &said[..] else { panic!("{said:?}") };
    assert_eq!(way.like, Some(ORIGIN));
}

#[test]
fn a_node_that_knows_no_origin_nearby_probes_and_one_that_does_is_quiet() {
    for (hops, probes) in [(1, false), (3, true)] {
        let mut node = Node::with_links(2);
        let way = Way { ttl: TTL, hops, like: None };
        node.trees.on_bundle(at(0), PeerId(1), way, &bundle(ORIGIN, 1).into(), &mut node.steps);
        node.said();
        node.trees.tick(at(0) + PROBE_AFTER + PROBE_SPREAD, &mut node.steps);
        let probed =
            node.said().iter().any(|(_, message)| matches!(message, Message::Probe(probe) if probe.origin == ME));
        assert_eq!(probed, probes, "{hops} hops away");
    }
}

#[test]
fn who_brings_a_probe_again_is_not_below_and_takes_the_parents_place() {
    let mut node = Node::with_links(4);
    node.is_probed(1, 5);
    node.grafts(2, &[]);
    node.grafts(4, &[]);
    node.said();
    node.is_probed(4, 5);
    node.comes(at(50), 1, 1);
    let said = node.said();
    assert!(matches!(&said[..], [(2, Message::Bundle { .. })]), "the link to 4 is lazy again: {said:?}");
    node.trees.on_down(at(60), PeerId(1), &mut node.steps);
    assert_eq!(node.said(), [(4, graft(&[]))], "of 3 nobody knows whether it is below");
}

/// Whether a node has sent a probe of its own since the last time.
fn has_probed(node: &mut Node) -> bool {
    node.said().iter().any(|(_, message)| matches!(message, Message::Probe(probe) if probe.origin == ME))
}

#[test]
fn a_node_waits_until_its_links_stand_before_it_probes_though_not_for_ever() {
    let own = Duration::from_millis(1_100);
    let after = |node: &mut Node, time: Time| {
        node.trees.tick(time, &mut node.steps);
        has_probed(node)
    };
    let mut node = Node::with_links(2);
    let change = at(25_000);
    node.trees.on_up(change, PeerId(3), None, &mut node.steps);
    assert!(!after(&mut node, at(0) + PROBE_AFTER + own));
    assert!(after(&mut node, change + PROBE_AFTER + own));
    let mut node = Node::with_links(2);
    for (peer, seconds) in (3..).zip([20, 40, 60, 80]) {
        node.trees.on_up(at(seconds * 1_000), PeerId(peer), None, &mut node.steps);
        assert!(!after(&mut node, at(seconds * 1_000)));
    }
    assert!(after(&mut node, at(90_000) + own));
}

#[test]
fn a_node_with_a_tree_of_its_own_probes_soon_after_it_has_lost_many_links() {
    for (has_tree, probes) in [(true, true), (false, false)] {
        let mut node = Node::with_links(6);
        if has_tree {
            node.trees.broadcast(at(0), bundle(ME, 1).into(), &mut node.steps);
        }
        node.trees.on_down(at(10_000), PeerId(1), &mut node.steps);
        node.trees.tick(at(12_000), &mut node.steps);
        assert!(!has_probed(&mut node), "one is not many");
        node.trees.on_down(at(12_000), PeerId(2), &mut node.steps);
        node.trees.tick(at(13_000), &mut node.steps);
        assert_eq!(has_probed(&mut node), probes);
    }
}

#[test]
fn a_root_whose_probe_comes_back_by_a_link_pushes_to_others() {
    let mut node = Node::with_links(3);
    node.trees.broadcast(at(0), bundle(ME, 1).into(), &mut node.steps);
    node.trees.tick(at(0) + PROBE_AFTER + PROBE_SPREAD, &mut node.steps);
    let seq = node.said().iter().find_map(|(_, message)| match message {
        Message::Probe(probe) if probe.origin == ME => Some(probe.seq),
        _ => None,
    });
    let back = Probe { origin: ME, seq: seq.unwrap(), hops: 3 };
    node.trees.on_probe(at(70_000), PeerId(2), back, &mut node.steps);
    node.trees.broadcast(at(71_000), bundle(ME, 2).into(), &mut node.steps);
    let pushed = |(to, message): (u64, Message)| matches!(message, Message::Bundle { .. }).then_some(to);
    assert_eq!(node.said().into_iter().filter_map(pushed).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn who_has_a_place_on_its_word_and_brings_nothing_is_not_believed_for_a_while() {
    let (mut node, liar, honest) = (Node::with_links(2), 1, 2);
    let swapped = |node: &mut Node| node.said().contains(&(liar, graft(&[])));
    for (seq, believed) in [(1, true), (2, true), (3, false), (4, false)] {
        let now = 200 * seq;
        node.comes(at(now), honest, seq);
        node.said();
        node.announces(at(now + 5), liar, [seq], 20);
        assert_eq!(swapped(&mut node), believed, "with bundle {seq}, which it said it had long before");
    }
    node.comes(at(5_000), honest, 5);
    node.said();
    node.announces(at(5_005), liar, [5], 20);
    assert!(swapped(&mut node), "after two seconds it has another chance");
    // Now it does as it says: it is late once, and the first from then on.
    for seq in 6..9 {
        let now = 1_000 * seq;
        node.comes(at(now), liar, seq);
        node.comes(at(now + 50), honest, seq);
        node.said();
    }
    node.comes(at(9_000), honest, 9);
    node.announces(at(9_005), liar, [9], 20);
    assert!(swapped(&mut node));
}
