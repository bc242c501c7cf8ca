//! What the graph promises.

use super::*;
use crate::samples::{peer, snapshot};

#[test]
fn a_node_has_its_place_whoever_else_is_there() {
    let mut snapshot = snapshot();
    snapshot.network.peers = vec![peer("beta")];
    let alone = dots(&snapshot)[0].at;
    snapshot.network.peers.push(peer("gamma"));
    assert_eq!(dots(&snapshot)[0].at, alone);
}

#[test]
fn nobody_leaves_the_drawing_and_names_that_are_alike_lie_apart() {
    let places: Vec<(f64, f64)> = (0..200).map(|node| place(&format!("node-{node}"))).collect();
    assert!(places.iter().all(|(x, y)| x.abs() <= HALF.0 * FAR && y.abs() <= HALF.1 * FAR));
    let quarters = [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)];
    for (right, down) in quarters {
        let there = places.iter().filter(|(x, y)| x * right > 0.0 && y * down > 0.0).count();
        assert!(there > 30, "{there}");
    }
}

#[test]
fn the_node_itself_is_no_other_node_and_a_peer_with_events_is_one_dot() {
    let mut snapshot = snapshot();
    // The sample's node is alpha, and has events.
    assert!(dots(&snapshot).is_empty());
    snapshot.network.peers = vec![peer("beta")];
    snapshot.heatmap.nodes[0].node_id = "beta".to_owned();
    let dots = dots(&snapshot);
    assert_eq!((dots.len(), dots[0].peer.is_some(), dots[0].last), (1, true, Some(0.1)));
}

/// The words that are written, of links to peers of these names among others that are known.
fn words(peers: &[&str], known: usize) -> (usize, usize) {
    let mut snapshot = snapshot();
    snapshot.network.peers = peers.iter().map(|name| peer(name)).collect();
    let row = snapshot.heatmap.nodes[0].clone();
    let known = (0..known).map(|node| HeatmapRow { node_id: format!("node-{node:03}"), ..row.clone() });
    snapshot.heatmap.nodes = known.collect();
    let words = readable(&dots(&snapshot), "alpha");
    let count = |has: fn(&Words) -> bool| words.iter().filter(|word| has(word)).count();
    (count(|(name, _)| name.is_some()), count(|(_, numbers)| numbers.is_some()))
}

#[test]
fn where_there_is_room_all_is_written() {
    assert_eq!(words(&["beta", "delta", "gamma"], 0), (3, 3));
    assert_eq!(words(&["beta", "gamma"], 1), (3, 2));
}

#[test]
fn a_name_that_would_lie_on_others_stands_above_its_dot_or_nowhere() {
    let dot = |name: &str| Dot { name: name.to_owned(), at: (0.0, 150.0), peer: None, last: None };
    let said = readable(&[dot("one"), dot("two"), dot("three")], "alpha");
    assert_eq!(said, [(Some(BELOW), None), (Some(-14.0), None), (None, None)]);
}

#[test]
fn numbers_stand_beside_their_link_and_on_no_line() {
    let names: Vec<String> = (0..16).map(|node| format!("peer-{node}")).collect();
    let peers: Vec<Peer> = names.iter().map(|name| peer(name)).collect();
    let dot = |peer| Dot { at: place(name_of(peer)), name: String::new(), peer: Some(peer), last: None };
    let dots: Vec<Dot<'_>> = peers.iter().map(dot).collect();
    let written: Vec<_> = readable(&dots, "alpha").into_iter().map(|(_, numbers)| numbers).collect();
    assert!(written.iter().flatten().count() >= 4, "{written:?}");
    for (dot, at) in dots.iter().zip(&written).filter_map(|(dot, at)| Some((dot, (*at)?))) {
        let room = room(at, NUMBERS);
        assert!(dots.iter().all(|other| !crosses(other.at, &room)), "{at:?}");
        // As near to its own as that allows.
        let wider = Area { x: room.x - 1.0, y: room.y - 1.0, width: room.width + 2.0, height: room.height + 2.0 };
        assert!(crosses(dot.at, &wider), "{at:?}");
    }
    for side in [1.0, -1.0] {
        for at in [(200.0, 0.0), (-200.0, 0.0), (0.0, 100.0), (0.0, -100.0), (150.0, -90.0)] {
            for scale in [1.0, PHONE] {
                assert!(!crosses(at, &scaled(beside(at, 0.62, side, scale), NUMBERS, scale)), "{at:?}");
            }
            assert!(crosses(at, &around((at.0 / 2.0, at.1 / 2.0), 4.0)), "{at:?}");
        }
    }
}

#[test]
fn of_many_nodes_only_those_that_are_linked_have_a_name_and_of_many_links_none() {
    assert_eq!(words(&["beta", "gamma"], 200), (2, 2));
    let many: Vec<String> = (0..17).map(|node| format!("peer-{node}")).collect();
    assert_eq!(words(&many.iter().map(String::as_str).collect::<Vec<_>>(), 200), (0, 0));
}

#[test]
fn who_is_linked_is_drawn_however_many_are_known_and_all_are_counted() {
    let mut snapshot = snapshot();
    let row = snapshot.heatmap.nodes[0].clone();
    let named = |node: usize| HeatmapRow { node_id: format!("node-{node:03}"), ..row.clone() };
    snapshot.heatmap.nodes.extend((0..256).map(named));
    // Alpha itself, 256 that are told, and 49 that are not.
    snapshot.heatmap.nodes_total = 306;
    snapshot.network.peers = ["zeta", "node-255"].map(peer).to_vec();
    let dots = dots(&snapshot);
    assert_eq!([dots[0].name.as_str(), dots[1].name.as_str()], ["node-255", "zeta"]);
    assert_eq!((dots.len(), known(&snapshot)), (257, 306));
}

#[test]
fn a_long_name_is_cut_and_stays_within_the_drawing_on_a_phone_too() {
    for x in [-300.0, 0.0, 300.0] {
        let dot = Dot { name: "m".repeat(64), at: (x, 0.0), peer: None, last: None };
        let room = on_phone(room(by_dot(&dot, BELOW), width(&dot.name)));
        assert!(room.lies_in(&DRAWING) && short(&dot.name).chars().count() == LETTERS, "{room:?}");
        assert!(!room.meets(&around(dot.at, 18.0)));
    }
}

#[test]
fn a_shorter_round_trip_is_a_stronger_line() {
    assert_eq!(
        [strength(Some(0.5)), strength(Some(30.0)), strength(Some(5_000.0)), strength(None)],
        [5.0, 3.0, 1.0, 1.0]
    );
}
