//! The page: rendered by `app`, and the files that it asks for.

use super::headers;
use super::moment::snapshot_at;
use super::problem::HttpProblem;
use super::{AppState, pages, portrait};
use any_spawner::Executor;
use app::{Address, Preferences, SnapshotSource, shell};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use leptos::config::LeptosOptions;
use leptos::nonce::use_nonce;
use leptos::prelude::{provide_context, use_context};
use leptos_axum::ResponseOptions;
use tower::ServiceExt;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// The page.
const MAP: &str = "/federated/map";
/// The page that other sites may show in a frame.
const EMBED: &str = "/federated/embed";

/// The routes of the page and of its files.
pub(super) fn router(state: &AppState) -> Router<AppState> {
    let options = state.leptos.clone();
    let (root, pkg) = (options.site_root.to_string(), options.site_pkg_dir.to_string());
    let files = ServeDir::new(format!("{root}/{pkg}")).precompressed_br().precompressed_gzip();
    // Their names hold a hash of their content: another content has another name.
    let cache =
        HeaderValue::from_static(if options.hash_files { "public, max-age=31536000, immutable" } else { "no-cache" });
    // Fails only where it is done already, by another node of this process.
    let _ = Executor::init_tokio();
    let page = leptos_axum::render_app_to_stream_with_context(provide(state), move || shell(options.clone()));
    let files = Router::new()
        .fallback_service(files)
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, cache))
        .layer(SetResponseHeaderLayer::if_not_present(header::VARY, HeaderValue::from_static("accept-encoding")));
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/federated/map") }))
        .nest_service(&format!("/{pkg}"), files)
        .route(MAP, get(page.clone()).layer(middleware::from_fn_with_state(state.clone(), pages::kept)))
        .route(EMBED, get(page))
        .fallback(fallback)
}

/// Gives the page its data, read anew for each page, and nothing while federation is off; and the answer its policy, with the
/// nonce that the page's scripts carry.
fn provide(state: &AppState) -> impl Fn() + Clone + Send + Sync + 'static {
    let (node, enabled, portraits) = (state.node.clone(), state.enabled, state.clone());
    let take = move |resolution, at| enabled.then(|| snapshot_at(&node.shared, resolution, at));
    let source = SnapshotSource::new(take, move || portrait::likeness(&portraits));
    // cargo-leptos sets it where it serves a page that is being edited.
    let reload = std::env::var_os("LEPTOS_WATCH").map(|_| state.leptos.reload_port);
    move || {
        provide_context(source.clone());
        provide_context(preferences());
        if let Some(parts) = use_context::<Parts>() {
            let query = parts.uri.query().unwrap_or_default().to_owned();
            provide_context(Address { path: parts.uri.path().to_owned(), query });
        }
        let embedded = use_context::<Parts>().is_some_and(|parts| parts.uri.path() == EMBED);
        let policy = use_nonce().and_then(|nonce| headers::page(&nonce, reload, embedded));
        if let (Some(answer), Some(policy)) = (use_context::<ResponseOptions>(), policy) {
            answer.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

/// What the reader likes, as the request says it; what was chosen in its query, the browser is told to keep.
fn preferences() -> Preferences {
    let Some(parts) = use_context::<Parts>() else { return Preferences::default() };
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    let preferences = Preferences::of_request(query, text(header::COOKIE), text(header::ACCEPT_LANGUAGE));
    if let Some(answer) = use_context::<ResponseOptions>() {
        for cookie in preferences.cookies(query) {
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                answer.append_header(header::SET_COOKIE, cookie);
            }
        }
    }
    preferences
}

/// A file of the site, or the page's own words for what is not there.
async fn fallback(State(state): State<AppState>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if path.starts_with("/federated/") {
        return HttpProblem::not_found(&path).into_response();
    }
    let (parts, _) = request.into_parts();
    let asked = Request::from_parts(parts.clone(), axum::body::Body::empty());
    let Ok(file) = ServeDir::new(&*state.leptos.site_root).oneshot(asked).await;
    if file.status().is_success() || file.status().is_redirection() {
        return file.into_response();
    }
    let options: LeptosOptions = state.leptos.clone();
    // Fails only where it is done already, by another node of this process.
    let _ = Executor::init_tokio();
    let page = leptos_axum::render_app_to_stream_with_context(provide(&state), move || shell(options.clone()));
    let mut response = page(Request::from_parts(parts, axum::body::Body::empty())).await.into_response();
    *response.status_mut() = axum::http::StatusCode::NOT_FOUND;
    response
}
