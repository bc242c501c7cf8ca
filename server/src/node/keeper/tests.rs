//! What the driver's side of the store promises.

use super::*;
use beauty::{LedgerConfig, Told};
use gossip::{Event, MemoryStore, Signature};
use redb::backends::InMemoryBackend;

const ROOM: Room = Room { retention: Duration::from_secs(7 * 24 * 3_600), max_bytes: u64::MAX };
const OWN: OriginId = OriginId([1; 32]);

fn keeper() -> Keeper {
    Keeper::new(Store::on(InMemoryBackend::new()).unwrap(), OWN, ROOM, (Unkept::default(), 0))
}

fn bundle(origin: OriginId, seq: u64, events: &[EventId]) -> Hashed {
    let event = |id: &EventId| {
        let json = format!(r#"{{"event_id":"{id}","node_id":"n","timestamp":1,"beauty":0.5}}"#);
        Event { id: id.0, node_id: "n".into(), json: json.into() }
    };
    let id = BundleId { origin, seq };
    Bundle { id, events: events.iter().map(event).collect(), signature: Signature([7; 64]), second: None }.into()
}

fn part<'a>(ledger: &'a Ledger, waiting: &[u8]) -> Part<'a> {
    Part { ledger, gone: Vec::new(), waiting: waiting.to_vec() }
}

fn ids(count: usize) -> Vec<EventId> {
    (0..count).map(|_| EventId(Uuid::new_v4())).collect()
}

#[tokio::test]
async fn a_poster_is_answered_when_the_last_of_its_events_is_on_disk_and_not_before() {
    let (mut keeper, now, ids) = (keeper(), Instant::now(), ids(3));
    let (poster, mut answer) = oneshot::channel();
    keeper.expect(poster, ids.clone());
    keeper.keep(now, &bundle(OWN, 1, &ids[..2]));
    keeper.go_on(now);
    assert!(matches!(keeper.next().await, Done::Kept(Ok(Kept { new: 1, .. }))));
    assert!(answer.try_recv().is_err(), "one of its events is in no bundle yet");
    keeper.keep(now, &bundle(OWN, 2, &ids[2..]));
    assert!(answer.try_recv().is_err());
    keeper.go_on(now);
    assert!(matches!(keeper.next().await, Done::Kept(Ok(_))));
    assert_eq!(answer.try_recv().unwrap(), Ok(ids));
    assert!(keeper.posts.open.is_empty() && keeper.posts.events.is_empty(), "nothing is left");
}

#[tokio::test]
async fn what_peers_bring_waits_for_others_and_what_is_our_own_does_not() {
    let (mut keeper, now, other) = (keeper(), Instant::now(), OriginId([2; 32]));
    for seq in 0..5 {
        keeper.keep(now + Duration::from_millis(seq), &bundle(other, seq, &ids(1)));
        keeper.go_on(now + Duration::from_millis(seq));
    }
    assert!(keeper.writing.is_empty());
    assert_eq!(keeper.next_wakeup(), now + GATHER);
    keeper.go_on(now + GATHER);
    assert!(matches!(keeper.next().await, Done::Kept(Ok(Kept { new: 5, .. }))));
    keeper.keep(now, &bundle(other, 9, &ids(1)));
    keeper.keep(now, &bundle(OWN, 9, &ids(1)));
    keeper.go_on(now);
    assert!(matches!(keeper.next().await, Done::Kept(Ok(Kept { new: 2, .. }))), "and takes the others along");
}

