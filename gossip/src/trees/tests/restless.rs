//! Where arrival times are noise, and where messages cross.

use super::*;

/// How many grafts were among what was said.
fn grafts(node: &mut Node) -> usize {
    node.said().iter().filter(|(_, message)| matches!(message, Message::Graft(_))).count()
}

#[test]
fn links_that_are_earlier_by_turns_take_the_parents_place_ever_more_seldom() {
    let mut node = Node::with_links(2);
    node.comes(at(0), 1, 1);
    let mut parent = 1;
    let counts = [0, 1].map(|half| {
        let rounds = (1 + 20 * half..21 + 20 * half).map(|round: u64| {
            // The other link has it 10 ms before the parent brings it, each time.
            let now = round * 1_000;
            node.announces(at(now), 3 - parent, [1 + round], 0);
            node.comes(at(now + 10), parent, 1 + round);
            let swapped = grafts(&mut node);
            if swapped == 1 {
                parent = 3 - parent;
            }
            swapped
        });
        rounds.sum::<usize>()
    });
    assert!((2..=8).contains(&counts[0]) && counts[1] <= counts[0], "{counts:?}");
    // What is better by far is taken all the same.
    node.announces(at(90_000), 3 - parent, [100], 0);
    node.comes(at(90_070), parent, 100);
    assert_eq!(grafts(&mut node), 1);
}

#[test]
fn a_graft_brings_what_came_while_it_was_on_its_way() {
    let mut node = Node::with_links(3);
    node.comes(at(0), 1, 1);
    node.trees.on_prune(PeerId(2), &[ORIGIN]);
    node.comes(at(0), 1, 2);
    node.said();
    node.grafts(2, &[]);
    assert!(matches!(&node.said()[..], [(2, Message::Bundle { bundle, .. })] if bundle.id.seq == 2));
    // It is pushed and not announced; and what is wanted by number comes once.
    node.trees.on_prune(PeerId(2), &[ORIGIN]);
    node.comes(at(0), 1, 3);
    node.said();
    node.grafts(2, &[3]);
    node.trees.tick(at(200), &mut node.steps);
    let payloads = node.said().iter().filter(|(_, message)| matches!(message, Message::Bundle { .. })).count();
    assert_eq!(payloads, 1);
}

#[test]
fn what_the_parent_announces_it_is_soon_asked_for() {
    let mut node = Node::with_links(2);
    node.comes(at(0), 1, 1);
    node.said();
    node.announces(at(100), 1, [2], 0);
    node.trees.tick(at(119), &mut node.steps);
    assert!(node.said().is_empty(), "the parent before may have pushed it");
    node.trees.tick(at(120), &mut node.steps);
    assert_eq!(node.said(), [(1, graft(&[2]))]);
}

#[test]
fn a_parent_that_is_late_is_waited_for_and_one_that_was_asked_proves_nothing() {
    let mut node = Node::with_links(2);
    node.comes(at(0), 1, 1);
    let early = node.trees.patience(PeerId(2), Some(PeerId(1)));
    assert_eq!(early, Duration::from_millis(100), "as long as asking takes");
    let late = &mut node.trees.links.get_mut(&PeerId(1)).unwrap().late;
    (0..40).for_each(|_| late.note(Duration::from_millis(400)));
    assert!(node.trees.patience(PeerId(2), Some(PeerId(1))) >= Duration::from_millis(400));
    node.said();
    node.announces(at(50_000), 2, [50], 0);
    node.trees.tick(at(50_300), &mut node.steps);
    assert_eq!(grafts(&mut node), 0);
    node.trees.tick(at(52_000), &mut node.steps);
    assert!(node.said().contains(&(2, graft(&[50]))));
    let before = node.trees.links[&PeerId(2)].late.bound();
    node.comes(at(52_500), 2, 50);
    assert_eq!(node.trees.links[&PeerId(2)].late.bound(), before, "it was late because it was asked late");
}

#[test]
fn who_has_broken_its_word_does_not_make_anybody_wait_for_others() {
    let (mut node, liar, parent) = (Node::with_links(2), 1, 2);
    for (seq, now) in (1..=3).zip([100, 200, 300]) {
        node.announces(at(now), liar, [seq], 20);
        node.comes(at(now + 10), parent, seq);
    }
    assert!(node.trees.links[&PeerId(liar)].trust.is_doubted());
    // What it had said before it was found out is forgotten by and by.
    (4..40).for_each(|seq| node.comes(at(seq * 1_000), parent, seq));
    let before = node.trees.links[&PeerId(parent)].late.bound();
    for seq in 40..60 {
        node.announces(at(seq * 1_000), liar, [seq], 0);
        node.comes(at(seq * 1_000 + 90), parent, seq);
    }
    assert!(node.trees.links[&PeerId(parent)].late.bound() <= before);
}
