//! What a signature costs: made, checked by itself, checked in a batch; and how many events of full bundles are checked a second.
//! `cargo bench -p gossip --bench identity`.

#![allow(clippy::expect_used, missing_docs, reason = "a panic is how a bench says that it can't measure")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ed25519_dalek::VerifyingKey;
use gossip::{
    Bundle, BundleId, Event, Keypair, PublicKey, SecondKeypair, Signature, Signed, bundle_bytes, verify_batch,
};
use std::hint::black_box;

/// About what a bundle with one event signs.
const MESSAGE: usize = 250;
const BATCH: usize = 64;

struct Made {
    key: PublicKey,
    dalek: VerifyingKey,
    message: Vec<u8>,
    signature: Signature,
}

fn made() -> Vec<Made> {
    let make = |n: u8| {
        let (pair, message) = (Keypair::from_seed(&[n; 32]), vec![n; MESSAGE]);
        let key = PublicKey::decode(&pair.origin()).expect("a key");
        let dalek = VerifyingKey::from_bytes(&pair.origin().0).expect("a key");
        Made { key, dalek, signature: pair.sign(&message), message }
    };
    (0..BATCH as u8).map(make).collect()
}

fn signatures(c: &mut Criterion) {
    let made = made();
    let mut group = c.benchmark_group("signatures");
    group.throughput(Throughput::Elements(BATCH as u64));
    let pair = Keypair::from_seed(&[1; 32]);
    group.bench_function("sign", |b| {
        b.iter(|| {
            made.iter().for_each(|it| {
                black_box(pair.sign(&it.message));
            })
        });
    });
    group.bench_function("ed25519-dalek verify_strict, one by one", |b| {
        b.iter(|| {
            let signature = |it: &Made| ed25519_dalek::Signature::from_bytes(&it.signature.0);
            assert!(made.iter().all(|it| it.dalek.verify_strict(&it.message, &signature(it)).is_ok()));
        });
    });
    group.bench_function("ours, one by one", |b| {
        b.iter(|| assert!(made.iter().all(|it| it.key.verify(&it.message, &it.signature))));
    });
    let signed: Vec<_> =
        made.iter().map(|it| Signed { key: &it.key, message: &it.message, signature: &it.signature }).collect();
    for size in [4, 8, 16, 64] {
        group.bench_function(format!("ours, in batches of {size}"), |b| {
            b.iter(|| assert!(signed.chunks(size).flat_map(verify_batch).all(|holds| holds)));
        });
    }
    group.finish();
}

/// Full bundles: from what came on the wire to verdicts, the bytes that are signed put together as a node does it.
fn full_bundles(c: &mut Criterion) {
    const EVENTS: usize = 256;
    let bundles: Vec<(PublicKey, Bundle)> = (0..16_u8)
        .map(|n| {
            let pair = Keypair::from_seed(&[n; 32]);
            let event = |k: usize| {
                let id = uuid::Uuid::from_u128(u128::from(n) << 64 | k as u128);
                let json = format!(
                    r#"{{"event_id":"{id}","node_id":"node-{n:04}","timestamp":1795348800000,"beauty":0.{k:06},"source":"host"}}"#
                );
                Event { id, node_id: "node".into(), json: json.into() }
            };
            let id = BundleId { origin: pair.origin(), seq: 1 };
            let events = (0..EVENTS).map(event).collect();
            let bundle = Bundle { id, events, signature: Signature::NONE, second: None };
            let signature = pair.sign(&bundle_bytes("beauty", &bundle));
            (PublicKey::decode(&pair.origin()).expect("a key"), Bundle { signature, ..bundle })
        })
        .collect();
    let mut group = c.benchmark_group("events of full bundles");
    group.throughput(Throughput::Elements((bundles.len() * EVENTS) as u64));
    for size in [1, 16] {
        group.bench_function(format!("bundles of {EVENTS}, in batches of {size}"), |b| {
            b.iter(|| {
                for batch in bundles.chunks(size) {
                    let messages: Vec<Vec<u8>> =
                        batch.iter().map(|(_, bundle)| bundle_bytes("beauty", bundle)).collect();
                    let signed = batch.iter().zip(&messages);
                    let signed: Vec<_> = signed
                        .map(|((key, bundle), message)| Signed { key, message, signature: &bundle.signature })
                        .collect();
                    assert!(verify_batch(&signed).into_iter().all(|holds| holds));
                }
            })
        });
    }
    group.finish();
}

fn second_signatures(c: &mut Criterion) {
    let pair = SecondKeypair::from_seed(&[1; 32]);
    let messages: Vec<Vec<u8>> = (0..16).map(|n| vec![n; MESSAGE]).collect();
    let signed: Vec<_> = messages.iter().map(|it| (it, pair.sign(it).expect("a signature"))).collect();
    let (public, key) = (pair.public(), pair.public().decode());
    let mut group = c.benchmark_group("second signatures");
    group.bench_function("a key is made fit to check by", |b| b.iter(|| black_box(public.decode())));
    group.throughput(Throughput::Elements(messages.len() as u64));
    group.bench_function("sign", |b| {
        b.iter(|| {
            messages.iter().for_each(|it| {
                black_box(pair.sign(it));
            })
        });
    });
    group.bench_function("check", |b| b.iter(|| assert!(signed.iter().all(|(it, second)| key.verify(it, second)))));
    group.finish();
}

criterion_group!(benches, signatures, full_bundles, second_signatures);
criterion_main!(benches);
