//! What no handler has to think of: a request without a path, and a handler that panics all the same.

use super::problem::HttpProblem;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;

/// Refuses what names a host in place of a path (RFC 9112 §3.2.3): that is for proxies, and this is none.
pub(super) async fn only_paths(request: Request, next: Next) -> Response {
    if request.uri().path_and_query().is_some() {
        return next.run(request).await;
    }
    let detail = "the request names a host and no path; this is no proxy. GET /federated/map would be right";
    HttpProblem::new(StatusCode::BAD_REQUEST, "no-path", "The request has no path", detail).into_response()
}

/// Answers in place of a handler that has panicked, so that whoever asked is not left without a word. The panic's own words are in
/// the log.
pub(super) async fn no_panics(request: Request, next: Next) -> Response {
    // What a handler leaves half done is behind locks that say so.
    AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| {
        let detail = "the node has failed to answer this; its log says where. Please tell the maintainers";
        HttpProblem::new(StatusCode::INTERNAL_SERVER_ERROR, "panic", "This is the node's fault", detail).into_response()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::routing::get;
    use axum::{Router, middleware};
    use tower::ServiceExt;

    async fn status(router: &Router, target: &str) -> u16 {
        let request = Request::builder().uri(target).body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn a_handler_that_panics_is_answered_for() {
        async fn panics() -> &'static str {
            panic!("a bug")
        }
        let router = Router::new().route("/bug", get(panics)).route("/", get(|| async { "fine" }));
        let router = router.layer(middleware::from_fn(no_panics));
        for _ in 0..2 {
            assert_eq!(status(&router, "/bug").await, 500);
            assert_eq!(status(&router, "/").await, 200);
        }
    }

    #[tokio::test]
    async fn a_host_is_no_path() {
        let router = Router::new().fallback(|| async { "fine" }).layer(middleware::from_fn(only_paths));
        assert_eq!(status(&router, "example.com:80").await, 400);
        for target in ["/", "/x?y", "http://example.com", "http://example.com/x", "*"] {
            assert_eq!(status(&router, target).await, 200, "{target}");
        }
    }
}
