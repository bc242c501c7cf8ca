//! The body of a request: bounded in size and time, and refused so that the client hears of it.

use super::problem::HttpProblem;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;
use std::time::Duration;
use tokio::time::timeout;

/// The largest body, in bytes.
const MAX: usize = 64 * 1_024;
/// How long a body may take, all of it.
const DEADLINE: Duration = Duration::from_secs(8);
/// How much of a larger body is read and thrown away. A client that is still sending when its connection closes may never
/// see the answer.
const MAX_DRAINED: usize = 16 * 1_024 * 1_024;

/// Reads a body whole.
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, HttpProblem> {
    let waits = headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let said = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if waits && said.is_some_and(|length| length > MAX) {
        return Err(too_large());
    }
    timeout(DEADLINE, collect(body)).await.map_err(|_| unfinished())?
}

async fn collect(body: Body) -> Result<Bytes, HttpProblem> {
    let (mut chunks, mut kept, mut length) = (body.into_data_stream(), Vec::new(), 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| unfinished())?;
        length += chunk.len();
        if length > MAX_DRAINED {
            break;
        }
        if length <= MAX {
            kept.extend_from_slice(&chunk);
        } else {
            kept = Vec::new();
        }
    }
    if length > MAX { Err(too_large()) } else { Ok(kept.into()) }
}

fn too_large() -> HttpProblem {
    let detail = format!("a body has at most {MAX} bytes; send the events in several requests");
    HttpProblem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail)
}

/// The deadline has passed, or the connection broke, and nobody may be there to read this.
fn unfinished() -> HttpProblem {
    let detail = "the body of the request did not arrive whole and in time; send it again";
    HttpProblem::new(StatusCode::REQUEST_TIMEOUT, "unfinished-body", "The body did not come", detail)
}
