# shellcheck shell=bash
# What the scripts share: words for the person who waits, and small questions. Sourced, never run.

bold='' red='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' red=$'\e[1;31m' plain=$'\e[0m'
fi

say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*"; }

# An error is a sentence for the person who can mend it, and ends the script.
die() {
    printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# at_least 1.90 1.95.0: whether the second version is the first or newer.
at_least() {
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

# The version of the compiler in use, as in 1.96.0.
rust_version() { rustc --version 2>/dev/null | cut -d ' ' -f 2; }

# The compiler can build for the browser. Compiling an empty library is the proof: a folder of the
# right name may hold what another compiler built.
wasm_ready() {
    have rustc && rustc --target wasm32-unknown-unknown --crate-name probe --crate-type lib \
        --emit=metadata=- - </dev/null >/dev/null 2>&1
}
