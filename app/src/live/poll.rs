//! The snapshot by four fetches, for when there is no stream.

use crate::api::{History, Snapshot};
use crate::json::{self, Json};
use beauty::{Likeness, Resolution};
use futures_util::future::try_join4;
use gloo_net::http::Request;
use web_sys::AbortSignal;

/// An answer that has not come by then does not count.
const TIMEOUT_MILLISECONDS: u32 = 8_000;

/// No answer came, or none that can be read.
pub(crate) struct Unanswered;

/// Fetches the four parts at once. The `seq` is 0: the stream begins with a snapshot of its own. The history is whoever's asks.
pub(crate) async fn snapshot(resolution: Resolution) -> Result<Snapshot, Unanswered> {
    let heatmap = format!("/federated/heatmap?buckets=40&resolution={resolution}");
    let (health, network, gossip, heatmap) = try_join4(
        answer("/federated/health"),
        answer("/federated/network"),
        answer("/federated/gossip/summary"),
        answer(&heatmap),
    )
    .await?;
    Ok(Snapshot { run: 0, seq: 0, health, network, gossip, heatmap, history: History::default() })
}

/// Fetches what the page showed, or would have shown, at a moment.
pub(crate) async fn moment(resolution: Resolution, at: u64) -> Result<Snapshot, Unanswered> {
    answer(&format!("/federated/moment?at={at}&resolution={resolution}")).await
}

/// Fetches what the portrait is drawn from.
pub(crate) async fn likeness() -> Result<Likeness, Unanswered> {
    answer("/federated/portrait").await
}

async fn answer<T: Json>(path: &str) -> Result<T, Unanswered> {
    json::read(&text(path).await?).ok_or(Unanswered)
}

async fn text(path: &str) -> Result<String, Unanswered> {
    let timeout = AbortSignal::timeout_with_u32(TIMEOUT_MILLISECONDS);
    let answer = Request::get(path).abort_signal(Some(&timeout)).send().await.map_err(|_| Unanswered)?;
    answer.text().await.map_err(|_| Unanswered)
}
