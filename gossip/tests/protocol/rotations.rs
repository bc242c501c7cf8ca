//! How the mesh hears that a node has changed its key.

use crate::world::{World, address};
use gossip::{Config, Input, Keypair, Rotation};
use std::collections::BTreeSet;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn rotation(from: u8, to: u8, at: u64) -> Rotation {
    let key = |number: u8| Keypair::from_seed(&[number; 32]);
    Rotation::state("beauty", &key(from), &key(to), at)
}

#[test]
fn everybody_hears_of_it_once_who_comes_later_included() {
    for seed in 0..5 {
        let mut world = World::chain(seed, 20);
        world.run_for(MINUTE);
        // Node 7 starts again, with another key.
        world.crash(7);
        world.restart(7, Config { bootstrap: vec![address(6)], ..Config::default() });
        world.tell(7, Input::Rotations(vec![rotation(1, 2, 5)]));
        world.run_for(MINUTE);
        world.add(Config { bootstrap: vec![address(3)], ..Config::default() });
        world.run_for(MINUTE);
        let heard: BTreeSet<_> = world.rotated.iter().map(|(node, _)| *node).collect();
        assert_eq!(heard, (0..=20).filter(|node| *node != 7).collect(), "seed {seed}");
        assert_eq!(world.rotated.len(), 20, "nobody twice: seed {seed}");
    }
}
