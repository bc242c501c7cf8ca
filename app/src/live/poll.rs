//! The snapshot by four fetches, for when there is no stream.

use crate::api::Snapshot;
use futures_util::future::try_join4;
use gloo_net::Error;
use gloo_net::http::Request;
use web_sys::AbortSignal;

/// An answer that has not come by then does not count.
const TIMEOUT_MILLISECONDS: u32 = 8_000;

/// Fetches the four parts at once. The `seq` is 0: the stream begins with a snapshot of its own.
pub(crate) async fn snapshot() -> Result<Snapshot, Error> {
    let (health, network, gossip, heatmap) = try_join4(
        text("/federated/health"),
        text("/federated/network"),
        text("/federated/gossip/summary"),
        text("/federated/heatmap?buckets=40&resolution=10s"),
    )
    .await?;
    Ok(Snapshot {
        seq: 0,
        health: serde_json::from_str(&health)?,
        network: serde_json::from_str(&network)?,
        gossip: serde_json::from_str(&gossip)?,
        heatmap: serde_json::from_str(&heatmap)?,
    })
}

async fn text(path: &str) -> Result<String, Error> {
    let timeout = AbortSignal::timeout_with_u32(TIMEOUT_MILLISECONDS);
    Request::get(path).abort_signal(Some(&timeout)).send().await?.text().await
}
