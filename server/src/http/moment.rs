//! `GET /federated/moment`: all that the page shows, now or at a moment that is still kept.

use super::AppState;
use super::problem::HttpProblem;
use super::read::resolution;
use crate::node::{MAP_BUCKETS, Shared};
use app::api::Snapshot;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use beauty::{Resolution, Score, Timestamp};
use serde::Deserialize;

/// `?at=1763820915999&resolution=10s`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Moment {
    at: Option<String>,
    resolution: Option<String>,
}

pub(super) async fn moment(
    State(state): State<AppState>,
    moment: Result<Query<Moment>, QueryRejection>,
) -> Result<Json<Snapshot>, HttpProblem> {
    let wrong = || {
        HttpProblem::bad_query(
            "the parameters are at, in milliseconds since 1970, and resolution, as in ?at=1763820915999&resolution=10s",
        )
    };
    let Query(Moment { at, resolution: asked }) = moment.map_err(|_| wrong())?;
    let at = at.map(|at| at.parse().map(Timestamp::from_millis).map_err(|_| wrong())).transpose()?;
    Ok(Json(snapshot_at(&state.node.shared, resolution(asked)?, at)))
}

/// What the page showed at a moment, as far as it is kept: the map, and the numbers of its columns. Peers, gossip and the digest
/// are those of now: their past is not kept. Of no moment, and of one that is yet to come, it is what the page shows now.
pub(super) fn snapshot_at(shared: &Shared, resolution: Resolution, at: Option<Timestamp>) -> Snapshot {
    let mut snapshot = shared.snapshot(resolution, MAP_BUCKETS);
    let Some(at) = at.filter(|at| at.as_millis() <= snapshot.health.now) else { return snapshot };
    // No delta follows on the past.
    (snapshot.run, snapshot.seq, snapshot.at) = (0, 0, Some(at.as_millis()));
    let ledger = shared.ledger();
    snapshot.heatmap = ledger.heatmap(at, resolution, MAP_BUCKETS);
    // That is of now.
    snapshot.heatmap.nodes.iter_mut().for_each(|row| row.newest = None);
    let totals = ledger.totals(at, resolution, MAP_BUCKETS);
    let health = &mut snapshot.health;
    (health.beauty_avg, health.chaos) = (totals.avg(), totals.chaos());
    (health.beauty_min, health.beauty_max) = (totals.min().map(Score::as_f64), totals.max().map(Score::as_f64));
    let now = ledger.digest(Timestamp::from_millis(health.now));
    (snapshot.heatmap.digest, snapshot.heatmap.digest_from) = (now.hex(), now.from.as_millis());
    snapshot
}
