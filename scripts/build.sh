#!/usr/bin/env bash
# The release build: the page for the browser (target/site) and the node (target/release/beauty-mesh).
# Does nothing where both are of these sources: cargo-leptos itself would optimise the page anew.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

binary=target/release/beauty-mesh
stamp=target/release/.built-from
inputs=(scripts/compress.mjs scripts/land.mjs scripts/shrink.mjs end2end/package-lock.json Cargo.toml Cargo.lock Leptos.toml app beauty frontend gossip server style)

# What was built, and by what. A debug build replaces the site, so a newer binary is not enough:
# the page and the node must be of one build, or the page does not come alive.
fingerprint() {
    rustc --version
    find "$binary" target/site -type f -exec cksum {} + | LC_ALL=C sort
}

up_to_date() {
    [ -x "$binary" ] && [ -f "$stamp" ] && [ -d target/site ] &&
        [ -z "$(find "${inputs[@]}" -newer "$stamp" -print -quit)" ] &&
        [ "$(fingerprint)" = "$(cat "$stamp")" ]
}

if up_to_date; then
    say "The release build is up to date"
    exit
fi

say "Building the release: the page, then the node (about 8 minutes on two cores the first time)"
mkdir -p target/release
# As old as the build's start: what is edited meanwhile counts as newer.
started=$(mktemp)
trap 'rm -f "$started"' EXIT
# A build that was broken off must not pass for a finished one, whatever cargo-leptos returns then.
trap 'exit 130' INT TERM
cargo leptos build --release </dev/null
[ -x "$binary" ] || die "cargo leptos built no $binary"
node scripts/shrink.mjs target/site/pkg target/release/hash.txt
node scripts/land.mjs target/site/pkg
# Once, as small as can be: the node sends these as they are.
node scripts/compress.mjs target/site/pkg
fingerprint >"$stamp"
touch -r "$started" "$stamp"
