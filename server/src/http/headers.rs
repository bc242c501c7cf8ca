//! What every answer says to a browser: what it may do with it, which is hardly anything.
//!
//! The policy of an answer allows nothing; a page brings one of its own, with a nonce for its scripts (Content Security Policy
//! Level 3). A route that is to be shown by other sites says so itself: what it has set stays.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

/// No page may show this in a frame.
const UNFRAMED: &str = "frame-ancestors 'none'";
const NOTHING: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The headers of every answer that doesn't say otherwise.
const ALWAYS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, NOTHING),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (RESOURCE_POLICY, "same-origin"),
    (HeaderName::from_static("origin-agent-cluster"), "?1"),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), \
         midi=(), payment=(), usb=()",
    ),
];

/// For pictures that other sites may show.
pub(super) const FOR_ALL_SITES: (HeaderName, &str) = (RESOURCE_POLICY, "cross-origin");

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Sets what the answer has not set itself.
pub(super) async fn guard(mut response: Response) -> Response {
    for (name, value) in ALWAYS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    // The same for browsers that know no policy, which can't say "by anybody".
    let policy = response.headers().get(header::CONTENT_SECURITY_POLICY).and_then(|policy| policy.to_str().ok());
    if policy.is_none_or(|policy| policy.contains(UNFRAMED)) {
        response.headers_mut().insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    response
}

/// The policy of a page: its own files, and the scripts that carry this nonce. `reload` is the port at which a page that is being
/// edited hears of changes. `embedded` is a page that other sites may show in a frame.
///
/// `None` if the nonce is none that a header can hold; then the answer has the policy of all others, and the page is a dead
/// one, not an open one.
pub(super) fn page(nonce: &str, reload: Option<u32>, embedded: bool) -> Option<HeaderValue> {
    let reload = reload.map(|port| format!(" ws://127.0.0.1:{port} ws://localhost:{port}")).unwrap_or_default();
    let framed = if embedded { "frame-ancestors *" } else { UNFRAMED };
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; \
         connect-src 'self'{reload}; base-uri 'none'; form-action 'self'; {framed}"
    );
    HeaderValue::from_str(&policy).ok()
}
