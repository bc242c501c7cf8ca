//! Fuzz target: the handshake by which one joins. Whatever is damaged in what a good peer says, nobody joins by it.

use crate::decoders::damage;
use gossip::join::{Channel, Joining, Secret, Terms};
use gossip::{Direction, Keypair};
use std::sync::Arc;
use std::time::Duration;

const A_SECOND: Duration = Duration::from_secs(1);

fn begin(number: u8, direction: Direction) -> (Joining, Option<String>) {
    let (key, secret) = (Keypair::from_seed(&[number; 32]), Some(Secret::new(b"a secret of the mesh")));
    let terms = Terms { mesh: "beauty".to_owned(), key, secret, allow: None, rotations: Arc::default() };
    Joining::begin(Arc::new(terms), direction, Channel::Plain, [number; 32])
}

/// A frame as the edits damage it.
fn damaged(text: &str, edits: &[u8]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    damage(&mut bytes, edits);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn nobody_joins_by_a_damaged_frame_and_none_makes_a_side_panic() {
    let says = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    bolero::check!().with_test_time(A_SECOND).with_max_len(64).for_each(|bytes: &[u8]| {
        let Some((cut, edits)) = bytes.split_first() else { return };
        let (of_hail, of_proof) = edits.split_at(usize::from(*cut) % (edits.len() + 1));
        let ((mut dialler, hail), (mut listener, _)) = (begin(1, Direction::Outbound), begin(2, Direction::Inbound));
        let hail = hail.expect("who dials begins");
        let heard = damaged(&hail, of_hail);
        let Ok(step) = listener.on_frame(&heard) else { return };
        let Ok(answer) = dialler.on_frame(&step.say.expect("a hail")) else { return };
        let proof = answer.say.expect("a proof");
        let told = damaged(&proof, of_proof);
        if listener.on_frame(&told).is_ok_and(|step| step.joined.is_some()) {
            // Spaces, or fields that nobody knows, change nothing of what is said.
            let same = |before: &str, after: &str| {
                let (Some(before), Some(after)) = (says(before), says(after)) else { return false };
                before.as_object().is_some_and(|fields| {
                    fields.iter().all(|(name, value)| {
                        let (value, after) = (value.to_string(), after[name].to_string());
                        value.eq_ignore_ascii_case(&after)
                    })
                })
            };
            assert!(same(&hail, &heard) && same(&proof, &told), "{heard}\n{told}");
        }
    });
}