#[tokio::test]
async fn an_answer_knows_of_all_that_was_kept_before_its_question() {
    let (mut keeper, now, other) = (keeper(), Instant::now(), OriginId([2; 32]));
    let mut model = MemoryStore::new(usize::MAX);
    let mut asked = Vec::new();
    for token in 0..50 {
        let kept = bundle(other, token * 7 % 50, &ids(2));
        keeper.keep(now, &kept);
        model.keep(kept);
        let bundles = (0..50).map(|seq| Wanted::from(BundleId { origin: other, seq })).collect();
        let questions = [
            Ask::Ids { token: 2 * token, from: 10, until: 40, limit: 20 },
            Ask::Bundles { token: 2 * token + 1, ids: bundles, bytes: 1_000 },
        ];
        for ask in questions {
            asked.push(model.answer(&ask));
            keeper.ask(ask);
        }
        keeper.go_on(now);
    }
    let mut answers = Vec::new();
    while answers.len() < asked.len() {
        if let Done::Answer(answer) = keeper.next().await {
            answers.push(answer.unwrap());
        }
        assert!(keeper.reading.len() <= READERS);
        keeper.go_on(now);
    }
    let token = |answer: &Answer| match answer {
        Answer::Ids { token, .. } | Answer::Bundles { token, .. } => *token,
        other => panic!("{other:?}"),
    };
    answers.sort_by_key(token);
    // What came after the question may be in the answer too: only what came before must be.
    for (answer, model) in answers.iter().zip(&asked) {
        match (answer, model) {
            (Answer::Ids { ids, .. }, Answer::Ids { ids: known, .. }) => {
                assert!(known.iter().all(|id| ids.contains(id)) || ids.len() == 20);
            }
            (Answer::Bundles { covered, bundles, .. }, Answer::Bundles { bundles: known, .. }) => {
                let told = |bundle: &Bundle| bundles.contains(bundle) || bundle.id.seq >= *covered as u64;
                assert!(known.iter().all(told) && bundles.iter().map(Bundle::bytes).sum::<usize>() <= 1_000);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn where_there_is_no_room_the_oldest_go_and_it_is_told_how_far() {
    let (mut keeper, now, other) = (keeper(), Instant::now(), OriginId([2; 32]));
    keeper.room.max_bytes = 3_000;
    let slot = 10_000_000;
    (0..50).for_each(|n| keeper.keep(now, &bundle(other, n * slot, &ids(1))));
    // What is younger than ten minutes stays, whatever the cap.
    let (young, wall) = (1_000 * slot, Timestamp::from_millis(1_000 * slot / 1_000));
    (0..50).for_each(|n| keeper.keep(now, &bundle(other, young - n * slot, &ids(1))));
    keeper.flush(None);
    let ledger = Ledger::new(LedgerConfig::default());
    keeper.checkpoint(now, (wall, 0), part(&ledger, b""));
    assert!(matches!(keeper.next().await, Done::Kept(Ok(Kept { new: 100, .. }))));
    let Done::Kept(Ok(kept)) = keeper.next().await else { panic!("a checkpoint") };
    assert_eq!((kept.pruned, kept.horizon), (50, Some(50 * slot)));
    assert_eq!(keeper.store.ids(0..u64::MAX, usize::MAX).unwrap().len(), 50);
}

#[tokio::test]
async fn a_wall_clock_alone_takes_nothing_for_its_age() {
    let (mut keeper, now, other) = (keeper(), Instant::now(), OriginId([2; 32]));
    let (slot, day) = (10_000_000, 24 * 3_600_000_000_u64);
    (0..20).for_each(|n| keeper.keep(now, &bundle(other, n * slot, &ids(1))));
    let ledger = Ledger::new(LedgerConfig::default());
    let wall = Timestamp::from_millis(365 * day / 1_000);
    for (horizon, expected) in [(0, (0, None)), (5 * slot, (5, Some(5 * slot))), (5 * slot, (0, None))] {
        keeper.flush(Some(Vec::new()));
        keeper.checkpoint(now, (wall, horizon), part(&ledger, b""));
        assert!(matches!(keeper.next().await, Done::Kept(Ok(_))));
        let Done::Kept(Ok(kept)) = keeper.next().await else { panic!("a checkpoint") };
        assert_eq!((kept.pruned, kept.horizon), expected);
    }
}

#[tokio::test]
async fn a_checkpoint_makes_all_before_it_part_of_the_rollups() {
    let (mut keeper, now, wall) = (keeper(), Instant::now(), Timestamp::from_millis(1_000));
    let mut ledger = Ledger::new(LedgerConfig::default());
    let ids = ids(2);
    for (seq, id) in (1..).zip(&ids) {
        let bundle = bundle(OWN, seq, &[*id]);
        let told = Told::parse(&bundle.events[0].json).unwrap();
        let inserted = ledger.insert(&told.origin, &told.event, wall).unwrap();
        keeper.note(&told.origin, &told.event, &inserted);
        keeper.keep(now, &bundle);
    }
    assert!(!keeper.wants_checkpoint(now) && keeper.wants_checkpoint(now + CHECKPOINT));
    keeper.flush(Some(vec!["ws://192.0.2.1:1".to_owned()]));
    keeper.checkpoint(now, (wall, 0), part(&ledger, b"waiting"));
    assert!(keeper.is_idle());
    let store = Arc::clone(&keeper.store);
    keeper.end().await.unwrap();
    let start = store.start().unwrap();
    assert_eq!((start.fresh, start.own_seq, start.waiting), (vec![], Some(2), b"waiting".to_vec()));
    assert_eq!(start.peers, ["ws://192.0.2.1:1"]);
    let mut again = Ledger::new(LedgerConfig::default());
    store.rollups(|key, value| again.restore(key, value).unwrap()).unwrap();
    assert_eq!(again.digest(wall), ledger.digest(wall));
}

#[tokio::test]
async fn a_poster_is_answered_by_this_nodes_own_bundle_and_by_nobody_elses() {
    let (mut keeper, now, ids) = (keeper(), Instant::now(), ids(1));
    let (poster, mut answer) = oneshot::channel();
    keeper.expect(poster, ids.clone());
    // A script has heard of the event before it is bundled, and signs it as its own.
    keeper.keep(now, &bundle(OriginId([2; 32]), 1, &ids));
    keeper.flush(None);
    assert!(matches!(keeper.next().await, Done::Kept(Ok(Kept { new: 1, .. }))));
    assert!(answer.try_recv().is_err(), "its own bundle is not on disk");
    keeper.keep(now, &bundle(OWN, 1, &ids));
    keeper.go_on(now);
    assert!(matches!(keeper.next().await, Done::Kept(Ok(Kept { new: 1, .. }))));
    assert_eq!(answer.try_recv().unwrap(), Ok(ids));
}

/// A disk whose syncs wait while the gate is held.
#[derive(Debug)]
struct Gated(InMemoryBackend, Arc<std::sync::Mutex<()>>);

impl redb::StorageBackend for Gated {
    fn len(&self) -> std::io::Result<u64> {
        self.0.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.0.read(offset, out)
    }
    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.0.set_len(len)
    }
    fn sync_data(&self) -> std::io::Result<()> {
        drop(self.1.lock().unwrap());
        self.0.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.0.write(offset, data)
    }
}

/// The driver's turns while the disk does nothing, as long as they take anything in.
#[tokio::test]
async fn a_disk_that_is_behind_is_waited_for_and_ends_no_node() {
    let gate: Arc<std::sync::Mutex<()>> = Arc::default();
    let store = Store::on(Gated(InMemoryBackend::new(), Arc::clone(&gate))).unwrap();
    let mut keeper = Keeper::new(store, OWN, ROOM, (Unkept::default(), 0));
    let (now, ledger) = (Instant::now(), Ledger::new(LedgerConfig::default()));
    let held = gate.lock().unwrap();
    let (mut seq, mut posters) = (0, Vec::new());
    for _ in 0..40 {
        if keeper.has_room() {
            seq += 1;
            let ids = ids(200);
            let (poster, answer) = oneshot::channel();
            keeper.expect(poster, ids.clone());
            posters.push(answer);
            keeper.keep(now, &bundle(OWN, seq, &ids));
        }
        // What was gathered before is bundled when its time has come, room or no room.
        seq += 1;
        keeper.keep(now, &bundle(OWN, seq, &ids(1)));
        keeper.go_on(now);
        assert!(keeper.has_room() || keeper.next_wakeup() > now, "it does not turn round and round");
        let later = now + 2 * CHECKPOINT;
        if keeper.wants_checkpoint(later) {
            keeper.flush(Some(Vec::new()));
            keeper.checkpoint(now, (Timestamp::from_millis(1_000), 0), part(&ledger, &[0; 9 << 20]));
        }
    }
    assert!(!keeper.has_room());
    drop(held);
    while !keeper.writing.is_empty() {
        assert!(matches!(keeper.next().await, Done::Kept(Ok(_))), "the disk was slow, no more");
        keeper.go_on(now);
    }
    assert!(keeper.has_room());
    assert!(posters.into_iter().all(|mut answer| answer.try_recv().is_ok_and(|outcome| outcome.is_ok())));
}
