//! Who may write, and who may open a stream from a page.
//!
//! A browser sends requests and opens WebSockets for any page that its reader visits, and says which site the page is of.

use super::problem::HttpProblem;
use axum::http::{HeaderMap, StatusCode, header};
use std::net::IpAddr;

/// Refuses what a page of another site sends. Who is no browser names no site.
pub(super) fn same_site(headers: &HeaderMap) -> Result<(), HttpProblem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let same = origin.to_str().is_ok_and(|o| o.split_once("://").is_some_and(|(_, site)| site == host(headers)));
    if same { Ok(()) } else { Err(forbidden("a page of another site may not do this")) }
}

/// Refuses requests to a name that anybody could point at this machine (DNS rebinding): where being on this machine is all
/// that is asked for, the node is spoken to by its address, or as localhost.
pub(super) fn by_address(headers: &HeaderMap) -> Result<(), HttpProblem> {
    let host = host(headers);
    let name = if host.ends_with(']') { host } else { host.rsplit_once(':').map_or(host, |(name, _)| name) };
    let name = name.trim_matches(['[', ']']);
    if name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    Err(forbidden("without FEDERATED_INGEST_TOKEN, events are posted to localhost or to an IP address, not to a name"))
}

fn host(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}

fn forbidden(detail: &str) -> HttpProblem {
    HttpProblem::new(StatusCode::FORBIDDEN, "other-site", "Not from there", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &str, origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_the_own_site_passes() {
        assert!(same_site(&headers("a:1", None)).is_ok());
        assert!(same_site(&headers("a:1", Some("http://a:1"))).is_ok());
        for other in ["http://b:1", "http://a:2", "http://a", "null", "a:1", "http://a:1.evil.example", ""] {
            assert!(same_site(&headers("a:1", Some(other))).is_err(), "{other}");
        }
    }

    #[test]
    fn names_that_anybody_could_point_here_do_not_pass() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:8080", "[::1]", "192.0.2.1"] {
            assert!(by_address(&headers(host, None)).is_ok(), "{host}");
        }
        for host in ["evil.example:8080", "localhost.evil.example", "", "127.0.0.1.evil.example:80"] {
            assert!(by_address(&headers(host, None)).is_err(), "{host}");
        }
    }
}
