//! The snapshot by a fetch, for when there is no stream.

use crate::api::Snapshot;
use crate::json::{self, Json};
use beauty::{Likeness, Resolution};
use gloo_net::http::Request;
use web_sys::AbortSignal;

/// An answer that has not come by then does not count.
const TIMEOUT_MILLISECONDS: u32 = 8_000;

/// No answer came, or none that can be read.
pub(crate) struct Unanswered;

/// Fetches what the page shows, now or at a moment.
pub(crate) async fn snapshot(resolution: Resolution, at: Option<u64>) -> Result<Snapshot, Unanswered> {
    let at = at.map(|at| format!("&at={at}")).unwrap_or_default();
    answer(&format!("/federated/moment?resolution={resolution}{at}")).await
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
