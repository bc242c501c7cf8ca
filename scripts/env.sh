# shellcheck shell=bash
# The environment of every build. Sourced by the scripts and by the Makefile's recipes:
#
#     . scripts/env.sh
#
# It installs nothing and takes a tenth of a second. One environment for all of them also means that
# cargo, clippy, nextest and cargo-leptos share what they compile.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/scripts/versions.sh"
. "$root/scripts/lib.sh"

# Rust's tools where a fresh login would find them; wasm-opt and sass from npm before any other:
# Debian's wasm-opt writes a page that dies in the browser.
PATH="$root/end2end/node_modules/.bin:$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
export PATH

# A server that plain cargo builds asks for the page's files by this name, fixed at compile time.
export LEPTOS_OUTPUT_NAME=beauty-mesh

# The scripts, the site and the browser tests meet here, whatever the user's own settings say.
export CARGO_TARGET_DIR="$root/target"

# Which compiler: the active one where it knows WASM, else the one that scripts/setup.sh linked.
if ! wasm_ready && RUSTUP_TOOLCHAIN=debian wasm_ready; then
    export RUSTUP_TOOLCHAIN=debian
fi
