//! The HTTP face: routes, and what holds for all of them.
//!
//! Plumbing: what is shown is put together in `node/view.rs`, what is accepted is `beauty`'s to say.

mod badge;
mod body;
mod deadline;
mod events;
mod headers;
mod moment;
mod origin;
mod page;
mod pages;
mod portrait;
mod problem;
mod rate;
mod read;
mod serve;
mod sound;
mod stream;
mod token;
mod web_socket;

pub(crate) use serve::{MAX_CONNECTIONS, serve};
pub(crate) use token::Token;

use crate::node::Node;
use axum::Router;
use axum::extract::{FromRef, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use leptos::config::LeptosOptions;
use problem::HttpProblem;
use read::HeatmapCache;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::compression::{CompressionLayer, CompressionLevel};
use tower_http::set_header::SetResponseHeaderLayer;

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) node: Node,
    pub(crate) enabled: bool,
    pub(crate) token: Option<Token>,
    pub(crate) leptos: LeptosOptions,
    pub(crate) limit_loopback: bool,
    pub(crate) tasks: TaskTracker,
    pub(crate) shutdown: CancellationToken,
    heatmaps: Arc<HeatmapCache>,
    rates: Arc<rate::Rates>,
    readers: Arc<stream::Readers>,
    portraits: Arc<portrait::Portraits>,
    pages: Arc<pages::Pages>,
}

impl AppState {
    pub(crate) fn new(
        node: Node,
        (enabled, token): (bool, Option<Token>),
        limit_loopback: bool,
        leptos: LeptosOptions,
        (tasks, shutdown): (TaskTracker, CancellationToken),
    ) -> AppState {
        AppState {
            node,
            enabled,
            token,
            leptos,
            limit_loopback,
            tasks,
            shutdown,
            heatmaps: Arc::default(),
            rates: Arc::default(),
            readers: Arc::new(stream::Readers::new(limit_loopback)),
            portraits: Arc::default(),
            pages: Arc::default(),
        }
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> LeptosOptions {
        state.leptos.clone()
    }
}

/// All routes.
pub(crate) fn router(state: AppState) -> Router {
    let api = Router::new()
        .route("/health", get(read::health).fallback(|| wrong_method("GET")))
        .route("/network", get(read::network).fallback(|| wrong_method("GET")))
        .route("/nodes", get(read::nodes).fallback(|| wrong_method("GET")))
        .route("/cheats", get(read::cheats).fallback(|| wrong_method("GET")))
        .route("/cheats/{public_key}", get(read::proof).fallback(|| wrong_method("GET")))
        .route("/heatmap", get(read::heatmap).fallback(|| wrong_method("GET")))
        .route("/badge.svg", get(badge::badge).fallback(|| wrong_method("GET")))
        .route("/portrait", get(portrait::numbers).fallback(|| wrong_method("GET")))
        .route("/portrait.png", get(portrait::picture).fallback(|| wrong_method("GET")))
        .route("/moment", get(moment::moment).fallback(|| wrong_method("GET")))
        .route("/gossip/summary", get(read::gossip_summary).fallback(|| wrong_method("GET")))
        .route("/events", post(events::post).fallback(|| wrong_method("POST")))
        .route("/stream", get(stream::stream).fallback(|| wrong_method("GET")))
        .fallback(no_such_path)
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .layer(middleware::from_fn_with_state(state.clone(), only_if_enabled));
    Router::new()
        .nest("/federated", api)
        .route("/healthz", get(|| async { "ok\n" }).fallback(|| wrong_method("GET")))
        .route("/readyz", get(read::ready).fallback(|| wrong_method("GET")))
        .merge(page::router(&state))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(middleware::from_fn_with_state(state.clone(), rate::limit))
        .layer(middleware::from_fn(sound::only_paths))
        .layer(middleware::from_fn(sound::no_panics))
        .layer(middleware::map_response(headers::guard))
        .with_state(state)
}

async fn only_if_enabled(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if state.enabled {
        return next.run(request).await;
    }
    let detail = "federation is switched off on this node; start it with FEDERATED_ENABLE=1 (or --enable 1) to gossip \
                  and to answer here";
    HttpProblem::new(StatusCode::SERVICE_UNAVAILABLE, "disabled", "Federation is switched off", detail).into_response()
}

async fn no_such_path(uri: axum::extract::OriginalUri) -> HttpProblem {
    HttpProblem::not_found(uri.path())
}

async fn wrong_method(allowed: &'static str) -> Response {
    let mut response = HttpProblem::wrong_method(allowed).into_response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}
