#!/usr/bin/env bash
# Installs what is missing, and only that; says what it does and how long that takes.
#
#     scripts/setup.sh build    what `make run` needs
#     scripts/setup.sh          that, and what `make test` needs
#
# Where it can't install something, it names the command that does, and ends.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

is_root() { [ "$(id -u)" = 0 ]; }

# --- Debian's packages -----------------------------------------------------------------------

apt_lists_fresh=no

# A fresh machine has no package lists; apt then knows no package by name.
apt_refresh() {
    [ "$apt_lists_fresh" = yes ] && return
    apt_lists_fresh=yes
    apt-get update -qq </dev/null || say "apt-get update failed: going on with the lists that are there"
}

apt_knows() { apt_refresh && apt-cache show "$1" >/dev/null 2>&1; }

can_apt() { is_root && have apt-get; }

apt_install() {
    apt_refresh
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null
}

# need_package COMMAND PACKAGES WHY: one of the machine's own tools.
need_package() {
    have "$1" && return
    if can_apt; then
        say "$1 is missing: installing $2"
        # shellcheck disable=SC2086 # several packages, one word each
        apt_install $2 || true
        have "$1" && return
    fi
    die "$1 is missing ($3). Install it, on Debian with: apt-get install $2"
}

# --- Rust ------------------------------------------------------------------------------------

# Debian's own Rust, beside rustup's. Its sources are packaged with it, so the standard library for
# WASM can be built where rustup can't download one.
debian_rust() {
    if [ ! -x /usr/bin/rustc ] || [ ! -x /usr/bin/cargo ] || [ ! -e /usr/bin/rust-lld ] || [ ! -d /usr/lib/rustlib/src ]; then
        can_apt && apt_knows rustc-web || return 1
        say "Installing Debian's Rust beside the one that is there (half a minute)"
        # shellcheck disable=SC2086 # several packages, one word each
        apt_install $DEBIAN_RUST || return 1
    fi
    if have rustup; then
        rustup toolchain link debian /usr || return 1
        export RUSTUP_TOOLCHAIN=debian
    fi
    hash -r
}

