#!/usr/bin/env bash
# The figures of the page on the release build: Lighthouse, first paint, frames, memory, pages a second. Prints a table headed by
# the machine, and fails where one falls short. AUDIT_SECONDS (default 60) is how long 200 nodes are watched.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh test
scripts/build.sh
. scripts/env.sh
exec npm --prefix end2end run --silent audit
