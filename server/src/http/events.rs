//! `POST /federated/events`: scores from outside.

use super::AppState;
use super::problem::HttpProblem;
use super::{body, origin};
use crate::node::IngestError;
use app::api::{Accepted, EntryError};
use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use beauty::Report;
use serde_json::Value;
use std::net::SocketAddr;

/// How many events one request may hold.
const MAX_EVENTS: usize = 1_000;
/// How many wrong entries are described; the others are like them.
const MAX_ERRORS: usize = 20;

/// Takes in one event or a list: all of them, or none.
pub(super) async fn post(
    State(state): State<AppState>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Accepted>), HttpProblem> {
    authorize(&state, from, &headers)?;
    let reports = read(&body::read(&headers, body).await?)?;
    let ids = state.node.ingest_local_beauty(reports).await.map_err(not_taken)?;
    let event_ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    Ok((StatusCode::ACCEPTED, Json(Accepted { accepted: event_ids.len(), event_ids })))
}

/// By which a proxy says that it speaks for somebody else. Where one stands on this machine, whoever it speaks for does not.
const FORWARDED: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// The token where one is set, else this machine only; and never a page of another site.
fn authorize(state: &AppState, from: SocketAddr, headers: &HeaderMap) -> Result<(), HttpProblem> {
    origin::same_site(headers)?;
    match &state.token {
        Some(token) => {
            let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
            let given = given.and_then(|value| value.split_once(' ')).filter(|(s, _)| s.eq_ignore_ascii_case("bearer"));
            if given.is_some_and(|(_, given)| token.is(given)) {
                return Ok(());
            }
            let detail = "this node wants the header \"Authorization: Bearer TOKEN\", with the token that its \
                          FEDERATED_INGEST_TOKEN names";
            Err(HttpProblem::new(StatusCode::UNAUTHORIZED, "no-token", "The token is missing or wrong", detail))
        }
        None if from.ip().to_canonical().is_loopback() => {
            if let Some(name) = FORWARDED.into_iter().find(|name| headers.contains_key(*name)) {
                let detail = format!(
                    "the request came through a proxy, as its header {name:?} tells, and this node takes events from its own machine \
                     only; set FEDERATED_INGEST_TOKEN there, and send it as a bearer token"
                );
                return Err(HttpProblem::new(StatusCode::FORBIDDEN, "not-loopback", "Only from this machine", detail));
            }
            origin::by_address(headers)
        }
        None => {
            let detail = "this node takes events from its own machine only; set FEDERATED_INGEST_TOKEN there, and send \
                          it as a bearer token, to post from elsewhere";
            Err(HttpProblem::new(StatusCode::FORBIDDEN, "not-loopback", "Only from this machine", detail))
        }
    }
}

fn read(body: &[u8]) -> Result<Vec<Report>, HttpProblem> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(not_json("the body is empty; {\"beauty\": 0.8} would be right"));
    }
    let value: Value =
        serde_json::from_slice(body).map_err(|error| not_json(format!("the body is not JSON: {error}")))?;
    let entries = match value {
        Value::Array(entries) => entries,
        single => return Report::parse(&single).map(|report| vec![report]).map_err(|e| wrong_event(e.to_string())),
    };
    if entries.is_empty() || entries.len() > MAX_EVENTS {
        return Err(wrong_event(format!("a list holds 1 to {MAX_EVENTS} events; this one holds {}", entries.len())));
    }
    let parsed: Vec<_> = entries.iter().map(Report::parse).collect();
    let wrong = parsed.iter().enumerate().filter_map(|(i, entry)| Some((i, entry.as_ref().err()?.to_string())));
    let wrong: Vec<(usize, String)> = wrong.collect();
    if wrong.is_empty() { Ok(parsed.into_iter().flatten().collect()) } else { Err(wrong_entries(wrong)) }
}

fn not_taken(error: IngestError) -> HttpProblem {
    match error {
        IngestError::Times(refused) => {
            wrong_entries(refused.into_iter().map(|(index, refusal)| (index, refusal.to_string())).collect())
        }
        IngestError::NotKept(error) => HttpProblem::not_kept(error.to_string()),
        IngestError::Ending => {
            HttpProblem::new(StatusCode::SERVICE_UNAVAILABLE, "ending", "The node is ending", error.to_string())
        }
    }
}

fn not_json(detail: impl Into<String>) -> HttpProblem {
    HttpProblem::new(StatusCode::BAD_REQUEST, "not-json", "The body is not JSON", detail)
}

fn wrong_event(detail: String) -> HttpProblem {
    HttpProblem::new(StatusCode::UNPROCESSABLE_ENTITY, "wrong-event", "The event is not acceptable", detail)
}

fn wrong_entries(wrong: Vec<(usize, String)>) -> HttpProblem {
    let Some((index, first)) = wrong.first() else { return wrong_event("nothing was taken in".to_owned()) };
    let detail = format!("nothing was taken in: entry {index}: {first}");
    let errors =
        wrong.iter().take(MAX_ERRORS).map(|(index, detail)| EntryError { index: *index, detail: detail.clone() });
    wrong_event(detail).with_errors(errors.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;
    use std::time::Duration;

    const BODIES: [&str; 4] = [
        r#"{"beauty": 0.8, "source": "mood", "timestamp": 1767225600000}"#,
        r#"[{"beauty": 0}, {"beauty": 1.0e0, "timestamp": "2026-01-01T00:00:00Z"}, {"beauty": null}]"#,
        r#"[[[[[[[[{"beauty": "0.5"}]]]]]]]]"#,
        "\u{feff} [-0.0e-400]",
    ];

    /// Fuzz target: any body leads to events or to words that can be shown.
    #[test]
    fn no_body_is_too_strange_to_be_answered() {
        bolero::check!().with_test_time(Duration::from_secs(1)).with_max_len(256).for_each(|bytes: &[u8]| {
            let (pick, edits) = bytes.split_first().unwrap_or((&0, &[]));
            let mut body =
                BODIES.get(usize::from(*pick) % (BODIES.len() + 1)).map_or(Vec::new(), |b| b.as_bytes().to_vec());
            if body.is_empty() {
                body = edits.to_vec();
            }
            for edit in edits.chunks_exact(2) {
                let at = usize::from(edit[0]) * body.len().max(1) / 256;
                body.splice(at..(at + 1).min(body.len()).max(at), [edit[1]]);
            }
            match read(&body) {
                Ok(reports) => assert!((1..=MAX_EVENTS).contains(&reports.len())),
                Err(problem) => assert!(problem.into_response().status().is_client_error()),
            }
        });
    }
}
