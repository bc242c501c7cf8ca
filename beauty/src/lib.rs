//! The domain of Beauty Mesh: what a score is, what an event is, and how events become the one map that every node shows.
//!
//! The crate is pure. It opens no file or socket, reads no clock and starts no thread: time comes in as [`Timestamp`], ids come
//! in as [`EventId`]. It knows nothing of networks, keys or stores.
//!
//! What it promises:
//!
//! - **Same events, same map.** Every aggregate is exact integer arithmetic, and every number shown comes from such integers by
//!   one IEEE 754 division or square root. Two nodes with the same events show the same map, equal to the byte.
//! - **Order does not matter.** Events may come late, twice, or in conflict: an event is known by its id, and of two with one id
//!   the smaller [`ContentHash`] wins, whichever came first.
//! - **Memory is bounded** by nodes and resolutions, never by events: see [`LedgerConfig::memory_bound`].
//! - **Nothing from outside can make it panic.** What is wrong is refused with a sentence for the person who can mend it.
//!
//! | idea | file |
//! |---|---|
//! | a score, in millionths | `score.rs` |
//! | moments and the five resolutions | `time.rs`, `resolution.rs` |
//! | names of nodes and sources | `name.rs` |
//! | an event and its content hash | `event.rs` |
//! | events as they come in from outside | `report.rs`, `told.rs` |
//! | proof that two nodes agree | `digest.rs` |
//! | exact sums, buckets | `moments.rs`, `bucket.rs` |
//! | buckets by time | `ring.rs` |
//! | everything a node knows | `ledger.rs` and `ledger/` |
//! | the picture, and how it moves | `heatmap.rs`, `heatmap/apply.rs`, `touched.rs` |
//! | where it is heading | `trend.rs` |
//! | its portrait | `portrait.rs`, `ledger/likeness.rs` |
#![forbid(unsafe_code)]

mod bucket;
mod digest;
mod event;
mod heatmap;
mod ledger;
mod moments;
mod name;
mod portrait;
mod report;
mod resolution;
mod ring;
mod score;
mod time;
mod told;
mod touched;
mod trend;
mod words;

pub use bucket::{Bucket, HISTOGRAM_BINS, LeanBucket};
pub use digest::{ContentHash, Digest, SetHash};
pub use event::{BeautyEvent, EventId};
pub use heatmap::{Heatmap, HeatmapBucket, HeatmapCell, HeatmapCells, HeatmapDelta, HeatmapRow, MAX_COLUMNS, MAX_ROWS};
pub use ledger::{ConfigError, Inserted, Ledger, LedgerConfig, RollupError, TimeRefusal, Unkept};
pub use moments::Moments;
pub use name::{NameError, Origin, Source};
pub use portrait::{Curve, Density, Likeness, Shades, Sine};
pub use report::{Report, ReportError};
pub use resolution::{Resolution, ResolutionError};
pub use ring::Ring;
pub use score::{Score, ScoreError};
pub use time::{Timestamp, TimestampError};
pub use told::Told;
pub use touched::Touched;
pub use trend::{Direction, Mood, Trend};
