#!/usr/bin/env bash
# Every check, one after the other; what can still run does, and any failure fails the whole.
# The summary repeats what the test runners said last.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh test
. scripts/env.sh

logs=target/test-logs
rm -rf "$logs" && mkdir -p "$logs"
rows=()  # one line of the summary for each step
failed=0 # steps

# The runners write into a pipe, and would drop their colours.
if [ -n "$bold" ]; then
    export CARGO_TERM_COLOR=always FORCE_COLOR=1
fi

# step NAME COMMAND...: runs it, shows and keeps what it prints, notes how it ended.
step() {
    local name=$1 outcome=ok began=$SECONDS
    shift
    printf '\n'
    say "$name: $*"
    "$@" </dev/null 2>&1 | tee "$logs/$name.log" || outcome=FAILED
    [ "$outcome" = ok ] || failed=$((failed + 1))
    rows+=("$(printf '%-10s %-8s %4d s' "$name" "$outcome" $((SECONDS - began)))")
    [ "$outcome" = ok ]
}

not_run() {
    failed=$((failed + 1))
    rows+=("$(printf '%-10s %-8s %s' "$1" 'NOT RUN' "$2")")
}

# A log without its colours.
plain_log() { [ ! -f "$logs/$1.log" ] || sed $'s/\e\\[[0-9;]*m//g' "$logs/$1.log"; }

# What a runner said last; nothing where it never got so far.
closing() {
    case $1 in
    nextest | planted) plain_log "$1" | grep -E '^ +Summary \[' ;;
    doctests) plain_log doctests | grep -E '^test result:' ;;
    browser) plain_log browser | grep -E '^ +[0-9]+ (passed|failed|flaky|interrupted|skipped|did not run)' ;;
    esac || true
}

# Passed, failed, skipped: added up over the closing lines of nextest, rustdoc and Playwright.
count_tests() {
    {
        { closing nextest && closing planted; } | sed -E 's/.*tests? run://'
        closing doctests | sed 's/^[^.]*\.//'
        closing browser
    } | tr ',;(' '\n' | awk '
        $2 == "passed" { passed += $1 }
        $2 ~ /^(failed|timed|exec|interrupted|flaky|did)$/ { failed += $1 }
        $2 ~ /^(skipped|ignored)$/ { skipped += $1 }
        END { printf "tests: %d passed, %d failed, %d skipped\n", passed, failed, skipped }'
}

step format cargo fmt --all --check || true
step clippy cargo clippy --workspace --all-targets -- -D warnings || true
step page cargo clippy -p frontend --target wasm32-unknown-unknown -- -D warnings || true
# The domain and the protocol are pure: that they compile for the browser is the proof.
step wasm cargo build -p beauty -p gossip --target wasm32-unknown-unknown || true
step doctests cargo test --doc --workspace || true
# tests/dependencies.rs checks all but advisories: their database is a git repository, which is not reached from everywhere.
if have cargo-deny; then
    step deny cargo deny check licenses bans sources || true
    if cargo deny fetch db >/dev/null 2>&1; then
        step advisories cargo deny check advisories || true
    else
        say "The advisory database can't be reached from here: advisories are not checked"
    fi
else
    say "cargo-deny is not here: licences, bans and sources are checked by server/tests/dependencies.rs, advisories are not"
fi
# Fuzz targets run for 20 s each, beside all others.
BOLERO_RANDOM_TEST_TIME_MS=20000 step nextest cargo nextest run --workspace --no-fail-fast || true
# Each planted fault must be found: with a feature that no other build has.
step planted cargo nextest run -p simulator --features planted --test planted || true
step types npm --prefix end2end run --silent types || true
if step release scripts/build.sh; then
    step browser npm --prefix end2end test --silent || true
else
    # Those of an older build would pass or fail for what isn't there any more.
    not_run browser 'needs the release build'
fi

printf '\n'
say "Summary"
closing nextest
closing browser
printf '\n'
printf '    %s\n' "${rows[@]}"
printf '\n'
count_tests
[ "$failed" = 0 ] || die "$failed of ${#rows[@]} steps failed; what they printed is in $logs"