# An empty crate, built together with std: what lies beside it afterwards is std's own libraries.
debian_wasm_std() {
    say "Building the standard library for WASM (half a minute)"
    local crate lib
    crate=$(mktemp -d)
    lib=$(rustc --print target-libdir --target wasm32-unknown-unknown)
    mkdir "$crate/src" && : >"$crate/src/lib.rs"
    printf '%s\n' '[package]' 'name = "empty"' 'edition = "2024"' \
        '[lib]' 'crate-type = ["cdylib"]' '[workspace]' >"$crate/Cargo.toml"
    # Cargo hides -Zbuild-std behind its nightly; this variable says that we mean it.
    (cd "$crate" && RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$crate/target" cargo build --quiet --release \
        -Zbuild-std=std,panic_abort --target wasm32-unknown-unknown) || return 1
    # Whole or not at all: a half-copied library would pass for an installed one.
    rm -rf "$lib.new" && mkdir -p "$lib.new" || return 1
    cp "$crate"/target/wasm32-unknown-unknown/release/deps/*.rlib "$lib.new/" || return 1
    rm -rf "$lib" && mv "$lib.new" "$lib" || return 1
    rm -rf "$crate"
}

need_rust() {
    if ! have cargo || [ -z "$(rust_version)" ]; then
        debian_rust || if have rustup; then
            die "rustup has no toolchain. Run: rustup toolchain install stable"
        else
            die "Rust is missing. Install it with: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
        fi
    fi
    at_least "$RUST_AT_LEAST" "$(rust_version)" ||
        die "Rust $(rust_version) is older than $RUST_AT_LEAST, which this project needs. Run: rustup update stable"
}

need_wasm() {
    wasm_ready && return
    if have rustup; then
        say "Adding the target wasm32-unknown-unknown"
        RUST_BACKTRACE=0 rustup target add wasm32-unknown-unknown </dev/null || say "rustup can't download it here"
        wasm_ready && return
    fi
    if debian_rust; then
        wasm_ready || debian_wasm_std || true
        wasm_ready && return
    fi
    die "$(rustc --version) can't build for the browser. Run: rustup target add wasm32-unknown-unknown"
}

need_lints() {
    cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1 && return
    say "Adding clippy and rustfmt"
    have rustup && rustup component add clippy rustfmt </dev/null && return
    die "cargo clippy or cargo fmt is missing. Run: rustup component add clippy rustfmt"
}

# --- Cargo's tools ---------------------------------------------------------------------------

# cargo_tool NAME VERSION MINUTES FLAGS...: a ready-made one where cargo-binstall can fetch it, else
# built here. These run for seconds, so they are built for a short wait, not for speed.
cargo_tool() {
    local name=$1 version=$2 minutes=$3
    shift 3
    if cargo binstall -V >/dev/null 2>&1; then
        say "$name $version: fetching it"
        cargo binstall --no-confirm "$name@$version" </dev/null && return
    fi
    say "$name $version: building it, once (about $minutes minutes on two cores)"
    CARGO_TARGET_DIR="$root/target/tools" \
        CARGO_PROFILE_RELEASE_LTO=off \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        cargo install "$name" --version "$version" "$@" </dev/null
}

need_wasm_bindgen() {
    local version
    version=$(awk -F '"' '/^name = "wasm-bindgen"$/ { getline; print $2 }' Cargo.lock)
    # To the digit: the tool and the crate speak a format of their own, which changes.
    [ "$(wasm-bindgen --version 2>/dev/null)" = "wasm-bindgen $version" ] && return
    # Without --locked: its lock file names versions that not every mirror of the registry has.
    cargo_tool wasm-bindgen-cli "$version" 4 ||
        die "wasm-bindgen $version couldn't be installed. Run: cargo install wasm-bindgen-cli --version $version"
}

need_cargo_leptos() {
    case "$(cargo leptos --version 2>/dev/null)" in
    "cargo-leptos ${CARGO_LEPTOS%.*}."*) return ;;
    esac
    # In a subshell: a newer Rust that is fetched for this tool alone must not build the project.
    (
        if ! at_least "$CARGO_LEPTOS_RUST" "$(rust_version)" && ! cargo binstall -V >/dev/null 2>&1; then
            debian_rust && at_least "$CARGO_LEPTOS_RUST" "$(rust_version)" ||
                die "Building cargo-leptos $CARGO_LEPTOS takes Rust $CARGO_LEPTOS_RUST, and this is $(rust_version). Run: rustup update stable"
        fi
        # no_downloads: wasm-bindgen, wasm-opt and sass are those of this project, or it says so.
        cargo_tool cargo-leptos "$CARGO_LEPTOS" 12 --locked --features no_downloads ||
            die "cargo-leptos couldn't be installed. Run: cargo install cargo-leptos --version $CARGO_LEPTOS --locked"
    ) || exit 1
}

need_nextest() {
    cargo nextest --version >/dev/null 2>&1 && return
    cargo_tool cargo-nextest "$NEXTEST" 8 --locked ||
        die "cargo-nextest couldn't be installed. Run: cargo install cargo-nextest --version $NEXTEST --locked"
}

# A ready-made one or none: server/tests/dependencies.rs holds Cargo.lock to deny.toml as well, advisories excepted, and building it
# takes longer than all other tools together.
want_deny() {
    have cargo-deny && return
    cargo binstall -V >/dev/null 2>&1 || return 0
    say "cargo-deny $CARGO_DENY: fetching it"
    cargo binstall --no-confirm --disable-strategies compile "cargo-deny@$CARGO_DENY" </dev/null ||
        say "cargo-deny can't be fetched here: going on without it"
}

# --- Node's tools ----------------------------------------------------------------------------

need_node() {
    need_package node nodejs "it runs wasm-opt, sass and the browser tests"
    need_package npm npm "it installs wasm-opt, sass and the browser tests"
    at_least "$NODE_AT_LEAST" "$(node --version | tr -d v)" ||
        die "Node $(node --version) is older than $NODE_AT_LEAST, which Playwright and sass need. Install a newer one from https://nodejs.org"
    # A copy of the lock file in the folder that it describes tells whether the two still agree.
    local stamp=end2end/node_modules/.installed-from
    cmp -s end2end/package-lock.json "$stamp" && return
    say "Installing wasm-opt, sass and Playwright from npm"
    # The browser is not npm's to fetch: need_chromium looks for one first.
    (cd end2end && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error </dev/null) ||
        die "npm couldn't install end2end/package-lock.json. Run, to see why: cd end2end && npm ci"
    cp end2end/package-lock.json "$stamp"
}

# The same places, in the same order, as end2end/support/chromium.ts.
need_chromium() {
    if [ -n "${CHROMIUM:-}" ]; then
        have "$CHROMIUM" || die "CHROMIUM=$CHROMIUM is not a program"
        return
    fi
    have chromium || have google-chrome && return
    (cd end2end && node -e 'process.exit(require("fs").existsSync(require("@playwright/test").chromium.executablePath()) ? 0 : 1)') && return
    if can_apt && apt_knows chromium; then
        say "Installing Chromium"
        apt_install chromium && have chromium && return
    fi
    say "Fetching Playwright's Chromium"
    (cd end2end && npx --no-install playwright install chromium </dev/null) ||
        die "No Chromium was found or could be fetched. Install one, on Debian with: apt-get install chromium, or set CHROMIUM to its path"
}

# --- What was asked for ----------------------------------------------------------------------

case "${1:-test}" in
build | test) ;;
*) die "scripts/setup.sh takes 'build' or 'test', not '$1'" ;;
esac

[ -f Cargo.lock ] || die "Cargo.lock is missing. Run: cargo generate-lockfile"

need_package cc "gcc libc6-dev" "it links programs"
need_rust
need_wasm
need_node
need_wasm_bindgen
need_cargo_leptos
if [ "${1:-test}" = test ]; then
    need_lints
    need_nextest
    want_deny
    need_chromium
fi
# What the tools were built from: gigabytes that nobody needs again.
rm -rf target/tools
