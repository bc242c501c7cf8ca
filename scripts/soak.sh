#!/usr/bin/env bash
# What needs hours: 10,000 seeds of chaos, then each fuzz target for HOURS (default 1; fractions are fine), then the store and nodes
# under all that disks, kills and power can do to them, then hostile peers: as many of each as docs/durability.md and
# docs/security.md name. A test by itself: any variable below, set to less.
# What fails is named with the command that replays it; the summary repeats what each test has counted.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh build
. scripts/env.sh

seeds=${SEEDS:-0-9999}
milliseconds=$(awk -v hours="${HOURS:-1}" 'BEGIN { printf "%d", hours * 3600000 }')

logs=target/soak-logs
rm -rf "$logs" && mkdir -p "$logs"
rows=()
failed=0

# step NAME COMMAND...: runs it, shows and keeps what it prints, notes how it ended.
step() {
    local name=$1 outcome=ok began=$SECONDS
    shift
    printf '\n'
    say "$name: $*"
    "$@" </dev/null 2>&1 | tee "$logs/$name.log" || outcome=FAILED
    [ "$outcome" = ok ] || failed=$((failed + 1))
    rows+=("$(printf '%-12s %-8s %6d s' "$name" "$outcome" $((SECONDS - began)))")
}

# What a test has counted: its lines without those of the runner.
counted() {
    sed -E $'s/\e\\[[0-9;]*m//g; s/^test [^ ]+ \\.\\.\\. //' "$logs/$1.log" |
        grep -vE '^(ok|running [0-9]+ tests?|test result: .*|test .*|successes:|failures:|    [a-z_:]+)?$' |
        grep -vE '^ *(Compiling|Finished|Running|Doc-tests|Downloading|Downloaded|Blocking|warning:)' |
        grep -E '[0-9]' | tail -n 12 | sed 's/^/        /' || true
}

step chaos cargo run --release --quiet -p simulator -- chaos --seeds "$seeds"
export BOLERO_RANDOM_TEST_TIME_MS=$milliseconds
step fuzz-wire cargo test -p gossip --test hostile -- --nocapture
step fuzz-node cargo test -p server --lib no_ -- --nocapture
step fuzz-store cargo test -p server --test store no_file -- --nocapture
unset BOLERO_RANDOM_TEST_TIME_MS
step signatures env SIGNATURES="${SIGNATURES:-100000}" \
    cargo test --release -p gossip --test identity -- --nocapture --test-threads 1
step store env POWER_IMAGES="${POWER_IMAGES:-100000}" KILLS="${KILLS:-1000}" FLIPPED_BITS="${FLIPPED_BITS:-20000}" \
    DISK_FAILURES="${DISK_FAILURES:-5000}" cargo test --release -p server --test store -- --nocapture --test-threads 1
step kills env NODE_KILLS="${NODE_KILLS:-1000}" MISSED_EVENTS="${MISSED_EVENTS:-100000}" \
    cargo test -p server --test node crash -- --nocapture --test-threads 1
step hostility env HOSTILE_SEEDS="${HOSTILE_SEEDS:-50}" SIEGE_SEEDS="${SIEGE_SEEDS:-200}" \
    cargo test --release -p simulator --test hostility -- --nocapture --test-threads 1
step attacks env ATTACK=full cargo test -p server --test node attack -- --nocapture --test-threads 1

printf '\n'
say "Summary"
for row in "${rows[@]}"; do
    printf '    %s\n' "$row"
    counted "${row%% *}"
done
[ "$failed" = 0 ] || die "$failed of ${#rows[@]} steps failed; what they printed is in $logs"
