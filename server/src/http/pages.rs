//! Pages as they were rendered last: a page is asked for by many at the same time, and rendering it is most of what it costs.
//!
//! A page is kept for less than a second, which is as old as its numbers may be: whoever has a browser then gets the rest over the
//! stream. Its scripts carry a nonce, which each answer has for itself: it is put in anew.

use super::AppState;
use app::Preferences;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use leptos::nonce::Nonce;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a page is kept.
const FRESH: Duration = Duration::from_millis(900);
/// So many pages are kept, of so many bytes together; a page of 200 nodes has half a million.
const MOST: usize = 16;
const MOST_BYTES: usize = 16 * 1_024 * 1_024;
/// A page that is larger than this is not kept, and not sent: a thousand nodes take a third of it.
const LARGEST: usize = 8 * 1_024 * 1_024;

/// The pages.
#[derive(Default)]
pub(super) struct Pages(Mutex<VecDeque<Page>>);

struct Page {
    asked: Asked,
    rendered: Instant,
    headers: HeaderMap,
    /// The policy, around each nonce in it, and the document likewise.
    policy: Vec<String>,
    document: Vec<String>,
    bytes: usize,
}

/// What a page depends on, beside the moment.
#[derive(Clone, PartialEq, Eq)]
struct Asked {
    path: String,
    query: String,
    preferences: Preferences,
}

impl Asked {
    /// What a request asks for; none where the answer is that reader's alone, since it has the browser keep what was chosen.
    fn of(request: &Request) -> Option<Asked> {
        let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (path, query) = (request.uri().path().to_owned(), request.uri().query().unwrap_or_default().to_owned());
        let preferences = Preferences::of_request(&query, text(header::COOKIE), text(header::ACCEPT_LANGUAGE));
        let for_all = request.method() == Method::GET && preferences.cookies(&query).is_empty();
        for_all.then_some(Asked { path, query, preferences })
    }
}

/// Answers with a page that was rendered a moment ago, or renders one.
pub(super) async fn kept(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let Some(asked) = Asked::of(&request) else { return next.run(request).await };
    if let Some(answer) = state.pages.answer(&asked) {
        return answer;
    }
    let rendered = Instant::now();
    let (parts, body) = next.run(request).await.into_parts();
    if parts.status != StatusCode::OK {
        return Response::from_parts(parts, body);
    }
    // It comes from ourselves: it is too large, or it is there.
    let Ok(document) = to_bytes(body, LARGEST).await else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    state.pages.keep(asked, rendered, &parts.headers, &document);
    Response::from_parts(parts, Body::from(document))
}

impl Pages {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Page>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, asked: &Asked) -> Option<Response> {
        let mut pages = self.lock();
        pages.retain(|page| page.rendered.elapsed() < FRESH);
        let page = pages.iter().find(|page| page.asked == *asked)?;
        let nonce = Nonce::new();
        let mut headers = page.headers.clone();
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(&page.policy.join(&nonce)).ok()?);
        Some((headers, Bytes::from(page.document.join(&nonce))).into_response())
    }

    fn keep(&self, asked: Asked, rendered: Instant, headers: &HeaderMap, document: &Bytes) {
        let Some(page) = Page::new(asked, rendered, headers, document) else { return };
        let mut pages = self.lock();
        pages.push_back(page);
        while pages.len() > MOST || pages.iter().map(|page| page.bytes).sum::<usize>() > MOST_BYTES {
            pages.pop_front();
        }
    }
}

impl Page {
    /// A page with a policy that names one nonce; none of any other.
    fn new(asked: Asked, rendered: Instant, headers: &HeaderMap, document: &Bytes) -> Option<Page> {
        let policy = headers.get(header::CONTENT_SECURITY_POLICY)?.to_str().ok()?;
        let (_, after) = policy.split_once("'nonce-")?;
        let (nonce, _) = after.split_once('\'')?;
        let parts = |text: &str| text.split(nonce).map(str::to_owned).collect();
        let document = std::str::from_utf8(document).ok().filter(|_| !nonce.is_empty())?;
        Some(Page {
            asked,
            rendered,
            headers: headers.clone(),
            policy: parts(policy),
            document: parts(document),
            bytes: document.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "<script nonce=\"old\">1</script><p>cold</p><script nonce=\"old\">2</script>";

    fn asked(query: &str) -> Asked {
        Asked { path: "/federated/map".to_owned(), query: query.to_owned(), preferences: Preferences::default() }
    }

    fn keep(pages: &Pages, query: &str, rendered: Instant, document: &'static str) {
        let policy = HeaderValue::from_static("script-src 'nonce-old'; img-src 'self'");
        let headers = HeaderMap::from_iter([(header::CONTENT_SECURITY_POLICY, policy)]);
        pages.keep(asked(query), rendered, &headers, &Bytes::from_static(document.as_bytes()));
    }

    async fn text(answer: Response) -> (String, String) {
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        let document = to_bytes(answer.into_body(), LARGEST).await.unwrap();
        (policy, String::from_utf8(document.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn each_answer_has_a_nonce_of_its_own_in_its_policy_and_in_its_scripts() {
        let pages = Pages::default();
        keep(&pages, "", Instant::now(), DOCUMENT);
        let (policy, document) = text(pages.answer(&asked("")).unwrap()).await;
        let nonce = policy.strip_prefix("script-src 'nonce-").unwrap().strip_suffix("'; img-src 'self'").unwrap();
        assert!(nonce.len() >= 16 && nonce != "old");
        assert_eq!(document.matches(&format!("nonce=\"{nonce}\"")).count(), 2);
        let (other, _) = text(pages.answer(&asked("")).unwrap()).await;
        assert_ne!(policy, other);
    }

    #[test]
    fn a_page_is_the_answer_to_its_own_question_and_not_for_long() {
        let pages = Pages::default();
        keep(&pages, "res=1m", Instant::now(), DOCUMENT);
        assert!(pages.answer(&asked("res=1m")).is_some() && pages.answer(&asked("")).is_none());
        let Some(past) = Instant::now().checked_sub(FRESH) else { return };
        keep(&pages, "res=1h", past, DOCUMENT);
        assert!(pages.answer(&asked("res=1h")).is_none());
    }

    #[test]
    fn no_more_pages_are_kept_than_there_is_room_for() {
        let pages = Pages::default();
        for page in 0..2 * MOST {
            keep(&pages, &page.to_string(), Instant::now(), DOCUMENT);
        }
        assert_eq!(pages.lock().len(), MOST);
        assert!(pages.answer(&asked(&(2 * MOST - 1).to_string())).is_some());
    }
}
