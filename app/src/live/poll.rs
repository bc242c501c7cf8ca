//! The snapshot by four fetches, for when there is no stream.

use crate::api::Snapshot;
use beauty::{Likeness, Resolution};
use futures_util::future::try_join4;
use gloo_net::Error;
use gloo_net::http::Request;
use web_sys::AbortSignal;

/// An answer that has not come by then does not count.
const TIMEOUT_MILLISECONDS: u32 = 8_000;

/// Fetches the four parts at once. The `seq` is 0: the stream begins with a snapshot of its own.
pub(crate) async fn snapshot(resolution: Resolution) -> Result<Snapshot, Error> {
    let heatmap = format!("/federated/heatmap?buckets=40&resolution={resolution}");
    let (health, network, gossip, heatmap) = try_join4(
        text("/federated/health"),
        text("/federated/network"),
        text("/federated/gossip/summary"),
        text(&heatmap),
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

/// Fetches what the page showed, or would have shown, at a moment.
pub(crate) async fn moment(resolution: Resolution, at: u64) -> Result<Snapshot, Error> {
    let text = text(&format!("/federated/moment?at={at}&resolution={resolution}")).await?;
    Ok(serde_json::from_str(&text)?)
}

/// Fetches what the portrait is drawn from.
pub(crate) async fn likeness() -> Result<Likeness, Error> {
    Ok(serde_json::from_str(&text("/federated/portrait").await?)?)
}

async fn text(path: &str) -> Result<String, Error> {
    let timeout = AbortSignal::timeout_with_u32(TIMEOUT_MILLISECONDS);
    Request::get(path).abort_signal(Some(&timeout)).send().await?.text().await
}
