//! What the domain promises, through its public door only. One binary, a file for each promise.

mod convergence;
mod digests;
mod ledgers;
mod likenesses;
mod maps;
mod merging;
mod moving_maps;
mod numbers;
mod parsing;
mod rings;
mod rollups;
mod trends;
mod world;
