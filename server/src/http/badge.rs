//! `GET /federated/badge.svg`: the mesh in one line, for other pages.

use super::{AppState, headers};
use crate::node::MAP_RESOLUTION;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

pub(super) async fn badge(State(state): State<AppState>) -> Response {
    let kind = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "no-cache"), headers::FOR_ALL_SITES];
    (kind, app::badge(&state.node.shared.health(MAP_RESOLUTION))).into_response()
}
