//! What must hold of a node's state after every input: `docs/protocol.md` lists it, the simulator checks it.
//!
//! Each part of the state checks itself (`check.rs` beside it, or its `check`). Nothing of that changes anything, and the
//! protocol never asks: it is for tests.

/// Words for an invariant that does not hold.
pub(crate) type Broken = Result<(), String>;

/// `Ok` if `holds`.
pub(crate) fn must(holds: bool, words: impl FnOnce() -> String) -> Broken {
    if holds { Ok(()) } else { Err(words()) }
}

/// `Ok` if there are at most `most` of something.
pub(crate) fn at_most(what: &str, amount: usize, most: usize) -> Broken {
    must(amount <= most, || format!("{amount} {what}; there is room for {most}"))
}
