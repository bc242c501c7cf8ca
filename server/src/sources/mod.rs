//! What a node measures by itself.

mod host;

use crate::node::Node;
use beauty::{Report, Score};
use host::Host;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How often a source is asked.
const INTERVAL: Duration = Duration::from_secs(2);

/// Why a source can't be used here.
#[derive(Debug, thiserror::Error)]
#[error(
    "FEDERATED_SOURCE is host, but this system shows neither /proc/pressure nor /proc/loadavg and /proc/meminfo: \
     set it to none, and POST events instead"
)]
pub struct NoSource;

/// A source that works on this host.
pub(crate) struct HostSource(Host);

impl HostSource {
    /// Looks at what this host shows.
    pub(crate) fn open() -> Result<HostSource, NoSource> {
        Host::open().map(HostSource).ok_or(NoSource)
    }

    /// Reports until the node ends.
    pub(crate) async fn run(mut self, node: Node, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // The first tick comes at once: the measurement is of the time since the opening, and that is none yet.
        ticks.tick().await;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let Some(score) = self.0.calmness().and_then(|calm| Score::try_from(calm).ok()) else {
                warn!("this host's pressure could not be read: no event this time");
                continue;
            };
            let report = Report { score, at: None, source: host::NAME.clone() };
            if let Err(error) = node.ingest_local_beauty(vec![report]).await {
                warn!("this host's calmness was not taken in: {error}");
            }
        }
    }
}
