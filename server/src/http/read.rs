//! What is asked of the node: health, network, heatmap, summary.

use super::AppState;
use super::problem::HttpProblem;
use crate::clock;
use crate::node::{MAP_BUCKETS, MAP_RESOLUTION};
use app::api::{Cheat, CheatProof, GossipSummary, Health, Named, Network};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use beauty::{MAX_COLUMNS, Resolution, Timestamp};
use gossip::{OriginId, Proof};
use serde::Deserialize;
use std::sync::{Mutex, PoisonError};

pub(super) async fn health(State(state): State<AppState>) -> Json<Health> {
    Json(state.node.shared.health(MAP_RESOLUTION))
}

pub(super) async fn network(State(state): State<AppState>) -> Json<Network> {
    Json(state.node.shared.network())
}

pub(super) async fn nodes(State(state): State<AppState>) -> Json<Vec<Named>> {
    Json(state.node.shared.named())
}

pub(super) async fn cheats(State(state): State<AppState>) -> Json<Vec<Cheat>> {
    Json(state.node.shared.cheats(Proof::MAX))
}

/// The proof that the owner of a key cheats, for anybody to check.
pub(super) async fn proof(
    State(state): State<AppState>,
    Path(public_key): Path<String>,
) -> Result<Json<CheatProof>, HttpProblem> {
    let mut key = [0; 32];
    hex::decode_to_slice(&public_key, &mut key)
        .map_err(|_| HttpProblem::bad_query("a public key has 64 hexadecimal digits"))?;
    let stored = state.node.proof(OriginId(key)).await;
    stored.map(|stored| Json(state.node.shared.shown_proof(&stored))).ok_or_else(HttpProblem::no_proof)
}

pub(super) async fn gossip_summary(State(state): State<AppState>) -> Json<GossipSummary> {
    Json(state.node.shared.gossip_summary())
}

/// Ready as soon as it answers, since both ports were opened before the first answer; and as long as the disk keeps what comes.
pub(super) async fn ready(State(state): State<AppState>) -> Result<&'static str, HttpProblem> {
    match state.node.shared.failure() {
        None => Ok("ready\n"),
        Some(why) => Err(HttpProblem::not_kept(why.to_string())),
    }
}

pub(super) async fn heatmap(
    State(state): State<AppState>,
    window: Result<Query<Window>, QueryRejection>,
) -> Result<Response, HttpProblem> {
    let (resolution, buckets) = Window::read(window)?;
    let body = if buckets == MAP_BUCKETS {
        state.heatmaps.get(&state, resolution)
    } else {
        write(&state, resolution, buckets)
    };
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// `?buckets=40&resolution=10s`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    pub(super) buckets: Option<String>,
    pub(super) resolution: Option<String>,
}

impl Window {
    /// What was asked for, or what the map shows where nothing was.
    pub(super) fn read(window: Result<Query<Window>, QueryRejection>) -> Result<(Resolution, usize), HttpProblem> {
        let unknown =
            |_| HttpProblem::bad_query("the parameters are buckets and resolution, as in ?buckets=40&resolution=10s");
        let Query(window) = window.map_err(unknown)?;
        window.checked()
    }

    /// The same, each value checked.
    pub(super) fn checked(self) -> Result<(Resolution, usize), HttpProblem> {
        let resolution = resolution(self.resolution)?;
        let buckets = self.buckets.map_or(Ok(MAP_BUCKETS), |text| text.parse()).ok();
        let buckets = buckets.filter(|buckets| (1..=MAX_COLUMNS).contains(buckets));
        let wrong = || HttpProblem::bad_query(format!("buckets must be a whole number from 1 to {MAX_COLUMNS}"));
        Ok((resolution, buckets.ok_or_else(wrong)?))
    }
}

/// The resolution of this name, or the map's where none is named.
pub(super) fn resolution(name: Option<String>) -> Result<Resolution, HttpProblem> {
    let wrong = |error: beauty::ResolutionError| HttpProblem::bad_query(error.to_string());
    name.map_or(Ok(MAP_RESOLUTION), |name| name.parse().map_err(wrong))
}

/// The map as it was written last, for each resolution: it is asked for more often than it changes.
#[derive(Default)]
pub(super) struct HeatmapCache {
    written: Mutex<[Option<Written>; Resolution::ALL.len()]>,
}

struct Written {
    version: u64,
    /// The newest column began here, and the hour by which the digest's range goes, here.
    column: (Timestamp, Timestamp),
    body: Bytes,
}

impl HeatmapCache {
    fn get(&self, state: &AppState, resolution: Resolution) -> Bytes {
        // The version first: what changes while the map is written makes the copy older, never newer, than it says.
        let now = clock::wall();
        let (version, column) = (state.node.shared.version(), (resolution.floor(now), Resolution::Hour.floor(now)));
        let slot = |written: &[Option<Written>]| {
            let written = written[resolution as usize].as_ref()?;
            (written.version == version && written.column == column).then(|| written.body.clone())
        };
        let known = slot(&*self.written.lock().unwrap_or_else(PoisonError::into_inner));
        known.unwrap_or_else(|| {
            let body = write(state, resolution, MAP_BUCKETS);
            let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            written[resolution as usize] = Some(Written { version, column, body: body.clone() });
            body
        })
    }
}

fn write(state: &AppState, resolution: Resolution, buckets: usize) -> Bytes {
    // Numbers and strings only: there is no value here that JSON can't hold.
    serde_json::to_vec(&state.node.shared.heatmap(resolution, buckets)).unwrap_or_default().into()
}
