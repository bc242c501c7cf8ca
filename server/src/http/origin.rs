//! Who may write, and who may open a stream from a page.
//!
//! A browser sends requests and opens WebSockets for any page that its reader visits, and says which site the page is of.

use super::problem::HttpProblem;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use std::net::IpAddr;

/// Refuses what a page of another site sends. Who is no browser names no site, neither as `Origin` nor as `Sec-Fetch-Site`.
pub(super) fn same_site(headers: &HeaderMap) -> Result<(), HttpProblem> {
    let refused = || forbidden("a page of another site may not do this");
    let host = host(headers)?;
    // `none` is what somebody has typed into the address bar.
    let fetched = headers.get_all("sec-fetch-site").iter().all(|site| site == "same-origin" || site == "none");
    let origins = headers.get_all(header::ORIGIN);
    // A proxy in front of the node may speak https where the node does not.
    let same = |origin: &HeaderValue| {
        let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        origin.is_some_and(|(scheme, site)| matches!(scheme, "http" | "https") && site == host)
    };
    if fetched && origins.iter().all(same) && origins.iter().count() <= 1 { Ok(()) } else { Err(refused()) }
}

/// Refuses requests to a name that anybody could point at this machine (DNS rebinding): where being on this machine is all
/// that is asked for, the node is spoken to by its address, or as localhost.
pub(super) fn by_address(headers: &HeaderMap) -> Result<(), HttpProblem> {
    let host = host(headers)?;
    let name = if host.ends_with(']') { host } else { host.rsplit_once(':').map_or(host, |(name, _)| name) };
    let name = name.trim_matches(['[', ']']);
    if name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    Err(forbidden("without FEDERATED_INGEST_TOKEN, events are posted to localhost or to an IP address, not to a name"))
}

/// Whom the request is for: said once, and in ASCII.
fn host(headers: &HeaderMap) -> Result<&str, HttpProblem> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()).filter(|_| hosts.next().is_none());
    host.ok_or_else(|| forbidden("a request names its Host once"))
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
