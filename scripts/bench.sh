#!/usr/bin/env bash
# The benchmarks, headed by the machine that they ran on: a number without it says little.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh build
# The server's benchmarks start real nodes.
scripts/build.sh
. scripts/env.sh

if [ -r /proc/cpuinfo ]; then
    cpu=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
else
    cpu=$(sysctl -n machdep.cpu.brand_string 2>/dev/null || true)
fi
say "Machine: ${cpu:-unknown CPU}, $(getconf _NPROCESSORS_ONLN) cores, $(uname -srm)"
rustc --version

# Benchmarks only: `cargo bench` alone would build every unit test once more, to run none of them.
exec cargo bench --workspace --bench '*'
