//! What is promised of joining: who may, and why others may not.

use gossip::join::{Channel, Joining, MAX_BYTES, Refusal, Secret, Step, Terms};
use gossip::{Direction, Keypair, OriginId, Rotation, Rotations};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const OUTBOUND: Direction = Direction::Outbound;
const INBOUND: Direction = Direction::Inbound;

fn pair(number: u8) -> Keypair {
    Keypair::from_seed(&[number; 32])
}

fn terms(number: u8, secret: Option<&str>) -> Terms {
    let secret = secret.map(|secret| Secret::new(secret.as_bytes()));
    Terms { mesh: "beauty".to_owned(), key: pair(number), secret, allow: None, rotations: Arc::default() }
}

/// A nonce that was never drawn before.
fn nonce() -> [u8; 32] {
    static DRAWN: AtomicU64 = AtomicU64::new(1);
    let mut nonce = [0; 32];
    nonce[..8].copy_from_slice(&DRAWN.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    nonce
}

fn begin(terms: &Terms, direction: Direction, channel: Channel) -> (Joining, Option<String>) {
    Joining::begin(Arc::new(terms.clone()), direction, channel, nonce())
}

/// What became of each side; `None` for one that still waits when the other has given up.
type Outcome = Option<Result<OriginId, Refusal>>;

/// Lets two sides meet. `between` carries each text, by who says it and how many were said before.
fn meet(
    (dialler, listener): (&Terms, &Terms),
    [near, far]: [Channel; 2],
    mut between: impl FnMut(Direction, usize, String) -> String,
) -> [Outcome; 2] {
    let (dialler, first) = begin(dialler, OUTBOUND, near);
    let (listener, none) = begin(listener, INBOUND, far);
    assert_eq!(none, None, "who is dialled waits");
    let (mut sides, mut outcomes) = ([dialler, listener], [None, None]);
    let (mut text, mut said) = (first, 0);
    while let Some(words) = text.take() {
        let to = 1 - said % 2;
        let words = between(if to == 1 { OUTBOUND } else { INBOUND }, said, words);
        said += 1;
        match sides[to].on_frame(&words) {
            Ok(Step { say, joined }) => {
                outcomes[to] = joined.map(Ok);
                text = say;
            }
            Err(refusal) => outcomes[to] = Some(Err(refusal)),
        }
    }
    outcomes
}

fn plainly(dialler: &Terms, listener: &Terms) -> [Outcome; 2] {
    meet((dialler, listener), [Channel::Plain; 2], |_, _, text| text)
}

/// The first refusal of the two.
fn refusal(outcomes: [Outcome; 2]) -> Option<Refusal> {
    outcomes.into_iter().flatten().find_map(Result::err)
}

#[test]
fn two_sides_of_one_mesh_learn_each_others_keys() {
    for secret in [None, Some("a secret of the mesh")] {
        let (alpha, beta) = (terms(1, secret), terms(2, secret));
        let learned = [Some(Ok(pair(2).origin())), Some(Ok(pair(1).origin()))];
        assert_eq!(plainly(&alpha, &beta), learned);
        let exported = [Channel::Exporter([7; 32]); 2];
        assert_eq!(meet((&alpha, &beta), exported, |_, _, text| text), learned);
    }
}

#[test]
fn who_is_on_the_list_joins_and_nobody_else_does() {
    let list = |keys: &[u8]| Some(Arc::new(keys.iter().map(|key| pair(*key).origin()).collect::<BTreeSet<_>>()));
    let alpha = Terms { allow: list(&[2]), ..terms(1, None) };
    assert!(plainly(&alpha, &terms(2, None)).iter().all(|outcome| matches!(outcome, Some(Ok(_)))));
    assert!(plainly(&terms(2, None), &alpha).iter().all(|outcome| matches!(outcome, Some(Ok(_)))));
    assert_eq!(refusal(plainly(&alpha, &terms(3, None))), Some(Refusal::NotAllowed));
    assert_eq!(refusal(plainly(&terms(3, None), &alpha)), Some(Refusal::NotAllowed));
    // A key that has taken the place of one that is listed, whichever side knows of it; then that one may no more.
    let known = |statements: &[Rotation]| {
        let mut rotations = Rotations::default();
        statements.iter().for_each(|rotation| assert!(rotations.learn(rotation.clone())));
        Arc::new(rotations)
    };
    let first = Rotation::state("beauty", &pair(2), &pair(3), 5);
    let then = Rotation::state("beauty", &pair(3), &pair(4), 6);
    let (both, way) = (known(&[first.clone(), then.clone()]), |n| Terms { rotations: known(&[]), ..terms(n, None) });
    let tells = Terms { rotations: Arc::clone(&both), ..terms(4, None) };
    assert_eq!(refusal(plainly(&tells, &alpha)), None, "it tells how it came to its key");
    assert_eq!(refusal(plainly(&way(4), &alpha)), Some(Refusal::NotAllowed), "it tells nothing, and nobody here knows");
    let knows = Terms { rotations: Arc::clone(&both), ..alpha.clone() };
    assert_eq!(refusal(plainly(&way(4), &knows)), None);
    for given_up in [2, 3] {
        assert_eq!(refusal(plainly(&way(given_up), &knows)), Some(Refusal::NotAllowed));
    }
    // Statements that the listed key has not signed, or for another mesh, or that lead elsewhere.
    let forged = Rotation { by_old: then.by_new, ..Rotation::state("beauty", &pair(2), &pair(4), 5) };
    for told in
        [forged, Rotation::state("ugly", &pair(2), &pair(4), 5), Rotation::state("beauty", &pair(9), &pair(4), 5)]
    {
        let tells = Terms { rotations: known(&[told]), ..terms(4, None) };
        assert_eq!(refusal(plainly(&tells, &alpha)), Some(Refusal::NotAllowed));
    }
    // The earlier of two counts: who has stolen a key that was given up gets nowhere by it.
    let stolen = Terms { rotations: known(&[Rotation::state("beauty", &pair(2), &pair(8), 7)]), ..terms(8, None) };
    assert_eq!(refusal(plainly(&stolen, &knows)), Some(Refusal::NotAllowed));
    let nobody = Terms { allow: list(&[]), ..terms(1, None) };
    assert_eq!(refusal(plainly(&terms(2, None), &nobody)), Some(Refusal::NotAllowed));
    assert!(!nobody.is_open() && !terms(1, Some("x")).is_open() && terms(1, None).is_open());
}

#[test]
fn each_mistake_has_its_own_reason_whoever_dials() {
    let alpha = terms(1, Some("one secret"));
    let other_mesh = Terms { mesh: "ugly".to_owned(), ..terms(2, Some("one secret")) };
    for (other, reason) in [
        (terms(2, Some("another secret")), Refusal::WrongSecret),
        (terms(2, None), Refusal::OneSecret),
        (other_mesh, Refusal::OtherMesh),
    ] {
        assert_eq!(refusal(plainly(&alpha, &other)), Some(reason));
        assert_eq!(refusal(plainly(&other, &alpha)), Some(reason));
    }
}

#[test]
fn who_does_not_know_the_secret_hears_nothing_by_which_it_could_be_guessed() {
    let (mut said, wrong) = (Vec::new(), terms(2, Some("a guess")));
    meet((&wrong, &terms(1, Some("the secret"))), [Channel::Plain; 2], |who, _, text| {
        said.push((who, text.clone()));
        text
    });
    let by_the_listener: Vec<_> = said.iter().filter(|(who, _)| *who == INBOUND).collect();
    assert_eq!(by_the_listener.len(), 1);
    assert!(by_the_listener[0].1.contains("hail"), "the listener's proof comes last");
}

#[test]
fn what_was_recorded_does_not_open_another_connection() {
    for secret in [None, Some("a secret")] {
        let (alpha, beta) = (terms(1, secret), terms(2, secret));
        for speaker in [OUTBOUND, INBOUND] {
            let mut recorded = Vec::new();
            meet((&alpha, &beta), [Channel::Plain; 2], |who, _, text| {
                if who == speaker {
                    recorded.push(text.clone());
                }
                text
            });
            // The same words again, to the same other side.
            let (victim, direction) = if speaker == OUTBOUND { (&beta, INBOUND) } else { (&alpha, OUTBOUND) };
            let (mut joining, _) = begin(victim, direction, Channel::Plain);
            assert!(joining.on_frame(&recorded[0]).is_ok_and(|step| step.joined.is_none()));
            assert_eq!(joining.on_frame(&recorded[1]), Err(Refusal::Replayed));
            // Told that they answer this challenge, the signature does not.
            let (mut joining, hail) = begin(victim, direction, Channel::Plain);
            let step = joining.on_frame(&recorded[0]).unwrap();
            let fresh: Value = serde_json::from_str(&hail.or(step.say).unwrap()).unwrap();
            let mut proof: Value = serde_json::from_str(&recorded[1]).unwrap();
            proof["answers"] = fresh["nonce"].clone();
            assert_eq!(joining.on_frame(&proof.to_string()), Err(Refusal::Unproven));
        }
    }
}

#[test]
fn words_that_come_back_are_refused_also_where_the_nonce_is_another() {
    let alpha = terms(1, Some("a secret"));
    let (mut dialler, hail) = begin(&alpha, OUTBOUND, Channel::Plain);
    assert_eq!(dialler.on_frame(&hail.unwrap()), Err(Refusal::Reflected));
    // A mirror that draws nonces of its own, and returns the rest.
    let mirrored = Joining::begin(Arc::new(alpha.clone()), OUTBOUND, Channel::Plain, nonce()).1.unwrap();
    let (mut dialler, hail) = begin(&alpha, OUTBOUND, Channel::Plain);
    let proof = dialler.on_frame(&mirrored).unwrap().say.unwrap();
    assert_eq!(dialler.on_frame(&proof), Err(Refusal::Reflected));
    // And that says of it that it answers the other challenge: it was said by a dialler, not by a listener.
    let (mut dialler, again) = begin(&alpha, OUTBOUND, Channel::Plain);
    assert_ne!(again, hail);
    let mut proof: Value = serde_json::from_str(&dialler.on_frame(&mirrored).unwrap().say.unwrap()).unwrap();
    proof["answers"] = serde_json::from_str::<Value>(&again.unwrap()).unwrap()["nonce"].clone();
    assert_eq!(dialler.on_frame(&proof.to_string()), Err(Refusal::Unproven));
}

#[test]
fn somebody_in_between_with_a_channel_of_his_own_is_found_out() {
    let between = [
        [Channel::Exporter([1; 32]), Channel::Exporter([2; 32])],
        [Channel::Certificate([1; 32]), Channel::Certificate([2; 32])],
        [Channel::Exporter([1; 32]), Channel::Certificate([1; 32])],
        [Channel::Exporter([0; 32]), Channel::Plain],
    ];
    for channels in between {
        for secret in [None, Some("a secret")] {
            let outcomes = meet((&terms(1, secret), &terms(2, secret)), channels, |_, _, text| text);
            assert_eq!(outcomes, [None, Some(Err(Refusal::Unproven))], "{channels:?}");
        }
    }
}

#[test]
fn a_key_that_one_does_not_hold_is_no_use() {
    let (thief, victim) = (terms(3, None), pair(1).origin());
    let outcomes = meet((&thief, &terms(2, None)), [Channel::Plain; 2], |who, _, text| match who {
        OUTBOUND => text.replace(&hex::encode(pair(3).origin().0), &hex::encode(victim.0)),
        INBOUND => text,
    });
    assert_eq!(refusal(outcomes), Some(Refusal::Unproven));
    // Nor is one of small order, whose signatures hold for all that nobody has signed.
    let weak = hex::encode([&[1], &[0; 31][..]].concat());
    let outcomes = meet((&thief, &terms(2, None)), [Channel::Plain; 2], |who, _, text| match who {
        OUTBOUND => text.replace(&hex::encode(pair(3).origin().0), &weak),
        INBOUND => text,
    });
    assert_eq!(refusal(outcomes), Some(Refusal::Unproven));
}

#[test]
fn whatever_is_changed_in_what_is_said_nobody_joins_by_it() {
    let (alpha, beta) = (terms(1, Some("a secret")), terms(2, Some("a secret")));
    let mut lengths = Vec::new();
    meet((&alpha, &beta), [Channel::Plain; 2], |_, _, text| {
        lengths.push(text.len());
        text
    });
    assert!(lengths.iter().sum::<usize>() < MAX_BYTES, "all of it fits: {lengths:?}");
    for (frame, length) in lengths.into_iter().enumerate() {
        for at in 0..length {
            let mut changed = false;
            let outcomes = meet((&alpha, &beta), [Channel::Plain; 2], |_, said, text| {
                if said != frame {
                    return text;
                }
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1;
                let other = String::from_utf8(bytes).unwrap();
                // Hexadecimal digits of either case are the same bytes.
                changed = !other.eq_ignore_ascii_case(&text);
                other
            });
            let joined = outcomes.iter().filter(|outcome| matches!(outcome, Some(Ok(_)))).count();
            // Who has spoken last does not hear whether it came across.
            assert!(!changed || joined <= usize::from(frame == 3), "frame {frame}, byte {at}: {outcomes:?}");
        }
    }
}

#[test]
fn what_comes_in_the_wrong_order_or_is_no_frame_is_refused() {
    let alpha = terms(1, None);
    let hail = begin(&terms(2, None), OUTBOUND, Channel::Plain).1.unwrap();
    let event = r#"{"type":"gossip","subtype":"beauty_event","event":{}}"#;
    let hello = r#"{"type":"mesh","subtype":"hello","mesh":"beauty"}"#;
    for (text, reason) in [
        (event, Refusal::NotJoining),
        (hello, Refusal::NotJoining),
        ("", Refusal::Shape),
        ("[]", Refusal::Shape),
        (r#"{"type":"mesh","subtype":"hail"}"#, Refusal::Shape),
        (r#"{"type":"mesh","subtype":"proof","answers":"00","signature":"00"}"#, Refusal::Shape),
    ] {
        assert_eq!(begin(&alpha, INBOUND, Channel::Plain).0.on_frame(text), Err(reason), "{text}");
    }
    let later = hail.replace(r#""version":1"#, r#""version":2"#);
    assert_eq!(begin(&alpha, INBOUND, Channel::Plain).0.on_frame(&later), Err(Refusal::Version));
    let (mut twice, _) = begin(&alpha, INBOUND, Channel::Plain);
    assert!(twice.on_frame(&hail).is_ok());
    assert_eq!(twice.on_frame(&hail), Err(Refusal::Shape));
    assert_eq!(twice.on_frame(&hail), Err(Refusal::Shape), "it has ended");
}

#[test]
fn each_refusal_has_a_number_a_word_and_a_sentence_that_fits_into_a_close_frame() {
    let mut words = BTreeSet::new();
    for refusal in Refusal::ALL {
        assert_eq!(Refusal::of_code(refusal.code()), Some(refusal));
        assert!((4_000..5_000).contains(&refusal.code()), "those for private use");
        assert!(refusal.to_string().len() <= 123, "{refusal}");
        assert!(words.insert(refusal.reason()));
    }
    assert_eq!(Refusal::of_code(1_000), None);
}

#[test]
fn a_secret_and_a_key_are_not_shown() {
    let terms = terms(1, Some("hunter2hunter2hunter2"));
    let shown = format!("{terms:?} {:?}", begin(&terms, OUTBOUND, Channel::Plain));
    let seed = hex::encode(pair(1).seed());
    assert!(!shown.contains("hunter2") && !shown.contains(&seed) && shown.contains("Secret(…)"), "{shown}");
}

proptest! {
    #[test]
    fn no_text_is_too_strange_to_be_refused(text in ".{0,200}", second in "\\PC{0,200}") {
        let (mut joining, _) = begin(&terms(1, Some("a secret")), INBOUND, Channel::Plain);
        prop_assert!(joining.on_frame(&text).is_err());
        let (mut joining, _) = begin(&terms(1, None), INBOUND, Channel::Plain);
        let hail = begin(&terms(2, None), OUTBOUND, Channel::Plain).1.unwrap();
        prop_assert!(joining.on_frame(&hail).is_ok());
        prop_assert!(joining.on_frame(&second).is_err());
    }
}
