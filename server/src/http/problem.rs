//! Errors as RFC 9457 has them: what was wrong, where, and what would be right.

use app::api::{EntryError, Problem};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A problem on its way to a client.
#[derive(Debug)]
pub(super) struct HttpProblem(Box<Problem>);

impl HttpProblem {
    /// A problem of this status. The kind is a URN, since there is no page behind it.
    pub(super) fn new(status: StatusCode, kind: &str, title: &str, detail: impl Into<String>) -> HttpProblem {
        HttpProblem(Box::new(Problem {
            kind: format!("urn:beauty-mesh:problem:{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
        }))
    }

    /// The same, with what is wrong with single entries of a list.
    pub(super) fn with_errors(mut self, errors: Vec<EntryError>) -> HttpProblem {
        self.0.errors = errors;
        self
    }

    /// The disk has failed: `why` is a sentence.
    pub(super) fn not_kept(why: impl Into<String>) -> HttpProblem {
        HttpProblem::new(StatusCode::SERVICE_UNAVAILABLE, "not-kept", "The node can't keep anything more", why)
    }

    pub(super) fn not_found(path: &str) -> HttpProblem {
        let path: String = path.chars().take(120).collect();
        HttpProblem::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is nothing here",
            format!(
                "{path} is no part of the API: there are /federated/health, network, nodes, cheats, heatmap, moment, gossip/summary, \
                 portrait, portrait.png, badge.svg, events, stream, map and embed, /healthz and /readyz"
            ),
        )
    }

    /// Nobody has shown that this key cheats.
    pub(super) fn no_proof() -> HttpProblem {
        let detail = "this node has no proof against this key; /federated/cheats lists those against which it has one";
        HttpProblem::new(StatusCode::NOT_FOUND, "no-proof", "There is no such proof", detail)
    }

    pub(super) fn wrong_method(allowed: &str) -> HttpProblem {
        HttpProblem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "wrong-method",
            "This method is not for here",
            format!("allowed here: {allowed}"),
        )
    }

    pub(super) fn bad_query(detail: impl Into<String>) -> HttpProblem {
        HttpProblem::new(StatusCode::BAD_REQUEST, "bad-query", "A parameter of the query is wrong", detail)
    }
}

impl IntoResponse for HttpProblem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // Strings and numbers only: there is no value here that JSON can't hold.
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];
        let mut response = (status, kind, body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
