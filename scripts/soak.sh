#!/usr/bin/env bash
# What needs hours: 10,000 seeds of chaos, then each fuzz target for HOURS (default 1; fractions are fine), then 1,000 kills of a node,
# then hostile peers: all seeds, and as many of them as docs/security.md names.
# What fails is named with the command that replays it.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh build
. scripts/env.sh

seeds=${SEEDS:-0-9999}
milliseconds=$(awk -v hours="${HOURS:-1}" 'BEGIN { printf "%d", hours * 3600000 }')

failed=0
say "Chaos: seeds $seeds"
cargo run --release --quiet -p simulator -- chaos --seeds "$seeds" || failed=1
say "Fuzzing: each target for $((milliseconds / 1000)) s"
BOLERO_RANDOM_TEST_TIME_MS=$milliseconds cargo test -p gossip --test hostile || failed=1
BOLERO_RANDOM_TEST_TIME_MS=$milliseconds cargo test -p server --lib no_ || failed=1
BOLERO_RANDOM_TEST_TIME_MS=$milliseconds cargo test -p server --test store no_file || failed=1
say "Killing nodes, and bringing back one that was away"
NODE_KILLS=${NODE_KILLS:-1000} MISSED_EVENTS=${MISSED_EVENTS:-100000} \
    cargo test -p server --test node crash || failed=1
say "Hostile peers"
HOSTILE_SEEDS=${HOSTILE_SEEDS:-50} SIEGE_SEEDS=${SIEGE_SEEDS:-200} \
    cargo test --release -p simulator --test hostility -- --nocapture --test-threads 1 || failed=1
ATTACK=full cargo test -p server --test node attack -- --nocapture --test-threads 1 || failed=1
[ "$failed" = 0 ] || die "something failed; it is named above"
