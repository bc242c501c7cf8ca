#!/usr/bin/env bash
# Plays the scenarios of the measured table with every protocol, prints the table, and draws docs/pictures/gossip.svg.
# SCENARIOS and SEEDS choose others.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh build
. scripts/env.sh

# shellcheck disable=SC2206 # one word for each scenario
scenarios=(${SCENARIOS:-warm-1000 fresh-1000 all-send-100 clustered-1000 half-crash-1000 crash80-1000})
comparison=target/gossip.json
picture=docs/pictures/gossip.svg

mkdir -p target docs/pictures
cargo run --release --quiet -p simulator -- compare "${scenarios[@]}" --seeds "${SEEDS:-0-3}" --save "$comparison"
cargo run --release --quiet -p simulator -- plot "$comparison" >"$picture.new"
mv "$picture.new" "$picture"
say "Drawn: $picture; as JSON: $comparison"
