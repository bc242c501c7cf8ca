# shellcheck shell=bash disable=SC2034
# Every tool's version, in one place. Sourced, never run.
#
# Not here: wasm-bindgen's must equal the crate's, so it is read from Cargo.lock. Those that come
# from npm (Playwright, wasm-opt, sass, TypeScript) stand in end2end/package.json.

# The oldest Rust that compiles the workspace: rust-version in Cargo.toml.
RUST_AT_LEAST=1.91

CARGO_LEPTOS=0.3.11
# The Rust that its lock file asks for: newer than ours. Only building it from source needs that.
CARGO_LEPTOS_RUST=1.96

# Installed where there is none; any version that is there will do.
NEXTEST=0.9.143

# Installed where a ready-made one can be fetched.
CARGO_DENY=0.20.2

# Playwright, sass and the fixtures ask for it.
NODE_AT_LEAST=20.19

# A Rust with the sources of its standard library, and a linker for WASM, as Debian packages them.
DEBIAN_RUST="rustc-web cargo-web rust-web-src rust-web-clippy rustfmt-web rust-web-llvm lld-22"
