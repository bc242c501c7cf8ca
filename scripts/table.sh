#!/usr/bin/env bash
# Plays the scenarios of the measured table with every protocol, prints the table, and draws the first four of them in
# docs/pictures/gossip.svg. Then those that only one's own protocol can play, or that are measured by it. SCENARIOS, OWN and SEEDS
# choose others.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh build
. scripts/env.sh

# shellcheck disable=SC2206 # one word for each scenario
own=(${OWN:-partition-2x100 partition-24h away-24h})
# shellcheck disable=SC2206
scenarios=(${SCENARIOS:-all-send-100 warm-1000 clustered-1000 fresh-1000 half-crash-1000 crash80-1000})
comparison=target/gossip.json
picture=docs/pictures/gossip.svg

mkdir -p target docs/pictures
cargo run --release --quiet -p simulator -- compare "${scenarios[@]}" --seeds "${SEEDS:-0-3}" --save "$comparison"
cargo run --release --quiet -p simulator -- plot "$comparison" "${scenarios[@]:0:4}" >"$picture.new"
mv "$picture.new" "$picture"
cargo run --release --quiet -p simulator -- compare clustered-random-1000 clustered-crash80-1000 --protocols trees --seeds "${SEEDS:-0-3}"
cargo run --release --quiet -p simulator -- compare weak-100 --protocols trees,fixed,plumtree --seeds "${SEEDS:-0-3}"
cargo run --release --quiet -p simulator -- compare "${own[@]}" --protocols trees --seeds 0
say "Drawn: $picture; as JSON: $comparison"
